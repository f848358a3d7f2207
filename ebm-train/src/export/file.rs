//! A model file's bytes in memory and on disk.

use crate::Error;
use crate::files::write_whole;
use ebm_core::Model;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The bytes of a model file, where a model can borrow them: at a multiple of 16.
pub struct ModelFile {
    path: PathBuf,
    words: Vec<u128>,
    len: usize,
}

impl ModelFile {
    /// `len` zero bytes.
    pub(super) fn zeroed(len: usize) -> Self {
        Self { path: "the new model".into(), words: vec![0; len.div_ceil(size_of::<u128>())], len }
    }

    /// A copy of these bytes, whatever they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut model = Self::zeroed(bytes.len());
        model.bytes_mut().copy_from_slice(bytes);
        model
    }

    /// Reads a file. Fails with its path when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::file(path, "open the model"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(path, "read the model"))?;
        Ok(Self { path: path.to_owned(), ..Self::of_bytes(&bytes) })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// The bytes, to be changed.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }

    /// Where it was read from or written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The model in these bytes. Fails with the path and the reason when they are none.
    pub fn model(&self) -> Result<Model<'_>, Error> {
        Model::parse(self.bytes()).map_err(|source| Error::Model { path: self.path.clone(), source })
    }

    /// Writes the file whole or not at all: fails, and leaves what was at `path`, when it cannot be written.
    pub fn write(&mut self, path: &Path) -> Result<(), Error> {
        write_whole(path, "write the model", |file| file.write_all(self.bytes()))?;
        self.path = path.to_owned();
        Ok(())
    }
}
