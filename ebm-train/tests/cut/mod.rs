//! A monitor that stops a run after so many minibatches, and lets the next run go on from there.

use ebm_train::Error;
use ebm_train::train::snapshot::Snapshot;
use ebm_train::train::{Epoch, Monitor};
use std::collections::HashMap;

/// What a run leaves, stage by stage, and what it told.
#[derive(Default)]
pub struct Cut {
    /// The last snapshot of every stage.
    pub left: HashMap<String, Snapshot>,
    /// Minibatches until the run is stopped; `None` never stops it.
    pub batches_left: Option<usize>,
    /// Figures of every epoch.
    pub epochs: Vec<Epoch>,
}

impl Monitor for Cut {
    fn begin(&mut self, stage: &str) -> Result<Option<Snapshot>, Error> {
        Ok(self.left.get(stage).cloned())
    }

    fn batch(&mut self, stage: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        let Some(left) = &mut self.batches_left else { return Ok(()) };
        *left -= 1;
        if *left > 0 {
            return Ok(());
        }
        self.left.insert(stage.to_owned(), snapshot()?);
        Err(Error::Interrupted { run: "here".into() })
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.epochs.push(epoch.clone());
        Ok(())
    }

    fn end(&mut self, stage: &str, snapshot: Snapshot) -> Result<(), Error> {
        self.left.insert(stage.to_owned(), snapshot);
        Ok(())
    }
}

/// Asserts that `run`, cut every so many minibatches and taken up again each time, ends as the uncut run does and tells the same; and that a run
/// that has ended gives the same again.
pub fn assert_resumes<T: PartialEq>(
    every: &[usize],
    mut run: impl FnMut(&mut Cut) -> Result<T, Error>,
) -> Result<(), Error> {
    let mut whole = Cut::default();
    let uncut = run(&mut whole)?;
    for &every in every {
        let mut monitor = Cut::default();
        let mut pieces = 0;
        let resumed = loop {
            monitor.batches_left = Some(every);
            match run(&mut monitor) {
                Ok(made) => break made,
                Err(Error::Interrupted { .. }) => pieces += 1,
                Err(error) => return Err(error),
            }
        };
        assert!(pieces > 0 && resumed == uncut, "cut every {every} minibatches, {pieces} times");
        assert_eq!(monitor.epochs, whole.epochs);
    }
    let epochs = whole.epochs.len();
    assert!(run(&mut whole)? == uncut && whole.epochs.len() == epochs, "what has ended learns nothing more");
    Ok(())
}
