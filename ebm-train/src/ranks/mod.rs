//! [`Ranks`]: the processes that train one model together, each on its part of every minibatch.
//!
//! Every rank has all parameters, reads all data and draws what a process alone would draw for its samples, since draws are keyed by sample. Where
//! a sum over samples becomes a gradient, an offset or a figure, the ranks' sums are added up ([`Ranks::sum`]); MPI gives all of them the same bits,
//! so all take the same step. The first one alone prints and writes.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
mod none;

use crate::Error;
#[cfg(feature = "mpi")]
use mpi::World;
#[cfg(not(feature = "mpi"))]
use none::World;
use std::sync::Arc;
use std::time::Duration;

/// Where Open MPI's launcher and those of the MPICH family say how many processes they have started.
const COUNTS: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];
/// Where a launcher with PMIx, such as Slurm's, numbers its processes without saying how many there are: MPI knows.
const NUMBER: &str = "PMIX_RANK";
/// How long the first rank has for saying what another one failed by too.
const FIRST: Duration = Duration::from_secs(3);

/// This process among those that train together; by default alone.
#[derive(Clone, Debug, Default)]
pub struct Ranks(Option<Arc<World>>);

impl Ranks {
    /// No other process takes part.
    pub const ALONE: &'static Self = &Self(None);

    /// Joins those that the same launcher (`mpirun`) has started. Fails where it has started several and this program is built without MPI.
    pub fn join() -> Result<Self, Error> {
        let count = COUNTS.iter().find_map(|name| std::env::var(name).ok()?.parse().ok());
        let world = match count {
            Some(2..) => World::join(count)?,
            None if std::env::var_os(NUMBER).is_some() => World::join(None)?,
            _ => None,
        };
        Ok(Self(world.map(Arc::new)))
    }

    /// Number of this process, from 0.
    pub fn rank(&self) -> usize {
        self.0.as_ref().map_or(0, |world| world.rank())
    }

    /// Number of processes.
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(1, |world| world.count())
    }

    /// This process prints and writes.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// There is no other process.
    pub fn is_alone(&self) -> bool {
        self.0.is_none()
    }

    /// What of `all` is this rank's: an equal part, as near as may be, of those that lie side by side.
    pub fn part<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let start_of = |rank| all.len() * rank / self.count();
        &all[start_of(self.rank())..start_of(self.rank() + 1)]
    }

    /// Every value becomes its sum over the ranks, the same bits on all of them.
    pub fn sum(&self, values: &mut [f32]) {
        if let Some(world) = &self.0 {
            world.sum(values);
        }
    }

    /// The same of doubles.
    pub fn sum_f64(&self, values: &mut [f64]) {
        if let Some(world) = &self.0 {
            world.sum_f64(values);
        }
    }

    /// Bytes of this rank's values that were summed over the ranks so far.
    pub fn summed_bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |world| world.summed_bytes())
    }

    /// `bytes` become the first rank's.
    pub fn broadcast(&self, bytes: &mut Vec<u8>) {
        if let Some(world) = &self.0 {
            let mut length = (bytes.len() as u64).to_le_bytes();
            world.broadcast(&mut length);
            bytes.resize(u64::from_le_bytes(length) as usize, 0);
            world.broadcast(bytes);
        }
    }

    /// The word that the first rank says.
    pub fn announce(&self, word: u8) -> u8 {
        let mut word = [word];
        if let Some(world) = &self.0 {
            world.broadcast(&mut word);
        }
        word[0]
    }

    /// Fails where this rank has other `settings` than the first.
    pub fn check_alike(&self, settings: &str) -> Result<(), Error> {
        let mut of_first = settings.as_bytes().to_vec();
        self.broadcast(&mut of_first);
        if of_first == settings.as_bytes() {
            return Ok(());
        }
        let of_first = String::from_utf8_lossy(&of_first);
        let lines = settings.lines().filter(|line| !of_first.lines().any(|other| other == *line));
        let lines = lines.collect::<Vec<_>>().join(", ");
        Err(Error::Ranks(format!("has other settings or data than rank 0: {lines}; every rank needs the same")))
    }

    /// Before a rank says why it fails: leaves the first one, which most often fails alike, the time to say so and end the job.
    pub fn give_way(&self) {
        if !self.is_first() {
            std::thread::sleep(FIRST);
        }
    }

    /// Ends the processes of all ranks with this exit code; does nothing where there is no other.
    pub fn end_all(&self, code: u8) {
        if let Some(world) = &self.0 {
            world.end_all(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ranks;

    #[test]
    fn a_process_alone_has_all_to_do_and_changes_nothing() {
        let ranks = Ranks::default();
        assert!(ranks.is_alone() && ranks.is_first());
        assert_eq!(ranks.part(&[1, 2, 3]), [1, 2, 3]);
        let mut values = [1.0, -0.0];
        ranks.sum(&mut values);
        assert!(values[0] == 1.0 && values[1].is_sign_negative());
        assert_eq!((ranks.announce(7), ranks.summed_bytes()), (7, 0));
        assert!(ranks.check_alike("seed = 1").is_ok());
    }
}
