//! [`Stack`]: the machines of a model on a backend, whatever the model is.

use crate::Error;
use crate::backend::Backend;
use crate::data::Batch;
use crate::parameters::{Parameters, ParametersError, RbmParameters, Stage, UnitKinds};
use crate::train::machine::Machine;
use ebm_core::rng::Purpose;

/// A machine, or a deep belief network: layers below and the machine on top that is its memory.
pub struct Stack<B: Backend> {
    below: Vec<Level<B>>,
    top: Machine<B>,
}

/// A layer below the top: the way up, and the way down where that has weights of its own.
struct Level<B: Backend> {
    up: Machine<B>,
    down: Option<Machine<B>>,
}

impl<B: Backend> Level<B> {
    fn new(backend: &B, stage: &Stage) -> Result<Self, ParametersError> {
        let Stage::Directed { generative, .. } = stage else {
            return Ok(Self { up: Machine::new(backend, stage.generative())?, down: None });
        };
        stage.directed()?;
        let (recognition, hidden) = stage.recognition();
        let up = RbmParameters {
            // Upwards, visible biases and the kinds of visible units say nothing.
            visible_bias: vec![0.0; recognition.inputs()],
            weights: recognition.weights,
            hidden_bias: recognition.bias,
            kinds: UnitKinds { hidden, ..UnitKinds::default() },
        };
        Ok(Self { up: Machine::new(backend, &up)?, down: Some(Machine::new(backend, generative)?) })
    }

    fn down(&self) -> &Machine<B> {
        self.down.as_ref().unwrap_or(&self.up)
    }
}

/// Are units set to their means, or to states drawn from `Draws` that this makes of a purpose and a layer?
pub(super) type Drawing<'d> = Option<&'d dyn Fn(Purpose, usize) -> crate::backend::Draws<'d>>;

impl<B: Backend> Stack<B> {
    /// Takes a model to the backend: of a fine-tuned classifier the machine beside it. Fails where there is none.
    pub fn new(backend: &B, parameters: &Parameters) -> Result<Self, Error> {
        match parameters {
            Parameters::Dbn(dbn) => Ok(Self {
                below: dbn.below.iter().map(|stage| Level::new(backend, stage)).collect::<Result<_, _>>()?,
                top: Machine::new(backend, &dbn.top)?,
            }),
            Parameters::Classifier(net) => match &net.machine {
                Some(machine) => Ok(Self { below: Vec::new(), top: Machine::new(backend, machine)? }),
                None => Err(Error::data(
                    "the model",
                    "a classifier trained from random weights has no machine to sample from: give one that was pretrained"
                        .into(),
                )),
            },
        }
    }

    /// The machine on top.
    pub fn top(&self) -> &Machine<B> {
        &self.top
    }

    /// The way up and the way down of every layer below it, from the input up.
    pub fn levels(&self) -> impl ExactSizeIterator<Item = [&Machine<B>; 2]> {
        self.below.iter().map(|level| [&level.up, level.down()])
    }

    /// Number of layers below it.
    pub fn below(&self) -> usize {
        self.below.len()
    }

    /// Multiply-adds of one Gibbs step of a chain: through the top machine and back, and through the layers below where inputs are held.
    pub fn step_cost(&self, inputs_held: bool) -> u64 {
        let product = |machine: &Machine<B>| (machine.visible() * machine.hidden()) as u64;
        let of_levels = self.levels().map(|[up, down]| product(up) + product(down)).sum::<u64>();
        2 * product(&self.top) + if inputs_held { of_levels } else { 0 }
    }

    /// What the units are that stand for the data.
    pub fn kinds(&self) -> &UnitKinds {
        self.below.first().map_or(self.top.kinds(), |level| level.down().kinds())
    }

    /// Number of visible units that stand for the data: without labels.
    pub fn inputs(&self) -> usize {
        self.below.first().map_or(self.top.visible() - self.labels(), |level| level.up.visible())
    }

    /// Classes among the top machine's visible units; 0 where there are none.
    pub fn labels(&self) -> usize {
        self.top.kinds().units().map_or(0, |units| units.labels())
    }

    /// The top machine's visible units for these inputs: means of the layers below, and behind them, where there are labels,
    /// `p(y | x)` of every class, exactly. Fails when the inputs have another shape.
    pub fn to_top(&self, backend: &B, inputs: &Batch) -> Result<Batch, Error> {
        ebm_core::ShapeError::check("inputs", self.inputs(), inputs.visible)?;
        let up = self.up(backend, backend.upload(inputs.rows(), inputs.visible, &inputs.values), None);
        let visible = self.top.visible() - self.labels();
        let values = Batch { values: backend.download(&up), visible };
        if self.labels() == 0 {
            return Ok(values);
        }
        let parameters = self.top.parameters(backend);
        let view = parameters.view()?;
        let mut joined = Vec::with_capacity(inputs.rows() * self.top.visible());
        let mut classes = vec![0.0; self.labels()];
        for row in values.iter() {
            view.class_probs(row, &mut classes)?;
            joined.extend_from_slice(row);
            joined.extend_from_slice(&classes);
        }
        Ok(Batch { values: joined, visible: self.top.visible() })
    }

    /// Means of the inputs, from those of every layer up and of every layer down again: the mean-field reconstruction.
    /// Fails when the inputs have another shape.
    pub fn reconstruct(&self, backend: &B, inputs: &Batch) -> Result<Batch, Error> {
        let top = self.to_top(backend, inputs)?;
        let visible = backend.upload(top.rows(), top.visible, &top.values);
        let (mut hidden, mut means) = (backend.zeros(0, 0), backend.zeros(0, 0));
        self.top.hidden_means(backend, &visible, &mut hidden);
        self.top.visible_means(backend, &hidden, &mut means);
        let down = self.down(backend, self.without_labels(backend, means), None, true);
        Ok(Batch { values: backend.download(&down), visible: self.inputs() })
    }

    /// From inputs up to the top machine's visible units that are no labels.
    pub(super) fn up(&self, backend: &B, mut values: B::Tensor, draws: Drawing<'_>) -> B::Tensor {
        let mut out = backend.zeros(0, 0);
        for (layer, level) in self.below.iter().enumerate() {
            match draws {
                Some(draws) => {
                    let draws = draws(Purpose::GeneratedHidden, layer);
                    level.up.sample_hidden(backend, ebm_core::Beta::ONE, draws, &values, &mut out);
                }
                None => level.up.hidden_means(backend, &values, &mut out),
            }
            std::mem::swap(&mut values, &mut out);
        }
        values
    }

    /// From the top machine's visible units that are no labels down to the inputs, of which `means` gives the means.
    pub(super) fn down(&self, backend: &B, mut values: B::Tensor, draws: Drawing<'_>, means: bool) -> B::Tensor {
        let mut out = backend.zeros(0, 0);
        for (layer, level) in self.below.iter().enumerate().rev() {
            match draws {
                Some(draws) if layer > 0 || !means => {
                    let draws = draws(Purpose::GeneratedVisible, layer);
                    level.down().sample_visible(backend, ebm_core::Beta::ONE, draws, &values, &mut out);
                }
                _ => level.down().visible_means(backend, &values, &mut out),
            }
            std::mem::swap(&mut values, &mut out);
        }
        values
    }

    /// The top machine's visible units that are no labels.
    pub(super) fn without_labels(&self, backend: &B, visible: B::Tensor) -> B::Tensor {
        let (labels, width) = (self.labels(), self.top.visible());
        if labels == 0 {
            return visible;
        }
        let values = backend.download(&visible);
        let inputs: Vec<f32> = values.chunks_exact(width).flat_map(|row| &row[..width - labels]).copied().collect();
        backend.upload(values.len() / width, width - labels, &inputs)
    }
}
