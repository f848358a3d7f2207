//! Files that were changed at random: whatever they hold, reading them ends in samples or in an error, never in a panic.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_train::data::convert::{Part, convert};
use ebm_train::data::{DataOptions, open};
use rand_core::Rng;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// Changed files of each kind.
const FILES: u32 = 2500;

/// One to four changes: a bit, a byte, a piece cut out, doubled, or all after a place gone.
fn change(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    // Half of all changes hit the first bytes, which say what the rest is.
    let place = |rng: &mut dyn FnMut() -> u32, len: usize| {
        let range = if rng().is_multiple_of(2) { len.min(160) } else { len };
        rng() as usize % range.max(1)
    };
    let mut draw = || rng.next_u32();
    for _ in 0..1 + draw() % 4 {
        if bytes.is_empty() {
            return;
        }
        let at = place(&mut draw, bytes.len());
        let end = (at + 1 + draw() as usize % 16).min(bytes.len());
        match draw() % 6 {
            0 => bytes[at] ^= 1 << (draw() % 8),
            1 => bytes[at] = draw() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes[at] = *b",\n\"'(-0.;\t\xff\0eE".get(draw() as usize % 15).unwrap_or(&b'x'),
        }
    }
}

/// Reads [`FILES`] changed copies of the file that a few digits are converted to; labels beside it are not changed.
fn hostile(name: &str, kind: &str, seed: u64) {
    let folder = TempDir::new().expect("a folder");
    let small = DataOptions { data: few_digits(&folder), label: Some("label".into()), ..DataOptions::default() };
    let files = convert(&small, &folder.path().join(name), Part::Train).expect("a file is written");
    let original = fs::read(&files[0]).expect("what was written");
    let changed = folder.path().join(format!("changed-{name}"));
    let labels = files.get(1).map_or_else(String::new, |labels| format!(",{}", labels.display()));
    let mut options = DataOptions { data: format!("{kind}:{}{labels}", changed.display()), ..DataOptions::default() };
    if kind == "csv" {
        options.label = Some("label".into());
    }
    let mut refused = 0;
    for file in 0..FILES {
        let mut rng = Philox::new(seed, Stream { sample: file, ..Stream::new(Purpose::Free) });
        let mut bytes = original.clone();
        change(&mut bytes, &mut rng);
        fs::write(&changed, bytes).expect("a changed file");
        match open(&options) {
            Ok(dataset) => assert!(dataset.train.inputs.rows() > 0 && dataset.train.inputs.visible() > 0),
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains(name), "{error}");
            }
        }
    }
    assert!(refused > FILES / 10 && refused < FILES, "{refused} of {FILES} were refused");
}

/// A table of ten rows of the digits.
fn few_digits(folder: &TempDir) -> String {
    let path: PathBuf = folder.path().join("few.csv");
    convert(&DataOptions::default(), &path, Part::Train).expect("a file is written");
    let text = fs::read_to_string(&path).expect("what was written");
    let few: String = text.lines().take(11).map(|line| format!("{line}\n")).collect();
    fs::write(&path, few).expect("a file");
    format!("csv:{}", path.display())
}

#[test]
fn changed_idx_files_do_not_panic() {
    hostile("x-images.idx", "idx", 1);
}

#[test]
fn changed_csv_files_do_not_panic() {
    hostile("x.csv", "csv", 2);
}

#[test]
fn changed_npy_files_do_not_panic() {
    hostile("x.npy", "npy", 3);
}

#[test]
fn changed_npz_files_do_not_panic() {
    hostile("x.npz", "npz", 4);
}

#[test]
fn changed_gzip_files_do_not_panic() {
    hostile("x-images.idx.gz", "idx", 5);
    hostile("y.csv.gz", "csv", 6);
}
