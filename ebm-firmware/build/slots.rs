//! The slots as they are when the firmware is flashed: the model in the first, the second erased.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ebm_core::format::crc32;

#[path = "../src/slots/record.rs"]
mod record;
use record::Record;

/// Writes `slots.bin`; returns a slot's length, a multiple of `page`. `EBM_SLOT_BYTES` asks for more room than the model takes.
pub fn write(model: &[u8], page: usize, out: &Path) -> Result<usize> {
    println!("cargo::rerun-if-env-changed=EBM_SLOT_BYTES");
    let needed = Record::LEN + model.len();
    let asked = match env::var("EBM_SLOT_BYTES") {
        Ok(text) => text.parse().with_context(|| format!("EBM_SLOT_BYTES={text}: a number of bytes"))?,
        Err(_) => needed,
    };
    ensure!(asked >= needed, "EBM_SLOT_BYTES={asked}: the model alone takes {needed}");
    let slot = asked.next_multiple_of(page);
    // Erased flash is of ones.
    let mut image = vec![0xFF; 2 * slot];
    let record = Record { sequence: 0, len: u32::try_from(model.len())?, crc: crc32(model) };
    image[..Record::LEN].copy_from_slice(&record.to_bytes());
    ensure!(Record::read(&image) == Some(record), "a record reads as another than was written");
    image[Record::LEN..needed].copy_from_slice(model);
    fs::write(out.join("slots.bin"), image).context("cannot write slots.bin")?;
    Ok(slot)
}
