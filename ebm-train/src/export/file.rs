//! A model file's bytes in memory and on disk.

use crate::Error;
use ebm_core::Model;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

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

    /// Reads a file. Fails with its path when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::file(path, "open the model"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(path, "read the model"))?;
        let mut model = Self::zeroed(bytes.len());
        model.bytes_mut().copy_from_slice(&bytes);
        model.path = path.to_owned();
        Ok(model)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
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

    /// Writes the file whole or not at all.
    pub fn write(&mut self, path: &Path) -> Result<(), Error> {
        write_whole(path, "write the model", |file| file.write_all(self.bytes()))?;
        self.path = path.to_owned();
        Ok(())
    }
}

/// Writes a file whole or not at all: to a temporary neighbour that then takes its name. An error says that it cannot `action`.
pub fn write_whole(
    path: &Path,
    action: &'static str,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Error> {
    // The folder of a bare file name is "".
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary(folder).map_err(Error::file(folder, "write into the folder"))?;
    write(file.as_file_mut()).map_err(Error::file(path, action))?;
    file.as_file().sync_all().map_err(Error::file(path, action))?;
    file.persist(path).map_err(|error| Error::file(path, action)(error.error))?;
    Ok(())
}

/// A file in `folder` that goes away unless it is given a name; readable by whom the user's files are readable by.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less the process's umask, as for any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Makes sure, before any work is done, that files can be written into `folder`; creates it if need be.
pub fn prepare_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file(folder, "create the output folder"))?;
    let probe = temporary(folder).map_err(Error::file(folder, "write into the output folder"))?;
    probe.close().map_err(Error::file(folder, "write into the output folder"))
}
