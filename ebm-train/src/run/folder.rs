//! A run's folder: its files' names, and the lock that keeps a second process out.

use super::checkpoint;
use super::log::{self, Event, Opening};
use crate::train::Epoch;
use crate::{Error, files};
use serde_json::Value;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The model that a run leaves.
pub const MODEL: &str = "model.ebm";
/// The same unquantised, where it is asked for beside a quantised one.
pub const MODEL_F32: &str = "model-f32.ebm";
/// The resolved configuration.
pub const CONFIG: &str = "config.toml";
const LOG: &str = "log.jsonl";
const REPORT: &str = "report.html";
const CURVES: &str = "curves.csv";
const CHECKPOINTS: &str = "checkpoints";
const MILESTONES: &str = "milestones";
const CHECKPOINT_EXTENSION: &str = "safetensors";
const LOCK: &str = "lock";

/// A folder that holds one run, locked for as long as this lives. The system releases the lock when the process ends, however it does.
pub struct Folder {
    path: PathBuf,
    is_new: bool,
    _lock: File,
}

/// Whether what a folder holds may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing in it is touched.
    Never,
    /// A run in it gives way to the new one.
    Run,
}

impl Folder {
    /// A folder for a new run; created if need be. What it holds stays until the run begins. Fails when it cannot be written to, when another
    /// process uses it, and, unless it may be overwritten, when it holds a run or a model.
    pub fn create(path: &Path, overwrite: Overwrite) -> Result<Self, Error> {
        files::prepare_folder(path)?;
        let folder = Self::locked(path, true)?;
        for name in [MODEL, MODEL_F32] {
            if folder.file(name).is_dir() {
                return Err(folder.problem(&format!("{name} in it is a folder: remove it, or give another --out")));
            }
        }
        if overwrite == Overwrite::Never {
            let held = match (folder.config().exists(), folder.finished()?.is_some()) {
                (true, true) => Some("holds a finished run"),
                (true, false) => {
                    let shown = path.display();
                    let words =
                        format!("holds a run that has not ended: `ebm-train train --resume {shown}` goes on with it");
                    return Err(folder.problem(&(words + "; or give another --out, or --force to overwrite it")));
                }
                (false, _) => folder.model().exists().then_some("holds a model already"),
            };
            if let Some(held) = held {
                return Err(folder.problem(&format!("{held}: give another --out, or --force to overwrite it")));
            }
        }
        Ok(folder)
    }

    /// The folder of a run that was begun. Fails when there is none, or another process uses it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.join(CONFIG).is_file() {
            let problem = format!("holds no run: there is no {CONFIG} in it");
            return Err(Error::Run { run: path.to_owned(), problem });
        }
        files::prepare_folder(path)?;
        let folder = Self::locked(path, false)?;
        files::sweep(path)?;
        files::sweep(&folder.create_checkpoints()?)?;
        folder.sweep_milestones()?;
        Ok(folder)
    }

    fn locked(path: &Path, is_new: bool) -> Result<Self, Error> {
        let lock = path.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(Error::file(&lock, "open the lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), is_new, _lock: file }),
            Err(TryLockError::WouldBlock) => {
                let problem = "another process is training here: wait for it, or give another --out".into();
                Err(Error::Run { run: path.to_owned(), problem })
            }
            Err(TryLockError::Error(error)) => Err(Error::file(&lock, "lock the folder")(error)),
        }
    }

    /// Whether the run is yet to begin.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether there is a run or a model that the new run overwrites.
    pub fn overwrites(&self) -> bool {
        self.is_new && (self.config().exists() || self.model().exists())
    }

    /// Removes a run and what half a run has left; files that no run writes stay.
    pub(super) fn clear(&self) -> Result<(), Error> {
        files::sweep(&self.path)?;
        files::sweep(&self.create_checkpoints()?)?;
        self.sweep_milestones()?;
        // The configuration first: without it there is no run here.
        let mut stale =
            vec![self.config(), self.log(), self.model(), self.file(MODEL_F32), self.report(), self.curves()];
        stale.extend(self.kept_checkpoints()?);
        stale.extend(self.kept_milestones()?.into_iter().map(|(_, path)| path));
        stale
            .iter()
            .filter(|path| path.exists())
            .try_for_each(|path| fs::remove_file(path).map_err(Error::file(path, "remove the file of an earlier run")))
    }

    fn problem(&self, problem: &str) -> Error {
        Error::Run { run: self.path.clone(), problem: problem.to_owned() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the resolved configuration is.
    pub fn config(&self) -> PathBuf {
        self.file(CONFIG)
    }

    /// Figures of every epoch so far.
    pub fn epochs(&self) -> Result<Vec<Epoch>, Error> {
        let epoch = |event| if let Event::Epoch(epoch) = event { Some(*epoch) } else { None };
        Ok(log::read(&self.log())?.into_iter().filter_map(epoch).collect())
    }

    /// What each process that worked on the run began with.
    pub fn openings(&self) -> Result<Vec<Opening>, Error> {
        let opening = |event| match event {
            Event::Start(opening) | Event::Resume(opening) => Some(opening),
            _ => None,
        };
        Ok(log::read(&self.log())?.into_iter().filter_map(opening).collect())
    }

    /// Fails where the run's checkpoints were written with other data: `identity` says what these are, one `key = value` a line.
    pub fn check_data(&self, identity: &str) -> Result<(), Error> {
        for path in self.kept_checkpoints()? {
            if let Some(missing) = checkpoint::lacks(&path, identity)? {
                let words = format!(
                    "its data are not those that it learnt from, {missing} now: give those back, or train anew on these"
                );
                return Err(self.problem(&words));
            }
        }
        Ok(())
    }

    /// The model.
    pub fn model(&self) -> PathBuf {
        self.file(MODEL)
    }

    /// The page that shows it all.
    pub fn report(&self) -> PathBuf {
        self.file(REPORT)
    }

    /// Figures of every epoch as CSV.
    pub fn curves(&self) -> PathBuf {
        self.file(CURVES)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.file(LOG)
    }

    /// Where the checkpoints are.
    pub(super) fn checkpoints(&self) -> PathBuf {
        self.file(CHECKPOINTS)
    }

    pub(super) fn checkpoint(&self, stage: &str) -> PathBuf {
        self.checkpoints().join(stage).with_extension(CHECKPOINT_EXTENSION)
    }

    /// Where machines of earlier epochs are.
    pub(super) fn milestones(&self) -> PathBuf {
        self.file(MILESTONES)
    }

    /// Whether any stage has left a checkpoint.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.kept_checkpoints().is_ok_and(|kept| !kept.is_empty())
    }

    /// Files of the stages that have left one.
    fn kept_checkpoints(&self) -> Result<Vec<PathBuf>, Error> {
        let folder = self.checkpoints();
        let listed = || -> std::io::Result<Vec<PathBuf>> {
            fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
        };
        let mut paths = listed().map_err(Error::file(&folder, "list the folder"))?;
        paths.retain(|path| is_checkpoint(path));
        Ok(paths)
    }

    fn create_checkpoints(&self) -> Result<PathBuf, Error> {
        let path = self.checkpoints();
        fs::create_dir_all(&path).map_err(Error::file(&path, "create the folder"))?;
        Ok(path)
    }

    /// The figures with which the run has ended; `None` while it has not.
    pub fn finished(&self) -> Result<Option<Value>, Error> {
        let ended = log::read(&self.log())?.into_iter().rev().find_map(|event| match event {
            Event::End { summary } => Some(summary),
            _ => None,
        });
        Ok(ended.filter(|_| self.model().is_file()))
    }
}

fn is_checkpoint(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == CHECKPOINT_EXTENSION)
}
