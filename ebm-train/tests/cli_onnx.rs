//! `export --format onnx` as a user runs it, its files read by a reader of their own: what the graph holds, and that it hangs together.
//! What it answers is compared in `cli_python.rs`, by onnxruntime.

mod program;

use ebm_core::format::{Header, Layer, encode, encoded_len};
use ebm_core::{Block, HiddenKind, RbmView, Units, VisibleKind};
use ebm_tests::file::Aligned;
use ebm_tests::parameters::Parameters;
use program::{refuse, succeed};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");

/// A field of a protobuf message.
#[derive(Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers, as the protobuf specification has them.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let length = 1 + bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number that ends");
        let (number, rest) = bytes.split_at(length);
        *bytes = rest;
        number.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f))
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (field, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(field)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

/// The bytes of every field of this number.
fn all(message: &[u8], number: u64) -> Vec<&[u8]> {
    let of_bytes = |(field, value)| match value {
        Field::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    };
    fields(message).into_iter().filter_map(of_bytes).collect()
}

/// The numbers of every field of this number.
fn numbers(message: &[u8], number: u64) -> Vec<u64> {
    let of_numbers = |(field, value)| match value {
        Field::Number(value) if field == number => Some(value),
        _ => None,
    };
    fields(message).into_iter().filter_map(of_numbers).collect()
}

fn texts(message: &[u8], number: u64) -> Vec<&str> {
    all(message, number).into_iter().map(|bytes| str::from_utf8(bytes).expect("UTF-8")).collect()
}

/// The dimensions and numbers of a graph's constants, by name.
fn constants(graph: &[u8]) -> BTreeMap<&str, (Vec<u64>, Vec<f32>)> {
    let constant = |tensor| {
        let values = all(tensor, 9)[0].as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        (texts(tensor, 8)[0], (numbers(tensor, 1), values))
    };
    all(graph, 5).into_iter().map(constant).collect()
}

/// Every name stands for one value, made before it is used; whatever comes out was made.
fn hangs_together(graph: &[u8]) {
    let mut known = BTreeSet::new();
    let given = all(graph, 11).into_iter().map(|port| texts(port, 1)[0]);
    for name in given.chain(constants(graph).into_keys()) {
        assert!(known.insert(name), "two values `{name}`");
    }
    for node in all(graph, 1) {
        for input in texts(node, 1) {
            assert!(known.contains(input), "{:?} takes `{input}`, which nothing gives", texts(node, 4));
        }
        for output in texts(node, 2) {
            assert!(known.insert(output), "two values `{output}`");
        }
    }
    for port in all(graph, 12) {
        assert!(known.contains(texts(port, 1)[0]), "nothing gives {:?}", texts(port, 1));
    }
}

fn write_model(path: &Path, machine: RbmView<'_>) {
    let (header, layers) = (Header::default(), [Layer::Rbm(machine)]);
    let mut bytes = vec![0; encoded_len(&header, &layers).expect("a model")];
    encode(&header, &layers, &mut bytes).expect("a model");
    fs::write(path, bytes).expect("the model");
}

fn export(model: &str, folder: &Path) -> (Vec<u8>, Value) {
    let summary = succeed(&format!("export '{model}' --out m.onnx --json"), folder);
    (fs::read(folder.join("m.onnx")).expect("the graph"), serde_json::from_str(&summary).expect("JSON"))
}

#[test]
fn a_classifier_s_graph_holds_its_parameters_and_says_what_it_is() {
    let folder = TempDir::new().expect("a folder");
    let model = format!("{FIXTURES}/digits-f32.ebm");
    let (bytes, summary) = export(&model, folder.path());
    assert_eq!(
        (numbers(&bytes, 1), texts(&bytes, 2), texts(&bytes, 3)),
        (vec![7], vec!["ebm-train"], vec![env!("CARGO_PKG_VERSION")])
    );
    assert_eq!((texts(all(&bytes, 8)[0], 1), numbers(all(&bytes, 8)[0], 2)), (vec![""], vec![13]));
    let ports = json!([
        { "name": "probabilities", "dtype": "float32", "shape": ["batch", 10] },
        { "name": "label", "dtype": "int64", "shape": ["batch"] },
        { "name": "free_energy", "dtype": "float32", "shape": ["batch"] },
    ]);
    assert_eq!(summary["outputs"], ports);
    assert_eq!(summary["inputs"], json!([{ "name": "input", "dtype": "float32", "shape": ["batch", 64] }]));

    let metadata: BTreeMap<&str, &str> =
        all(&bytes, 14).into_iter().map(|entry| (texts(entry, 1)[0], texts(entry, 2)[0])).collect();
    assert_eq!(metadata["classes"], r#"["0","1","2","3","4","5","6","7","8","9"]"#);
    assert_eq!(metadata["inputs"], "integer levels from 0 to 16, divided by 16");
    let file = Aligned::new(&fs::read(&model).expect("the fixture"));
    let parsed = ebm_core::Model::parse(file.as_slice()).expect("a model");
    let novelty = parsed.novelty_threshold().expect("a threshold");
    assert_eq!(metadata["novelty_threshold_nats"].parse(), Ok(f64::from(novelty.threshold) / 4096.0));

    let graph = all(&bytes, 7)[0];
    hangs_together(graph);
    let constants = constants(graph);
    let up = |index| parsed.hidden_layer::<ebm_core::Float>(index).expect("a layer");
    let maps = [("layer0", up(1)), ("layer1", up(2)), ("head", parsed.head::<ebm_core::Float>(3).expect("a head"))];
    for (name, map) in maps {
        let shape = vec![map.outputs() as u64, map.inputs() as u64];
        assert_eq!(constants[&*format!("{name}.weights")], (shape, map.weights().to_vec()), "{name}");
        assert_eq!(constants[&*format!("{name}.bias")], (vec![map.outputs() as u64], map.bias().to_vec()), "{name}");
    }
    let machine = parsed.machine::<ebm_core::Float>().expect("a machine");
    assert_eq!(constants["machine.weights"].1, machine.up().weights());
    assert_eq!(constants["machine.hidden_bias"].1, machine.up().bias());
    assert_eq!(constants["machine.linear"].1, machine.visible_bias());
}

#[test]
fn graphs_of_every_kind_hang_together_and_give_what_the_model_has() {
    let folder = TempDir::new().expect("a folder");
    for (model, outputs) in [
        ("v1-tiny-f32", &["hidden_probs", "free_energy"][..]),
        // Its lowest layer has weights of its own each way: it is no machine.
        ("v2-tiny-dbn", &["hidden_probs"]),
        ("v3-tiny-scaled-f32", &["hidden_probs", "free_energy"]),
        ("v3-tiny-picture", &["hidden_probs", "free_energy"]),
    ] {
        let (bytes, summary) = export(&format!("{FIXTURES}/{model}.ebm"), folder.path());
        let graph = all(&bytes, 7)[0];
        hangs_together(graph);
        let names: Vec<&str> = all(graph, 12).into_iter().map(|port| texts(port, 1)[0]).collect();
        assert_eq!(names, outputs, "{model}: {summary}");
    }
    let rbm = Parameters::random(6, 4, 1.0, 1);
    let blocks = [(VisibleKind::Bernoulli, 1), (VisibleKind::Gaussian, 2), (VisibleKind::Label, 3)]
        .map(|(kind, units)| Block::new(kind, units));
    let units = Units::new(&blocks, &[0.5, 2.0], HiddenKind::Bernoulli).expect("units");
    write_model(&folder.path().join("class.ebm"), rbm.view().with_units(units).expect("6 units"));
    let (bytes, summary) = export("class.ebm", folder.path());
    let graph = all(&bytes, 7)[0];
    hangs_together(graph);
    let ports = summary["outputs"].as_array().expect("a list").iter().map(|port| &port["name"]);
    assert_eq!(ports.collect::<Vec<_>>(), ["probabilities", "label", "free_energy"]);
    // Of a unit's weights the first are the inputs', the others the classes'.
    let (constants, weights) = (constants(graph), rbm.weights.chunks_exact(6));
    let of_inputs: Vec<f32> = weights.clone().flat_map(|unit| unit[..3].to_vec()).collect();
    let of_classes: Vec<f32> = (3..6).flat_map(|class| weights.clone().map(move |unit| unit[class])).collect();
    assert_eq!(constants["class.weights"], (vec![4, 3], of_inputs));
    assert_eq!(constants["class.label_weights"], (vec![3, 4], of_classes));
    assert_eq!(constants["class.label_bias"], (vec![3], rbm.visible_bias[3..].to_vec()));
    assert_eq!(constants["machine.linear"], (vec![3], vec![rbm.visible_bias[0], 0.0, 0.0]));
    assert_eq!(constants["machine.sigma"], (vec![3], vec![1.0, 0.5, 2.0]));
}

#[test]
fn what_a_graph_cannot_say_is_refused_with_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let int8 = format!("export {FIXTURES}/digits-int8.ebm --out m.onnx");
    refuse(&int8, folder, 1, &["digits-int8.ebm", "quantised integers", "give the f32 file"]);
    refuse("export none.ebm --out m.txt", folder, 2, &["--out m.txt", ".npz, .safetensors or .onnx"]);

    let rbm = Parameters::random(6, 4, 1.0, 1);
    let units = Units::new(&[], &[], HiddenKind::Relu).expect("units");
    write_model(&folder.join("relu.ebm"), rbm.view().with_units(units).expect("6 units"));
    refuse(
        "export relu.ebm --out m.onnx",
        folder,
        1,
        &["relu.ebm", "layer 0", "rectified", "export npz, or fine-tune"],
    );
    assert!(!folder.join("m.onnx").exists(), "a file was left of what was refused");
}
