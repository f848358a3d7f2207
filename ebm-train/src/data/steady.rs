//! [`Steady`]: a file that must stay as it is while it is read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::time::SystemTime;

/// What tells a file from another, and from what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// That of a regular file; of anything else, such as a pipe, there is none.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        metadata.is_file().then(|| Self { inode, length: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// Reads a file. Fails at its end where it is not as it was when it was opened: part of what was read is of one state and part of another.
/// A file that another takes the name of is read to its end.
pub(super) struct Steady {
    file: File,
    opened: Option<Stamp>,
}

impl Steady {
    /// Reads `file` from where it stands.
    pub fn new(file: File) -> io::Result<Self> {
        let opened = Stamp::of(&file.metadata()?);
        Ok(Self { file, opened })
    }

    /// That of the file as it was opened.
    pub fn stamp(&self) -> Option<Stamp> {
        self.opened
    }
}

impl Read for Steady {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        if count == 0 && !out.is_empty() && Stamp::of(&self.file.metadata()?) != self.opened {
            return Err(io::Error::other("it was changed meanwhile; once nothing writes to it, try again"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tempfile::TempDir;

    #[test]
    fn a_file_that_grows_or_shrinks_is_refused_and_one_that_is_replaced_is_read_on() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("a.csv");
        let read = |change: &dyn Fn()| {
            std::fs::write(&path, "1,2\n3,4\n").expect("a file");
            let mut steady = Steady::new(File::open(&path).expect("the file")).expect("its metadata");
            let mut text = vec![0; 4];
            steady.read_exact(&mut text).expect("the first line");
            change();
            steady.read_to_end(&mut text).map(|_| text)
        };
        assert_eq!(read(&|| ()).expect("it stayed"), b"1,2\n3,4\n");
        let append = || File::options().append(true).open(&path).expect("the file").write_all(b"5,6\n").expect("room");
        assert!(read(&append).is_err());
        let cut = || File::options().write(true).open(&path).expect("the file").set_len(4).expect("shorter");
        assert!(read(&cut).is_err());
        let replace = || {
            let other = folder.path().join("b.csv");
            std::fs::write(&other, "7,8\n").expect("a file");
            std::fs::rename(&other, &path).expect("it takes the name");
        };
        assert_eq!(read(&replace).expect("the old file is still there"), b"1,2\n3,4\n");
    }
}
