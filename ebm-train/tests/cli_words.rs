//! A flag that is refused is a sentence: what was given, and what was expected.
#![cfg(unix)]

mod program;

use program::{run, succeed, text};
use tempfile::TempDir;

#[test]
fn a_refused_flag_reads_as_a_sentence() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --hidden 9 --epochs 1 --out a", folder);
    for (line, sentence) in [
        (
            "train --hidden 8 --objective discriminative --out x",
            "--objective discriminative: expected generative, as the machine has no label units",
        ),
        ("sample a/model.ebm", "--out: expected a picture, or --arrays FILE"),
        (
            "train --from a/model.ebm --out x",
            "--finetune-epochs 0: expected at least 1, or --up-down-epochs, to go on from a model",
        ),
        ("sample a/model.ebm --class 3 --out s.png", "--class 3: expected no class, as the model has no labels"),
        ("features a/model.ebm --layer 3 --out f.png", "--layer 3 (of 1): expected a hidden layer of the model"),
        ("train --hidden 8", "--out: expected a folder for the run, such as runs/a"),
        ("train --hidden 8,4 --out x", "--hidden (2 layers): expected one layer, or --model dbn"),
        ("train --data letters --out x", "--data letters: expected "),
        (
            "export a/model.ebm --out a.txt",
            "--out a.txt: expected a name that ends in .npz, .safetensors or .onnx, or --format",
        ),
        (
            "train --hidden 8 --up-down-epochs 2 --out x",
            "--up-down-epochs 2: expected 0, or a stack to fine-tune (--model dbn and at least two --hidden)",
        ),
        (
            "inpaint a/model.ebm --unknown missing --out i.png",
            "--unknown missing: expected the name of what to hide (lower, channel:NAME, …), as no value is missing",
        ),
        ("reproduce nothing", "reproduce nothing: expected a name that `ebm-train reproduce` lists"),
    ] {
        let refused = run(line, folder);
        let words = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{line}: {words}");
        assert!(words.starts_with(&format!("error: {sentence}")), "{line}: {words}");
    }
}
