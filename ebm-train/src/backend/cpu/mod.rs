//! The CPU backend: work is cut into shards whose size depends on the tensors alone, and threads take shards; so a sum is
//! formed in the same order by one thread as by many.
//!
//! `unsafe` stands in four files: `gemm.rs` (products, and the tiles that threads write), `sums.rs` (sums of weights that states choose), `team.rs`
//! (work that threads share) and `wide.rs` (loops for the widest vectors). A pass over elements goes into `passes.rs`, safe.

mod ahead;
mod gemm;
mod operations;
mod passes;
mod rounded;
mod states;
mod sums;
mod team;
mod tensor;
mod wide;

pub use rounded::CpuRounded;
pub use states::CpuStates;
pub use tensor::{CpuSet, CpuTensor};

use super::Draws;
use crate::Error;
use crate::ranks::Ranks;
use ahead::Ahead;
use ebm_core::rng::Stream;
use std::sync::{Mutex, PoisonError};
use team::Team;
use tensor::SHARD_ROWS;

/// Multiply-adds (some 8 µs of them) under which calling another thread in saves too little.
const WORTH_SHARING: usize = 1 << 18;
/// What an element of a pass over independent elements costs, in multiply-adds.
const ELEMENT: usize = 8;

/// Computes on this machine's processors.
pub struct Cpu {
    team: Team,
    worth_sharing: usize,
    ranks: Ranks,
}

impl Cpu {
    /// A backend with this many threads; 0 means one a processor. Fails when the system refuses threads.
    pub fn new(threads: usize) -> Result<Self, Error> {
        let team = Team::new(threads).map_err(|source| Error::Threads { threads, source })?;
        Ok(Self { team, worth_sharing: WORTH_SHARING, ranks: Ranks::default() })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// The same, with threads sharing every operation from so many multiply-adds on. Changes the time taken and nothing else.
    pub fn sharing_from(self, multiply_adds: usize) -> Self {
        Self { worth_sharing: multiply_adds, ..self }
    }

    /// The same, as the backend of one of several processes.
    pub fn among(self, ranks: Ranks) -> Self {
        Self { ranks, ..self }
    }

    /// Calls `each` with every task; the threads share them when there are `multiply_adds` enough to be worth it.
    fn share<T: Send>(
        &self,
        multiply_adds: usize,
        tasks: impl Iterator<Item = T> + Send,
        each: impl Fn(T) + Sync + Send,
    ) {
        if multiply_adds < self.worth_sharing || self.team.threads() == 1 {
            tasks.for_each(each);
        } else {
            let tasks = Mutex::new(tasks);
            // Nothing panics while it holds the tasks but the taking itself, after which there is no next one.
            let next = || tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
            self.team.run(&|| std::iter::from_fn(next).for_each(&each));
        }
    }

    /// Calls `each` with every row of `values` and the generator of its draws.
    fn with_draws(
        &self,
        draws: Draws<'_>,
        values: &mut CpuTensor,
        each: impl Fn(&mut [f32], &mut Ahead) + Sync + Send,
    ) {
        self.with_streams(draws, values, |row, stream| each(row, &mut Ahead::new(draws.seed, stream)));
    }

    /// Calls `each` with every row of `values` and the stream of its draws.
    fn with_streams(&self, draws: Draws<'_>, values: &mut CpuTensor, each: impl Fn(&mut [f32], Stream) + Sync + Send) {
        let columns = values.columns.max(1);
        let cost = values.values.len() * ELEMENT;
        self.share(cost, values.shards_mut().zip(draws.samples.chunks(SHARD_ROWS)), |(shard, samples)| {
            for (row, &sample) in shard.chunks_exact_mut(columns).zip(samples) {
                each(row, Stream { sample, ..draws.stream });
            }
        });
    }
}
