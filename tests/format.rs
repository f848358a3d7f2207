//! The model file: what is written is read again, `FORMAT.md` says what is written, and old files stay readable.

use ebm_core::format::{
    EncodeError, FormatError, Header, Input, Layer, LayerHeader, LayerKind, MAX_HEADER_LEN, MAX_LAYERS, Novelty,
    NumberFormat, Provenance, Scaling, VERSION, crc32, encode, encoded_len,
};
use ebm_core::kernel::integer::{Rescale, Storage};
use ebm_core::{Activation, Affine, Float, Integer, IntegerAffine, Machine, Model, ModelError, RbmView};
use ebm_tests::dump::dump;
use ebm_tests::file::{self, Aligned};
use ebm_tests::parameters::Parameters;
use ebm_tests::quantised::Quantised;
use ebm_tests::tiny;

const SPECIFICATION: &str = include_str!("../ebm-core/FORMAT.md");

#[test]
fn the_specification_shows_what_is_written() {
    let [float, int8] = tiny::files();
    assert_eq!(dump(SPECIFICATION, "v1-tiny-f32.ebm"), float.as_slice());
    assert_eq!(dump(SPECIFICATION, "v1-tiny-int8.ebm"), int8.as_slice());
    assert_eq!(dump(SPECIFICATION, "v2-tiny-classrbm.ebm"), tiny::CLASS_RBM_FIXTURE);
    assert_eq!(dump(SPECIFICATION, "v3-tiny-scaled-int8.ebm"), tiny::SCALED_INT8_FIXTURE);
    assert_eq!(dump(SPECIFICATION, "v3-tiny-picture.ebm"), tiny::PICTURE_FIXTURE);
}

/// A machine's parameters and units as bytes, to be compared.
fn machine(rbm: &RbmView<'_>) -> Vec<u8> {
    let floats = [rbm.up().weights(), rbm.visible_bias(), rbm.up().bias(), rbm.units().sigma()];
    let mut bytes = floats.map(bytemuck::cast_slice).concat();
    bytes.extend_from_slice(bytemuck::cast_slice(rbm.units().blocks()));
    bytes
}

/// A layer's parameters as bytes, to be compared.
fn parameters(layer: &Layer<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match layer {
        Layer::Rbm(rbm) | Layer::Generative(rbm) => bytes.extend(machine(rbm)),
        Layer::Directed(units) => {
            bytes.extend_from_slice(bytemuck::cast_slice(units.recognition().weights()));
            bytes.extend(machine(&units.generative()));
        }
        Layer::Head(head) | Layer::Sigmoid(head) | Layer::Rectifier(head) => {
            [head.weights(), head.bias()].map(bytemuck::cast_slice).iter().for_each(|s| bytes.extend_from_slice(s))
        }
        Layer::IntegerRbm(rbm) | Layer::IntegerGenerative(rbm) => {
            let (up, down) = (rbm.up().up(), rbm.down());
            bytes.extend_from_slice(up.weights.as_bytes());
            bytes.extend_from_slice(bytemuck::cast_slice(up.bias));
            bytes.extend_from_slice(bytemuck::cast_slice(up.rescale));
            bytes.extend_from_slice(bytemuck::cast_slice(down.visible_bias));
            bytes.extend_from_slice(bytemuck::cast_slice(down.steps));
            bytes.push(down.shift);
        }
        Layer::IntegerHead(head) | Layer::IntegerSigmoid(head) => {
            bytes.extend_from_slice(head.up().weights.as_bytes());
            bytes.extend_from_slice(bytemuck::cast_slice(head.up().bias));
            bytes.extend_from_slice(bytemuck::cast_slice(head.up().rescale));
        }
    }
    bytes
}

fn assert_holds(bytes: &[u8], header: &Header<'_>, layers: &[Layer<'_>]) -> Result<(), FormatError> {
    let model = Model::parse(bytes)?;
    let mut complete = header.clone();
    complete.layers = layers.iter().map(Layer::header).collect();
    assert_eq!(model.header(), complete);
    assert_eq!(model.layers(), layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let read = model.layer(index).expect("a layer that was written");
        assert_eq!(read.header(), layer.header());
        assert_eq!(parameters(&read), parameters(layer), "layer {index}");
    }
    assert!(model.layer(layers.len()).is_none());
    Ok(())
}

/// Fixtures are never rewritten, so there is no switch to do it: a file that a user has must be read for ever.
#[test]
fn every_later_version_reads_version_1() -> Result<(), FormatError> {
    let (header, layers) = tiny::float();
    assert_holds(Aligned::new(tiny::FLOAT_FIXTURE).as_slice(), &header, &layers)?;
    let (header, layers) = tiny::int8();
    assert_holds(Aligned::new(tiny::INT8_FIXTURE).as_slice(), &header, &layers)
}

/// … and answers the same, to the bit. The integers were worked out from the formulas of `FORMAT.md` by another
/// program.
#[test]
fn fixtures_answer_what_they_always_did() -> Result<(), ModelError> {
    let bytes = Aligned::new(tiny::FLOAT_FIXTURE);
    let mut p = [0.0; 2];
    Model::parse(bytes.as_slice())?.rbm::<Float>(0)?.hidden_probs(&[1.0, 0.0, 1.0], &mut p)?;
    // σ(2.5) = 0.924141820 and σ(1) = 0.731058579.
    assert_eq!(p.map(f32::to_bits), [0x3F6C_948F, 0x3F3B_26A8]);

    let bytes = Aligned::new(tiny::INT8_FIXTURE);
    let model = Model::parse(bytes.as_slice())?;
    let rbm = model.rbm::<Integer>(0)?;
    let (mut input, mut hidden, mut visible, mut work, mut scores) = ([0; 3], [0; 2], [0; 3], [0; 4], [0; 2]);
    model.values::<Integer>(&[16, 8, 0], &mut input)?;
    rbm.hidden_probs(&input, &mut hidden)?;
    assert_eq!(hidden, [102, 27]);
    rbm.visible_probs(&hidden, &mut visible)?;
    assert_eq!(visible, [80, 36, 96]);
    model.scores::<Integer>(&input, &mut work, &mut scores)?;
    assert_eq!(scores, [4774, -1871]);
    assert_eq!(model.free_energy::<Integer>(&input)?, -7046);
    Ok(())
}

#[test]
fn fixtures_are_what_is_written_today() {
    assert_eq!(
        VERSION, 3,
        "add fixtures of the new version, keep these, and compare what is written with the new ones"
    );
    // What version 1 can say is written as version 1.
    let [float, int8] = tiny::files();
    assert_eq!(float.as_slice(), tiny::FLOAT_FIXTURE);
    assert_eq!(int8.as_slice(), tiny::INT8_FIXTURE);
    let (header, layers) = tiny::class_rbm();
    assert_eq!(tiny::encoded(&header, &layers).as_slice(), tiny::CLASS_RBM_FIXTURE);
    let (header, layers) = tiny::dbn();
    assert_eq!(tiny::encoded(&header, &layers).as_slice(), tiny::DBN_FIXTURE);
    for (storage, fixture) in tiny::STORED_FIXTURES {
        let (header, layers) = tiny::stored(storage);
        assert_eq!(tiny::encoded(&header, &layers).as_slice(), fixture, "{storage:?}");
    }
    let (header, layers) = tiny::scaled();
    assert_eq!(tiny::encoded(&header, &layers).as_slice(), tiny::SCALED_FIXTURE);
    let (header, layers) = tiny::scaled_int8();
    assert_eq!(tiny::encoded(&header, &layers).as_slice(), tiny::SCALED_INT8_FIXTURE);
    let (header, layers) = tiny::picture();
    assert_eq!(tiny::encoded(&header, &layers).as_slice(), tiny::PICTURE_FIXTURE);
}

/// The integers were worked out from the formulas of `FORMAT.md` by another program.
#[test]
fn fixtures_of_every_storage_answer_what_they_always_did() -> Result<(), ModelError> {
    let expected = [([95, 40], [194, 387], -6556), ([94, 41], [0, 516], -6476), ([102, 27], [4774, -1871], -7046)];
    for ((storage, fixture), (hidden, scores, free_energy)) in tiny::STORED_FIXTURES.into_iter().zip(expected) {
        let bytes = Aligned::new(fixture);
        let model = Model::parse(bytes.as_slice())?;
        let mut input = [0; 3];
        model.values::<Integer>(&[16, 8, 0], &mut input)?;
        let (mut ours, mut work, mut of_classes) = ([0; 2], [0; 4], [0; 2]);
        model.rbm::<Integer>(0)?.hidden_probs(&input, &mut ours)?;
        model.scores::<Integer>(&input, &mut work, &mut of_classes)?;
        assert_eq!((ours, of_classes), (hidden, scores), "{storage:?}");
        assert_eq!(model.free_energy::<Integer>(&input)?, free_energy, "{storage:?}");
    }
    Ok(())
}

/// A file is written in the lowest version that can say what it holds: old programs read what they can.
#[test]
fn the_version_is_the_lowest_that_will_do() {
    for (fixture, version) in [
        (tiny::FLOAT_FIXTURE, 1),
        (tiny::INT8_FIXTURE, 1),
        (tiny::CLASS_RBM_FIXTURE, 2),
        (tiny::DBN_FIXTURE, 2),
        (tiny::SCALED_FIXTURE, 3),
        (tiny::SCALED_INT8_FIXTURE, 3),
        (tiny::PICTURE_FIXTURE, 3),
    ] {
        assert_eq!(u16::from_le_bytes([fixture[4], fixture[5]]), version);
        // What came with a version is nothing that a file of one before can hold.
        for earlier in 1..version as u8 {
            let mut file = Aligned::new(fixture);
            file.as_mut_slice()[4] = earlier;
            file::repair(file.as_mut_slice());
            assert_eq!(Model::parse(file.as_slice()).err(), Some(FormatError::Header));
        }
    }
}

/// A file of version 3 that says nothing of that version is one all the same: another program may write it so.
#[test]
fn a_later_version_may_say_what_an_earlier_one_can() -> Result<(), FormatError> {
    let [file, _] = tiny::files();
    let (header, payload) = (&file.as_slice()[32..52], &file.as_slice()[64..]);
    let nothing_of_version_3 = [header, &[0, 0, 0]].concat();
    let (header, layers) = tiny::float();
    assert_holds(file::assemble(3, &nothing_of_version_3, payload).as_slice(), &header, &layers)
}

#[test]
fn every_later_version_reads_version_3() -> Result<(), FormatError> {
    let (header, layers) = tiny::scaled();
    assert_holds(Aligned::new(tiny::SCALED_FIXTURE).as_slice(), &header, &layers)?;
    let (header, layers) = tiny::scaled_int8();
    assert_holds(Aligned::new(tiny::SCALED_INT8_FIXTURE).as_slice(), &header, &layers)?;
    let (header, layers) = tiny::picture();
    assert_holds(Aligned::new(tiny::PICTURE_FIXTURE).as_slice(), &header, &layers)
}

#[test]
fn every_later_version_reads_version_2() -> Result<(), FormatError> {
    let (header, layers) = tiny::class_rbm();
    assert_holds(Aligned::new(tiny::CLASS_RBM_FIXTURE).as_slice(), &header, &layers)?;
    let (header, layers) = tiny::dbn();
    assert_holds(Aligned::new(tiny::DBN_FIXTURE).as_slice(), &header, &layers)?;
    for (storage, fixture) in tiny::STORED_FIXTURES {
        let (header, layers) = tiny::stored(storage);
        assert_holds(Aligned::new(fixture).as_slice(), &header, &layers)?;
    }
    Ok(())
}

fn header(labels: &'static str) -> Header<'static> {
    Header {
        input: Input::Levels { max: 255 },
        layers: Default::default(),
        labels,
        novelty: Some(Novelty { threshold: i32::MIN, quantile: 0.5 }),
        provenance: Provenance {
            dataset: "Ziffern, 8×8",
            dataset_crc32: u32::MAX,
            seed: u64::MAX,
            test_accuracy: Some(1.0),
            tool: "ebm-tests",
        },
        ..Header::default()
    }
}

#[test]
fn a_machine_a_stack_and_a_classifier_come_back() -> Result<(), FormatError> {
    let (below, above, top) =
        (Parameters::random(9, 7, 1.0, 1), Parameters::random(7, 5, 1.0, 2), Parameters::random(5, 3, 2.0, 3));
    let head = Affine::new(5, &top.weights, &top.hidden_bias).expect("5 × 3");
    let layers = [Layer::Rbm(below.view()), Layer::Rbm(above.view()), Layer::Head(head)];
    for (count, labels) in [(1, ""), (2, ""), (3, "a\nb\nc"), (3, "")] {
        let (header, layers) = (header(labels), &layers[..count]);
        assert_holds(tiny::encoded(&header, layers).as_slice(), &header, layers)?;
    }

    let beside = [Layer::Generative(below.view()), Layer::Sigmoid(below.view().up()), Layer::Rbm(above.view())];
    assert_holds(tiny::encoded(&header(""), &beside).as_slice(), &header(""), &beside)?;

    let (below, above, top) =
        (Quantised::random(9, 7, 1.0, 1), Quantised::random(7, 5, 1.0, 2), Quantised::random(5, 3, 2.0, 3));
    let head = IntegerAffine::new(5, top.up()).expect("5 × 3");
    let layers = [Layer::IntegerRbm(below.rbm()), Layer::IntegerRbm(above.rbm()), Layer::IntegerHead(head)];
    for (count, labels) in [(1, ""), (2, ""), (3, "a\nb\nc"), (3, "")] {
        let (header, layers) = (header(labels), &layers[..count]);
        assert_holds(tiny::encoded(&header, layers).as_slice(), &header, layers)?;
    }
    let sigmoid = Layer::IntegerSigmoid(below.rbm().up());
    let beside =
        [Layer::IntegerGenerative(below.rbm()), sigmoid, Layer::IntegerRbm(above.rbm()), Layer::IntegerHead(head)];
    assert_holds(tiny::encoded(&header("a\nb\nc"), &beside).as_slice(), &header("a\nb\nc"), &beside)
}

/// Every storage of integer weights, each layer its own; what only version 2 can say is written as version 2, and a file of version 1
/// that says it is refused.
#[test]
fn every_storage_comes_back() -> Result<(), FormatError> {
    let shapes = [(37, 21), (21, 9), (9, 5), (5, 3)];
    for first in 0..Storage::ALL.len() {
        let storage = |layer: usize| Storage::ALL[(first + layer) % Storage::ALL.len()];
        let stored = |layer: usize| {
            let (visible, hidden) = shapes[layer];
            Quantised::random(visible, hidden, 1.0, layer as u32).stored_as(storage(layer))
        };
        let machines = [0, 1, 2, 3].map(stored);
        let layers = [
            Layer::IntegerGenerative(machines[0].rbm()),
            Layer::IntegerSigmoid(IntegerAffine::new(37, machines[0].up()).expect("37 × 21")),
            Layer::IntegerRbm(machines[1].rbm()),
            Layer::IntegerRbm(machines[2].rbm()),
            Layer::IntegerHead(IntegerAffine::new(5, machines[3].up()).expect("5 × 3")),
        ];
        let mut file = tiny::encoded(&header("a\nb\nc"), &layers);
        assert_holds(file.as_slice(), &header("a\nb\nc"), &layers)?;
        assert_eq!(file.as_slice()[4..6], [2, 0], "version");

        let single = tiny::encoded(&header(""), &[Layer::IntegerRbm(machines[0].rbm())]);
        assert_eq!(u16::from(single.as_slice()[4]), if storage(0) == Storage::Int8 { 1 } else { 2 });

        file.as_mut_slice()[4] = 1;
        file::repair(file.as_mut_slice());
        assert_eq!(Model::parse(file.as_slice()).err(), Some(FormatError::Header));
    }
    Ok(())
}

#[test]
fn an_activation_that_the_kind_does_not_mean_is_not_written() {
    let machine = Parameters::random(3, 2, 1.0, 1);
    let up = machine.view().up();
    let rectified = up.with_activation(Activation::Rectifier);
    for wrong in [Layer::Sigmoid(rectified), Layer::Rectifier(up)] {
        assert_eq!(encoded_len(&header(""), &[wrong]), Err(EncodeError::Activation { layer: 0 }));
    }
    for right in [Layer::Sigmoid(up), Layer::Rectifier(rectified)] {
        assert!(encoded_len(&header(""), &[right]).is_ok());
    }
}

/// Nothing is copied: the parameters that a model hands out lie inside the file's bytes.
#[test]
fn parameters_are_borrowed_where_they_lie() -> Result<(), ModelError> {
    let [bytes, _] = tiny::files();
    let range = bytes.as_slice().as_ptr_range();
    let weights = Model::parse(bytes.as_slice())?.rbm::<Float>(0)?.up().weights().as_ptr_range();
    assert!(range.start <= weights.start.cast() && weights.end.cast() <= range.end);
    assert_eq!((weights.start as usize - range.start as usize) % 16, 0);
    Ok(())
}

#[test]
fn the_most_layers_fit() -> Result<(), FormatError> {
    let square = Parameters::random(2, 2, 1.0, 1);
    let layers = [Layer::Rbm(square.view()); MAX_LAYERS + 1];
    assert_holds(tiny::encoded(&header(""), &layers[1..]).as_slice(), &header(""), &layers[1..])?;
    assert_eq!(encoded_len(&header(""), &layers), Err(EncodeError::TooManyLayers { found: MAX_LAYERS + 1 }));
    Ok(())
}

/// The header's own list of layers does not count: shapes are those of the parameters.
#[test]
fn stale_layer_headers_are_replaced() -> Result<(), FormatError> {
    let (mut header, layers) = tiny::float();
    let stale = LayerHeader { kind: LayerKind::Head, numbers: NumberFormat::F32, visible: 99, hidden: 1 };
    header.layers.push(stale).expect("room for a layer");
    assert_holds(tiny::encoded(&header, &layers).as_slice(), &header, &layers)
}

#[test]
fn the_buffer_must_be_long_enough_and_its_old_contents_do_not_show() {
    let (header, layers) = tiny::int8();
    let [_, file] = tiny::files();
    let needed = file.as_slice().len();
    assert_eq!(encoded_len(&header, &layers), Ok(needed));
    for found in [0, 1, 31, 32, needed - 1] {
        let mut buffer = vec![0xAA; found];
        assert_eq!(encode(&header, &layers, &mut buffer), Err(EncodeError::Buffer { needed, found }));
        assert!(buffer.iter().all(|&byte| byte == 0xAA), "nothing is written");
    }
    let mut buffer = vec![0xAA; needed + 5];
    assert_eq!(encode(&header, &layers, &mut buffer), Ok(needed));
    assert_eq!(&buffer[..needed], file.as_slice());
    assert_eq!(buffer[needed..], [0xAA; 5]);
}

#[test]
fn what_would_be_refused_is_not_written() {
    let refused = |header: &Header<'_>, layers: &[Layer<'_>], error| {
        assert_eq!(encoded_len(header, layers), Err(error));
        assert_eq!(encode(header, layers, &mut [0; 4096]), Err(error));
    };
    let (plain, [layer]) = tiny::float();
    refused(&plain, &[], FormatError::NoLayers.into());
    refused(&plain, &[layer, layer], FormatError::LayersDoNotFit { layer: 1, below: 2, visible: 3 }.into());
    refused(&Header { input: Input::Levels { max: 0 }, ..plain.clone() }, &[layer], FormatError::NoLevels.into());
    let labelled = Header { labels: "a\nb", ..plain.clone() };
    refused(&labelled, &[layer], FormatError::Labels { labels: 2 }.into());
    let novelty = Some(Novelty { threshold: 0, quantile: f32::NAN });
    refused(&Header { novelty, ..plain.clone() }, &[layer], FormatError::HeaderNotFinite.into());

    let (quantised, [int8, head]) = tiny::int8();
    refused(&plain, &[layer, head], FormatError::MixedNumbers { layer: 1 }.into());
    refused(&Header { labels: "", ..quantised.clone() }, &[head, int8], FormatError::HeadNotLast { layer: 0 }.into());
    refused(&Header { labels: "one", ..quantised }, &[int8, head], FormatError::Labels { labels: 1 }.into());

    for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut machine = Parameters::random(3, 2, 1.0, 1);
        machine.hidden_bias[1] = broken;
        refused(&plain, &[Layer::Rbm(machine.view())], FormatError::NotFinite { layer: 0 }.into());
    }
    let empty = Parameters { weights: vec![], visible_bias: vec![0.0; 3], hidden_bias: vec![] };
    refused(&plain, &[Layer::Rbm(empty.view())], FormatError::EmptyLayer { layer: 0 }.into());
    let mut wide = Quantised::random(3, 2, 1.0, 1);
    wide.hidden_bias[0] = i32::MIN;
    refused(&plain, &[Layer::IntegerRbm(wide.rbm())], FormatError::OutOfRange { layer: 0 }.into());

    let long = "x".repeat(5000);
    let long = Header { provenance: Provenance { dataset: &long, ..plain.provenance }, ..plain.clone() };
    refused(&long, &[layer], EncodeError::HeaderLength);
}

/// What version 3 appends counts as header too: the longest name beside it is one that it leaves room for.
#[test]
fn the_longest_header_holds_the_presentation_too() -> Result<(), FormatError> {
    let (picture, layers) = tiny::picture();
    let named = |length: usize| "x".repeat(length);
    let used = u32::from_le_bytes([0x1f, 0, 0, 0]) as usize;
    // The name's own length takes a second byte.
    let most = MAX_HEADER_LEN - used - 1;
    for (length, fits) in [(most, true), (most + 1, false)] {
        let name = named(length);
        let header = Header { provenance: Provenance { dataset: &name, ..picture.provenance }, ..picture.clone() };
        if fits {
            assert_holds(tiny::encoded(&header, &layers).as_slice(), &header, &layers)?;
        } else {
            assert_eq!(encoded_len(&header, &layers), Err(EncodeError::HeaderLength));
        }
    }
    Ok(())
}

#[test]
fn scaling_that_is_not_the_headers_is_not_written() {
    let refused = |header: &Header<'_>, layers: &[Layer<'_>], error| {
        assert_eq!(encoded_len(header, layers), Err(error));
    };
    let (float, layers) = tiny::scaled();
    let (int8, int8_layers) = tiny::scaled_int8();
    let mismatch = EncodeError::Scaling;
    refused(&Header { input: Input::Unit, ..float.clone() }, &layers, mismatch);
    refused(&Header { scaling: None, ..float.clone() }, &layers, mismatch);
    for channels in [1, 4] {
        refused(&Header { input: Input::Scaled { channels }, ..float.clone() }, &layers, mismatch);
    }
    let [no_offset, no_scale, no_count] =
        [(1, 2, 2), (2, 1, 2), (2, 2, 1)].map(|(offsets, scales, counts)| Scaling::Integer {
            offsets: &[0; 2][..offsets],
            scales: &[ONE_TO_ONE; 2][..scales],
            counts: &[1.0; 2][..counts],
        });
    let two = Quantised::random(2, 2, 1.0, 1);
    for scaling in [no_offset, no_scale, no_count].map(Some) {
        let header = Header { input: Input::Scaled { channels: 2 }, scaling, ..int8.clone() };
        refused(&Header { labels: "", ..header }, &[Layer::IntegerRbm(two.rbm())], mismatch);
    }
    // In the other kind of numbers.
    refused(
        &Header { input: float.input, scaling: float.scaling, ..int8.clone() },
        &int8_layers,
        FormatError::Channels { channels: 2, inputs: 3 }.into(),
    );
    let short = Some(Scaling::Float { offsets: &[0.0; 3], scales: &[1.0; 3] });
    refused(&Header { scaling: short, ..int8 }, &int8_layers, mismatch);
    for channels in [0, 3, 5, u32::MAX] {
        let header = Header { input: Input::Scaled { channels }, ..float.clone() };
        refused(&header, &layers, FormatError::Channels { channels, inputs: 4 }.into());
    }
    let broken = Some(Scaling::Float { offsets: &[0.0, f32::NAN], scales: &[1.0; 2] });
    refused(&Header { scaling: broken, ..float }, &layers, FormatError::Scaling.into());
}

const ONE_TO_ONE: Rescale = Rescale { multiplier: 128, pre: 0, post: 0 };

/// The check value that catalogues of CRCs give, for ours and for the one that the tests repair files with.
#[test]
fn the_checksum_is_the_one_of_zip_and_png() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    assert_eq!(file::crc32(*b"123456789"), 0xCBF4_3926);
    assert_eq!(crc32(b""), 0);
}
