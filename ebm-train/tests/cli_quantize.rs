//! `quantize` as a user runs it: smaller files, the loss that `eval` measures too, refusals.

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm");

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebm-train")).args(arguments).output().expect("the program starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout holds one JSON object and nothing else")
}

#[test]
fn every_storage_is_smaller_and_loses_what_is_stated() {
    let folder = TempDir::new().expect("a folder");
    let before = json(&["eval", DIGITS, "--json"])["accuracy"].clone();
    let mut sizes = Vec::new();
    for (bits, most_lost) in [("int8", 0.002), ("int8-rows", 0.002), ("int4", 0.01), ("sign", 1.0)] {
        let out = folder.path().join(format!("{bits}.ebm"));
        let out = out.to_str().expect("a UTF-8 path");
        let summary = json(&["quantize", DIGITS, "--bits", bits, "--out", out, "--json"]);
        assert_eq!(summary["number_format"], bits);
        let measured = json(&["eval", out, "--json"]);
        assert_eq!((&summary["accuracy"], &summary["accuracy_quantized"]), (&before, &measured["accuracy"]), "{bits}");
        let [exact, integer] = ["accuracy", "accuracy_quantized"].map(|key| summary[key].as_f64().expect("a number"));
        assert!(exact - integer <= most_lost, "{bits}: {summary}");
        assert!(summary["free_energy_error_median_nats"].as_f64().is_some_and(f64::is_finite), "{summary}");
        let bytes = fs::metadata(out).expect("the model").len();
        assert_eq!(summary["bytes"].as_u64(), Some(bytes));
        sizes.push(bytes);
    }
    let float = fs::metadata(DIGITS).expect("the model").len();
    assert!(3 * sizes[0] < float && sizes[2] < sizes[0] && sizes[3] < sizes[2], "{float} {sizes:?}");
}

#[test]
fn what_has_no_integer_form_is_refused_and_nothing_is_written() {
    let folder = TempDir::new().expect("a folder");
    let [data, arrays, model, out] = ["x.csv", "x.npz", "relu.ebm", "out.ebm"].map(|name| folder.path().join(name));
    let path = |path: &std::path::PathBuf| path.to_str().expect("a UTF-8 path").to_owned();
    fs::write(&data, "a,b\n0,1\n1,0\n1,1\n").expect("the data");
    let named = ebm_train::arrays::Named::from([
        ("W".to_owned(), ebm_train::arrays::Array::of_f32(&[2, 1], &[0.5, -0.5])),
        ("vbias".to_owned(), ebm_train::arrays::Array::of_f32(&[2], &[0.0, 1.0])),
        ("hbias".to_owned(), ebm_train::arrays::Array::of_f32(&[1], &[2.0])),
    ]);
    ebm_train::arrays::write(&arrays, &named, "").expect("the arrays");
    json(&["import", &path(&arrays), "--hidden", "relu", "--out", &path(&model), "--json"]);
    let output = run(&["quantize", &path(&model), "--data", &format!("csv:{}", path(&data)), "--out", &path(&out)]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot be quantised") && output.stdout.is_empty(), "{stderr}");
    assert!(!out.exists());
    let output = run(&["quantize", DIGITS, "--bits", "int3", "--out", &path(&out)]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
