//! What a user meets with data of their own: the commands that the program names, and what it says where something is wrong.

mod program;

use program::{refuse, run, text};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Stdout and stderr of a line that succeeds.
fn succeed(line: &str, folder: &Path) -> (String, String) {
    let output = run(line, folder);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn json(line: &str, folder: &Path) -> Value {
    let (stdout, _) = succeed(&format!("{line} --json"), folder);
    serde_json::from_str(&stdout).expect("stdout holds one JSON object and nothing else")
}

/// A stream of two recordings: a time, two numbers, a category, a comment and a label.
fn stream() -> String {
    let mut csv = String::from("t,x,y,kind,note,class\n");
    for t in 0..80 {
        let (x, y) = (f64::from(t % 7) - 2.5, 0.43 * f64::from(t % 5));
        let (kind, class) = (["up", "down"][t as usize % 3 % 2], ["a", "b"][t as usize / 40]);
        csv += &format!("{t},{x},-{y:.2},{kind},none,{class}\n");
    }
    csv
}

#[test]
fn the_command_that_training_names_measures_the_model() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("my stream.csv"), stream()).expect("a file");
    let flags = "--data 'csv:my stream.csv' --ignore t,note --categorical kind --label class --window 4 --hop 2 --group class --test-size 8 \
                 --scaling standard";
    let line = format!("train {flags} --model classrbm --hidden 4 --epochs 2 --quiet --out 'the run'");
    let trained = json(&line, folder);
    let next = trained["next"].as_str().expect("a command");
    let (_, command) = next.split_once("ebm-train ").expect("a line of this program");
    let expected = "eval 'the run/model.ebm' --data 'csv:my stream.csv' --test-size 8 --label class --ignore t,note --categorical kind \
                    --window 4 --hop 2 --group class";
    assert_eq!(command, expected);
    let figures = json(command, folder);
    assert_eq!(figures["samples"].as_u64(), Some(19), "one recording of two is the test part");
    assert_eq!(figures["accuracy"], trained["test_accuracy"]);
    let (stdout, _) = succeed(&format!("{} --force", line.replace(" --quiet", "")), folder);
    assert!(stdout.contains(&format!("measure it:\n\n  ebm-train {expected}\n")), "{stdout}");
    // What ended is told again in the same words.
    assert_eq!(json("train --resume 'the run'", folder)["next"], trained["next"]);
}

#[test]
fn integers_of_values_that_are_no_probabilities_are_refused_before_training() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("stream.csv"), stream()).expect("a file");
    let flags =
        "--data csv:stream.csv --ignore t,kind,note,class --window 4 --model rbm --hidden 4 --epochs 1 --format int8";
    let line = format!("train {flags} --scaling standard --out a");
    refuse(&line, folder, 2, &["--scaling min-max, or --binarisation threshold"]);
    succeed(&format!("train {flags} --scaling min-max --out b"), folder);
    succeed(&format!("train {flags} --scaling standard --binarisation threshold --threshold 0 --out c"), folder);
}

#[test]
fn a_model_of_other_data_asks_for_them() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("good.csv"), "x,y\n1,2\n2,4\n3,5\n0,1\n").expect("a file");
    succeed("train --data csv:good.csv --hidden 3 --epochs 1 --out a", folder);
    for line in ["eval a/model.ebm", "features a/model.ebm --index 0 --out a.png", "quantize a/model.ebm --out b.ebm"] {
        refuse(line, folder, 2, &["a/model.ebm: trained on csv:good.csv: give --data"]);
    }
    assert_eq!(json("eval a/model.ebm --data csv:good.csv", folder)["samples"], 4);
    let (help, _) = succeed("eval --help", folder);
    assert!(help.contains("that of the model"), "{help}");
    // The digits are in the program.
    succeed("train --hidden 3 --epochs 1 --limit 100 --out d", folder);
    assert_eq!(json("eval d/model.ebm", folder)["data"], "digits");
}

/// An idx file of bytes.
fn idx(dimensions: &[u32], bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

#[test]
fn labels_that_leave_classes_empty_are_named() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("images"), idx(&[20, 3], (0..60).map(|i| i * 4))).expect("a file");
    let write = |odd: u8| {
        let labels = (0..20).map(|row| if row == 13 { odd } else { row % 3 });
        fs::write(folder.join("labels"), idx(&[20], labels)).expect("a file");
    };
    let line = "train --data idx:images,labels --model classrbm --hidden 3 --epochs 1 --force --out a";
    write(200);
    let words = "labels: the largest label, 200, is that of sample 13, but 197 of the 201 classes up to it have no sample (3, 4, 5";
    refuse(line, folder, 1, &[words]);
    // A class that a small set has no sample of is no mistake.
    write(4);
    let (_, stderr) = succeed(line, folder);
    assert!(stderr.contains("labels: no sample of class 3; the largest label, 4, is that of sample 13"), "{stderr}");
    write(2);
    let (_, stderr) = succeed(line, folder);
    assert!(!stderr.contains("no sample of"), "{stderr}");
}

#[test]
fn a_table_with_missing_cells_is_filled_and_learnt_from() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let whole = stream();
    let gaps: String = whole
        .lines()
        .enumerate()
        .map(|(number, line)| match (number, line.split(',').collect::<Vec<_>>().as_slice()) {
            (5, [t, _, y, rest @ ..]) => format!("{t},,{y},{}\n", rest.join(",")),
            (33, [t, x, y, _, rest @ ..]) => format!("{t},{x},{y},,{}\n", rest.join(",")),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(folder.join("gaps.csv"), &gaps).expect("a file");
    for windows in ["", " --window 4 --hop 2 --group class"] {
        let flags = format!("--ignore t,note --categorical kind --label class{windows}");
        let tune = "--hidden 4 --epochs 2 --finetune-epochs 2 --quiet --force --model dbn --out net";
        let place = ["misses values", "line 6, column `x`", "inpaint", "--arrays filled.csv"];
        refuse(&format!("train --data csv:gaps.csv {flags} {tune}"), folder, 1, &place);
        succeed(&format!("train --data csv:gaps.csv {flags} --hidden 4 --epochs 5 --quiet --force --out rbm"), folder);
        let fill = format!("inpaint rbm/model.ebm --data csv:gaps.csv {flags} --steps 20 --arrays filled.csv");
        succeed(&fill, folder);
        let filled = fs::read_to_string(folder.join("filled.csv")).expect("the filled table");
        assert_eq!(filled.lines().count(), gaps.lines().count());
        for (number, (line, with_gaps)) in filled.lines().zip(gaps.lines()).enumerate() {
            let [cells, read] = [line, with_gaps].map(|line| line.split(',').collect::<Vec<_>>());
            assert_eq!(cells.len(), read.len());
            for (column, (cell, read)) in cells.iter().zip(&read).enumerate() {
                match (number, column) {
                    (5, 1) => assert!(cell.parse::<f32>().is_ok(), "{line}"),
                    (33, 3) => assert!(["up", "down"].contains(cell), "{line}"),
                    _ => assert_eq!(cell, read, "line {number}"),
                }
            }
        }
        succeed(&format!("train --data csv:filled.csv {flags} {tune}"), folder);
    }
    // Of a part that is split off, only its own gaps are filled; a hidden channel is filled everywhere in it.
    let flags = "--ignore t,note --categorical kind --label class --test-size 10";
    let fill =
        format!("inpaint rbm/model.ebm --data csv:gaps.csv {flags} --steps 5 --unknown channel:x --arrays part.csv");
    succeed(&format!("train --data csv:gaps.csv {flags} --hidden 4 --epochs 2 --quiet --force --out rbm"), folder);
    succeed(&fill, folder);
    let part = fs::read_to_string(folder.join("part.csv")).expect("the table");
    assert_eq!(part.lines().zip(gaps.lines()).filter(|(a, b)| a != b).count(), 10, "{part}");
}

#[test]
fn two_inputs_of_one_name_are_refused() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("a.csv"), "a,b,a\n1,2,3\n4,5,6\n").expect("a file");
    let words = "a.csv: line 1: columns 1 and 3 are both called `a`: rename one, or --ignore 3";
    refuse("data inspect csv:a.csv", folder, 1, &[words]);
    assert_eq!(json("data inspect csv:a.csv --ignore 3", folder)["visible"], 2);
}

#[test]
fn softmax_units_take_one_hot_samples_only() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    let words = ["--visible softmax (where the values of sample 0 sum to", "one value is 1"];
    refuse("train --visible softmax --hidden 4 --epochs 1 --out a", folder, 2, &words);
    fs::write(folder.join("one.csv"), "a,b,c\n1,0,0\n0,1,0\n0,0,1\n1,0,0\n").expect("a file");
    succeed("train --data csv:one.csv --visible softmax --hidden 2 --epochs 1 --out a", folder);
}

#[test]
fn what_a_model_has_none_of_is_said_or_left_out() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("x.csv"), "x,y\n1,20\n2,-40\n3,50\n0,10\n").expect("a file");
    succeed("train --data csv:x.csv --hidden 3 --epochs 1 --out g", folder);
    let eval = "eval g/model.ebm --data csv:x.csv";
    let (words, _) = succeed(eval, folder);
    assert!(
        words.contains("pseudo-log-likelihood") && words.contains("real-valued inputs have no closed form"),
        "{words}"
    );
    let figures = json(eval, folder);
    assert_eq!(figures["binarisation"], "none");
    assert_eq!(figures["scaling"], "values less an offset, times a scale, of each of 2 channels");
    assert!(figures.get("pseudo_log_likelihood_nats").is_none(), "{figures}");
    let (words, _) = succeed("inspect g/model.ebm", folder);
    assert!(!words.contains("classes"), "{words}");
    succeed("train --model dbn --hidden 6,4 --epochs 1 --limit 100 --out d", folder);
    let (words, _) = succeed("eval d/model.ebm --log-likelihood none", folder);
    assert!(words.contains("a stack's layers give no input's probability"), "{words}");
}

#[test]
fn help_is_for_people() {
    let folder = TempDir::new().expect("a folder");
    let (help, _) = succeed("train --help", folder.path());
    for word in ["[`", "`]", "learnt\n"] {
        assert!(!help.contains(word), "`{word}` in: {help}");
    }
    let of_up_down = help.split("--up-down-algorithm").nth(1).and_then(|text| text.split("--up-down-k").next());
    assert!(of_up_down.is_some_and(|text| text.contains("[possible values: cd, pcd]")), "{of_up_down:?}");
    let (help, _) = succeed("--help", folder.path());
    assert!(!help.contains("The same afterwards"), "{help}");
    refuse(
        "train --model dbn --hidden 4,4 --up-down-epochs 1 --up-down-algorithm fast-pcd --out a",
        folder.path(),
        2,
        &["pcd"],
    );
}

#[test]
fn windows_and_tables_are_drawn_large_enough_to_be_seen() {
    let folder = TempDir::new().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("s.csv"), stream()).expect("a file");
    let side = |name: &str| {
        let file = std::io::BufReader::new(fs::File::open(folder.join(name)).expect("a picture"));
        let info = png::Decoder::new(file).read_info().expect("a PNG").info().size();
        (info.0 as usize, info.1 as usize)
    };
    for (windows, shape, tile) in [("", [2, 1], (56, 28)), (" --window 10", [10, 2], (70, 14))] {
        let flags = format!("--data csv:s.csv --columns x,y{windows}");
        succeed(&format!("train {flags} --hidden 3 --epochs 1 --force --out a"), folder);
        let pairs = json(&format!("reconstruct a/model.ebm {flags} --count 1 --out pairs.png"), folder);
        assert_eq!(pairs["tile"], serde_json::json!(shape));
        assert_eq!(side("pairs.png"), (tile.0 + 4, 2 * tile.1 + 6));
        // Without the data, the model's scaling tells the channels.
        succeed("sample a/model.ebm --count 1 --steps 5 --out one.png", folder);
        assert_eq!(side("one.png"), (tile.0 + 4, tile.1 + 4));
    }
}
