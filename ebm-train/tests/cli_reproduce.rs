//! `reproduce` as a user runs it.

use serde_json::Value;
use std::process::{Command, Output};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebm-train")).args(arguments).output().expect("the program starts")
}

fn reproduced(arguments: &[&str]) -> (Value, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().to_str().expect("a UTF-8 path");
    let output = run(&[&["reproduce", "--json", "--out", out], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).expect("one JSON object on stdout"), folder)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Of a score that is `Σ a_i·v_i + Σ b_j·h_j + Σ W_ij·v_i·h_j`, every value follows from those of the states with at most one visible and one hidden
/// unit on.
#[test]
fn the_toys_table_is_exact_to_the_last_digit() {
    let (report, _folder) = reproduced(&["toy"]);
    assert_eq!(report["data"], "rows of its own");
    let epochs: Vec<u64> =
        report["epochs"].as_array().expect("epochs").iter().filter_map(|epoch| epoch["epoch"].as_u64()).collect();
    assert_eq!(report["epochs_every"], 8);
    assert_eq!(epochs, (8..=2000).step_by(8).collect::<Vec<u64>>(), "every eighth, and the last");
    let states = report["states"].as_array().expect("the states");
    assert_eq!(states.len(), 32);
    let bits = |state: &Value, layer: &str| -> Vec<bool> {
        state[layer].as_str().expect("bits").chars().map(|bit| bit == '1').collect()
    };
    for time in ["before", "after"] {
        let score = |visible: &[usize], hidden: &[usize]| {
            let on = |units: &[usize], count: usize| (0..count).map(|unit| units.contains(&unit)).collect::<Vec<_>>();
            let found = states
                .iter()
                .find(|state| bits(state, "visible") == on(visible, 3) && bits(state, "hidden") == on(hidden, 2));
            number(&found.expect("every state")[time]["score"])
        };
        let partition: f64 = states.iter().map(|state| number(&state[time]["score"]).exp()).sum();
        let mut total = 0.0;
        for state in states {
            let on = |layer| {
                bits(state, layer).iter().enumerate().filter(|(_, on)| **on).map(|(unit, _)| unit).collect::<Vec<_>>()
            };
            let (visible, hidden) = (on("visible"), on("hidden"));
            let weight = |i, j| score(&[i], &[j]) - score(&[i], &[]) - score(&[], &[j]);
            let expected = visible.iter().map(|&i| score(&[i], &[])).sum::<f64>()
                + hidden.iter().map(|&j| score(&[], &[j])).sum::<f64>()
                + visible
                    .iter()
                    .flat_map(|&i| hidden.iter().map(move |&j| (i, j)))
                    .map(|(i, j)| weight(i, j))
                    .sum::<f64>();
            let row = &state[time];
            let ours = number(&row["score"]);
            assert!((ours - expected).abs() < 1e-13, "{state}: score {expected}");
            assert!((number(&row["exp_score"]) / ours.exp() - 1.0).abs() < 1e-15, "{state}");
            assert!((number(&row["probability"]) / (ours.exp() / partition) - 1.0).abs() < 1e-14, "{state}");
            total += number(&row["probability"]);
        }
        assert!((total - 1.0).abs() < 1e-14, "{time}: {total}");
    }
    let known = |time: &str, visible: &str| -> f64 {
        let rows = states.iter().filter(|state| state["visible"] == visible);
        rows.map(|state| number(&state[time]["probability"])).sum()
    };
    for state in ["101", "010"] {
        assert!(known("after", state) > known("before", state), "{state} has not risen");
    }
    assert!(known("after", "101") + known("after", "010") > 0.9);
}

#[test]
fn lists_itself_and_refuses_what_it_does_not_know() {
    let listed = run(&["reproduce"]);
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    for name in
        ["rbm-pretraining", "dbn-pretraining", "pcd-adam", "inpaint", "cd10-noise", "toy", "likelihood", "classify"]
    {
        assert!(listed.contains(name), "{listed}");
    }
    for (arguments, word) in
        [(&["reproduce", "toys"][..], "toys"), (&["reproduce", "toy", "--quick", "--data", "digits"], "--data")]
    {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{arguments:?}");
    }
}

/// Every experiment at its small size: it runs to its end, reaches the bars it has there, and writes the pictures it names.
#[test]
fn every_experiment_runs_on_the_digits() {
    let (listed, _folder) = reproduced(&[]);
    let names: Vec<&str> =
        listed["experiments"].as_array().expect("a list").iter().filter_map(|e| e["name"].as_str()).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let (reports, _folder) = reproduced(&["all", "--quick"]);
    for (report, name) in reports["experiments"].as_array().expect("a list").iter().zip(names) {
        assert_eq!((report["experiment"].as_str(), report["reached"].as_bool()), (Some(name), Some(true)), "{report}");
        assert!(report["seconds"].is_number() && !report["figures"].as_array().expect("figures").is_empty(), "{name}");
        for file in report["files"].as_array().expect("files") {
            let bytes = std::fs::read(file.as_str().expect("a path")).expect("the picture");
            assert!(bytes.starts_with(b"\x89PNG"), "{file}");
        }
        if name == "likelihood" {
            both_averages_of_reverse_annealing_stand_side_by_side(report);
        }
    }
}

/// The mean of 1/w is what PyDeep takes; by Jensen's inequality a likelihood by it is never the higher.
fn both_averages_of_reverse_annealing_stand_side_by_side(report: &Value) {
    let figures = report["figures"].as_array().expect("figures");
    for part in ["training", "test"] {
        let of = |what: &str| {
            let ending = format!(", {what}, {part}");
            let found =
                figures.iter().find(|figure| figure["name"].as_str().is_some_and(|name| name.ends_with(&ending)));
            found.unwrap_or_else(|| panic!("no {ending}: {report}"))
        };
        let (reverse, inverse) = (of("reverse AIS"), of("reverse AIS, mean 1/w"));
        assert!(number(&inverse["ours"]) <= number(&reverse["ours"]), "{part}: {inverse}, {reverse}");
        assert!(inverse["bar"].is_null(), "{inverse}");
    }
}
