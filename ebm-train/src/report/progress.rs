//! A progress bar with rate and estimate on a terminal, plain lines elsewhere; both on stderr.

use super::terminal;
use crate::Error;
use crate::train::advice::Advice;
use crate::train::{Epoch, Monitor};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::io::{Write, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two plain lines with figures of epochs.
const PLAIN_INTERVAL: Duration = Duration::from_secs(2);
/// After so long without a plain line, one says how far the run is.
const SILENCE: Duration = Duration::from_secs(10);
/// What is left and how fast it goes; below, the figures of the last epoch, as far as the terminal is wide.
const TEMPLATE: &str = "{wide_bar} {percent:>3} %  {eta} left  {gflops} GFLOP/s\n{wide_msg}";

/// Shows how far a run is, of which parts may go on at a time.
pub struct Progress {
    bar: ProgressBar,
    /// `None` on a terminal, which shows the bar, and where nothing is to be shown.
    printed: Option<Mutex<Printed>>,
    is_quiet: bool,
}

/// When plain lines were last printed.
struct Printed {
    any: Instant,
    figures: Instant,
}

impl Progress {
    /// For a run of so many multiply-adds; the rate at which they go by gives the estimate.
    pub fn new(multiply_adds: u64) -> Self {
        let target = terminal::bar_target();
        let is_plain = target.is_none();
        let target = target.unwrap_or_else(ProgressDrawTarget::hidden);
        let bar = ProgressBar::with_draw_target(Some(multiply_adds.max(1)), target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            // A multiply-add is two operations.
            let gflops = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{:.1}", 2e-9 * state.per_sec());
            };
            bar.set_style(style.with_key("gflops", gflops));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        let now = Instant::now();
        let printed = is_plain.then_some(Mutex::new(Printed { any: now, figures: now }));
        Self { bar, printed, is_quiet: false }
    }

    /// Shows nothing.
    pub fn quiet() -> Self {
        Self { bar: ProgressBar::hidden(), printed: None, is_quiet: true }
    }

    /// Follows one part of the run.
    pub fn recorder(&self) -> Recorder<'_> {
        Recorder { progress: self, epochs: Vec::new() }
    }

    /// So many multiply-adds more have been done.
    pub fn advance(&self, multiply_adds: u64) {
        self.bar.inc(multiply_adds);
        if let Some(mut printed) = self.printed()
            && printed.any.elapsed() >= SILENCE
        {
            self.say(&mut printed, &format!("{:#} left", HumanDuration(self.bar.eta())));
        }
    }

    /// So many need not be done: they say nothing of the rate.
    pub fn skip(&self, multiply_adds: u64) {
        if multiply_adds > 0 {
            self.bar.inc(multiply_adds);
            self.bar.reset_eta();
        }
    }

    /// Shows which stage begins.
    pub fn begin(&self, stage: &str) {
        self.bar.set_message(stage.to_owned());
    }

    /// Shows the figures of an epoch.
    pub fn show(&self, epoch: &Epoch) {
        let message = message(epoch);
        if let Some(mut printed) = self.printed()
            && printed.figures.elapsed() >= PLAIN_INTERVAL
        {
            self.say(&mut printed, &message);
            printed.figures = printed.any;
        }
        self.bar.set_message(message);
    }

    /// Prints on stdout, above the bar where both are one terminal.
    pub fn print(&self, text: &str) -> Result<(), Error> {
        self.bar.suspend(|| terminal::print(text))
    }

    /// Says what is wrong, above the bar.
    pub fn warn(&self, advice: &Advice) {
        if self.is_quiet {
            return;
        }
        self.bar.suspend(|| terminal::warning(advice));
    }

    fn printed(&self) -> Option<MutexGuard<'_, Printed>> {
        self.printed.as_ref().map(|printed| printed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A plain line.
    fn say(&self, printed: &mut Printed, words: &str) {
        let share = self.bar.position() as f64 / self.bar.length().unwrap_or(1) as f64;
        // Not `eprintln!`: a reader that has gone away must not end the run.
        let _ = writeln!(stderr(), "{:3.0} %  {words}", 100.0 * share);
        printed.any = Instant::now();
    }

    /// Ends the display.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What is worth watching: whether the figures over samples that were not learnt from follow those that were, and what the machine makes of its
/// hidden units.
fn message(epoch: &Epoch) -> String {
    let unseen = |figure: Option<(f64, &str)>, words: &dyn Fn(f64) -> String| {
        figure.map(|(value, of)| format!(" ({of} {})", words(value))).unwrap_or_default()
    };
    let of = epoch.epochs.map(|epochs| format!(" of {epochs}")).unwrap_or_default();
    let loss = |loss: f64| format!("{loss:.4}");
    let share = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut words = format!("{} epoch {}{of}: loss {}", epoch.stage, epoch.epoch, loss(epoch.train_loss));
    words += &unseen(epoch.unseen_loss(), &loss);
    if let Some(accuracy) = epoch.train_accuracy {
        words += &format!(", accuracy {}{}", share(accuracy), unseen(epoch.unseen_accuracy(), &share));
    }
    if let Some(gap) = epoch.free_energy_gap_nats() {
        words += &format!(", free-energy gap {gap:.2} nats");
    }
    let idle = epoch.dead_units.unwrap_or(0) + epoch.saturated_units.unwrap_or(0);
    if idle > 0 {
        words += &format!(", {idle} idle units");
    }
    words
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
        self.progress.advance(multiply_adds);
    }

    fn skip(&mut self, multiply_adds: u64) {
        self.progress.skip(multiply_adds);
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.progress.show(epoch);
        self.epochs.push(epoch.clone());
        Ok(())
    }
}
