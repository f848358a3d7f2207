//! [`skipped`]: what a test leaves out because something is not installed, in words that somebody sees.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Names the file that such words are added to; `cargo xtask test` sets it, and prints them at its end: a test that passes is not heard.
pub const VARIABLE: &str = "EBM_SKIPPED";

/// Says what is left out, and why.
///
/// # Panics
///
/// Where the file cannot be written.
pub fn skipped(words: &str) {
    eprintln!("SKIPPED: {words}");
    if let Some(path) = env::var_os(VARIABLE) {
        let file = OpenOptions::new().create(true).append(true).open(path);
        // One write: tests run side by side.
        file.and_then(|mut file| file.write_all(format!("{words}\n").as_bytes()))
            .expect("the list of what is left out");
    }
}
