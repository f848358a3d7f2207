//! [`Strand`]: follows one part of a run, logs its epochs and writes its checkpoints.

use super::milestones::is_milestone;
use super::{Event, Run, checkpoint};
use crate::Error;
use crate::parameters::RbmParameters;
use crate::train::advice::Watch;
use crate::train::pretrain::FIRST_MACHINE;
use crate::train::snapshot::{Position, Snapshot};
use crate::train::{Epoch, Monitor};
use std::time::{Duration, Instant};

/// An epoch that ends sooner after a checkpoint writes none: a run of short epochs would do little else.
const EPOCH_INTERVAL: Duration = Duration::from_secs(1);

/// The monitor of stages that follow each other. See [`Run::strand`].
pub struct Strand<'a> {
    run: &'a Run,
    epochs: Vec<Epoch>,
    watch: Watch,
    /// When the last checkpoint was written, and where its stage stood.
    written: Instant,
    position: Option<Position>,
    epoch_ended: bool,
}

impl<'a> Strand<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        let written = Instant::now();
        Self { run, epochs: Vec::new(), watch: Watch::default(), written, position: None, epoch_ended: false }
    }

    pub(super) fn into_epochs(self) -> Vec<Epoch> {
        self.epochs
    }

    /// Writes the checkpoint.
    fn write(&mut self, stage: &str, snapshot: &Snapshot) -> Result<(), Error> {
        let position = snapshot.position;
        // What the checkpoint has behind it must be in the log.
        self.run.log().sync()?;
        let path = self.run.folder.checkpoint(stage);
        checkpoint::write(&path, &self.run.settings, snapshot)?;
        let Position { epochs, batches } = position;
        self.run.log().tell(&Event::Checkpoint { stage: stage.to_owned(), epochs, batches, path })?;
        self.written = Instant::now();
        self.position = Some(position);
        Ok(())
    }
}

impl Monitor for Strand<'_> {
    fn begin(&mut self, stage: &str) -> Result<Option<Snapshot>, Error> {
        let snapshot = checkpoint::read(&self.run.folder.checkpoint(stage), &self.run.settings)?;
        self.position = snapshot.as_ref().map(|snapshot| snapshot.position);
        self.epoch_ended = false;
        self.run.progress.begin(stage);
        for epoch in self.run.past.iter().filter(|epoch| epoch.stage == stage) {
            // What they show, an earlier process said.
            self.watch.see(epoch);
            self.epochs.push(epoch.clone());
        }
        Ok(snapshot)
    }

    fn advance(&mut self, multiply_adds: u64) {
        self.run.progress.advance(multiply_adds);
    }

    fn skip(&mut self, multiply_adds: u64) {
        self.run.progress.skip(multiply_adds);
    }

    fn batch(&mut self, stage: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        let epoch_ended = std::mem::take(&mut self.epoch_ended);
        let stopping = self.run.stopping();
        let since = self.written.elapsed();
        let due = if epoch_ended { self.run.interval.min(EPOCH_INTERVAL) } else { self.run.interval };
        if stopping || since >= due {
            self.write(stage, &snapshot()?)?;
        }
        if stopping {
            return Err(Error::Interrupted { run: self.run.folder.path().to_owned() });
        }
        Ok(())
    }

    fn machine(
        &mut self,
        stage: &str,
        [epoch, epochs]: [usize; 2],
        machine: &mut dyn FnMut() -> RbmParameters,
    ) -> Result<(), Error> {
        if stage == FIRST_MACHINE && is_milestone(epoch, epochs) {
            self.run.folder.keep_milestone(epoch, machine())?;
        }
        Ok(())
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.run.log().append(&Event::Epoch(Box::new(epoch.clone())))?;
        self.run.progress.show(epoch);
        for advice in self.watch.see(epoch) {
            self.run.progress.warn(&advice);
            self.run.log().append(&Event::Warning(advice))?;
        }
        self.epochs.push(epoch.clone());
        self.epoch_ended = true;
        Ok(())
    }

    fn end(&mut self, stage: &str, snapshot: Snapshot) -> Result<(), Error> {
        if self.position != Some(snapshot.position) {
            self.write(stage, &snapshot)?;
        }
        Ok(())
    }
}
