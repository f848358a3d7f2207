//! [`Effort`]: what an epoch costs, as it is told while it goes on.

use super::snapshot::Position;

/// Multiply-adds of an epoch: those of each minibatch, told as it has been learnt from, and the rest, told when the epoch has been measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Of a minibatch; the last of an epoch, which may be smaller, counts as much.
    pub batch: u64,
    /// Of what is measured after the last, and what the division over minibatches left.
    pub rest: u64,
    batches: u64,
}

impl Effort {
    /// Of an epoch of so many minibatches, in which learning and measuring take so many multiply-adds.
    pub fn new(batches: usize, [learning, measuring]: [u64; 2]) -> Self {
        let batches = batches.max(1) as u64;
        Self { batch: learning / batches, rest: learning % batches + measuring, batches }
    }

    /// All that was told when a stage had come to `position`.
    pub fn before(self, position: Position) -> u64 {
        self.epochs(position.epochs) + self.batch * position.batches as u64
    }

    /// Of so many whole epochs.
    pub fn epochs(self, epochs: usize) -> u64 {
        (self.batch * self.batches + self.rest) * epochs as u64
    }
}
