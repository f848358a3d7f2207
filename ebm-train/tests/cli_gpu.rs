//! `--backend gpu`: the same runs on a graphics card as on the processor, and what is said where there is none.

mod card;
mod mnist;
mod program;

use program::{program, succeed, text};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Losses of every epoch, and free energies of a machine's.
fn figures(line: &str, folder: &Path) -> Vec<[f64; 2]> {
    let summary: Value = serde_json::from_str(&succeed(&format!("{line} --quiet --json"), folder)).expect("JSON");
    let number = |epoch: &Value, name: &str| epoch[name].as_f64().unwrap_or(0.0);
    let epochs = summary["epochs"].as_array().expect("epochs");
    epochs.iter().map(|epoch| ["train_loss", "train_free_energy_nats"].map(|name| number(epoch, name))).collect()
}

/// A state is another one where a draw lies within rounding of its probability: of a few hundred thousand draws perhaps one. What it moves is
/// far under what a wrong gradient would.
fn assert_alike(ours: &[[f64; 2]], cpu: &[[f64; 2]], what: &str) {
    assert_eq!(ours.len(), cpu.len(), "{what}");
    for (ours, cpu) in ours.iter().flatten().zip(cpu.iter().flatten()) {
        let bound = 1e-4 * (1.0 + cpu.abs());
        assert!((ours - cpu).abs() <= bound, "{what}: {ours} on the card, {cpu} on the processor, allowed {bound:e}");
    }
}

#[test]
fn every_way_of_training_comes_to_the_same() {
    if !card::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (number, flags) in [
        "--model rbm --hidden 24 -k 3 --algorithm pcd",
        "--model rbm --hidden 24 --algorithm fast-pcd --l1 1e-4 --max-norm 1",
        "--model rbm --hidden 24 --algorithm parallel-tempering -k 2",
        "--model rbm --hidden 16 --visible gaussian --learning-rate 0.001",
        "--model rbm --hidden 16 --hidden-kind relu --learning-rate 0.001",
        "--model rbm --hidden 16 --optimizer adam --learning-rate 0.001 --sparsity-target 0.1",
        "--model classrbm --hidden 24 --objective hybrid",
        "--model dbn --hidden 24,12 --up-down-epochs 1",
        "--model dbn --hidden 24,12 --finetune-epochs 2 --dropout 0.3 --finetune-max-norm 2",
    ]
    .into_iter()
    .enumerate()
    {
        let run = |backend| {
            let line = format!(
                "train --data digits --epochs 1 {flags} --backend {backend} --out {backend}{number} --report=false"
            );
            figures(&line, folder.path())
        };
        assert_alike(&run("gpu"), &run("cpu"), flags);
    }
}

#[test]
fn a_run_goes_on_where_another_backend_left_it() {
    if !card::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let line = "train --model dbn --hidden 12,6 --epochs 2 --seed 4";
    let whole = figures(&format!("{line} --report=false --out whole"), folder.path());
    for (begun, resumed) in [("gpu", "cpu"), ("cpu", "gpu")] {
        succeed(&format!("{line} --backend {begun} --out {begun} --quiet"), folder.path());
        // As after a stop between the two machines.
        for file in ["model.ebm", "checkpoints/pretrain-2.safetensors"] {
            fs::remove_file(folder.path().join(begun).join(file)).expect("it is removed");
        }
        let line = format!("train --resume {begun} --backend {resumed}");
        assert_alike(&figures(&line, folder.path()), &whole, &line);
    }
}

#[test]
fn models_are_measured_and_drawn_from_alike() {
    if !card::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    succeed("train --model rbm --hidden 16 --epochs 2 --out a --report=false --quiet", folder);
    succeed("train --model dbn --hidden 16,8 --epochs 2 --out b --report=false --quiet", folder);
    let number = |line: &str, name: &str| {
        let figures: Value = serde_json::from_str(&succeed(line, folder)).expect("JSON");
        figures.pointer(name).and_then(Value::as_f64).unwrap_or_else(|| panic!("{line}: no {name} in {figures}"))
    };
    for (line, names) in [
        (
            "eval a/model.ebm",
            &["/reconstruction_error", "/pseudo_log_likelihood_nats", "/log_likelihood_nats/exact"][..],
        ),
        (
            "eval b/model.ebm --log-likelihood exact",
            &["/reconstruction_error", "/log_likelihood_bound_nats/log_partition"],
        ),
        (
            "eval a/model.ebm --log-likelihood ais --chains 20 --temperatures 100 --burn-in 5",
            &["/log_likelihood_nats/log_partition_ais", "/log_likelihood_nats/log_partition_reverse_ais"],
        ),
        ("reconstruct b/model.ebm --arrays r.npz", &["/reconstruction_error"]),
        ("inpaint a/model.ebm --steps 20 --count 50 --arrays i.npz --unknown lower", &["/squared_error"]),
    ] {
        for name in names {
            let [ours, cpu] = ["gpu", "cpu"].map(|backend| number(&format!("{line} --json --backend {backend}"), name));
            assert_alike(&[[ours, 0.0]], &[[cpu, 0.0]], &format!("{line}, {name}"));
        }
    }
    let draw = |backend| {
        succeed(&format!("sample a/model.ebm --steps 10 --count 9 --backend {backend} --out {backend}.png"), folder);
        fs::read(folder.join(format!("{backend}.png"))).expect("a picture")
    };
    assert!(draw("gpu") == draw("cpu"), "ten steps of nine chains, means drawn in 256 levels");
}

#[test]
fn an_experiment_comes_to_the_same() {
    if !card::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let figures = |backend| {
        let line = format!("reproduce toy --json --backend {backend} --out {backend}");
        let report: Value = serde_json::from_str(&succeed(&line, folder.path())).expect("JSON");
        let figures = report["figures"].as_array().expect("figures").iter();
        figures.map(|figure| [figure["ours"].as_f64().expect("a number"), 0.0]).collect::<Vec<_>>()
    };
    assert_alike(&figures("gpu"), &figures("cpu"), "reproduce toy");
}

/// What comes of it where no driver is found.
fn without_a_card(line: &str, folder: &Path) -> Output {
    let nowhere = folder.join("nowhere.json");
    let mut command = program(line);
    command.current_dir(folder).env("VK_DRIVER_FILES", &nowhere).env("VK_ICD_FILENAMES", &nowhere);
    command.output().expect("the program starts")
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_card_it_is_said_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = without_a_card("train --epochs 1 --hidden 4 --backend gpu --out a", folder.path());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for word in ["the graphics card:", "mesa-vulkan-drivers", "--backend cpu"] {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
    let output = without_a_card("train --epochs 1 --hidden 4 --backend auto --out b", folder.path());
    let stderr = text(&output.stderr);
    assert!(output.status.success() && stderr.contains("computing on the processor"), "{stderr}");
    let output = without_a_card("gpu", folder.path());
    assert!(text(&output.stdout).contains("No graphics card"), "{}", text(&output.stdout));
}

#[test]
fn cards_are_listed_and_timed() {
    if !card::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let listed: Value = serde_json::from_str(&succeed("gpu --json", folder.path())).expect("JSON");
    let adapters = listed["adapters"].as_array().expect("adapters");
    let names: Vec<&str> = adapters.iter().filter_map(|adapter| adapter["name"].as_str()).collect();
    let table = succeed("gpu", folder.path());
    assert!(!names.is_empty() && names.iter().all(|name| table.contains(name)), "{table}");
    assert_eq!(adapters.iter().filter(|adapter| adapter["is_chosen"] == true).count(), 1, "{adapters:?}");

    mnist::write_mnist(folder.path(), 64, 20);
    let names = ["cd10-784x256-b64", "cd1-784x4096-b512", "free-energy-784x500", "finetune-784-256-10"];
    let line = format!("bench --data mnist:. --repeats 1 --only {} --json --backend", names.join(","));
    let [ours, cpu] = ["gpu", "cpu"].map(|backend| -> Value {
        serde_json::from_str(&succeed(&format!("{line} {backend}"), folder.path())).expect("JSON")
    });
    for (number, name) in names.iter().enumerate() {
        let quality = |report: &Value| report["workloads"][number]["quality"].as_f64().unwrap_or(f64::NAN);
        let (ours, cpu) = (quality(&ours), quality(&cpu));
        assert!((ours - cpu).abs() <= 1e-3 * cpu.abs(), "{name}: {ours} on the card, {cpu} on the processor");
    }
}
