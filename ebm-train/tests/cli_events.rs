//! `--json=events`: what happens in a run, one object a line, as EVENTS.md says; and what `--quiet` leaves of it all.
#![cfg(unix)]

mod program;

use program::{program, run, succeed, text};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use tempfile::TempDir;

const RUN: &str = "train --model dbn --hidden 24,16 --epochs 3 --finetune-epochs 2 --checkpoint-seconds 0 --out a";

fn events(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("a kind")).collect()
}

#[test]
fn a_run_tells_its_events_as_its_log_has_them() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let told = events(&succeed(&format!("{RUN} --json=events"), folder));
    let kinds = kinds(&told);
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("start", "end"), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|&&kind| kind == "epoch").count(), 8, "{kinds:?}");
    assert!(kinds.contains(&"checkpoint"), "{kinds:?}");
    for checkpoint in told.iter().filter(|event| event["event"] == "checkpoint") {
        assert!(folder.join(checkpoint["path"].as_str().expect("a path")).is_file(), "{checkpoint}");
    }
    let epoch = told.iter().find(|event| event["event"] == "epoch").expect("an epoch");
    assert_eq!((&epoch["stage"], &epoch["epoch"], &epoch["epochs"]), (&"pretrain-1".into(), &1.into(), &3.into()));

    let log = events(&fs::read_to_string(folder.join("a/log.jsonl")).expect("a log"));
    let logged: Vec<Value> = told.iter().filter(|event| event["event"] != "checkpoint").cloned().collect();
    assert_eq!(logged, log);

    // The end has what `--json` says, but for the epochs.
    let mut object: Value = serde_json::from_str(&succeed("train --resume a --json", folder)).expect("one object");
    object.as_object_mut().expect("an object").remove("epochs").expect("epochs");
    assert_eq!(told.last().expect("an end")["summary"], object);
    assert_eq!(events(&succeed("train --resume a --json=events", folder)), [log.last().expect("an end").clone()]);
}

#[test]
fn events_come_while_the_run_goes_on() {
    let folder = TempDir::new().expect("a folder");
    let mut child = program("train --hidden 64 --epochs 100000 --json=events --quiet --out a")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("UTF-8")).expect("JSON") };
    assert_eq!(next()["event"], "start");
    assert_eq!(next()["event"], "epoch");
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let last = loop {
        let event = next();
        if event["event"] == "error" {
            break event;
        }
    };
    assert_eq!(last["exit_code"], 130);
    assert!(last["message"].as_str().expect("words").contains("--resume"), "{last}");
    assert_eq!(child.wait().expect("its end").code(), Some(130));
}

#[test]
fn a_failure_is_an_event_too() {
    let folder = TempDir::new().expect("a folder");
    for (line, exit_code, words) in [
        ("train --data csv:none.csv --out a --json=events", 1, "none.csv"),
        ("train --hidden 8,4 --out a --json=events", 2, "--hidden (2 layers)"),
        ("train --hiden 8 --out a --json=events", 2, "--hiden"),
        ("train --json=events", 2, "--out"),
    ] {
        let output = run(line, folder.path());
        assert_eq!(output.status.code(), Some(exit_code), "{line}");
        let told = events(&text(&output.stdout));
        assert_eq!(kinds(&told), ["error"], "{line}");
        assert_eq!(told[0]["exit_code"], exit_code, "{line}");
        assert!(told[0]["message"].as_str().expect("words").contains(words), "{line}: {}", told[0]);
        assert!(text(&output.stderr).starts_with("error: "), "{line}");
    }
}

#[test]
fn json_alone_is_one_object() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    for json in ["--json", "--json=object"] {
        let told = events(&succeed(&format!("train --hidden 8 --epochs 2 --force --out b {json}"), folder));
        assert!(told.len() == 1 && told[0]["epochs"].as_array().is_some_and(|epochs| epochs.len() == 2), "{told:?}");
    }
    // Other commands have one object to tell either way.
    assert_eq!(succeed("inspect b/model.ebm --json=events", folder), succeed("inspect b/model.ebm --json", folder));
}

#[test]
fn quiet_prints_errors_alone() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    // Of steps too long, which is warned of.
    let output = run("train --hidden 64 --epochs 6 --learning-rate 5 --out a --quiet", folder);
    assert!(output.status.success());
    assert_eq!((text(&output.stdout), text(&output.stderr)), (String::new(), String::new()));
    assert!(fs::read_to_string(folder.join("a/log.jsonl")).expect("a log").contains("\"event\":\"warning\""));

    let refused = run("train --hidden 64 --out a --quiet", folder);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).starts_with("error: a: "), "{}", text(&refused.stderr));
}
