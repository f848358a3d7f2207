//! Arrays that other programs read and write: npy, npz and safetensors.

mod array;
pub mod npy;
pub mod npz;
pub mod tensors;

pub use array::{Array, Element};

use crate::Error;
use crate::export::write_whole;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

/// What fails when they are not written.
const WRITE: &str = "write the arrays";

/// Arrays by name.
pub type Named = BTreeMap<String, Array>;

/// Reads the arrays of an npz or safetensors file, told apart by their first bytes, or of an npy file the one array, named `array`.
///
/// Fails, with the file and where in it, when it cannot be read, is none of these, is cut short, or holds elements of another kind than [`Element`]'s.
pub fn read(path: &Path) -> Result<Named, Error> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(Error::file(path, "read the arrays"))?;
    if bytes.starts_with(npz::MAGIC) {
        npz::read(&name, Cursor::new(bytes))
    } else if bytes.starts_with(npy::MAGIC) {
        Ok(Named::from([("array".to_owned(), npy::read(&name, &mut &bytes[..])?)]))
    } else {
        tensors::read(&name, &bytes)
    }
}

/// Writes arrays, whole or not at all, in the format that the path's ending names: `.npz`, `.safetensors`, or `.npy` for `main` alone.
/// Fails when it names none of these.
pub fn write(path: &Path, arrays: &Named, main: &str) -> Result<(), Error> {
    let name = path.display().to_string();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("npz") => write_npz(path, arrays),
        Some("safetensors") => write_tensors(path, arrays),
        Some("npy") => {
            let array = arrays.get(main).ok_or_else(|| Error::data(&name, format!("there is no array `{main}`")))?;
            write_whole(path, WRITE, |file| npy::write(array, file))
        }
        _ => {
            let problem = "arrays are written as .npz, .npy or .safetensors: give it one of these endings";
            Err(Error::data(&name, problem.into()))
        }
    }
}

/// Writes arrays as npz, whole or not at all. Fails when the file cannot be written.
pub fn write_npz(path: &Path, arrays: &Named) -> Result<(), Error> {
    write_whole(path, WRITE, |file| npz::write(arrays, file))
}

/// Writes arrays as safetensors, whole or not at all. Fails when the file cannot be written, or an array's bytes do not fill its shape.
pub fn write_tensors(path: &Path, arrays: &Named) -> Result<(), Error> {
    let bytes = tensors::write(&path.display().to_string(), arrays)?;
    write_whole(path, WRITE, |file| file.write_all(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_from_every_format() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let arrays = Named::from([
            ("weights".to_owned(), Array::of_f32(&[2, 3], &[1.0, -0.0, f32::MIN_POSITIVE, 4.0, 5.0e-42, 6.0])),
            ("classes".to_owned(), Array::of_i64(&[3, -1])),
            ("metadata".to_owned(), Array::of_text("{\"labels\":\"a\\nb\"}")),
        ]);
        for ending in ["npz", "safetensors"] {
            let path = folder.path().join(format!("a.{ending}"));
            write(&path, &arrays, "weights").expect(ending);
            assert_eq!(read(&path).expect(ending), arrays, "{ending}");
            let first = fs::read(&path).expect("the file");
            write(&path, &arrays, "weights").expect(ending);
            assert_eq!(fs::read(&path).expect("the file"), first, "{ending}: the same arrays are the same bytes");
        }
        let path = folder.path().join("a.npy");
        write(&path, &arrays, "weights").expect("npy");
        assert_eq!(read(&path).expect("npy")["array"], arrays["weights"]);
    }

    #[test]
    fn what_is_no_file_of_arrays_is_refused_by_name() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("a.npz");
        for (bytes, words) in [
            (&b"PK\x03\x04 and nothing more"[..], "is no npz file"),
            (&b"hello"[..], "is no safetensors file"),
            (&b"\x93NUMPY\x09\x00"[..], "npy version 9"),
        ] {
            fs::write(&path, bytes).expect("a file");
            let message = read(&path).expect_err("no arrays").to_string();
            assert!(message.contains("a.npz") && message.contains(words), "no `{words}` in: {message}");
        }
        let message = write(&folder.path().join("a.txt"), &Named::new(), "x").expect_err("no format").to_string();
        assert!(message.contains(".npz, .npy or .safetensors"), "{message}");
    }
}
