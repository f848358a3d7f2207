//! A progress bar with an estimate on a terminal, plain lines elsewhere; both on stderr.

use crate::Error;
use crate::train::{Epoch, Monitor};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two plain lines.
const PLAIN_INTERVAL: Duration = Duration::from_secs(2);

/// Shows how far a run is, of which parts may go on at a time.
pub struct Progress {
    bar: ProgressBar,
    /// When the last plain line was printed; `None` on a terminal, which shows the bar.
    last_line: Option<Mutex<Instant>>,
}

impl Progress {
    /// For a run of so many multiply-adds; the rate at which they go by gives the estimate.
    pub fn new(multiply_adds: u64) -> Self {
        let is_terminal = stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(multiply_adds.max(1)), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, last_line: (!is_terminal).then(|| Mutex::new(Instant::now())) }
    }

    /// Follows one part of the run.
    pub fn recorder(&self) -> Recorder<'_> {
        Recorder { progress: self, epochs: Vec::new() }
    }

    /// Ends the display.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn show(&self, message: String) {
        if let Some(last_line) = &self.last_line {
            let mut last_line = last_line.lock().unwrap_or_else(PoisonError::into_inner);
            if last_line.elapsed() >= PLAIN_INTERVAL {
                let share = self.bar.position() as f64 / self.bar.length().unwrap_or(1) as f64;
                // Not `eprintln!`: a reader that has gone away must not end the run.
                let _ = writeln!(stderr(), "{:3.0} %  {message}", 100.0 * share);
                *last_line = Instant::now();
            }
        }
        self.bar.set_message(message);
    }
}

/// Shows a part's progress and keeps its figures.
pub struct Recorder<'a> {
    progress: &'a Progress,
    epochs: Vec<Epoch>,
}

impl Recorder<'_> {
    /// The figures of every epoch.
    pub fn into_epochs(self) -> Vec<Epoch> {
        self.epochs
    }
}

impl Monitor for Recorder<'_> {
    fn advance(&mut self, multiply_adds: u64) {
        self.progress.bar.inc(multiply_adds);
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        let (of, loss) = match (epoch.validation_loss, epoch.test_loss) {
            (Some(loss), _) => ("validation", loss),
            (None, Some(loss)) => ("test", loss),
            (None, None) => ("training", epoch.train_loss),
        };
        self.progress.show(format!("{} epoch {}: {of} loss {loss:.4}", epoch.stage, epoch.epoch));
        self.epochs.push(epoch.clone());
        Ok(())
    }
}
