//! Two models small enough to be written out: the worked examples of `FORMAT.md` and the golden fixtures.

use ebm_core::format::{Header, Input, Layer, Novelty, Provenance, encode, encoded_len};
use ebm_core::kernel::integer::{Rescale, Up};
use ebm_core::{IntegerAffine, IntegerRbm, RbmView};

use crate::file::Aligned;

/// The bytes of `v1-tiny-f32.ebm`, as committed.
pub const FLOAT_FIXTURE: &[u8] = include_bytes!("../fixtures/v1-tiny-f32.ebm");
/// The bytes of `v1-tiny-int8.ebm`, as committed.
pub const INT8_FIXTURE: &[u8] = include_bytes!("../fixtures/v1-tiny-int8.ebm");

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
        provenance: Provenance { dataset: "", dataset_crc32: 0, seed: 0, test_accuracy: None, tool: "by hand" },
    };
    (header, [Layer::Rbm(rbm.expect("3 × 2"))])
}

/// A machine, 3 × 2, and a head over two classes, quantised, and a header with everything in it.
///
/// # Panics
/// Never: the lengths agree.
pub fn int8() -> (Header<'static>, [Layer<'static>; 2]) {
    const UP: Up<'static> = Up {
        weights: &[64, -32, 127, 0, -96, 127],
        bias: &[16_384, -8192],
        rescale: &[Rescale { multiplier: 16_516, pre: 7, post: 9 }, Rescale { multiplier: 24_774, pre: 7, post: 9 }],
    };
    const HEAD: Up<'static> = Up {
        weights: &[127, -127, -64, 64],
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
    };
    let rbm = IntegerRbm::new(UP, &[512, -2048, 0], &[16_516, 24_774], 9).expect("3 × 2");
    let head = IntegerAffine::new(2, HEAD).expect("2 × 2");
    (header, [Layer::IntegerRbm(rbm), Layer::IntegerHead(head)])
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
