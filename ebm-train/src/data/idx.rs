//! The idx format of MNIST: big-endian magic, dimensions, then bytes; gzip-compressed or not.

use super::{ImageShape, Levels};
use crate::Error;
use flate2::read::GzDecoder;
use std::io::Read;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
/// Third byte of an idx magic number: unsigned bytes.
const UNSIGNED_BYTE: u8 = 8;

/// Dimensions and data of an idx file. `name` is what an error calls it.
fn parse(name: &str, bytes: &[u8], dimensions: u8) -> Result<(Vec<usize>, Vec<u8>), Error> {
    let mut raw = Vec::new();
    if bytes.starts_with(&GZIP_MAGIC) {
        GzDecoder::new(bytes)
            .read_to_end(&mut raw)
            .map_err(|error| Error::data(name, format!("cannot be decompressed: {error}")))?;
    } else {
        raw.extend_from_slice(bytes);
    }
    if !raw.starts_with(&[0, 0, UNSIGNED_BYTE, dimensions]) {
        return Err(Error::data(name, format!("not an idx file of unsigned bytes in {dimensions} dimensions")));
    }
    let body = 4 + 4 * usize::from(dimensions);
    let header = raw.get(4..body).ok_or_else(|| Error::data(name, "cut short within its dimensions".into()))?;
    let shape: Vec<usize> =
        header.chunks_exact(4).map(|word| word.iter().fold(0, |value, &byte| value << 8 | usize::from(byte))).collect();
    let expected = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let found = raw.len() - body;
    if expected != Some(found) {
        return Err(Error::data(name, format!("its dimensions {shape:?} do not fit its {found} bytes of data")));
    }
    raw.drain(..body);
    Ok((shape, raw))
}

/// Reads images and their labels. Fails when either is no idx file or their counts differ.
pub(super) fn read(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<Levels, Error> {
    let (shape, levels) = parse(images.0, images.1, 3)?;
    let (label_shape, label_bytes) = parse(labels.0, labels.1, 1)?;
    if shape[0] != label_shape[0] {
        return Err(Error::data(labels.0, format!("{} labels for {} images", label_shape[0], shape[0])));
    }
    Ok(Levels { image: ImageShape { height: shape[1], width: shape[2] }, levels, labels: label_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];
    const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9];

    #[test]
    fn reads_images_and_labels() {
        let levels = read(("images", IMAGES), ("labels", LABELS)).expect("two images");
        assert_eq!(levels.image, ImageShape { width: 2, height: 1 });
        assert_eq!((levels.levels, levels.labels), (vec![1, 2, 3, 4], vec![7, 9]));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let message = |images: &[u8], labels: &[u8]| match read(("images", images), ("labels", labels)) {
            Ok(_) => panic!("a damaged file was read"),
            Err(error) => error.to_string(),
        };
        assert!(message(&IMAGES[..19], LABELS).contains("images: its dimensions [2, 1, 2] do not fit its 3 bytes"));
        assert!(message(&IMAGES[..9], LABELS).contains("images: cut short"));
        assert!(message(LABELS, LABELS).contains("images: not an idx file"));
        assert!(message(IMAGES, &[0, 0, 8, 1, 0, 0, 0, 1, 7]).contains("labels: 1 labels for 2 images"));
        assert!(message(&[0x1F, 0x8B, 0, 0], LABELS).contains("images: cannot be decompressed"));
    }
}
