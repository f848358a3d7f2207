//! Data larger than memory: the same bits as in memory, and little memory.

use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::{BinarisationChoice, Bytes, DataOptions, Dataset, Size, open};
use ebm_train::parameters::DbnParameters;
use ebm_train::train::Silent;
use ebm_train::train::finetune::{Backpropagation, Recognition, finetune};
use ebm_train::train::pretrain::{Stack, pretrain};
use ebm_train::train::rbm::RbmSettings;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn machine(dataset: &Dataset, hidden: Vec<usize>) -> Result<DbnParameters, Error> {
    let settings = RbmSettings { epochs: 1, batch_size: 100, ..RbmSettings::default() };
    let stack = Stack { hidden, machines: vec![settings], ..Stack::default() };
    pretrain(&Cpu::new(1)?, &stack, 5, dataset, &mut Silent)
}

#[test]
fn a_run_over_a_file_gives_the_bits_of_one_in_memory() -> Result<(), Error> {
    for binarisation in [BinarisationChoice::None, BinarisationChoice::SampledOnce] {
        let options = DataOptions { binarisation, validation: Size::Share(0.1), ..DataOptions::default() };
        let memory = open(&options)?;
        let file = open(&DataOptions { memory: Some(Bytes(10_000)), ..options })?;
        for (a, b) in [(&memory.train, &file.train), (&memory.validation, &file.validation), (&memory.test, &file.test)]
        {
            assert!(a.inputs.memory().is_some() && b.inputs.memory().is_none());
            assert_eq!(
                (a.inputs.rows(), a.inputs.visible(), &a.labels),
                (b.inputs.rows(), b.inputs.visible(), &b.labels)
            );
            for (a, b) in a.inputs.pieces().zip(b.inputs.pieces()) {
                assert!(a? == b?);
            }
        }
        assert_eq!((&memory.preprocessing, memory.train_crc32), (&file.preprocessing, file.train_crc32));
        let stacks = [machine(&memory, vec![30, 20])?, machine(&file, vec![30, 20])?];
        assert!(stacks[0] == stacks[1], "another stack from a file than from memory");
        let settings = Backpropagation { epochs: 1, shift: 0.0, affine: 0.0, ..Backpropagation::default() };
        let tuned = |stack, dataset| {
            finetune(&Cpu::new(1)?, &settings, 5, "finetune", &Recognition::of(stack)?, dataset, &mut Silent)
        };
        assert!(tuned(&stacks[0], &memory)? == tuned(&stacks[1], &file)?, "another net from a file than from memory");
    }
    Ok(())
}

/// Rows and values of the large file: 320 MB.
const ROWS: usize = 80_000;
const VISIBLE: usize = 1000;
/// Address space of the process that reads it, in KiB: less than the file, and than its samples.
const LIMIT_KIB: u64 = 280 << 10;
/// Tells the test, started anew under the limit, where the file is.
const FILE: &str = "EBM_TEST_LARGE_FILE";

/// An npy file of the first rows, the rest a hole that takes no disk.
fn write_large(path: &Path) {
    let mut file = File::create(path).expect("a file");
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {VISIBLE}), }}\n");
    let mut start = b"\x93NUMPY\x01\x00".to_vec();
    start.extend((header.len() as u16).to_le_bytes());
    start.extend(header.as_bytes());
    let length = start.len() + 4 * ROWS * VISIBLE;
    start.extend((0..100 * VISIBLE).flat_map(|i| ((i % 7) as f32 / 7.0).to_le_bytes()));
    file.write_all(&start).expect("a few rows");
    file.set_len(length as u64).expect("a hole");
}

/// Under the limit: one epoch over all rows, then what the process took at most, in KiB.
fn learn_from_the_large_file(path: &str) -> Result<(), Error> {
    let dataset = open(&DataOptions { data: format!("npy:{path}"), ..DataOptions::default() })?;
    assert!(dataset.train.inputs.memory().is_none() && dataset.train.inputs.rows() == ROWS);
    machine(&dataset, vec![2])?;
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_larger_than_the_address_space_is_learnt_from() {
    if let Ok(path) = std::env::var(FILE) {
        learn_from_the_large_file(&path).expect("a run under the limit");
        let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        println!("peak {peak}");
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("large.npy");
    write_large(&path);
    assert!(fs::metadata(&path).expect("a file").len() > LIMIT_KIB * 1024);
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_file_larger_than_the_address_space_is_learnt_from", "--nocapture", "--test-threads", "1"])
        .env(FILE, &path)
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let peak = text.lines().find_map(|line| line.split("peak").nth(1)).expect("a peak");
    let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().expect("a number");
    assert!(kib < 200 << 10, "{kib} KiB at most");
}
