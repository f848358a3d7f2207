//! Where the chores' words go.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::process;

/// Prints a line on stdout. Where nobody reads any more, as after `| head`, the chore ends.
macro_rules! say {
    () => {
        $crate::console::line(format_args!(""))
    };
    ($($words:tt)*) => {
        $crate::console::line(format_args!($($words)*))
    };
}
pub(crate) use say;

/// What `say!` does.
pub fn line(words: Arguments<'_>) {
    if writeln!(io::stdout().lock(), "{words}").is_err() {
        process::exit(1);
    }
}

/// Prints a line on stderr, where anybody reads it.
pub fn complain(words: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}
