//! Milestones: the machine over the inputs as some epochs left it, a model file each, for whoever wants to see how it came to be.

use super::Folder;
use crate::export::named::unmeasured_file;
use crate::parameters::{DbnParameters, Parameters, RbmParameters};
use crate::{Error, files};
use std::fs;
use std::path::PathBuf;

/// What a milestone's name begins with, before the epoch and the extension of models.
const PREFIX: &str = "epoch-";
const EXTENSION: &str = "ebm";
/// What its provenance names in place of a data set.
const SOURCE: &str = "";

/// Whether the machine is kept after this epoch: 1, 2, 5, 10, 20, 50, …, and the last.
pub(super) fn is_milestone(epoch: usize, epochs: usize) -> bool {
    let mut leading = epoch;
    while leading >= 10 && leading.is_multiple_of(10) {
        leading /= 10;
    }
    epoch == epochs || [1, 2, 5].contains(&leading)
}

impl Folder {
    /// Keeps the machine as this epoch left it.
    pub(super) fn keep_milestone(&self, epoch: usize, machine: RbmParameters) -> Result<(), Error> {
        let parameters = Parameters::Dbn(DbnParameters { below: Vec::new(), top: machine });
        let path = self.milestones().join(format!("{PREFIX}{epoch}.{EXTENSION}"));
        unmeasured_file(&parameters, SOURCE)?.write(&path)
    }

    /// Epochs and files of the machines that were kept, the first first.
    pub fn kept_milestones(&self) -> Result<Vec<(usize, PathBuf)>, Error> {
        let folder = self.milestones();
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut kept = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder, "list the folder"))? {
            let path = entry.map_err(Error::file(&folder, "list the folder"))?.path();
            let is_model = path.extension().is_some_and(|extension| extension == EXTENSION);
            let name = path.file_stem().and_then(|name| name.to_str());
            let epoch = name.and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            kept.extend(epoch.filter(|_| is_model).map(|epoch| (epoch, path)));
        }
        kept.sort();
        Ok(kept)
    }

    /// Removes what a killed process left half written among them.
    pub(super) fn sweep_milestones(&self) -> Result<(), Error> {
        let folder = self.milestones();
        if folder.is_dir() { files::sweep(&folder) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::is_milestone;

    #[test]
    fn three_a_decade_and_the_last() {
        let kept: Vec<usize> = (1..=730).filter(|&epoch| is_milestone(epoch, 730)).collect();
        assert_eq!(kept, [1, 2, 5, 10, 20, 50, 100, 200, 500, 730]);
    }
}
