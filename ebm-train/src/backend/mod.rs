//! ② Where tensors live and products are formed: [`Backend`]. The algorithms in [`crate::train`] stand once, over it.

mod cpu;
mod gpu;

pub use cpu::{Cpu, CpuRounded, CpuSet, CpuStates, CpuTensor};
pub use gpu::{Adapter, Feature, Gpu, GpuRounded, GpuSet, GpuStates, GpuTensor, adapters};

use crate::Error;
use crate::data::PIECE_ROWS;
use crate::parameters::UnitKinds;
use crate::ranks::Ranks;
use ebm_core::rng::Stream;
use ebm_core::{Beta, HiddenKind};
use std::borrow::Cow;
use std::ops::Range;

/// Which way through a layer's weights (`V × H`, column-major).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From visible to hidden: `out = b + x·W`.
    Up,
    /// From hidden to visible: `out = a + x·Wᵀ`.
    Down,
}

/// What follows an affine map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing: a score, or a derivative.
    Identity,
    /// `σ`: a probability.
    Sigmoid,
    /// `max(0, ·)`.
    Rectifier,
}

/// Where a matrix of draws comes from: row r, column c uses draw c of `stream` with its sample set to `samples[r]`.
#[derive(Clone, Copy, Debug)]
pub struct Draws<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Purpose, layer, phase and step.
    pub stream: Stream,
    /// Sample of each row.
    pub samples: &'a [u32],
}

/// Where the largest weight is smaller, [`Backend::round`] takes it for `2⁻¹⁰⁰`: nothing under that needs to be told from zero.
pub(crate) const SMALLEST_LARGEST_WEIGHT: f32 = f32::from_bits(27 << 23);

/// An optimiser's step for one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// `m ← momentum·m + g`, `θ ← θ − learning_rate·m`.
    Momentum {
        /// Size of the step.
        learning_rate: f32,
        /// Share of the last step that is kept.
        momentum: f32,
    },
    /// Adam (Kingma & Ba 2015) with `β₁ = 0.9`, `β₂ = 0.999`, `ε = 1e-8`.
    Adam {
        /// Size of the step.
        learning_rate: f32,
        /// Steps taken before this one.
        taken: u32,
    },
}

/// Constants of [`Step::Adam`].
pub(crate) struct Adam {
    /// Share of the mean gradient that is kept.
    pub beta_1: f32,
    /// Share of the mean square that is kept.
    pub beta_2: f32,
    /// Added to the root of the mean square.
    pub epsilon: f32,
}

/// Those of Kingma & Ba.
pub(crate) const ADAM: Adam = Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1.0e-8 };

impl Adam {
    /// What both moments are multiplied by after so many steps, since they started at zero: `1 / (1 − β^t)`.
    pub(crate) fn corrections(&self, taken: u32) -> [f32; 2] {
        let t = taken.saturating_add(1).min(i32::MAX as u32) as i32;
        [self.beta_1, self.beta_2].map(|beta| 1.0 / (1.0 - beta.powi(t)))
    }
}

/// Tensors of rows × columns f32, and what training does with them. A row is a sample, except in weights (a row is a hidden unit).
///
/// The result of every operation is the same whatever the number of threads.
pub trait Backend {
    /// A matrix that lives where the backend computes.
    type Tensor;
    /// A data set: rows that [`Backend::take_rows`] takes minibatches from.
    type Set<'a>;
    /// A matrix of zeros and ones: states of Bernoulli units.
    type States: Default;
    /// Weights rounded to 16 bits ([`Backend::round`]).
    type Rounded: Default;

    /// Fails once the backend can compute no more, and what it says is worth nothing: a card was lost, or its memory is full.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The processes that train together. Each has a backend and tensors of its own: those of parameters are the same on all, those of samples have
    /// this one's part of the rows.
    fn ranks(&self) -> &Ranks {
        Ranks::ALONE
    }

    /// `values` become their sums over the ranks.
    fn sum_over_ranks(&self, values: &mut Self::Tensor) {
        if !self.ranks().is_alone() {
            let [rows, columns] = self.shape(values);
            let mut sums = self.download(values);
            self.ranks().sum(&mut sums);
            *values = self.upload(rows, columns, &sums);
        }
    }

    /// Rows, of so many values, that are measured together: enough to keep the backend busy.
    fn rows_at_once(&self, _columns: usize) -> usize {
        PIECE_ROWS
    }

    /// Waits until everything that was asked for is done.
    fn finish(&self) {}

    /// Does two pieces of work, side by side where the backend can: each on the part of it that it is given.
    fn join<X: Send, Y: Send>(&self, x: impl FnOnce(&Self) -> X + Send, y: impl FnOnce(&Self) -> Y + Send) -> (X, Y) {
        (x(self), y(self))
    }

    /// A matrix of `values`, row-major.
    fn upload(&self, rows: usize, columns: usize, values: &[f32]) -> Self::Tensor;

    /// A matrix of zeros.
    fn zeros(&self, rows: usize, columns: usize) -> Self::Tensor {
        self.upload(rows, columns, &vec![0.0; rows * columns])
    }

    /// The values, row-major.
    fn download(&self, tensor: &Self::Tensor) -> Vec<f32>;

    /// Rows and columns.
    fn shape(&self, tensor: &Self::Tensor) -> [usize; 2];

    /// `to` becomes `from`.
    fn copy(&self, from: &Self::Tensor, to: &mut Self::Tensor);

    /// `values` become those of `from` wherever `marks` is not 0; all of one shape.
    fn put_marked(&self, from: &Self::Tensor, marks: &Self::Tensor, values: &mut Self::Tensor);

    /// A data set of rows of so many values. A backend that computes in this machine's memory leaves them where they lie.
    fn hold<'a>(&self, columns: usize, values: Cow<'a, [f32]>) -> Self::Set<'a>;

    /// `out` becomes the rows of `set` named by `rows`.
    fn take_rows(&self, set: &Self::Set<'_>, rows: &[u32], out: &mut Self::Tensor);

    /// `out` becomes the rows of `source` named by `rows`.
    fn gather(&self, source: &Self::Tensor, rows: &[u32], out: &mut Self::Tensor);

    /// `out` becomes the columns `columns` of `values`.
    fn take_columns(&self, values: &Self::Tensor, columns: Range<usize>, out: &mut Self::Tensor);

    /// The columns of `out` from `first` on become `values`, of as many rows.
    fn put_columns(&self, values: &Self::Tensor, first: usize, out: &mut Self::Tensor);

    /// `out = link(bias + input·W)` or, downwards, `link(bias + input·Wᵀ)`; no bias is a bias of zero.
    fn affine(
        &self,
        direction: Direction,
        weights: &Self::Tensor,
        bias: Option<&Self::Tensor>,
        link: Link,
        input: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// States of Bernoulli units drawn given the other layer's values: `out = 1` where the draw lies under `σ(β·(bias + input·W))` or, downwards,
    /// `σ(β·(bias + input·Wᵀ))`.
    #[allow(clippy::too_many_arguments)]
    fn sample_affine(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &Self::Tensor,
        bias: &Self::Tensor,
        beta: Beta,
        input: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.affine(direction, weights, Some(bias), Link::Identity, input, out);
        self.sample_hidden(draws, HiddenKind::Bernoulli, beta, out);
    }

    /// Means of Bernoulli units given the other layer's values, and states drawn at `β = 1`.
    #[allow(clippy::too_many_arguments)]
    fn means_and_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &Self::Tensor,
        bias: &Self::Tensor,
        input: &Self::Tensor,
        means: &mut Self::Tensor,
        states: &mut Self::Tensor,
    ) {
        self.affine(direction, weights, Some(bias), Link::Sigmoid, input, means);
        self.bernoulli(draws, means, states);
    }

    /// `out = 1` where the draw lies under `probabilities`, else 0.
    fn bernoulli(&self, draws: Draws<'_>, probabilities: &Self::Tensor, out: &mut Self::Tensor);

    /// `out` becomes the states that `values`, zeros and ones, are.
    fn pack(&self, values: &Self::Tensor, out: &mut Self::States);

    /// `out` becomes zeros and ones.
    fn unpack(&self, states: &Self::States, out: &mut Self::Tensor);

    /// `out` becomes the weights rounded, ties to even, to multiples of a quantum, the power of two of which the largest weight has from 2¹⁴ to 2¹⁵;
    /// at most `2¹⁵ − 1` of them.
    ///
    /// A weight moves by half a quantum, 2⁻¹⁵ of the largest one's size at most (the largest itself by up to one, where it would round to 2¹⁵).
    /// What a state adds to a field is then a whole number of quanta, so a sum of them is the same whatever adds it up and in whichever order:
    /// whole numbers, or floats as long as sums stay under 2²⁴ quanta.
    fn round(&self, weights: &Self::Tensor, out: &mut Self::Rounded);

    /// States of Bernoulli units drawn given those of the other layer, at most 2¹⁶: `out = 1` where the draw lies under `σ(β·(bias + input·W))`
    /// or, downwards, `σ(β·(bias + input·Wᵀ))`.
    #[allow(clippy::too_many_arguments)]
    fn sample_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &Self::Rounded,
        bias: &Self::Tensor,
        beta: Beta,
        input: &Self::States,
        out: &mut Self::States,
    );

    /// Fields of hidden units to their means in place ([`ebm_core::kernel::units::hidden_means`]).
    fn hidden_means(&self, kind: HiddenKind, fields: &mut Self::Tensor);

    /// Fields of hidden units to states drawn at inverse temperature `beta`, in place ([`ebm_core::kernel::units::sample_hidden`]).
    fn sample_hidden(&self, draws: Draws<'_>, kind: HiddenKind, beta: Beta, fields: &mut Self::Tensor);

    /// `out` (1 × visible) becomes what a sum over hidden units is added to: the bias, or 0 for a Gaussian unit.
    fn visible_start(&self, kinds: &UnitKinds, bias: &Self::Tensor, out: &mut Self::Tensor);

    /// Such sums to means in place ([`ebm_core::kernel::units::visible_means`]).
    fn visible_means(&self, kinds: &UnitKinds, bias: &Self::Tensor, inputs: &mut Self::Tensor);

    /// Such sums to states drawn at inverse temperature `beta`, in place ([`ebm_core::kernel::units::sample_visible`]).
    fn sample_visible(
        &self,
        draws: Draws<'_>,
        kinds: &UnitKinds,
        beta: Beta,
        bias: &Self::Tensor,
        inputs: &mut Self::Tensor,
    );

    /// `out` (rows × 1) becomes `Σ_i U_i(v_i)` of every row, in nats.
    fn visible_energies(&self, kinds: &UnitKinds, bias: &Self::Tensor, visible: &Self::Tensor, out: &mut Self::Tensor);

    /// Subtracts from `out` (rows × 1) `Σ_j T(scale·z_j)` of every row, `T` being the hidden kind's free-energy term.
    fn subtract_hidden_terms(&self, kind: HiddenKind, scale: f32, fields: &Self::Tensor, out: &mut Self::Tensor);

    /// `values ← scale·values`, and to every row `share·row` where one is given.
    fn rescale(&self, scale: f32, shift: Option<(f32, &Self::Tensor)>, values: &mut Self::Tensor);

    /// Fields of hidden units to states drawn from the very `p(h | z)`, in place ([`ebm_core::kernel::units::sample_hidden_exactly`]).
    fn sample_hidden_exactly(&self, draws: Draws<'_>, kind: HiddenKind, fields: &mut Self::Tensor);

    /// Adds to every row of `sums`, of the two scales `from_to`, `(to − from)·slope + Σ_j T(to·z_j) − T(from·z_j)` ([`ebm_core::kernel::units::free_energy_term_changes`]).
    ///
    /// `slopes` is rows × 1. `sums` is rows × 2: a sum is its two numbers' sum, so that it has twice the bits of one.
    fn add_term_changes(
        &self,
        kind: HiddenKind,
        from_to: [f32; 2],
        slopes: &Self::Tensor,
        fields: &Self::Tensor,
        sums: &mut Self::Tensor,
    );

    /// `out` (rows × `units.len()`) becomes `Σ_j T(z_j + s_i·W_ij) − T(z_j)` of each visible unit i in `units`, `s` being `changes` (as `out`):
    /// by how much `−F` without the visible units' own energies rises when that unit alone changes so.
    fn single_changes(
        &self,
        kind: HiddenKind,
        weights: &Self::Tensor,
        fields: &Self::Tensor,
        units: Range<usize>,
        changes: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// `out` (rows × 1) becomes `Σ_i ln Z_i` of what means and draws of visible units are made from
    /// ([`ebm_core::kernel::units::visible_log_partition`]).
    fn visible_log_partitions(
        &self,
        kinds: &UnitKinds,
        bias: &Self::Tensor,
        inputs: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// `out` (rows × 1) becomes `ln p(v | h)` of `visible`, the sums over `h` being `inputs` ([`ebm_core::kernel::units::visible_log_density`]).
    fn visible_log_densities(
        &self,
        kinds: &UnitKinds,
        bias: &Self::Tensor,
        inputs: &Self::Tensor,
        visible: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// Drops out units: `values = 0` with probability `rate`, else `values / (1 − rate)`.
    fn dropout(&self, draws: Draws<'_>, rate: f32, values: &mut Self::Tensor);

    /// `out ← keep·out + Σ scale·hiddenᵀ·visible` over one or more terms `(scale, [visible, hidden])`, in the layout of weights.
    fn outer(&self, keep: f32, terms: &[(f32, [&Self::Tensor; 2])], out: &mut Self::Tensor);

    /// `out ← keep·out + Σ scale·(sum of the rows)` over terms `(scale, values)`, in the layout of biases.
    fn column_sums(&self, keep: f32, terms: &[(f32, &Self::Tensor)], out: &mut Self::Tensor);

    /// `out ← out + scale·values`.
    fn add_scaled(&self, scale: f32, values: &Self::Tensor, out: &mut Self::Tensor);

    /// Back through units of this link: `delta ← delta·dy/dz`, where the output `y` is `link(z) / kept` of a unit that dropout kept and 0 of
    /// one that it did not (`kept = 1` without dropout): `y·(1 − kept·y)` through a sigmoid, `1 / kept` through a rectifier that is on; a score
    /// passes everything on.
    fn backward(&self, link: Link, kept: f32, outputs: &Self::Tensor, delta: &mut Self::Tensor);

    /// `out` becomes derivatives by the outputs of units, `input·W` or, downwards, `input·Wᵀ`, back through those units ([`Backend::backward`]).
    #[allow(clippy::too_many_arguments)]
    fn affine_backward(
        &self,
        direction: Direction,
        weights: &Self::Tensor,
        input: &Self::Tensor,
        (link, kept): (Link, f32),
        outputs: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.affine(direction, weights, None, Link::Identity, input, out);
        self.backward(link, kept, outputs, out);
    }

    /// Turns scores into `(softmax − target) / rows`, the gradient of the mean cross-entropy `−Σ_c target_c·ln softmax_c` in nats, and adds to
    /// `totals` (1 × 2) the sum of the cross-entropies and the number of samples whose highest score is their label's.
    /// The target of a sample is `(1 − smoothing)·one-hot + smoothing / classes`.
    fn softmax_cross_entropy(
        &self,
        labels: &[u16],
        smoothing: f32,
        scores: &mut Self::Tensor,
        totals: &mut Self::Tensor,
    );

    /// Rows whose Euclidean norm exceeds `largest` are scaled down to it.
    fn limit_norms(&self, largest: f32, rows: &mut Self::Tensor);

    /// `out` (rows × classes) becomes `a_y + Σ_j T(z_j + W_yj)` for every class `y`: what [`ebm_core::kernel::float::class_scores`] adds to the
    /// inputs' energy. The last visible units are the classes; `fields` are those of the inputs, `b_j + Σ_i W_ij·x_i` without them.
    fn class_scores(
        &self,
        kind: HiddenKind,
        classes: usize,
        weights: &Self::Tensor,
        visible_bias: &Self::Tensor,
        fields: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// Back through [`Backend::class_scores`] to the fields: with `scores` (rows × classes) the derivatives `g_y` by each score, `out` (rows ×
    /// hidden) becomes `Σ_y g_y·T′(z_j + W_yj)`.
    fn class_fields_backward(
        &self,
        kind: HiddenKind,
        weights: &Self::Tensor,
        scores: &Self::Tensor,
        fields: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// The same to the classes' weights: adds `Σ_rows g_y·T′(z_j + W_yj)` to the last columns of `out`, in the layout of weights.
    fn class_weights_backward(
        &self,
        kind: HiddenKind,
        weights: &Self::Tensor,
        scores: &Self::Tensor,
        fields: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// The same to the classes' biases: adds `Σ_rows g_y` to the last columns of `out` (1 × visible).
    fn class_bias_backward(&self, scores: &Self::Tensor, out: &mut Self::Tensor);

    /// Adds to `totals` (1 × 2) the sums of `(x − y)²` and of `|x − y|` where `x` is not missing (NaN).
    fn add_errors(&self, x: &Self::Tensor, y: &Self::Tensor, totals: &mut Self::Tensor);

    /// `out` becomes `values`, and `by` where they are missing (NaN); all of one shape.
    fn fill_missing(&self, values: &Self::Tensor, by: &Self::Tensor, out: &mut Self::Tensor);

    /// `values ← values + deviation·N(0, 1)`.
    fn add_noise(&self, draws: Draws<'_>, deviation: f32, values: &mut Self::Tensor);

    /// Multiplies every column by its factor (1 × columns).
    fn multiply_columns(&self, factors: &Self::Tensor, values: &mut Self::Tensor);

    /// Multiplies every row by its factor (rows × 1).
    fn multiply_rows(&self, factors: &Self::Tensor, values: &mut Self::Tensor);

    /// `out ← out + scale·sign(values)`, the sign of 0 being 0.
    fn add_signs(&self, scale: f32, values: &Self::Tensor, out: &mut Self::Tensor);

    /// One step of an optimiser down the gradient `Σ scale·hiddenᵀ·visible + weight_decay·θ` of weights over one or more terms
    /// `(scale, [visible, hidden])`: what [`Backend::outer`], [`Backend::add_scaled`] and [`Backend::step`] do one after another, without a place
    /// for the gradient; to the bit on a processor.
    fn descend(
        &self,
        step: Step,
        weight_decay: f32,
        terms: &[(f32, [&Self::Tensor; 2])],
        moments: &mut [Self::Tensor; 2],
        parameter: &mut Self::Tensor,
    );

    /// One step of an optimiser down the gradient `Σ scale·(sum of the rows)` of a bias over terms `(scale, values)`. What `gradient`, of the bias's
    /// shape, holds afterwards is unspecified.
    fn descend_bias(
        &self,
        step: Step,
        terms: &[(f32, &Self::Tensor)],
        gradient: &mut Self::Tensor,
        moments: &mut [Self::Tensor; 2],
        parameter: &mut Self::Tensor,
    ) {
        self.column_sums(0.0, terms, gradient);
        self.step(step, gradient, moments, parameter);
    }

    /// One step of an optimiser down `gradient`. `moments` are two tensors of the parameter's shape, zero at the start;
    /// momentum uses the first.
    fn step(&self, step: Step, gradient: &Self::Tensor, moments: &mut [Self::Tensor; 2], parameter: &mut Self::Tensor);
}
