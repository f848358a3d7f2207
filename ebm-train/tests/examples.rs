//! The examples of the library, as a user runs them.

use std::env::{consts::EXE_SUFFIX, current_exe};
use std::path::Path;
use std::process::Command;

/// What an example prints.
fn run(name: &str, arguments: &[&Path]) -> String {
    // Cargo builds the examples beside the tests.
    let here = current_exe().expect("a test knows where it is");
    let folder = here.ancestors().nth(2).expect("tests lie in a folder of the build's").join("examples");
    let program = folder.join(format!("{name}{EXE_SUFFIX}"));
    let output = Command::new(&program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; `cargo build --examples`", program.display()));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("an example prints text")
}

/// The numbers in the line that begins with `start`.
fn numbers(text: &str, start: &str) -> Vec<f64> {
    let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no `{start}` in {text}"));
    line[start.len()..].split([' ', ',']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn a_machine_is_trained_and_does_not_learn_by_heart() {
    let text = run("train_rbm", &[]);
    let [train, test] = ["training:", "test:"].map(|part| numbers(&text, part));
    // Free energy, then pseudo-log-likelihood; the biases alone would have less than −30 nats.
    assert!((train[0] - test[0]).abs() < 3.0, "{text}");
    assert!(train[1] > -25.0 && test[1] > -25.0, "{text}");
}

#[test]
fn a_net_is_trained_quantised_and_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("digits.ebm");
    let text = run("name_digits", &[&file]);
    let accuracy = numbers(&text, &file.display().to_string());
    assert!(accuracy.last().is_some_and(|&percent| percent > 96.0), "{text}");
    let model = ebm_train::export::ModelFile::read(&file).expect("a model file");
    assert_eq!(model.model().expect("it is whole").outputs(), 10);
}

#[test]
fn a_knock_is_novel() {
    let text = run("novelty", &[]);
    let novel = |windows| {
        let of = numbers(&text, windows);
        of[0] / of[1]
    };
    assert!(novel("usual:") < 0.05 && novel("knocking:") > 0.9, "{text}");
    assert!(numbers(&text, "area under the curve:")[0] > 0.99, "{text}");
}
