//! `train` and `finetune` as a user runs them: configurations, run folders, and runs taken up again after being killed.
#![cfg(unix)]

mod program;

use program::{program, refuse, run, succeed, text};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A run of two machines and both fine-tunings that writes a checkpoint after every minibatch.
const RUN: &str = "train --model dbn --hidden 24,12 --epochs 3 --batch-size 64 --finetune-epochs 4 --compare --dropout 0.1 --shift 0.5 \
                   --checkpoint-seconds 0 --seed 5";

fn model(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("model.ebm")).expect("the model")
}

/// The lines of a run's log.
fn log(folder: &Path, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(run).join("log.jsonl")).expect("the log");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

#[test]
fn flags_and_toml_say_the_same() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let flags = "--model dbn --hidden 30,20,10 --algorithm pcd -k 2 --learning-rate 0.0123 --l1 1e-7 --centered --validation 10% \
                 --visible gaussian --columns a,b --finetune-epochs 3 --patience 2 --seed 77 --out \"runs/it's\"";
    let config = succeed(&format!("train {flags} --print-config"), folder);
    for line in
        ["hidden = [30, 20, 10]", "learning-rate = 0.0123", "centered = true", "k = 2", "columns = [\"a\", \"b\"]"]
    {
        assert!(config.contains(&format!("\n{line}\n")), "no `{line}` in:\n{config}");
    }
    fs::write(folder.join("run.toml"), &config).expect("a file");
    assert_eq!(succeed("train --config run.toml --print-config", folder), config);
    // The command line that it prints is one that a shell takes, and means the same.
    let command = succeed("train --config run.toml --print-command", folder);
    let arguments = command.trim().strip_prefix("ebm-train ").expect("the program's name");
    let script = format!("exec \"$0\" {arguments} --print-config");
    let shell = Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_ebm-train")]).output().expect("a shell");
    assert_eq!(text(&shell.stdout), config, "{command}");
    // Flags go before the file, switches too.
    let other = succeed("train --config run.toml --seed 78 --centered=false --hidden 9 --print-config", folder);
    for line in ["seed = 78", "centered = false", "hidden = [9]", "k = 2"] {
        assert!(other.contains(&format!("\n{line}\n")), "no `{line}` in:\n{other}");
    }
    // The main job is `train` with other defaults.
    let main = succeed("--print-config", folder);
    fs::write(folder.join("main.toml"), &main).expect("a file");
    assert_eq!(succeed("train --config main.toml --print-config", folder), main);
}

#[test]
fn a_wrong_configuration_is_refused_with_file_and_line() {
    let folder = TempDir::new().expect("a folder");
    let refused = |toml: &str, words: &[&str]| {
        fs::write(folder.path().join("run.toml"), toml).expect("a file");
        refuse("train --config run.toml --out a", folder.path(), 2, words);
        assert!(!folder.path().join("a").exists());
    };
    refused("seed = 1\nepoch = 3\n", &["run.toml:2: unknown key epoch"]);
    refused("batch_size = 3\n", &["run.toml:1: unknown key batch_size: batch-size is meant"]);
    refused("seed = 1\n\nepochs = \"3\"\n", &["run.toml:3: epochs takes a number, not string"]);
    refused("epochs = 1.5\n", &["run.toml:1: ", "1.5", "--epochs"]);
    refused("k = 0\n", &["run.toml:1: ", "--k"]);
    refused("centered = 1\n", &["run.toml:1: centered takes true or false, not integer"]);
    refused("hidden = [8, \"a\"]\n", &["run.toml:1: hidden takes a number or a list of such, not array"]);
    refused("algorithm = \"gibbs\"\n", &["run.toml:1: ", "gibbs"]);
    refused("data = 3\n", &["run.toml:1: data takes a text in quotes, not integer"]);
    refused("seed = 1\nseed = 2\n", &["run.toml:2: duplicate key"]);
    refused("seed = \n", &["run.toml:1: "]);
    refused("resume = \"b\"\n", &["run.toml:1: unknown key resume"]);
    refuse("train --config none.toml --out a", folder.path(), 1, &["none.toml: cannot read the configuration"]);
}

#[test]
fn a_run_killed_again_and_again_ends_at_the_very_bits() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed(&format!("{RUN} --threads 2 --out whole"), folder);
    let start = |line: &str| -> Child {
        program(line).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    };
    let mut child = start(&format!("{RUN} --threads 1 --out killed"));
    let mut killed = 0;
    let random = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos() as u64 / 1000);
    for (index, stage) in ["pretrain-1", "pretrain-2", "random-start", "finetune", "finetune"].iter().enumerate() {
        let checkpoint = folder.join(format!("killed/checkpoints/{stage}.safetensors"));
        let waited = Instant::now();
        while !checkpoint.exists() && waited.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_micros(random() % 40_000));
        child.kill().expect("it can be killed");
        killed += usize::from(child.wait().expect("it ends").signal() == Some(9));
        child = start(&format!("train --resume killed --threads {}", 1 + index % 2));
    }
    // However quick the machine, most kills met a run that was going on.
    assert!(killed >= 3, "only {killed} kills met a run");
    assert!(child.wait().expect("it ends").success());
    assert!(model(folder, "whole") == model(folder, "killed"), "the models differ");
    let epochs = |run| -> Vec<(String, u64)> {
        let events = log(folder, run);
        let of_epochs = events.iter().filter(|event| event["event"] == "epoch");
        let mut epochs: Vec<_> = of_epochs
            .map(|event| (event["stage"].as_str().unwrap_or("").to_owned(), event["epoch"].as_u64().unwrap_or(0)))
            .collect();
        epochs.sort();
        epochs
    };
    assert_eq!(epochs("killed"), epochs("whole"), "each epoch is in the log once");
    assert_eq!(epochs("whole").len(), 2 * 3 + 2 * 4);
    let events = log(folder, "killed");
    assert_eq!(events[0]["event"], "start");
    assert_eq!((events[0]["seed"].as_u64(), events[0]["data"].as_str()), (Some(5), Some("digits")));
    assert!(events.iter().any(|event| event["event"] == "resume"));
    assert_eq!(events.last().map(|event| event["event"].clone()), Some("end".into()));
}

#[test]
fn a_finished_run_says_so_and_is_not_overwritten() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --hidden 8 --epochs 1 --out a";
    let first: Value = serde_json::from_str(&succeed(&format!("{line} --json"), folder)).expect("one JSON object");
    let again = run("train --resume a --json", folder);
    assert!(again.status.success() && text(&again.stderr).contains("a: the run has ended"), "{}", text(&again.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).expect("one JSON object"), first);
    refuse(line, folder, 1, &["a: holds a finished run", "--out", "--force"]);
    refuse("train --resume a --epochs 2", folder, 2, &["--epochs cannot be given with --resume", "a/config.toml"]);
    refuse("train --resume none", folder, 1, &["none: holds no run to go on with"]);
    let before = model(folder, "a");
    succeed(&format!("{line} --seed 2 --force"), folder);
    assert!(model(folder, "a") != before);
    fs::create_dir_all(folder.join("b")).expect("a folder");
    fs::write(folder.join("b/model.ebm"), "precious").expect("a file");
    refuse("train --hidden 8 --out b", folder, 1, &["b: holds a model already"]);
    assert_eq!(model(folder, "b"), b"precious");
}

#[test]
fn a_checkpoint_of_other_settings_is_refused_by_name() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --hidden 8 --epochs 2 --out a", folder);
    let config = fs::read_to_string(folder.join("a/config.toml")).expect("the configuration");
    fs::write(folder.join("a/config.toml"), config.replace("\nepochs = 2\n", "\nepochs = 3\n")).expect("a file");
    fs::remove_file(folder.join("a/model.ebm")).expect("the model is removed");
    let words = ["pretrain-1.safetensors: was written with epochs = 2; this run has epochs = 3"];
    refuse("train --resume a", folder, 1, &words);
    // As it was, the run makes the same model again.
    fs::write(folder.join("a/config.toml"), config).expect("a file");
    succeed("train --resume a", folder);
    assert!(!model(folder, "a").is_empty());
}

#[test]
fn every_kind_of_model_is_trained_and_gone_on_from() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let json = |line: &str| -> Value {
        serde_json::from_str(&succeed(&format!("{line} --json"), folder)).expect("one JSON object")
    };
    let rbm = json(
        "train --data digits --model rbm --hidden 40 --algorithm pcd -k 1 --epochs 2 --learning-rate 0.05 --out rbm",
    );
    assert!(rbm["test_accuracy"].is_null() && rbm["epochs"].as_array().is_some_and(|epochs| epochs.len() == 2));
    let classrbm =
        json("train --model classrbm --hidden 60 --objective discriminative --epochs 8 --learning-rate 0.1 --out c");
    assert!(classrbm["test_accuracy"].as_f64() > Some(0.8), "{classrbm}");
    let gaussian =
        json("train --visible gaussian --hidden 10 --hidden-kind relu --learning-rate 0.001 --epochs 1 --out g");
    assert_eq!(gaussian["model"], "g/model.ebm");
    let tuned = json("finetune rbm/model.ebm --data digits --finetune-epochs 8 --finetune-learning-rate 0.01 --out f");
    assert!(tuned["test_accuracy"].as_f64() > Some(0.8) && !tuned["test_accuracy_int8"].is_null(), "{tuned}");
    // A run from a file is taken up as any other.
    fs::remove_file(folder.join("f/model.ebm")).expect("the model is removed");
    let again = json("train --resume f");
    assert_eq!(again["test_accuracy"], tuned["test_accuracy"]);
    // Few labels: no more than asked for are learnt from.
    let few = json(
        "train --model dbn --hidden 30 --epochs 1 --finetune-epochs 30 --finetune-learning-rate 0.01 --labels 50 --out few",
    );
    let last = few["epochs"].as_array().and_then(|epochs| epochs.last()).expect("epochs");
    let hits = last["train_accuracy"].as_f64().unwrap_or(0.0) * 50.0;
    assert!((hits - hits.round()).abs() < 1e-9, "a share of 50 samples: {last}");
    refuse("train --hidden 8 --compare --out x", folder, 2, &["--compare", "--finetune-epochs"]);
    refuse("train --hidden 8,8 --out x", folder, 2, &["--hidden", "--model dbn"]);
    refuse("train --hidden 8", folder, 2, &["--out", "runs/a"]);
}

/// Up-down fine-tuning leaves every layer below the top with a way down of its own; it is the same from `train` in one go as from `finetune` later.
#[test]
fn a_stack_learns_to_generate() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let stack = "train --model dbn --hidden 16,8 --epochs 1 --batch-size 64 --seed 3";
    succeed(&format!("{stack} --up-down-epochs 2 --out whole"), folder);
    let facts: Value = serde_json::from_str(&succeed("inspect whole/model.ebm --json", folder)).expect("JSON");
    let kinds: Vec<&str> = (0..2).filter_map(|layer| facts["layers"][layer]["kind"].as_str()).collect();
    assert!(kinds[0].contains("generative weights") && kinds[1].contains("rbm"), "{facts}");
    let stages: Vec<Value> = log(folder, "whole").into_iter().filter(|line| line["stage"] == "up-down").collect();
    assert_eq!(stages.len(), 2, "two epochs of up-down");

    succeed(&format!("{stack} --out stack"), folder);
    succeed("finetune stack/model.ebm --up-down-epochs 2 --batch-size 64 --seed 3 --out later", folder);
    let weights = |run: &str| {
        succeed(&format!("export {run}/model.ebm --out {run}.npz"), folder);
        fs::read(folder.join(format!("{run}.npz"))).expect("the arrays")
    };
    let later = weights("later");
    assert!(later == weights("whole") && later != weights("stack"));

    succeed(&format!("{stack} --format int8 --out integers"), folder);
    let facts: Value = serde_json::from_str(&succeed("inspect integers/model.ebm --json", folder)).expect("JSON");
    assert_eq!(facts["number_format"], "int8", "a stack is written as it was asked for");
    refuse(&format!("{stack} --up-down-epochs 1 --format int8 --out x"), folder, 2, &["--format", "no integer form"]);
    refuse("finetune nowhere.ebm --up-down-epochs 2 --out x", folder, 1, &["nowhere.ebm"]);
}
