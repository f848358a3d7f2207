//! Files that are there whole or not at all.

use crate::Error;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;

/// What the name of a file begins with until it is whole.
pub(crate) const PARTIAL: &str = ".ebm-partial-";

/// Writes a file whole or not at all, even where the process is killed or the machine stops: to a temporary neighbour that takes
/// its name once the disk has it. Creates the folder if need be. `action` is what an error says was tried.
pub fn write_whole(
    path: &Path,
    action: &'static str,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Error> {
    // The folder of a bare file name is "".
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::file(folder, "create the folder"))?;
    let mut file = temporary(folder).map_err(Error::file(folder, "write into the folder"))?;
    write(file.as_file_mut()).map_err(Error::file(path, action))?;
    file.as_file().sync_all().map_err(Error::file(path, action))?;
    file.persist(path).map_err(|error| Error::file(path, action)(error.error))?;
    // The name is the folder's: only now does it outlast a loss of power.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file(path, action))?;
    Ok(())
}

/// A file in `folder` that goes away unless it is given a name; like any new file, readable by whom the user's files are readable by.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    // Opened here, so that an error is the system's: tempfile's own would show the temporary name.
    let open = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
    tempfile::Builder::new().prefix(PARTIAL).make_in(folder, open)
}

/// Makes sure, before any work is done, that files can be written into `folder`; creates it if need be. Fails where they cannot.
pub fn prepare_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file(folder, "create the output folder"))?;
    let probe = temporary(folder).map_err(Error::file(folder, "write into the output folder"))?;
    probe.close().map_err(Error::file(folder, "write into the output folder"))
}

/// Removes what processes that were killed left half written in `folder`.
pub(crate) fn sweep(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::file(folder, "list the folder"))? {
        let path = entry.map_err(Error::file(folder, "list the folder"))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(PARTIAL)) {
            fs::remove_file(&path).map_err(Error::file(&path, "remove the half-written file"))?;
        }
    }
    Ok(())
}
