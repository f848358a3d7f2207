//! What the independent reference in `tools/oracle` wrote into `fixtures/oracle`: machines, states, and what they have to give.
//!
//! Parameters and states are f32, what is expected of them f64. A matrix is a list of rows, one a visible unit.

use ebm_core::{Block, HiddenKind, RbmView, Units, VisibleKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// All documents of `fixtures/oracle/<name>.json`.
///
/// # Panics
/// When there is no such file or it says something else.
pub fn read<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = format!("{}/fixtures/oracle/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A run of visible units of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// On or off.
    Bernoulli,
    /// Real, with a standard deviation of its own.
    Gaussian,
    /// One of a group is on.
    Softmax,
}

/// Kind of all hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hidden {
    /// On or off.
    Bernoulli,
    /// The number of stepped copies that are on.
    Relu,
}

/// A block of the visible layer.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// What its units are.
    pub kind: Kind,
    /// How many there are.
    pub units: usize,
    /// `σ` of each Gaussian unit.
    pub sigma: Vec<f32>,
}

/// Parameters of a machine.
#[derive(Clone, Debug, Deserialize)]
pub struct Machine {
    /// Its visible layer.
    pub blocks: Vec<Run>,
    /// Its hidden layer.
    pub hidden: Hidden,
    /// `W`, a row a visible unit.
    pub weights: Vec<Vec<f32>>,
    /// `a`.
    pub visible_bias: Vec<f32>,
    /// `b`.
    pub hidden_bias: Vec<f32>,
}

/// One block's place in a layer, with its `σ`s if it has any.
#[derive(Clone, Debug)]
pub struct Span {
    /// What its units are.
    pub kind: Kind,
    /// Indices of its units.
    pub range: std::ops::Range<usize>,
    /// `σ` of each Gaussian unit.
    pub sigma: Vec<f64>,
}

/// What [`RbmView`] and [`Units`] borrow from.
#[derive(Clone, Debug)]
pub struct Parts {
    weights: Vec<f32>,
    visible_bias: Vec<f32>,
    hidden_bias: Vec<f32>,
    blocks: Vec<Block>,
    sigma: Vec<f32>,
    hidden: HiddenKind,
}

impl Machine {
    /// `V`.
    pub fn visible(&self) -> usize {
        self.visible_bias.len()
    }

    /// `H`.
    pub fn hidden_units(&self) -> usize {
        self.hidden_bias.len()
    }

    /// The blocks in their places.
    pub fn spans(&self) -> Vec<Span> {
        let mut start = 0;
        let place = |run: &Run| {
            let range = start..start + run.units;
            start = range.end;
            Span { kind: run.kind, range, sigma: run.sigma.iter().copied().map(f64::from).collect() }
        };
        self.blocks.iter().map(place).collect()
    }

    /// As `ebm-core` holds it; the last block as the labels where `labelled`.
    pub fn parts(&self, labelled: bool) -> Parts {
        let kind = |index: usize, kind| match kind {
            Kind::Bernoulli => VisibleKind::Bernoulli,
            Kind::Gaussian => VisibleKind::Gaussian,
            Kind::Softmax if labelled && index + 1 == self.blocks.len() => VisibleKind::Label,
            Kind::Softmax => VisibleKind::Softmax,
        };
        let block = |(index, run): (usize, &Run)| Block::new(kind(index, run.kind), run.units as u32);
        Parts {
            weights: columns(&self.weights, self.hidden_units()),
            visible_bias: self.visible_bias.clone(),
            hidden_bias: self.hidden_bias.clone(),
            blocks: self.blocks.iter().enumerate().map(block).collect(),
            sigma: self.blocks.iter().flat_map(|run| run.sigma.clone()).collect(),
            hidden: match self.hidden {
                Hidden::Bernoulli => HiddenKind::Bernoulli,
                Hidden::Relu => HiddenKind::Relu,
            },
        }
    }

    /// `|b_j| + Σ_i |v_i·W_ij|` of every hidden unit: what the rounding of its field is relative to.
    pub fn hidden_magnitudes(&self, v: &[f32]) -> Vec<f64> {
        let sum = |j: usize| v.iter().zip(&self.weights).map(|(v, row)| product(*v, row[j])).sum::<f64>();
        self.hidden_bias.iter().enumerate().map(|(j, b)| f64::from(b.abs()) + sum(j)).collect()
    }

    /// `Σ_j |W_ij·h_j|` of every visible unit.
    pub fn visible_magnitudes(&self, h: &[f32]) -> Vec<f64> {
        self.weights.iter().map(|row| row.iter().zip(h).map(|(w, h)| product(*w, *h)).sum()).collect()
    }

    /// `Σ_i |U_i(v_i)|` over the first `v.len()` visible units.
    pub fn visible_energy_magnitude(&self, v: &[f32]) -> f64 {
        let spans = self.spans().into_iter().filter(|span| span.range.end <= v.len());
        spans
            .flat_map(|span| {
                let terms = span.range.clone().map(move |i| match span.kind {
                    Kind::Gaussian => {
                        let deviation = f64::from(v[i]) - f64::from(self.visible_bias[i]);
                        (deviation / span.sigma[i - span.range.start]).powi(2) / 2.0
                    }
                    Kind::Bernoulli | Kind::Softmax => product(self.visible_bias[i], v[i]),
                });
                terms.collect::<Vec<_>>()
            })
            .sum()
    }
}

impl Parts {
    /// The machine.
    ///
    /// # Panics
    /// When `ebm-core` refuses it.
    pub fn view(&self) -> RbmView<'_> {
        let units = Units::new(&self.blocks, &self.sigma, self.hidden).expect("a valid layer");
        let view = RbmView::new(&self.weights, &self.visible_bias, &self.hidden_bias).expect("W is V × H");
        view.with_units(units).expect("blocks of V units")
    }
}

/// `|x·y|`.
fn product(x: f32, y: f32) -> f64 {
    (f64::from(x) * f64::from(y)).abs()
}

/// Rows of a matrix as `ebm-core` has it, column by column.
pub fn columns(rows: &[Vec<f32>], width: usize) -> Vec<f32> {
    (0..width).flat_map(|j| rows.iter().map(move |row| row[j])).collect()
}

/// A machine and what it gives.
#[derive(Clone, Debug, Deserialize)]
pub struct MachineCase {
    /// What the case is called.
    pub name: String,
    /// Its parameters.
    #[serde(flatten)]
    pub machine: Machine,
    /// Pairs of states.
    pub states: Vec<State>,
    /// `ln Z`, where its states can be enumerated.
    pub log_partition: Option<f64>,
    /// Gradient of the mean log-likelihood of the states' visible halves.
    pub gradient: Option<Gradient>,
}

/// A direction in the space of parameters.
#[derive(Clone, Debug, Deserialize)]
pub struct Gradient {
    /// `∂/∂W`.
    pub weights: Vec<Vec<f64>>,
    /// `∂/∂a`.
    pub visible_bias: Vec<f64>,
    /// `∂/∂b`.
    pub hidden_bias: Vec<f64>,
}

/// A visible and a hidden state, and what the machine says of them.
#[derive(Clone, Debug, Deserialize)]
pub struct State {
    /// The visible state.
    pub v: Vec<f32>,
    /// The hidden state.
    pub h: Vec<f32>,
    /// `E(v, h)`.
    pub energy: f64,
    /// `F(v)`.
    pub free_energy: f64,
    /// `z = b + Wᵀv`.
    pub hidden_field: Vec<f64>,
    /// `E[h | v]`.
    pub hidden_mean: Vec<f64>,
    /// `Var[h | v]`.
    pub hidden_variance: Vec<f64>,
    /// `E[v | h]`.
    pub visible_mean: Vec<f64>,
    /// `Var[v | h]`.
    pub visible_variance: Vec<f64>,
    /// The same at other temperatures.
    pub tempered: Vec<Tempered>,
}

/// What the machine says of a pair of states at inverse temperature `β`.
#[derive(Clone, Debug, Deserialize)]
pub struct Tempered {
    /// `β`.
    pub beta: f64,
    /// `E_β[h | v]`.
    pub hidden_mean: Vec<f64>,
    /// `E_β[v | h]`.
    pub visible_mean: Vec<f64>,
    /// `Var_β[v | h]`.
    pub visible_variance: Vec<f64>,
}

/// A ClassRBM and what it gives.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassCase {
    /// What the case is called.
    pub name: String,
    /// Its parameters; the last block is the class.
    #[serde(flatten)]
    pub machine: Machine,
    /// Inputs.
    pub inputs: Vec<ClassInput>,
}

/// An input of a ClassRBM.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassInput {
    /// The visible units that are no labels.
    pub x: Vec<f32>,
    /// `F(x, y)` of every class `y`.
    pub free_energies: Vec<f64>,
    /// `p(y | x)`.
    pub posterior: Vec<f64>,
    /// `F(x)`.
    pub free_energy: f64,
}

/// A DBN and what it gives.
#[derive(Clone, Debug, Deserialize)]
pub struct DbnCase {
    /// What the case is called.
    pub name: String,
    /// The directed layers from the input up.
    pub lower: Vec<Lower>,
    /// The machine on top.
    pub top: Machine,
    /// A softmax head on its hidden means.
    pub head: Option<Head>,
    /// Inputs.
    pub up: Vec<Up>,
    /// States of the top machine's visible units.
    pub down: Vec<Down>,
}

/// A directed layer.
#[derive(Clone, Debug, Deserialize)]
pub struct Lower {
    /// Weights of the way up, a row a visible unit.
    pub recognition: Vec<Vec<f32>>,
    /// Biases of the way up.
    pub b: Vec<f32>,
    /// Weights of the way down, a row a visible unit.
    pub generative: Vec<Vec<f32>>,
    /// Biases of the way down.
    pub a: Vec<f32>,
}

/// A softmax head.
#[derive(Clone, Debug, Deserialize)]
pub struct Head {
    /// Weights, a row an input.
    pub weights: Vec<Vec<f32>>,
    /// Biases, one a class.
    pub bias: Vec<f32>,
}

/// A recognition pass.
#[derive(Clone, Debug, Deserialize)]
pub struct Up {
    /// The input.
    pub v: Vec<f32>,
    /// Means of every layer from the input up, then the head's scores.
    pub layers: Vec<Vec<f64>>,
}

/// A pass down.
#[derive(Clone, Debug, Deserialize)]
pub struct Down {
    /// State of the top machine's visible units.
    pub h: Vec<f32>,
    /// Means of every lower layer's visible units from the top down.
    pub layers: Vec<Vec<f64>>,
}

/// The functions of a rectified unit.
#[derive(Clone, Debug, Deserialize)]
pub struct Stepped {
    /// Fields `z`.
    pub fields: Vec<f32>,
    /// `Σ_k softplus(z − k + ½)`.
    pub softplus: Vec<f64>,
    /// `Σ_k σ(z − k + ½)`.
    pub mean: Vec<f64>,
    /// `h²/2 + Σ_(i ≤ h) ln(1 − e^(−i))` for `h = 0, 1, 2, …`
    pub potential: Vec<f64>,
}

/// A file of integers.
#[derive(Clone, Debug, Deserialize)]
pub struct IntegerModel {
    /// Its name in `fixtures`.
    pub file: String,
    /// Inputs.
    pub inputs: Vec<IntegerInput>,
}

/// What the integer path gives for one input.
#[derive(Clone, Debug, Deserialize)]
pub struct IntegerInput {
    /// What the sensor gives.
    pub raw: Vec<i32>,
    /// The same as values.
    pub x: Vec<u8>,
    /// Fields of the machine's hidden units.
    pub hidden_fields: Vec<i32>,
    /// Their means.
    pub hidden_means: Vec<u8>,
    /// Free energy of the input.
    pub free_energy: i32,
    /// Means of the machine's visible units, given those hidden means.
    pub visible_means: Vec<u8>,
    /// Seed of a Gibbs step's draws.
    pub seed: u64,
    /// Hidden and visible states of that step from `x`.
    pub drawn: [Vec<u8>; 2],
    /// Means of every layer of the recognition pass.
    pub hidden: Vec<Vec<u8>>,
    /// The head's scores.
    pub scores: Vec<i32>,
    /// The class.
    pub class: usize,
}

/// A file of f32.
#[derive(Clone, Debug, Deserialize)]
pub struct FloatModel {
    /// Its name in `fixtures`.
    pub file: String,
    /// Inputs.
    pub inputs: Vec<FloatInput>,
    /// Passes down.
    pub down: Vec<MeansDown>,
}

/// What an f32 file gives for one input.
#[derive(Clone, Debug, Deserialize)]
pub struct FloatInput {
    /// What the sensor gives.
    pub raw: Vec<f32>,
    /// The same as values.
    pub v: Vec<f32>,
    /// Means of every layer of the recognition pass below the classes.
    pub layers: Vec<Vec<f64>>,
    /// Scores of the classes, if there are any.
    pub scores: Vec<f64>,
    /// Free energy of the input, if layer 0 is a machine.
    pub free_energy: Option<f64>,
}

/// Means of the inputs given a state of the top machine.
#[derive(Clone, Debug, Deserialize)]
pub struct MeansDown {
    /// Its visible units.
    pub top: Vec<f32>,
    /// Means of the inputs.
    pub means: Vec<f64>,
}

/// One block of random words.
#[derive(Clone, Debug, Deserialize)]
pub struct Words {
    /// The counter.
    pub counter: [u32; 4],
    /// The key.
    pub key: [u32; 2],
    /// Philox4x32-10 of them.
    pub words: [u32; 4],
}

/// One step of CD-1 from one sample.
#[derive(Clone, Debug, Deserialize)]
pub struct UpdateCase {
    /// What the case is called.
    pub name: String,
    /// The machine before the step.
    #[serde(flatten)]
    pub machine: Machine,
    /// Learning rate.
    pub rate: f32,
    /// Momentum.
    pub momentum: f32,
    /// Weight decay.
    pub decay: f32,
    /// Seed of the chain's draws.
    pub seed: u64,
    /// The sample.
    pub data: Vec<f32>,
    /// The visible state that the chain reached.
    pub model: Vec<f64>,
    /// Velocities before the step.
    pub velocities_before: Moving,
    /// Velocities after it.
    pub velocities: Gradient,
    /// Parameters after it.
    pub after: Gradient,
}

/// Velocities as `ebm-core` holds them.
#[derive(Clone, Debug, Deserialize)]
pub struct Moving {
    /// Of `W`, a row a visible unit.
    pub weights: Vec<Vec<f32>>,
    /// Of `a`.
    pub visible_bias: Vec<f32>,
    /// Of `b`.
    pub hidden_bias: Vec<f32>,
}
