//! The npz format of NumPy: a zip archive with one npy file an array.

use super::{Array, Named, npy};
use crate::Error;
use std::io::{self, Read, Seek, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// What an archive starts with.
pub const MAGIC: &[u8] = b"PK";

/// All arrays of an archive, compressed or not. Fails when it is none, or a member is no array.
pub fn read(name: &str, file: impl Read + Seek) -> Result<Named, Error> {
    let wrong = |error: zip::result::ZipError| Error::data(name, format!("is no npz file: {error}"));
    let mut archive = ZipArchive::new(file).map_err(wrong)?;
    let mut arrays = Named::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(wrong)?;
        let member_name = member.name().map_err(wrong)?.into_owned();
        let array = npy::read(&format!("{name}, {member_name}"), &mut member)?;
        arrays.insert(member_name.strip_suffix(".npy").unwrap_or(&member_name).to_owned(), array);
    }
    Ok(arrays)
}

/// Writes arrays as `numpy.savez` does, in the order of their names. Fails when `out` does.
pub fn write(arrays: &Named, out: &mut (impl Write + Seek)) -> io::Result<()> {
    let mut archive = ZipWriter::new(out);
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options(array))?;
        npy::write(array, &mut archive)?;
    }
    archive.finish()?;
    Ok(())
}

/// Uncompressed, as NumPy does, so that arrays can be mapped into memory; without the time, so that the same arrays are the same bytes.
fn options(array: &Array) -> SimpleFileOptions {
    /// Larger members need another kind of entry.
    const LARGE: usize = 1 << 31;
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .large_file(array.bytes.len() >= LARGE)
}
