//! Kernels by name, what they are given, and their text.

use crate::backend::{Draws, Link};
use ebm_core::math::EXP_MIN;
use ebm_core::rng::{self, Stream};
use ebm_core::{HiddenKind, VisibleKind};

/// A kernel: the file that it stands in and its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kernel(pub File, pub &'static str);

/// Files of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum File {
    Classes,
    Draws,
    Elements,
    Product,
    Rounded,
    Rows,
    Steps,
    Sums,
    Visible,
}

impl Kernel {
    /// Its text: the file's after what every kernel begins with.
    pub(super) fn text(self) -> String {
        let Self(file, name) = self;
        let kernels = match file {
            File::Classes => include_str!("classes.wgsl"),
            File::Draws => include_str!("draws.wgsl"),
            File::Elements => include_str!("elements.wgsl"),
            File::Product => include_str!("product.wgsl"),
            File::Rounded => include_str!("rounded.wgsl"),
            File::Rows => include_str!("rows.wgsl"),
            File::Steps => include_str!("steps.wgsl"),
            File::Sums => include_str!("sums.wgsl"),
            File::Visible => include_str!("visible.wgsl"),
        };
        format!("{}\n{}\n{}", constants(), include_str!("common.wgsl"), kernels.replace("OPERATION", name))
    }

    /// Where it begins: in files of functions with one kernel around them, at that.
    pub(super) fn entry_point(self) -> &'static str {
        if matches!(self.0, File::Draws | File::Elements) { "each" } else { self.1 }
    }
}

/// Constants that are ebm-core's and this crate's.
fn constants() -> String {
    let whole = [
        ("MULTIPLIER_0", rng::MULTIPLIERS[0]),
        ("MULTIPLIER_1", rng::MULTIPLIERS[1]),
        ("WEYL_0", rng::WEYL[0]),
        ("WEYL_1", rng::WEYL[1]),
        ("ROUNDS", rng::ROUNDS),
        ("RELU", HiddenKind::Relu as u32),
        ("GAUSSIAN", VisibleKind::Gaussian as u32),
        ("SOFTMAX", VisibleKind::Softmax as u32),
        ("LABEL", VisibleKind::Label as u32),
        ("SIGMOID", link(Link::Sigmoid)),
        ("RECTIFIER", link(Link::Rectifier)),
        ("SMALLEST", crate::backend::SMALLEST_LARGEST_WEIGHT.to_bits()),
    ];
    let real = [
        ("EXP_MIN", EXP_MIN),
        ("HOTTEST", ebm_core::kernel::units::HOTTEST),
        ("LN_SQRT_TAU", ebm_core::kernel::units::LN_SQRT_TAU as f32),
    ];
    let whole = whole.map(|(name, value)| format!("const {name} = {value}u;\n"));
    let real = real.map(|(name, value)| format!("const {name} = {value:?}f;\n"));
    whole.concat() + &real.concat()
}

/// A link as kernels name it.
pub(super) fn link(link: Link) -> u32 {
    match link {
        Link::Identity => 0,
        Link::Sigmoid => 1,
        Link::Rectifier => 2,
    }
}

/// What a kernel is given beside tensors: `Params` of common.wgsl.
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Params {
    pub n: [u32; 4],
    pub m: [u32; 4],
    pub s: [f32; 4],
    pub t: [f32; 4],
    pub draws: [u32; 4],
    pub first: u32,
    pub unused: [u32; 3],
}

impl Params {
    /// With what its draws are keyed by; the samples are given as words.
    pub(super) fn drawing(self, draws: Draws<'_>) -> Self {
        let Stream { step, .. } = draws.stream;
        let [_, _, _, tag] = draws.stream.counter(0);
        Self { draws: [draws.seed as u32, (draws.seed >> 32) as u32, step, tag], ..self }
    }
}
