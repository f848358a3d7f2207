//! `ARRAYS.md` against what is written: names, types and shapes.

mod program;

use program::succeed;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

const PAGE: &str = include_str!("../ARRAYS.md");
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");
/// A machine, a ClassRBM of every kind of units, a deep belief network with weights of its own each way, scaled inputs, a classifier.
const MODELS: [&str; 5] = ["v1-tiny-f32", "v2-tiny-classrbm", "v2-tiny-dbn", "v3-tiny-scaled-f32", "digits-f32"];

/// Type and shape of every name in the tables after a heading, and what is said to come ahead of names.
fn tables(heading: &str) -> BTreeMap<String, (String, Vec<String>)> {
    let (_, section) = PAGE.split_once(heading).expect(heading);
    let section = section.split("\n## ").next().expect("a section");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, dtype, shape, _, _] = cells[..] else { return None };
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        let shape = shape.trim_matches('`').split(" × ").filter(|length| !length.is_empty());
        Some((name.to_owned(), (dtype.to_owned(), shape.map(str::to_owned).collect())))
    };
    section.lines().filter_map(row).collect()
}

/// Compares what was written with the tables; `seen` gets the rows that it is in.
fn compare(entries: &Value, tables: &BTreeMap<String, (String, Vec<String>)>, seen: &mut BTreeSet<String>) {
    let mut lengths = BTreeMap::new();
    for entry in entries.as_array().expect("a list") {
        let name = entry["name"].as_str().expect("a name");
        // Some names have no beginning of their own part of the model.
        let (beginning, base) = match name.rsplit_once('.') {
            Some((part, base)) if !tables.contains_key(name) => (part, base),
            _ => ("", name),
        };
        let (dtype, shape) = tables.get(base).unwrap_or_else(|| panic!("ARRAYS.md has no `{name}`"));
        if !beginning.is_empty() {
            let first = beginning.replace(|c: char| c.is_ascii_digit(), "0");
            assert!(PAGE.contains(&format!("`{first}.`")), "ARRAYS.md has no beginning `{beginning}.`");
        }
        assert_eq!(entry["dtype"], Value::from(dtype.as_str()), "{name}");
        let found = entry["shape"].as_array().expect("a shape");
        assert_eq!(found.len(), shape.len(), "{name} is {found:?}");
        for (length, found) in shape.iter().zip(found) {
            // What a letter stands for is one number within a part of the model.
            let known = lengths.entry((beginning, length)).or_insert(found);
            assert_eq!(*known, found, "`{length}` of {name}");
        }
        seen.insert(base.to_owned());
    }
}

fn json(line: &str, folder: &Path) -> Value {
    serde_json::from_str(&succeed(&format!("{line} --json"), folder)).expect("JSON")
}

#[test]
fn the_page_names_every_array_and_nothing_else() {
    let folder = TempDir::new().expect("a folder");
    let (tables, mut seen) = (tables("\n## Arrays"), BTreeSet::new());
    for model in MODELS {
        for ending in ["npz", "safetensors"] {
            let line = format!("export '{FIXTURES}/{model}.ebm' --out a.{ending}");
            compare(&json(&line, folder.path())["arrays"], &tables, &mut seen);
        }
        let arrays = ebm_train::arrays::read(&folder.path().join("a.npz")).expect("arrays");
        let text = arrays["metadata"].to_texts().expect("a text").remove(0);
        let metadata: BTreeMap<String, Value> = serde_json::from_str(&text).expect("JSON");
        let of_header = metadata["header"].as_object().expect("an object").keys();
        let of_presentation = metadata["presentation"].as_object().expect("an object").keys();
        for key in metadata.keys().chain(of_header).chain(of_presentation) {
            assert!(PAGE.contains(&format!("`{key}`")), "ARRAYS.md has no key `{key}`");
        }
    }
    assert_eq!(seen, tables.into_keys().collect());
}

#[test]
fn the_page_names_what_goes_into_a_graph_and_comes_out() {
    let folder = TempDir::new().expect("a folder");
    let (tables, mut seen) = (tables("\n## ONNX"), BTreeSet::new());
    for model in ["v1-tiny-f32", "digits-f32"] {
        let summary = json(&format!("export '{FIXTURES}/{model}.ebm' --out m.onnx"), folder.path());
        for ports in ["inputs", "outputs"] {
            compare(&summary[ports], &tables, &mut seen);
        }
    }
    assert_eq!(seen, tables.into_keys().collect());
}

#[test]
fn the_page_names_the_answers() {
    let folder = TempDir::new().expect("a folder");
    succeed(&format!("eval '{FIXTURES}/digits-f32.ebm' --data digits --answers a.npz"), folder.path());
    let arrays = ebm_train::arrays::read(&folder.path().join("a.npz")).expect("arrays");
    let entry = |(name, array): (&String, &ebm_train::arrays::Array)| serde_json::json!({ "name": name, "dtype": array.element.to_string(), "shape": array.shape });
    let (tables, mut seen) = (tables("\n## `eval --answers`"), BTreeSet::new());
    compare(&arrays.iter().map(entry).collect(), &tables, &mut seen);
    assert_eq!(seen, tables.into_keys().collect());
}
