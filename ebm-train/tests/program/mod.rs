//! The program as a user calls it, in a folder of the test's own.
// Not every test needs all of it.
#![allow(dead_code)]

pub mod python;

use std::path::Path;
use std::process::{Command, Output};

/// The words of a line as a shell makes them, for quotes of either kind.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (c, words.last_mut()) {
            ('\'' | '"', _) if quote.is_none() => quote = Some(c),
            (c, _) if quote == Some(c) => quote = None,
            (' ', _) if quote.is_none() => words.push(String::new()),
            (_, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The program with these arguments, yet to be started.
pub fn program(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm-train"));
    command.args(words(line));
    command
}

/// What comes of it in this folder.
pub fn run(line: &str, folder: &Path) -> Output {
    program(line).current_dir(folder).output().expect("the program starts")
}

/// What it printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// Stdout of a run that succeeds.
pub fn succeed(line: &str, folder: &Path) -> String {
    let output = run(line, folder);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Stderr of a run that ends so.
pub fn fail(line: &str, folder: &Path, code: i32) -> String {
    let output = run(line, folder);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    stderr
}

/// The same, where stderr must have these words.
pub fn refuse(line: &str, folder: &Path, code: i32, words: &[&str]) {
    let stderr = fail(line, folder, code);
    for word in words {
        assert!(stderr.contains(word), "{line}: no `{word}` in: {stderr}");
    }
}
