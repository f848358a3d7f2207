//! Several processes for a program that is built for one.

use crate::Error;

/// There is none: see [`World::join`].
#[derive(Debug)]
pub(super) enum World {}

impl World {
    /// Fails with what to build, where it is known that there are several.
    pub fn join(count: Option<usize>) -> Result<Option<Self>, Error> {
        let Some(count) = count else { return Ok(None) };
        Err(Error::Ranks(format!(
            "a launcher such as mpirun has started {count} processes, and this program is built for one: \
             `cargo build -p ebm-train --features mpi` makes one that trains over all of them"
        )))
    }

    pub fn rank(&self) -> usize {
        match *self {}
    }

    pub fn count(&self) -> usize {
        match *self {}
    }

    pub fn sum(&self, _: &mut [f32]) {
        match *self {}
    }

    pub fn sum_f64(&self, _: &mut [f64]) {
        match *self {}
    }

    pub fn summed_bytes(&self) -> u64 {
        match *self {}
    }

    pub fn broadcast(&self, _: &mut [u8]) {
        match *self {}
    }

    pub fn end_all(&self, _: u8) {
        match *self {}
    }
}
