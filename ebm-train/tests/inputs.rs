//! What a model file says of its inputs: a data set's preprocessing goes into it, comes back out of it, and is what a device then does.

use ebm_core::format::{Binarisation, ImageShape, Input, Layer};
use ebm_core::kernel::integer::{MAX_OFFSET, ONE, scaled};
use ebm_core::{Float, Integer, Numbers};
use ebm_train::data::{
    self, BinarisationChoice, DataOptions, Dataset, Fitted, Preprocessing, Scaling, ScalingChoice, Split, digits,
};
use ebm_train::export::{IntegerScaling, Storages, default_counts, model_file, quantize};
use ebm_train::parameters::{AffineParameters, ClassifierParameters, RbmParameters, UnitKinds};
use serde_json::Value;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// Readings of two sensors, a number of counts and one in another unit, in three recordings' windows of two rows.
const READINGS: [[f32; 2]; 6] =
    [[-1200.0, 0.125], [800.0, 1.5], [310.0, -2.25], [0.0, 0.0], [4095.0, 3.0], [17.0, -0.375]];

fn readings(scaling: ScalingChoice, binarisation: BinarisationChoice) -> Dataset {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("readings.csv");
    let rows = READINGS.map(|[count, other]| format!("{count},{other}\n")).concat();
    fs::write(&path, format!("count,other\n{rows}")).expect("a file");
    let data = format!("csv:{}", path.display());
    data::open(&DataOptions { data, window: Some(2), scaling, binarisation, ..DataOptions::default() })
        .expect("a data set")
}

/// A machine over the inputs of a data set; what its weights are does not matter here.
fn machine(dataset: &Dataset) -> RbmParameters {
    let visible = dataset.train.inputs.visible();
    let kinds = UnitKinds { blocks: dataset.blocks.clone(), ..UnitKinds::default() };
    let gaussian = kinds.blocks.iter().filter(|block| block.kind() == Some(ebm_core::VisibleKind::Gaussian));
    let sigma = vec![1.0; gaussian.map(|block| block.units()).sum()];
    let weights = (0..2 * visible).map(|i| i as f32 * 0.125 - 0.5).collect();
    let kinds = UnitKinds { sigma, ..kinds };
    RbmParameters { weights, visible_bias: vec![0.25; visible], hidden_bias: vec![0.5, -0.5], kinds }
}

fn rows(split: &Split) -> Vec<Vec<f32>> {
    let batch = split.inputs.memory().expect("samples in memory");
    batch.values.chunks(split.inputs.visible()).map(<[f32]>::to_vec).collect()
}

#[test]
fn a_device_makes_the_values_that_training_saw() {
    use BinarisationChoice::{None, Threshold};
    for (scaling, binarisation) in
        [(ScalingChoice::Standard, None), (ScalingChoice::MinMax, None), (ScalingChoice::MinMax, Threshold)]
    {
        let dataset = readings(scaling, binarisation);
        assert_eq!(dataset.preprocessing.input, Input::Scaled { channels: 2 });
        let machine = machine(&dataset);
        let file =
            model_file::<Float>(&[Layer::Rbm(machine.view().expect("a machine"))], &dataset, 1, 0).expect("a file");
        let model = file.model().expect("a model");
        let mut values = [0.0; 4];
        for (raw, trained) in READINGS.as_flattened().chunks(4).zip(rows(&dataset.train)) {
            model.values::<Float>(raw, &mut values).expect("numbers that fit");
            assert_eq!(values.map(f32::to_bits).as_slice(), trained.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
        // … and whoever has the file reads other data the same way.
        let fitted = file.fitted().expect("what the file says");
        assert_eq!(fitted, Fitted { preprocessing: dataset.preprocessing.clone(), classes: Vec::new() });
        assert_eq!(model.header().presentation.training, dataset.preprocessing.binarisation);
    }
}

/// Counts of the device through the integers of an int8 file, beside the values that the data set has of the same readings.
#[test]
fn integers_are_within_a_step_of_the_data() {
    let dataset = readings(ScalingChoice::MinMax, BinarisationChoice::None);
    let head = AffineParameters { weights: vec![0.5; 4], bias: vec![0.0; 2] };
    let net = ClassifierParameters {
        machine: Some(machine(&dataset)),
        layers: vec![AffineParameters { weights: vec![0.25; 8], bias: vec![0.0; 2] }],
        hidden: ebm_core::HiddenKind::Bernoulli,
        head,
    };
    let quantised = quantize(&net, Storages::all(ebm_core::kernel::integer::Storage::Int8)).expect("integers");
    let labelled = Dataset { classes: vec!["a".into(), "b".into()], ..dataset.clone() };
    let file = model_file::<Integer>(&quantised.layers().expect("layers"), &labelled, 1, 0).expect("a file");
    let model = file.model().expect("a model");
    let Some(ebm_core::format::Scaling::Integer { counts, .. }) = model.header().scaling else {
        panic!("no integer scaling")
    };
    // The first sensor gives counts; the other spans 5.25 of its unit.
    assert_eq!(counts, [1.0, 1024.0]);
    let fitted = file.fitted().expect("what the file says");
    assert_eq!(fitted.classes, labelled.classes);
    let mut x = [0; 4];
    for (raw, trained) in READINGS.as_flattened().chunks(4).zip(rows(&dataset.train)) {
        let in_counts: Vec<i32> = raw.iter().zip(counts.iter().cycle()).map(|(r, c)| (r * c).round() as i32).collect();
        model.values::<Integer>(&in_counts, &mut x).expect("counts that fit");
        let mut refitted = raw.to_vec();
        fitted.preprocessing.apply((0, 0), &mut refitted);
        for ((x, v), again) in x.iter().zip(trained).zip(refitted) {
            assert!(x.abs_diff(Integer::from_unit(v)) <= 1, "{x} for {v}");
            assert!(x.abs_diff(Integer::from_unit(again)) <= 1, "{x} for {again}");
        }
    }
}

/// The bound that `IntegerScaling::new` states, over spans from 128 counts to as many as the fixed point has, and every count about the ends.
#[test]
fn a_count_is_at_most_a_step_off() {
    let spans = [128.0f64, 255.0, 1000.5, 4095.0, 65_535.0, 1e6, 3.0e8];
    for (span, offset) in spans.into_iter().flat_map(|span| [-1e4, -0.5, 0.0, 12_345.0].map(|offset| (span, offset))) {
        let scaling = Scaling { offsets: vec![offset as f32], scales: vec![(1.0 / span) as f32] };
        let integers = IntegerScaling::new(&scaling, None, &[1.0]).expect("a channel that fits");
        let (exact_offset, exact_scale) = (f64::from(scaling.offsets[0]), f64::from(scaling.scales[0]));
        let mut worst = 0.0f64;
        for step in -200..1200 {
            let raw = (offset + span * f64::from(step) / 1000.0).round() as i32;
            let exact = (f64::from(ONE) * (f64::from(raw) - exact_offset) * exact_scale).clamp(0.0, ONE.into());
            worst = worst.max((f64::from(scaled(raw, integers.offsets[0], integers.scales[0])) - exact).abs());
        }
        assert!(worst <= 1.0, "span {span}, offset {offset}: {worst} steps");
    }
}

/// 1 exactly for the counts above the threshold, whatever lies between two of them.
#[test]
fn a_threshold_is_a_step_between_two_counts() {
    for (offset, scale, above, count) in
        [(0.0f32, 1.0f32, 0.5f32, 1.0f32), (-3.0, 0.25, 0.5, 8.0), (100.0, 0.001, 0.9, 1.0), (1.0, 2.0, -0.25, 100.0)]
    {
        let scaling = Scaling { offsets: vec![offset], scales: vec![scale] };
        let integers = IntegerScaling::new(&scaling, Some(above), &[count]).expect("a channel that fits");
        for raw in -5000..5000 {
            let value = (f64::from(raw) / f64::from(count) - f64::from(offset)) * f64::from(scale);
            let expected = if value > f64::from(above) { ONE } else { 0 };
            let found = scaled(raw, integers.offsets[0], integers.scales[0]);
            // A count that lies on the threshold to the last bit of f32 may be on either side.
            assert!(found == expected || (value - f64::from(above)).abs() < 1e-6, "{raw}: {found}");
        }
    }
}

#[test]
fn channels_without_an_integer_form_are_named() {
    let refused = |offset: f32, scale: f32, counts: &[f32], words: &str| {
        let scaling = Scaling { offsets: vec![0.0, offset], scales: vec![1.0, scale] };
        let error = IntegerScaling::new(&scaling, None, counts).expect_err("no integers").to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(0.0, -1.0, &[1.0; 2], "channel 1 of the inputs: its scale is not positive");
    refused(0.0, f32::NAN, &[1.0; 2], "its scale is not positive");
    refused(0.0, 1e-30, &[1.0; 2], "its scale is too small");
    refused(1e12, 1.0, &[1.0; 2], "its offset is too large");
    refused(1.0, 1.0, &[1.0, 0.0], "positive number of counts");
    refused(1.0, 1.0, &[1.0], "2 channels are scaled, but 1 have counts");
    let steep = Scaling { offsets: vec![0.0], scales: vec![1e9] };
    let integers = IntegerScaling::new(&steep, None, &[1.0]).expect("a step");
    assert_eq!([0, 1, -1].map(|raw| scaled(raw, integers.offsets[0], integers.scales[0])), [0, ONE, 0]);
    let farthest = Scaling { offsets: vec![-MAX_OFFSET as f32], scales: vec![1.0] };
    assert!(IntegerScaling::new(&farthest, None, &[1.0]).is_ok());
}

#[test]
fn counts_that_nobody_named() {
    let scaling = |scales: &[f32]| Scaling { offsets: vec![0.0; scales.len()], scales: scales.to_vec() };
    let counts = default_counts(&scaling(&[1.0 / 4096.0, 1.0 / 256.0, 1.0 / 255.0, 1.0, 0.25, 1000.0]));
    assert_eq!(counts, [1.0, 1.0, 32.0, 4096.0, 1024.0, 4_194_304.0]);
}

/// Levels are compared as levels; a file over a picture says which, and what was sampled anew for training is not so in the test figures.
#[test]
fn pictures_and_protocols_are_in_the_file() {
    let digits = digits::load().expect("the embedded digits");
    for (binarisation, test) in [
        (Binarisation::None, Binarisation::None),
        (Binarisation::SampledOnce { seed: 9 }, Binarisation::SampledOnce { seed: 9 }),
        (Binarisation::SampledEachTime, Binarisation::None),
    ] {
        let preprocessing = Preprocessing { binarisation, ..digits.preprocessing.clone() };
        let dataset = Dataset { preprocessing, ..digits.clone() };
        let machine = machine(&dataset);
        let file =
            model_file::<Float>(&[Layer::Rbm(machine.view().expect("a machine"))], &dataset, 1, 0).expect("a file");
        let model = file.model().expect("a model");
        let presentation = model.header().presentation;
        assert_eq!((presentation.training, presentation.test), (binarisation, test));
        assert_eq!(presentation.image, Some(ImageShape { width: 8, height: 8 }));
        let as_tested = Preprocessing { binarisation: test, ..digits.preprocessing.clone() };
        assert_eq!(file.fitted().expect("what the file says").preprocessing, as_tested);
        assert_eq!((model.header().labels, model.header().provenance.test_accuracy), ("", None));
    }
}

fn inspect(name: &str) -> (Value, String) {
    let path = format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let run = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ebm-train")).args(["inspect", &path]).args(more).output();
        let output = output.expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    (serde_json::from_str(&run(&["--json"])).expect("one JSON object"), run(&[]))
}

#[test]
fn inspect_says_what_the_inputs_are() {
    let (facts, words) = inspect("v3-tiny-scaled-int8.ebm");
    let second = &facts["input_channels"][1];
    assert_eq!((second["offset"].as_f64(), second["counts"].as_f64()), (Some(-32_768.0), Some(8192.0)));
    // 16384 / 2^30 of the whole span a count.
    assert_eq!(second["scale"].as_f64(), Some(16_384.0 / f64::from(1 << 30)));
    assert!(words.contains("numbers of 3 channels in turn"), "{words}");
    assert!(
        words.contains("channel 1: less -32768, times 1.525879e-5; 8192 counts are 1 in the data's unit"),
        "{words}"
    );

    let (facts, words) = inspect("v3-tiny-scaled-f32.ebm");
    assert_eq!(facts["input_channels"].as_array().map(Vec::len), Some(2));
    assert!(facts["input_channels"][0].get("counts").is_none() && facts["image"].is_null());
    assert!(words.contains("channel 0: less 0.5, times 2.5"), "{words}");

    let (facts, words) = inspect("v3-tiny-picture.ebm");
    assert_eq!(facts["image"], serde_json::json!({"width": 3, "height": 1}));
    let expected =
        serde_json::json!({"training": {"threshold": {"above": 0.5}}, "test": {"sampled-once": {"seed": 300}}});
    assert_eq!(facts["binarisation"], expected);
    assert!(facts.get("input_channels").is_none());
    assert!(words.contains("3 × 1 pixels") && words.contains("in training 1 above 0.5 and else 0"), "{words}");
}
