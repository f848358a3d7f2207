//! A data set larger than the memory that the system gives the program: it is trained on, and to the same bits.
#![cfg(target_os = "linux")]

mod program;

use ebm_core::rng::{Philox, Purpose, Stream};
use program::{succeed, text};
use rand_core::Rng;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

/// Samples and their values, f32: 336 MB.
const ROWS: usize = 84_000;
const VISIBLE: usize = 1000;
/// Address space of the process that learns from them, in KiB: less than a third of that.
const LIMIT_KIB: usize = 100 << 10;
const LINE: &str =
    "train --data npy:large.npy --hidden 4 --epochs 1 --batch-size 200 --threads 1 --seed 3 --quiet --json";

/// An npy file of values from 0 to 1, of which no two rows are the same.
fn write_large(path: &Path) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {VISIBLE}), }}\n");
    file.write_all(b"\x93NUMPY\x01\x00").expect("room");
    file.write_all(&(header.len() as u16).to_le_bytes()).expect("room");
    file.write_all(header.as_bytes()).expect("room");
    let mut rng = Philox::new(1, Stream::new(Purpose::Free));
    let values: Vec<u8> =
        (0..2 * VISIBLE).flat_map(|_| (rng.next_u32() as f32 / u32::MAX as f32).to_le_bytes()).collect();
    for row in 0..ROWS {
        // A stretch of the drawn values from another place each time, and the row's number.
        let start = 4 * (row * 7 % VISIBLE);
        file.write_all(&((row as f32) / ROWS as f32).to_le_bytes()).expect("room");
        file.write_all(&values[start..][..4 * (VISIBLE - 1)]).expect("room");
    }
    file.flush().expect("room");
}

#[test]
fn a_data_set_of_three_times_the_address_space_is_trained_on_to_the_same_bits() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    write_large(&folder.join("large.npy"));
    let length = fs::metadata(folder.join("large.npy")).expect("the file").len();
    assert!(length > 3 * 1024 * LIMIT_KIB as u64);
    let started = Instant::now();
    let script = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" {LINE} --out limited");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_ebm-train")]).current_dir(folder);
    let limited = shell.output().expect("a shell");
    assert!(limited.status.success(), "{}", text(&limited.stderr));
    let seconds = started.elapsed().as_secs_f64();
    succeed(&format!("{LINE} --out whole --memory 1GB"), folder);
    let model = |run: &str| fs::read(folder.join(run).join("model.ebm")).expect("the model");
    assert!(model("limited") == model("whole"), "another model under the limit");
    println!(
        "{} MB of data under `ulimit -v` of {} MB: the same model, in {seconds:.1} s",
        length / 1_000_000,
        LIMIT_KIB * 1024 / 1_000_000
    );
    let figures: Value = serde_json::from_slice(&limited.stdout).expect("a JSON object");
    assert_eq!(figures["epochs"].as_array().map(Vec::len), Some(1));
}
