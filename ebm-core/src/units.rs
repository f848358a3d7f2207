//! Kinds of units: [`Units`] says which a machine is made of, [`Block`] by block.
//!
//! Whatever its units are, a machine has `E(v, h) = Σ_i U_i(v_i) + Σ_j U_j(h_j) − vᵀWh`. A kind is its `U`; a mixed layer adds them up.
//! `x_i = Σ_j W_ij·h_j` and `z_j = b_j + Σ_i W_ij·v_i` are what the other layer contributes.

use bytemuck::{Pod, Zeroable};

/// Kinds of visible unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum VisibleKind {
    /// `v ∈ {0, 1}`, `U(v) = −a·v`, so `p(v = 1 | h) = σ(a + x)`.
    Bernoulli = 0,
    /// `v ∈ ℝ`, `U(v) = (v − a)² / 2σ²`, so `v | h ~ N(a + σ²·x, σ²)`.
    ///
    /// Cho, Ilin & Raiko 2011, "Improved Learning of Gaussian-Bernoulli RBMs", write the coupling as `W/σ²`: their `W_ij` is `σ_i²·W_ij`
    /// here. With the coupling itself stored, every kind has the same upward pass.
    Gaussian = 1,
    /// One block is one group: exactly one of its units is 1, the others 0 (a categorical channel). `U = −Σ a_i·v_i`, so
    /// `p(v_i = 1 | h) = e^(a_i + x_i) / Σ_l e^(a_l + x_l)` over the group.
    Softmax = 2,
    /// A softmax group that is the class: the last block of a ClassRBM (Larochelle & Bengio 2008).
    Label = 3,
}

/// Kinds of hidden unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HiddenKind {
    /// `h ∈ {0, 1}`, `U(h) = −b·h`, so `p(h = 1 | v) = σ(z)`, free-energy term `−softplus(z)`.
    #[default]
    Bernoulli,
    /// Rectified (Nair & Hinton 2010): infinitely many Bernoulli copies `k = 1, 2, …` that share their weights and have biases
    /// `b − k + ½`; `h ∈ {0, 1, 2, …}` says how many are on.
    ///
    /// By the q-binomial theorem, `U(h) = −b·h + h²/2 + Σ_{i ≤ h} ln(1 − e^(−i))`. Free-energy term `−S(z)` and mean `S′(z)` are exact:
    /// [`crate::math::rectified_softplus`], [`crate::math::rectified_mean`]. Sampled as the paper does, by the noisy rectified linear unit
    /// `h = max(0, z + √σ(z)·N(0, 1))`. From 3 nats on that has the sum's mean and variance to within 0.05; near 0 it is an approximation
    /// and smaller ([`RELU_MEAN_MAX_ERROR`]), so a chain of rectified units is not exactly one of `p(v, h)`.
    Relu,
}

/// Largest difference between the mean of the noisy rectified linear unit and that of the sum of copies it stands for.
/// Over all fields the largest found is 0.4082, at `−0.211`, where the sum's mean is 0.583.
pub const RELU_MEAN_MAX_ERROR: f32 = 0.4083;
/// Largest difference between their variances.
/// Over all fields the largest found is 0.3466, at `−0.293`, where the sum's variance is 0.426.
pub const RELU_VARIANCE_MAX_ERROR: f32 = 0.3467;

/// Consecutive visible units of one kind; eight bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Block {
    kind: u32,
    units: u32,
}

impl Block {
    /// `units` units of this kind; of [`VisibleKind::Softmax`] and [`VisibleKind::Label`], one group of so many.
    pub const fn new(kind: VisibleKind, units: u32) -> Self {
        Self { kind: kind as u32, units }
    }

    /// The kind; `None` where a file's number stands for none.
    pub const fn kind(self) -> Option<VisibleKind> {
        match self.kind {
            0 => Some(VisibleKind::Bernoulli),
            1 => Some(VisibleKind::Gaussian),
            2 => Some(VisibleKind::Softmax),
            3 => Some(VisibleKind::Label),
            _ => None,
        }
    }

    /// The number of units.
    pub const fn units(self) -> usize {
        self.units as usize
    }
}

/// Most blocks of a layer.
pub const MAX_BLOCKS: usize = u16::MAX as usize;

/// Why blocks are no visible layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UnitsError {
    /// More blocks than a file holds.
    #[error("{found} blocks of visible units; there can be {MAX_BLOCKS}")]
    TooMany {
        /// The blocks given.
        found: usize,
    },
    /// More units than a layer can have.
    #[error("the blocks add up to 2^32 units or more")]
    TooManyUnits,
    /// A number that stands for no kind.
    #[error("block {block} is of no known kind of visible units")]
    Kind {
        /// Which block, from 0.
        block: usize,
    },
    /// A block without units.
    #[error("block {block} has no units")]
    Empty {
        /// Which block, from 0.
        block: usize,
    },
    /// Labels below other units, or alone.
    #[error("block {block} holds the labels, but is not the last of several blocks")]
    LabelNotLast {
        /// Which block, from 0.
        block: usize,
    },
    /// Another number of standard deviations than of Gaussian units.
    #[error("{found} standard deviations for {expected} Gaussian units")]
    Sigmas {
        /// Gaussian units.
        expected: usize,
        /// Standard deviations.
        found: usize,
    },
    /// A standard deviation whose square or the square's inverse is no positive normal number.
    #[error("the standard deviation of Gaussian unit {unit} is not between 1e-18 and 1e18")]
    Sigma {
        /// Which Gaussian unit, from 0.
        unit: usize,
    },
}

/// What a machine's units are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units<'a> {
    blocks: &'a [Block],
    sigma: &'a [f32],
    hidden: HiddenKind,
}

impl<'a> Units<'a> {
    /// Bernoulli units throughout.
    pub const BERNOULLI: Self = Self { blocks: &[], sigma: &[], hidden: HiddenKind::Bernoulli };

    /// Visible units by blocks, none at all meaning that all are Bernoulli; `sigma` holds `σ` of every Gaussian unit in order.
    pub fn new(blocks: &'a [Block], sigma: &'a [f32], hidden: HiddenKind) -> Result<Self, UnitsError> {
        if blocks.len() > MAX_BLOCKS {
            return Err(UnitsError::TooMany { found: blocks.len() });
        }
        let (mut gaussian, mut total) = (0usize, 0u32);
        for (index, block) in blocks.iter().enumerate() {
            if block.units() == 0 {
                return Err(UnitsError::Empty { block: index });
            }
            total = total.checked_add(block.units).ok_or(UnitsError::TooManyUnits)?;
            match block.kind() {
                None => return Err(UnitsError::Kind { block: index }),
                Some(VisibleKind::Gaussian) => gaussian = gaussian.saturating_add(block.units()),
                Some(VisibleKind::Label) if index == 0 || index + 1 < blocks.len() => {
                    return Err(UnitsError::LabelNotLast { block: index });
                }
                Some(_) => {}
            }
        }
        if sigma.len() != gaussian {
            return Err(UnitsError::Sigmas { expected: gaussian, found: sigma.len() });
        }
        // Positive numbers are ordered as their bits are, and all others lie above: a file of integers is checked without floating point.
        let fits = |sigma: f32| (1e-18f32.to_bits()..=1e18f32.to_bits()).contains(&sigma.to_bits());
        match sigma.iter().position(|&sigma| !fits(sigma)) {
            Some(unit) => Err(UnitsError::Sigma { unit }),
            None => Ok(Self { blocks, sigma, hidden }),
        }
    }

    /// The blocks; empty when all visible units are Bernoulli.
    pub const fn blocks(&self) -> &'a [Block] {
        self.blocks
    }

    /// `σ` of every Gaussian unit in order.
    pub const fn sigma(&self) -> &'a [f32] {
        self.sigma
    }

    /// Kind of the hidden units.
    pub const fn hidden(&self) -> HiddenKind {
        self.hidden
    }

    /// Visible units that the blocks speak of; `None` when all are Bernoulli, whatever their number.
    pub fn visible(&self) -> Option<usize> {
        let total = self.blocks.iter().fold(0usize, |sum, block| sum.saturating_add(block.units()));
        if self.blocks.is_empty() { None } else { Some(total) }
    }

    /// Classes of a ClassRBM: units of the label block, 0 where there is none.
    pub fn labels(&self) -> usize {
        match self.blocks.last() {
            Some(block) if block.kind() == Some(VisibleKind::Label) => block.units(),
            _ => 0,
        }
    }

    /// The same units without the labels.
    pub fn without_labels(self) -> Self {
        match self.blocks.split_last() {
            Some((_, inputs)) if self.labels() > 0 => Self { blocks: inputs, ..self },
            _ => self,
        }
    }

    /// The blocks with the place of their first unit, kind, number of units and `σ`s, over a layer of `visible` units.
    pub(crate) fn runs(self, visible: usize) -> impl Iterator<Item = Run<'a>> {
        let all = if self.blocks.is_empty() { Some(Run::bernoulli(visible)) } else { None };
        let mut start = 0;
        let mut sigma = self.sigma;
        all.into_iter().chain(self.blocks.iter().map(move |block| {
            let units = block.units();
            let kind = block.kind().unwrap_or(VisibleKind::Bernoulli);
            let of_these = if kind == VisibleKind::Gaussian { units } else { 0 };
            let (own, rest) = sigma.split_at_checked(of_these).unwrap_or((sigma, &[]));
            sigma = rest;
            let run = Run { kind, start, units, sigma: own };
            start += units;
            run
        }))
    }
}

/// A block in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// The kind.
    pub kind: VisibleKind,
    /// Index of the first unit.
    pub start: usize,
    /// Number of units.
    pub units: usize,
    /// `σ` of each, where they are Gaussian.
    pub sigma: &'a [f32],
}

impl Run<'_> {
    const fn bernoulli(units: usize) -> Self {
        Self { kind: VisibleKind::Bernoulli, start: 0, units, sigma: &[] }
    }
}
