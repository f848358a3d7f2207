//! A checkpoint: a stage's [`Snapshot`] as a safetensors file, with its position and the run's settings beside the tensors.

use crate::arrays::Named;
use crate::train::snapshot::{Position, SavedTensor, Snapshot};
use crate::{Error, files};
use ebm_core::format::crc32;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

/// Keys beside the tensors.
const EPOCHS: &str = "epochs";
const BATCHES: &str = "batches";
const SETTINGS: &str = "settings";
const CRC32: &str = "crc32";

/// Writes the checkpoint whole or not at all. `settings` are those that the result of the run depends on, one `key = value` a line.
pub(super) fn write(path: &Path, settings: &str, snapshot: &Snapshot) -> Result<(), Error> {
    let views: Result<Vec<_>, _> = snapshot
        .tensors
        .iter()
        .map(|(name, tensor)| {
            let bytes = bytemuck::cast_slice(&tensor.values);
            TensorView::new(Dtype::F32, tensor.shape.to_vec(), bytes).map(|view| (name, view))
        })
        .collect();
    let Position { epochs, batches } = snapshot.position;
    let metadata = HashMap::from([
        (EPOCHS.to_owned(), epochs.to_string()),
        (BATCHES.to_owned(), batches.to_string()),
        (SETTINGS.to_owned(), settings.to_owned()),
        (CRC32.to_owned(), checksum(&snapshot.tensors).to_string()),
    ]);
    let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
    let bytes = bytes.map_err(|error| damaged(path, &error.to_string()))?;
    files::write_whole(path, "write the checkpoint", |file| file.write_all(&bytes))
}

/// Reads a checkpoint of a run with these settings. `None` when there is none; fails with the path when it is damaged, and with
/// the settings that differ when it is of another run.
pub(super) fn read(path: &Path, settings: &str) -> Result<Option<Snapshot>, Error> {
    let Some(bytes) = bytes(path)? else {
        return Ok(None);
    };
    let metadata = metadata(path, &bytes)?;
    if let Some(difference) = difference(value(path, &metadata, SETTINGS)?, settings) {
        return Err(Error::Checkpoint(format!("{}: {difference}", path.display())));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(path, &error.to_string()))?;
    let mut snapshot = Snapshot::at(position(path, &metadata)?);
    for (name, view) in file.tensors() {
        let (Dtype::F32, &[rows, columns]) = (view.dtype(), view.shape()) else {
            return Err(damaged(path, &format!("{name} is no matrix of f32")));
        };
        let values = bytemuck::pod_collect_to_vec(view.data());
        snapshot.tensors.insert(name, SavedTensor { shape: [rows, columns], values });
    }
    if value(path, &metadata, CRC32)? != checksum(&snapshot.tensors).to_string() {
        return Err(damaged(path, "its checksum differs"));
    }
    Ok(Some(snapshot))
}

/// The lines that the settings of a checkpoint do not have; `None` where they have all of them.
pub(super) fn lacks(path: &Path, lines: &str) -> Result<Option<String>, Error> {
    let Some(bytes) = bytes(path)? else { return Ok(None) };
    let metadata = metadata(path, &bytes)?;
    let missing = unlike(lines, value(path, &metadata, SETTINGS)?);
    Ok((!missing.is_empty()).then(|| missing.join(", ")))
}

/// How far the stage had come whose checkpoint this is; `None` when there is none.
pub(super) fn read_position(path: &Path) -> Result<Option<Position>, Error> {
    match bytes(path)? {
        Some(bytes) => position(path, &metadata(path, &bytes)?).map(Some),
        None => Ok(None),
    }
}

/// Whether arrays with their metadata are those of a checkpoint.
pub fn is_checkpoint(arrays: &Named) -> bool {
    [EPOCHS, BATCHES, SETTINGS, CRC32].iter().all(|key| arrays.contains_key(*key))
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(Error::file(path, "read the checkpoint")),
    }
}

fn metadata(path: &Path, bytes: &[u8]) -> Result<HashMap<String, String>, Error> {
    let read: Result<(usize, Metadata), _> = SafeTensors::read_metadata(bytes);
    let (_, metadata) = read.map_err(|error| damaged(path, &error.to_string()))?;
    metadata.metadata().clone().ok_or_else(|| damaged(path, "it says nothing of its run"))
}

fn value<'a>(path: &Path, metadata: &'a HashMap<String, String>, key: &str) -> Result<&'a str, Error> {
    metadata.get(key).map(String::as_str).ok_or_else(|| damaged(path, &format!("it holds no {key}")))
}

fn position(path: &Path, metadata: &HashMap<String, String>) -> Result<Position, Error> {
    let number = |key| {
        let value = value(path, metadata, key)?;
        value.parse().map_err(|_| damaged(path, &format!("its {key} are {value}")))
    };
    Ok(Position { epochs: number(EPOCHS)?, batches: number(BATCHES)? })
}

fn damaged(path: &Path, problem: &str) -> Error {
    let path = path.display();
    Error::Checkpoint(format!("{path} is not whole: {problem}; without that file, the stage begins afresh"))
}

/// CRC-32 over those of every tensor's values, in the order of their names.
fn checksum(tensors: &BTreeMap<String, SavedTensor>) -> u32 {
    let sums: Vec<u8> =
        tensors.values().flat_map(|tensor| crc32(bytemuck::cast_slice(&tensor.values)).to_le_bytes()).collect();
    crc32(&sums)
}

/// The lines of `these` that `those` have not.
fn unlike<'a>(these: &'a str, those: &str) -> Vec<&'a str> {
    these.lines().filter(|line| !those.lines().any(|other| other == *line)).collect()
}

/// The settings in which a checkpoint and its run differ, in words.
fn difference(written: &str, run: &str) -> Option<String> {
    let (written_only, run_only) = (unlike(written, run), unlike(run, written));
    let words = |lines: Vec<&str>| if lines.is_empty() { "nothing of it".to_owned() } else { lines.join(", ") };
    (written != run).then(|| format!("was written with {}; this run has {}", words(written_only), words(run_only)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const SETTINGS: &str = "seed = 1\nlearning-rate = 0.05\n";

    fn snapshot() -> Snapshot {
        let tensor = SavedTensor { shape: [2, 3], values: vec![1.0, -0.0, 3.5, f32::MIN_POSITIVE, 1e-42, 6.0] };
        Snapshot {
            position: Position { epochs: 3, batches: 17 },
            tensors: BTreeMap::from([("weights".into(), tensor), ("chains".into(), SavedTensor::default())]),
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("pretrain-1.safetensors");
        assert_eq!(read(&path, SETTINGS).expect("nothing is no error"), None);
        write(&path, SETTINGS, &snapshot()).expect("it is written");
        let back = read(&path, SETTINGS).expect("it is read").expect("it is there");
        assert_eq!(back, snapshot());
        assert!(back.tensors["weights"].values[1].is_sign_negative());
        assert_eq!(read_position(&path).expect("it is read"), Some(Position { epochs: 3, batches: 17 }));
    }

    #[test]
    fn other_settings_are_refused_by_name() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("pretrain-1.safetensors");
        write(&path, SETTINGS, &snapshot()).expect("it is written");
        let error = read(&path, "seed = 1\nlearning-rate = 0.1\n").expect_err("another rate").to_string();
        assert!(
            error.contains("pretrain-1.safetensors: was written with learning-rate = 0.05; this run has")
                && error.contains("learning-rate = 0.1")
                && !error.contains("seed"),
            "{error}"
        );
    }

    #[test]
    fn damage_anywhere_is_found() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("finetune.safetensors");
        write(&path, SETTINGS, &snapshot()).expect("it is written");
        let whole = std::fs::read(&path).expect("the file");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a damaged copy");
            match read(&path, SETTINGS) {
                Err(Error::Checkpoint(words)) => assert!(words.contains("finetune.safetensors"), "{words}"),
                other => panic!("{other:?}"),
            }
        };
        for length in 0..whole.len() {
            refused(&whole[..length]);
        }
        for bit in 0..8 {
            let mut bytes = whole.clone();
            let last = bytes.len() - 1;
            bytes[last] ^= 1 << bit;
            refused(&bytes);
        }
    }
}
