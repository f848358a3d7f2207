//! `sample`, `reconstruct`, `inpaint` and `features` as a user runs them: pictures pixel by pixel, arrays, figures and refusals.

use ebm_core::format::{Header, Input, Layer, Scaling, encode, encoded_len};
use ebm_core::{Block, HiddenKind, Machine, RbmView, Units, VisibleKind};
use ebm_tests::parameters::Parameters;
use ebm_train::arrays::{self, Named};
use ebm_train::data::digits;
use serde_json::Value;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A classifier over the digits whose machine stands beside it.
const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm");

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

/// A picture's width, height, pixels and words.
fn picture(path: &Path) -> (usize, usize, Vec<u8>, String) {
    let mut reader =
        png::Decoder::new(BufReader::new(File::open(path).expect("a picture"))).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("pixels");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    let words = reader.info().utf8_text[0].get_text().expect("words");
    (info.width as usize, info.height as usize, pixels, words)
}

/// Asserts that the tile at `column`, `row` of a grid of 8 × 8 tiles, each value 7 × 7 pixels, is of these values in grey from 0 to 1.
fn assert_tile((width, _, pixels, _): &(usize, usize, Vec<u8>, String), [column, row]: [usize; 2], values: &[f32]) {
    for y in 0..56 {
        for x in 0..56 {
            let first = 3 * ((2 + row * 58 + y) * width + 2 + column * 58 + x);
            let value = values[y / 7 * 8 + x / 7];
            let level = (255.0 * value.clamp(0.0, 1.0)).round() as u8;
            let expected = if value.is_nan() { [70, 110, 190] } else { [level; 3] };
            assert_eq!(pixels[first..first + 3], expected, "tile {column}, {row}, pixel {x}, {y}");
        }
    }
}

fn rows(named: &Named, name: &str) -> Vec<Vec<f32>> {
    let array = &named[name];
    let values = array.to_f32().expect("numbers");
    values.chunks_exact(*array.shape.last().expect("dimensions")).map(<[f32]>::to_vec).collect()
}

fn write_model(folder: &Path, name: &str, header: &Header<'_>, layers: &[Layer<'_>]) -> PathBuf {
    let mut bytes = vec![0; encoded_len(header, layers).expect("a model")];
    encode(header, layers, &mut bytes).expect("a model");
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the model");
    path
}

#[test]
fn samples_are_drawn_as_they_are_written() {
    let folder = TempDir::new().expect("a folder");
    let [png, npz] = ["s.png", "s.npz"].map(|name| folder.path().join(name));
    let flags = ["--count", "6", "--steps", "50", "--per-row", "3", "--out", text(&png), "--arrays", text(&npz)];
    let summary = json(&[&["sample", DIGITS, "--json"], &flags[..]].concat());
    assert_eq!((summary["count"].as_u64(), summary["tile"].clone()), (Some(6), serde_json::json!([8, 8])));
    let drawn = picture(&png);
    assert_eq!((drawn.0, drawn.1), (3 * 58 + 2, 2 * 58 + 2));
    assert!(drawn.3.contains("6 chains, 50 Gibbs steps from noise") && drawn.3.contains("black is 0"), "{}", drawn.3);
    let named = arrays::read(&npz).expect("arrays");
    let means = rows(&named, "samples");
    assert_eq!(named["samples"].shape, [6, 64]);
    for (index, values) in means.iter().enumerate() {
        assert_tile(&drawn, [index % 3, index / 3], values);
    }
    assert!(means.iter().flatten().any(|v| (0.05..0.95).contains(v)), "means are drawn");
    assert!(means[0] != means[1], "chains of their own");

    // The same again with another number of threads; another seed gives others; states are states.
    let again = |extra: &[&str]| {
        json(&[&["sample", DIGITS, "--json"], &flags[..], extra].concat());
        rows(&arrays::read(&npz).expect("arrays"), "samples")
    };
    assert_eq!(again(&["--threads", "1"]), means);
    assert_ne!(again(&["--seed", "2"]), means);
    assert!(again(&["--states"]).iter().flatten().all(|&v| v == 0.0 || v == 1.0));
    assert_ne!(again(&["--beta", "0.5"]), means);
}

#[test]
fn chains_from_data_show_their_way() {
    let folder = TempDir::new().expect("a folder");
    let [png, npz] = ["s.png", "s.npz"].map(|name| folder.path().join(name));
    let flags = ["--from", "data", "--count", "3", "--steps", "40", "--every", "15"];
    json(&[&["sample", DIGITS, "--json", "--out", text(&png), "--arrays", text(&npz)], &flags[..]].concat());
    let named = arrays::read(&npz).expect("arrays");
    assert_eq!(named["steps"].to_integers(), Some(vec![0, 15, 30, 40]));
    assert_eq!(named["samples"].shape, [4, 3, 64]);
    let values = rows(&named, "samples");
    let digits = digits::load().expect("the digits");
    let drawn = picture(&png);
    for chain in 0..3 {
        assert_eq!(
            values[chain],
            digits.test.inputs.memory().expect("in memory").row(chain),
            "chain {chain} starts at data"
        );
        assert_tile(&drawn, [chain, 0], &values[chain]);
        assert_tile(&drawn, [chain, 3], &values[9 + chain]);
    }
}

/// A ClassRBM whose weights say of each class which of four values is on.
fn class_machine(folder: &Path) -> PathBuf {
    let (mut weights, hidden_bias) = (vec![0.0; 8 * 4], vec![-30.0; 4]);
    for unit in 0..4 {
        // A hidden unit for each class, which its label turns on, and which turns on its value.
        weights[unit * 8 + unit] = 16.0;
        weights[unit * 8 + 4 + unit] = 40.0;
    }
    let visible_bias = [-8.0, -8.0, -8.0, -8.0, 0.0, 0.0, 0.0, 0.0];
    let blocks = [Block::new(VisibleKind::Bernoulli, 4), Block::new(VisibleKind::Label, 4)];
    let units = Units::new(&blocks, &[], HiddenKind::Bernoulli).expect("units");
    let view = RbmView::new(&weights, &visible_bias, &hidden_bias).expect("8 × 4").with_units(units).expect("units");
    let header = Header { labels: "north\neast\nsouth\nwest", ..Header::default() };
    write_model(folder, "class.ebm", &header, &[Layer::Rbm(view)])
}

#[test]
fn a_class_that_is_held_is_what_is_sampled() {
    let folder = TempDir::new().expect("a folder");
    let model = class_machine(folder.path());
    let npz = folder.path().join("s.npz");
    let sample = |class: &str| {
        let flags = ["--class", class, "--count", "8", "--steps", "30", "--states", "--arrays", text(&npz), "--json"];
        let summary = json(&[&["sample", text(&model)], &flags[..]].concat());
        (summary["classes"].clone(), rows(&arrays::read(&npz).expect("arrays"), "samples"))
    };
    let one = |on: usize| (0..4).map(|unit| f32::from(u8::from(unit == on))).collect::<Vec<_>>();
    for (class, number) in [("south", 2), ("3", 3)] {
        let (classes, samples) = sample(class);
        assert_eq!(classes, serde_json::json!(vec![number; 8]));
        assert_eq!(samples, vec![one(number); 8], "{class}");
    }
    let (classes, samples) = sample("all");
    assert_eq!(classes, serde_json::json!([0, 1, 2, 3, 0, 1, 2, 3]));
    assert!(samples.iter().enumerate().all(|(chain, sample)| *sample == one(chain % 4)), "{samples:?}");
    assert_refused(
        &["sample", text(&model), "--class", "up", "--arrays", text(&npz)],
        2,
        &["--class", "up", "one of the model's classes"],
    );
    assert_refused(&["sample", DIGITS, "--class", "3", "--arrays", text(&npz)], 2, &["--class", "no labels"]);
}

#[test]
fn reconstructions_lie_below_their_originals() {
    let folder = TempDir::new().expect("a folder");
    let [png, npz] = ["r.png", "r.npz"].map(|name| folder.path().join(name));
    let summary = json(&["reconstruct", DIGITS, "--per-class", "--json", "--out", text(&png), "--arrays", text(&npz)]);
    assert_eq!(summary["classes"], serde_json::json!([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert_eq!(summary["samples"], 1797);
    let named = arrays::read(&npz).expect("arrays");
    let (originals, reconstructions) = (rows(&named, "originals"), rows(&named, "reconstructions"));
    let drawn = picture(&png);
    assert_eq!((drawn.0, drawn.1), (10 * 58 + 2, 2 * 58 + 2));
    let file = ebm_train::export::ModelFile::read(Path::new(DIGITS)).expect("the model");
    let model = file.model().expect("a model");
    let machine = model.machine::<ebm_core::Float>().expect("a machine");
    let (mut hidden, mut means) = (vec![0.0; machine.hidden()], vec![0.0; 64]);
    let mut sum = 0.0;
    for (column, (original, reconstruction)) in originals.iter().zip(&reconstructions).enumerate() {
        assert_tile(&drawn, [column, 0], original);
        assert_tile(&drawn, [column, 1], reconstruction);
        machine.hidden_probs(original, &mut hidden).expect("64 inputs");
        machine.visible_probs(&hidden, &mut means).expect("64 inputs");
        assert!(means.iter().zip(reconstruction).all(|(a, b)| (a - b).abs() < 1e-5));
        sum += original.iter().zip(&means).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    }
    let stated = summary["reconstruction_error_shown"].as_f64().expect("a number");
    assert!((stated - sum / 640.0).abs() < 1e-6, "{stated} {}", sum / 640.0);
}

#[test]
fn a_hidden_half_is_guessed_from_the_other() {
    let folder = TempDir::new().expect("a folder");
    let [png, npz] = ["i.png", "i.npz"].map(|name| folder.path().join(name));
    let flags = ["--unknown", "lower", "--count", "60", "--shown", "5", "--steps", "200", "--average", "100"];
    let written = ["--out", text(&png), "--arrays", text(&npz), "--json"];
    let summary = json(&[&["inpaint", DIGITS], &flags[..], &written].concat());
    let number = |summary: &Value, key: &str| summary[key].as_f64().unwrap_or_else(|| panic!("no {key} in {summary}"));
    assert_eq!((number(&summary, "hidden_values"), number(&summary, "missing_values")), (60.0 * 32.0, 0.0));
    let named = arrays::read(&npz).expect("arrays");
    let [originals, masked, filled] = ["originals", "masked", "filled"].map(|name| rows(&named, name));
    let drawn = picture(&png);
    assert_eq!((drawn.0, drawn.1), (5 * 58 + 2, 3 * 58 + 2));
    let (mut right, mut zeros, mut squared) = (0, 0, 0.0);
    for sample in 0..60 {
        assert_eq!(originals[sample][..32], filled[sample][..32], "known values stay");
        assert!(masked[sample][32..].iter().all(|v| v.is_nan()) && masked[sample][..32] == originals[sample][..32]);
        for (truth, guess) in originals[sample][32..].iter().zip(&filled[sample][32..]) {
            right += usize::from((*truth > 0.5) == (*guess > 0.5));
            zeros += usize::from(*truth <= 0.5);
            squared += f64::from(truth - guess).powi(2);
        }
        if sample < 5 {
            for (row, values) in [&originals[sample], &masked[sample], &filled[sample]].into_iter().enumerate() {
                assert_tile(&drawn, [sample, row], values);
            }
        }
    }
    let hidden = 60.0 * 32.0;
    assert!((number(&summary, "accuracy") - f64::from(right as u32) / hidden).abs() < 1e-9);
    assert!((number(&summary, "accuracy_all_zeros") - f64::from(zeros as u32) / hidden).abs() < 1e-9);
    assert!((number(&summary, "squared_error") - squared / hidden).abs() < 1e-6);
    // The upper half says something of the lower one.
    assert!(number(&summary, "accuracy") > number(&summary, "accuracy_all_zeros") + 0.05, "{summary}");
    for start in ["zeros", "mean"] {
        let summary = json(&[&["inpaint", DIGITS, "--start", start], &flags[..], &written].concat());
        assert!(number(&summary, "accuracy") > number(&summary, "accuracy_all_zeros") + 0.05, "{start}: {summary}");
    }
}

/// Two Gaussian channels that go together and a category, scaled as the model says; what is missing is written in the data's units.
#[test]
fn missing_cells_are_written_back_in_the_data_s_units() {
    let folder = TempDir::new().expect("a folder");
    // One hidden unit: both numbers high and the category `on`, or low and `off`.
    let weights = [4.0, 4.0, -6.0, 6.0];
    let visible_bias = [-1.0, -1.0, 3.0, -3.0];
    let hidden_bias = [0.0];
    let blocks = [Block::new(VisibleKind::Gaussian, 2), Block::new(VisibleKind::Softmax, 2)];
    let units = Units::new(&blocks, &[0.5, 0.5], HiddenKind::Bernoulli).expect("units");
    let view = RbmView::new(&weights, &visible_bias, &hidden_bias).expect("4 × 1").with_units(units).expect("units");
    let header = Header {
        input: Input::Scaled { channels: 4 },
        scaling: Some(Scaling::Float { offsets: &[100.0, -5.0, 0.0, 0.0], scales: &[0.1, 2.0, 1.0, 1.0] }),
        ..Header::default()
    };
    let model = write_model(folder.path(), "sensors.ebm", &header, &[Layer::Rbm(view)]);
    let [data, out, npz] = ["gaps.csv", "filled.csv", "filled.npz"].map(|name| folder.path().join(name));
    fs::write(&data, "heat,flow,pump\n110,-4.5,on\n110,,on\n,-5.5,off\n90,-5.5,\n").expect("the data");
    let spec = format!("csv:{}", text(&data));
    let flags = ["--data", &spec, "--categorical", "pump=off|on", "--average", "400", "--json"];
    let summary = json(&[&["inpaint", text(&model), "--arrays", text(&out)], &flags[..]].concat());
    assert_eq!((summary["samples"].as_u64(), summary["missing_values"].as_u64()), (Some(4), Some(4)), "{summary}");
    let filled = fs::read_to_string(&out).expect("the filled data");
    let lines: Vec<Vec<&str>> = filled.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0], ["heat", "flow", "pump"]);
    assert_eq!((lines[1][2], lines[2][2], lines[3][2], lines[4][2]), ("on", "on", "off", "off"), "{filled}");
    let value = |line: usize, column: usize| lines[line][column].parse::<f64>().expect("a number");
    assert!((value(1, 0) - 110.0).abs() < 1e-3 && (value(1, 1) + 4.5).abs() < 1e-3, "{filled}");
    // Means a + σ²·W of the unit on and off: 0 and −1 as the model sees them.
    assert!((value(2, 1) - (-5.0 + 0.0 / 2.0)).abs() < 0.1, "{filled}");
    assert!((value(3, 0) - (100.0 - 1.0 / 0.1)).abs() < 1.0, "{filled}");
    json(&[&["inpaint", text(&model), "--arrays", text(&npz)], &flags[..]].concat());
    let named = arrays::read(&npz).expect("arrays");
    assert_eq!(named["filled_raw"].shape, [4, 4]);
    assert!((rows(&named, "filled_raw")[1][0] - 110.0).abs() < 1e-3);

    let hide = ["--unknown", "channel:flow", "--arrays", text(&npz)];
    let summary = json(&[&["inpaint", text(&model)], &hide[..], &flags].concat());
    assert_eq!(summary["hidden_values"], 3, "{summary}");
    assert!(summary.get("accuracy").is_none(), "numbers beyond 0 and 1 have no accuracy: {summary}");
    let unknown = ["--unknown", "channel:wind", "--arrays", text(&npz)];
    assert_refused(&[&["inpaint", text(&model)], &unknown[..], &flags[..4]].concat(), 1, &["wind", "heat, flow, pump"]);
}

#[test]
fn filters_are_the_weights_and_the_units_are_ranked() {
    let folder = TempDir::new().expect("a folder");
    let parameters = Parameters::random(16, 6, 1.0, 3);
    let above = Parameters::random(6, 3, 1.0, 4);
    let layers = [Layer::Rbm(parameters.view()), Layer::Rbm(above.view())];
    let model = write_model(folder.path(), "stack.ebm", &Header::default(), &layers);
    let [png, npz, data] = ["f.png", "f.npz", "data.npy"].map(|name| folder.path().join(name));
    let summary = json(&["features", text(&model), "--out", text(&png), "--arrays", text(&npz), "--json"]);
    let filters = rows(&arrays::read(&npz).expect("arrays"), "filters");
    assert_eq!(filters.concat(), parameters.weights);
    let largest = parameters.weights.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
    assert_eq!(summary["weight_max"].as_f64().map(|w| w as f32), Some(largest));
    let (width, _, pixels, words) = picture(&png);
    assert!(words.contains("blue is -") && words.contains("white 0"), "{words}");
    // Tiles of 4 × 4 values, 14 × 14 pixels each, three a row.
    for (unit, weights) in filters.iter().enumerate() {
        for (at, weight) in weights.iter().enumerate() {
            let (x, y) = (2 + unit % 3 * 58 + at % 4 * 14, 2 + unit / 3 * 58 + at / 4 * 14);
            let faded = (255.0 * (1.0 - weight.abs() / largest)).round() as u8;
            let expected = if *weight < 0.0 { [faded, faded, 255] } else { [255, faded, faded] };
            assert_eq!(pixels[3 * (y * width + x)..][..3], expected, "unit {unit}, weight {at}");
        }
    }

    // The second layer is seen through the first.
    json(&["features", text(&model), "--layer", "2", "--arrays", text(&npz), "--json"]);
    let through = rows(&arrays::read(&npz).expect("arrays"), "filters");
    for (unit, row) in through.iter().enumerate() {
        for (i, value) in row.iter().enumerate() {
            let sum: f32 = (0..6).map(|j| parameters.weights[j * 16 + i] * above.weights[unit * 6 + j]).sum();
            assert!((sum - value).abs() < 1e-5);
        }
    }
    assert_refused(&["features", text(&model), "--layer", "3", "--arrays", text(&npz)], 2, &["--layer 3 (of 2)"]);

    let sample: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
    let mut bytes = Vec::new();
    arrays::npy::write(&arrays::Array::of_f32(&[1, 16], &sample), &mut bytes).expect("a vector takes all");
    fs::write(&data, bytes).expect("the data");
    let spec = format!("npy:{}", text(&data));
    let flags = ["--data", &spec, "--index", "0", "--most", "2", "--out", text(&png), "--json"];
    let summary = json(&[&["features", text(&model)], &flags[..]].concat());
    let mut p = vec![0.0; 6];
    parameters.view().hidden_probs(&sample, &mut p).expect("16 inputs");
    let mut order: Vec<usize> = (0..6).collect();
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let units = |key: &str| -> Vec<u64> {
        let units = summary["response"][key].as_array().expect("units");
        units.iter().map(|unit| unit["unit"].as_u64().expect("a number")).collect()
    };
    assert_eq!(units("most"), [order[0] as u64, order[1] as u64]);
    assert_eq!(units("least"), [order[5] as u64, order[4] as u64]);
    let first = summary["response"]["most"][0]["p"].as_f64().expect("a probability") as f32;
    assert!((first - p[order[0]]).abs() < 1e-6);
    assert_eq!(picture(&png).0, 3 * 58 + 2, "the sample and two units a row");
    assert_refused(
        &[&["features", text(&model), "--data", &spec, "--index", "1"], &flags[6..8]].concat(),
        2,
        &["--index", "--index 1 (of 1 samples)"],
    );
}

#[test]
fn units_of_a_machine_with_labels_show_their_weights_to_them() {
    let folder = TempDir::new().expect("a folder");
    let model = class_machine(folder.path());
    let [npz, data] = ["f.npz", "data.npy"].map(|name| folder.path().join(name));
    let mut bytes = Vec::new();
    arrays::npy::write(&arrays::Array::of_f32(&[1, 4], &[0.0, 1.0, 0.0, 0.0]), &mut bytes).expect("a vector takes all");
    fs::write(&data, bytes).expect("the data");
    let spec = format!("npy:{}", text(&data));
    let command = ["features", text(&model), "--arrays", text(&npz), "--data", &spec, "--index", "0", "--most", "1"];
    let summary = json(&[&command[..], &["--json"]].concat());
    assert_eq!(summary["labels"], serde_json::json!(["north", "east", "south", "west"]));
    let most = &summary["response"]["most"][0];
    assert_eq!((most["unit"].as_u64(), &most["label_weights"]), (Some(1), &serde_json::json!([0.0, 40.0, 0.0, 0.0])));

    let named = arrays::read(&npz).expect("arrays");
    assert_eq!((&named["filters"].shape, &named["label_weights"].shape), (&vec![4, 4], &vec![4, 4]));
    for (unit, [filter, to_labels]) in
        rows(&named, "filters").iter().zip(rows(&named, "label_weights")).map(|(a, b)| [a.clone(), b]).enumerate()
    {
        let one = |weight: f32| (0..4).map(|i| if i == unit { weight } else { 0.0 }).collect::<Vec<_>>();
        assert_eq!((filter, to_labels), (one(16.0), one(40.0)), "unit {unit}");
    }

    let words = String::from_utf8(run(&command).stdout).expect("UTF-8");
    let table: Vec<Vec<&str>> = words.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(table.contains(&vec!["unit", "north", "east", "south", "west"]), "{words}");
    assert!(table.contains(&vec!["1", "0.000", "40.000", "0.000", "0.000"]), "{words}");

    // A machine without labels says nothing of any.
    let plain = json(&["features", DIGITS, "--index", "0", "--arrays", text(&npz), "--json"]);
    assert!(plain.get("labels").is_none() && plain["response"]["most"][0].get("label_weights").is_none(), "{plain}");
    assert!(!arrays::read(&npz).expect("arrays").contains_key("label_weights"));
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let folder = TempDir::new().expect("a folder");
    let png = folder.path().join("s.png");
    let out = ["--out", text(&png)];
    for (arguments, words) in [
        (&["sample", DIGITS][..], &["--out", "--arrays"][..]),
        (&["sample", DIGITS, "--beta", "17", "--out", "x.png"], &["--beta", "from 0 to 16"]),
        (&["sample", DIGITS, "--shape", "9x9", "--out", "x.png"], &["--shape", "9x9 (for 64 inputs)"]),
        (&["sample", DIGITS, "--shape", "8by8", "--out", "x.png"], &["--shape", "28x28"]),
        (&["sample", DIGITS, "--count", "0", "--out", "x.png"], &["--count"]),
        (&["inpaint", DIGITS, "--unknown", "below", "--out", "x.png"], &["--unknown", "lower"]),
        (&["inpaint", DIGITS, "--unknown", "values:60-64", "--out", "x.png"], &["--unknown", "values:60-64"]),
        (&["inpaint", DIGITS, "--out", "x.png"], &["--unknown", "no value is missing"]),
    ] {
        assert_refused(arguments, 2, words);
    }
    let int8 = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-int8.ebm");
    for command in ["sample", "reconstruct", "inpaint", "features"] {
        let words = ["digits-int8.ebm", "f32 file", "model-f32.ebm", "--f32"];
        assert_refused(&[&[command, int8], &out[..]].concat(), 1, &words);
    }
    // Where training kept it, it is named.
    let run = TempDir::new().expect("a folder");
    let [model, kept] = ["model.ebm", "model-f32.ebm"].map(|name| run.path().join(name));
    fs::copy(int8, &model).expect("a copy");
    fs::copy(DIGITS, &kept).expect("a copy");
    assert_refused(&[&["sample", text(&model)], &out[..]].concat(), 1, &[text(&model), text(&kept), "kept"]);
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/v1-tiny-f32.ebm");
    assert_refused(&[&["reconstruct", tiny], &out[..]].concat(), 1, &[tiny, "3 expected, 64 found"]);
    fs::write(folder.path().join("none"), "no folder").expect("a file");
    let unwritable = folder.path().join("none/s.png");
    let words = ["none: cannot create the folder"];
    assert_refused(&["sample", DIGITS, "--steps", "1", "--out", text(&unwritable)], 1, &words);
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing is left behind");
}
