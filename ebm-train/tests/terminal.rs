//! What a terminal shows of a run: a bar with rate, estimate and figures that fits, warnings above it, and colour where it is wanted.
//!
//! The terminal is the one that `script` of util-linux makes.
#![cfg(target_os = "linux")]

mod program;

use program::text;
use std::process::Command;
use tempfile::TempDir;

/// A run long enough to be seen, whose steps are too long.
const RUN: &str = "train --hidden 128 --epochs 15 --learning-rate 5 --report=false --out a";
/// Rows of the terminal.
const ROWS: u16 = 24;

/// All that a terminal of so many columns is sent by the program with these arguments.
fn on_terminal(arguments: &str, columns: usize, environment: &[(&str, &str)]) -> String {
    let folder = TempDir::new().expect("a folder");
    let line = format!("stty cols {columns} rows {ROWS}; '{}' {arguments}", env!("CARGO_BIN_EXE_ebm-train"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder.path());
    for unset in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        script.env_remove(unset);
    }
    let output = script.env("TERM", "xterm").envs(environment.iter().copied()).output().expect("util-linux's script");
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}");
    shown
}

/// The rows of a terminal of so many columns each time that its cursor went back to the start of a line.
fn screens(shown: &str, columns: usize) -> Vec<Vec<String>> {
    let mut terminal = vt100::Parser::new(ROWS, columns as u16, 0);
    let mut screens = Vec::new();
    for piece in shown.split_inclusive('\r') {
        terminal.process(piece.as_bytes());
        screens.push(terminal.screen().rows(0, columns as u16).map(|row| row.trim_end().to_owned()).collect());
    }
    screens
}

/// `ESC [ … m` sets colours and weights.
fn is_coloured(shown: &str) -> bool {
    shown
        .split("\u{1b}[")
        .skip(1)
        .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
}

#[test]
fn the_bar_has_rate_estimate_and_figures_and_fits() {
    for columns in [120, 50] {
        let shown = on_terminal(RUN, columns, &[]);
        let mut was_whole = false;
        for rows in screens(&shown, columns) {
            let Some(bar) = rows.iter().position(|row| row.ends_with(" GFLOP/s")) else { continue };
            // A bar, how far it is, what is left; below, the figures, and no more: nothing that a line too long would have left.
            let starts = rows[bar].starts_with(['█', '░']);
            assert!(starts && rows[bar].contains(" % ") && rows[bar].contains(" left "), "{rows:#?}");
            let figures = &rows[bar + 1];
            assert!(figures.is_empty() || figures.starts_with("pretrain-1"), "{rows:#?}");
            assert!(rows[bar + 2..].iter().all(String::is_empty), "{rows:#?}");
            was_whole |= figures.contains(" of 15: loss 0.")
                && (columns < 100 || figures.contains("(test 0.") && figures.contains(", free-energy gap "));
        }
        assert!(was_whole, "{shown}");
        // Once a finding, whole, whatever the terminal's width.
        for (finding, times) in
            [("warning:", 3), ("every step changes", 1), ("has jumped from", 1), ("hardly ever on", 1)]
        {
            assert_eq!(shown.matches(finding).count(), times, "{finding}: {shown}");
        }
    }
}

#[test]
fn colour_is_for_terminals_that_do_not_refuse_it() {
    let refused = "train --hidden 8 --epochs 1 --out a --resume b 2>&1; true";
    for (arguments, environment, coloured) in [
        (RUN, &[][..], true),
        (RUN, &[("NO_COLOR", "1")][..], false),
        (RUN, &[("CLICOLOR", "0")][..], false),
        (RUN, &[("TERM", "dumb")][..], false),
        (refused, &[][..], true),
        (refused, &[("NO_COLOR", "1")][..], false),
        ("--help", &[("NO_COLOR", "1")][..], false),
    ] {
        let shown = on_terminal(arguments, 120, environment);
        assert_eq!(is_coloured(&shown), coloured, "{arguments} {environment:?}: {shown}");
    }
    // Plain lines where a cursor cannot be moved; nothing at all where nothing is wanted.
    let plain = on_terminal(RUN, 120, &[("TERM", "dumb")]);
    assert!(!plain.contains('\u{1b}') && plain.contains("warning: "), "{plain}");
    assert_eq!(on_terminal(&format!("{RUN} --quiet"), 120, &[]), "");
}
