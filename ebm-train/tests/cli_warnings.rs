//! What training says is wrong, in real runs that are so, and not in those that are well.

mod program;

use program::{program, text};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Runs and the findings that their logs hold, in any order.
const RUNS: [(&str, &[&str]); 10] = [
    ("", &[]),
    ("train", &[]),
    ("train --algorithm pcd --epochs 30", &[]),
    ("train --limit 200 --hidden 256 --epochs 60 --learning-rate 0.3 --batch-size 20", &["free_energy_gap"]),
    ("train --learning-rate 5 --epochs 10", &["idle_units", "long_steps", "loss_jumped"]),
    ("train --learning-rate 0.0001 --epochs 6", &["short_steps"]),
    ("train --learning-rate 0.5 --visible-bias zero --centered=false --epochs 8", &["idle_units"]),
    ("train --model dbn --hidden 64,32 --finetune-epochs 6 --finetune-learning-rate 1 --epochs 2", &["chance"]),
    (
        "train --model dbn --hidden 64 --limit 50 --epochs 1 --finetune-epochs 300 --finetune-learning-rate 0.1 --finetune-batch-size 10",
        &["unseen_loss_rose"],
    ),
    // Of a sensor that is seldom wrong, nine samples in ten are of one class: what is better than that is something.
    (
        "train --data csv:seldom.csv --label -1 --scaling min-max --model dbn --hidden 8 --epochs 1 --finetune-epochs 40 --finetune-learning-rate 0.03",
        &[],
    ),
];

/// A file of samples of two values, a tenth of which are of the second class.
fn seldom(folder: &Path) {
    let mut rows = String::new();
    for row in 0..400 {
        let is_wrong = row % 10 == 0;
        let (x, y) = (f64::from(row * 7 % 50) / 100.0, f64::from(row * 13 % 60) / 100.0);
        rows += &if is_wrong { format!("{},{},wrong\n", 0.5 + x, 0.4 + y) } else { format!("{x},{y},right\n") };
    }
    fs::write(folder.join("seldom.csv"), rows).expect("the data");
}

#[test]
fn what_is_wrong_is_said_once() {
    let folder = TempDir::new().expect("a folder");
    seldom(folder.path());
    for (number, (line, expected)) in RUNS.iter().enumerate() {
        let out = folder.path().join(number.to_string());
        let output = program(line)
            .current_dir(folder.path())
            .arg("--report=false")
            .arg("--out")
            .arg(&out)
            .arg("--force")
            .output()
            .expect("the program starts");
        let stderr = text(&output.stderr);
        assert!(output.status.success(), "{line}: {stderr}");
        let log = fs::read_to_string(out.join("log.jsonl")).expect("a log");
        let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let warnings: Vec<_> = events.filter(|event| event["event"] == "warning").collect();
        let mut found: Vec<&str> = warnings.iter().filter_map(|warning| warning["finding"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(&found, expected, "{line}: {stderr}");
        for warning in &warnings {
            let (stage, epoch) = (warning["stage"].as_str().expect("a stage"), &warning["epoch"]);
            let message = warning["message"].as_str().expect("words");
            assert!(stderr.contains(&format!("warning: {stage} epoch {epoch}: {message}\n")), "{line}: {stderr}");
            assert!(message.contains(". Try ") && message.contains("--"), "{message}");
        }
        assert_eq!(stderr.matches("warning: ").count(), warnings.len(), "{line}: {stderr}");
    }
}
