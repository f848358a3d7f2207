//! A run that outlasts its process: a folder with its configuration, log, checkpoints and model.
//!
//! A run killed at any moment goes on from its last checkpoints to the very bits that it would have reached: a checkpoint holds
//! all that the next minibatch depends on, random numbers are keyed by their place, and every file is whole or not there.

mod checkpoint;
mod folder;
mod interrupt;
mod log;
mod memory;
mod milestones;
mod strand;
mod together;

pub use checkpoint::is_checkpoint;
pub use folder::{CONFIG, Folder, MODEL, MODEL_F32, Overwrite};
pub use interrupt::{EXIT_CODE as INTERRUPTED, check as check_interrupt, leave as leave_interrupts};
pub use log::{Event, Opening};
pub use memory::{check as check_memory, peak as peak_memory};
pub use strand::Strand;
pub use together::Together;

use crate::report::Progress;
use crate::train::Epoch;
use crate::train::snapshot::Position;
use crate::{Error, files};
use log::Log;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A run that goes on in this process.
pub struct Run {
    folder: Folder,
    settings: String,
    rates: BTreeMap<String, f64>,
    log: Mutex<Log>,
    /// Epochs of earlier processes that their checkpoints hold.
    past: Vec<Epoch>,
    progress: Progress,
    interval: Duration,
    failed: AtomicBool,
}

/// How a run is followed.
pub struct Following {
    /// The resolved configuration, as `config.toml` has it.
    pub config: String,
    /// Whether a run that is taken up has another configuration from here on: its rates were given anew.
    pub is_revised: bool,
    /// What of it every process of the run must have, and the data's checksum: one `key = value` a line.
    pub settings: String,
    /// Shows how far the run is.
    pub progress: Progress,
    /// Longest time between two checkpoints.
    pub interval: Duration,
    /// Whether events go to stdout as they happen.
    pub is_followed: bool,
}

impl Run {
    /// Begins a run in a fresh folder, or takes up the one that is there.
    pub fn begin(folder: Folder, opening: Opening, following: Following) -> Result<Self, Error> {
        interrupt::watch();
        let Following { config, is_revised, settings, progress, interval, is_followed } = following;
        let rates = opening.rates.clone();
        if folder.is_new() {
            folder.clear()?;
        }
        let mut events = log::read(&folder.log())?;
        if folder.config().exists() {
            let mut reached: BTreeMap<String, Position> = BTreeMap::new();
            for event in &events {
                if let Event::Epoch(epoch) = event
                    && !reached.contains_key(&epoch.stage)
                {
                    let position = checkpoint::read_position(&folder.checkpoint(&epoch.stage))?;
                    reached.insert(epoch.stage.clone(), position.unwrap_or_default());
                }
            }
            // Epochs past the checkpoints are about to be done again.
            events.retain(|event| match event {
                Event::Epoch(epoch) => epoch.epoch <= reached[&epoch.stage].epochs,
                Event::Warning(advice) => {
                    reached.get(&advice.stage).is_some_and(|position| advice.epoch <= position.epochs)
                }
                Event::End { .. } | Event::Checkpoint { .. } | Event::Error { .. } => false,
                Event::Start(_) | Event::Resume(_) => true,
            });
            events.push(Event::Resume(opening));
        } else {
            events = vec![Event::Start(opening)];
        }
        let log = Log::create(&folder.log(), &events, is_followed)?;
        if is_revised || !folder.config().exists() {
            files::write_whole(&folder.config(), "write the configuration", |file| file.write_all(config.as_bytes()))?;
        }
        let epoch = |event| if let Event::Epoch(epoch) = event { Some(*epoch) } else { None };
        let past = events.into_iter().filter_map(epoch).collect();
        let (log, failed) = (Mutex::new(log), AtomicBool::new(false));
        Ok(Self { folder, settings, rates, log, past, progress, interval, failed })
    }

    /// Does a part of the run, of which several may go on at a time; also returns the figures of all its epochs, those of earlier
    /// processes too.
    pub fn strand<T>(&self, work: impl FnOnce(&mut Strand<'_>) -> Result<T, Error>) -> Result<(T, Vec<Epoch>), Error> {
        let mut strand = Strand::new(self);
        let result = work(&mut strand).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
        Ok((result, strand.into_epochs()))
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Prints on stdout while progress is shown.
    pub fn print(&self, text: &str) -> Result<(), Error> {
        self.progress.print(text)
    }

    /// Ends the display of progress: nothing more is learnt.
    pub fn measure(&self) {
        self.progress.finish();
        interrupt::learnt();
    }

    /// Ends the run with these figures.
    pub fn finish(&self, summary: Value) -> Result<(), Error> {
        let mut log = self.log();
        let ended = log.append(&Event::End { summary }).and_then(|()| log.sync());
        ended.map_err(|error| self.stopped(error))
    }

    /// The same error, of a run whose every strand has ended; where the run can go on once its cause is mended, with how.
    pub fn stopped(&self, error: Error) -> Error {
        let next = match &error {
            Error::File { .. } => self.once_mended(),
            Error::Diverged { flag, .. } => self.at_a_lower(flag),
            _ => return error,
        };
        Error::Stopped { source: Box::new(error), next }
    }

    /// What to do about a full disk and the like.
    fn once_mended(&self) -> String {
        let (kept, goes_on) = match self.folder.has_checkpoint() {
            true => ("The last checkpoint is kept", "goes on"),
            false => ("No checkpoint was kept", "begins anew"),
        };
        let run = self.folder.path().display();
        format!("{kept}: once that is mended, `ebm-train train --resume {run}` {goes_on}")
    }

    /// What to do about numbers that are none: go by a tenth of the rate that `flag` sets.
    fn at_a_lower(&self, flag: &str) -> String {
        let rate = self.rates.get(flag.trim_start_matches('-')).map(|rate| (rate / 10.0) as f32);
        let lower = format!("{flag} {}", rate.map_or("RATE".to_owned(), |rate| format!("{rate:?}")));
        if self.folder.has_checkpoint() {
            let (run, kept) = (self.folder.path(), self.folder.checkpoints());
            let goes_on = format!("`ebm-train train --resume {} {lower}` goes on from it", run.display());
            format!("What was learnt before is kept in {}: {goes_on}", kept.display())
        } else {
            let config = self.folder.config();
            format!(
                "No checkpoint was kept; start again: `ebm-train train --config {} {lower} --force`",
                config.display()
            )
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every strand is to end at its next minibatch.
    fn stopping(&self) -> bool {
        interrupt::requested() || self.failed.load(Ordering::Relaxed)
    }
}

/// The results of two strands that went on side by side; where one's failure ended the other, that failure.
pub fn both<A, B>(a: Result<A, Error>, b: Result<B, Error>) -> Result<(A, B), Error> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Error::Interrupted { .. }), Err(error)) | (Err(error), _) | (_, Err(error)) => Err(error),
    }
}
