//! Kernels by name, what they are given, and their text.

use super::states::Cooperative;
use crate::backend::{Draws, Link};
use ebm_core::kernel::units;
use ebm_core::math::EXP_MIN;
use ebm_core::rng::{self, Stream};
use ebm_core::{HiddenKind, VisibleKind};

/// Threads of a group where every thread has a number of its own.
pub(super) const GROUP: usize = 256;
/// Threads of a group that sums a row.
const ROW_GROUP: usize = 64;
/// Threads of a group that multiplies matrices of 16-bit numbers.
pub(super) const MATRIX_GROUP: usize = 128;
/// Columns that a group sums.
pub(super) const COLUMNS: usize = 16;

/// A kernel: the file that it stands in and its name there, or what the file's kernel does with each number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kernel(pub File, pub &'static str);

/// Files of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum File {
    Classes,
    Columns,
    Draws,
    Elements,
    Packed,
    Product(Tile),
    Rounded,
    Rows,
    States(Cooperative),
    Sums,
    Visible,
}

/// How a product is cut up: product.wgsl says into what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    /// Sums along a side of a tile.
    pub side: usize,
    /// Terms that are gathered at a time.
    depth: usize,
    /// Sums along a side of a thread's share.
    micro: usize,
}

/// From the tile that needs each factor the fewest times on.
const TILES: [Tile; 4] = [
    Tile { side: 128, depth: 8, micro: 8 },
    Tile { side: 64, depth: 16, micro: 4 },
    Tile { side: 32, depth: 32, micro: 4 },
    SMALLEST,
];
const SMALLEST: Tile = Tile { side: 16, depth: 64, micro: 4 };

impl Tile {
    /// For a product of so many rows and columns: the largest tile that is not mostly empty and leaves enough of them.
    pub(super) fn of(rows: usize, columns: usize, enough: usize) -> Self {
        let fits =
            |tile: &Self| tile.side <= rows.min(columns).next_power_of_two() && tile.count(rows, columns) >= enough;
        TILES.into_iter().find(fits).unwrap_or(SMALLEST)
    }

    /// Tiles of a product.
    pub(super) fn count(self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(self.side) * columns.div_ceil(self.side)
    }

    fn constants(self) -> String {
        let Self { side, depth, micro } = self;
        format!("const TILE = {side}u;\nconst DEPTH = {depth}u;\nconst MICRO = {micro}u;\n")
    }
}

impl Kernel {
    /// Its text: the file's after what every kernel begins with. `subgroups`: the card has them.
    pub(super) fn text(self, subgroups: bool) -> String {
        let Self(file, operation) = self;
        let mut enabled = "";
        let mut cut = String::new();
        let steps = include_str!("steps.wgsl");
        let parts: &[&str] = match file {
            File::Classes => &[include_str!("classes.wgsl")],
            File::Columns => &[steps, include_str!("columns.wgsl")],
            File::Draws => &[include_str!("draws.wgsl")],
            File::Elements => &[steps, include_str!("elements.wgsl")],
            File::Product(of) => {
                cut = of.constants();
                &[steps, include_str!("product.wgsl")]
            }
            File::Packed => {
                enabled = "enable f16;\n";
                &[include_str!("packed.wgsl")]
            }
            File::Rounded => &[include_str!("rounded.wgsl")],
            File::Rows => &[include_str!("rows.wgsl")],
            File::States(card) => {
                enabled = "enable f16;\nenable wgpu_cooperative_matrix;\n";
                cut = card.constants();
                &[include_str!("states.wgsl")]
            }
            File::Sums if subgroups => &[include_str!("sums.wgsl"), include_str!("row_subgroups.wgsl")],
            File::Sums => &[include_str!("sums.wgsl"), include_str!("row.wgsl")],
            File::Visible => &[include_str!("visible.wgsl")],
        };
        // Weights lie hidden × visible: by columns, as they are multiplied, upwards.
        let load = if operation == "up" { "coopLoad" } else { "coopLoadT" };
        let kernels = parts.concat().replace("OPERATION", operation).replace("LOAD", load);
        [enabled, &constants(), &cut, include_str!("common.wgsl"), &kernels].concat()
    }

    /// Where it begins.
    pub(super) fn entry_point(self) -> &'static str {
        match self.0 {
            File::Columns => "each_column",
            File::Draws | File::Elements => "each",
            File::Product(_) => "product",
            File::Sums => "each_row",
            File::Classes | File::Packed | File::Rounded | File::Rows | File::States(_) | File::Visible => self.1,
        }
    }
}

/// Constants that are ebm-core's and this crate's.
fn constants() -> String {
    let whole = [
        ("GROUP", GROUP as u32),
        ("ROW_GROUP", ROW_GROUP as u32),
        ("MATRIX_GROUP", MATRIX_GROUP as u32),
        ("COLUMNS", COLUMNS as u32),
        ("COPY_STATES", units::COPY_STATES.into()),
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
        ("HOTTEST", units::HOTTEST),
        ("LN_SQRT_TAU", units::LN_SQRT_TAU as f32),
        ("NEAR", units::NEAR),
        ("COPY_REACH", units::COPY_REACH),
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
    pub u: [f32; 4],
    pub draws: [u32; 4],
    pub first: u32,
    pub second: u32,
    pub unused: [u32; 2],
}

impl Params {
    /// With what its draws are keyed by; the samples are given as words.
    pub(super) fn drawing(self, draws: Draws<'_>) -> Self {
        let Stream { step, .. } = draws.stream;
        let [_, _, _, tag] = draws.stream.counter(0);
        Self { draws: [draws.seed as u32, (draws.seed >> 32) as u32, step, tag], ..self }
    }
}
