//! A million inputs that were changed at random, through the readers of files and frames: each ends in what was read or in an error that names the file, soon,
//! and in memory that follows from what is there, not from what it claims.

mod mutation;
mod program;

use ebm_core::Model;
use ebm_core::wire::{Deframer, FrameError, encode_request, encode_response};
use ebm_tests::file::{Aligned, mend};
use ebm_tests::messages::Pieces;
use ebm_train::data::convert::{Part, convert};
use ebm_train::data::{DataOptions, open};
use ebm_train::export::ModelFile;
use ebm_train::{Error, arrays, cli};
use mutation::{Kind, hold};
use program::succeed;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tempfile::TempDir;

/// Lines of the small table that files are made of.
const LINES: usize = 11;

/// A folder in memory where there is one.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder")
}

/// The model files that are kept as examples of every version and kind.
fn models() -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(fixtures).expect("a folder").map(|e| e.expect("a file").path()).collect();
    paths.retain(|path| path.to_string_lossy().contains("tiny"));
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a model")).collect()
}

#[test]
fn model_files() {
    let kind = |name, seed, inputs| Kind { name, seed, inputs, most_bytes: (10_000, 4), originals: models() };
    hold(&kind("model files", 1, 150_000), |bytes| match ModelFile::of_bytes(bytes).model() {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("the new model"), "{error}");
            false
        }
    });
    // What the checksums do not guard, once they are right.
    hold(&kind("model files, lengths and checksums put right", 2, 150_000), |bytes| {
        let mut bytes = bytes.to_vec();
        mend(&mut bytes);
        Model::parse(Aligned::new(&bytes).as_slice()).is_ok()
    });
}

/// Every request and every response, each in a frame.
fn frames() -> Vec<Vec<u8>> {
    let pieces = Pieces::small();
    let mut room = [0; 4096];
    let requests =
        pieces.requests().into_iter().map(|request| encode_request(7, &request, &mut room).map(<[u8]>::to_vec));
    let mut frames: Vec<_> = requests.collect();
    let mut room = [0; 4096];
    frames
        .extend(pieces.responses().iter().map(|response| encode_response(7, response, &mut room).map(<[u8]>::to_vec)));
    frames.into_iter().map(|frame| frame.expect("room")).collect()
}

#[test]
fn wire_frames() {
    let all = frames();
    // Streams of three, so that damage to one can be seen to leave the others.
    let originals = (0..all.len()).map(|at| (0..3).flat_map(|more| all[(at + more) % all.len()].clone()).collect());
    let kind =
        Kind { name: "wire frames", seed: 3, inputs: 300_000, most_bytes: (0, 0), originals: originals.collect() };
    let mut buffer = vec![0; 4096];
    hold(&kind, |mut bytes| {
        let mut deframer = Deframer::new(&mut buffer);
        let (mut read, mut bad) = (0, 0);
        while let Some(frame) = deframer.feed(&mut bytes) {
            let message = frame.and_then(|frame| match frame.request() {
                Err(FrameError::Direction) => frame.response().map(drop),
                request => request.map(drop),
            });
            match message {
                Ok(()) => read += 1,
                Err(_) => bad += 1,
            }
        }
        read > 0 && bad == 0
    });
}

/// A table of ten rows of the digits.
fn few_digits(folder: &Path) -> DataOptions {
    let path = folder.join("few.csv");
    convert(&DataOptions::default(), &path, Part::Train).expect("a file is written");
    let text = fs::read_to_string(&path).expect("what was written");
    let few: String = text.lines().take(LINES).map(|line| format!("{line}\n")).collect();
    fs::write(&path, few).expect("a file");
    DataOptions { data: format!("csv:{}", path.display()), label: Some("label".into()), ..DataOptions::default() }
}

/// Changed copies of the file `name` that a few digits are converted to; labels beside it are not changed.
fn data_files(name: &str, kind: &str, seed: u64, inputs: u32, most_bytes: (u64, u64)) {
    let folder = folder();
    let files = convert(&few_digits(folder.path()), &folder.path().join(name), Part::Train).expect("a file is written");
    let originals = vec![fs::read(&files[0]).expect("what was written")];
    let changed = folder.path().join(format!("changed-{name}"));
    let labels = files.get(1).map_or_else(String::new, |labels| format!(",{}", labels.display()));
    let label = (kind == "csv").then(|| "label".to_owned());
    let options =
        DataOptions { data: format!("{kind}:{}{labels}", changed.display()), label, ..DataOptions::default() };
    hold(&Kind { name, seed, inputs, most_bytes, originals }, |bytes| {
        fs::write(&changed, bytes).expect("a changed file");
        match open(&options) {
            Ok(dataset) => {
                assert!(dataset.train.inputs.rows() > 0 && dataset.train.inputs.visible() > 0);
                true
            }
            Err(error) => {
                assert!(error.to_string().contains(name), "{error}");
                false
            }
        }
    });
}

/// Buffers of the readers, and room of the samples.
const BUFFERS: u64 = 1 << 20;

#[test]
fn tables_of_text() {
    data_files("x.csv", "csv", 4, 100_000, (BUFFERS, 100));
    data_files("y.csv.gz", "csv", 5, 30_000, (BUFFERS, 100));
}

#[test]
fn idx_files() {
    data_files("x-images.idx", "idx", 6, 100_000, (BUFFERS, 100));
    data_files("x-images.idx.gz", "idx", 7, 20_000, (BUFFERS, 100));
}

#[test]
fn npy_files() {
    data_files("x.npy", "npy", 8, 100_000, (BUFFERS, 100));
    data_files("x.npz", "npz", 9, 30_000, (BUFFERS, 100));
}

#[test]
fn arrays_of_other_programs() {
    let folder = folder();
    succeed("train --hidden 5 --epochs 1 --quiet --out a", folder.path());
    for (number, format) in [(10, "npz"), (11, "safetensors")] {
        let path = folder.path().join(format!("a.{format}"));
        succeed(&format!("export a/model.ebm --out a.{format}"), folder.path());
        let originals = vec![fs::read(&path).expect("what was written")];
        let kind = Kind {
            name: &format!("arrays as {format}"),
            seed: number,
            inputs: 30_000,
            most_bytes: (BUFFERS, 20),
            originals,
        };
        hold(&kind, |bytes| {
            fs::write(&path, bytes).expect("a changed file");
            match arrays::read(&path) {
                Ok(_) => true,
                Err(error) => {
                    assert!(
                        matches!(&error, Error::Data { name, .. } if name.contains(&format!("a.{format}"))),
                        "{error}"
                    );
                    false
                }
            }
        });
    }
}

/// Tells the test, started anew with its output out of the way, where to write its figures.
const FIGURES: &str = "EBM_TEST_FIGURES";

#[test]
fn configurations() {
    let folder = folder();
    let path = folder.path().join("run.toml");
    let Some(figures) = env::var_os(FIGURES) else {
        // The program prints what it makes of each: that goes into a file.
        let (figures, words) = (folder.path().join("figures"), folder.path().join("words"));
        let mut again = Command::new(env::current_exe().expect("this test"));
        again.args(["--exact", "configurations", "--nocapture"]).env(FIGURES, &figures);
        let status =
            again.stdout(File::create(&figures).expect("a file")).stderr(File::create(&words).expect("a file"));
        let status = status.status().expect("this test starts");
        let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        assert!(status.success(), "{}", lines(&words).lines().rev().take(5).collect::<Vec<_>>().join("\n"));
        lines(&figures).lines().filter(|line| line.starts_with("configurations: ")).for_each(|line| println!("{line}"));
        return;
    };
    drop(figures);
    let originals = [
        "data = \"digits\"\nhidden = [64, 32]\nmodel = \"dbn\"\nepochs = 3\nlearning-rate = 0.05\n",
        "# a run\nseed = 7\nhidden = 16\nvalidation = 0.1\nthreads = 1\nquiet = true\n",
        "data = \"csv:a.csv\"\nwindow = 20\nhop = 10\nalgorithm = \"pcd\"\nk = 2\n",
    ];
    let originals = originals.iter().map(|text| text.as_bytes().to_vec()).collect();
    let kind = Kind { name: "configurations", seed: 12, inputs: 5_000, most_bytes: (4 << 20, 1000), originals };
    hold(&kind, |bytes| {
        fs::write(&path, bytes).expect("a changed file");
        let words = ["ebm-train", "train", "--out", "a", "--print-command", "--config"].map(Into::into);
        cli::run(words.into_iter().chain([path.clone().into_os_string()])) == ExitCode::SUCCESS
    });
}
