//! `log.jsonl`: what happened in a run, one JSON object a line; and the same lines on stdout, for a program that follows the run. EVENTS.md says what
//! they hold.

use crate::report::terminal;
use crate::train::Epoch;
use crate::train::advice::Advice;
use crate::{Error, files};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A process has begun the run.
    Start(Opening),
    /// A process has taken it up again.
    Resume(Opening),
    /// An epoch has ended.
    Epoch(Box<Epoch>),
    /// The figures show that something is wrong.
    Warning(Advice),
    /// What was learnt so far is on the disk. On stdout only.
    Checkpoint {
        /// Stage that it is of.
        stage: String,
        /// Epochs that it has behind it.
        epochs: usize,
        /// Minibatches of the epoch after these.
        batches: usize,
        /// The file.
        path: PathBuf,
    },
    /// The command failed. On stdout only.
    Error {
        /// Why.
        message: String,
        /// Exit code of the process.
        exit_code: u8,
    },
    /// The run has ended with these figures.
    End {
        /// What `--json` prints, without the epochs.
        summary: Value,
    },
}

/// What a process knows of a run as it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// Name and version of the program.
    pub tool: String,
    /// Seed of every random number.
    pub seed: u64,
    /// The data set.
    pub data: String,
    /// CRC-32 of its raw training inputs.
    pub data_crc32: u32,
    /// Threads; 0 for one a processor.
    pub threads: usize,
    /// Processes that train together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub ranks: usize,
    /// Learning rates and what else sets the size of a step, by key: what a process may go on with other values of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, f64>,
}

fn one() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == 1
}

/// A log that is written to.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Whether events go to stdout too.
    is_followed: bool,
}

impl Log {
    /// A new log, or the old one with only these events in it, of which the last has just happened.
    pub(super) fn create(path: &Path, events: &[Event], is_followed: bool) -> Result<Self, Error> {
        let mut lines = Vec::new();
        for event in events {
            lines.append(&mut line(path, event)?);
        }
        files::write_whole(path, "write the log", |file| file.write_all(&lines))?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::file(path, "open the log"))?;
        let log = Self { path: path.to_owned(), file, is_followed };
        events.last().map_or(Ok(()), |event| log.tell(event))?;
        Ok(log)
    }

    /// Appends an event.
    pub(super) fn append(&mut self, event: &Event) -> Result<(), Error> {
        let line = line(&self.path, event)?;
        self.file.write_all(&line).map_err(Error::file(&self.path, "write the log"))?;
        self.tell(event)
    }

    /// Prints an event where the run is followed.
    pub(super) fn tell(&self, event: &Event) -> Result<(), Error> {
        if self.is_followed { event.print() } else { Ok(()) }
    }

    /// Returns when the disk has every event.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::file(&self.path, "write the log"))
    }
}

impl Event {
    /// Prints the event as a line on stdout.
    pub fn print(&self) -> Result<(), Error> {
        let line = line(Path::new("standard output"), self)?;
        terminal::print(&String::from_utf8_lossy(&line))
    }
}

fn line(path: &Path, event: &Event) -> Result<Vec<u8>, Error> {
    let line = serde_json::to_vec(event).map_err(std::io::Error::from);
    let mut line = line.map_err(Error::file(path, "write the log"))?;
    line.push(b'\n');
    Ok(line)
}

/// The events of a log; none when there is no log. What a killed process left of its last line is passed over.
pub(super) fn read(path: &Path) -> Result<Vec<Event>, Error> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::file(path, "read the log"))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let event = |(line, text): (usize, &str)| {
        let wrong = |error: serde_json::Error| Error::Config {
            path: path.to_owned(),
            line,
            problem: format!("no event of a run: {error}"),
        };
        serde_json::from_str(text).map_err(wrong)
    };
    (1..).zip(text[..whole].lines()).map(event).collect()
}
