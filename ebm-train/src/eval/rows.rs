//! [`each`]: what a device answers, asked sample by sample on several threads.

use crate::Error;
use crate::data::Samples;
use ebm_core::Numbers;
use std::panic::resume_unwind;
use std::thread;

/// Gives `take` what `answer` makes of every sample as a device has it, in their order; on so many `threads`, 0 for one a processor, each with a `memory`
/// of its own.
///
/// Fails with the first sample's error in that order, or when samples cannot be read.
pub(super) fn each<N: Numbers, M, A: Send>(
    threads: usize,
    inputs: &Samples,
    memory: impl Fn() -> M + Sync,
    answer: impl Fn(&mut M, &[N::Value]) -> Result<A, Error> + Sync,
    mut take: impl FnMut(A),
) -> Result<(), Error> {
    let processors = || thread::available_parallelism().map_or(1, Into::into);
    let threads = if threads == 0 { processors() } else { threads };
    for piece in inputs.pieces() {
        let piece = piece?;
        let share = piece.rows().div_ceil(threads).max(1) * piece.visible;
        let answers = |rows: &[f32]| -> Result<Vec<A>, Error> {
            let (mut memory, mut input) = (memory(), vec![N::Value::default(); piece.visible]);
            let answer = |row: &[f32]| {
                input.iter_mut().zip(row).for_each(|(value, &v)| *value = N::from_unit(v));
                answer(&mut memory, &input)
            };
            rows.chunks_exact(piece.visible.max(1)).map(answer).collect()
        };
        let mut shares = piece.values.chunks(share.max(1));
        let first = shares.next().unwrap_or_default();
        let shares: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> = shares.map(|rows| scope.spawn(|| answers(rows))).collect();
            let first = answers(first);
            let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            std::iter::once(first).chain(others).collect()
        });
        for answers in shares {
            answers?.into_iter().for_each(&mut take);
        }
    }
    Ok(())
}
