//! Classifies every test digit with the model in flash, and says what that costs.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Chain, Model, ModelError};
use embedded_io::Write;

use super::cost::Cost;
use super::{AppError, introduce, report_memory};
use crate::board::Board;
use crate::model::{self, CLASSES, HIDDEN, INPUTS, Numbers, WORK};

type Value = <Numbers as ebm_core::Numbers>::Value;
type Score = <Numbers as ebm_core::Numbers>::Score;

/// Seed of the Gibbs chains.
const SEED: u64 = 1;
/// Chains, the n-th started at the n-th test digit.
const CHAINS: u32 = 10;
/// Steps of each.
const STEPS: usize = 20;

/// Answers for every test digit with class, scores and free energy, runs seeded Gibbs chains, and prints accuracy and costs.
pub fn digits<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    const { assert!(model::HAS_TEST_DIGITS, "this app needs test digits, and EBM_TEST_DIGITS=0 leaves none") };
    let model = Model::parse(model::bytes())?;
    introduce(board, "digits")?;
    classify(board, &model)?;
    sample(board, &model)?;
    report_memory(board)?;
    Ok(())
}

/// Where inference works; on the stack, so that its cost shows in the high-water mark.
struct Buffers {
    input: [Value; INPUTS],
    work: [Value; WORK],
    scores: [Score; CLASSES],
}

fn input_of(model: &Model<'_>, levels: &[u8; INPUTS]) -> Result<[Value; INPUTS], ModelError> {
    let mut input = [Value::default(); INPUTS];
    model.values::<Numbers>(levels, &mut input)?;
    Ok(input)
}

fn classify<B: Board>(board: &mut B, model: &Model<'_>) -> Result<(), AppError<B>> {
    let mut inference = Cost::default();
    let mut free_energies = Cost::default();
    let (mut samples, mut correct, mut novel) = (0, 0, 0);
    for (index, (levels, label)) in model::test_digits().enumerate() {
        let mut buffers = Buffers {
            input: input_of(model, levels)?,
            work: [Value::default(); WORK],
            scores: [Score::default(); CLASSES],
        };
        let Buffers { input, work, scores } = &mut buffers;
        let (class, instructions) = board.count_instructions(|| model.classify::<Numbers>(input, work, scores));
        inference.add(instructions);
        let (free_energy, instructions) = board.count_instructions(|| model.free_energy::<Numbers>(input));
        free_energies.add(instructions);
        let (class, free_energy) = (class?, free_energy?);

        let console = board.console();
        write!(console, "answer {index} class {class} scores")?;
        for score in scores {
            write!(console, " {score}")?;
        }
        writeln!(console, " free_energy {free_energy}")?;
        samples += 1;
        correct += u32::from(class == usize::from(label));
        novel += u32::from(model.is_novel::<Numbers>(free_energy) == Some(true));
    }
    if let Some((levels, _)) = model::test_digits().next() {
        let input = input_of(model, levels)?;
        let (mut work, mut scores) = ([Value::default(); WORK], [Score::default(); CLASSES]);
        let (class, stack) = board.measure_stack(|| model.classify::<Numbers>(&input, &mut work, &mut scores));
        class?;
        if let Some(bytes) = stack {
            writeln!(board.console(), "inference_stack_bytes: {bytes}")?;
        }
    }
    let console = board.console();
    writeln!(console, "samples: {samples}")?;
    writeln!(console, "correct: {correct}")?;
    write_share(console, "accuracy", correct, samples)?;
    write_share(console, "novel_share", novel, samples)?;
    inference.report(board, "instructions_per_inference")?;
    free_energies.report(board, "instructions_per_free_energy")
}

fn sample<B: Board>(board: &mut B, model: &Model<'_>) -> Result<(), AppError<B>> {
    let rbm = model.machine::<Numbers>()?;
    let mut steps = Cost::default();
    for (index, (levels, _)) in (0..CHAINS).zip(model::test_digits()) {
        let mut chain = Chain::<Value, INPUTS, HIDDEN>::new(input_of(model, levels)?);
        let mut rng = Philox::new(SEED, Stream { sample: index, ..Stream::new(Purpose::Free) });
        for step in 1..=STEPS {
            let (result, instructions) = board.count_instructions(|| chain.gibbs_step(&rbm, &mut rng));
            result?;
            steps.add(instructions);
            let console = board.console();
            write!(console, "answer chain {index} step {step} visible ")?;
            write_states(console, chain.visible())?;
            write!(console, " hidden ")?;
            write_states(console, chain.hidden())?;
            writeln!(console)?;
        }
    }
    steps.report(board, "instructions_per_gibbs_step")
}

/// States as hexadecimal digits, four units each: a unit is on where it is not zero.
fn write_states<W: Write>(console: &mut W, states: &[Value]) -> Result<(), embedded_io::WriteFmtError<W::Error>> {
    for four in states.chunks(4) {
        let digit = four.iter().fold(0, |digit, &state| digit << 1 | u8::from(state != Value::default()));
        write!(console, "{digit:x}")?;
    }
    Ok(())
}

/// A share to four places, in integers: a part without an FPU has no use for a float's text.
fn write_share<W: Write>(
    console: &mut W,
    key: &str,
    part: u32,
    whole: u32,
) -> Result<(), embedded_io::WriteFmtError<W::Error>> {
    let share = (part * 10_000 + whole / 2) / whole.max(1);
    writeln!(console, "{key}: {}.{:04}", share / 10_000, share % 10_000)
}
