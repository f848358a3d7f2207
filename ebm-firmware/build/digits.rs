//! The test digits that come with ebm-train, unpacked: the device has no room for a decompressor.
//!
//! `EBM_TEST_DIGITS` says how many of them, from the first, lie in flash; without it all do.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use crate::shared;

/// Writes `digits.levels` (a row of bytes a digit) and `digits.labels` (a byte a digit); returns the length of a row, `None` where
/// no digit is wanted.
pub fn unpack(root: &Path, out: &Path) -> Result<Option<usize>> {
    println!("cargo::rerun-if-env-changed=EBM_TEST_DIGITS");
    let file = |name| shared::find(root, &format!("ebm-train/data/digits/{name}"));
    let (images, image_shape) = read(&file("test-images-idx3-ubyte.gz"), 3)?;
    let (labels, label_shape) = read(&file("test-labels-idx1-ubyte.gz"), 1)?;
    ensure!(image_shape[0] == label_shape[0], "the test digits: {} images, {} labels", image_shape[0], label_shape[0]);
    let row: usize = image_shape[1..].iter().product();
    let count = match env::var("EBM_TEST_DIGITS") {
        Ok(text) => text.parse().with_context(|| format!("EBM_TEST_DIGITS={text}: a number of digits"))?,
        Err(_) => labels.len(),
    };
    let count = labels.len().min(count);
    fs::write(out.join("digits.levels"), &images[..count * row])?;
    fs::write(out.join("digits.labels"), &labels[..count])?;
    Ok((count > 0).then_some(row))
}

/// Data and dimensions of a compressed idx file of bytes.
fn read(path: &Path, dimensions: usize) -> Result<(Vec<u8>, Vec<usize>)> {
    println!("cargo::rerun-if-changed={}", path.display());
    let reading = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).with_context(reading)?).read_to_end(&mut bytes).with_context(reading)?;
    let body = 4 + 4 * dimensions;
    ensure!(bytes.len() > body && bytes[3] as usize == dimensions, "{}: not {dimensions}-dimensional", path.display());
    let shape: Vec<usize> =
        bytes[4..body].chunks(4).map(|word| word.iter().fold(0, |size, &byte| size << 8 | usize::from(byte))).collect();
    bytes.drain(..body);
    ensure!(bytes.len() == shape.iter().product::<usize>(), "{}: cut short", path.display());
    Ok((bytes, shape))
}
