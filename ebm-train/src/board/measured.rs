//! What QEMU measured of nets on a board, and the prices that follow from it.

use super::chain;
use super::fit::{cost, prices};
use super::need::Sizes;
use super::work::{Inputs, Operation, Usage, Work};
use super::{Board, Costs, Rates};
use crate::Error;
use crate::export::ModelFile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Steps of the app's chain.
const STEPS: usize = 16;

/// Nets on a board, as `cargo xtask costs` measures them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The board, without costs.
    pub board: Board,
    /// The program whose flash and RAM these are.
    pub program: String,
    /// The compiler's name and version.
    pub compiler: String,
    /// The emulator's name and version.
    pub emulator: String,
    /// As [`Costs::passes_by_inputs`].
    pub passes_by_inputs: bool,
    /// What was measured of each net.
    pub nets: Vec<Net>,
}

/// What was measured of a net.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// The model file.
    pub model: PathBuf,
    /// Bytes of flash: the program and the slots.
    pub flash_bytes: f64,
    /// Bytes of RAM that are taken for good.
    pub static_ram_bytes: f64,
    /// Bytes of stack, where it is deepest.
    pub stack_bytes: f64,
    /// What the firmware's app `kernels` says: instructions of each operation.
    pub facts: BTreeMap<String, f64>,
}

/// How far prices are from what was measured, at most.
#[derive(Clone, Debug)]
pub struct Largest {
    /// What was measured.
    pub what: String,
    /// Of which net.
    pub net: String,
    /// Predicted over measured, less one.
    pub error: f64,
}

/// Measurements of one kind.
type Rows = Vec<(Work, f64)>;

/// Measurements of nets of one kind of numbers.
#[derive(Default)]
struct Table {
    program: Rows,
    static_ram: Rows,
    stack: Rows,
    instructions: Rows,
    /// Which net and number format each row of instructions is of, and what was measured.
    names: Vec<(String, String)>,
}

impl Measured {
    /// The board with its prices, and their largest errors of each operation and number format.
    pub fn fitted(&self) -> Result<(Board, Vec<Largest>), Error> {
        let (mut float, mut integer) = (Table::default(), Table::default());
        for net in &self.nets {
            let file = ModelFile::read(&net.model)?;
            let model = file.model()?;
            let sizes = Sizes::of(&model, file.bytes().len());
            let table = if sizes.is_float() { &mut float } else { &mut integer };
            let ram_bytes = self.board.ram_bytes;
            let program_bytes = net.flash_bytes - sizes.slot_bytes(self.board.page_bytes) as f64;
            table.program.push((sizes.kinds(ram_bytes), program_bytes));
            table.static_ram.push((sizes.statics(ram_bytes), net.static_ram_bytes));
            table.stack.push((sizes.kinds(ram_bytes), net.stack_bytes));
            // The app's chain, draw by draw.
            let chain = chain::usage(&model, |unit| unit.is_multiple_of(5), 0, STEPS).unwrap_or(Usage::TYPICAL);
            for (fact, &count) in &net.facts {
                let Some((operation, inputs)) = question(fact, model.inputs(), chain) else { continue };
                let Some(work) = Costs::work(self.passes_by_inputs, &sizes, operation, inputs) else { continue };
                table.instructions.push((work, count));
                let numbers = sizes.layers.first().map_or("", |layer| layer.numbers.name());
                let name = net.model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                table.names.push((name, format!("{numbers}: {fact}")));
            }
        }
        let (of_floats, of_integers) = (float.rates(), integer.rates());
        let mut largest = float.largest(&of_floats, "floats");
        largest.extend(integer.largest(&of_integers, "integers"));
        let costs = Costs {
            program: self.program.clone(),
            compiler: self.compiler.clone(),
            emulator: self.emulator.clone(),
            passes_by_inputs: self.passes_by_inputs,
            float: of_floats,
            integer: of_integers,
        };
        let costs = (!self.nets.is_empty()).then_some(costs);
        Ok((Board { costs, ..self.board.clone() }, largest))
    }
}

impl Table {
    fn rates(&self) -> Rates {
        Rates {
            program_bytes: prices(&self.program),
            static_ram_bytes: prices(&self.static_ram),
            stack_bytes: prices(&self.stack),
            instructions: prices(&self.instructions),
        }
    }

    /// The largest error of each kind of measurement.
    fn largest(&self, rates: &Rates, numbers: &str) -> Vec<Largest> {
        let mut worst: BTreeMap<String, Largest> = BTreeMap::new();
        let mut see = |what: String, net: &str, predicted: f64, measured: f64| {
            let error = (predicted - measured) / measured.max(1.0);
            let largest = Largest { what: what.clone(), net: net.to_owned(), error };
            let known = worst.entry(what).or_insert_with(|| largest.clone());
            if error.abs() > known.error.abs() {
                *known = largest;
            }
        };
        for ((work, measured), (net, what)) in self.instructions.iter().zip(&self.names) {
            see(what.clone(), net, cost(&rates.instructions, work), *measured);
        }
        let of_memory = [
            ("program", &self.program, &rates.program_bytes),
            ("static RAM", &self.static_ram, &rates.static_ram_bytes),
            ("stack", &self.stack, &rates.stack_bytes),
        ];
        for (what, rows, prices) in of_memory {
            for (work, measured) in rows {
                see(format!("{numbers}: {what}"), "", cost(prices, work), *measured);
            }
        }
        worst.into_values().collect()
    }
}

/// What a fact of the app is the instructions of, for a net of so many inputs and with these states of its chain.
fn question(fact: &str, inputs: usize, chain: Usage) -> Option<(Operation, Inputs)> {
    let name = fact.strip_prefix("instructions_")?;
    let Usage { states, hidden_on, .. } = chain;
    match name {
        "gibbs_step" => return Some((Operation::GibbsStep { hidden_on }, states)),
        "mean_field_step" => return Some((Operation::MeanFieldStep, states)),
        _ => {}
    }
    let (operation, kind) = name.rsplit_once('_')?;
    let operation = match operation {
        "hidden_field" => Operation::HiddenField,
        "inference" => Operation::Inference,
        "free_energy" => Operation::FreeEnergy,
        _ => return None,
    };
    // As the app makes them.
    let value: fn(usize) -> f32 = match kind {
        "dense" => |unit| ((unit * 7 + 3) % 17) as f32 / 16.0,
        "binary" => |unit| f32::from(unit.is_multiple_of(5)),
        "sparse" => |unit| f32::from(unit.is_multiple_of(16)),
        _ => return None,
    };
    Some((operation, Inputs::of(&(0..inputs).map(value).collect::<Vec<_>>())))
}
