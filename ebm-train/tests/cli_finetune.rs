//! `finetune` as a user calls it, and the flags that it, or `train`, has no use for.

mod program;

use program::{run, succeed, text};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A usage error with these words, which leaves no folder `x`.
fn refuse(line: &str, folder: &Path, words: &[&str]) {
    program::refuse(line, folder, 2, words);
    assert!(!folder.join("x").exists(), "{line}: a folder was made");
}

/// A folder with a stack of two machines, as `dbn/model.ebm`.
fn with_stack() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    succeed("train --model dbn --hidden 16,8 --epochs 1 --seed 3 --out dbn", folder.path());
    folder
}

/// The stages of a run, one an epoch.
fn stages(folder: &Path, run: &str) -> Vec<String> {
    let log = fs::read_to_string(folder.join(run).join("log.jsonl")).expect("the log");
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object"));
    events.filter_map(|event| Some(event["stage"].as_str()?.to_owned())).collect()
}

#[test]
fn a_model_alone_is_fine_tuned() {
    let folder = with_stack();
    let folder = folder.path();
    succeed("finetune dbn/model.ebm --out z", folder);
    assert_eq!(stages(folder, "z"), ["finetune"; 20]);
    succeed("finetune dbn/model.ebm --finetune-epochs 2 --out few", folder);
    assert_eq!(stages(folder, "few"), ["finetune"; 2]);
    succeed("finetune dbn/model.ebm --up-down-epochs 2 --batch-size 50 --out g", folder);
    assert_eq!(stages(folder, "g"), ["up-down"; 2], "the generative model alone, where that is asked for");
    let command = succeed("finetune dbn/model.ebm --out printed --seed 7 --print-command", folder);
    let printed = command.trim().strip_prefix("ebm-train ").expect("the program's name");
    assert!(printed.starts_with("train ") && printed.contains("--from dbn/model.ebm"), "{command}");
    succeed(printed, folder);
    succeed("finetune dbn/model.ebm --out itself --seed 7", folder);
    let model = |run: &str| fs::read(folder.join(run).join("model.ebm")).expect("the model");
    assert!(model("printed") == model("itself"), "{command}");
}

#[test]
fn without_a_model_there_is_nothing_to_fine_tune() {
    let folder = with_stack();
    let folder = folder.path();
    refuse("finetune --out x", folder, &["which model?", "finetune MODEL"]);
    refuse("finetune --data digits --finetune-epochs 3 --out x", folder, &["which model?"]);
    // The model may be in a configuration; that of the command line goes before it.
    fs::write(folder.join("run.toml"), "from = \"nowhere.ebm\"\nfinetune-epochs = 1\n").expect("a file");
    let absent = run("finetune --config run.toml --out absent", folder);
    assert!(text(&absent.stderr).contains("nowhere.ebm: cannot open the model"), "{}", text(&absent.stderr));
    succeed("finetune dbn/model.ebm --config run.toml --out a", folder);
    assert_eq!(stages(folder, "a"), ["finetune"]);
    refuse("finetune dbn/model.ebm --resume a", folder, &["--from cannot be given with --resume"]);
}

#[test]
fn flags_that_cannot_act_are_refused_by_name() {
    let folder = with_stack();
    let folder = folder.path();
    let finetune = "finetune dbn/model.ebm --out x";
    for (flags, named) in [
        ("--epochs 50", "--epochs cannot act"),
        ("--algorithm pcd", "--algorithm cannot act"),
        ("-k 3", "--k cannot act"),
        ("--hidden 30,7", "--hidden cannot act"),
        ("--model dbn", "--model cannot act"),
        ("--centered", "--centered cannot act"),
        ("--batch-size 10", "--batch-size cannot act"),
        ("--up-down-momentum 0.5", "--up-down-momentum cannot act"),
        ("--up-down-epochs 1 --dropout 0.1", "--dropout cannot act"),
    ] {
        refuse(&format!("{finetune} {flags}"), folder, &[named]);
    }
    let train = "train --hidden 8 --out x";
    refuse(&format!("{train} --dropout 0.1"), folder, &["--dropout cannot act", "--finetune-epochs"]);
    refuse(&format!("{train} --compare"), folder, &["--compare cannot act", "--finetune-epochs"]);
    refuse(&format!("{train} --up-down-k 2"), folder, &["--up-down-k cannot act", "--up-down-epochs"]);
    refuse("train --from dbn/model.ebm --finetune-epochs 1 --epochs 5 --out x", folder, &["--epochs cannot act"]);
    refuse("--finetune-epochs 0 --compare=false --affine 0.1 --out x", folder, &["--affine cannot act"]);
    // A configuration names every setting; a switch turned off asks for nothing.
    let config = succeed("finetune dbn/model.ebm --finetune-epochs 1 --out a --print-config", folder);
    assert!(config.contains("\nepochs = ") && config.contains("\nup-down-k = "), "{config}");
    fs::write(folder.join("run.toml"), config).expect("a file");
    succeed("train --config run.toml", folder);
    succeed("train --hidden 8 --epochs 1 --compare=false --out b", folder);
}

/// What cannot be run is not printed as a command.
#[test]
fn a_printed_command_is_one_that_runs() {
    let folder = with_stack();
    refuse("finetune dbn/model.ebm --print-command", folder.path(), &["--out", "runs/a"]);
    refuse("train --from dbn/model.ebm --out x --print-command", folder.path(), &["--finetune-epochs"]);
}
