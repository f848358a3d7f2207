//! Models small enough to be written out: the worked examples of `FORMAT.md` and the golden fixtures.

use ebm_core::format::{
    Binarisation, Header, ImageShape, Input, Layer, Novelty, Presentation, Provenance, Scaling, encode, encoded_len,
};
use ebm_core::kernel::integer::{Rescale, Storage, Up, Weights};
use ebm_core::{Affine, Block, Directed, HiddenKind, IntegerAffine, IntegerRbm, RbmView, Units, VisibleKind};

use crate::file::Aligned;

/// The bytes of `v1-tiny-f32.ebm`, as committed.
pub const FLOAT_FIXTURE: &[u8] = include_bytes!("../fixtures/v1-tiny-f32.ebm");
/// The bytes of `v1-tiny-int8.ebm`, as committed.
pub const INT8_FIXTURE: &[u8] = include_bytes!("../fixtures/v1-tiny-int8.ebm");

/// The bytes of `v2-tiny-classrbm.ebm`, as committed.
pub const CLASS_RBM_FIXTURE: &[u8] = include_bytes!("../fixtures/v2-tiny-classrbm.ebm");
/// The bytes of `v2-tiny-dbn.ebm`, as committed.
pub const DBN_FIXTURE: &[u8] = include_bytes!("../fixtures/v2-tiny-dbn.ebm");

/// The bytes of `v3-tiny-scaled-f32.ebm`, as committed.
pub const SCALED_FIXTURE: &[u8] = include_bytes!("../fixtures/v3-tiny-scaled-f32.ebm");
/// The bytes of `v3-tiny-scaled-int8.ebm`, as committed.
pub const SCALED_INT8_FIXTURE: &[u8] = include_bytes!("../fixtures/v3-tiny-scaled-int8.ebm");
/// The bytes of `v3-tiny-picture.ebm`, as committed.
pub const PICTURE_FIXTURE: &[u8] = include_bytes!("../fixtures/v3-tiny-picture.ebm");

/// The bytes of `v2-tiny-int4.ebm`, `v2-tiny-sign.ebm` and `v2-tiny-rows.ebm`, as committed, each with its storage.
pub const STORED_FIXTURES: [(Storage, &[u8]); 3] = [
    (Storage::Int4, include_bytes!("../fixtures/v2-tiny-int4.ebm")),
    (Storage::Sign, include_bytes!("../fixtures/v2-tiny-sign.ebm")),
    (Storage::Int8Rows, include_bytes!("../fixtures/v2-tiny-rows.ebm")),
];

/// A machine in f32, 3 × 2, and a header with nothing optional in it.
///
/// # Panics
/// Never: the lengths agree.
pub fn float() -> (Header<'static>, [Layer<'static>; 1]) {
    let rbm = RbmView::new(&[0.5, -0.25, 1.0, 0.0, -1.5, 2.0], &[0.125, -0.5, 0.0], &[1.0, -1.0]);
    let header = Header {
        input: Input::Unit,
        layers: Default::default(),
        labels: "",
        novelty: None,
        provenance: Provenance { tool: "by hand", ..Provenance::default() },
        ..Header::default()
    };
    (header, [Layer::Rbm(rbm.expect("3 × 2"))])
}

/// A machine, 3 × 2, and a head over two classes, quantised, and a header with everything in it.
///
/// # Panics
/// Never: the lengths agree.
pub fn int8() -> (Header<'static>, [Layer<'static>; 2]) {
    const UP: Up<'static> = Up {
        weights: Weights::Int8(&[64, -32, 127, 0, -96, 127]),
        bias: &[16_384, -8192],
        rescale: &[Rescale { multiplier: 16_516, pre: 7, post: 9 }, Rescale { multiplier: 24_774, pre: 7, post: 9 }],
    };
    const HEAD: Up<'static> = Up {
        weights: Weights::Int8(&[127, -127, -64, 64]),
        bias: &[0, 1024],
        rescale: &[Rescale { multiplier: 16_516, pre: 7, post: 8 }, Rescale { multiplier: 16_516, pre: 7, post: 8 }],
    };
    let header = Header {
        input: Input::Levels { max: 16 },
        layers: Default::default(),
        labels: "no\nyes",
        novelty: Some(Novelty { threshold: -4096, quantile: 0.99 }),
        provenance: Provenance {
            dataset: "demo",
            dataset_crc32: 0xCBF4_3926,
            seed: 300,
            test_accuracy: Some(0.5),
            tool: "ebm",
        },
        ..Header::default()
    };
    let rbm = IntegerRbm::new(UP, &[512, -2048, 0], &[16_516, 24_774], 9).expect("3 × 2");
    let head = IntegerAffine::new(2, HEAD).expect("2 × 2");
    (header, [Layer::IntegerRbm(rbm), Layer::IntegerHead(head)])
}

/// [`int8`] with its weights in another storage, in words put together by hand; narrower ones have weights of their own.
///
/// # Panics
/// For [`Storage::Int8`], which has no words.
pub fn stored(storage: Storage) -> (Header<'static>, [Layer<'static>; 2]) {
    let (machine, head): (Weights<'static>, Weights<'static>) = match storage {
        // 6, −3, 7 and 0, −5, 7; 7, −7 and −4, 4.
        Storage::Int4 => (Weights::Int4(&[0x000F_050E, 0x000F_0308]), Weights::Int4(&[0x0000_010F, 0x0000_0C04])),
        // +, −, + and −, −, +; +, − and −, +.
        Storage::Sign => (Weights::Sign(&[0b101, 0b100]), Weights::Sign(&[0b01, 0b10])),
        // The weights of `int8`.
        Storage::Int8Rows => (Weights::Int8Rows(&[0x80C0, 0x2060, 0xFFFF]), Weights::Int8Rows(&[0x40FF, 0xC001])),
        Storage::Int8 => panic!("bytes, not words"),
    };
    let (header, [Layer::IntegerRbm(rbm), Layer::IntegerHead(old_head)]) = int8() else {
        unreachable!("a machine and a head");
    };
    let (up, down) = (Up { weights: machine, ..rbm.up().up() }, rbm.down());
    let rbm = IntegerRbm::new(up, down.visible_bias, down.steps, down.shift).expect("3 × 2");
    let head = IntegerAffine::new(2, Up { weights: head, ..old_head.up() }).expect("2 × 2");
    (header, [Layer::IntegerRbm(rbm), Layer::IntegerHead(head)])
}

/// Blocks of [`class_rbm`]: a switch, a measurement, a choice of two, and two classes.
pub const BLOCKS: [Block; 4] = [
    Block::new(VisibleKind::Bernoulli, 1),
    Block::new(VisibleKind::Gaussian, 1),
    Block::new(VisibleKind::Softmax, 2),
    Block::new(VisibleKind::Label, 2),
];

/// A ClassRBM in f32 of every kind of units, 6 × 2.
///
/// # Panics
/// Never: the lengths agree.
pub fn class_rbm() -> (Header<'static>, [Layer<'static>; 1]) {
    let weights = &[0.5, -0.25, 1.0, 0.0, -1.5, 2.0, 0.25, 0.75, -0.5, 0.5, 1.5, -1.0];
    let rbm = RbmView::new(weights, &[0.125, -0.5, 0.0, 0.25, 1.0, -1.0], &[1.0, -1.0]).expect("6 × 2");
    let units = Units::new(&BLOCKS, &[2.0], HiddenKind::Relu).expect("units that fit");
    let header = Header { labels: "off\non", ..float().0 };
    (header, [Layer::Rbm(rbm.with_units(units).expect("6 units"))])
}

/// A deep belief network in f32, 2–2–1, whose lower layer has weights of its own for the way down; binary inputs.
///
/// # Panics
/// Never: the lengths agree.
pub fn dbn() -> (Header<'static>, [Layer<'static>; 2]) {
    let recognition = Affine::new(2, &[1.0, -1.0, 0.5, 2.0], &[0.25, -0.25]).expect("2 × 2");
    let generative = RbmView::new(&[1.5, -0.5, 0.75, 1.0], &[0.5, -0.5], &[0.25, -0.25]).expect("2 × 2");
    let top = RbmView::new(&[-1.0, 1.0], &[0.125, 0.0], &[0.5]).expect("2 × 1");
    let header = Header { input: Input::Binary { threshold: 127 }, ..float().0 };
    (header, [Layer::Directed(Directed::new(recognition, generative).expect("2 × 2")), Layer::Rbm(top)])
}

/// A machine in f32, 4 × 2, over two steps of two channels, each with an offset and a scale.
///
/// # Panics
/// Never: the lengths agree.
pub fn scaled() -> (Header<'static>, [Layer<'static>; 1]) {
    let weights = &[0.5, -0.25, 1.0, 0.0, -1.5, 2.0, 0.25, 0.75];
    let rbm = RbmView::new(weights, &[0.125, -0.5, 0.0, 0.25], &[1.0, -1.0]).expect("4 × 2");
    let scaling = Some(Scaling::Float { offsets: &[0.5, -2.0], scales: &[0.25, 2.0] });
    (Header { input: Input::Scaled { channels: 2 }, scaling, ..float().0 }, [Layer::Rbm(rbm)])
}

/// [`int8`] over three channels of a sensor: of 1,000 counts from 100 on, of 16 bits with a sign, and a switch that is on above 0.
pub fn scaled_int8() -> (Header<'static>, [Layer<'static>; 2]) {
    let scaling = Scaling::Integer {
        offsets: &[100, -32_768, 0],
        scales: &[
            Rescale { multiplier: 16_777, pre: 0, post: 17 },
            Rescale { multiplier: 16_384, pre: 2, post: 21 },
            Rescale { multiplier: 32_767, pre: 0, post: 0 },
        ],
        counts: &[1.0, 8192.0, 1.0],
    };
    let (header, layers) = int8();
    (Header { input: Input::Scaled { channels: 3 }, scaling: Some(scaling), ..header }, layers)
}

/// [`float`] over the pixels of a picture, learnt in black and white and tested on samples that were drawn once.
pub fn picture() -> (Header<'static>, [Layer<'static>; 1]) {
    let presentation = Presentation {
        image: Some(ImageShape { width: 3, height: 1 }),
        training: Binarisation::Threshold { above: 0.5 },
        test: Binarisation::SampledOnce { seed: 300 },
    };
    let (header, layers) = float();
    (Header { presentation, ..header }, layers)
}

/// The file of these layers, written by `ebm-core`.
///
/// # Panics
/// When `ebm-core` refuses to write it.
pub fn encoded(header: &Header<'_>, layers: &[Layer<'_>]) -> Aligned {
    let mut bytes = vec![0; encoded_len(header, layers).expect("a valid model")];
    encode(header, layers, &mut bytes).expect("a valid model");
    Aligned::new(&bytes)
}

/// Both tiny files.
pub fn files() -> [Aligned; 2] {
    let (header, layers) = float();
    let float = encoded(&header, &layers);
    let (header, layers) = int8();
    [float, encoded(&header, &layers)]
}

/// Files that hold everything that a header and the payload can hold, of every version.
pub fn files_of_every_version() -> Vec<Aligned> {
    let fixtures = [
        FLOAT_FIXTURE,
        INT8_FIXTURE,
        CLASS_RBM_FIXTURE,
        DBN_FIXTURE,
        SCALED_FIXTURE,
        SCALED_INT8_FIXTURE,
        PICTURE_FIXTURE,
    ];
    fixtures.into_iter().chain(STORED_FIXTURES.map(|(_, fixture)| fixture)).map(Aligned::new).collect()
}
