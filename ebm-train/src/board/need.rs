//! What a model takes of a board, and what would make it fit.

use super::fit::cost;
use super::work::{Inputs, Operation, Usage, Work, is_any_machine, stack, word, work};
use super::{Board, Costs, Rates};
use ebm_core::Model;
use ebm_core::format::{ALIGNMENT, LayerHeader, LayerKind, NumberFormat};
use ebm_core::kernel::integer::Storage;
use ebm_core::wire;

/// Bytes of a slot ahead of its model: `ebm-firmware/src/slots/record.rs`.
const RECORD: u64 = 32;

/// A model's sizes: those of a file, or of one that there might be.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Its layers.
    pub layers: Vec<LayerHeader>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the names of its classes.
    pub labels: usize,
    /// Does it scale its inputs, which then are sent as numbers of four bytes?
    pub is_scaled: bool,
}

/// What the program that answers a host takes of a board, with a model and a slot for another in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Flash, in whole pages: the program and both slots.
    pub flash_bytes: u64,
    /// RAM that is taken for good.
    pub static_ram_bytes: u64,
    /// The stack, where it is deepest.
    pub stack_bytes: u64,
    /// Bytes of the model that an inference reads, each once.
    pub flash_bytes_read_per_inference: Option<u64>,
    /// Instructions of class and scores; `None` without a head, or of other units than Bernoulli ones.
    pub instructions_per_inference: Option<u64>,
    /// Instructions of a free energy; `None` without a machine over the inputs, likewise.
    pub instructions_per_free_energy: Option<u64>,
    /// Instructions of a step of a chain over that machine.
    pub instructions_per_gibbs_step: Option<u64>,
}

impl Sizes {
    /// Those of a file.
    pub fn of(model: &Model<'_>, bytes: usize) -> Self {
        let header = model.header();
        Self {
            layers: header.layers.to_vec(),
            bytes: bytes as u64,
            labels: header.labels.len(),
            is_scaled: header.scaling.is_some(),
        }
    }

    /// The same with other layers: header and padding stay.
    fn with(&self, layers: Vec<LayerHeader>) -> Self {
        let parameters = |layers: &[LayerHeader]| layers.iter().map(parameter_bytes).sum::<u64>();
        let bytes = (self.bytes + parameters(&layers)).saturating_sub(parameters(&self.layers));
        Self { layers, bytes, ..*self }
    }

    /// With every hidden layer narrower, in proportion, the widest being `width`.
    pub fn narrowed(&self, width: u32) -> Self {
        let mut layers = self.layers.clone();
        let widest = self.widest();
        let narrower = |hidden: u32| (u64::from(hidden) * u64::from(width)).div_ceil(u64::from(widest)) as u32;
        let first = usize::from(stack(&layers).len() < layers.len());
        for index in 0..layers.len() {
            if layers[index].kind != LayerKind::Head {
                layers[index].hidden = narrower(layers[index].hidden);
            }
            if index > first {
                layers[index].visible = layers[index - 1].hidden;
            }
        }
        self.with(layers)
    }

    /// With weights stored so, but for the head, which takes int8.
    pub fn stored(&self, storage: Storage) -> Self {
        let mut layers = self.layers.clone();
        for layer in &mut layers {
            let storage = if layer.kind == LayerKind::Head { Storage::Int8 } else { storage };
            layer.numbers = NumberFormat::integer(storage, 0);
        }
        self.with(layers)
    }

    /// Hidden units of the widest layer below the head.
    pub fn widest(&self) -> u32 {
        self.hidden().into_iter().max().unwrap_or(1).max(1)
    }

    /// Hidden units of every layer of the recognition pass.
    pub fn hidden(&self) -> Vec<u32> {
        stack(&self.layers).iter().filter(|layer| layer.kind != LayerKind::Head).map(|layer| layer.hidden).collect()
    }

    /// Values that an inference works in, as [`Model::work_len`] has them.
    fn work(&self) -> u64 {
        let widths = if self.layers.len() > 1 { self.hidden() } else { Vec::new() };
        let neighbours = widths.windows(2).map(|pair| pair.iter().copied().map(u64::from).sum());
        neighbours.max().or(widths.first().copied().map(u64::from)).unwrap_or(0)
    }

    pub(super) fn is_float(&self) -> bool {
        self.layers.first().is_none_or(|layer| layer.numbers == NumberFormat::F32)
    }

    /// Bytes of the two slots in flash that is erased by pages.
    pub fn slot_bytes(&self, page_bytes: u64) -> u64 {
        2 * (RECORD + self.bytes).next_multiple_of(page_bytes)
    }

    /// Bytes of the copy of the file in which the program learns: of floats, where that takes at most half of RAM.
    fn copied(&self, ram_bytes: u64) -> u64 {
        if self.is_float() && self.bytes <= ram_bytes / 2 { self.bytes } else { 0 }
    }

    /// Bytes of all that the program works in but its stack: `ebm_core::service::Memory` and the line's buffers.
    fn state_bytes(&self, ram_bytes: u64) -> u64 {
        let inputs = self.layers.first().map_or(0, |layer| layer.visible as usize);
        let machine = self.layers.first().filter(|layer| is_any_machine(layer));
        let hidden = machine.map_or(0, |layer| layer.hidden as usize);
        let classes = self.layers.last().map_or(0, |layer| layer.classes() as usize);
        let copied = self.copied(ram_bytes);
        let learnt = if copied == 0 { 0 } else { inputs.max(hidden) };
        let value = if self.is_float() { size_of::<f32>() } else { size_of::<u8>() };
        let values = 2 * inputs + hidden + self.work() as usize + 3 * learnt;
        let memory = value * values + inputs + size_of::<i32>() * classes + copied as usize;
        let is_short = !self.is_float() && !self.is_scaled;
        let in_a_message = if is_short { wire::SHORT_VALUE } else { wire::LONG_VALUE };
        let (body, frame) = wire::buffer_lens(inputs, in_a_message, classes, self.labels);
        (memory.next_multiple_of(ALIGNMENT) + body + frame) as u64
    }

    /// What decides how long the program is and how deep its stack: the code that such a model needs, whatever its size.
    pub fn kinds(&self, ram_bytes: u64) -> Work {
        let numbers = self.layers.first().map_or("", |layer| layer.numbers.name());
        let mut kinds = vec!["program".to_owned(), numbers.to_owned()];
        // What is left of a column after its whole words is summed one call deeper.
        let mut below = self.layers.iter().filter(|layer| layer.kind != LayerKind::Head);
        if below.any(|layer| layer.visible % word(layer.numbers) > 0) {
            kinds.push(format!("{numbers}.rest"));
        }
        if self.copied(ram_bytes) > 0 {
            kinds.push("learning".to_owned());
        }
        kinds.into_iter().map(|kind| (kind, 1.0)).collect()
    }

    /// What the program's static RAM consists of.
    pub fn statics(&self, ram_bytes: u64) -> Work {
        let state = self.state_bytes(ram_bytes) as f64;
        Work::from([("program".to_owned(), 1.0), ("state_byte".to_owned(), state)])
    }
}

impl Costs {
    /// The prices for a model.
    pub fn rates(&self, sizes: &Sizes) -> &Rates {
        if sizes.is_float() { &self.float } else { &self.integer }
    }

    /// The work of an operation, as this board's kernels do it.
    pub fn work(passes_by_inputs: bool, sizes: &Sizes, operation: Operation, inputs: Inputs) -> Option<Work> {
        let mut work = work(&sizes.layers, operation, inputs)?;
        work.remove(if passes_by_inputs { "int8.off_word" } else { "int8.off" });
        Some(work)
    }
}

impl Board {
    /// What a model takes; `None` where nothing was measured.
    pub fn need(&self, sizes: &Sizes, usage: Usage) -> Option<Need> {
        let Usage { inputs, states, hidden_on } = usage;
        let costs = self.costs.as_ref()?;
        let rates = costs.rates(sizes);
        let (kinds, statics) = (sizes.kinds(self.ram_bytes), sizes.statics(self.ram_bytes));
        let program = whole(cost(&rates.program_bytes, &kinds)).next_multiple_of(self.page_bytes);
        let instructions = |operation, inputs| {
            let work = Costs::work(costs.passes_by_inputs, sizes, operation, inputs)?;
            Some(whole(cost(&rates.instructions, &work)))
        };
        Some(Need {
            flash_bytes: program + sizes.slot_bytes(self.page_bytes),
            static_ram_bytes: whole(cost(&rates.static_ram_bytes, &statics)),
            stack_bytes: whole(cost(&rates.stack_bytes, &kinds)),
            flash_bytes_read_per_inference: read_per_inference(sizes, inputs),
            instructions_per_inference: instructions(Operation::Inference, inputs),
            instructions_per_free_energy: instructions(Operation::FreeEnergy, inputs),
            instructions_per_gibbs_step: instructions(Operation::GibbsStep { hidden_on }, states),
        })
    }

    /// Has the board what the model takes?
    pub fn fits(&self, need: &Need) -> bool {
        need.flash_bytes <= self.flash_bytes && need.static_ram_bytes + need.stack_bytes <= self.ram_bytes
    }

    /// Does a model of these sizes fit?
    pub fn holds(&self, sizes: &Sizes) -> bool {
        self.need(sizes, Usage::TYPICAL).is_some_and(|need| self.fits(&need))
    }

    /// The most hidden units that fit, a number a layer, in the proportion of the model's; `None` where not even one does.
    pub fn most_hidden(&self, sizes: &Sizes) -> Option<Vec<u32>> {
        let mut narrower = (1..sizes.widest()).rev().map(|width| sizes.narrowed(width));
        narrower.find(|sizes| self.holds(sizes)).map(|sizes| sizes.hidden())
    }

    /// The narrower storages in which the model fits.
    pub fn fitting_storages(&self, sizes: &Sizes) -> Vec<Storage> {
        let storages = [Storage::Int8, Storage::Int4, Storage::Sign].into_iter();
        let narrower = storages.filter(|&storage| sizes.stored(storage).bytes < sizes.bytes);
        narrower.filter(|&storage| self.holds(&sizes.stored(storage))).collect()
    }
}

/// The nearest whole number of what a fit gives.
fn whole(cost: f64) -> u64 {
    cost.max(0.0).round() as u64
}

/// Bytes of a layer's weights.
fn weight_bytes(layer: &LayerHeader) -> u64 {
    let (inputs, outputs) = (layer.visible as usize, layer.hidden as usize);
    let words = layer.numbers.as_integer().map_or(inputs * outputs, |(storage, _)| storage.words(inputs, outputs));
    4 * words as u64
}

/// Bytes of a layer's sections in a file. Of a directed layer and of other units' sections it is an estimate.
fn parameter_bytes(layer: &LayerHeader) -> u64 {
    let (visible, hidden) = (u64::from(layer.visible), u64::from(layer.hidden));
    let is_machine = !matches!(layer.kind, LayerKind::Head | LayerKind::Sigmoid | LayerKind::Rectifier);
    let is_integer = layer.numbers != NumberFormat::F32;
    let sections = [
        weight_bytes(layer),
        4 * hidden,
        if is_machine { 4 * visible } else { 0 },
        if is_integer { 4 * hidden } else { 0 },
        if is_machine && is_integer { 2 * hidden } else { 0 },
    ];
    sections.iter().map(|bytes| bytes.next_multiple_of(ALIGNMENT as u64)).sum()
}

/// Weights, biases and scales of the recognition pass. Of rows only those whose input is not off are read.
fn read_per_inference(sizes: &Sizes, inputs: Inputs) -> Option<u64> {
    sizes.layers.last().filter(|layer| layer.kind == LayerKind::Head)?;
    let mut seen = inputs;
    let mut bytes = 0.0;
    for layer in stack(&sizes.layers) {
        let in_rows = layer.numbers.as_integer().is_some_and(|(storage, _)| storage == Storage::Int8Rows);
        let share = if in_rows { seen.on + seen.between } else { 1.0 };
        let of_a_unit = if layer.numbers == NumberFormat::F32 { 4.0 } else { 8.0 };
        bytes += weight_bytes(layer) as f64 * share + of_a_unit * f64::from(layer.hidden);
        seen = Inputs::PROBABILITIES;
    }
    Some(whole(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebm_core::Float;
    use ebm_core::service::Memory;

    /// A machine beside a stack of two hidden layers and a head.
    fn sizes() -> Sizes {
        let layer = |kind, visible, hidden| LayerHeader { kind, numbers: NumberFormat::F32, visible, hidden };
        let layers = vec![
            layer(LayerKind::Generative, 64, 100),
            layer(LayerKind::Sigmoid, 64, 100),
            layer(LayerKind::Sigmoid, 100, 50),
            layer(LayerKind::Head, 50, 10),
        ];
        let bytes = layers.iter().map(parameter_bytes).sum::<u64>() + 128;
        Sizes { layers, bytes, labels: 0, is_scaled: false }
    }

    #[test]
    fn a_narrower_net_keeps_its_proportions_and_its_ends() {
        let narrowed = sizes().narrowed(30);
        assert_eq!(narrowed.hidden(), [30, 15]);
        let shapes: Vec<_> = narrowed.layers.iter().map(|layer| (layer.visible, layer.hidden)).collect();
        assert_eq!(shapes, [(64, 30), (64, 30), (30, 15), (15, 10)]);
        let parameters = 2 * (64 * 30 + 30) + 64 + (30 * 15 + 15) + (15 * 10 + 10);
        // Sections begin at multiples of 16.
        assert!((4 * parameters + 128..4 * parameters + 128 + 9 * 16).contains(&narrowed.bytes), "{}", narrowed.bytes);
    }

    #[test]
    fn the_state_is_as_large_as_the_firmware_s() {
        const V: usize = 64;
        const H: usize = 100;
        let (body, frame) = wire::buffer_lens(V, wire::LONG_VALUE, 10, 0);
        assert_eq!(sizes().state_bytes(0) as usize - body - frame, size_of::<Memory<Float, V, H, 150, 10, 0, 0>>());
        const COPY: usize = 88_000;
        let copied = Sizes { bytes: COPY as u64, ..sizes() };
        assert_eq!(
            copied.state_bytes(1 << 20) as usize - body - frame,
            size_of::<Memory<Float, V, H, 150, 10, COPY, H>>()
        );
    }

    #[test]
    fn fewer_bits_take_fewer_bytes() {
        let bytes = [Storage::Int8, Storage::Int4, Storage::Sign].map(|storage| sizes().stored(storage).bytes);
        assert!(sizes().bytes > bytes[0] && bytes.is_sorted_by(|more, fewer| more > fewer), "{bytes:?}");
    }
}
