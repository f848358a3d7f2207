//! What can go wrong, said so that the reader knows what to change.

use crate::parameters::ParametersError;
use ebm_core::format::{EncodeError, FormatError};
use ebm_core::{ModelError, ShapeError};
use std::path::{Path, PathBuf};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file is not a model.
    #[error("{path}: {source}", path = path.display())]
    Model {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: FormatError,
    },
    /// A graphics card that is not there, or fails.
    #[error("the graphics card: {problem}; {help}")]
    Gpu {
        /// What is wrong.
        problem: String,
        /// What can be done.
        help: &'static str,
    },
    /// A device that is not there, does not answer, or refuses.
    #[error("{place}: {problem}; {help}")]
    Device {
        /// Port, address or board.
        place: String,
        /// What is wrong.
        problem: String,
        /// What can be done.
        help: &'static str,
    },
    /// A device that does not do what it is asked.
    #[error("{place} refuses: {refusal}")]
    Refused {
        /// Port, address or board.
        place: String,
        /// Why.
        refusal: String,
    },
    /// A device's answers that are not the host's.
    #[error("{disagreements} of {answers} answers are not the host's, to the bit")]
    Disagreement {
        /// How many differ.
        disagreements: usize,
        /// How many were compared.
        answers: usize,
    },
    /// A board that nothing is known of.
    #[error("--board {name}: no such board; there is: {known}")]
    NoBoard {
        /// Its name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A model that is too large for a board.
    #[error("{model}: does not fit {board}: {problem}", model = model.display())]
    TooLargeForBoard {
        /// The model.
        model: PathBuf,
        /// The board.
        board: String,
        /// What is too small, and what would fit.
        problem: String,
    },
    /// A model does not fit the data.
    #[error("{path}: does not fit {data}: {source}", path = path.display())]
    Unfit {
        /// The model.
        path: PathBuf,
        /// The data set.
        data: String,
        /// Why.
        source: ModelError,
    },
    /// A model does not fit data, of which neither is named yet: see [`Error::between`].
    #[error("the model does not fit the data: {0}")]
    Answer(#[from] ModelError),
    /// A flag's value that cannot be meant.
    #[error("{flag}{}{value}: expected {expected}", if .value.is_empty() { "" } else { " " })]
    Flag {
        /// Which flag.
        flag: &'static str,
        /// What it was given, and where that is wrong: `3 (of 2)`; empty where it was not given.
        value: String,
        /// What would be right, as it goes on after "expected".
        expected: &'static str,
    },
    /// A model, without the data that it is to be shown.
    #[error("{model}: trained on {dataset}: give --data, and what other flags of the data its training had", model = model.display())]
    NoData {
        /// The model.
        model: PathBuf,
        /// What it was trained on.
        dataset: String,
    },
    /// Data that cannot be read.
    #[error("{name}: {problem}")]
    Data {
        /// File or data set.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A model that cannot be written.
    #[error("the model cannot be written: {0}")]
    Encode(#[from] EncodeError),
    /// Parameters that cannot be quantised.
    #[error("the model cannot be quantised: {0}")]
    Quantize(String),
    /// A likelihood that there is none of.
    #[error("the likelihood cannot be computed: {0}")]
    Likelihood(String),
    /// Training left the finite numbers.
    #[error("{stage}, epoch {epoch}: the loss is not finite; try a lower {flag}")]
    Diverged {
        /// Which part of the run.
        stage: String,
        /// Which epoch of it, from 1.
        epoch: usize,
        /// The flag that sets its learning rate.
        flag: &'static str,
    },
    /// Threads could not be started.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        source: std::io::Error,
    },
    /// A checkpoint that does not belong to the run.
    #[error("the checkpoint {0}")]
    Checkpoint(String),
    /// An experiment that did not reach what it must.
    #[error("{0}: a bar was missed")]
    BarMissed(String),
    /// Stopped by the user, after a checkpoint.
    #[error("interrupted; `ebm-train train --resume {}` goes on from here", .run.display())]
    Interrupted {
        /// The run's folder.
        run: PathBuf,
    },
    /// A run's folder that cannot be used as asked.
    #[error("{run}: {problem}", run = run.display())]
    Run {
        /// The run's folder.
        run: PathBuf,
        /// Why, and what to do.
        problem: String,
    },
    /// Stopped by what can be mended: a full disk, a learning rate.
    #[error("{source}\n{next}")]
    Stopped {
        /// What stopped it.
        source: Box<Error>,
        /// What is kept of the run, and how to go on.
        next: String,
    },
    /// A line of a configuration that cannot be meant.
    #[error("{path}:{line}: {problem}", path = path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// Processes that cannot train together.
    #[error("{0}")]
    Ranks(String),
    /// A net that does not fit into the machine's memory.
    #[error("{flag}: training takes about {needed_mb} MB, but {available_mb} MB of memory are free")]
    TooLarge {
        /// The flag that sets its size.
        flag: &'static str,
        /// What it takes, in 10^6 bytes.
        needed_mb: u64,
        /// What there is, in 10^6 bytes.
        available_mb: u64,
    },
    /// Parameters that do not fit each other.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// Parameters of the wrong shape met inside the program.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl Error {
    /// The same error, naming the model and the data that do not fit each other.
    pub fn between(self, model: &Path, data: &str) -> Self {
        match self {
            Self::Answer(source) => Self::Unfit { path: model.to_owned(), data: data.to_owned(), source },
            other => other,
        }
    }

    pub(crate) fn data(name: &str, problem: String) -> Self {
        Self::Data { name: name.to_owned(), problem }
    }

    pub(crate) fn file(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, action, source }
    }
}
