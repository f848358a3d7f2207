//! The program as a user runs it: what it prints, the exit code, the files.

use ebm_core::Integer;
use ebm_train::data::{Batch, digits};
use ebm_train::eval::novelty::free_energies;
use ebm_train::export::ModelFile;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A main job that takes a moment: its figures mean nothing, its files and words do.
const QUICK: [&str; 8] = ["--hidden", "12,8", "--pretrain-epochs", "1", "--finetune-epochs", "2", "--batch-size", "64"];

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebm-train")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// The one JSON object on stdout of a run that succeeds.
fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout holds one JSON object and nothing else")
}

/// Asserts exit code 1 or 2, an empty stdout, and that stderr holds every one of `words`.
fn assert_refused(arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed on stdout");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no `{word}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

fn quick_model(folder: &Path, extra: &[&str]) -> Value {
    let out = folder.to_str().expect("a UTF-8 path");
    json(&[&QUICK[..], &["--json", "--out", out], extra].concat())
}

#[test]
fn the_main_job_reaches_its_bars() {
    let folder = TempDir::new().expect("a folder");
    let started = Instant::now();
    let summary = json(&["--json", "--f32", "--out", folder.path().to_str().expect("a UTF-8 path")]);
    let took = started.elapsed();
    let number = |key: &str| summary[key].as_f64().unwrap_or_else(|| panic!("no number `{key}` in {summary}"));
    // The issue of a slow machine aside, the job is meant to take a quarter of this.
    assert!(took < Duration::from_secs(60) && number("seconds") <= took.as_secs_f64(), "it took {took:?}");
    assert!(number("test_accuracy") >= 0.98, "{}", number("test_accuracy"));
    assert!(number("test_accuracy_random_start") >= 0.98, "{}", number("test_accuracy_random_start"));
    assert!((number("test_accuracy") - number("test_accuracy_int8")).abs() <= 0.002, "{summary}");
    assert!(number("free_energy_error_median_nats") <= 0.3);

    let epochs = summary["epochs"].as_array().expect("a list of epochs");
    for stage in ["pretrain-1", "pretrain-2", "finetune", "random-start"] {
        let of_stage: Vec<_> = epochs.iter().filter(|epoch| epoch["stage"] == stage).collect();
        assert!(of_stage.len() > 1, "no epochs of {stage}");
        let losses = |key: &str| -> Vec<f64> { of_stage.iter().filter_map(|epoch| epoch[key].as_f64()).collect() };
        let train = losses("train_loss");
        assert!(train.len() == of_stage.len() && losses("test_loss").len() == of_stage.len());
        assert!(train[train.len() - 1] < train[0], "{stage} did not learn: {train:?}");
    }

    // What was written is what was measured.
    let path = summary["model"].as_str().expect("a path");
    assert_novelty(Path::new(path));
    let int8 = json(&["eval", path, "--json"]);
    assert_eq!(int8["accuracy"], summary["test_accuracy_int8"]);
    assert_eq!(int8["samples"], 1797);
    let f32 = json(&["eval", summary["model_f32"].as_str().expect("a path"), "--json"]);
    assert_eq!(f32["accuracy"], summary["test_accuracy"]);
    assert_eq!(fs::metadata(path).expect("the model").len(), summary["bytes"].as_u64().expect("bytes"));
}

/// The free energies of digits lie below those of what is none: the same pixels turned about their diagonal, or in another order.
fn assert_novelty(path: &Path) {
    let digits = digits::load().expect("the digits");
    let file = ModelFile::read(path).expect("the model");
    let model = file.model().expect("a model");
    let energies = |order: &dyn Fn(usize) -> usize| {
        let inputs = digits.test.inputs.memory().expect("digits are in memory");
        let values = inputs.iter().flat_map(|row| (0..inputs.visible).map(|i| row[order(i)]).collect::<Vec<_>>());
        let samples = Batch { values: values.collect(), visible: inputs.visible }.into();
        free_energies::<Integer>(&model, &samples, 0).expect("it fits")
    };
    let seen = energies(&|i| i);
    let novel_share = |energies: &[i32]| {
        let novel = energies.iter().filter(|&&energy| model.is_novel::<Integer>(energy) == Some(true)).count();
        novel as f64 / energies.len() as f64
    };
    // The threshold lets 1 % of the training digits through; these are other people's.
    assert!(novel_share(&seen) <= 0.03, "{} of the test digits count as novel", novel_share(&seen));
    for (what, order) in
        [("transposed", &(|i: usize| i % 8 * 8 + i / 8) as &dyn Fn(usize) -> usize), ("scrambled", &|i| i * 37 % 64)]
    {
        let unseen = energies(order);
        let above = seen.iter().map(|a| unseen.iter().filter(|&b| b > a).count()).sum::<usize>();
        let auc = above as f64 / (seen.len() * unseen.len()) as f64;
        assert!(auc >= 0.99 && novel_share(&unseen) >= 0.9, "{what}: AUC {auc}, {} novel", novel_share(&unseen));
    }
}

#[test]
fn tables_name_both_starts_and_the_next_command() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("new/folder");
    let output = run(&[&QUICK[..], &["--out", out.to_str().expect("a UTF-8 path")]].concat());
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let model = out.join("model.ebm");
    let next = format!("cargo xtask qemu mps2-an386 --model {}", model.display());
    for words in ["3823 training and 1797 test", "with pretraining", "from random weights", "quantised to int8", &next]
    {
        assert!(stdout.contains(words), "no `{words}` in:\n{stdout}");
    }
    assert!(model.is_file());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("the file").permissions().mode() & 0o777;
        let plain = folder.path().join("plain");
        fs::write(&plain, "").expect("a file");
        assert_eq!(mode(&model), mode(&plain), "the model is readable by whom other files are");
    }
    assert!(!out.join("model-f32.ebm").exists(), "the f32 model is written on request only");
    let files = fs::read_dir(&out).expect("the folder").map(|file| file.expect("a file").file_name());
    let mut files: Vec<_> = files.map(|name| name.into_string().expect("a UTF-8 name")).collect();
    files.sort();
    let expected =
        ["checkpoints", "config.toml", "curves.csv", "lock", "log.jsonl", "milestones", "model.ebm", "report.html"];
    assert_eq!(files, expected, "nothing else is left");
}

#[test]
fn the_seed_decides_the_model_and_the_threads_do_not() {
    let folders: Vec<_> = (0..3).map(|_| TempDir::new().expect("a folder")).collect();
    let bytes = |folder: &TempDir, extra: &[&str]| {
        quick_model(folder.path(), extra);
        fs::read(folder.path().join("model.ebm")).expect("the model")
    };
    let one = bytes(&folders[0], &["--seed", "3", "--threads", "1"]);
    assert!(one == bytes(&folders[1], &["--seed", "3", "--threads", "2"]));
    assert!(one != bytes(&folders[2], &["--seed", "4"]));
}

#[test]
fn inspect_says_what_is_in_a_file() {
    let folder = TempDir::new().expect("a folder");
    let summary = quick_model(folder.path(), &["--seed", "7"]);
    let path = summary["model"].as_str().expect("a path");
    let facts = json(&["inspect", path, "--json"]);
    assert_eq!(facts["number_format"], "int8");
    assert_eq!(facts["bytes"], summary["bytes"]);
    let layers = facts["layers"].as_array().expect("layers");
    let shapes: Vec<_> = layers.iter().map(|l| (l["visible"].as_u64(), l["hidden"].as_u64())).collect();
    assert_eq!(shapes, [(Some(64), Some(12)), (Some(64), Some(12)), (Some(12), Some(8)), (Some(8), Some(10))]);
    assert_eq!(facts["provenance"]["seed"], 7);
    assert_eq!(facts["novelty"]["quantile"].as_f64(), Some(0.99));
    let words = text(&run(&["inspect", path]).stdout);
    assert!(words.contains("int8") && words.contains("layer 2  12 × 8") && words.contains("levels from 0 to 16"));
}

#[test]
fn a_damaged_model_is_refused_with_path_and_reason() {
    let folder = TempDir::new().expect("a folder");
    quick_model(folder.path(), &["--f32"]);
    for name in ["model.ebm", "model-f32.ebm"] {
        let whole = fs::read(folder.path().join(name)).expect("the model");
        let path = folder.path().join("damaged.ebm");
        let path = path.to_str().expect("a UTF-8 path");
        let refused = |bytes: &[u8], reason: &str| {
            fs::write(path, bytes).expect("a damaged copy");
            for command in ["eval", "inspect"] {
                assert_refused(&[command, path], 1, &["error: ", path, reason]);
            }
        };
        let changed = |offset: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[offset] = byte;
            bytes
        };
        refused(&[], "cut short");
        refused(&whole[..whole.len() - 1], "cut short");
        refused(&whole[..40], "cut short");
        refused(&[&whole[..], b"x"].concat(), "the file says that it has");
        refused(&changed(0, b'e'), "not a model file");
        refused(&changed(4, 4), "file format version 4; this program reads versions 1 to 3");
        refused(&changed(40, whole[40] ^ 1), "header's checksum");
        refused(&changed(whole.len() / 2, whole[whole.len() / 2] ^ 16), "parameters' checksum");
    }

    // NaN among the parameters, with a checksum that is right again.
    let mut bytes = fs::read(folder.path().join("model-f32.ebm")).expect("the model");
    let length = bytes.len();
    let payload = length - u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize;
    bytes[payload..payload + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let crc = ebm_core::format::crc32(&bytes[payload..]);
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    let crc = ebm_core::format::crc32(&[&bytes[..28], &bytes[32..payload]].concat());
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    let path = folder.path().join("nan.ebm");
    fs::write(&path, bytes).expect("a damaged copy");
    let path = path.to_str().expect("a UTF-8 path");
    assert_refused(&["eval", path], 1, &[path, "layer 0 holds a parameter that is not finite"]);
}

#[test]
fn a_model_for_other_inputs_is_refused_with_both_shapes() {
    // 3 visible and 2 hidden units.
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/v1-tiny-f32.ebm");
    assert!(run(&["inspect", tiny]).status.success());
    assert_refused(&["eval", tiny], 1, &[tiny, "does not fit digits: inputs: 3 expected, 64 found"]);
    // The right number of inputs, but pixels of another range.
    let other = folder_with_other_levels();
    let path = other.path().join("other.ebm");
    let path = path.to_str().expect("a UTF-8 path");
    assert_refused(&["eval", path], 1, &["digits: has levels from 0 to 16, but the model takes levels from 0 to 99"]);
    let folder = TempDir::new().expect("a folder");
    let missing = folder.path().join("none.ebm");
    let missing = missing.to_str().expect("a UTF-8 path");
    assert_refused(&["eval", missing], 1, &[missing, "cannot open the model"]);
}

/// A folder with a sound `other.ebm` whose input levels go to 99.
fn folder_with_other_levels() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    quick_model(folder.path(), &[]);
    let mut bytes = fs::read(folder.path().join("model.ebm")).expect("the model");
    let payload = bytes.len() - u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize;
    assert_eq!(bytes[32..34], [1, 16], "levels up to 16");
    bytes[33] = 99;
    let crc = ebm_core::format::crc32(&[&bytes[..28], &bytes[32..payload]].concat());
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    fs::write(folder.path().join("other.ebm"), bytes).expect("a changed copy");
    folder
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().to_str().expect("a UTF-8 path");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ebm-train"))
        .args([&QUICK[..], &["--out", out]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().expect("it ends").success());
    assert!(folder.path().join("model.ebm").is_file());
}

#[test]
fn an_unwritable_folder_is_found_before_training_starts() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    let out = file.join("below");
    let started = Instant::now();
    // A job of minutes, had it started.
    assert_refused(
        &["--out", out.to_str().expect("a UTF-8 path"), "--pretrain-epochs", "100000"],
        1,
        &[out.to_str().expect("a UTF-8 path"), "cannot create the output folder"],
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_wrong_flag_is_a_usage_error_that_names_it() {
    for (arguments, words) in [
        (&["--hidden", "0"][..], &["--hidden", "0"][..]),
        (&["--hidden", "8,8,8,8,8,8,8,8"], &["--hidden", "at most 6"]),
        (&["--learning-rate", "-1"], &["--learning-rate"]),
        (&["--learning-rate", "NaN"], &["--learning-rate", "above 0"]),
        (&["--momentum", "1"], &["--momentum", "below 1"]),
        (&["--dropout", "1.5"], &["--dropout", "below 1"]),
        (&["--batch-size", "0"], &["--batch-size"]),
        (&["--hidden", "33000,4"], &["--hidden", "33000"]),
        (&["--threads", "100000"], &["--threads", "100000", "1024"]),
        (&["--affine", "1e38"], &["--affine", "from 0 to 100"]),
        (&["--finetune-epochs", "9000000000000000000"], &["--finetune-epochs", "at most"]),
        (&["--nonsense"], &["--nonsense"]),
        (&["eval", "x.ebm", "--data", "letters"], &["--data", "letters", "digits"]),
    ] {
        assert_refused(arguments, 2, words);
    }
}
