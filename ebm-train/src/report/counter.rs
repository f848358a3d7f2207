//! How far something is that is counted: a bar with an estimate on a terminal, now and then a plain line elsewhere; both on stderr.

use super::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{Write, stderr};
use std::time::{Duration, Instant};

/// Time between two plain lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Counts up to a known end.
pub struct Counter {
    bar: ProgressBar,
    what: &'static str,
    /// When a plain line was last printed; `None` on a terminal.
    printed: Option<Instant>,
}

impl Counter {
    /// Of so many of `what`, in the plural.
    pub fn new(total: usize, what: &'static str) -> Self {
        let target = terminal::bar_target();
        let is_plain = target.is_none();
        let target = target.unwrap_or_else(ProgressDrawTarget::hidden);
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}  {per_sec}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, what, printed: is_plain.then(Instant::now) }
    }

    /// So many are done.
    pub fn reached(&mut self, done: usize) {
        self.bar.set_position(done as u64);
        if let Some(printed) = &mut self.printed
            && printed.elapsed() >= INTERVAL
        {
            *printed = Instant::now();
            // Nobody may be reading.
            let _ = writeln!(stderr(), "{done} of {} {}", self.bar.length().unwrap_or_default(), self.what);
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
