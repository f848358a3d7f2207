//! [`Snapshot`]: what a stage of a run needs to be taken up again where it stood, to the bit.

use crate::Error;
use crate::backend::Backend;
use std::collections::BTreeMap;

/// How far a stage has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Epochs that have ended.
    pub epochs: usize,
    /// Minibatches of the next epoch that have been learnt from.
    pub batches: usize,
}

/// A tensor on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedTensor {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Row-major.
    pub values: Vec<f32>,
}

/// The state of one stage of training: parameters, the optimiser's moments, persistent chains and whatever else the next minibatch depends on.
/// Draws need no state: they are keyed by the position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// How far the stage has come.
    pub position: Position,
    /// Tensors by name.
    pub tensors: BTreeMap<String, SavedTensor>,
}

impl Snapshot {
    /// Nothing yet, at this position.
    pub fn at(position: Position) -> Self {
        Self { position, tensors: BTreeMap::new() }
    }

    /// This snapshot of `stage`, or an error where the backend failed, or one that blames `flag` where a number in it is infinite or NaN.
    pub fn finite<B: Backend>(self, backend: &B, stage: &str, flag: &'static str) -> Result<Self, Error> {
        backend.check()?;
        if self.tensors.values().flat_map(|tensor| &tensor.values).all(|value| value.is_finite()) {
            return Ok(self);
        }
        let epoch = self.position.epochs + usize::from(self.position.batches > 0);
        Err(Error::Diverged { stage: stage.to_owned(), epoch, flag })
    }

    /// Saves a tensor under a name, with its shape, rows × columns.
    pub fn put<B: Backend>(&mut self, backend: &B, name: &str, tensor: &B::Tensor) {
        let saved = SavedTensor { shape: backend.shape(tensor), values: backend.download(tensor) };
        self.tensors.insert(name.to_owned(), saved);
    }

    /// The tensor of this name. Fails when there is none.
    pub fn get<B: Backend>(&self, backend: &B, name: &str) -> Result<B::Tensor, Error> {
        let missing = || Error::Checkpoint(format!("holds no {name}: was it written with other settings?"));
        let SavedTensor { shape: [rows, columns], values } = self.tensors.get(name).ok_or_else(missing)?;
        Ok(backend.upload(*rows, *columns, values))
    }

    /// The tensor of this name into one of the same shape. Fails when there is none, or of another shape.
    pub fn restore<B: Backend>(&self, backend: &B, name: &str, tensor: &mut B::Tensor) -> Result<(), Error> {
        let saved = self.get(backend, name)?;
        let (found, expected) = (backend.shape(&saved), backend.shape(tensor));
        if found != expected {
            let [rows, columns] = expected;
            return Err(Error::Checkpoint(format!("holds a {name} of {found:?}, {rows} × {columns} expected")));
        }
        *tensor = saved;
        Ok(())
    }
}
