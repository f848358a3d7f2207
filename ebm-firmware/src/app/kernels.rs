//! What each operation of the model in flash costs on this board, whatever the model is: instructions and stack.

use core::fmt::Display;
use core::hint::black_box;

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Beta, Chain, Held, Machine, Model, ModelError, Numbers as _};
use embedded_io::Write;

use super::{AppError, report_memory};
use crate::board::Board;
use crate::model::{self, CLASSES, HIDDEN, INPUTS, Numbers, VISIBLE, WORK};

type Value = <Numbers as ebm_core::Numbers>::Value;
type Score = <Numbers as ebm_core::Numbers>::Score;

/// Seed of the Gibbs chains.
const SEED: u64 = 1;
/// Of the binary input, every so manieth unit is on.
const BINARY_PERIOD: usize = 5;
/// Of the inputs between off and on, the finest level.
const LEVELS: u16 = 16;
/// Of the held units of a clamped chain, so many of each eight.
const HELD_OF_EIGHT: usize = 6;

/// Prints instructions and stack of every operation, for inputs between off and on (`dense`) and for binary ones (`binary`).
pub fn kernels<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    let console = board.console();
    writeln!(console, "app: kernels")?;
    writeln!(console, "model: {}", model::NAME)?;
    writeln!(console, "number_format: {}", model::NUMBER_FORMAT)?;
    let parse = || Model::parse_as::<Numbers>(black_box(model::bytes()));
    measure(board, "parse", "", || {
        black_box(parse()?);
        Ok(())
    })?;
    let model = parse()?;
    let mut values = [Value::default(); INPUTS];
    measure(board, "values", "", || model.values::<Numbers>(&[1u16; INPUTS], &mut values))?;
    let dense = core::array::from_fn(|unit| Numbers::from_level((unit * 7 + 3) as u16 % (LEVELS + 1), LEVELS));
    let binary = core::array::from_fn(|unit| Numbers::from_level(u16::from(unit % BINARY_PERIOD == 0), 1));
    answer(board, &model, "dense", &dense)?;
    answer(board, &model, "binary", &binary)?;
    if HIDDEN > 0 {
        sample(board, &model, &binary)?;
    }
    report_memory(board)?;
    Ok(())
}

/// The operations that answer something of an input.
fn answer<B: Board>(board: &mut B, model: &Model<'_>, kind: &str, input: &[Value; INPUTS]) -> Result<(), AppError<B>> {
    let layer = model.hidden_layer::<Numbers>(model.first_hidden())?;
    let mut fields = [Score::default(); WORK];
    let fields = fields.get_mut(..Numbers::outputs(&layer)).unwrap_or_default();
    measure(board, "hidden_field", kind, || Ok(Numbers::field(&layer, input, fields)?))?;
    show(board, format_args!("hidden_field_{kind}"), fields)?;

    if CLASSES > 0 {
        let (mut work, mut scores) = ([Value::default(); WORK], [Score::default(); CLASSES]);
        measure(board, "inference", kind, || model.classify::<Numbers>(input, &mut work, &mut scores))?;
        show(board, format_args!("inference_{kind}"), &scores)?;
    }
    if HIDDEN == 0 {
        return Ok(());
    }
    let free_energy = measure(board, "free_energy", kind, || model.free_energy::<Numbers>(input))?;
    show(board, format_args!("free_energy_{kind}"), &[free_energy])
}

/// The operations that draw a state.
fn sample<B: Board>(board: &mut B, model: &Model<'_>, input: &[Value; INPUTS]) -> Result<(), AppError<B>> {
    let machine = model.machine::<Numbers>()?;
    let mut rng = Philox::new(SEED, Stream::new(Purpose::Free));
    // Labels, which are no inputs, start off.
    let known: [Value; VISIBLE] = core::array::from_fn(|unit| input.get(unit).copied().unwrap_or_default());
    let mut chain = Chain::<Value, VISIBLE, HIDDEN>::new(known);
    measure(board, "gibbs_step", "", || Ok(chain.gibbs_step(&machine, &mut rng)?))?;

    let marks: [bool; VISIBLE] = core::array::from_fn(|unit| unit % 8 < HELD_OF_EIGHT);
    let held = Held { known: &known, held: &marks };
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
