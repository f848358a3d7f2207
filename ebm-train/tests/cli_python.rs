//! Models in other tools: the scripts of `tools/examples` as a user runs them. Each ends in failure where an answer is not ebm-train's to within 1e-5.

mod program;

use program::{python, succeed};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm");

/// Numbers of very different sizes, a category and a class.
fn stream() -> String {
    let mut csv = String::from("rate,pressure,state,class\n");
    for n in 0..240 {
        let (x, y) = (f64::from(n * 37 % 101), f64::from(n * 53 % 97));
        let (state, class) = (["idle", "on", "off"][n as usize % 3], ["good", "bad"][n as usize / 3 % 2]);
        csv += &format!("{:.3},{:.5},{state},{class}\n", 0.1 * x - 250.0, 0.002 * y + 0.01 * f64::from(n / 3 % 2));
    }
    csv
}

/// Models of every kind of unit and preprocessing, each with how its data are named, and the same data's raw values for NumPy.
fn models(folder: &Path) -> Vec<(String, String, &'static str)> {
    fs::write(folder.join("stream.csv"), stream()).expect("a file");
    let csv = "--data csv:stream.csv --label class --categorical state";
    succeed("data convert digits --out digits.npz", folder);
    succeed(&format!("data convert {csv} --out stream.npz"), folder);
    let trained = |name: &str, flags: &str| {
        succeed(&format!("train {flags} --epochs 2 --learning-rate 0.05 --quiet --out {name}"), folder);
        format!("{name}/model.ebm")
    };
    let scaled = format!("{csv} --scaling standard --visible gaussian");
    let of_csv = || format!("{csv} --part train");
    let of_digits = || "--data digits".to_owned();
    vec![
        (DIGITS.to_owned(), of_digits(), "digits.npz"),
        (
            trained("threshold", "--data digits --binarisation threshold --model rbm --hidden 24"),
            of_digits(),
            "digits.npz",
        ),
        (trained("classrbm", "--data digits --model classrbm --hidden 24"), of_digits(), "digits.npz"),
        (trained("gaussian", &format!("{scaled} --model rbm --hidden 8")), of_csv(), "stream.npz"),
        (trained("mixed", &format!("{csv} --scaling standard --model classrbm --hidden 8")), of_csv(), "stream.npz"),
        (
            trained("classifier", &format!("{scaled} --model dbn --hidden 8,6 --finetune-epochs 3")),
            of_csv(),
            "stream.npz",
        ),
    ]
}

/// What ebm-train says of the samples, as `answers.npz`.
fn answers(model: &str, data: &str, folder: &Path) {
    succeed(&format!("eval '{model}' {data} --log-likelihood none --answers answers.npz"), folder);
}

#[test]
fn free_energies_in_numpy_are_ours() {
    let Some(numpy) = python::with("numpy") else { return };
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    for (model, data, raw) in models(folder) {
        answers(&model, &data, folder);
        for weights in ["weights.npz", "weights.safetensors"] {
            succeed(&format!("export '{model}' --out {weights}"), folder);
            let said = python::run(&numpy, "free_energy.py", &format!("{weights} {raw} answers.npz"), folder);
            assert!(said.contains("free energies, mean"), "{model}: {said}");
        }
    }
}

#[test]
fn onnxruntime_answers_as_we_do() {
    let Some(runtime) = python::with("numpy, onnxruntime") else { return };
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    for (model, data, raw) in models(folder) {
        answers(&model, &data, folder);
        succeed(&format!("export '{model}' --out model.onnx"), folder);
        let said = python::run(&runtime, "onnx_check.py", &format!("model.onnx {raw} answers.npz"), folder);
        assert!(said.contains("free energies differ by"), "{model}: {said}");
        if model == DIGITS {
            assert!(said.contains("accuracy 0.9911; 0 of 1797 answers are others"), "{said}");
            assert!(said.contains("0.0122 of the samples count as novel"), "{said}");
        }
    }
    // Rectifiers, which back-propagation trains; the machine beside them has a free energy that no operator is of.
    let csv = "--data csv:stream.csv --label class --ignore state";
    let flags = "--scaling standard --visible gaussian --hidden-kind relu --model dbn --hidden 8,6 --finetune-epochs 3";
    succeed(&format!("train {csv} {flags} --epochs 2 --quiet --out relu"), folder);
    succeed(&format!("data convert {csv} --out relu.npz"), folder);
    answers("relu/model.ebm", &format!("{csv} --part train"), folder);
    let exported = succeed("export relu/model.ebm --out model.onnx", folder);
    assert!(exported.contains("free_energy is left out"), "{exported}");
    let said = python::run(&runtime, "onnx_check.py", "model.onnx relu.npz answers.npz", folder);
    assert!(said.contains("0 of 240 answers are others") && !said.contains("free energies"), "{said}");
}

/// A machine that another program has trained has the free energies here that it has there.
fn brought_in(python: &Path, program: &str, arrays: &str) {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("data convert digits --out digits.npz", folder);
    let said = python::run(python, "bring_in.py", &format!("{program} digits.npz {arrays}"), folder);
    assert!(said.contains("mean free energy"), "{said}");
    succeed(&format!("import {arrays} --out rbm.ebm"), folder);
    answers("rbm.ebm", "--data npz:rbm-samples.npz", folder);
    succeed("export rbm.ebm --out weights.npz", folder);
    for energies in ["rbm-samples.npz", "answers.npz"] {
        python::run(python, "free_energy.py", &format!("weights.npz rbm-samples.npz {energies}"), folder);
    }
}

#[test]
fn a_machine_of_scikit_learn_is_brought_in() {
    let Some(python) = python::with("numpy, sklearn") else { return };
    brought_in(&python, "sklearn", "rbm.npz");
}

#[test]
fn a_machine_of_pytorch_is_brought_in() {
    let Some(python) = python::if_any("numpy, torch, safetensors.torch") else { return };
    brought_in(&python, "torch", "rbm.safetensors");
}
