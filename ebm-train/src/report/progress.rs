//! A progress bar with an estimate on a terminal, plain lines elsewhere; both on stderr.

use crate::train::{Epoch, Monitor};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// Least time between two plain lines.
const PLAIN_INTERVAL: Duration = Duration::from_secs(2);

/// Follows a run, shows how far it is, and keeps its figures.
pub struct Progress {
    bar: ProgressBar,
    plain: bool,
    last_line: Instant,
    epochs: Vec<Epoch>,
}

impl Progress {
    /// For a run of so many multiply-adds; the rate at which they go by gives the estimate.
    pub fn new(multiply_adds: u64) -> Self {
        let plain = !stderr().is_terminal();
        let target = if plain { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(multiply_adds.max(1)), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, plain, last_line: Instant::now(), epochs: Vec::new() }
    }

    /// Ends the display and hands out the figures of every epoch.
    pub fn finish(self) -> Vec<Epoch> {
        self.bar.finish_and_clear();
        self.epochs
    }
}

impl Monitor for Progress {
    fn advance(&mut self, multiply_adds: u64) {
        self.bar.inc(multiply_adds);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let message = format!("{} epoch {}: test loss {:.4}", epoch.stage, epoch.epoch, epoch.test_loss);
        if self.plain && self.last_line.elapsed() >= PLAIN_INTERVAL {
            let share = self.bar.position() as f64 / self.bar.length().unwrap_or(1) as f64;
            eprintln!("{:3.0} %  {message}", 100.0 * share);
            self.last_line = Instant::now();
        }
        self.bar.set_message(message);
        self.epochs.push(epoch.clone());
    }
}
