//! Samples in NumPy's files: npy, and npz, a zip archive of them.

use super::elements::Elements;
use super::reader::Reader;
use crate::Error;
use crate::arrays::npy;
use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::Path;
use zip::ZipArchive;

/// Reads what stands ahead of an array's numbers.
pub(super) fn header(reader: &mut Reader<'_>) -> Result<Elements, Error> {
    let name = reader.origin.name.clone();
    let header = npy::Header::read(&name, reader)?;
    if header.fortran_order && header.shape.len() > 1 {
        let problem = "is in Fortran's order; numpy.save(file, numpy.ascontiguousarray(array)) writes the right one";
        return Err(reader.origin.problem(problem));
    }
    if header.shape.is_empty() {
        return Err(reader.origin.problem("holds a single number, where rows are expected"));
    }
    Ok(Elements { element: header.element, big_endian: false, shape: header.shape })
}

/// Usual names of arrays: inputs and labels of the training part, then of the test part.
const USUAL: [[&[&str]; 2]; 2] = [
    [
        &["x_train", "train_images", "train_x", "inputs", "images", "data", "features", "x", "arr_0"],
        &["y_train", "train_labels", "train_y", "labels", "target", "targets", "y", "arr_1"],
    ],
    [&["x_test", "test_images", "test_x"], &["y_test", "test_labels", "test_y"]],
];

/// An archive of arrays.
pub(super) struct Archive {
    name: String,
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    /// Opens an npz file. One that is gzipped is unpacked into an unnamed file first: an archive is not read from start to end.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut reader = Reader::open(path)?;
        let mut file = File::open(path).map_err(Error::file(path, "open the data"))?;
        if reader.origin.is_gzip() {
            let folder = std::env::temp_dir();
            file = tempfile::tempfile().map_err(Error::file(&folder, "make an unnamed file there"))?;
            copy(&mut reader, &mut file)?;
            file.rewind().map_err(|error| reader.origin.failed(error))?;
        }
        let name = reader.origin.name;
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| Error::data(&name, format!("is no npz archive: {error}")))?;
        Ok(Self { name, zip })
    }

    /// Names of the inputs' and the labels' arrays of a part, 0 for training, 1 for test: those asked for, else those usual that are there.
    pub fn arrays(&self, part: usize, asked: [Option<&str>; 2]) -> Result<[Option<String>; 2], Error> {
        // An entry whose name is no text is no array that anybody could ask for.
        let names = self.zip.file_names().filter_map(Result::ok);
        let mut there: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect();
        there.sort_unstable();
        let usual = |names: &[&str]| {
            names.iter().find_map(|usual| there.iter().find(|name| name.eq_ignore_ascii_case(usual)).cloned())
        };
        let wanted = |role: usize| match asked[role] {
            Some(name) if there.iter().any(|there| there == name) => Ok(Some(name.to_owned())),
            Some(name) => {
                Err(Error::data(&self.name, format!("no array `{name}`; the arrays are {}", there.join(", "))))
            }
            // Whoever names the inputs names the labels too, where there are any.
            None if role == 1 && asked[0].is_some() => Ok(None),
            None => Ok(usual(USUAL[part][role])),
        };
        let inputs = match wanted(0)? {
            None if part == 0 && there.len() == 1 => there.first().cloned(),
            None if part == 0 => {
                let problem = format!(
                    "which array holds the inputs? npz:FILE,ARRAY[,LABELS] says it; the arrays are {}",
                    there.join(", ")
                );
                return Err(Error::data(&self.name, problem));
            }
            inputs => inputs,
        };
        Ok([inputs, wanted(1)?])
    }

    /// Reads one array with `read`.
    pub fn read<T>(&mut self, array: &str, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let name = format!("{}, array {array}", self.name);
        let entry = self
            .zip
            .by_name(&format!("{array}.npy"))
            .map_err(|error| Error::data(&name, format!("cannot be read: {error}")))?;
        read(&mut Reader::of_zip(name, BufReader::new(entry)))
    }
}

fn copy(reader: &mut Reader<'_>, file: &mut File) -> Result<(), Error> {
    use std::io::BufRead;
    loop {
        let bytes = reader.fill_buf();
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => return Err(reader.origin.failed(error)),
        };
        if bytes.is_empty() {
            return Ok(());
        }
        file.write_all(bytes).map_err(Error::file(&std::env::temp_dir(), "unpack into an unnamed file there"))?;
        let read = bytes.len();
        reader.consume(read);
    }
}
