//! The output that a program is known to give on a board: `tests/expected/<board>/<program>.txt`.
//!
//! A file holds the lines that the program prints, with the answers as their number and CRC-32, and
//! what built and ran it. Answers and facts always have to be the same. Costs have to be the same
//! where compiler and emulator are; elsewhere they may differ by [`TOLERANCE`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::board::Board;
use crate::model::Model;
use crate::transcript::{Transcript, cost};
use crate::workspace;

/// By which share of itself a cost may differ under another compiler or emulator: one release of rustc has moved the size of the f32
/// program's code by a tenth.
const TOLERANCE: f64 = 0.15;

/// What built and what ran a program.
#[derive(PartialEq)]
pub struct Provenance {
    /// The compiler's name and version.
    pub compiler: String,
    /// The emulator's name and version.
    pub emulator: String,
}

/// What a comparison finds.
#[derive(Default)]
pub struct Findings {
    /// What is not as expected.
    pub problems: Vec<String>,
    /// What differs and may.
    pub notes: Vec<String>,
}

/// Where a program's expected output is.
pub fn path(board: &Board, program: &str, model: &Model) -> PathBuf {
    let file = format!("{program}{}.txt", model.suffix());
    let folder = workspace::root().join("tests/expected").join(&board.name);
    folder.join(file)
}

/// Stores an output as the expected one.
pub fn store(path: &Path, output: &Transcript, provenance: &Provenance) -> Result<()> {
    let writing = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(writing)?;
    }
    fs::write(path, render(output, provenance)).with_context(writing)
}

/// Compares an output with the expected one; `None` where there is none.
pub fn check(path: &Path, output: &Transcript, now: &Provenance) -> Result<Option<Findings>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(compare(&text, output, now)))
}

fn render(output: &Transcript, provenance: &Provenance) -> String {
    let mut text = format!(
        "# Written by `cargo xtask qemu --overwrite`.\n# compiler: {}\n# emulator: {}\n",
        provenance.compiler, provenance.emulator
    );
    for line in lines(output) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The lines of a file below its head.
fn lines(output: &Transcript) -> Vec<String> {
    let mut lines = output.facts().to_vec();
    lines.push(output.summary());
    lines
}

fn compare(text: &str, output: &Transcript, now: &Provenance) -> Findings {
    let (head, body): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('#'));
    let recorded = |key: &str| {
        let value = head.iter().find_map(|line| line.strip_prefix(key));
        value.unwrap_or_default().to_owned()
    };
    let then = Provenance { compiler: recorded("# compiler: "), emulator: recorded("# emulator: ") };
    let exact = then == *now;

    let mut findings = Findings::default();
    if !exact {
        findings.notes.push(format!(
            "recorded with {} and {}, now {} and {}: costs may differ by {} %",
            then.compiler,
            then.emulator,
            now.compiler,
            now.emulator,
            TOLERANCE * 100.0
        ));
    }
    let lines = lines(output);
    for index in 0..body.len().max(lines.len()) {
        let expected = body.get(index).copied();
        let got = lines.get(index).map(String::as_str);
        if expected == got {
            continue;
        }
        let shown = |line: Option<&str>| line.unwrap_or("(no such line)").to_owned();
        let difference = format!("expected `{}`, got `{}`", shown(expected), shown(got));
        let costs = expected.and_then(cost).zip(got.and_then(cost));
        match costs {
            Some((a, b)) if !exact && a.0 == b.0 && is_near(a.1, b.1) => {
                findings.notes.push(difference);
            }
            _ => findings.problems.push(difference),
        }
    }
    findings
}

fn is_near(expected: f64, got: f64) -> bool {
    (got - expected).abs() <= TOLERANCE * expected.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(compiler: &str) -> Provenance {
        Provenance { compiler: compiler.to_owned(), emulator: "QEMU 7".to_owned() }
    }

    fn findings(expected: &str, got: &str, compiler: &str) -> (usize, usize) {
        let text = render(&Transcript::new(expected), &provenance("rustc 1"));
        let found = compare(&text, &Transcript::new(got), &provenance(compiler));
        (found.problems.len(), found.notes.len())
    }

    #[test]
    fn the_same_output_is_as_expected() {
        let output = "app: x\nanswer 1\na_bytes: 5\n";
        assert_eq!(findings(output, output, "rustc 1"), (0, 0));
    }

    #[test]
    fn costs_are_exact_under_the_same_compiler_and_near_under_another() {
        assert_eq!(findings("a_bytes: 100", "a_bytes: 101", "rustc 1"), (1, 0));
        assert_eq!(findings("a_bytes: 100", "a_bytes: 115", "rustc 2"), (0, 2));
        assert_eq!(findings("a_bytes: 100", "a_bytes: 116", "rustc 2"), (1, 1));
    }

    #[test]
    fn answers_and_facts_are_exact_under_any_compiler() {
        assert_eq!(findings("answer 1", "answer 2", "rustc 2"), (1, 1));
        assert_eq!(findings("accuracy: 98", "accuracy: 99", "rustc 2"), (1, 1));
        assert_eq!(findings("a: 1\nb: 2", "a: 1", "rustc 1"), (2, 0));
    }
}
