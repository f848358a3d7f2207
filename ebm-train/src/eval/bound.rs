//! The variational bound of a deep belief network (Hinton, Osindero & Teh 2006; Salakhutdinov & Murray 2008, section 5).

use super::energy::free_energies_of_inputs;
use crate::Error;
use crate::backend::{Backend, Draws};
use crate::data::Samples;
use crate::generate::Stack;
use crate::parameters::UnitKinds;
use crate::train::machine::Machine;
use ebm_core::rng::{Purpose, Stream};
use ebm_core::{Beta, HiddenKind, VisibleKind};

/// Lower bound of the mean `ln p(v)` over the samples, in nats:
///
/// `ln p(v) ≥ E_q[Σ_l ln p(x_l | x_{l+1}) − ln q(x_{l+1} | x_l) + ln p*(x_L)] − ln Z`,
///
/// `x_0 = v`, `q` being the recognition pass and `p` the generative weights of every layer below the top, and `ln p*(x) = −F(x)` and `Z` those of
/// the machine on top, labels summed out. The expectation is estimated without bias from `draws` passes up a sample. With nothing below the top it is the
/// log-likelihood itself.
///
/// Fails when the data have another shape, or when a layer between is not of Bernoulli units: then `p` and `q` are not over the same states.
pub fn variational_bound<B: Backend>(
    backend: &B,
    stack: &Stack<B>,
    log_partition: f64,
    data: &Samples,
    seed: u64,
    draws: u16,
) -> Result<f64, Error> {
    ebm_core::ShapeError::check("inputs", stack.inputs(), data.visible())?;
    check_between(stack)?;
    // Every pass is the same where there is nothing to draw.
    let draws = if stack.below() == 0 { 1 } else { draws.max(1) };
    let mut total = 0.0;
    let mut first = 0;
    for piece in data.pieces() {
        let piece = piece?;
        let samples: Vec<u32> = (first..first + piece.rows() as u32).collect();
        first += piece.rows() as u32;
        for phase in 0..draws {
            let visible = backend.upload(piece.rows(), piece.visible, &piece.values);
            total += Pass { backend, seed, phase, samples: &samples }.bound(stack, visible) / f64::from(draws);
        }
    }
    Ok(total / data.rows() as f64 - log_partition)
}

/// One pass up of a piece of the data.
struct Pass<'a, B: Backend> {
    backend: &'a B,
    seed: u64,
    phase: u16,
    samples: &'a [u32],
}

impl<B: Backend> Pass<'_, B> {
    /// Sum over the piece of what the expectation is of.
    fn bound(&self, stack: &Stack<B>, mut below: B::Tensor) -> f64 {
        let backend = self.backend;
        let (mut inputs, mut out) = (backend.zeros(0, 0), backend.zeros(0, 0));
        let mut sum = 0.0;
        for (layer, [up, down]) in (0u8..).zip(stack.levels()) {
            let mut fields = backend.zeros(0, 0);
            up.hidden_fields(backend, &below, &mut fields);
            let mut above = backend.zeros(0, 0);
            backend.copy(&fields, &mut above);
            let stream = Stream { purpose: Purpose::Recognition, layer, phase: self.phase, step: 0, sample: 0 };
            let draws = Draws { seed: self.seed, stream, samples: self.samples };
            backend.sample_hidden(draws, HiddenKind::Bernoulli, Beta::ONE, &mut above);
            // A layer of Bernoulli units has the same probabilities whichever way it is seen.
            backend.visible_log_densities(&UnitKinds::default(), &up.hidden_bias, &fields, &above, &mut out);
            sum -= total(backend, &out);
            down.visible_inputs(backend, &above, &mut inputs);
            backend.visible_log_densities(down.kinds(), &down.visible_bias, &inputs, &below, &mut out);
            sum += total(backend, &out);
            below = above;
        }
        sum - free_energies_of_inputs(backend, stack.top(), &below).into_iter().sum::<f64>()
    }
}

fn total<B: Backend>(backend: &B, column: &B::Tensor) -> f64 {
    backend.download(column).into_iter().map(f64::from).sum()
}

/// Fails unless the layers between the data and the top are of Bernoulli units.
fn check_between<B: Backend>(stack: &Stack<B>) -> Result<(), Error> {
    let is_binary = |machine: &Machine<B>| {
        let blocks = machine.kinds().blocks.iter();
        blocks.clone().all(|block| matches!(block.kind(), Some(VisibleKind::Bernoulli | VisibleKind::Label)))
    };
    let above_the_data = stack.levels().skip(1).map(|[_, down]| down).chain([stack.top()]);
    let between = stack
        .levels()
        .all(|[up, down]| up.kinds().hidden == HiddenKind::Bernoulli && down.kinds().hidden == HiddenKind::Bernoulli);
    if stack.below() == 0 || between && above_the_data.into_iter().all(is_binary) {
        return Ok(());
    }
    Err(Error::Likelihood("a layer between the data and the top machine is not of Bernoulli units".into()))
}
