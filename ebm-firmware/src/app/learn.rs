//! Learns from the test digits on the device, one at a time, by contrastive divergence: the same bits as on the host.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Learner, LearningRule, ModelError, Rates, Rbm, Units};
use embedded_io::Write;
use nalgebra::SVector;

use super::cost::Cost;
use super::{AppError, report_memory};
use crate::board::Board;
use crate::model;

/// Visible units: the pixels of a digit.
const VISIBLE: usize = 64;
/// Hidden units: the machine and its learner fit a part with 16 KB of RAM.
const HIDDEN: usize = 32;
/// Digits that are learned from.
const DIGITS: usize = 300;
/// After so many, the mean margin of those is printed.
const PERIOD: usize = 50;
/// A pixel of at least this level is on.
const ON_LEVEL: u8 = 8;
/// A step through the pixels that meets each once and keeps no neighbours together.
const SCRAMBLE: usize = 27;
/// Seed of the chain.
const SEED: u64 = 1;
const RULE: LearningRule<'static> = LearningRule {
    units: Units::BERNOULLI,
    k: 1,
    rates: Rates { learning_rate: 0.05, momentum: 0.0, weight_decay: 0.0 },
};

/// Learns from the digits in turn. Each is judged before it is learned from: by how many nats its free energy lies under that of the same
/// pixels scrambled. The margin grows from nothing.
pub fn learn<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    const { assert!(model::HAS_TEST_DIGITS, "this app needs test digits, and EBM_TEST_DIGITS=0 leaves none") };
    writeln!(board.console(), "app: learn")?;
    writeln!(board.console(), "machine: {VISIBLE} x {HIDDEN}, f32")?;
    writeln!(board.console(), "machine_bytes: {}", size_of::<Rbm<VISIBLE, HIDDEN>>())?;
    writeln!(board.console(), "learner_bytes: {}", size_of::<Learner<VISIBLE, HIDDEN>>())?;
    let (mut rbm, mut learner) = (Rbm::<VISIBLE, HIDDEN>::ZERO, Learner::ZERO);
    let mut rng = Philox::new(SEED, Stream::new(Purpose::Free));
    let mut steps = Cost::default();
    let mut sum = 0.0;
    for (index, (levels, _)) in model::pixels::<VISIBLE>().take(DIGITS).enumerate() {
        let visible = SVector::from(levels.map(|level| f32::from(u8::from(level >= ON_LEVEL))));
        let scrambled = SVector::from_fn(|unit, _| visible[unit * SCRAMBLE % VISIBLE]);
        sum += rbm.free_energy(&scrambled) - rbm.free_energy(&visible);
        if (index + 1) % PERIOD == 0 {
            writeln!(board.console(), "answer digits {} margin_nats {}", index + 1, sum / PERIOD as f32)?;
            sum = 0.0;
        }
        let mut step = || learner.contrastive_divergence(&mut rbm, None, RULE, visible.as_slice(), &mut rng);
        let instructions = if index + 1 == DIGITS {
            let (result, bytes): (Result<(), ModelError>, _) = board.measure_stack(&mut step);
            if let Some(bytes) = bytes {
                writeln!(board.console(), "stack_bytes_cd1_step: {bytes}")?;
            }
            result?;
            None
        } else {
            let (result, instructions) = board.count_instructions(&mut step);
            result?;
            instructions
        };
        steps.add(instructions);
    }
    steps.report(board, "instructions_cd1_step")?;
    report_memory(board)?;
    Ok(())
}
