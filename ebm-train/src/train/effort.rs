//! [`Effort`]: what an epoch costs, as it is told while it goes on.

use super::Monitor;
use super::snapshot::Position;

/// Multiply-adds that are worth telling: fewer take less time than would be seen, and telling them takes some too.
const WORTH_TELLING: u64 = 1 << 20;

/// Multiply-adds of an epoch, told a few minibatches at a time and, of what is left, when the epoch has been measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Minibatches that are told together.
    together: usize,
    /// Multiply-adds of these.
    told: u64,
    epoch: u64,
    /// Of what is measured at the end of an epoch, and of the last minibatches.
    pub rest: u64,
}

impl Effort {
    /// Of an epoch of so many minibatches, in which learning and measuring take so many multiply-adds.
    pub fn new(batches: usize, [learning, measuring]: [u64; 2]) -> Self {
        let of_batch = learning / batches.max(1) as u64;
        let together = WORTH_TELLING.div_ceil(of_batch.max(1)) as usize;
        let (told, epoch) = (of_batch * together as u64, learning + measuring);
        Self { together, told, epoch, rest: epoch - told * (batches / together) as u64 }
    }

    /// Tells `monitor` after so many minibatches of an epoch what has not been told of them, where it is worth it.
    pub fn tell(self, batches: usize, monitor: &mut dyn Monitor) {
        if batches.is_multiple_of(self.together) {
            monitor.advance(self.told);
        }
    }

    /// All that was told when a stage had come to `position`.
    pub fn before(self, position: Position) -> u64 {
        self.epochs(position.epochs) + self.told * (position.batches / self.together) as u64
    }

    /// Of so many whole epochs.
    pub fn epochs(self, epochs: usize) -> u64 {
        self.epoch * epochs as u64
    }
}
