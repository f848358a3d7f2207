//! [`Chains`]: block Gibbs sampling, many chains at a time.

use super::stack::Stack;
use crate::Error;
use crate::backend::{Backend, Draws};
use crate::data::Batch;
use crate::parameters::UnitKinds;
use ebm_core::rng::{Purpose, Stream};
use ebm_core::{Beta, Machine as _, RbmView, ShapeError};

/// Gibbs chains over a model's top machine, with its layers below to go down through.
///
/// A chain is ebm-core's [`Chain`](ebm_core::Chain), with values held as [`Held`](ebm_core::Held) says; its draws are a function of the seed, the
/// run, the chain's number and its step, so it does not matter which others run beside it. For a single machine the stationary distribution is its
/// `p(v, h)`, or `p(v, h | held)`. Of a deep belief network the top machine alone runs, and what it holds is drawn down through the layers below
/// (Hinton, Osindero & Teh 2006). Where inputs of such a network are held, every step goes up through all layers and down again; that is the usual
/// approximation, and not exactly the conditional.
pub struct Chains<'a, B: Backend> {
    backend: &'a B,
    stack: &'a Stack<B>,
    seed: u64,
    run: u16,
    numbers: Vec<u32>,
    step: u32,
    /// The top machine's units.
    visible: B::Tensor,
    hidden: B::Tensor,
    held: Option<Held<B>>,
    /// The data that the chains started at, until the first step, where layers lie between.
    start: Option<B::Tensor>,
    /// The inputs, where some of them are held and layers lie between.
    inputs: Option<(B::Tensor, Held<B>)>,
}

/// Known values, and marks of 1 where they are put back.
struct Held<B: Backend> {
    known: B::Tensor,
    marks: B::Tensor,
}

impl<'a, B: Backend> Chains<'a, B> {
    /// Chains at these states of the top machine's visible units, labels included. Fails when they have another shape.
    pub fn from_states(
        backend: &'a B,
        stack: &'a Stack<B>,
        seed: u64,
        run: u16,
        states: &Batch,
    ) -> Result<Self, Error> {
        ShapeError::check("visible units", stack.top().visible(), states.visible)?;
        let rows = states.rows();
        Ok(Self {
            backend,
            stack,
            seed,
            run,
            numbers: (0..rows as u32).collect(),
            step: 0,
            visible: backend.upload(rows, states.visible, &states.values),
            hidden: backend.zeros(rows, stack.top().hidden()),
            held: None,
            start: None,
            inputs: None,
        })
    }

    /// `count` chains at states drawn as if nothing were known ([`ebm_core::Machine::noise`]); `run` tells apart samplings with one seed. Nothing in it
    /// fails but what [`Chains::from_states`] checks.
    pub fn from_noise(backend: &'a B, stack: &'a Stack<B>, seed: u64, run: u16, count: usize) -> Result<Self, Error> {
        Self::from_noise_numbered(backend, stack, seed, run, 0, count)
    }

    /// [`Chains::from_noise`], and fails no more than that, with the numbers `first`, `first + 1`, …: the noise is each number's own.
    pub fn from_noise_numbered(
        backend: &'a B,
        stack: &'a Stack<B>,
        seed: u64,
        run: u16,
        first: u32,
        count: usize,
    ) -> Result<Self, Error> {
        let visible = stack.top().visible();
        let zeros = Batch { values: vec![0.0; count * visible], visible };
        let mut chains = Self::from_states(backend, stack, seed, run, &zeros)?.numbered(first);
        let Self { numbers, visible, .. } = &mut chains;
        let draws = draws(seed, run, 0, numbers, Purpose::GeneratedVisible, stack.below());
        // Without a field every unit is at its most undecided.
        let bias = &stack.top().visible_bias;
        backend.sample_visible(draws, stack.top().kinds(), Beta::ONE, bias, visible);
        Ok(chains)
    }

    /// Chains at data, one a row of [`Stack::inputs`] values: at the means of the layers below, with `p(y | x)` for a label ([`Stack::to_top`]). Fails when
    /// a row has another length.
    pub fn from_data(backend: &'a B, stack: &'a Stack<B>, seed: u64, run: u16, inputs: &Batch) -> Result<Self, Error> {
        let mut chains = Self::from_states(backend, stack, seed, run, &stack.to_top(backend, inputs)?)?;
        if stack.below() > 0 {
            chains.start = Some(backend.upload(inputs.rows(), inputs.visible, &inputs.values));
        }
        Ok(chains)
    }

    /// Gives the chains other numbers than 0, 1, …: of chains that are run in pieces, or that belong to samples of a data set.
    pub fn numbered(mut self, first: u32) -> Self {
        self.numbers = (first..).take(self.numbers.len()).collect();
        self
    }

    /// Holds each chain's label, a class. Fails when there are no labels, or not one class a chain.
    pub fn hold_classes(&mut self, classes: &[u16]) -> Result<(), Error> {
        let (labels, visible) = (self.stack.labels(), self.stack.top().visible());
        ShapeError::check("classes of chains", self.numbers.len(), classes.len())?;
        if let Some(class) = classes.iter().find(|&&class| usize::from(class) >= labels) {
            let problem = match labels {
                0 => "has no labels among its visible units: no class can be held".to_owned(),
                _ => format!("class {class} cannot be held: it has labels of {labels} classes"),
            };
            return Err(Error::data("the model", problem));
        }
        let mut known = vec![0.0; classes.len() * visible];
        let mut marks = known.clone();
        for ((known, marks), &class) in
            known.chunks_exact_mut(visible).zip(marks.chunks_exact_mut(visible)).zip(classes)
        {
            known[visible - labels + usize::from(class)] = 1.0;
            marks[visible - labels..].fill(1.0);
        }
        self.hold_visible(&known, &marks);
        Ok(())
    }

    /// Holds inputs at known values wherever `marks`, one a value, says so; of a softmax group all when any is marked. They are put back before every
    /// step and after it. Fails when either has another shape.
    pub fn hold_inputs(&mut self, known: &Batch, marks: &[bool]) -> Result<(), Error> {
        let (rows, inputs) = (self.numbers.len(), self.stack.inputs());
        ShapeError::check("inputs", inputs, known.visible)?;
        ShapeError::check("known values", rows * inputs, known.values.len())?;
        ShapeError::check("held marks", known.values.len(), marks.len())?;
        let marks = whole_groups(self.stack.kinds(), inputs, marks)?;
        // What is not held may be no number.
        let known: Vec<f32> =
            known.values.iter().zip(&marks).map(|(&value, &mark)| if mark > 0.0 { value } else { 0.0 }).collect();
        if self.stack.below() == 0 {
            let visible = self.stack.top().visible();
            let widen = |values: &[f32]| {
                let mut wide = vec![0.0; rows * visible];
                for (wide, row) in wide.chunks_exact_mut(visible).zip(values.chunks_exact(inputs.max(1))) {
                    wide[..inputs].copy_from_slice(row);
                }
                wide
            };
            self.hold_visible(&widen(&known), &widen(&marks));
        } else {
            let upload = |values: &[f32]| self.backend.upload(rows, inputs, values);
            let held = Held { known: upload(&known), marks: upload(&marks) };
            let mut values = self.inputs_of(false);
            self.backend.put_marked(&held.known, &held.marks, &mut values);
            self.inputs = Some((values, held));
        }
        Ok(())
    }

    /// Adds to what is held in the top machine's visible layer.
    fn hold_visible(&mut self, known: &[f32], marks: &[f32]) {
        let upload = |values: &[f32]| self.backend.upload(self.numbers.len(), self.stack.top().visible(), values);
        let (new_known, new_marks) = (upload(known), upload(marks));
        let held = match self.held.take() {
            None => Held { known: new_known, marks: new_marks },
            Some(mut held) => {
                self.backend.put_marked(&new_known, &new_marks, &mut held.known);
                self.backend.put_marked(&new_marks, &new_marks, &mut held.marks);
                held
            }
        };
        self.backend.put_marked(&held.known, &held.marks, &mut self.visible);
        self.held = Some(held);
    }

    /// One step of block Gibbs sampling at inverse temperature `β`: `h ~ p_β(h | v)`, then `v ~ p_β(v | h)`.
    pub fn step(&mut self, beta: Beta) {
        self.step += 1;
        self.start = None;
        let Self { backend, stack, seed, run, step, .. } = *self;
        let numbers = &self.numbers;
        let of = |purpose, layer| draws(seed, run, step, numbers, purpose, layer);
        if let Some((inputs, _)) = &self.inputs {
            let mut from = backend.zeros(0, 0);
            backend.copy(inputs, &mut from);
            let up = stack.up(backend, from, Some(&of));
            replace_inputs(backend, stack, up, &mut self.visible);
        }
        let (top, layer) = (stack.top(), stack.below());
        put_back(backend, &self.held, &mut self.visible);
        top.sample_hidden(backend, beta, of(Purpose::GeneratedHidden, layer), &self.visible, &mut self.hidden);
        top.sample_visible(backend, beta, of(Purpose::GeneratedVisible, layer), &self.hidden, &mut self.visible);
        put_back(backend, &self.held, &mut self.visible);
        if self.inputs.is_some() {
            let down = self.inputs_of(false);
            if let Some((inputs, held)) = &mut self.inputs {
                *inputs = down;
                backend.put_marked(&held.known, &held.marks, inputs);
            }
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// States of the inputs; of a network with layers below, drawn down through them.
    pub fn states(&self) -> Batch {
        match &self.inputs {
            Some((inputs, _)) => self.batch(inputs, self.stack.inputs()),
            None => self.batch(&self.inputs_of(false), self.stack.inputs()),
        }
    }

    /// Means of the inputs given the layer above them as the last step left it, known values where they are held.
    /// They are those at `β = 1`. Before the first step, the states.
    pub fn means(&self) -> Batch {
        self.batch(&self.mean_inputs(), self.stack.inputs())
    }

    /// Adds `scale` times the means of the inputs to `sum`, chains × inputs.
    pub fn add_means(&self, scale: f32, sum: &mut B::Tensor) {
        self.backend.add_scaled(scale, &self.mean_inputs(), sum);
    }

    /// States of the top machine's visible units, labels included.
    pub fn visible(&self) -> Batch {
        self.batch(&self.visible, self.stack.top().visible())
    }

    /// States of the top machine's hidden units; all off before the first step.
    pub fn hidden(&self) -> Batch {
        self.batch(&self.hidden, self.stack.top().hidden())
    }

    /// The class that each chain's label stands for; none where there are no labels.
    pub fn classes(&self) -> Vec<u16> {
        let (labels, visible) = (self.stack.labels(), self.visible());
        let class = |row: &[f32]| ebm_core::math::argmax(&row[row.len() - labels..]).map(|class| class as u16);
        visible.iter().filter_map(class).collect()
    }

    fn batch(&self, tensor: &B::Tensor, visible: usize) -> Batch {
        Batch { values: self.backend.download(tensor), visible }
    }

    fn mean_inputs(&self) -> B::Tensor {
        let Self { backend, stack, .. } = *self;
        let mut means = if self.step == 0 || stack.below() > 0 {
            self.inputs_of(self.step > 0)
        } else {
            let mut means = backend.zeros(0, 0);
            stack.top().visible_means(backend, &self.hidden, &mut means);
            put_back(backend, &self.held, &mut means);
            stack.without_labels(backend, means)
        };
        if let Some((_, held)) = &self.inputs {
            backend.put_marked(&held.known, &held.marks, &mut means);
        }
        means
    }

    /// The inputs that the top machine's visible state gives: `means` of them, or states; at the start, the data.
    fn inputs_of(&self, means: bool) -> B::Tensor {
        let Self { backend, stack, seed, run, step, .. } = *self;
        let mut visible = backend.zeros(0, 0);
        if let Some(start) = &self.start {
            backend.copy(start, &mut visible);
            return visible;
        }
        backend.copy(&self.visible, &mut visible);
        let visible = stack.without_labels(backend, visible);
        let of = |purpose, layer| draws(seed, run, step, &self.numbers, purpose, layer);
        stack.down(backend, visible, Some(&of), means)
    }
}

fn draws(seed: u64, run: u16, step: u32, numbers: &[u32], purpose: Purpose, layer: usize) -> Draws<'_> {
    let stream = Stream { layer: layer as u8, phase: run, step, ..Stream::new(purpose) };
    Draws { seed, stream, samples: numbers }
}

fn put_back<B: Backend>(backend: &B, held: &Option<Held<B>>, values: &mut B::Tensor) {
    if let Some(Held { known, marks }) = held {
        backend.put_marked(known, marks, values);
    }
}

/// Puts `inputs` into the top machine's visible state and leaves its labels.
fn replace_inputs<B: Backend>(backend: &B, stack: &Stack<B>, inputs: B::Tensor, visible: &mut B::Tensor) {
    let (labels, width) = (stack.labels(), stack.top().visible());
    if labels == 0 {
        *visible = inputs;
        return;
    }
    let mut values = backend.download(visible);
    let inputs = backend.download(&inputs);
    for (row, inputs) in values.chunks_exact_mut(width).zip(inputs.chunks_exact(width - labels)) {
        row[..width - labels].copy_from_slice(inputs);
    }
    *visible = backend.upload(values.len() / width, width, &values);
}

/// Marks as numbers, those of a softmax group alike: as [`ebm_core::Machine::hold`] holds them.
fn whole_groups(kinds: &UnitKinds, inputs: usize, marks: &[bool]) -> Result<Vec<f32>, Error> {
    let (units, bias) =
        (kinds.units().map_err(crate::parameters::ParametersError::from)?.without_labels(), vec![0.0; inputs]);
    let machine = RbmView::new(&[], &bias, &[])?.with_units(units)?;
    let ones = vec![1.0; inputs];
    let mut whole = vec![0.0; marks.len()];
    for (whole, marks) in whole.chunks_exact_mut(inputs.max(1)).zip(marks.chunks_exact(inputs.max(1))) {
        machine.hold(&ones, marks, whole)?;
    }
    Ok(whole)
}
