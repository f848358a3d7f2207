//! Runs that are taken up with other rates, after the numbers left the finite ones.
#![cfg(unix)]

mod program;

use program::{fail, succeed};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// What stands between the backquotes of an error: a command to go on with, its program left out.
fn command(words: &str) -> &str {
    let command = words.split('`').nth(1).unwrap_or_else(|| panic!("no command in: {words}"));
    command.strip_prefix("ebm-train ").expect("the program's name")
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("model.ebm")).expect("the model")
}

/// What a run's log has of its processes' rates.
fn rates(folder: &Path, run: &str, key: &str) -> Vec<f64> {
    let log = fs::read_to_string(folder.join(run).join("log.jsonl")).expect("the log");
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object"));
    events.filter_map(|event| event["rates"][key].as_f64()).collect()
}

#[test]
fn a_run_that_diverged_goes_on_at_a_lower_rate() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --hidden 16 --epochs 2 --finetune-epochs 2 --finetune-optimizer sgd --seed 4";
    let words = fail(&format!("{line} --finetune-learning-rate 1e38 --out a"), folder, 1);
    assert!(words.contains("finetune, epoch 1") && words.contains("try a lower --finetune-learning-rate"), "{words}");
    assert!(words.contains("is kept in a/checkpoints: `ebm-train train --resume a --finetune"), "{words}");
    assert!(folder.join("a/checkpoints/pretrain-1.safetensors").is_file());
    // The very command runs; a tenth of that rate is still none.
    assert_eq!(command(&words), "train --resume a --finetune-learning-rate 1e37");
    let again = fail(command(&words), folder, 1);
    assert_eq!(command(&again), "train --resume a --finetune-learning-rate 1e36");

    succeed("train --resume a --finetune-learning-rate 0.05 --finetune-momentum 0.5", folder);
    succeed(&format!("{line} --finetune-learning-rate 0.05 --finetune-momentum 0.5 --out whole"), folder);
    assert!(model(folder, "a") == model(folder, "whole"), "the machine was kept, the net learnt at the new rate alone");
    let config = fs::read_to_string(folder.join("a/config.toml")).expect("the configuration");
    for line in ["finetune-learning-rate = 0.05", "finetune-momentum = 0.5", "seed = 4", "finetune-epochs = 2"] {
        assert!(config.contains(&format!("\n{line}\n")), "no `{line}` in:\n{config}");
    }
    assert_eq!(rates(folder, "a", "finetune-learning-rate"), [1e38, 1e37, 0.05], "the log has each process's rate");
    assert_eq!(rates(folder, "a", "learning-rate").len(), 3);
    // The run has its new rate for good.
    fs::remove_file(folder.join("a/model.ebm")).expect("the model is removed");
    succeed("train --resume a", folder);
    assert!(model(folder, "a") == model(folder, "whole"));
    let ended = fail("train --resume a --finetune-learning-rate 0.1", folder, 1);
    assert!(ended.contains("a: the run has ended"), "{ended}");
}

#[test]
fn a_machine_goes_on_from_its_checkpoint_at_the_new_rate() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --model dbn --hidden 12,6 --epochs 3 --seed 4";
    succeed(&format!("{line} --out whole"), folder);
    succeed(&format!("{line} --out a"), folder);
    // As after a stop between the two machines.
    for file in ["model.ebm", "checkpoints/pretrain-2.safetensors"] {
        fs::remove_file(folder.join("a").join(file)).expect("it is removed");
    }
    let first = fs::read(folder.join("a/checkpoints/pretrain-1.safetensors")).expect("a checkpoint");
    succeed("train --resume a --learning-rate 0.001 --max-norm 2", folder);
    assert!(fs::read(folder.join("a/checkpoints/pretrain-1.safetensors")).expect("a checkpoint") == first);
    assert!(model(folder, "a") != model(folder, "whole"), "the second machine learnt at another rate");
}

#[test]
fn without_a_checkpoint_the_run_starts_again() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let words = fail("train --hidden 16 --learning-rate 1e38 --epochs 1 --out b", folder, 1);
    assert!(words.contains("pretrain-1, epoch 1") && words.contains("No checkpoint was kept; start again"), "{words}");
    assert_eq!(command(&words), "train --config b/config.toml --learning-rate 1e37 --force");
    succeed(&command(&words).replace("1e37", "0.05"), folder);
    succeed("train --hidden 16 --learning-rate 0.05 --epochs 1 --out whole", folder);
    assert!(model(folder, "b") == model(folder, "whole"));
}

#[test]
fn only_rates_may_be_given_anew_and_only_where_they_act() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --hidden 8 --epochs 1 --out a", folder);
    fs::remove_file(folder.join("a/model.ebm")).expect("the model is removed");
    let config = fs::read(folder.join("a/config.toml")).expect("the configuration");
    for flag in ["--k 2", "--seed 3", "--optimizer adam", "--schedule linear", "--batch-size 5"] {
        let words = fail(&format!("train --resume a --learning-rate 0.01 {flag}"), folder, 2);
        let name = flag.split(' ').next().unwrap_or_default();
        assert!(words.contains(&format!("{name} cannot be given with --resume")), "{words}");
    }
    let idle = fail("train --resume a --finetune-learning-rate 0.1", folder, 2);
    assert!(idle.contains("--finetune-learning-rate cannot act"), "{idle}");
    let wrong = fail("train --resume a --learning-rate 0", folder, 2);
    assert!(wrong.contains("--learning-rate 0: expected a number above 0"), "{wrong}");
    succeed("train --resume a --quiet", folder);
    assert!(fs::read(folder.join("a/config.toml")).expect("the configuration") == config, "nothing was given anew");
}
