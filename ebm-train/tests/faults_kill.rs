//! `kill -9` at random moments of training and of writing: every file is whole or not there, and the run ends in the bits of one that nothing stopped.
#![cfg(unix)]

mod killing;
mod program;

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_train::export::ModelFile;
use killing::{Moment, PARTIAL, Tally, kill, partial};
use program::succeed;
use rand_core::Rng;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Kills of a run in a new folder, and of one that overwrites another and also writes its report. A fifth of them in a usual test run.
const KILLS: [u32; 2] = [150, 50];
/// Set to anything: all of them, which takes minutes.
const ALL: &str = "EBM_TEST_ALL_KILLS";
/// Most kills of a run until it may end.
const IN_A_ROW: u32 = 4;
/// Kills of each command that writes over a file.
const KILLS_OF_A_WRITER: u32 = 12;
/// Every kind of stage, two of them at a time, and both model files.
const RUN: &str = "train --model dbn --hidden 24,12 --epochs 2 --batch-size 64 --finetune-epochs 3 --compare --format int8 --f32 --threads 1 \
    --checkpoint-seconds 0.02 --report=false --quiet --force --out a";

/// A number below `limit`, by the number of the draw.
fn below(rng: &mut Philox, limit: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(limit)) >> 32) as u32
}

/// A length of time of up to `longest`.
fn up_to(rng: &mut Philox, longest: Duration) -> Duration {
    longest * below(rng, 1 << 16) / (1 << 16)
}

fn rng(seed: u64, sample: u32) -> Philox {
    Philox::new(seed, Stream { sample, ..Stream::new(Purpose::Free) })
}

/// What a run leaves that is the same in every one, by its name.
type Files = BTreeMap<String, Vec<u8>>;

/// Files that are the same in every run but for the time that it took, or are followed on their way.
const OTHERS: [&str; 4] = ["lock", "log.jsonl", "report.html", "checkpoints"];
/// Folders of a run that it writes into.
const WRITTEN_INTO: [&str; 3] = ["", "checkpoints", "milestones"];

fn files(run: &Path) -> Files {
    let mut found = Files::new();
    for entry in fs::read_dir(run).into_iter().flatten() {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if OTHERS.contains(&name.as_str()) || name.starts_with(PARTIAL) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).expect("the file"));
        }
    }
    found
}

/// The whole lines of a log.
fn events(run: &Path) -> Vec<Value> {
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap_or_default();
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    whole.lines().map(|line| serde_json::from_str(line).expect("a whole line is a JSON object")).collect()
}

/// Stage, epoch and loss of every epoch, in the order of the stages: two of them go on side by side.
fn epochs(run: &Path) -> Vec<String> {
    let epochs = events(run).into_iter().filter(|event| event["event"] == "epoch");
    let mut epochs: Vec<_> =
        epochs.map(|e| format!("{} {} {} {}", e["stage"], e["epoch"], e["train_loss"], e["test_loss"])).collect();
    epochs.sort();
    epochs
}

/// Every file of the folder is whole, and of one of these runs.
fn check(run: &Path, of: &[&Files]) {
    for (name, bytes) in files(run) {
        assert!(of.iter().any(|files| files.get(&name) == Some(&bytes)), "{name} is of no run");
        if name.ends_with(".ebm") {
            ModelFile::read(&run.join(&name)).expect("the file").model().expect("a whole model");
        }
    }
    events(run);
    let report = fs::read_to_string(run.join("report.html"));
    assert!(report.is_err() || report.is_ok_and(|page| page.ends_with("</html>\n")), "half a report");
    for entry in fs::read_dir(run.join("checkpoints")).into_iter().flatten() {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("the file");
        assert!(name.starts_with(PARTIAL) || SafeTensors::deserialize(&bytes).is_ok(), "{name} is not whole");
    }
}

/// What a killed process was at, by what it left.
fn phase(run: &Path) -> &'static str {
    for (folder, words) in [("checkpoints", "writing a checkpoint"), ("milestones", "writing a milestone")] {
        if partial(&run.join(folder)).is_some() {
            return words;
        }
    }
    if let Some(path) = partial(run) {
        return match fs::read(path).expect("the file").first() {
            None => "writing, not a byte yet",
            Some(b'{') => "writing the log",
            Some(b'#') => "writing the configuration",
            Some(b'E') => "writing a model",
            Some(_) => "writing the report or its curves",
        };
    }
    let has_ended = events(run).iter().any(|event| event["event"] == "end");
    match (run.join("config.toml").exists(), run.join("model.ebm").exists(), has_ended) {
        (false, _, _) => "before the run, or clearing away the one before",
        (true, false, _) => "learning",
        (true, true, false) => "measuring and reporting",
        (true, true, true) => "with a finished run in the folder",
    }
}

/// Kills the run again and again and lets it end; `old` is a finished run that it overwrites.
fn kill_and_go_on(title: &str, run_line: &str, all: u32, old: Option<&str>) {
    let started = Instant::now();
    let kills = if env::var_os(ALL).is_some() { all } else { all / 5 };
    let folder = TempDir::new().expect("a folder");
    let (reference, folder) = (folder.path().join("reference"), folder.path());
    fs::create_dir(&reference).expect("a folder");
    let old_files = old.map(|line| {
        succeed(line, &reference);
        fs::rename(reference.join("a"), reference.join("old")).expect("it is set aside");
        files(&reference.join("old"))
    });
    let begun = Instant::now();
    succeed(run_line, &reference);
    let mut life = begun.elapsed();
    let (expected, expected_epochs) = (files(&reference.join("a")), epochs(&reference.join("a")));
    for name in ["config.toml", "milestones/epoch-1.ebm", "model.ebm", "model-f32.ebm"] {
        assert!(expected.contains_key(name), "no {name} in {:?}", expected.keys());
    }

    let mut tally = Tally::default();
    let mut chain = 0;
    while tally.total() < kills {
        chain += 1;
        let rng = &mut rng(all.into(), chain);
        let folder = folder.join(format!("{chain}"));
        fs::create_dir(&folder).expect("a folder");
        let run = folder.join("a");
        let folders = WRITTEN_INTO.map(|name| run.join(name));
        if old.is_some() {
            copy(&reference.join("old"), &run);
        }
        let mut line = run_line;
        for _ in 0..1 + below(rng, IN_A_ROW) {
            let after = up_to(rng, life);
            let moment = match below(rng, 4) {
                0 => Moment::Writing(after, &folders),
                // The models, the log and the report alone.
                1 => Moment::Writing(after, &folders[..1]),
                _ => Moment::After(after),
            };
            if let Err(lived) = kill(line, &folder, &moment) {
                // It was faster than thought: moments after its end are of no use.
                life = if line == run_line { life.min(lived) } else { life };
                break;
            }
            tally.count(phase(&run));
            let is_untouched = old_files.as_ref().is_some_and(|old| files(&run) == *old);
            let of = if is_untouched { old_files.as_ref().expect("there is one") } else { &expected };
            // Of a run that is being cleared away, its models may be there without it.
            let mixed: Vec<&Files> = match run.join("config.toml").exists() {
                true => vec![of],
                false => old_files.iter().chain([&expected]).collect(),
            };
            check(&run, &mixed);
            let is_begun = run.join("config.toml").exists() && !is_untouched;
            line = if is_begun { "train --resume a --quiet --threads 1" } else { run_line };
        }
        succeed(line, &folder);
        assert!(files(&run) == expected, "chain {chain}: other files than those of the run that was not stopped");
        assert_eq!(epochs(&run), expected_epochs, "chain {chain}");
        let half = folders.iter().find_map(|folder| partial(folder));
        assert!(half.is_none(), "chain {chain}: a half-written file stays: {half:?}");
        fs::remove_dir_all(&folder).expect("it is removed");
    }
    tally.print(title, started);
    let writing = tally.of_those("writing");
    let computing = tally.of_those("learning") + tally.of_those("measuring");
    assert!(writing >= kills / 10 && computing >= kills / 10, "the moments are not spread over the run");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name");
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

#[test]
fn a_run_killed_at_any_moment_ends_in_the_same_bits() {
    kill_and_go_on("kill -9 of a run, and of what took it up again", RUN, KILLS[0], None);
}

#[test]
fn a_run_killed_while_it_overwrites_another_ends_in_the_same_bits() {
    let line = RUN.replace(" --report=false", "");
    kill_and_go_on("kill -9 of a run over a finished one", &line, KILLS[1], Some(&format!("{line} --seed 7")));
}

#[test]
fn a_file_that_is_written_over_is_the_old_one_or_the_new_one() {
    let started = Instant::now();
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --hidden 16 --epochs 1 --threads 1 --quiet --out f32", folder);
    succeed("train --hidden 20 --epochs 1 --threads 1 --quiet --seed 2 --out other", folder);
    succeed("export f32/model.ebm --out in.npz", folder);
    let mut tally = Tally::default();
    for (number, (line, of_old, out)) in (0..).zip([
        ("quantize f32/model.ebm --out out.ebm", "quantize other/model.ebm --out out.ebm", "out.ebm"),
        ("export f32/model.ebm --out out.npz", "export other/model.ebm --out out.npz", "out.npz"),
        ("import in.npz --out out.ebm", "export other/model.ebm --out out.ebm --format npz", "out.ebm"),
        (
            "sample f32/model.ebm --count 50 --steps 20 --out out.png",
            "sample other/model.ebm --count 9 --out out.png",
            "out.png",
        ),
        ("features f32/model.ebm --out out.png", "features other/model.ebm --out out.png", "out.png"),
        ("data convert digits --out out.csv", "data convert digits --part test --out out.csv", "out.csv"),
    ]) {
        let path = folder.join("new").join(out);
        let within = [folder.join("new")];
        let (line, of_old) = (in_new(line, out), in_new(of_old, out));
        succeed(&of_old, folder);
        let old = fs::read(&path).expect("the old file");
        let begun = Instant::now();
        succeed(&line, folder);
        let life = begun.elapsed();
        let new = fs::read(&path).expect("the new file");
        assert!(old != new);
        let mut kills = 0;
        for attempt in 0.. {
            let rng = &mut rng(3, number << 16 | attempt);
            fs::write(&path, &old).expect("the old file again");
            let after = up_to(rng, life);
            let moment =
                if below(rng, 2) == 0 { Moment::After(after) } else { Moment::Writing(Duration::ZERO, &within) };
            if kill(&line, folder, &moment).is_err() {
                assert_eq!(fs::read(&path).expect("the file"), new, "{line}");
                continue;
            }
            let found = fs::read(&path).expect("the file is there");
            let half = partial(&within[0]);
            tally.count(match (&half, found == old) {
                (Some(_), true) => "the file half written: the old one is there",
                (None, true) => "before it is written: the old one is there",
                (_, false) => "after it is written: the new one is there",
            });
            assert!(found == old || found == new, "{line}: {out} is neither");
            half.map(fs::remove_file).transpose().expect("it is removed");
            kills += 1;
            if kills == KILLS_OF_A_WRITER {
                break;
            }
        }
        succeed(&line, folder);
        assert_eq!(fs::read(&path).expect("the file"), new, "{line}");
        fs::remove_dir_all(&within[0]).expect("it is removed");
    }
    tally.print("kill -9 of a command that writes over a file", started);
}

/// The line with its output in a folder of its own.
fn in_new(line: &str, out: &str) -> String {
    line.replace(&format!("--out {out}"), &format!("--out new/{out}"))
}
