//! The exact gradient of a ClassRBM's `ln p(y | x)` (Larochelle & Bengio 2008; Larochelle, Mandel, Pascanu & Bengio 2012).

use super::Gradients;
use crate::backend::Backend;
use crate::train::machine::Machine;
use crate::train::to_part;

/// What the classes' scores of a minibatch are formed in.
pub(super) struct Discriminative<B: Backend> {
    classes: usize,
    /// 1 × V: 1 for an input, 0 for a class.
    is_input: B::Tensor,
    inputs: B::Tensor,
    fields: B::Tensor,
    scores: B::Tensor,
    deltas: B::Tensor,
    /// Totals of minibatches that are learnt from: nobody reads them.
    unread: B::Tensor,
}

impl<B: Backend> Discriminative<B> {
    /// For a machine whose last `classes` units are the labels.
    pub fn new(backend: &B, visible: usize, classes: usize) -> Self {
        let is_input: Vec<f32> = (0..visible).map(|i| if i + classes < visible { 1.0 } else { 0.0 }).collect();
        let empty = || backend.zeros(0, 0);
        Self {
            classes,
            is_input: backend.upload(1, visible, &is_input),
            inputs: empty(),
            fields: empty(),
            scores: empty(),
            deltas: empty(),
            unread: backend.zeros(1, 2),
        }
    }

    /// `ln p(y | x)` up to a constant of every sample and class, from samples with any labels; adds to `totals` (1 × 2) the sum of
    /// `−ln p(y | x)` and the number of samples whose likeliest class is their label. What stays in `scores` are derivatives of the mean.
    pub fn classify(
        &mut self,
        backend: &B,
        machine: &Machine<B>,
        data: &B::Tensor,
        labels: &[u16],
        totals: &mut B::Tensor,
    ) {
        let Self { classes, is_input, inputs, fields, scores, .. } = self;
        backend.copy(data, inputs);
        backend.multiply_columns(is_input, inputs);
        machine.hidden_fields(backend, inputs, fields);
        let kind = machine.kinds().hidden;
        backend.class_scores(kind, *classes, &machine.weights, &machine.visible_bias, fields, scores);
        backend.softmax_cross_entropy(labels, 0.0, scores, totals);
    }

    /// This rank's part of the gradient of the minibatch's mean `−ln p(y | x)`, which has `rows` samples on all ranks:
    ///
    /// `∂W_ij = Σ_y g_y·x_i·m_j(y)`, `∂b_j = Σ_y g_y·m_j(y)`, for a class's own weights `∂W_yj = g_y·m_j(y)` and bias `∂a_y = g_y`, with
    /// `g_y = p(y | x) − [y is the label]` and `m_j(y)` the mean of hidden unit j given x and y.
    pub fn gradient(
        &mut self,
        backend: &B,
        machine: &Machine<B>,
        data: &B::Tensor,
        (labels, rows): (&[u16], usize),
        gradients: &mut Gradients<'_, B>,
    ) {
        let mut unread = std::mem::replace(&mut self.unread, backend.zeros(0, 0));
        self.classify(backend, machine, data, labels, &mut unread);
        self.unread = unread;
        to_part(backend, rows, &mut self.scores);
        let (Self { inputs, fields, scores, deltas, .. }, kind) = (self, machine.kinds().hidden);
        backend.class_fields_backward(kind, &machine.weights, scores, fields, deltas);
        backend.outer(0.0, &[(1.0, [inputs, deltas])], gradients.weights);
        backend.class_weights_backward(kind, &machine.weights, scores, fields, gradients.weights);
        backend.column_sums(0.0, &[], gradients.visible_bias);
        backend.class_bias_backward(scores, gradients.visible_bias);
        backend.column_sums(0.0, &[(1.0, deltas)], gradients.hidden_bias);
    }
}
