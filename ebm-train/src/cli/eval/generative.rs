//! What only a model's whole distribution tells: reconstruction error, pseudo-likelihood, log-likelihood.

use super::figures::{AnnealedLikelihood, Figures, Likelihood};
use super::samples::Measured;
use super::{EvalArgs, LogLikelihood};
use crate::Error;
use crate::backend::Backend;
use crate::cli::backend::Work;
use crate::data::{Dataset, Samples, Split};
use crate::eval::annealing::{self, Annealing};
use crate::eval::bound::variational_bound;
use crate::eval::likelihood::{annealed_both_ways, what_it_is_of};
use crate::eval::partition::{MAX_STATES, enumerable_states, log_partition_exact};
use crate::eval::pseudo::pseudo_log_likelihood;
use crate::generate::Stack;
use crate::parameters::Parameters;
use crate::report::Progress;
use crate::train::source::{OneHot, Source};

/// Most states that are summed where the user has not asked for it: some ten seconds.
const UNASKED_STATES: u64 = 1 << 20;
/// Passes up a stack a sample that its bound is averaged over.
const PASSES: u16 = 10;

/// What is measured.
pub(super) struct Generative<'a> {
    pub args: &'a EvalArgs,
    pub parameters: &'a Parameters,
    pub measured: &'a Measured<'a>,
    pub dataset: &'a Dataset,
    /// What these are added to.
    pub figures: &'a mut Figures,
}

impl Work for Generative<'_> {
    type Found = ();

    fn on<B: Backend>(self, backend: &B) -> Result<(), Error> {
        let Self { args, parameters, measured, dataset, figures } = self;
        let is_generative = match parameters {
            Parameters::Dbn(_) => true,
            Parameters::Classifier(net) if net.machine.is_some() => false,
            // A net from random weights says nothing of the inputs.
            Parameters::Classifier(_) => return Ok(()),
        };
        let stack = Stack::new(backend, parameters)?;
        let usual: &Split = &measured.usual;
        figures.reconstruction_error = Some(reconstruction_error(backend, &stack, &usual.inputs)?);
        if is_generative {
            match pseudo(backend, &stack, usual)? {
                Ok(nats) => figures.pseudo_log_likelihood_nats = Some(nats),
                Err(why) => figures.no_pseudo_log_likelihood = Some(why),
            }
        }
        let how = args.log_likelihood.unwrap_or(if is_generative { LogLikelihood::Auto } else { LogLikelihood::None });
        if how != LogLikelihood::None {
            let likelihood = likelihood(args, how, backend, &stack, measured, dataset)?;
            let bound = stack.below() > 0;
            *(if bound { &mut figures.log_likelihood_bound_nats } else { &mut figures.log_likelihood_nats }) =
                Some(likelihood);
        }
        if figures.pseudo_log_likelihood_nats.is_some() || how != LogLikelihood::None {
            figures.likelihood_of = Some(what_it_is_of(stack.kinds(), &usual.inputs)?.words());
        }
        Ok(())
    }
}

/// Mean over samples and inputs of the squared difference to the mean-field reconstruction, through every layer and back.
fn reconstruction_error<B: Backend>(backend: &B, stack: &Stack<B>, samples: &Samples) -> Result<f64, Error> {
    let mut sum = 0.0;
    for piece in samples.pieces() {
        let piece = piece?;
        let means = stack.reconstruct(backend, &piece)?;
        sum += piece.values.iter().zip(&means.values).map(|(v, mean)| f64::from(v - mean).powi(2)).sum::<f64>();
    }
    Ok(sum / (samples.rows() * samples.visible()) as f64)
}

/// Of a machine with labels, that of inputs and labels together. Where there is none, why not.
fn pseudo<B: Backend>(backend: &B, stack: &Stack<B>, split: &Split) -> Result<Result<f64, &'static str>, Error> {
    if stack.below() > 0 {
        return Ok(Err("a stack's layers give no input's probability given all others"));
    }
    let classes = stack.labels();
    if classes > 0 && (split.labels.is_empty() || split.labels.iter().any(|&label| usize::from(label) >= classes)) {
        return Ok(Err("it is that of inputs and labels, and the samples have none that the model knows"));
    }
    let labels = (classes > 0).then_some(OneHot { labels: &split.labels, classes });
    let mut source = Source::new(backend, &split.inputs, &[], labels)?;
    let nats = pseudo_log_likelihood(backend, stack.top(), &mut source)?;
    Ok(nats.ok_or("real-valued inputs have no closed form of it"))
}

fn likelihood<B: Backend>(
    args: &EvalArgs,
    how: LogLikelihood,
    backend: &B,
    stack: &Stack<B>,
    measured: &Measured<'_>,
    dataset: &Dataset,
) -> Result<Likelihood, Error> {
    let top = stack.top();
    let unnormalised = variational_bound(backend, stack, 0.0, &measured.usual.inputs, args.seed, PASSES)?;
    let most = if how == LogLikelihood::Exact { MAX_STATES } else { UNASKED_STATES };
    let states = enumerable_states(top.kinds(), top.visible(), top.hidden()).filter(|&states| states <= most);
    if how != LogLikelihood::Ais
        && states.is_some()
        && let Some(log_partition) = log_partition_exact(backend, top)
    {
        return Ok(Likelihood::Exact { exact: unnormalised - log_partition, log_partition });
    }
    if how == LogLikelihood::Exact {
        let value = format!("exact (for {} visible and {} hidden units)", top.visible(), top.hidden());
        let expected = "ais, or a model with a layer of at most 2^24 states";
        return Err(Error::Flag { flag: "--log-likelihood", value, expected });
    }
    let train = if dataset.train.inputs.rows() > 0 { &dataset.train } else { &*measured.usual };
    let (chains, temperatures, burn_in) = (args.chains as usize, args.temperatures as usize, args.burn_in as usize);
    let settings = Annealing { seed: args.seed, layer: stack.below() as u8, chains, temperatures };
    let cost = |burn_in| annealing::cost(settings, burn_in, top.visible(), top.hidden());
    let progress = Progress::new(cost(0) + cost(burn_in));
    let [forward, reverse] =
        annealed_both_ways(backend, stack, &train.inputs, settings, burn_in, &mut progress.recorder())?;
    progress.finish();
    let likelihood = AnnealedLikelihood::new(unnormalised, [&forward, &reverse], temperatures, burn_in);
    Ok(Likelihood::Annealed(Box::new(likelihood)))
}
