//! [`Reader`]: a file's bytes as they come, unpacked where they are gzip.

use super::steady::{Stamp, Steady};
use crate::Error;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const BUFFER: usize = 1 << 17;

/// Where bytes come from: what errors speak of.
#[derive(Clone)]
pub(super) struct Origin {
    /// What errors call it.
    pub name: String,
    packing: Packing,
}

/// A file that is read once, from its start to its end.
pub(super) struct Reader<'a> {
    pub origin: Origin,
    /// Which file this is, in which state; none of bytes that are in none.
    pub stamp: Option<Stamp>,
    bytes: Box<dyn BufRead + 'a>,
}

/// How bytes are packed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zip,
}

impl Origin {
    /// Were the bytes packed as gzip?
    pub fn is_gzip(&self) -> bool {
        self.packing == Packing::Gzip
    }

    /// What an error of reading is to the user.
    pub fn failed(&self, error: io::Error) -> Error {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let packing = match self.packing {
            Packing::Plain => None,
            Packing::Gzip => Some("gzip"),
            Packing::Zip => Some("zip archive"),
        };
        if let Some(packing) = packing.filter(|_| matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)) {
            return self.problem(format!("cannot be decompressed: the {packing} is damaged or cut short ({error})"));
        }
        Error::file(Path::new(&self.name), "read the data")(error)
    }

    /// Something wrong with what is in the file.
    pub fn problem(&self, problem: impl Into<String>) -> Error {
        Error::data(&self.name, problem.into())
    }
}

impl<'a> Reader<'a> {
    /// Opens a file. Reading it fails where it changes meanwhile.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path, "open the data"))?;
        let file = Steady::new(file).map_err(Error::file(path, "open the data"))?;
        let stamp = file.stamp();
        let reader = Self::new(path.display().to_string(), BufReader::with_capacity(BUFFER, file))?;
        Ok(Self { stamp, ..reader })
    }

    /// Reads `bytes`, which errors call `name`.
    pub fn new(name: String, mut bytes: impl BufRead + 'a) -> Result<Self, Error> {
        let start = bytes.fill_buf().map_err(Error::file(Path::new(&name), "read the data"))?;
        let is_gzip = start.starts_with(&GZIP_MAGIC);
        let bytes: Box<dyn BufRead + 'a> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(bytes)))
        } else {
            Box::new(bytes)
        };
        let packing = if is_gzip { Packing::Gzip } else { Packing::Plain };
        Ok(Self { origin: Origin { name, packing }, stamp: None, bytes })
    }

    /// Reads what a zip archive unpacks.
    pub fn of_zip(name: String, bytes: impl BufRead + 'a) -> Self {
        Self { origin: Origin { name, packing: Packing::Zip }, stamp: None, bytes: Box::new(bytes) }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(out)
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.bytes.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
    }
}
