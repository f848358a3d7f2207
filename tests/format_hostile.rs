//! Files with right checksums whose contents are wrong, each in one way, put together by hand.

use ebm_core::Model;
use ebm_core::format::{
    FormatError, Header, ImageShape, Input, Layer, LayerHeader, LayerKind, MAX_HEADER_LEN, Novelty, NumberFormat,
    Presentation, Provenance, Scaling, encoded_len,
};
use ebm_core::kernel::integer::{
    MAX_DOWN_STEPS, MAX_HIDDEN_BIAS, MAX_INPUTS, MAX_OFFSET, MAX_VISIBLE_BIAS, Rescale, Storage,
};
use ebm_tests::file::{self, Aligned};
use ebm_tests::tiny;

const INT8: NumberFormat = NumberFormat::Int8 { down_shift: 9 };

const fn layer(kind: LayerKind, numbers: NumberFormat, visible: u32, hidden: u32) -> LayerHeader {
    LayerHeader { kind, numbers, visible, hidden }
}

const fn rbm(visible: u32, hidden: u32) -> LayerHeader {
    layer(LayerKind::BernoulliRbm, NumberFormat::F32, visible, hidden)
}

const fn head(visible: u32, classes: u32) -> LayerHeader {
    layer(LayerKind::Head, NumberFormat::F32, visible, classes)
}

const fn generative(visible: u32, hidden: u32) -> LayerHeader {
    layer(LayerKind::Generative, NumberFormat::F32, visible, hidden)
}

const fn sigmoid(visible: u32, hidden: u32) -> LayerHeader {
    layer(LayerKind::Sigmoid, NumberFormat::F32, visible, hidden)
}

const fn has_visible_bias(kind: LayerKind) -> bool {
    matches!(kind, LayerKind::BernoulliRbm | LayerKind::Generative)
}

fn header(layers: &[LayerHeader]) -> Header<'static> {
    Header {
        input: Input::Unit,
        layers: layers.iter().copied().collect(),
        labels: "",
        novelty: None,
        ..Header::default()
    }
}

fn parse(file: &Aligned) -> Result<(), FormatError> {
    Model::parse(file.as_slice()).map(|_| ())
}

/// The verdict on a header over as many zero bytes of payload as its f32 layers need.
fn verdict(header: &Header<'_>) -> Result<(), FormatError> {
    let sections = header.layers.iter().flat_map(|layer| {
        let (visible, hidden) = (layer.visible as usize, layer.hidden as usize);
        let visible_bias = if has_visible_bias(layer.kind) { visible } else { 0 };
        [visible * hidden, visible_bias, hidden].map(|count| vec![0; 4 * count])
    });
    let sections: Vec<Vec<u8>> = sections.collect();
    let sections: Vec<&[u8]> = sections.iter().map(Vec::as_slice).collect();
    parse(&file::file(header, &sections))
}

/// Hand-made files are read when nothing is wrong with them: the tests below refuse what they mean to.
#[test]
fn a_file_put_together_by_hand_is_read() {
    assert_eq!(verdict(&header(&[rbm(3, 2)])), Ok(()));
    assert_eq!(verdict(&header(&[rbm(3, 2), rbm(2, 5), head(5, 3)])), Ok(()));
    assert_eq!(verdict(&header(&[head(5, 3)])), Ok(()));
    assert_eq!(verdict(&header(&[generative(4, 6), sigmoid(4, 5), head(5, 3)])), Ok(()));
    assert_eq!(verdict(&header(&[sigmoid(4, 5)])), Ok(()));
    assert_eq!(parse(&int8_file(&Int8Sections::default())), Ok(()));
}

#[test]
fn other_files_and_other_versions() {
    let [good, _] = tiny::files();
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file.as_mut_slice()[at..at + bytes.len()].copy_from_slice(bytes);
        file::repair(file.as_mut_slice());
        parse(&file)
    };
    assert_eq!(changed(0, b"EBM\x1a"), Ok(()));
    for magic in [b"\x7fELF", b"EBM\x1b", b"ebm\x1a", b"EBM ", b"GGUF"] {
        assert_eq!(changed(0, magic), Err(FormatError::Magic));
    }
    for version in [0u16, 4, 5, 256, 257, u16::MAX] {
        assert_eq!(changed(4, &version.to_le_bytes()), Err(FormatError::Version { found: version }));
    }
    // Reserved bytes say nothing in version 1.
    assert_eq!(changed(6, &[0xFF; 2]), Ok(()));
    assert_eq!(changed(20, &[0xFF; 8]), Ok(()));
}

#[test]
fn a_newer_version_is_told_before_anything_else_of_it_is_read() {
    // All that a version may not change is the place of magic and version: the rest may be anything.
    let mut bytes = vec![0xFF; 64];
    bytes[..6].copy_from_slice(b"EBM\x1a\x04\x00");
    let error = parse(&Aligned::new(&bytes));
    assert_eq!(error, Err(FormatError::Version { found: 4 }));
    let message = error.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message.contains("version 4") && message.contains("1 to 3"), "{message}");
}

#[test]
fn lengths_that_no_file_has() {
    let [good, _] = tiny::files();
    let with_length = |at: usize, length: u32| {
        let mut file = good.clone();
        file::put(file.as_mut_slice(), at, length);
        parse(&file)
    };
    for found in [MAX_HEADER_LEN + 1, 1 << 20, u32::MAX as usize] {
        assert_eq!(with_length(8, found as u32), Err(FormatError::HeaderLength { found }));
    }
    let found = good.as_slice().len();
    let needed = 32 + MAX_HEADER_LEN + 64;
    assert_eq!(with_length(8, MAX_HEADER_LEN as u32), Err(FormatError::Truncated { needed, found }));
    let start = found - 64;
    for length in [65, 1 << 20, u32::MAX] {
        let needed = start + length as usize;
        assert_eq!(with_length(12, length), Err(FormatError::Truncated { needed, found }));
    }
    assert_eq!(with_length(12, 0), Err(FormatError::TrailingBytes { expected: start, found }));
}

#[test]
fn headers_that_do_not_decode() {
    let mut buffer = [0; 256];
    let good = postcard::to_slice(&header(&[rbm(1, 1)]), &mut buffer).expect("a small header").to_vec();
    let payload = [0; 48];
    let parse = |header: &[u8]| parse(&file::assemble(1, header, &payload));
    assert_eq!(parse(&good), Ok(()));

    for length in 0..good.len() {
        assert_eq!(parse(&good[..length]), Err(FormatError::Header), "{length} of {} bytes", good.len());
    }
    assert_eq!(parse(&[&good[..], &[0]].concat()), Err(FormatError::Header), "a byte too many");
    // The variants are at: 0 input, 1 number of layers, 2 kind, 3 numbers; 6 is the length of the labels.
    for (at, value) in [(0, 2), (1, 9), (1, 255), (2, 4), (3, 5), (6, 200)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(parse(&bad), Err(FormatError::Header), "byte {at} = {value}");
    }
    // Labels that are not UTF-8: one byte of them, 0xFF.
    let mut bad = good.clone();
    bad[6] = 1;
    bad.insert(7, 0xFF);
    assert_eq!(parse(&bad), Err(FormatError::Header));
    bad[7] = b'x';
    assert_eq!(parse(&bad), Err(FormatError::Labels { labels: 1 }), "the same with a letter decodes");
}

#[test]
fn layers_that_make_no_model() {
    assert_eq!(verdict(&header(&[])), Err(FormatError::NoLayers));
    assert_eq!(verdict(&header(&[rbm(0, 2)])), Err(FormatError::EmptyLayer { layer: 0 }));
    assert_eq!(verdict(&header(&[rbm(3, 2), rbm(2, 0)])), Err(FormatError::EmptyLayer { layer: 1 }));
    assert_eq!(
        verdict(&header(&[rbm(3, 2), rbm(3, 2)])),
        Err(FormatError::LayersDoNotFit { layer: 1, below: 2, visible: 3 })
    );
    assert_eq!(
        verdict(&header(&[rbm(3, 2), rbm(2, 4), head(5, 2)])),
        Err(FormatError::LayersDoNotFit { layer: 2, below: 4, visible: 5 })
    );
    assert_eq!(verdict(&header(&[head(3, 2), rbm(2, 2)])), Err(FormatError::HeadNotLast { layer: 0 }));
    assert_eq!(verdict(&header(&[rbm(3, 2), head(2, 2), head(2, 2)])), Err(FormatError::HeadNotLast { layer: 1 }));
    assert_eq!(verdict(&header(&[generative(3, 2)])), Err(FormatError::GenerativeNotBeside { layer: 0 }));
    assert_eq!(
        verdict(&header(&[sigmoid(3, 3), generative(3, 3), head(3, 2)])),
        Err(FormatError::GenerativeNotBeside { layer: 1 })
    );
    assert_eq!(
        verdict(&header(&[generative(3, 2), sigmoid(2, 2)])),
        Err(FormatError::LayersDoNotFit { layer: 1, below: 3, visible: 2 })
    );
    let int8 = layer(LayerKind::Head, INT8, 2, 2);
    assert_eq!(verdict(&header(&[rbm(3, 2), int8])), Err(FormatError::MixedNumbers { layer: 1 }));
}

#[test]
fn header_fields_that_make_no_sense() {
    let classifier = header(&[rbm(3, 2), head(2, 2)]);
    for (labels, count) in [("one", 1), ("a\nb\nc", 3), ("a\nb\n", 3)] {
        let error = verdict(&Header { labels, ..classifier.clone() });
        assert_eq!(error, Err(FormatError::Labels { labels: count }));
    }
    assert_eq!(verdict(&Header { labels: "no\nyes", ..classifier.clone() }), Ok(()));
    assert_eq!(
        verdict(&Header { labels: "a\nb", ..header(&[rbm(3, 2)]) }),
        Err(FormatError::Labels { labels: 2 }),
        "a machine without a head has no classes"
    );
    assert_eq!(verdict(&Header { input: Input::Levels { max: 0 }, ..classifier.clone() }), Err(FormatError::NoLevels));
    for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let novelty = Some(Novelty { threshold: 0, quantile: broken });
        assert_eq!(verdict(&Header { novelty, ..classifier.clone() }), Err(FormatError::HeaderNotFinite));
        let provenance = Provenance { test_accuracy: Some(broken), ..classifier.provenance };
        assert_eq!(verdict(&Header { provenance, ..classifier.clone() }), Err(FormatError::HeaderNotFinite));
    }
}

/// A file over four inputs of `channels` with these sections ahead of the machine's, which are zeros.
fn scaled_file(channels: u32, numbers: NumberFormat, sections: &[&[u8]]) -> Aligned {
    let machine = layer(LayerKind::BernoulliRbm, numbers, 4, 1);
    let header = Header { input: Input::Scaled { channels }, ..header(&[machine]) };
    let zeros = [0; 16];
    let sizes: &[usize] = if numbers == NumberFormat::F32 { &[16, 16, 4] } else { &[4, 16, 4, 4, 2] };
    let machine = sizes.iter().map(|&size| &zeros[..size]);
    file::file(&header, &sections.iter().copied().chain(machine).collect::<Vec<_>>())
}

#[test]
fn channels_that_the_inputs_are_no_multiple_of() {
    let scales = bytemuck::cast_slice(&[1.0f32; 4]);
    for (channels, fits) in [(0, false), (1, true), (2, true), (3, false), (4, true), (5, false), (u32::MAX, false)] {
        let bytes = 4 * channels.min(4) as usize;
        let error = parse(&scaled_file(channels, NumberFormat::F32, &[&[0; 16][..bytes], &scales[..bytes]]));
        let refused = Err(FormatError::Channels { channels, inputs: 4 });
        assert_eq!(error, if fits { Ok(()) } else { refused }, "{channels} channels");
    }
    // Labels are no inputs: of six visible units four are scaled.
    let (_, [Layer::Rbm(class_rbm)]) = tiny::class_rbm() else { unreachable!("a machine") };
    for (channels, fits) in [(2, true), (4, true), (3, false), (6, false)] {
        let ones = [1.0; 4];
        let count = channels.min(4) as usize;
        let scaling = Some(Scaling::Float { offsets: &ones[..count], scales: &ones[..count] });
        let header = Header { input: Input::Scaled { channels }, scaling, ..tiny::class_rbm().0 };
        let length = encoded_len(&header, &[Layer::Rbm(class_rbm)]);
        assert_eq!(length.is_ok(), fits, "{channels} channels: {length:?}");
    }
}

/// As many channels as there are inputs, and both are past all bounds: no length of the file is trusted.
#[test]
fn channels_beyond_all_bounds() {
    const INTEGERS: NumberFormat = NumberFormat::Int8 { down_shift: 9 };
    for (channels, numbers) in [(u32::MAX, NumberFormat::F32), (u32::MAX, INTEGERS), (1 << 30, INTEGERS)] {
        let machine = layer(LayerKind::BernoulliRbm, numbers, channels, 1);
        let header = Header { input: Input::Scaled { channels }, ..header(&[machine]) };
        for found in [0, 16, 96] {
            match parse(&file::file(&header, &[&vec![0; found]])) {
                Err(FormatError::PayloadLength { expected, found: given }) => {
                    assert!(given == found && expected >= 4 * u64::from(channels), "{expected} {given}");
                }
                other => panic!("{channels} channels: {other:?}"),
            }
        }
    }
}

#[test]
fn offsets_and_scales_that_nothing_can_be_scaled_by() {
    let float = |offset: f32, scale: f32| {
        let (offsets, scales) = ([0.0, offset], [1.0, scale]);
        parse(&scaled_file(2, NumberFormat::F32, &[bytemuck::cast_slice(&offsets), bytemuck::cast_slice(&scales)]))
    };
    let refused = Err(FormatError::Scaling);
    for (offset, scale) in [(f32::MAX, f32::MIN), (-0.0, f32::from_bits(1)), (1.0, -1.0)] {
        assert_eq!(float(offset, scale), Ok(()), "{offset} {scale}");
    }
    for broken in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!((float(broken, 1.0), float(0.0, broken)), (refused, refused), "{broken}");
    }
    assert_eq!((float(0.0, 0.0), float(0.0, -0.0)), (refused, refused));

    let integer = |offset: i32, multiplier, pre, post, count: f32| {
        let scales = [Rescale { multiplier: 1, pre: 0, post: 0 }, Rescale { multiplier, pre, post }];
        let (offsets, counts) = ([0, offset], [1.0, count]);
        let sections: [&[u8]; 3] =
            [bytemuck::cast_slice(&offsets), bytemuck::cast_slice(&scales), bytemuck::cast_slice(&counts)];
        parse(&scaled_file(2, INT8, &sections))
    };
    for offset in [MAX_OFFSET, -MAX_OFFSET] {
        assert_eq!(integer(offset, 0x7FFF, Rescale::MAX_SHIFT, Rescale::MAX_SHIFT, f32::MAX), Ok(()));
    }
    for offset in [MAX_OFFSET + 1, -MAX_OFFSET - 1, i32::MIN, i32::MAX] {
        assert_eq!(integer(offset, 1, 0, 0, 1.0), refused, "{offset}");
    }
    for (multiplier, pre, post) in [(0, 0, 0), (1 << 15, 0, 0), (1, 31, 0), (1, 0, 31), (1, 255, 255)] {
        assert_eq!(integer(0, multiplier, pre, post, 1.0), refused);
    }
    for count in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(integer(0, 1, 0, 0, count), refused, "{count}");
    }
}

/// The sections ahead of the layers count towards the payload as theirs do.
#[test]
fn a_payload_of_another_length_than_the_channels_need() {
    let numbers = NumberFormat::F32;
    let header = Header { input: Input::Scaled { channels: 2 }, ..header(&[layer(LayerKind::Head, numbers, 2, 1)]) };
    let mut payload = [0; 80];
    payload[16..24].copy_from_slice(bytemuck::cast_slice(&[1.0f32; 2]));
    for (found, expected) in [(0, 16), (16, 32), (32, 48), (48, 64), (80, 64)] {
        let error = parse(&file::file(&header, &[&payload[..found]]));
        assert_eq!(error, Err(FormatError::PayloadLength { expected, found }));
    }
    assert_eq!(parse(&file::file(&header, &[&payload[..64]])), Ok(()));
}

#[test]
fn pictures_of_another_number_of_pixels() {
    let verdict = |width, height, inputs| {
        let image = Some(ImageShape { width, height });
        let presentation = Presentation { image, ..Presentation::default() };
        let error = verdict(&Header { presentation, ..header(&[rbm(inputs, 2)]) });
        assert!(error.is_ok() || error == Err(FormatError::Image { width, height, inputs }), "{error:?}");
        error.is_ok()
    };
    assert!(verdict(3, 2, 6) && verdict(6, 1, 6) && verdict(1, 6, 6));
    assert!(!verdict(3, 3, 6) && !verdict(0, 6, 6) && !verdict(0, 0, 6) && !verdict(6, 0, 6));
    // A product that wraps round 32 bits to 6.
    assert!(!verdict(3 << 20, 1 << 13, 6) && !verdict(u32::MAX, u32::MAX, 1) && !verdict(0x8000_0003, 2, 6));
}

#[test]
fn presentations_that_do_not_decode() {
    let whole = tiny::picture();
    let whole = tiny::encoded(&whole.0, &whole.1);
    let (header, payload) = (&whole.as_slice()[32..63], &whole.as_slice()[64..]);
    let parse = |header: &[u8]| parse(&file::assemble(3, header, payload));
    assert_eq!(parse(header), Ok(()));
    for length in 0..header.len() {
        assert_eq!(parse(&header[..length]), Err(FormatError::Header), "{length} of {} bytes", header.len());
    }
    assert_eq!(parse(&[header, &[0]].concat()), Err(FormatError::Header), "a byte too many");
    // At 20 whether there is a picture, at 23 and 28 what training and test data became.
    for (at, value) in [(20, 2), (20, 255), (23, 4), (23, 255), (28, 4)] {
        let mut bad = header.to_vec();
        bad[at] = value;
        assert_eq!(parse(&bad), Err(FormatError::Header), "byte {at} = {value}");
    }
    for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut bad = header.to_vec();
        bad[24..28].copy_from_slice(&broken.to_le_bytes());
        assert_eq!(parse(&bad), Err(FormatError::HeaderNotFinite), "{broken}");
    }
}

/// Shapes that no address space holds: products and sums of sizes must not wrap round to one that fits.
#[test]
fn shapes_beyond_all_bounds() {
    const BIG: u32 = u32::MAX;
    let huge = [
        vec![rbm(BIG, BIG)],
        vec![rbm(BIG, 1)],
        vec![rbm(1, BIG)],
        vec![rbm(1 << 31, 1 << 31)],
        vec![rbm(1 << 16, 1 << 16)],
        vec![head(BIG, BIG)],
        vec![layer(LayerKind::BernoulliRbm, INT8, BIG, BIG)],
        vec![layer(LayerKind::Head, INT8, BIG, BIG)],
        vec![layer(LayerKind::BernoulliRbm, NumberFormat::Int4 { down_shift: 9 }, BIG, BIG)],
        vec![layer(LayerKind::Sigmoid, NumberFormat::Sign { down_shift: 9 }, BIG, BIG)],
        vec![layer(LayerKind::Head, NumberFormat::Int8Rows { down_shift: 9 }, BIG, BIG)],
        vec![rbm(3, 2), rbm(2, BIG), head(BIG, BIG)],
    ];
    for layers in huge {
        for payload in [0, 16, 96] {
            let error = parse(&file::file(&header(&layers), &[&vec![0; payload]]));
            match error {
                Err(FormatError::PayloadLength { expected, found }) => {
                    assert!(found == payload && expected > found as u64, "{layers:?}: {expected} {found}");
                }
                other => panic!("{layers:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_payload_of_another_length_than_the_shapes_need() {
    let error = |expected, found| Err(FormatError::PayloadLength { expected, found });
    // 6 weights, 3 and 2 biases, each section padded: 32 + 16 + 16.
    let parse = |payload: &[u8]| parse(&file::file(&header(&[rbm(3, 2)]), &[payload]));
    assert_eq!(parse(&[0; 64]), Ok(()));
    assert_eq!(parse(&[]), error(32, 0));
    assert_eq!(parse(&[0; 32]), error(48, 32));
    assert_eq!(parse(&[0; 48]), error(64, 48));
    assert_eq!(parse(&[0; 80]), error(64, 80));
    // A payload that is not padded to the end.
    let mut buffer = [0; 256];
    let header = postcard::to_slice(&header(&[rbm(3, 2)]), &mut buffer).expect("a small header");
    for found in 56..64 {
        assert_eq!(self::parse(&file::assemble(1, header, &vec![0; found])), error(64, found));
    }
}

#[test]
fn parameters_that_are_not_finite() {
    let header = header(&[rbm(3, 2), head(2, 2)]);
    // Sections of the first layer at 0, 32 and 48, of the head at 64 and 80; their padding begins at 24, 44, 56, … 88.
    for (at, layer) in [(0, 0), (20, 0), (32, 0), (40, 0), (48, 0), (52, 0), (64, 1), (76, 1), (80, 1), (84, 1)] {
        for broken in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0x7F80_0001)] {
            let mut payload = [0; 96];
            payload[at..at + 4].copy_from_slice(&broken.to_le_bytes());
            let error = parse(&file::file(&header, &[&payload]));
            assert_eq!(error, Err(FormatError::NotFinite { layer }), "{broken} at {at}");
        }
    }
}

/// The sections of an int8 machine of 3 × 2 units, in file order, and its header's shift.
#[derive(Clone)]
struct Int8Sections {
    weights: [u8; 6],
    visible_bias: [i32; 3],
    hidden_bias: [i32; 2],
    rescale: [Rescale; 2],
    steps: [u16; 2],
    shift: u8,
}

impl Default for Int8Sections {
    fn default() -> Self {
        let rescale = Rescale { multiplier: 0x7FFF, pre: Rescale::MAX_SHIFT, post: Rescale::MAX_SHIFT };
        Self {
            weights: [0x80; 6],
            visible_bias: [MAX_VISIBLE_BIAS, -MAX_VISIBLE_BIAS, 0],
            hidden_bias: [MAX_HIDDEN_BIAS, -MAX_HIDDEN_BIAS],
            rescale: [rescale; 2],
            steps: [u16::MAX; 2],
            shift: Rescale::MAX_SHIFT,
        }
    }
}

fn int8_file(sections: &Int8Sections) -> Aligned {
    let numbers = NumberFormat::Int8 { down_shift: sections.shift };
    let header = header(&[layer(LayerKind::BernoulliRbm, numbers, 3, 2)]);
    file::file(
        &header,
        &[
            &sections.weights,
            bytemuck::cast_slice(&sections.visible_bias),
            bytemuck::cast_slice(&sections.hidden_bias),
            bytemuck::cast_slice(&sections.rescale),
            bytemuck::cast_slice(&sections.steps),
        ],
    )
}

/// One past each limit of the integer path; the limits themselves are read (see [`Int8Sections::default`]).
#[test]
fn integers_past_the_limits_that_keep_sums_exact() {
    let refused = |change: &dyn Fn(&mut Int8Sections)| {
        let mut sections = Int8Sections::default();
        change(&mut sections);
        assert_eq!(parse(&int8_file(&sections)), Err(FormatError::OutOfRange { layer: 0 }));
    };
    refused(&|s| s.visible_bias[2] = MAX_VISIBLE_BIAS + 1);
    refused(&|s| s.visible_bias[0] = -MAX_VISIBLE_BIAS - 1);
    refused(&|s| s.visible_bias[0] = i32::MIN);
    refused(&|s| s.hidden_bias[1] = MAX_HIDDEN_BIAS + 1);
    refused(&|s| s.hidden_bias[0] = -MAX_HIDDEN_BIAS - 1);
    refused(&|s| s.hidden_bias[0] = i32::MIN);
    refused(&|s| s.rescale[1].multiplier = 1 << 15);
    refused(&|s| s.rescale[0].pre = Rescale::MAX_SHIFT + 1);
    refused(&|s| s.rescale[0].post = 255);
    refused(&|s| s.shift = Rescale::MAX_SHIFT + 1);
    refused(&|s| s.shift = 255);
}

/// An integer layer of zeros of this shape, its steps all `step`.
fn wide_file(storage: Storage, kind: LayerKind, visible: usize, hidden: usize, step: u16) -> Aligned {
    let header = header(&[layer(kind, NumberFormat::integer(storage, 0), visible as u32, hidden as u32)]);
    let bytes = if storage == Storage::Int8 { 1 } else { 4 };
    let weights = vec![0; bytes * storage.len(visible, hidden)];
    let words = vec![0; 4 * hidden];
    let (visible_bias, steps) = (vec![0; 4 * visible], vec![step; hidden]);
    let steps = bytemuck::cast_slice(&steps);
    if has_visible_bias(kind) {
        file::file(&header, &[&weights, &visible_bias, &words, &words, steps])
    } else {
        file::file(&header, &[&weights, &words, &words])
    }
}

#[test]
fn layers_too_wide_for_exact_sums() {
    let out_of_range = Err(FormatError::OutOfRange { layer: 0 });
    for storage in Storage::ALL {
        for kind in [LayerKind::BernoulliRbm, LayerKind::Head, LayerKind::Sigmoid] {
            assert_eq!(parse(&wide_file(storage, kind, MAX_INPUTS, 1, 0)), Ok(()));
            assert_eq!(parse(&wide_file(storage, kind, MAX_INPUTS + 1, 1, 0)), out_of_range);
        }
        // 2^8 hidden units of step 2^15 are exactly the largest sum.
        let most = (MAX_DOWN_STEPS >> 15) as usize;
        assert_eq!(parse(&wide_file(storage, LayerKind::BernoulliRbm, 1, most, 1 << 15)), Ok(()));
        assert_eq!(parse(&wide_file(storage, LayerKind::BernoulliRbm, 1, most + 1, 1 << 15)), out_of_range);
    }
}

/// Where numbers wider than a byte cannot be borrowed, the file is refused; a multiple of 4 suffices for all that
/// version 1 stores.
#[test]
fn bytes_that_lie_where_numbers_cannot_be_borrowed() {
    for file in tiny::files() {
        for offset in 0..16 {
            let moved = Aligned::at_offset(file.as_slice(), offset);
            let expected = if offset % 4 == 0 { Ok(()) } else { Err(FormatError::Misaligned) };
            assert_eq!(parse(&moved), expected, "{offset} bytes past a multiple of 16");
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let of = |error: FormatError| error.to_string();
    assert_eq!(of(FormatError::Truncated { needed: 32, found: 5 }), "the file is cut short: 5 of 32 bytes");
    assert_eq!(
        of(FormatError::LayersDoNotFit { layer: 1, below: 2, visible: 3 }),
        "layer 1 takes 3 inputs, but the layer below gives 2"
    );
    assert_eq!(of(FormatError::NotFinite { layer: 4 }), "layer 4 holds a parameter that is not finite");
}
