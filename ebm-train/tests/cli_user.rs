//! What a user meets with data of their own: the commands that the program names, and what it says where something is wrong.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The words of a line as a shell makes them, for single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match (c, words.last_mut()) {
            ('\'', _) => is_quoted = !is_quoted,
            (' ', _) if !is_quoted => words.push(String::new()),
            (_, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn run(line: &str, folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm-train"));
    command.args(words(line)).current_dir(folder).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// Stdout and stderr of a line that succeeds.
fn succeed(line: &str, folder: &Path) -> (String, String) {
    let output = run(line, folder);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn json(line: &str, folder: &Path) -> Value {
    let (stdout, _) = succeed(&format!("{line} --json"), folder);
    serde_json::from_str(&stdout).expect("stdout holds one JSON object and nothing else")
}

fn refuse(line: &str, folder: &Path, code: i32, words: &[&str]) {
    let output = run(line, folder);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{line}: no `{word}` in: {stderr}");
    }
}

/// A stream of two recordings: a time, two numbers, a category, a comment and a label.
fn stream() -> String {
    let mut csv = String::from("t,x,y,kind,note,class\n");
    for t in 0..80 {
        let (x, y) = (f64::from(t % 7) - 2.5, 0.43 * f64::from(t % 5));
        let (kind, class) = (["up", "down"][t as usize % 3 % 2], ["a", "b"][t as usize / 40]);
        csv += &format!("{t},{x},-{y:.2},{kind},none,{class}\n");
    }
    csv
}

#[test]
fn the_command_that_training_names_measures_the_model() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("my stream.csv"), stream()).expect("a file");
    let flags = "--data 'csv:my stream.csv' --ignore t,note --categorical kind --label class --window 4 --hop 2 --group class --test-size 8 \
                 --scaling standard";
    let line = format!("train {flags} --model classrbm --hidden 4 --epochs 2 --quiet --out 'the run'");
    let trained = json(&line, folder);
    let next = trained["next"].as_str().expect("a command");
    let (_, command) = next.split_once("ebm-train ").expect("a line of this program");
    let expected = "eval 'the run/model.ebm' --data 'csv:my stream.csv' --test-size 8 --label class --ignore t,note --categorical kind \
                    --window 4 --hop 2 --group class";
    assert_eq!(command, expected);
    let figures = json(command, folder);
    assert_eq!(figures["samples"].as_u64(), Some(19), "one recording of two is the test part");
    assert_eq!(figures["accuracy"], trained["test_accuracy"]);
    let (stdout, _) = succeed(&format!("{line} --force"), folder);
    assert!(stdout.contains(&format!("measure it:\n\n  ebm-train {expected}\n")), "{stdout}");
    // What ended is told again in the same words.
    assert_eq!(json("train --resume 'the run'", folder)["next"], trained["next"]);
}

#[test]
fn a_model_of_other_data_asks_for_them() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("good.csv"), "x,y\n1,2\n2,4\n3,5\n0,1\n").expect("a file");
    succeed("train --data csv:good.csv --hidden 3 --epochs 1 --out a", folder);
    for line in ["eval a/model.ebm", "features a/model.ebm --index 0 --out a.png", "quantize a/model.ebm --out b.ebm"] {
        refuse(line, folder, 2, &["a/model.ebm: trained on csv:good.csv: give --data"]);
    }
    assert_eq!(json("eval a/model.ebm --data csv:good.csv", folder)["samples"], 4);
    let (help, _) = succeed("eval --help", folder);
    assert!(help.contains("that of the model"), "{help}");
    // The digits are in the program.
    succeed("train --hidden 3 --epochs 1 --limit 100 --out d", folder);
    assert_eq!(json("eval d/model.ebm", folder)["data"], "digits");
}
