//! One run over several processes, started by mpirun: the run of one process up to rounding, whatever ends one of them.
//!
//! `cargo test -p ebm-train --features mpi --test mpi`
#![cfg(unix)]

mod card;
mod program;

use program::{succeed, text};
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// By how much a parameter may differ from that of one process after an epoch of a few steps, where its tensor's largest is no more than 1, else as a
/// share of that: sums of f32 are formed in another order, and no state lies so near to its draw that it comes out otherwise.
const APART: f64 = 1e-5;
/// By how much a figure of an epoch may, as a share of itself; one state in millions comes out otherwise, after which no weight is quite the same.
const FIGURES_APART: f64 = 5e-3;
/// Samples of [`few`].
const FEW: usize = 203;

/// mpirun, as any of its kinds has to be asked on a small machine and by root.
fn mpirun() -> Command {
    let mut command = Command::new("mpirun");
    for (name, value) in [
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
    ] {
        command.env(name, value);
    }
    command
}

/// The program on so many ranks, yet to be started.
fn on(ranks: usize, line: &str, folder: &Path) -> Command {
    let mut command = mpirun();
    command.args(["-n", &ranks.to_string(), env!("CARGO_BIN_EXE_ebm-train")]).args(line.split(' '));
    command.current_dir(folder);
    command
}

/// What comes of it; one rank is started without mpirun.
fn run_on(ranks: usize, line: &str, folder: &Path) -> Value {
    let line = format!("{line} --threads 1 --quiet --json");
    let stdout = if ranks == 1 {
        succeed(&line, folder)
    } else {
        let output = on(ranks, &line, folder).output().expect("mpirun starts");
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("one JSON object, and nothing else ({error}): {stdout}"))
}

/// Training data of zeros and ones, in stripes with noise, and labels of which stripes.
fn few(folder: &Path) {
    let mut lines = String::new();
    let mut state = 12345u32;
    for row in 0..FEW {
        let label = row % 2;
        for column in 0..16 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let is_on = (column / (2 + 2 * label) % 2 == 0) != (state >> 24 < 32);
            lines += &format!("{},", u8::from(is_on));
        }
        lines += &format!("class{label}\n");
    }
    fs::write(folder.join("few.csv"), lines).expect("a file");
}

/// Every tensor of a run's checkpoints.
fn tensors(run: &Path) -> BTreeMap<String, Vec<f32>> {
    let mut tensors = BTreeMap::new();
    for entry in fs::read_dir(run.join("checkpoints")).expect("checkpoints") {
        let path = entry.expect("a checkpoint").path();
        let bytes = fs::read(&path).expect("a checkpoint");
        let stage = path.file_stem().expect("a stage").to_string_lossy().into_owned();
        for (name, view) in SafeTensors::deserialize(&bytes).expect("a whole checkpoint").tensors() {
            tensors.insert(format!("{stage}: {name}"), bytemuck::pod_collect_to_vec(view.data()));
        }
    }
    tensors
}

/// The largest difference of two tensors' values, as a share of the largest of `these` where that is above 1.
fn apart(these: &[f32], those: &[f32]) -> f64 {
    assert_eq!(these.len(), those.len());
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |a: f64, b| a.max(b.abs()));
    let difference = largest(&mut these.iter().zip(those).map(|(x, y)| f64::from(*x) - f64::from(*y)));
    difference / largest(&mut these.iter().map(|&x| f64::from(x))).max(1.0)
}

/// Fails where figures of epochs are farther apart than `bound`.
fn compare_epochs(what: &str, ours: &Value, alone: &Value, bound: f64) {
    let epochs = |figures: &Value| figures["epochs"].as_array().expect("epochs").clone();
    let (ours, alone) = (epochs(ours), epochs(alone));
    assert!(!alone.is_empty() && ours.len() == alone.len(), "{what}: as many epochs");
    for (ours, alone) in ours.iter().zip(&alone) {
        for (key, expected) in alone.as_object().expect("an object") {
            let (Some(expected), Some(found)) = (expected.as_f64(), ours[key].as_f64()) else {
                assert_eq!(&ours[key], expected, "{what}: {key}");
                continue;
            };
            let difference = (found - expected).abs() / expected.abs().max(1.0);
            assert!(difference <= bound, "{what}: {key} is {found}, of one process {expected}: {difference:e} apart");
        }
    }
}

#[test]
fn whatever_is_trained_ranks_take_the_steps_of_one_process() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    few(folder);
    // Minibatches of 29 and of 2, the last of each epoch being smaller: ranks have parts of other sizes, or none.
    for (name, flags) in [
        ("cd", "--batch-size 29"),
        ("small", "--batch-size 2 --limit 24"),
        ("plain", "--batch-size 29 --centered=false --k 3 --weight-decay 0.001"),
        ("pcd", "--batch-size 29 --algorithm pcd --chains 13 --sparsity-target 0.1 --sparsity-cost 0.1 --l1 1e-4"),
        ("fast", "--batch-size 29 --algorithm fast-pcd --chains 3 --max-norm 1"),
        ("tempering", "--batch-size 29 --algorithm parallel-tempering --temperatures 4 --chains 6"),
        ("gaussian", "--batch-size 29 --visible gaussian --scaling standard --learning-rate 0.001 --hidden-kind relu"),
        ("hybrid", "--batch-size 29 --model classrbm --objective hybrid"),
        ("discriminative", "--batch-size 29 --model classrbm --objective discriminative"),
        (
            "classifier",
            "--batch-size 29 --model dbn --hidden 12,8 --finetune-epochs 1 --dropout 0.2 --compare --finetune-batch-size 29",
        ),
        ("up-down", "--batch-size 29 --model dbn --hidden 12,8 --label-units --up-down-epochs 1"),
        (
            "up-down-pcd",
            "--batch-size 29 --model dbn --hidden 12,8 --up-down-epochs 1 --up-down-algorithm pcd --up-down-chains 7",
        ),
    ] {
        let hidden = if flags.contains("--hidden ") { "" } else { "--hidden 12 " };
        let line = format!("train --data csv:few.csv --label -1 {hidden}{flags} --epochs 1 --seed 3 --report=false");
        let alone = run_on(1, &format!("{line} --out {name}-1"), folder);
        assert!(alone["ranks"].is_null() && alone["summed_bytes"].is_null());
        let expected = tensors(&folder.join(format!("{name}-1")));
        assert!(expected.len() >= 3);
        for ranks in [2, 4] {
            let out = format!("{name}-{ranks}");
            let found = run_on(ranks, &format!("{line} --out {out}"), folder);
            assert_eq!(found["ranks"], ranks);
            assert!(found["summed_bytes"].as_u64() > Some(0));
            compare_epochs(&out, &found, &alone, FIGURES_APART);
            let ours = tensors(&folder.join(&out));
            assert!(ours.keys().eq(expected.keys()), "{out}: the same tensors");
            for (tensor, values) in &expected {
                let apart = apart(values, &ours[tensor]);
                assert!(apart <= APART, "{out}, {tensor}: {apart:e} apart");
            }
        }
    }
}

#[test]
fn an_epoch_of_digits_has_the_figures_of_one_process() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --model dbn --hidden 32,16 --epochs 1 --finetune-epochs 1 --shift 0.5 --dropout 0.1 --seed 3";
    let alone = run_on(1, &format!("{line} --out alone"), folder);
    for ranks in [2, 4] {
        let found = run_on(ranks, &format!("{line} --out over-{ranks}"), folder);
        compare_epochs(&format!("{ranks} ranks"), &found, &alone, FIGURES_APART);
    }
}

#[test]
fn on_graphics_cards_too() {
    if !card::is_there() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    few(folder);
    for (name, flags) in [
        ("pcd", "--hidden 12 --algorithm pcd --chains 13"),
        ("dbn", "--model dbn --hidden 12,8 --finetune-epochs 1 --finetune-batch-size 29"),
    ] {
        let line =
            format!("train --data csv:few.csv --label -1 {flags} --batch-size 29 --epochs 1 --seed 3 --report=false");
        run_on(1, &format!("{line} --out {name}-cpu"), folder);
        run_on(2, &format!("{line} --out {name}-gpu --backend gpu"), folder);
        let found = tensors(&folder.join(format!("{name}-gpu")));
        for (tensor, values) in &tensors(&folder.join(format!("{name}-cpu"))) {
            let apart = apart(values, &found[tensor]);
            assert!(apart <= APART, "{name}, {tensor}: {apart:e} apart");
        }
    }
}

#[test]
fn a_launcher_that_does_not_tell_how_many_it_starts_is_asked_by_mpi() {
    let folder = TempDir::new().expect("a folder");
    let mut command = mpirun();
    let line = "train --hidden 8 --epochs 1 --out a --report=false --quiet --json";
    command.args(["-n", "2", "env", "-u", "OMPI_COMM_WORLD_SIZE", env!("CARGO_BIN_EXE_ebm-train")]);
    let output = command.args(line.split(' ')).current_dir(folder.path()).output().expect("mpirun starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(found["ranks"], 2);
}

#[test]
fn what_a_step_sums_is_what_the_formula_says() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    few(folder);
    let line = "train --data csv:few.csv --label -1 --hidden 12 --batch-size 29 --seed 3 --epochs";
    let of = |epochs: u64| {
        let found = run_on(2, &format!("{line} {epochs} --out {epochs}"), folder);
        found["summed_bytes"].as_u64().expect("a number")
    };
    // Weights, both biases, and the hidden units' offsets. At the end of an epoch, seven figures, the hidden units' means, and two of the samples.
    let (visible, hidden, steps) = (16, 12, FEW.div_ceil(29) as u64);
    let of_step = 4 * (visible * hidden + visible + 2 * hidden);
    let of_figures = 8 * 7 + 4 * hidden + 8 * 2;
    assert_eq!(of(3) - of(1), 2 * (steps * of_step + of_figures));
}

/// Numbers of the ranks' processes, by rank.
fn processes(mpirun: &Child) -> BTreeMap<usize, u32> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
        if parent != Some(mpirun.id().to_string().as_str()) {
            continue;
        }
        let rank = environment.split(|&byte| byte == 0).find_map(|variable| {
            let variable = String::from_utf8_lossy(variable).into_owned();
            let rank = ["OMPI_COMM_WORLD_RANK=", "PMI_RANK="].iter().find_map(|name| variable.strip_prefix(name));
            rank.and_then(|rank| rank.parse().ok())
        });
        found.extend(rank.map(|rank| (rank, process)));
    }
    found
}

/// Waits until it is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "no {what} in two minutes");
        sleep(Duration::from_millis(20));
    }
}

/// Starts a run on four ranks, which writes a checkpoint after every minibatch, and waits for the first.
fn begin(line: &str, out: &str, folder: &Path) -> Child {
    let mut command = on(4, &format!("{line} --out {out} --checkpoint-seconds 0 --threads 1 --quiet --json"), folder);
    let job = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("mpirun starts");
    let checkpoint = folder.join(out).join("checkpoints/pretrain-1.safetensors");
    wait_until("checkpoint", || checkpoint.exists());
    job
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("model.ebm")).expect("the model")
}

/// A copy of a run's folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("checkpoints")).expect("a folder");
    for name in ["config.toml", "log.jsonl", "checkpoints/pretrain-1.safetensors"] {
        fs::copy(from.join(name), to.join(name)).expect("a copy");
    }
}

#[test]
fn a_killed_rank_ends_the_job_and_the_run_goes_on_with_any_number_of_ranks() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --hidden 48 --algorithm pcd --chains 30 --epochs 6 --batch-size 50 --seed 8";
    let whole = run_on(4, &format!("{line} --out whole"), folder);
    let mut job = begin(line, "a", folder);
    let ranks = processes(&job);
    assert_eq!(ranks.len(), 4, "four processes: {ranks:?}");
    let killed = Command::new("kill").args(["-9", &ranks[&2].to_string()]).status().expect("kill");
    assert!(killed.success());
    wait_until("end of the job", || job.try_wait().expect("a child").is_some());
    assert!(!job.wait().expect("a status").success());
    wait_until("end of every rank", || ranks.values().all(|process| !Path::new(&format!("/proc/{process}")).exists()));
    assert!(!folder.join("a/model.ebm").exists(), "the run had not ended");

    for out in ["b", "c"] {
        copy(&folder.join("a"), &folder.join(out));
    }
    let over_four = run_on(4, "train --resume a --checkpoint-seconds 60", folder);
    assert_eq!(over_four["epochs"], whole["epochs"]);
    assert!(model(folder, "a") == model(folder, "whole"), "with as many ranks, the bits of the run that never stopped");
    // Epochs of sampling carry the first state that comes out otherwise a long way; what is learnt is as good.
    for (ranks, out) in [(2, "b"), (1, "c")] {
        let found = run_on(ranks, &format!("train --resume {out} --checkpoint-seconds 60"), folder);
        compare_epochs(&format!("on {ranks} ranks"), &found, &whole, 0.05);
    }
    // What has ended is told once.
    assert_eq!(run_on(2, "train --resume a", folder)["epochs"], whole["epochs"]);
}

#[test]
fn an_interrupt_ends_all_ranks_and_the_run_goes_on_to_the_same_bits() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    // Open MPI's launcher takes two seconds to pass an interrupt on, in which the run has not to end.
    let line = "train --hidden 48 --epochs 60 --batch-size 50 --seed 8";
    run_on(4, &format!("{line} --out whole"), folder);
    let mut job = begin(line, "a", folder);
    let interrupted = Command::new("kill").args(["-INT", &job.id().to_string()]).status().expect("kill");
    assert!(interrupted.success());
    wait_until("end of the job", || job.try_wait().expect("a child").is_some());
    assert!(!folder.join("a/model.ebm").exists(), "the run had not ended");
    run_on(4, "train --resume a --checkpoint-seconds 60", folder);
    assert!(model(folder, "a") == model(folder, "whole"));
}

/// Stderr of a job that fails with this exit code, and with these words once.
fn refuse(mut job: Command, code: i32, words: &str) -> String {
    let Output { status, stdout, stderr } = job.output().expect("mpirun starts");
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{stderr}");
    assert_eq!(stderr.matches(words).count(), 1, "`{words}` once in:\n{stderr}");
    assert_eq!(stderr.matches("error: ").count(), 1, "one error in:\n{stderr}");
    assert!(!stdout.contains("error: "), "{stdout}");
    stderr
}

/// Two ranks with command lines of their own.
fn two(lines: [&str; 2], folder: &Path) -> Command {
    let mut command = mpirun();
    let program = env!("CARGO_BIN_EXE_ebm-train");
    command.args(["-n", "1", program]).args(lines[0].split(' '));
    command.args([":", "-n", "1", program]).args(lines[1].split(' '));
    command.current_dir(folder);
    command
}

#[test]
fn an_error_is_said_once_and_ends_every_rank() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let line = "train --hidden 8 --epochs 1 --out a";
    refuse(on(4, "train --hidden 8 --no-such-flag", folder), 2, "unexpected argument '--no-such-flag'");
    refuse(on(4, &format!("{line} --learning-rate 0"), folder), 2, "--learning-rate 0: expected a number above 0");
    refuse(on(4, &format!("{line} --learning-rate 1e38"), folder), 1, "try a lower --learning-rate");
    // Of one rank alone.
    fs::remove_dir_all(folder.join("a")).expect("the folder");
    let other_data = format!("{line} --data csv:none.csv");
    refuse(two([line, &other_data], folder), 1, "error: rank 1: none.csv");
    fs::remove_dir_all(folder.join("a")).expect("the folder");
    let other_seed = format!("{line} --seed 2");
    refuse(two([line, &other_seed], folder), 2, "error: rank 1: has other settings or data than rank 0: seed = 2");
    refuse(on(2, "eval model.ebm", folder), 2, "call this without mpirun");
}
