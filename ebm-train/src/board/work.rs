//! What an operation of a model consists of: kinds of work, and how often each occurs. A board has a price for each.
//!
//! The counts follow the kernels of ebm-core: outputs are summed in tiles of `TILE` and blocks of `BLOCK`, inputs in words of as many weights as
//! one holds. What is left of a column after its whole words is counted apart, and so is what a kernel passes by because an input is off.

use ebm_core::format::{LayerHeader, LayerKind, NumberFormat};
use ebm_core::kernel::integer::Storage;
use std::collections::BTreeMap;

/// Outputs whose sums are handed out together.
const TILE: u32 = 16;
/// Outputs that share an input.
const BLOCK: u32 = 4;
/// Inputs that a word of marks stands for.
const MARKS: u32 = 32;
/// From this share of words that are off, sums over columns of bytes pass them by.
const SPARSE: f64 = 0.125;

/// How often each kind of work occurs.
pub type Work = BTreeMap<String, f64>;

/// What a device can be asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// The fields of the first layer of the recognition pass.
    HiddenField,
    /// Class and scores.
    Inference,
    /// The free energy of an input under the machine over the inputs.
    FreeEnergy,
    /// A step of a chain over the same machine, this share of whose hidden units is on.
    GibbsStep {
        /// The share.
        hidden_on: f64,
    },
    /// A mean-field step of it, which tells what a hidden unit that is on costs from what any costs.
    MeanFieldStep,
}

impl Operation {
    /// Its name among the kinds of work.
    const fn name(self) -> &'static str {
        match self {
            Self::HiddenField => "field",
            Self::Inference => "inference",
            Self::FreeEnergy => "free_energy",
            Self::GibbsStep { .. } => "gibbs_step",
            Self::MeanFieldStep => "mean_field_step",
        }
    }
}

/// Shares of a model's inputs that kernels tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Inputs that are 1.
    pub on: f64,
    /// Inputs between 0 and 1.
    pub between: f64,
    /// Words of four inputs that are all 0.
    pub off_words: f64,
}

impl Inputs {
    /// Every level from 0 to 16 as often as any other: what the firmware measures as `dense`.
    pub const DENSE: Self = Self { on: 1.0 / 17.0, between: 15.0 / 17.0, off_words: 0.0 };
    /// What a hidden layer gives.
    pub const PROBABILITIES: Self = Self { on: 0.0, between: 1.0, off_words: 0.0 };
    /// States of which a fifth are on, drawn independently.
    pub const FIFTH: Self = Self { on: 0.2, between: 0.0, off_words: 0.41 };

    /// The shares among one sample's values.
    pub fn of(values: &[f32]) -> Self {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let count = |is: fn(&f32) -> bool| share(values.iter().filter(|value| is(value)).count(), values.len());
        let words = values.as_chunks::<4>().0;
        Self {
            on: count(|&value| value >= 1.0),
            between: count(|&value| value > 0.0 && value < 1.0),
            off_words: share(words.iter().filter(|word| word.iter().all(|&value| value <= 0.0)).count(), words.len()),
        }
    }

    /// The mean of several samples' shares.
    pub fn mean(samples: impl IntoIterator<Item = Self>) -> Self {
        let (mut sum, mut count) = (Self::default(), 0.0);
        for Self { on, between, off_words } in samples {
            sum.on += on;
            sum.between += between;
            sum.off_words += off_words;
            count += 1.0;
        }
        let part = 1.0 / f64::max(count, 1.0);
        Self { on: sum.on * part, between: sum.between * part, off_words: sum.off_words * part }
    }
}

/// What a model meets in use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// The inputs that it is asked about.
    pub inputs: Inputs,
    /// The visible states of a chain.
    pub states: Inputs,
    /// The share of a chain's hidden units that are on.
    pub hidden_on: f64,
}

impl Usage {
    /// Dense inputs, and what chains over machines of random weights come to.
    pub const TYPICAL: Self = Self { inputs: Inputs::DENSE, states: Inputs::FIFTH, hidden_on: 0.5 };
}

/// The work of an operation of a model with these layers; `None` where the model has no such operation, or units that no board has a price for:
/// other than Bernoulli ones.
pub fn work(layers: &[LayerHeader], operation: Operation, inputs: Inputs) -> Option<Work> {
    let machine = layers.first()?;
    let stack = stack(layers);
    let mut tally = Tally { operation: operation.name(), work: Work::new() };
    match operation {
        Operation::HiddenField => {
            let first = stack.first().filter(|layer| is_hidden(layer))?;
            tally.own("call", 1);
            tally.own("unit", first.hidden);
            tally.sums(first, inputs);
        }
        Operation::Inference => {
            let (head, below) = stack.split_last().filter(|(head, _)| head.kind == LayerKind::Head)?;
            tally.own("call", 1);
            tally.own("class", head.hidden);
            let mut inputs = inputs;
            for layer in below {
                is_hidden(layer).then_some(())?;
                tally.own("layer", 1);
                tally.own("unit", layer.hidden);
                tally.sums(layer, inputs);
                inputs = Inputs::PROBABILITIES;
            }
            tally.sums(head, inputs);
            // A layer is found by going over those below it.
            let passed = (layers.len() - stack.len()..layers.len()).sum::<usize>();
            tally.own("layer_passed", passed as u32);
        }
        Operation::FreeEnergy => {
            is_machine(machine).then_some(())?;
            tally.own("call", 1);
            tally.own("visible", machine.visible);
            tally.own("hidden", machine.hidden);
            tally.sums(machine, inputs);
        }
        Operation::GibbsStep { .. } | Operation::MeanFieldStep => {
            is_machine(machine).then_some(())?;
            tally.own("call", 1);
            tally.own("visible", machine.visible);
            tally.own("hidden", machine.hidden);
            tally.sums(machine, inputs);
            tally.sums_down(machine, if let Operation::GibbsStep { hidden_on } = operation { hidden_on } else { 1.0 });
        }
    }
    Some(tally.work)
}

/// The layers of the recognition pass: all but a machine beside them.
pub fn stack(layers: &[LayerHeader]) -> &[LayerHeader] {
    let beside = layers.first().is_some_and(|layer| layer.kind == LayerKind::Generative);
    &layers[usize::from(beside)..]
}

/// Weights of a column that are taken at once: those of a word, or lanes of a dot product in f32.
pub(super) fn word(numbers: NumberFormat) -> u32 {
    match numbers.as_integer().map(|(storage, _)| storage) {
        Some(Storage::Int8 | Storage::Int8Rows) => 4,
        Some(Storage::Int4) | None => 8,
        Some(Storage::Sign) => 32,
    }
}

/// Is it a machine, whatever its units?
pub(super) fn is_any_machine(layer: &LayerHeader) -> bool {
    is_machine(layer) || matches!(layer.kind, LayerKind::Rbm(_) | LayerKind::GenerativeRbm(_))
}

fn is_machine(layer: &LayerHeader) -> bool {
    matches!(layer.kind, LayerKind::BernoulliRbm | LayerKind::Generative)
}

fn is_hidden(layer: &LayerHeader) -> bool {
    matches!(layer.kind, LayerKind::BernoulliRbm | LayerKind::Sigmoid)
}

/// What has been counted of an operation.
struct Tally {
    operation: &'static str,
    work: Work,
}

impl Tally {
    /// Adds what is the operation's own: of every call of it, then of every unit.
    fn own(&mut self, of: &str, count: u32) {
        self.add(&format!("{}.{of}", self.operation), count);
    }

    fn add(&mut self, kind: &str, count: u32) {
        self.add_share(kind, count, 1.0);
    }

    /// Adds a share of `count`.
    fn add_share(&mut self, kind: &str, count: u32, share: f64) {
        let count = f64::from(count) * share;
        if count != 0.0 {
            *self.work.entry(kind.to_owned()).or_default() += count;
        }
    }

    /// `Σ_i w_ij·x_i` for every output j.
    fn sums(&mut self, layer: &LayerHeader, seen: Inputs) {
        let (inputs, outputs) = (layer.visible, layer.hidden);
        let of = |what: &str| format!("{}.{what}", layer.numbers.name());
        let off = 1.0 - seen.on - seen.between;
        let Some((storage, _)) = layer.numbers.as_integer() else {
            self.add(&of("word"), outputs * (inputs / word(layer.numbers)));
            // Inlined into each operation, and there compiled in its own way.
            self.own("rest", outputs * (inputs % word(layer.numbers)));
            return self.add_share(&of("off"), outputs * inputs, off);
        };
        self.add(&of("input"), inputs);
        let (tiles, blocks) = (outputs.div_ceil(TILE), outputs.div_ceil(BLOCK));
        self.add(&of("tile"), tiles);
        if storage == Storage::Int8Rows {
            self.add(&of("marks"), tiles * inputs.div_ceil(MARKS));
            self.add_share(&of("off_word"), inputs, seen.off_words);
            self.add_share(&of("on"), tiles * inputs, seen.on);
            return self.add_share(&of("between"), tiles * inputs, seen.between);
        }
        let in_rest = if storage == Storage::Int8 { 1 } else { 4 };
        let (words, rest) = (inputs / word(layer.numbers), inputs % word(layer.numbers));
        self.add(&of("word"), blocks * words);
        let fours = if storage == Storage::Int8 { 0 } else { blocks * (inputs / 4) };
        if words > 0 {
            self.add_share(&of("off_four"), fours, seen.off_words);
            self.add(&of("rest"), blocks * rest.div_ceil(in_rest));
            self.add(&of("end"), blocks * u32::from(rest > 0));
        } else {
            // No whole word: no assembly either.
            self.add(&of("short"), blocks * rest.div_ceil(in_rest));
            self.add_share(&of("short_off_four"), fours, seen.off_words);
        }
        // Fewer outputs than a block: no assembly.
        if (1..BLOCK).contains(&(outputs % TILE)) {
            self.add(&of("few"), inputs);
        }
        if storage == Storage::Int8 && seen.off_words > SPARSE {
            self.add(&of("sparse_word"), blocks * words);
            self.add_share(&of("off_word"), blocks * words, seen.off_words);
            self.add_share(&of("off"), blocks * inputs, off);
        }
    }

    /// `Σ_j w_ij·h_j` for every visible unit i, where this share of the hidden ones is on.
    fn sums_down(&mut self, machine: &LayerHeader, on: f64) {
        let (visible, hidden) = (machine.visible, machine.hidden);
        let of = |what: &str| format!("{}.{what}", machine.numbers.name());
        if machine.numbers == NumberFormat::F32 {
            return self.add_share(&of("down"), visible * hidden, on);
        }
        let tiles = visible / TILE * hidden;
        let ends = u32::from(visible % TILE > 0) * hidden;
        self.add("down", tiles + ends);
        self.add_share(&of("down"), tiles, on);
        self.add_share(&of("down_end"), ends, on);
        self.add_share(&of("down_rest"), visible % TILE * hidden, on);
    }
}
