//! A disk that is full or read-only: every command that writes fails and names the file, leaves no half of it and keeps the old one; with room again,
//! a run ends in the bits of one that nothing stopped.
#![cfg(target_os = "linux")]

mod own_disk;
mod program;

use own_disk::{Disk, may_mount};
use program::{fail, program, run, succeed, text};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::iter::successors;
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;

/// Every kind of stage and of file that a run writes.
const RUN: &str = "train --model dbn --hidden 24,12 --epochs 2 --batch-size 64 --finetune-epochs 2 --compare --format int8 --f32 --threads 1 \
    --checkpoint-seconds 0 --quiet --out";

/// Commands that write one file, which stands last.
const WRITERS: [&str; 14] = [
    "export small/model.ebm --out FOLDER/a.npz",
    "export small/model.ebm --out FOLDER/a.safetensors",
    "import small.npz --out FOLDER/a.ebm",
    "quantize small/model.ebm --out FOLDER/a.ebm",
    "sample small/model.ebm --count 9 --steps 5 --out FOLDER/a.png",
    "sample small/model.ebm --count 9 --steps 5 --arrays FOLDER/a.npy",
    "reconstruct small/model.ebm --count 9 --out FOLDER/a.png",
    "inpaint small/model.ebm --count 9 --steps 5 --unknown lower --out FOLDER/a.png",
    "features small/model.ebm --out FOLDER/a.png",
    "data convert digits --out FOLDER/a.csv",
    "data convert digits --out FOLDER/a.csv.gz",
    "data convert digits --out FOLDER/a.npy",
    "data convert digits --out FOLDER/a.npz",
    "data convert digits --out FOLDER/a.idx",
];

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).expect("a file"));
        }
    }
    found
}

/// The models of a run.
fn models(run: &Path) -> [Vec<u8>; 2] {
    ["model.ebm", "model-f32.ebm"].map(|name| fs::read(run.join(name)).expect("the model"))
}

/// A small machine, and its arrays.
fn prepare(folder: &Path) {
    succeed("train --hidden 40 --epochs 1 --threads 1 --report=false --quiet --out small", folder);
    succeed("export small/model.ebm --out small.npz", folder);
}

#[test]
fn a_full_disk_stops_a_run_wherever_it_writes_and_it_goes_on_to_the_same_bits() {
    if !may_mount("a_full_disk_stops_a_run_wherever_it_writes_and_it_goes_on_to_the_same_bits") {
        return;
    }
    let started = Instant::now();
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed(&format!("{RUN} whole"), folder);
    let whole = models(&folder.join("whole"));
    let disk = Disk::mount(&folder.join("disk"), 2048);
    let (mut stopped, mut resumed) = (0, 0);
    // Every page at first, where the log and the configuration are written.
    for room in successors(Some(0u64), |room| Some(room + 1 + room / 3)) {
        let run_folder = folder.join("disk/a");
        disk.fill(room);
        let line = format!("{RUN} disk/a");
        let output = run(&line, folder);
        disk.clear();
        if output.status.success() {
            break;
        }
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("disk/a") && words.contains("No space left on device"), "{words}");
        let left: Vec<_> = files(&run_folder).into_keys().filter(|name| name.contains("/.ebm-partial-")).collect();
        assert!(left.is_empty(), "{left:?}");
        stopped += 1;
        if run_folder.join("config.toml").exists() {
            resumed += 1;
            assert!(words.contains("`ebm-train train --resume disk/a`") || !words.contains("--resume"), "{words}");
            succeed("train --resume disk/a --quiet", folder);
        } else {
            succeed(&line, folder);
        }
        assert!(models(&run_folder) == whole, "with room for {room} pages at first: other models");
        fs::remove_dir_all(run_folder).expect("it is removed");
    }
    println!(
        "runs on a disk that fills up: {stopped} stopped, {resumed} of them resumed, in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    assert!(stopped > 8 && resumed > 6, "{stopped} stopped, {resumed} resumed");
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_half_one() {
    if !may_mount("a_full_disk_leaves_the_old_file_and_no_half_one") {
        return;
    }
    let started = Instant::now();
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    prepare(folder);
    let disk = Disk::mount(&folder.join("disk"), 2048);
    let mut failures = 0;
    for line in WRITERS {
        let line = line.replace("FOLDER", "disk");
        let name = line.rsplit(' ').next().expect("the last word");
        succeed(&line, folder);
        let whole = files(&folder.join("disk"));
        let pages = whole.values().map(|bytes| bytes.len() as u64 / 4096).min().expect("a file");
        // The other file of two, such as labels, has room once it is taken out.
        for room in [0, pages / 2] {
            let old = files(&folder.join("disk")).into_keys().map(|path| (path, b"old".to_vec()));
            let old: BTreeMap<_, _> = old.collect();
            old.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("room"));
            disk.fill(room);
            let words = fail(&line, folder, 1);
            assert!(words.contains(name) && words.contains("No space left on device"), "{line}: {words}");
            disk.clear();
            assert!(files(&folder.join("disk")) == old, "{line}: the old files are not as they were");
            failures += 1;
        }
        succeed(&line, folder);
        assert!(files(&folder.join("disk")) == whole, "{line}: other files than at first");
        whole.keys().for_each(|path| fs::remove_file(path).expect("it is removed"));
    }
    succeed(&format!("{RUN} disk/run"), folder);
    let old = files(&folder.join("disk"));
    disk.fill(0);
    let words = fail("report disk/run", folder, 1);
    assert!(words.contains("disk/run/curves.csv") && words.contains("No space left on device"), "{words}");
    disk.clear();
    assert!(files(&folder.join("disk")) == old, "the old report is not as it was");
    println!(
        "commands that write to a full disk: {} failed and kept the old file, in {:.1} s",
        failures + 1,
        started.elapsed().as_secs_f64()
    );
}

#[test]
fn samples_that_find_no_room_beside_memory_name_the_folder() {
    if !may_mount("samples_that_find_no_room_beside_memory_name_the_folder") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let disk = Disk::mount(&folder.join("disk"), 256);
    disk.fill(2);
    let temporary = folder.join("disk").display().to_string();
    let line = "train --hidden 8 --epochs 1 --memory 10kB --out a";
    let output = program(line).current_dir(folder).env("TMPDIR", &temporary).output().expect("the program starts");
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains(&temporary) && words.contains("--memory") && words.contains("No space left"), "{words}");
    assert!(!folder.join("a/config.toml").exists(), "no run has begun");
}

#[test]
fn a_read_only_disk_is_named_and_nothing_on_it_changes() {
    if !may_mount("a_read_only_disk_is_named_and_nothing_on_it_changes") {
        return;
    }
    let started = Instant::now();
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    prepare(folder);
    let disk = Disk::mount(&folder.join("disk"), 2048);
    for line in WRITERS {
        succeed(&line.replace("FOLDER", "disk"), folder);
    }
    for name in ["finished", "begun"] {
        succeed(&format!("{RUN} disk/{name}"), folder);
    }
    fs::remove_file(folder.join("disk/begun/model.ebm")).expect("it is removed");
    disk.make_read_only();
    let before = files(&folder.join("disk"));
    let runs = [
        format!("{RUN} disk/new"),
        format!("{RUN} disk/finished --force"),
        "train --resume disk/begun".to_owned(),
        "report disk/finished".to_owned(),
        "finetune small/model.ebm --out disk/new --finetune-epochs 1".to_owned(),
    ];
    let writers = WRITERS.iter().map(|line| line.replace("FOLDER", "disk"));
    let mut failures = 0;
    for line in writers.chain(runs) {
        let words = fail(&line, folder, 1);
        assert!(words.contains("disk") && words.contains("Read-only file system"), "{line}: {words}");
        failures += 1;
    }
    // What only reads goes on.
    succeed("eval disk/finished/model.ebm", folder);
    succeed("inspect disk/finished/model.ebm", folder);
    succeed("train --hidden 8 --epochs 1 --quiet --data npz:disk/a.npz --out elsewhere", folder);
    assert!(files(&folder.join("disk")) == before, "something on it changed");
    println!("commands that write to a read-only disk: {failures} failed, in {:.1} s", started.elapsed().as_secs_f64());
}

#[test]
fn a_standard_output_that_is_full_is_an_error() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    prepare(folder);
    for line in [
        "eval small/model.ebm",
        "eval small/model.ebm --json",
        "inspect small/model.ebm --json",
        "data list",
        "data inspect digits",
        "train --print-config --out a",
        "train --hidden 8 --epochs 1 --quiet --json --out b",
    ] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = program(line).current_dir(folder).stdout(full).output().expect("the program starts");
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {words}");
        assert!(words.contains("standard output") && words.contains("No space left"), "{line}: {words}");
    }
}
