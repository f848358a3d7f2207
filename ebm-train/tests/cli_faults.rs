//! Runs that are stopped: by the user, a full disk, numbers that are none, a second process, a machine too small.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A run that goes on for a minute and more, unless it is stopped.
const LONG: &str =
    "train --model dbn --hidden 24,12 --epochs 400 --batch-size 32 --finetune-epochs 400 --compare --out a";
/// The same of moments.
const SHORT: &str =
    "train --model dbn --hidden 24,12 --epochs 2 --batch-size 64 --finetune-epochs 3 --compare --checkpoint-seconds 0";

fn run(line: &str, folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm-train"));
    command.args(line.split_whitespace()).current_dir(folder).output().expect("the program starts")
}

/// The program under limits that a shell sets first.
fn limited(limits: &str, line: &str, folder: &Path) -> Output {
    let script = format!("{limits}; exec \"$0\" {line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_ebm-train")]).current_dir(folder).output().expect("a shell")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn start(line: &str, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm-train"));
    command.args(line.split_whitespace()).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Waits until the run has begun to learn.
fn until_it_learns(folder: &Path) {
    let log = folder.join("a/log.jsonl");
    until(|| fs::read_to_string(&log).is_ok_and(|text| text.contains("epoch")));
}

fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not begin");
        sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("model.ebm")).expect("the model")
}

#[test]
fn an_interrupt_leaves_a_checkpoint_and_says_how_to_go_on() {
    for name in ["-INT", "-TERM"] {
        let folder = TempDir::new().expect("a folder");
        let child = start(LONG, folder.path());
        until_it_learns(folder.path());
        let asked = Instant::now();
        signal(&child, name);
        let output = child.wait_with_output().expect("it ends");
        assert!(asked.elapsed() < Duration::from_secs(20));
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        assert!(stderr(&output).contains("`ebm-train train --resume a` goes on from here"), "{}", stderr(&output));
        assert!(folder.path().join("a/checkpoints/random-start.safetensors").is_file());
        assert!(!folder.path().join("a/model.ebm").exists());
        let again = run(LONG, folder.path());
        assert!(stderr(&again).contains("a: holds a run that has not ended: `ebm-train train --resume a`"));
    }
}

#[test]
fn an_interrupted_run_ends_as_if_it_had_not_been() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    assert!(run(&format!("{SHORT} --out whole"), folder).status.success());
    let child = start(&format!("{SHORT} --out a"), folder);
    until_it_learns(folder);
    signal(&child, "-INT");
    let code = child.wait_with_output().expect("it ends").status.code();
    assert!(code == Some(130) || code == Some(0), "{code:?}");
    assert!(run("train --resume a", folder).status.success());
    assert!(model(folder, "a") == model(folder, "whole"), "the models differ");
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = TempDir::new().expect("a folder");
    let others_are_refused = || {
        for line in ["train --resume a", LONG, "train --hidden 8 --force --out a"] {
            let second = run(line, folder.path());
            assert_eq!(second.status.code(), Some(1));
            assert!(stderr(&second).contains("a: another process is training here"), "{}", stderr(&second));
        }
    };
    let mut child = start(LONG, folder.path());
    until_it_learns(folder.path());
    others_are_refused();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    // The lock went with the process; the run that takes up the first keeps others out too.
    let mut child = start("train --resume a", folder.path());
    until(|| fs::read_to_string(folder.path().join("a/log.jsonl")).is_ok_and(|text| text.contains("\"resume\"")));
    others_are_refused();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert!(run("train --hidden 8 --epochs 1 --force --out a", folder.path()).status.success());
}

#[test]
fn of_two_processes_that_start_at_once_one_has_the_folder() {
    let folder = TempDir::new().expect("a folder");
    for round in 0..20 {
        let line = format!("train --hidden 8 --epochs 3 --out {round}");
        let both = [start(&line, folder.path()), start(&line, folder.path())];
        let [a, b] = both.map(|child| child.wait_with_output().expect("it ends"));
        let codes = [a.status.code(), b.status.code()];
        assert!(codes == [Some(0), Some(1)] || codes == [Some(1), Some(0)], "{codes:?}: {} {}", stderr(&a), stderr(&b));
        let refused = if codes[0] == Some(1) { &a } else { &b };
        let words = ["another process is training here", "holds a finished run", "holds a run that has not ended"];
        assert!(words.iter().any(|words| stderr(refused).contains(words)), "{}", stderr(refused));
    }
}

#[test]
fn a_disk_that_takes_no_more_stops_the_run_and_the_last_checkpoint_is_kept() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    assert!(run(&format!("{SHORT} --out whole"), folder).status.success());
    // No file over 24 or 30 blocks of 512 bytes: the first machine's checkpoint fits, what comes later does not.
    let stopped = limited("trap '' XFSZ; ulimit -f 48", &format!("{SHORT} --out a"), folder);
    let words = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(1), "{words}");
    for word in ["cannot write the checkpoint", "too large", "The last checkpoint is kept", "train --resume a` goes on"]
    {
        assert!(words.contains(word), "no `{word}` in: {words}");
    }
    let left: Vec<_> = fs::read_dir(folder.join("a/checkpoints")).expect("checkpoints").collect();
    assert!(!left.is_empty(), "a checkpoint is kept");
    assert!(left.into_iter().all(|file| file.is_ok_and(|file| !file.file_name().to_string_lossy().starts_with('.'))));
    let resumed = run("train --resume a", folder);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert!(model(folder, "a") == model(folder, "whole"), "the models differ");
    // Where not even the first checkpoint fits, none is spoken of.
    let stopped = limited("trap '' XFSZ; ulimit -f 12", &format!("{SHORT} --out none"), folder);
    let words = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(1), "{words}");
    for word in ["cannot write the checkpoint", "No checkpoint was kept", "train --resume none` begins anew"] {
        assert!(words.contains(word), "no `{word}` in: {words}");
    }
    assert!(run("train --resume none", folder).status.success());
    assert!(model(folder, "none") == model(folder, "whole"), "the models differ");
}

#[test]
fn numbers_that_are_none_stop_the_run_and_name_the_flag() {
    let folder = TempDir::new().expect("a folder");
    let line = "train --model dbn --hidden 16 --epochs 1 --finetune-epochs 2 --finetune-optimizer sgd --finetune-learning-rate 1e38";
    let diverged = run(&format!("{line} --checkpoint-seconds 0 --out a"), folder.path());
    let words = stderr(&diverged);
    assert_eq!(diverged.status.code(), Some(1), "{words}");
    assert!(words.contains("finetune, epoch 1") && words.contains("--finetune-learning-rate"), "{words}");
    assert!(folder.path().join("a/checkpoints/pretrain-1.safetensors").is_file());
    assert!(!folder.path().join("a/model.ebm").exists());
    let diverged = run("train --hidden 16 --learning-rate 1e38 --epochs 3 --out b", folder.path());
    assert_eq!(diverged.status.code(), Some(1));
    assert!(stderr(&diverged).contains("pretrain-1, epoch 1") && stderr(&diverged).contains("--learning-rate"));
}

#[test]
fn what_cannot_be_written_is_found_before_training() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir_all(folder.path().join("a/model.ebm")).expect("a folder in the way");
    let started = Instant::now();
    let refused = run(LONG, folder.path());
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("a: model.ebm in it is a folder"), "{}", stderr(&refused));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[cfg(target_os = "linux")]
#[test]
fn a_net_too_large_for_the_machine_names_the_flag() {
    let folder = TempDir::new().expect("a folder");
    let line = "train --model dbn --hidden 32768,32768 --out a";
    let refused = limited("ulimit -v 4000000", line, folder.path());
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--hidden: training takes about"), "{}", stderr(&refused));
    assert!(!folder.path().join("a/config.toml").exists(), "no run has begun");
}

#[cfg(not(feature = "mpi"))]
#[test]
fn processes_of_a_launcher_are_refused_by_a_program_for_one() {
    let folder = TempDir::new().expect("a folder");
    for variable in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
        let rank = |count: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ebm-train"));
            command.args(["train", "--print-config", "--out", "a"]).env(variable, count).current_dir(folder.path());
            command.output().expect("the program starts")
        };
        let refused = rank("4");
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        let words =
            "has started 4 processes, and this program is built for one: `cargo build -p ebm-train --features mpi`";
        assert!(stderr(&refused).contains(words), "{}", stderr(&refused));
        assert!(rank("1").status.success());
    }
}
