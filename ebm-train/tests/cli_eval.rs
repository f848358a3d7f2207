//! `eval` as a user runs it: any model file, its figures, its words, its refusals.

use ebm_core::format::{Binarisation, Header, Input, Layer, Novelty, Presentation, encode, encoded_len};
use ebm_core::{Block, HiddenKind, VisibleKind};
use ebm_tests::parameters::Parameters as Random;
use ebm_train::parameters::{AffineParameters, DbnParameters, Parameters, RbmParameters, Stage, UnitKinds};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebm-train")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// The one JSON object on stdout of `eval` with these arguments.
fn eval(model: &Path, arguments: &[&str]) -> Value {
    let model = model.to_str().expect("a UTF-8 path");
    let output = run(&[&["eval", model, "--json"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("stdout holds one JSON object and nothing else")
}

fn refused(model: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(&[&["eval", model.to_str().expect("a UTF-8 path")], arguments].concat());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty());
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no `{word}` in: {stderr}");
    }
}

fn number(figures: &Value, path: &str) -> f64 {
    figures.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {path} in {figures}"))
}

fn rbm(visible: usize, hidden: usize, scale: f32, seed: u32) -> RbmParameters {
    let Random { weights, visible_bias, hidden_bias } = Random::random(visible, hidden, scale, seed);
    RbmParameters { weights, visible_bias, hidden_bias, kinds: UnitKinds::default() }
}

/// A machine over 64 pixels, or over what else `kinds` say.
fn alone(top: RbmParameters) -> Parameters {
    Parameters::Dbn(DbnParameters { below: Vec::new(), top })
}

/// Writes a model file.
fn write(folder: &TempDir, name: &str, parameters: &Parameters, header: Header<'_>) -> PathBuf {
    let layers: Vec<Layer<'_>> = parameters.layers().expect("layers");
    let mut bytes = vec![0; encoded_len(&header, &layers).expect("a length")];
    encode(&header, &layers, &mut bytes).expect("a model");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("the model is written");
    path
}

/// Digits, grey or black and white.
fn grey() -> Header<'static> {
    Header { input: Input::Levels { max: 16 }, ..Header::default() }
}

fn binary() -> Header<'static> {
    Header {
        input: Input::Binary { threshold: 8 },
        presentation: Presentation {
            training: Binarisation::Threshold { above: 0.5 },
            test: Binarisation::Threshold { above: 0.5 },
            ..Presentation::default()
        },
        ..Header::default()
    }
}

#[test]
fn an_rbm_without_a_head_has_its_likelihood_exactly_or_between_two_ends() {
    let folder = TempDir::new().expect("a folder");
    let path = write(&folder, "rbm.ebm", &alone(rbm(64, 12, 0.3, 1)), binary());
    let exact = eval(&path, &["--threads", "1"]);
    for key in ["accuracy", "confusion", "novelty_auc"] {
        assert!(exact.get(key).is_none(), "{key} of a machine without classes: {exact}");
    }
    assert_eq!(exact["samples"], 1797);
    assert!(exact["binarisation"].as_str().is_some_and(|words| words.contains("1 above 8")), "{exact}");
    let likelihood = number(&exact, "/log_likelihood_nats/exact");
    let by_hand = -number(&exact, "/free_energy_mean_nats") - number(&exact, "/log_likelihood_nats/log_partition");
    assert!((likelihood - by_hand).abs() < 1e-3, "{likelihood}, {by_hand}");
    // 64 bits that are uniform have −44.4 nats; a random machine is worse, and each bit given the others costs less than it alone.
    let pseudo = number(&exact, "/pseudo_log_likelihood_nats");
    assert!(likelihood < -30.0 && pseudo < 0.0 && pseudo > 2.0 * likelihood, "{likelihood} {pseudo}");
    assert!((0.0..0.5).contains(&number(&exact, "/reconstruction_error")));
    let gap = number(&exact, "/free_energy_mean_nats") - number(&exact, "/free_energy_train_mean_nats");
    assert!((number(&exact, "/free_energy_gap_nats") - gap).abs() < 1e-9);

    let asked = ["--log-likelihood", "ais", "--chains", "60", "--temperatures", "200", "--burn-in", "50"];
    let annealed = eval(&path, &[&asked[..], &["--threads", "1"]].concat());
    let at = |key: &str| number(&annealed, &format!("/log_likelihood_nats/{key}"));
    assert!(at("ais_low") < likelihood && likelihood < at("ais_high"), "{likelihood}: {annealed}");
    assert!(at("reverse_ais_low") < likelihood && likelihood < at("reverse_ais_high"), "{likelihood}: {annealed}");
    assert!(at("ais_high") - at("ais_low") < 1.0 && at("ais_effective_chains") <= 60.0);
    assert_eq!((at("chains"), at("temperatures"), at("burn_in")), (60.0, 200.0, 50.0));
    // Threads change nothing.
    assert_eq!(annealed, eval(&path, &[&asked[..], &["--threads", "2"]].concat()));
    assert_eq!(exact, eval(&path, &["--threads", "2", "--log-likelihood", "exact"]));

    let words = text(&run(&["eval", path.to_str().expect("a UTF-8 path")]).stdout);
    for word in ["log-likelihood", "exactly: higher is better", "pseudo-log-likelihood", "free energy", "1 above 8"] {
        assert!(words.contains(word), "no `{word}` in {words}");
    }
}

#[test]
fn a_large_rbm_is_annealed_and_says_how() {
    let folder = TempDir::new().expect("a folder");
    let path = write(&folder, "rbm.ebm", &alone(rbm(64, 40, 0.2, 2)), binary());
    let few = ["--chains", "30", "--temperatures", "30", "--burn-in", "10"];
    let figures = eval(&path, &few);
    let (ais, reverse) =
        (number(&figures, "/log_likelihood_nats/ais"), number(&figures, "/log_likelihood_nats/reverse_ais"));
    assert!((ais - reverse).abs() < 5.0, "{figures}");
    refused(&path, &["--log-likelihood", "exact"], 2, &["--log-likelihood", "64 visible and 40 hidden", "ais"]);
    let output = run(&[&["eval", path.to_str().expect("a UTF-8 path")], &few[..]].concat());
    let words = text(&output.stdout);
    for word in ["by AIS", "by reverse AIS", "30 chains, 30 temperatures, 10 steps of burn-in", "More --temperatures"] {
        assert!(words.contains(word), "no `{word}` in {words}");
    }
}

#[test]
fn the_protocol_of_a_likelihood_is_stated() {
    let folder = TempDir::new().expect("a folder");
    let path = write(&folder, "rbm.ebm", &alone(rbm(64, 8, 0.3, 3)), grey());
    let of = |figures: &Value| figures["likelihood_of"].as_str().expect("words").to_owned();
    let figures = eval(&path, &[]);
    assert!(of(&figures).contains("no likelihood of any data"), "{figures}");
    let threshold = eval(&path, &["--binarisation", "threshold"]);
    assert!(of(&threshold).contains("probabilities"), "{threshold}");
    assert_ne!(figures["binarisation"], threshold["binarisation"]);
    let sampled = |seed: &str| eval(&path, &["--binarisation", "sampled-once", "--data-seed", seed]);
    assert_eq!(sampled("1"), sampled("1"));
    assert_ne!(sampled("1")["log_likelihood_nats"], sampled("2")["log_likelihood_nats"]);
    assert!(of(&sampled("1")).contains("probabilities"));
    let plain = eval(&path, &["--log-likelihood", "none"]);
    assert!(plain.get("log_likelihood_nats").is_none(), "{plain}");
}

#[test]
fn a_belief_network_has_a_bound_below_its_likelihood() {
    let folder = TempDir::new().expect("a folder");
    let (lower, top) = (rbm(64, 10, 0.3, 4), rbm(10, 6, 0.5, 5));
    let affine = AffineParameters { weights: rbm(64, 10, 0.3, 6).weights, bias: vec![0.0; 10] };
    let directed = Stage::Directed { recognition: affine, generative: lower.clone() };
    let of = |name: &str, stage: Stage| {
        let dbn = Parameters::Dbn(DbnParameters { below: vec![stage], top: top.clone() });
        let path = write(&folder, name, &dbn, binary());
        let figures = eval(&path, &[]);
        assert!(figures.get("log_likelihood_nats").is_none() && figures.get("pseudo_log_likelihood_nats").is_none());
        assert!((0.0..0.6).contains(&number(&figures, "/reconstruction_error")));
        number(&figures, "/log_likelihood_bound_nats/exact")
    };
    // The same generative model: recognition weights of another machine make the bound looser.
    let (tied, other) = (of("tied.ebm", Stage::Tied(lower.clone())), of("directed.ebm", directed));
    assert!(other < tied && tied < 0.0, "{other} {tied}");
    // A top that is the machine itself upside down makes the bound its likelihood.
    let upside_down = RbmParameters {
        weights: (0..64).flat_map(|i| (0..10).map(move |j| (i, j))).map(|(i, j)| lower.weights[i + j * 64]).collect(),
        visible_bias: lower.hidden_bias.clone(),
        hidden_bias: lower.visible_bias.clone(),
        kinds: UnitKinds::default(),
    };
    let dbn = DbnParameters { below: vec![Stage::Tied(lower.clone())], top: upside_down };
    let bound = eval(&write(&folder, "twice.ebm", &Parameters::Dbn(dbn), binary()), &[]);
    let single = eval(&write(&folder, "once.ebm", &alone(lower), binary()), &[]);
    let (bound, single) =
        (number(&bound, "/log_likelihood_bound_nats/exact"), number(&single, "/log_likelihood_nats/exact"));
    assert!((bound - single).abs() < 1e-3, "{bound} {single}");
}

#[test]
fn a_class_rbm_has_the_figures_of_a_classifier_and_of_a_machine() {
    let folder = TempDir::new().expect("a folder");
    let mut top = rbm(74, 9, 0.3, 7);
    top.kinds.blocks = vec![Block::new(VisibleKind::Bernoulli, 64), Block::new(VisibleKind::Label, 10)];
    let path = write(&folder, "class.ebm", &alone(top), binary());
    let figures = eval(&path, &[]);
    let confusion = figures["confusion"].as_array().expect("a table");
    let sum = |row: &Value| row.as_array().expect("a row").iter().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!(confusion.iter().map(sum).sum::<u64>(), 1797);
    let right: u64 = confusion.iter().enumerate().filter_map(|(class, row)| row[class].as_u64()).sum();
    assert!((number(&figures, "/accuracy") - right as f64 / 1797.0).abs() < 1e-9);
    assert_eq!(figures["classes"][3]["class"], "3");
    assert_eq!(figures["classes"][3]["samples"], 183);
    let bins = figures["calibration"]["bins"].as_array().expect("bins");
    assert_eq!(bins.iter().filter_map(|bin| bin["samples"].as_u64()).sum::<u64>(), 1797);
    for key in ["cross_entropy", "double_softmax_cross_entropy", "brier_score", "free_energy_mean_nats"] {
        assert!(number(&figures, &format!("/{key}")).is_finite());
    }
    let by_hand = -number(&figures, "/free_energy_mean_nats") - number(&figures, "/log_likelihood_nats/log_partition");
    assert!((number(&figures, "/log_likelihood_nats/exact") - by_hand).abs() < 1e-3, "{figures}");
    assert!(number(&figures, "/pseudo_log_likelihood_nats") < 0.0);
    let words = text(&run(&["eval", path.to_str().expect("a UTF-8 path")]).stdout);
    for word in ["accuracy", "softmax taken twice", "Brier", "recall", "answers given with", "log-likelihood"] {
        assert!(words.contains(word), "no `{word}` in {words}");
    }
}

/// A file of sensor readings: usual ones near one of two points, broken ones far from both, one reading missing.
fn readings(folder: &TempDir) -> [PathBuf; 2] {
    let usual: Vec<[f64; 2]> = (0..40)
        .map(|n| if n % 2 == 0 { [1.0 + 0.01 * f64::from(n), 0.5] } else { [-1.0, 0.02 * f64::from(n)] })
        .collect();
    let broken = [[6.0, -5.0], [7.5, 7.0], [-8.0, 3.0]];
    let mut all = String::from("x,y,state\n");
    usual.iter().for_each(|[x, y]| all += &format!("{x},{y},usual\n"));
    broken.iter().for_each(|[x, y]| all += &format!("{x},{y},broken\n"));
    all += ",0.5,usual\n";
    let mut alone = String::from("x,y\n");
    broken.iter().for_each(|[x, y]| alone += &format!("{x},{y}\n"));
    let paths = ["all.csv", "broken.csv"].map(|name| folder.path().join(name));
    fs::write(&paths[0], all).expect("a file");
    fs::write(&paths[1], alone).expect("a file");
    paths
}

#[test]
fn novelty_is_measured_against_other_data_or_other_classes() {
    let folder = TempDir::new().expect("a folder");
    let [all, broken] = readings(&folder);
    let spec = |path: &Path| format!("csv:{}", path.display());
    // No weights: the free energy is the squared distance from 0.
    let machine = RbmParameters {
        weights: vec![0.0; 2 * 3],
        visible_bias: vec![0.0; 2],
        hidden_bias: vec![0.0; 3],
        kinds: UnitKinds {
            blocks: vec![Block::new(VisibleKind::Gaussian, 2)],
            sigma: vec![1.0; 2],
            hidden: HiddenKind::Bernoulli,
        },
    };
    let nats = |nats: f64| (nats * 4096.0) as i32;
    // softplus(0) three times below the distance's half square of 4.
    let header = Header {
        novelty: Some(Novelty { threshold: nats(4.0 - 3.0 * 2f64.ln()), quantile: 0.99 }),
        ..Header::default()
    };
    let path = write(&folder, "sensor.ebm", &alone(machine), header);
    let by_class = eval(&path, &["--data", &spec(&all), "--label", "state", "--novel-class", "broken"]);
    assert_eq!((by_class["samples"].as_u64(), by_class["samples_with_missing_values"].as_u64()), (Some(40), Some(1)));
    assert_eq!(number(&by_class, "/novelty_auc"), 1.0);
    assert_eq!(number(&by_class, "/novelty/false_positive_rate"), 0.0);
    assert_eq!(number(&by_class, "/novelty/true_positive_rate"), 1.0);
    assert_eq!(number(&by_class, "/novelty/novel_samples"), 3.0);
    // Without weights the likelihood is that of two normal distributions.
    let likelihood = number(&by_class, "/log_likelihood_nats/exact");
    let by_hand = -(number(&by_class, "/free_energy_mean_nats") + 3.0 * 2f64.ln()) - (2.0 * std::f64::consts::PI).ln();
    assert!((likelihood - by_hand).abs() < 1e-4, "{likelihood}, {by_hand}");
    assert!(by_class.get("pseudo_log_likelihood_nats").is_none());
    assert!(by_class["likelihood_of"].as_str().is_some_and(|words| words.contains("densities")));

    let by_file = eval(&path, &["--data", &spec(&all), "--columns", "x,y", "--novel", &spec(&broken)]);
    // Here the broken readings of the first file count as usual.
    assert!(number(&by_file, "/novelty_auc") < 1.0 && number(&by_file, "/novelty_auc") > 0.9, "{by_file}");
    assert_eq!(number(&by_file, "/novelty/true_positive_rate"), 1.0);
    let words = text(
        &run(&[
            "eval",
            path.to_str().expect("a path"),
            "--data",
            &spec(&all),
            "--columns",
            "x,y",
            "--novel",
            &spec(&broken),
        ])
        .stdout,
    );
    for word in ["area under the ROC", "false alarms", "left out for missing values: 1"] {
        assert!(words.contains(word), "no `{word}` in {words}");
    }
    refused(
        &path,
        &["--data", &spec(&all), "--label", "state", "--novel-class", "cracked"],
        2,
        &["--novel-class", "cracked"],
    );
    refused(&path, &["--data", &spec(&all), "--novel", "csv:none.csv", "--columns", "x,y"], 1, &["none.csv"]);
    refused(&path, &["--data", &spec(&all), "--columns", "x,y", "--part", "validation"], 2, &["--part", "validation"]);
}

#[test]
fn a_class_that_a_classifier_was_not_shown_is_novel() {
    let folder = TempDir::new().expect("a folder");
    let readings = |name: &str, states: &[(&str, f64)]| {
        let mut lines = "x,y,state\n".to_owned();
        for n in 0..60 {
            for (state, at) in states {
                lines += &format!("{},{},{state}\n", at + 0.01 * f64::from(n), 0.5 - 0.01 * f64::from(n));
            }
        }
        let path = folder.path().join(name);
        fs::write(&path, lines).expect("a file");
        format!("csv:{}", path.display())
    };
    let shown = readings("shown.csv", &[("idle", -1.0), ("running", 1.0)]);
    // By name it comes before the classes that the model has.
    let all = readings("all.csv", &[("broken", 25.0), ("idle", -1.0), ("running", 1.0)]);
    let out = folder.path().join("run");
    let out = out.to_str().expect("a UTF-8 path");
    let line = "--label state --visible gaussian --scaling standard --model dbn --hidden 4 --epochs 5 --finetune-epochs 20 --report=false";
    let flags = ["--finetune-learning-rate", "0.05", "--learning-rate", "0.001", "--out", out];
    let line: Vec<&str> = line.split(' ').chain(flags).collect();
    let output = run(&[&["train", "--data", &shown], &line[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let model = Path::new(out).join("model.ebm");
    let data = ["--data", &all, "--label", "state", "--log-likelihood", "none"];
    let figures = eval(&model, &[&data[..], &["--novel-class", "broken"]].concat());
    assert_eq!((number(&figures, "/samples"), number(&figures, "/novelty/novel_samples")), (120.0, 60.0));
    assert_eq!(number(&figures, "/novelty_auc"), 1.0);
    assert_eq!(figures["classes"].as_array().map(Vec::len), Some(2));
    assert_eq!(number(&figures, "/accuracy"), 1.0);
    refused(&model, &data, 1, &["all.csv", "broken", "none of the classes"]);
    refused(&model, &[&data[..], &["--novel-class", "broken,cracked"]].concat(), 2, &["--novel-class", "cracked"]);
}

#[test]
fn a_quantised_model_gives_what_a_device_answers_and_no_likelihood() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().to_str().expect("a UTF-8 path");
    let quick = ["--hidden", "12,8", "--pretrain-epochs", "1", "--finetune-epochs", "2", "--batch-size", "64"];
    assert!(run(&[&quick[..], &["--f32", "--out", out]].concat()).status.success());
    let (int8, f32) = (folder.path().join("model.ebm"), folder.path().join("model-f32.ebm"));
    let figures = eval(&int8, &[]);
    assert!(number(&figures, "/accuracy") > 0.2 && number(&figures, "/free_energy_mean_nats").is_finite());
    assert!(figures.get("log_likelihood_nats").is_none());
    refused(&int8, &["--log-likelihood", "auto"], 1, &["quantised integers", "f32"]);
    // Its machine's likelihood is there for the asking.
    let figures = eval(&f32, &["--log-likelihood", "exact", "--binarisation", "threshold"]);
    assert!(number(&figures, "/log_likelihood_nats/exact") < 0.0);
    assert!(number(&figures, "/reconstruction_error") < 0.3);
    refused(&f32, &["--chains", "1"], 2, &["--chains"]);
}
