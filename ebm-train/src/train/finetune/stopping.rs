//! Early stopping: [`Best`] keeps the parameters that did best on the validation split.

use super::net::Net;
use crate::Error;
use crate::backend::Backend;
use crate::train::snapshot::Snapshot;

/// Where a snapshot has the epoch and result; the parameters' names have it before them.
const NAME: &str = "best";

/// The best epoch so far, and its parameters.
pub struct Best<B: Backend> {
    epoch: usize,
    /// Sum of the cross-entropies and number of right answers over the validation split.
    result: [f32; 2],
    values: Vec<B::Tensor>,
}

impl<B: Backend> Best<B> {
    /// Before the first epoch: worse than anything.
    pub fn new(backend: &B, net: &mut Net<B>) -> Self {
        let mut best = Self {
            epoch: 0,
            result: [f32::MAX, -1.0],
            values: net.parameters().map(|_| backend.zeros(0, 0)).collect(),
        };
        best.keep(backend, net);
        best
    }

    /// The epoch that is kept; 0 for the start.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Keeps the parameters of `epoch` when they classify more samples rightly, or as many with a lower cross-entropy.
    pub fn consider(&mut self, backend: &B, epoch: usize, result: [f32; 2], net: &mut Net<B>) {
        let [cross_entropy, correct] = self.result;
        if result[1] > correct || result[1] == correct && result[0] < cross_entropy {
            (self.epoch, self.result) = (epoch, result);
            self.keep(backend, net);
        }
    }

    fn keep(&mut self, backend: &B, net: &mut Net<B>) {
        for (kept, (_, parameter)) in self.values.iter_mut().zip(net.parameters()) {
            backend.copy(&parameter.value, kept);
        }
    }

    /// The net takes the parameters that are kept.
    pub fn give_back(&self, backend: &B, net: &mut Net<B>) {
        for (kept, (_, parameter)) in self.values.iter().zip(net.parameters()) {
            backend.copy(kept, &mut parameter.value);
        }
    }

    /// Adds this to the net's snapshot.
    pub fn save(&self, backend: &B, net: &mut Net<B>, snapshot: &mut Snapshot) {
        // Epochs and counts below 2^24 are exact in f32.
        let [cross_entropy, correct] = self.result;
        snapshot.put(backend, NAME, &backend.upload(1, 3, &[self.epoch as f32, cross_entropy, correct]));
        for (kept, (name, _)) in self.values.iter().zip(net.parameters()) {
            snapshot.put(backend, &format!("{NAME}.{name}"), kept);
        }
    }

    /// What [`Best::save`] added. Fails when it is of another net.
    pub fn load(&mut self, backend: &B, net: &mut Net<B>, snapshot: &Snapshot) -> Result<(), Error> {
        let mut place = backend.zeros(1, 3);
        snapshot.restore(backend, NAME, &mut place)?;
        let place = backend.download(&place);
        (self.epoch, self.result) = (place[0] as usize, [place[1], place[2]]);
        let mut values = self.values.iter_mut().zip(net.parameters());
        values.try_for_each(|(kept, (name, _))| snapshot.restore(backend, &format!("{NAME}.{name}"), kept))
    }
}
