//! [`Together`]: follows a part of a run on every rank: the first tells and keeps it, the others do as it says.

use crate::Error;
use crate::parameters::RbmParameters;
use crate::ranks::Ranks;
use crate::train::snapshot::{Position, SavedTensor, Snapshot};
use crate::train::{Epoch, Monitor};
use std::collections::BTreeMap;
use std::path::Path;

/// What the first rank says after a minibatch: to go on, to form a snapshot, of which each rank may have a part, or to stop.
const GO_ON: u8 = 0;
const SNAPSHOT: u8 = 1;
const STOP: u8 = 2;

/// The monitor of a part of a run that all ranks do.
pub struct Together<'a> {
    ranks: &'a Ranks,
    /// The run's folder.
    run: &'a Path,
    /// What follows it on the first rank.
    first: Option<&'a mut dyn Monitor>,
}

impl<'a> Together<'a> {
    /// `first` is there on the first rank alone; `run` is the run's folder.
    pub fn new(ranks: &'a Ranks, run: &'a Path, first: Option<&'a mut dyn Monitor>) -> Self {
        Self { ranks, run, first }
    }

    /// The first rank's snapshot, on every rank.
    fn shared(&self, of_first: Option<Snapshot>) -> Result<Option<Snapshot>, Error> {
        if self.ranks.is_alone() {
            return Ok(of_first);
        }
        let foreign =
            |error: serde_json::Error| Error::Checkpoint(format!("did not come through to all ranks: {error}"));
        let shapes = |snapshot: &Snapshot| -> BTreeMap<String, [usize; 2]> {
            snapshot.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape)).collect()
        };
        let head = of_first.as_ref().map(|snapshot| (snapshot.position, shapes(snapshot)));
        let mut head = serde_json::to_vec(&head).map_err(foreign)?;
        self.ranks.broadcast(&mut head);
        let head: Option<(Position, BTreeMap<String, [usize; 2]>)> = serde_json::from_slice(&head).map_err(foreign)?;
        let Some((position, shapes)) = head else { return Ok(None) };
        let mut snapshot = Snapshot::at(position);
        for (name, shape) in shapes {
            let of_first = of_first.as_ref().and_then(|snapshot| snapshot.tensors.get(&name));
            let mut bytes = of_first.map_or(Vec::new(), |tensor| bytemuck::cast_slice(&tensor.values).to_vec());
            self.ranks.broadcast(&mut bytes);
            snapshot.tensors.insert(name, SavedTensor { shape, values: bytemuck::pod_collect_to_vec(&bytes) });
        }
        Ok(Some(snapshot))
    }
}

impl Monitor for Together<'_> {
    fn begin(&mut self, stage: &str) -> Result<Option<Snapshot>, Error> {
        let of_first = self.first.as_mut().map_or(Ok(None), |first| first.begin(stage))?;
        self.shared(of_first)
    }

    fn advance(&mut self, multiply_adds: u64) {
        if let Some(first) = &mut self.first {
            first.advance(multiply_adds);
        }
    }

    fn skip(&mut self, multiply_adds: u64) {
        if let Some(first) = &mut self.first {
            first.skip(multiply_adds);
        }
    }

    fn batch(&mut self, stage: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        let ranks = self.ranks;
        if let Some(first) = &mut self.first {
            let followed = first.batch(stage, &mut || {
                ranks.announce(SNAPSHOT);
                snapshot()
            });
            match &followed {
                Ok(()) => ranks.announce(GO_ON),
                Err(Error::Interrupted { .. }) => ranks.announce(STOP),
                // The job ends with it.
                Err(_) => return followed,
            };
            return followed;
        }
        loop {
            match ranks.announce(GO_ON) {
                SNAPSHOT => drop(snapshot()?),
                STOP => return Err(Error::Interrupted { run: self.run.to_owned() }),
                _ => return Ok(()),
            }
        }
    }

    fn machine(
        &mut self,
        stage: &str,
        epochs: [usize; 2],
        machine: &mut dyn FnMut() -> RbmParameters,
    ) -> Result<(), Error> {
        self.first.as_mut().map_or(Ok(()), |first| first.machine(stage, epochs, machine))
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.first.as_mut().map_or(Ok(()), |first| first.epoch(epoch))
    }

    fn end(&mut self, stage: &str, snapshot: Snapshot) -> Result<(), Error> {
        self.first.as_mut().map_or(Ok(()), |first| first.end(stage, snapshot))
    }
}
