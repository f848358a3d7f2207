//! Files that are changed while they are read: what was begun ends on the old file, or in an error that names it; never in a mixture of both.
#![cfg(target_os = "linux")]

mod midway;
mod program;

use midway::{Running, refused};
use program::{refuse, succeed, text};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// Copies of the digits in a file that is large enough to be met halfway.
const COPIES: usize = 20;
const TRAIN: &str = "train --hidden 4 --batch-size 500 --threads 1 --report=false --quiet --epochs 1 --out";
/// The same, of several epochs.
const LONGER: &str = "train --hidden 4 --batch-size 500 --threads 1 --report=false --quiet --epochs 3 --out";

/// What is done to a file that is being read.
#[derive(Clone, Copy, Debug)]
enum Change {
    Replaced,
    Removed,
    CutShort,
    CutToNothing,
    Appended,
    WrittenOver,
}

impl Change {
    const ALL: [Self; 6] =
        [Self::Replaced, Self::Removed, Self::CutShort, Self::CutToNothing, Self::Appended, Self::WrittenOver];

    /// Whether the file that was opened stays what it was.
    fn keeps_the_old_file(self) -> bool {
        matches!(self, Self::Replaced | Self::Removed)
    }

    /// Does it; `other` is another file of the same length and form.
    fn to(self, path: &Path, other: &Path) {
        let open = || File::options().write(true).open(path).expect("the file");
        match self {
            Self::Replaced => {
                let copy = path.with_extension("new");
                fs::copy(other, &copy).expect("a copy");
                fs::rename(copy, path).expect("it takes the name");
            }
            Self::Removed => fs::remove_file(path).expect("it is removed"),
            Self::CutShort => open().set_len(line_before_the_end(path)).expect("shorter"),
            Self::CutToNothing => open().set_len(0).expect("shorter"),
            Self::Appended => {
                let bytes = fs::read(path).expect("the file");
                let last = line_before_the_end(path) as usize;
                let mut file = File::options().append(true).open(path).expect("the file");
                file.write_all(&bytes[last..]).expect("room");
            }
            Self::WrittenOver => open().write_all(&fs::read(other).expect("the other file")).expect("room"),
        }
    }
}

/// Where the last line of text begins, or a hundred bytes from the end.
fn line_before_the_end(path: &Path) -> u64 {
    let bytes = fs::read(path).expect("the file");
    let is_text = path.extension().is_some_and(|extension| extension == "csv");
    let newline = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').filter(|_| is_text);
    newline.map_or(bytes.len() as u64 - 100, |newline| newline as u64 + 1)
}

/// The digits many times over as `a.csv`, and with their values turned about as `b.csv`.
fn prepare(folder: &Path) {
    succeed("data convert digits --out one.csv", folder);
    let text = fs::read_to_string(folder.join("one.csv")).expect("what was written");
    let (header, lines) = text.split_once('\n').expect("a header");
    // The label stands last, and is dropped.
    let unlabelled = |line: &str| line.rsplit_once(',').map(|(values, _)| values.to_owned()).expect("cells");
    let turned = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(",");
    let table = |cells: &dyn Fn(&str) -> String| {
        let lines: String = lines.lines().map(|line| cells(&unlabelled(line)) + "\n").collect();
        format!("{}\n{}", unlabelled(header), lines.repeat(COPIES))
    };
    fs::write(folder.join("a.csv"), table(&str::to_owned)).expect("room");
    fs::write(folder.join("b.csv"), table(&|line: &str| turned(line))).expect("room");
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("model.ebm")).expect("the model")
}

#[test]
fn data_that_are_changed_while_they_are_read_are_refused_or_read_to_their_old_end() {
    let started = Instant::now();
    let folder = TempDir::new().expect("a folder");
    let folder = &folder.path().canonicalize().expect("a path without links");
    prepare(folder);
    let (mut kept, mut refusals) = (0, 0);
    for (kind, format) in [("csv", "csv"), ("npy", "npy"), ("idx", "idx"), ("csv", "csv.gz")] {
        if format != "csv" {
            for name in ["a", "b"] {
                succeed(&format!("data convert csv:{name}.csv --out {name}.{format}"), folder);
            }
        }
        let (path, other) = (folder.join(format!("read.{format}")), folder.join(format!("b.{format}")));
        let original = folder.join(format!("a.{format}"));
        fs::copy(&original, &path).expect("a copy");
        succeed(&format!("{TRAIN} run --force --data {kind}:read.{format}"), folder);
        let whole = model(folder, "run");
        for (change, memory) in Change::ALL.into_iter().flat_map(|change| [(change, "1GB"), (change, "1MB")]) {
            fs::copy(&original, &path).expect("a copy");
            let line = format!("{TRAIN} run --force --memory {memory} --data {kind}:read.{format}");
            let halted = Running::halted_in(&path, &line, folder);
            change.to(&path, &other);
            let output = halted.go_on();
            let context = || format!("{format}, {change:?}, {memory}: {}", text(&output.stderr));
            if change.keeps_the_old_file() {
                assert!(output.status.success(), "{}", context());
                assert!(model(folder, "run") == whole, "{}", context());
                kept += 1;
            } else {
                assert_eq!(output.status.code(), Some(1), "{}", context());
                let file = format!("read.{format}: ");
                refused(&output, &[&file]);
                refusals += 1;
            }
        }
    }
    println!(
        "data changed while they are read: {kept} runs on the old file, to its model; {refusals} refused by the file's name; in {:.1} s",
        started.elapsed().as_secs_f64()
    );
}

#[test]
fn a_run_does_not_look_at_its_data_again() {
    let folder = TempDir::new().expect("a folder");
    let folder = &folder.path().canonicalize().expect("a path without links");
    prepare(folder);
    let path = folder.join("a.csv");
    let original = fs::read(&path).expect("the file");
    for memory in ["1GB", "1MB"] {
        let line = format!("{LONGER} run --force --memory {memory} --data csv:a.csv");
        succeed(&line, folder);
        let whole = model(folder, "run");
        let mut running = Running::start(&line, folder);
        let log: PathBuf = folder.join("run/log.jsonl");
        running.until(|_| fs::read_to_string(&log).is_ok_and(|log| log.lines().count() == 2));
        Change::WrittenOver.to(&path, &folder.join("b.csv"));
        let output = running.go_on();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(model(folder, "run") == whole, "--memory {memory}: another model");
        fs::write(&path, &original).expect("the old file");
    }
}

#[test]
fn a_run_is_not_taken_up_on_other_data_labels_or_models() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("data convert digits --out a.csv", folder);
    succeed("train --hidden 8 --epochs 1 --report=false --quiet --out start", folder);
    let data = "--data csv:a.csv --label label --validation 0.1 --report=false --quiet --checkpoint-seconds 0";
    succeed(&format!("train --model dbn --hidden 8 --epochs 1 --finetune-epochs 1 {data} --out a"), folder);
    succeed(&format!("finetune start/model.ebm --finetune-epochs 1 {data} --out b"), folder);
    for run in ["a", "b"] {
        fs::remove_file(folder.join(run).join("model.ebm")).expect("as if it had not ended");
    }
    let table = folder.join("a.csv");
    let original = fs::read_to_string(&table).expect("the table");
    let lines: Vec<&str> = original.lines().collect();
    // A line with another label, or with another first value.
    let with = |row: usize, change: &dyn Fn(Vec<&str>) -> Vec<String>| {
        let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        lines[row] = change(lines[row].split(',').collect()).join(",");
        fs::write(&table, lines.join("\n") + "\n").expect("room");
    };
    let relabelled = |mut cells: Vec<&str>| {
        let label = cells.pop().map(|label| if label == "3" { "4" } else { "3" });
        cells.into_iter().chain(label).map(str::to_owned).collect()
    };
    let brightened = |cells: Vec<&str>| {
        cells.iter().enumerate().map(|(i, &cell)| if i == 30 { "1".into() } else { cell.to_owned() }).collect()
    };
    let mut seen = Vec::new();
    for row in 1..40 {
        for change in [&relabelled as &dyn Fn(Vec<&str>) -> Vec<String>, &brightened] {
            with(row, change);
            if fs::read_to_string(&table).expect("the table") != original {
                let words = program::fail("train --resume a", folder, 1);
                let key =
                    ["labels-crc32", "data-crc32", "validation-crc32"].into_iter().find(|key| words.contains(key));
                seen.push(key.unwrap_or_else(|| panic!("row {row}: {words}")));
            }
        }
    }
    for key in ["labels-crc32", "data-crc32", "validation-crc32"] {
        assert!(seen.contains(&key), "no change of {key} was tried");
    }
    fs::write(&table, &original).expect("the old table");
    succeed("train --hidden 8 --epochs 2 --quiet --out start --force", folder);
    refuse("train --resume b", folder, 1, &["finetune.safetensors", "from-crc32"]);
    succeed("train --resume a", folder);
}

#[test]
fn a_table_that_is_filled_is_the_one_that_was_read() {
    let folder = TempDir::new().expect("a folder");
    let folder = &folder.path().canonicalize().expect("a path without links");
    let table = |cell: &dyn Fn(u32) -> String| {
        let rows: String = (0..200_000).map(|row| format!("{},{}\n", cell(row), f64::from(row % 7) / 7.0)).collect();
        format!("x,y\n{rows}")
    };
    fs::write(folder.join("full.csv"), table(&|row| f64::from(row % 5).to_string())).expect("room");
    let holes = table(&|row| if row == 9 { String::new() } else { f64::from(row % 5).to_string() });
    succeed("train --data csv:full.csv --scaling min-max --hidden 4 --epochs 1 --quiet --out a", folder);
    let path = folder.join("holes.csv");
    let line = "inpaint a/model.ebm --data csv:holes.csv --count 20 --steps 100000 --arrays filled.csv";
    for change in [Change::Replaced, Change::Appended, Change::WrittenOver] {
        fs::write(&path, &holes).expect("room");
        let mut running = Running::halted_in(&path, line, folder);
        running.wake();
        running.until(|running| running.place_in(&path).is_none());
        // It has read the table, and is guessing.
        running.halt();
        change.to(&path, &folder.join("full.csv"));
        refused(&running.go_on(), &["holes.csv: was changed since its samples were read"]);
        assert!(!folder.join("filled.csv").exists(), "{change:?}");
    }
}

#[test]
fn a_model_that_is_replaced_while_it_is_used_is_the_old_one_or_the_new_one() {
    let started = Instant::now();
    let folder = TempDir::new().expect("a folder");
    let folder = &folder.path().canonicalize().expect("a path without links");
    prepare(folder);
    for (name, seed) in [("old", 1), ("new", 2)] {
        succeed(&format!("{TRAIN} {name} --data csv:a.csv --seed {seed}"), folder);
    }
    let path = folder.join("used.ebm");
    let [old, new] = ["old", "new"].map(|name| folder.join(name).join("model.ebm"));
    let line = "eval used.ebm --data csv:a.csv --json";
    let figures = [&old, &new].map(|model| {
        fs::copy(model, &path).expect("a copy");
        succeed(line, folder)
    });
    assert!(figures[0] != figures[1]);
    for change in Change::ALL {
        fs::copy(&old, &path).expect("a copy");
        // It has the model, and is reading the data.
        let halted = Running::halted_in(&folder.join("a.csv"), line, folder);
        change.to(&path, &new);
        let output = halted.go_on();
        assert!(output.status.success(), "{change:?}: {}", text(&output.stderr));
        assert!(text(&output.stdout) == figures[0], "{change:?}: other figures than the old model's");
    }
    println!(
        "a model changed while it is used: {} times the old one's figures, in {:.1} s",
        Change::ALL.len(),
        started.elapsed().as_secs_f64()
    );
}
