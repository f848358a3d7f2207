//! Several processes, by MPI.

use crate::Error;
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Equivalence, Root};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Values that one call of MPI takes at most: it counts them in an `int`.
const AT_ONCE: usize = 1 << 28;
/// What a process that panics ends with.
const PANICKED: i32 = 101;

/// The processes that one launcher started.
pub(super) struct World {
    /// Ends MPI when it is dropped.
    _universe: Universe,
    summed: AtomicU64,
}

impl World {
    /// Begins MPI; `None` for a process alone. Fails where that is not the launcher's, which started so many, or MPI was begun before.
    pub fn join(count: Option<usize>) -> Result<Option<Self>, Error> {
        let joined = mpi::initialize_with_threading(Threading::Funneled);
        let (universe, _) = joined.ok_or_else(|| Error::Ranks("MPI has begun already in this process".to_owned()))?;
        let world = Self { _universe: universe, summed: AtomicU64::new(0) };
        let found = world.count();
        let Some(count) = count.filter(|&count| count != found) else {
            return Ok((found > 1).then_some(world));
        };
        Err(Error::Ranks(format!(
            "{count} processes were started, and MPI finds {found}: this program was built with the MPI of another launcher"
        )))
    }

    pub fn rank(&self) -> usize {
        SimpleCommunicator::world().rank() as usize
    }

    pub fn count(&self) -> usize {
        SimpleCommunicator::world().size() as usize
    }

    pub fn sum(&self, values: &mut [f32]) {
        self.sum_all(values);
    }

    pub fn sum_f64(&self, values: &mut [f64]) {
        self.sum_all(values);
    }

    fn sum_all<N: Equivalence + Copy>(&self, values: &mut [N]) {
        self.summed.fetch_add(size_of_val(values) as u64, Ordering::Relaxed);
        for values in values.chunks_mut(AT_ONCE) {
            let own = values.to_vec();
            SimpleCommunicator::world().all_reduce_into(&own[..], values, SystemOperation::sum());
        }
    }

    pub fn summed_bytes(&self) -> u64 {
        self.summed.load(Ordering::Relaxed)
    }

    pub fn broadcast(&self, bytes: &mut [u8]) {
        for bytes in bytes.chunks_mut(AT_ONCE) {
            SimpleCommunicator::world().process_at_rank(0).broadcast_into(bytes);
        }
    }

    pub fn end_all(&self, code: u8) {
        SimpleCommunicator::world().abort(code.into())
    }
}

impl Drop for World {
    /// Ending MPI waits for all ranks, which may wait for this one.
    fn drop(&mut self) {
        if std::thread::panicking() {
            SimpleCommunicator::world().abort(PANICKED)
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.count())
    }
}
