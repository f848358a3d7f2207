//! What the experiments share: a machine learns from the training part, is kept as it was after some epochs, draws and is drawn.

use super::{Context, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, ImageShape, Samples};
use crate::generate::{Chains, Stack};
use crate::parameters::{DbnParameters, Parameters, RbmParameters};
use crate::report::picture::{Colours, Grid};
use crate::train::rbm::{self, RbmSettings, Run, Shape};
use crate::train::snapshot::Snapshot;
use crate::train::source::Source;
use crate::train::{Epoch, Monitor};
use ebm_core::Beta;
use std::path::PathBuf;

/// What an experiment's settings are where it does not say: those of `train` with the plain gradient that was published.
pub(super) fn plain() -> RbmSettings {
    RbmSettings { centered: false, ..RbmSettings::default() }
}

/// A machine as it was after some epochs; after none, its start.
pub(super) struct Kept {
    pub(super) epochs: usize,
    pub(super) machine: RbmParameters,
}

/// Trains a machine of so many Bernoulli units as the stage `stage`, and gives it as it was after each number of epochs in `keep` (rising) and at the end.
pub(super) fn learn<B: Backend>(
    context: &mut Context<'_, B>,
    stage: &str,
    settings: &RbmSettings,
    hidden: usize,
    keep: &[usize],
) -> Result<Vec<Kept>, Error> {
    let Context { backend, setting, seed, .. } = *context;
    let mut train = Source::new(backend, &setting.dataset.train.inputs, &[], None)?;
    let mut test = Source::new(backend, &setting.dataset.test.inputs, &[], None)?;
    let start = rbm::start(backend, settings, (seed, 0), &Shape::bernoulli(hidden), &mut train)?;
    let mut heard = Heard { keep, ..Heard::by(context.monitor) };
    let mut run =
        Run { stage: stage.to_owned(), seed, layer: 0, train: &mut train, validation: None, test: Some(&mut test) };
    let trained = rbm::train(backend, settings, &mut run, &start, &mut heard)?.parameters(backend);
    let mut kept = Vec::new();
    if keep.first() == Some(&0) {
        kept.push(Kept { epochs: 0, machine: start.clone() });
    }
    for snapshot in heard.snapshots {
        let values = |name: &str| snapshot.tensors.get(name).map(|saved| saved.values.clone()).unwrap_or_default();
        let machine = RbmParameters {
            weights: values("weights"),
            visible_bias: values("visible_bias"),
            hidden_bias: values("hidden_bias"),
            kinds: start.kinds.clone(),
        };
        machine.view()?;
        kept.push(Kept { epochs: snapshot.position.epochs, machine });
    }
    kept.push(Kept { epochs: settings.epochs, machine: trained });
    Ok(kept)
}

/// Multiply-adds of [`learn`].
pub(super) fn work(setting: &Setting<'_>, settings: &RbmSettings, hidden: usize) -> u64 {
    let inputs = &setting.dataset.train.inputs;
    settings.cost(inputs.visible(), hidden, inputs.rows(), [inputs.rows(), setting.dataset.test.inputs.rows()])
}

/// Passes on what it hears, keeps the figures of epochs, and takes a snapshot after some of them.
pub(super) struct Heard<'m> {
    inner: &'m mut dyn Monitor,
    /// Figures of every epoch.
    pub(super) epochs: Vec<Epoch>,
    keep: &'m [usize],
    snapshots: Vec<Snapshot>,
    /// Has an epoch ended after which a snapshot is taken?
    due: bool,
}

impl<'m> Heard<'m> {
    /// What `inner` hears.
    pub(super) fn by(inner: &'m mut dyn Monitor) -> Self {
        Self { inner, epochs: Vec::new(), keep: &[], snapshots: Vec::new(), due: false }
    }

    /// The last epoch of a stage.
    pub(super) fn last(&self, stage: &str) -> Option<&Epoch> {
        self.epochs.iter().rfind(|epoch| epoch.stage == stage)
    }
}

impl Monitor for Heard<'_> {
    fn begin(&mut self, stage: &str) -> Result<Option<Snapshot>, Error> {
        self.inner.begin(stage)
    }

    fn advance(&mut self, multiply_adds: u64) {
        self.inner.advance(multiply_adds);
    }

    fn skip(&mut self, multiply_adds: u64) {
        self.inner.skip(multiply_adds);
    }

    fn batch(&mut self, stage: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        // The first snapshot after an epoch is the one at its end.
        if std::mem::take(&mut self.due) {
            self.snapshots.push(snapshot()?);
        }
        self.inner.batch(stage, snapshot)
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.due = self.keep.contains(&epoch.epoch);
        self.epochs.push(epoch.clone());
        self.inner.epoch(epoch)
    }

    fn end(&mut self, stage: &str, snapshot: Snapshot) -> Result<(), Error> {
        self.inner.end(stage, snapshot)
    }
}

/// The machine as a stack of one.
pub(super) fn stack<B: Backend>(backend: &B, machine: &RbmParameters) -> Result<Stack<B>, Error> {
    Stack::new(backend, &Parameters::Dbn(DbnParameters { below: Vec::new(), top: machine.clone() }))
}

/// Takes so many Gibbs steps at `β = 1`.
pub(super) fn run_chains<B: Backend>(chains: &mut Chains<'_, B>, steps: usize) {
    (0..steps).for_each(|_| chains.step(Beta::ONE));
}

/// The first `count` samples.
pub(super) fn first(samples: &Samples, count: usize) -> Result<Batch, Error> {
    Ok(samples.read(0..count.min(samples.rows()))?.into_owned())
}

/// Writes tiles in grey as `name`.png into the experiment's folder, so many a row.
pub(super) fn picture<B: Backend>(
    context: &Context<'_, B>,
    name: &str,
    columns: usize,
    tiles: &[&[f32]],
    colours: Colours,
) -> Result<PathBuf, Error> {
    let visible = context.setting.dataset.train.inputs.visible();
    let shape = context.setting.dataset.image.unwrap_or(ImageShape { width: visible, height: 1 });
    // What a card that failed gave is no picture.
    context.backend.check()?;
    let path = context.out.join(format!("{name}.png"));
    Grid::rows_of(shape, columns).draw(tiles.iter().copied(), colours).write_png(&path, &colours.words())?;
    Ok(path)
}
