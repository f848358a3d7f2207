//! Ctrl-C and SIGTERM: the first asks every run to end after its minibatch, the second ends the process.

use crate::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a run that was interrupted: 128 + SIGINT, as a shell gives for a process that a Ctrl-C ended.
pub const EXIT_CODE: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);
/// Whether training is over, and the report to come.
static IS_LEARNT: AtomicBool = AtomicBool::new(false);
static WATCH: Once = Once::new();

/// Begins to watch for interrupts; later calls change nothing.
pub(super) fn watch() {
    WATCH.call_once(|| {
        // Where no handler can be set, an interrupt ends the process as ever; a run goes on from its last checkpoint.
        let _ = ctrlc::set_handler(|| {
            if REQUESTED.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT_CODE.into());
            }
            let words = match IS_LEARNT.load(Ordering::Relaxed) {
                false => "finishing the minibatch and writing a checkpoint",
                true => "what was learnt is on the disk; ending ahead of the report",
            };
            let _ = writeln!(std::io::stderr(), "\ninterrupted: {words}; again to end at once");
        });
    });
}

/// Leaves interrupts to another process, which ends this one too.
pub fn leave() {
    WATCH.call_once(|| {
        // Where no handler can be set, an interrupt ends the process, and the launcher with it all others.
        let _ = ctrlc::set_handler(|| ());
    });
}

/// From here on there is nothing more to learn.
pub(super) fn learnt() {
    IS_LEARNT.store(true, Ordering::Relaxed);
}

/// Fails where the user has asked to stop the run in this folder.
pub fn check(run: &Path) -> Result<(), Error> {
    if requested() { Err(Error::Interrupted { run: run.to_owned() }) } else { Ok(()) }
}

/// Whether the user has asked to stop.
pub(super) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
