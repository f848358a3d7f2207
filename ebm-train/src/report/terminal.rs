//! Words for a person: what was asked for on stdout, all else on stderr, in colour where a terminal shows it and NO_COLOR does not forbid it.

use crate::Error;
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::ProgressDrawTarget;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Prints on stdout. A reader that has gone away, such as `head`, is no failure.
pub fn print(text: &str) -> Result<(), Error> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::file(Path::new("standard output"), "print")(error))
        }
        _ => Ok(()),
    }
}

/// Says on stderr why a command failed.
pub fn error(words: &dyn Display) {
    say(ERROR, "error", words);
}

/// Says on stderr what looks wrong, and is no failure.
pub fn warning(words: &dyn Display) {
    say(WARNING, "warning", words);
}

fn say(style: Style, what: &str, words: &dyn Display) {
    write_error(&format!("{style}{what}:{style:#} {words}\n"));
}

/// Writes text with its colours to stderr, at once: a launcher of several processes mixes what they write.
pub fn write_error(text: &str) {
    let mut plain_or_not = AutoStream::new(Vec::new(), AutoStream::choice(&io::stderr()));
    // Nobody may be reading: not `eprint!`, which would end the run.
    let _ = plain_or_not.write_all(text.as_bytes()).and_then(|()| io::stderr().write_all(&plain_or_not.into_inner()));
}

/// Where a bar is drawn: on a stderr that is a terminal and can move its cursor; `None` elsewhere, where plain lines are for.
pub fn bar_target() -> Option<ProgressDrawTarget> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
    (io::stderr().is_terminal() && !is_dumb).then(ProgressDrawTarget::stderr)
}
