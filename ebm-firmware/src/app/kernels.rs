//! What each operation of the model in flash costs on this board, whatever the model is: instructions and stack.

use core::fmt::Display;
use core::hint::black_box;

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Beta, Chain, Held, Machine, Model, ModelError, Numbers as _};
use embedded_io::Write;

use super::cost::Cost;
use super::{AppError, introduce, report_memory};
use crate::board::Board;
use crate::model::{self, CLASSES, HIDDEN, INPUTS, Numbers, VISIBLE, WORK};

type Value = <Numbers as ebm_core::Numbers>::Value;
type Score = <Numbers as ebm_core::Numbers>::Score;

/// Seed of the Gibbs chains.
const SEED: u64 = 1;
/// Steps of a chain whose mean is taken.
const STEPS: usize = 16;
/// Of the binary input, every so manieth unit is on.
const BINARY_PERIOD: usize = 5;
/// Likewise of the sparse one, of which most words of four units are off.
const SPARSE_PERIOD: usize = 16;
/// Of the inputs between off and on, the finest level.
const LEVELS: u16 = 16;
/// Of the held units of a clamped chain, so many of each eight.
const HELD_OF_EIGHT: usize = 6;

/// Fields of the first hidden layer, at most.
const FIELDS: usize = if WORK > HIDDEN { WORK } else { HIDDEN };

/// Where the operations work: in one place on the stack, so that what a shape takes of it is a sum over its sizes.
struct Buffers {
    input: [Value; INPUTS],
    fields: [Score; FIELDS],
    work: [Value; WORK],
    scores: [Score; CLASSES],
    chain: Chain<Value, VISIBLE, HIDDEN>,
    known: [Value; VISIBLE],
    held: [bool; VISIBLE],
}

/// Prints instructions and stack of every operation, for inputs between off and on (`dense`) and for binary ones (`binary`, `sparse`).
pub fn kernels<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    introduce(board, "kernels")?;
    let parse = || Model::parse_as::<Numbers>(black_box(model::bytes()));
    measure(board, "parse", "", || {
        black_box(parse()?);
        Ok(())
    })?;
    let model = parse()?;
    let off = Value::default();
    let mut buffers = Buffers {
        input: [off; INPUTS],
        fields: [Score::default(); FIELDS],
        work: [off; WORK],
        scores: [Score::default(); CLASSES],
        chain: Chain::from_states([off; VISIBLE], [off; HIDDEN]),
        known: [off; VISIBLE],
        held: core::array::from_fn(|unit| unit % 8 < HELD_OF_EIGHT),
    };
    measure(board, "values", "", || model.values::<Numbers>(&[1u16; INPUTS], &mut buffers.input))?;
    let dense = |unit| Numbers::from_level((unit * 7 + 3) as u16 % (LEVELS + 1), LEVELS);
    answer(board, &model, "dense", &dense, &mut buffers)?;
    answer(board, &model, "sparse", &|unit| one_in(SPARSE_PERIOD, unit), &mut buffers)?;
    answer(board, &model, "binary", &|unit| one_in(BINARY_PERIOD, unit), &mut buffers)?;
    if HIDDEN > 0 {
        sample(board, &model, &mut buffers)?;
    }
    report_memory(board)?;
    Ok(())
}

/// A binary input of which every `period`-th unit is on.
fn one_in(period: usize, unit: usize) -> Value {
    Numbers::from_bit(unit.is_multiple_of(period))
}

/// The operations that answer something of an input.
fn answer<B: Board>(
    board: &mut B,
    model: &Model<'_>,
    kind: &str,
    value: &dyn Fn(usize) -> Value,
    buffers: &mut Buffers,
) -> Result<(), AppError<B>> {
    let Buffers { input, fields, work, scores, .. } = buffers;
    for (unit, input) in input.iter_mut().enumerate() {
        *input = value(unit);
    }
    let layer = model.hidden_layer::<Numbers>(model.first_hidden())?;
    let fields = fields.get_mut(..Numbers::outputs(&layer)).unwrap_or_default();
    measure(board, "hidden_field", kind, || Ok(Numbers::field(&layer, input, fields)?))?;
    show(board, format_args!("hidden_field_{kind}"), fields)?;

    if CLASSES > 0 {
        measure(board, "inference", kind, || model.classify::<Numbers>(input, work, scores))?;
        show(board, format_args!("inference_{kind}"), scores)?;
    }
    if HIDDEN == 0 {
        return Ok(());
    }
    let free_energy = measure(board, "free_energy", kind, || model.free_energy::<Numbers>(input))?;
    show(board, format_args!("free_energy_{kind}"), &[free_energy])
}

/// The operations that draw a state, from the input.
fn sample<B: Board>(board: &mut B, model: &Model<'_>, buffers: &mut Buffers) -> Result<(), AppError<B>> {
    let Buffers { input, chain, known, held, .. } = buffers;
    let machine = model.machine::<Numbers>()?;
    let mut rng = Philox::new(SEED, Stream::new(Purpose::Free));
    // Labels, which are no inputs, start off.
    for (known, input) in known.iter_mut().zip(input) {
        *known = *input;
    }
    *chain.visible_mut() = *known;
    // What a step costs depends on how many units it finds on.
    let mut steps = Cost::default();
    for _ in 0..STEPS {
        let (result, instructions) = board.count_instructions(|| chain.gibbs_step(&machine, &mut rng));
        result?;
        steps.add(instructions);
    }
    steps.report(board, "instructions_gibbs_step")?;
    let (result, stack) = board.measure_stack(|| chain.gibbs_step(&machine, &mut rng));
    result?;
    if let Some(bytes) = stack {
        writeln!(board.console(), "stack_bytes_gibbs_step: {bytes}")?;
    }

    let held = Held { known, held };
    measure(board, "clamped_gibbs_step", "", || Ok(chain.gibbs_step_held(Beta::ONE, held, &machine, &mut rng)?))?;
    measure(board, "mean_field_step", "", || Ok(chain.mean_field_step(&machine)?))?;
    let free_energy = machine.free_energy(chain.visible())?;
    show(board, format_args!("chain"), &[free_energy])
}

/// Does an operation twice, for its instructions and for its stack, and prints both.
fn measure<B: Board, R>(
    board: &mut B,
    operation: &str,
    kind: &str,
    mut work: impl FnMut() -> Result<R, ModelError>,
) -> Result<R, AppError<B>> {
    let line = if kind.is_empty() { "" } else { "_" };
    let (result, instructions) = board.count_instructions(&mut work);
    result?;
    if let Some(instructions) = instructions {
        writeln!(board.console(), "instructions_{operation}{line}{kind}: {instructions}")?;
    }
    let (result, bytes) = board.measure_stack(&mut work);
    if let Some(bytes) = bytes {
        writeln!(board.console(), "stack_bytes_{operation}{line}{kind}: {bytes}")?;
    }
    Ok(result?)
}

/// Prints numbers that have to be the same on the host.
fn show<B: Board>(board: &mut B, what: impl Display, numbers: &[Score]) -> Result<(), AppError<B>> {
    let console = board.console();
    write!(console, "answer {what}")?;
    for number in numbers {
        write!(console, " {number}")?;
    }
    Ok(writeln!(console)?)
}
