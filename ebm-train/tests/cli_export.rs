//! `export` and `import` as a user runs them: the arrays that NumPy sees, and models bit for bit from them.

mod program;

use ebm_core::format::{Header, Layer, encode, encoded_len};
use ebm_core::{Block, Directed, HiddenKind, Units, VisibleKind};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_train::arrays::{self, Array, Named};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebm-train")).args(arguments).output().expect("the program starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout holds one JSON object and nothing else")
}

fn assert_refused(arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed on stdout");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no `{word}` in: {stderr}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn write_model(path: &Path, header: &Header<'_>, layers: &[Layer<'_>]) {
    let mut bytes = vec![0; encoded_len(header, layers).expect("a model")];
    encode(header, layers, &mut bytes).expect("a model");
    fs::write(path, bytes).expect("the model");
}

/// A model of every kind that a file can hold in f32, by name.
fn models(folder: &Path) -> Vec<PathBuf> {
    let write = |name: &str, header: &Header<'_>, layers: &[Layer<'_>]| {
        let path = folder.join(name);
        write_model(&path, header, layers);
        path
    };
    let rbm = Parameters::random(6, 4, 1.0, 1);
    let above = Parameters::random(4, 3, 1.0, 2);
    let head = uniform(12, 1.0, 3, 0);
    let head_bias = uniform(4, 1.0, 3, 1);
    let head = ebm_core::Affine::new(3, &head, &head_bias).expect("3 × 4");
    let blocks = [
        Block::new(VisibleKind::Bernoulli, 1),
        Block::new(VisibleKind::Gaussian, 2),
        Block::new(VisibleKind::Softmax, 3),
    ];
    let mixed = Units::new(&blocks, &[0.5, 2.0], HiddenKind::Relu).expect("units");
    let mixed = rbm.view().with_units(mixed).expect("6 units");
    let recognition = Parameters::random(6, 4, 1.0, 4);
    let directed = Directed::new(recognition.view().up(), rbm.view()).expect("one shape");
    let labels = Header { labels: "null\n\"eins\"\nzwölf\ndrei", ..Header::default() };
    let rectifier = |up: ebm_core::Affine<'static>| up.with_activation(ebm_core::Activation::Rectifier);
    let up: &'static Parameters = Box::leak(Box::new(Parameters::random(6, 3, 1.0, 5)));
    vec![
        write("machine.ebm", &Header::default(), &[Layer::Rbm(rbm.view())]),
        write("mixed.ebm", &Header::default(), &[Layer::Rbm(mixed)]),
        write("stack.ebm", &Header::default(), &[Layer::Rbm(rbm.view()), Layer::Rbm(above.view())]),
        write("directed.ebm", &Header::default(), &[Layer::Directed(directed), Layer::Rbm(above.view())]),
        write(
            "classifier.ebm",
            &labels,
            &[
                Layer::Generative(rbm.view()),
                Layer::Sigmoid(recognition.view().up()),
                Layer::Sigmoid(above.view().up()),
                Layer::Head(head),
            ],
        ),
        write("rectifiers.ebm", &labels, &[Layer::Rectifier(rectifier(up.view().up())), Layer::Head(head)]),
    ]
}

#[test]
fn every_model_comes_back_bit_for_bit_from_both_formats() {
    let folder = TempDir::new().expect("a folder");
    let mut models = models(folder.path());
    models.push(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm").into());
    for model in &models {
        for ending in ["npz", "safetensors"] {
            let [arrays, back] =
                [format!("arrays.{ending}"), "back.ebm".to_owned()].map(|name| folder.path().join(name));
            let exported = json(&["export", text(model), "--out", text(&arrays), "--json"]);
            assert!(exported["arrays"].as_array().expect("a list").len() >= 3, "{exported}");
            json(&["import", text(&arrays), "--out", text(&back), "--json"]);
            let equal = fs::read(model).expect("the model") == fs::read(&back).expect("the model that came back");
            assert!(equal, "{} through {ending}", model.display());
        }
    }
}

#[test]
fn arrays_have_the_names_and_shapes_that_are_documented() {
    let folder = TempDir::new().expect("a folder");
    let models = models(folder.path());
    let exported = |name: &str| -> Named {
        let model = models.iter().find(|model| model.ends_with(name)).expect(name);
        let out = folder.path().join("arrays.npz");
        json(&["export", text(model), "--format", "npz", "--out", text(&out), "--json"]);
        arrays::read(&out).expect("arrays")
    };
    let machine = exported("machine.ebm");
    let rbm = Parameters::random(6, 4, 1.0, 1);
    assert_eq!(machine["weights"].shape, [6, 4]);
    let weights = machine["weights"].to_f32().expect("numbers");
    for (i, j) in [(0, 0), (5, 0), (0, 3), (2, 1)] {
        assert_eq!(weights[i * 4 + j], rbm.weights[j * 6 + i], "visible {i}, hidden {j}");
    }
    assert_eq!(machine["visible_bias"], Array::of_f32(&[6], &rbm.visible_bias));
    assert_eq!(machine["hidden_bias"], Array::of_f32(&[4], &rbm.hidden_bias));

    let names = |arrays: &Named| arrays.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&exported("mixed.ebm")), ["hidden_bias", "metadata", "sigma", "visible_bias", "weights"]);
    let stack = exported("stack.ebm");
    assert_eq!((&stack["layer0.weights"].shape[..], &stack["layer1.weights"].shape[..]), (&[6, 4][..], &[4, 3][..]));
    let directed = exported("directed.ebm");
    assert_eq!(directed["layer0.generative_weights"].shape, [6, 4]);
    assert_ne!(directed["layer0.generative_weights"], directed["layer0.weights"]);
    let classifier = exported("classifier.ebm");
    let shapes = ["machine.weights", "layer0.weights", "layer1.weights", "head.weights", "head.bias"]
        .map(|name| classifier[name].shape.clone());
    assert_eq!(shapes, [vec![6, 4], vec![6, 4], vec![4, 3], vec![3, 4], vec![4]]);
}

/// scikit-learn's attributes, and the state of a PyTorch module.
#[test]
fn machines_of_other_programs_are_found_by_name_and_turned_by_their_biases() {
    let folder = TempDir::new().expect("a folder");
    let rbm = Parameters::random(5, 3, 1.0, 7);
    let transposed: Vec<f32> =
        (0..5).flat_map(|i| (0..3).map(move |j| (i, j))).map(|(i, j)| rbm.weights[j * 5 + i]).collect();
    let hidden_first = Array::of_f32(&[3, 5], &rbm.weights);
    let visible_first = Array::of_f32(&[5, 3], &transposed);
    let expected = folder.path().join("expected.ebm");
    for (names, weights, file) in [
        (["components_", "intercept_visible_", "intercept_hidden_"], &hidden_first, "sklearn.npz"),
        (["rbm.W", "rbm.v_bias", "rbm.h_bias"], &hidden_first, "torch.safetensors"),
        (["W", "a", "b"], &visible_first, "letters.npz"),
        (["w", "b", "c"], &hidden_first, "bengio.npz"),
        (["weights", "visible_bias", "hidden_bias"], &visible_first, "ours.safetensors"),
    ] {
        let path = folder.path().join(file);
        let biases = [(5, &rbm.visible_bias), (3, &rbm.hidden_bias)].map(|(n, bias)| Array::of_f32(&[n], bias));
        let named: Named =
            names.map(str::to_owned).into_iter().zip([weights.clone()].into_iter().chain(biases)).collect();
        arrays::write(&path, &named, "").expect("the arrays");
        let out = folder.path().join("model.ebm");
        let summary = json(&["import", text(&path), "--out", text(&out), "--json"]);
        assert_eq!(summary["layers"], serde_json::json!([[5, 3]]), "{file}");
        let provenance = Header {
            provenance: ebm_core::format::Provenance {
                dataset: text(&path),
                tool: concat!("ebm-train ", env!("CARGO_PKG_VERSION")),
                ..Default::default()
            },
            ..Header::default()
        };
        let header = if file.starts_with("ours") { Header::default() } else { provenance };
        write_model(&expected, &header, &[Layer::Rbm(rbm.view())]);
        assert!(fs::read(&out).expect("a model") == fs::read(&expected).expect("the same"), "{file}");
    }
}

#[test]
fn kinds_of_a_script_s_units_are_flags() {
    let folder = TempDir::new().expect("a folder");
    let [arrays, out] = ["rbm.npz", "model.ebm"].map(|name| folder.path().join(name));
    let named = Named::from([
        ("W".to_owned(), Array::of_f32(&[2, 1], &[0.5, -0.5])),
        ("vbias".to_owned(), Array::of_f32(&[2], &[0.0, 1.0])),
        ("hbias".to_owned(), Array::of_f32(&[1], &[2.0])),
    ]);
    arrays::write(&arrays, &named, "").expect("the arrays");
    let flags = ["--visible", "gaussian", "--sigma", "0.25", "--hidden", "relu"];
    json(&[&["import", text(&arrays), "--out", text(&out), "--json"], &flags[..]].concat());
    let back = folder.path().join("back.npz");
    json(&["export", text(&out), "--out", text(&back), "--json"]);
    assert_eq!(arrays::read(&back).expect("arrays")["sigma"].to_f32(), Some(vec![0.25, 0.25]));
    let inspected = json(&["inspect", text(&out), "--json"]);
    let kind = inspected["layers"][0]["kind"].as_str().expect("a kind").to_owned();
    assert!(kind.contains("relu"), "{kind}");
    assert_refused(
        &["import", text(&arrays), "--out", text(&out), "--visible", "gaussian", "--sigma", "0"],
        1,
        &["rbm.npz", "standard deviation"],
    );
}

#[test]
fn what_does_not_fit_is_refused_by_array_and_flag() {
    let folder = TempDir::new().expect("a folder");
    let [path, out] = ["rbm.npz", "model.ebm"].map(|name| folder.path().join(name));
    let square = || Array::of_f32(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let pair = || Array::of_f32(&[2], &[1.0, 2.0]);
    let named = |arrays: &[(&str, Array)]| {
        let named: Named = arrays.iter().map(|(name, array)| ((*name).to_owned(), array.clone())).collect();
        arrays::write(&path, &named, "").expect("the arrays");
    };
    let import = ["import", text(&path), "--out", text(&out)];

    named(&[("W", square()), ("v_bias", pair()), ("h_bias", pair())]);
    assert_refused(&import, 1, &["rbm.npz", "`W` is square", "--orientation"]);
    json(&[&import[..], &["--orientation", "hidden-visible", "--json"]].concat());
    let hidden_first = fs::read(&out).expect("a model");
    json(&[&import[..], &["--orientation", "visible-hidden", "--json"]].concat());
    assert!(hidden_first != fs::read(&out).expect("a model"));

    named(&[("W", square()), ("v_bias", Array::of_f32(&[3], &[0.0; 3])), ("h_bias", pair())]);
    assert_refused(&import, 1, &["`W` is [2, 2]", "3 visible and 2 hidden"]);
    named(&[("W", square()), ("filters", square()), ("h_bias", pair())]);
    assert_refused(&import, 1, &["--visible-bias", "W [2, 2]", "h_bias [2]"]);
    assert_refused(&[&import[..], &["--weights", "x"]].concat(), 1, &["--weights x", "filters [2, 2]"]);
    named(&[("W", Array::of_f32(&[2, 2], &[f32::NAN; 4])), ("v_bias", pair()), ("h_bias", pair())]);
    assert_refused(&import, 1, &["`W` holds NaN at place 0"]);
    named(&[("weights", square()), ("visible_bias", pair()), ("hidden_bias", Array::of_text("two"))]);
    assert_refused(&import, 1, &["`hidden_bias` is []"]);

    let int8 = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-int8.ebm");
    assert_refused(&["export", int8, "--out", text(&path)], 1, &["digits-int8.ebm", "f32 file"]);
    let rectified = Units::new(&[], &[], HiddenKind::Relu).expect("units");
    let (rbm, head) = (Parameters::random(3, 2, 1.0, 1), Parameters::random(2, 2, 1.0, 2));
    let machine = Layer::Rbm(rbm.view().with_units(rectified).expect("3 units"));
    let headed = folder.path().join("headed.ebm");
    write_model(&headed, &Header::default(), &[machine, Layer::Head(head.view().up())]);
    assert_refused(&["export", text(&headed), "--out", text(&path)], 1, &["headed.ebm", "machines of rectified units"]);
    let f32 = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm");
    assert_refused(
        &["export", f32, "--out", "weights.txt"],
        2,
        &["--out", "weights.txt", ".npz, .safetensors or .onnx"],
    );
    assert_refused(&["import", "none.npz", "--out", text(&out)], 1, &["none.npz", "cannot read the arrays"]);
}

/// NumPy reads what `export` writes, and `import` reads what NumPy writes, bit for bit.
#[test]
fn numpy_reads_and_writes_the_same_bits() {
    let Some(python) = program::python::with("numpy") else { return };
    let folder = TempDir::new().expect("a folder");
    let rbm = Parameters::random(6, 4, 1.0, 1);
    let [model, npz, saved, tensors, back] =
        ["model.ebm", "a.npz", "b.npz", "c.safetensors", "back.ebm"].map(|name| folder.path().join(name));
    write_model(&model, &Header::default(), &[Layer::Rbm(rbm.view())]);
    json(&["export", text(&model), "--out", text(&npz), "--json"]);
    json(&["export", text(&model), "--out", text(&tensors), "--json"]);
    let script = r#"
import json, struct, sys
import numpy as np
arrays = np.load(sys.argv[1])
w, a, b = (arrays[name] for name in ("weights", "visible_bias", "hidden_bias"))
assert w.dtype == np.float32 and w.shape == (6, 4) and a.shape == (6,) and b.shape == (4,)
assert json.loads(arrays["metadata"].item())["units"][""]["hidden"] == "Bernoulli"
with open(sys.argv[3], "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    payload = file.read()
begin, end = header["weights"]["data_offsets"]
assert header["weights"]["shape"] == [6, 4] and header["weights"]["dtype"] == "F32"
assert (np.frombuffer(payload[begin:end], "<f4").reshape(6, 4) == w).all()
# As scikit-learn holds them: hidden × visible, in double precision, compressed, and in the order of Fortran.
np.savez_compressed(sys.argv[2], components_=np.asfortranarray(w.T.astype(np.float64)), intercept_visible_=a, intercept_hidden_=b)
v = np.array([1, 0, 1, 1, 0, 1], np.float32)
print(json.dumps([float(x) for x in 1 / (1 + np.exp(-(v @ w + b)))]))
"#;
    let output = Command::new(python)
        .args(["-c", script, text(&npz), text(&saved), text(&tensors)])
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // What goes up by the documented product is what the machine says.
    let means: Vec<f32> = serde_json::from_slice(&output.stdout).expect("means");
    let mut expected = [0.0; 4];
    ebm_core::Machine::hidden_probs(&rbm.view(), &[1.0, 0.0, 1.0, 1.0, 0.0, 1.0], &mut expected).expect("6 units");
    assert!(means.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{means:?} {expected:?}");

    json(&["import", text(&saved), "--out", text(&back), "--json"]);
    let again = folder.path().join("again.npz");
    json(&["export", text(&back), "--out", text(&again), "--json"]);
    let [first, last] = [&npz, &again].map(|path| arrays::read(path).expect("arrays"));
    for name in ["weights", "visible_bias", "hidden_bias"] {
        assert_eq!(first[name], last[name]);
    }
}
