//! Where commands write: folders that are yet to be made, and files that cannot be.
#![cfg(unix)]

mod program;

use program::{run, succeed, text};
use std::fs;
use tempfile::TempDir;

#[test]
fn folders_are_made_for_what_is_written() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --hidden 9 --epochs 1 --out a", folder);
    for (line, written) in [
        ("export a/model.ebm --out new/arrays/a.npz", "new/arrays/a.npz"),
        ("import new/arrays/a.npz --out new/models/a.ebm", "new/models/a.ebm"),
        ("quantize a/model.ebm --out new/small/a.ebm", "new/small/a.ebm"),
        ("sample a/model.ebm --count 4 --steps 2 --out new/s/a.png", "new/s/a.png"),
        ("sample a/model.ebm --count 4 --steps 2 --arrays new/n/a.npz", "new/n/a.npz"),
        ("reconstruct a/model.ebm --count 4 --out new/r/a.png", "new/r/a.png"),
        ("inpaint a/model.ebm --count 2 --steps 2 --unknown lower --out new/i/a.png", "new/i/a.png"),
        ("features a/model.ebm --out new/f/a.png", "new/f/a.png"),
    ] {
        succeed(line, folder);
        assert!(folder.join(written).is_file(), "{line}: no {written}");
    }
}

#[test]
fn no_error_names_a_temporary_file() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --hidden 9 --epochs 1 --out a", folder);
    fs::write(folder.join("file"), "no folder").expect("a file");
    fs::create_dir_all(folder.join("taken.npz")).expect("a folder in the way");
    for (line, named) in [
        ("export a/model.ebm --out file/a.npz", "file: cannot create the folder"),
        ("export a/model.ebm --out taken.npz", "taken.npz: cannot write the arrays"),
        // Not even the superuser makes files here.
        ("sample a/model.ebm --count 2 --steps 1 --out /proc/self/a.png", "/proc/self: cannot write into the folder"),
    ] {
        let output = run(line, folder);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {words}");
        assert!(words.contains(named) && !words.contains(".ebm-partial"), "{line}: {words}");
    }
}

#[test]
fn a_checkpoint_is_no_model_to_import() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    succeed("train --visible gaussian --hidden 9 --hidden-kind relu --learning-rate 0.001 --epochs 1 --out a", folder);
    let checkpoint = "a/checkpoints/pretrain-1.safetensors";
    for more in ["", " --weights weights --visible-bias visible_bias --hidden-bias hidden_bias"] {
        let refused = run(&format!("import {checkpoint} --out b/model.ebm{more}"), folder);
        let words = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{words}");
        assert!(words.contains(checkpoint) && words.contains("ebm-train train --resume"), "{words}");
        assert!(!folder.join("b").exists());
    }
}
