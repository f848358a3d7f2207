//! The variational bound of small deep belief networks against enumeration of all their states.

use ebm_core::{Block, VisibleKind};
use ebm_tests::exact::{Exact, log_sum_exp, state};
use ebm_tests::mixed::{Mixed, Visible};
use ebm_tests::parameters::Parameters;
use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::{Batch, Samples};
use ebm_train::eval::bound::variational_bound;
use ebm_train::eval::partition::log_partition_exact;
use ebm_train::generate::Stack;
use ebm_train::parameters::{AffineParameters, DbnParameters, Parameters as Model, RbmParameters, Stage, UnitKinds};

const VISIBLE: usize = 5;
const HIDDEN: usize = 4;
const TOP: usize = 3;

fn rbm(parameters: &Parameters) -> RbmParameters {
    let Parameters { weights, visible_bias, hidden_bias } = parameters.clone();
    RbmParameters { weights, visible_bias, hidden_bias, kinds: UnitKinds::default() }
}

/// Every visible state as a sample.
fn all_states() -> Batch {
    let values = (0..1 << VISIBLE).flat_map(|number| state(number, VISIBLE)).map(|v| v as f32).collect();
    Batch { values, visible: VISIBLE }
}

/// `p(x | h)` of the generative way, `q(h | v)` of the recognition, `ln p(h)` of the top: by enumeration.
struct Truth<'a> {
    generative: Exact,
    recognition: Exact,
    log_top: Box<dyn Fn(usize) -> f64 + 'a>,
}

impl Truth<'_> {
    fn terms(&self, v: usize) -> Vec<(f64, f64)> {
        let q = self.recognition.hidden_distribution(&state(v, VISIBLE));
        let log_joint = |h: usize| self.generative.visible_distribution(&state(h, HIDDEN))[v].ln() + (self.log_top)(h);
        (0..1 << HIDDEN).map(|h| (q[h], log_joint(h))).collect()
    }

    fn log_likelihood(&self, v: usize) -> f64 {
        log_sum_exp(self.terms(v).iter().map(|term| term.1))
    }

    fn bound(&self, v: usize) -> f64 {
        self.terms(v).iter().map(|(q, log_joint)| q * (log_joint - q.ln())).sum()
    }
}

fn mean(of_state: impl Fn(usize) -> f64) -> f64 {
    (0..1 << VISIBLE).map(of_state).sum::<f64>() / f64::from(1 << VISIBLE)
}

fn bound(backend: &Cpu, dbn: DbnParameters, draws: u16) -> Result<f64, Error> {
    let stack = Stack::new(backend, &Model::Dbn(dbn))?;
    let log_partition = log_partition_exact(backend, stack.top()).expect("a small top");
    variational_bound(backend, &stack, log_partition, &Samples::from(all_states()), 3, draws)
}

/// Draws a state, and the standard error that a mean over as many has at most: terms lie within some 4 nats of each other.
const DRAWS: u16 = 2000;
const ERROR: f64 = 0.02;

#[test]
fn bounds_of_tied_and_directed_stages_are_the_enumerated_ones() -> Result<(), Error> {
    let backend = Cpu::new(2)?.sharing_from(0);
    let lower = Parameters::random(VISIBLE, HIDDEN, 1.5, 1);
    let recognition = Parameters::random(VISIBLE, HIDDEN, 1.5, 2);
    let top = Parameters::random(HIDDEN, TOP, 1.5, 3);
    let marginal = top.exact().visible_marginal();
    let affine = AffineParameters { weights: recognition.weights.clone(), bias: recognition.hidden_bias.clone() };
    for (stage, up) in [
        (Stage::Tied(rbm(&lower)), &lower),
        (Stage::Directed { recognition: affine, generative: rbm(&lower) }, &recognition),
    ] {
        let truth =
            Truth { generative: lower.exact(), recognition: up.exact(), log_top: Box::new(|h| marginal[h].ln()) };
        let (exact, likelihood) = (mean(|v| truth.bound(v)), mean(|v| truth.log_likelihood(v)));
        let ours = bound(&backend, DbnParameters { below: vec![stage], top: rbm(&top) }, DRAWS)?;
        assert!((ours - exact).abs() < ERROR, "{ours}, enumerated {exact}");
        assert!(ours < likelihood - 5.0 * ERROR, "{ours} is no bound of {likelihood}");
    }
    Ok(())
}

/// A top machine that is the lower one upside down has the lower one's own distribution of hidden states: the recognition pass is then the exact
/// posterior, and one draw gives the likelihood itself.
#[test]
fn with_the_exact_posterior_the_bound_is_the_likelihood() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    let lower = Parameters::random(VISIBLE, HIDDEN, 1.5, 4);
    let upside_down = RbmParameters {
        weights: (0..VISIBLE)
            .flat_map(|i| (0..HIDDEN).map(move |j| (i, j)))
            .map(|(i, j)| lower.weights[i + j * VISIBLE])
            .collect(),
        visible_bias: lower.hidden_bias.clone(),
        hidden_bias: lower.visible_bias.clone(),
        kinds: UnitKinds::default(),
    };
    let states: Vec<Vec<f64>> = (0..1 << VISIBLE).map(|v| state(v, VISIBLE)).collect();
    let truth = lower.exact().log_likelihood(&states);
    let dbn = DbnParameters { below: vec![Stage::Tied(rbm(&lower))], top: upside_down };
    let ours = bound(&backend, dbn, 1)?;
    assert!((ours - truth).abs() < 1e-5, "{ours}, likelihood {truth}");
    let alone = bound(&backend, DbnParameters { below: Vec::new(), top: rbm(&lower) }, 1)?;
    assert!((alone - truth).abs() < 1e-5, "{alone}, likelihood {truth}");
    Ok(())
}

#[test]
fn labels_of_the_top_are_summed_out() -> Result<(), Error> {
    const LABELS: usize = 3;
    let backend = Cpu::new(2)?;
    let lower = Parameters::random(VISIBLE, HIDDEN, 1.0, 5);
    let top = Parameters::random(HIDDEN + LABELS, TOP, 1.0, 6);
    let blocks = [Visible::Bernoulli(HIDDEN), Visible::Label(LABELS)];
    let joint = Mixed::new(&top, &blocks, ebm_core::HiddenKind::Bernoulli);
    let log_weights: Vec<f64> =
        (0..1 << HIDDEN).map(|h| log_sum_exp(joint.class_scores(&state(h, HIDDEN)).into_iter())).collect();
    let all = log_sum_exp(log_weights.iter().copied());
    let truth =
        Truth { generative: lower.exact(), recognition: lower.exact(), log_top: Box::new(|h| log_weights[h] - all) };
    let mut labelled = rbm(&top);
    labelled.kinds.blocks =
        vec![Block::new(VisibleKind::Bernoulli, HIDDEN as u32), Block::new(VisibleKind::Label, LABELS as u32)];
    let ours = bound(&backend, DbnParameters { below: vec![Stage::Tied(rbm(&lower))], top: labelled }, DRAWS)?;
    let exact = mean(|v| truth.bound(v));
    assert!((ours - exact).abs() < ERROR, "{ours}, enumerated {exact}");
    Ok(())
}

#[test]
fn layers_that_share_no_states_have_no_bound() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let lower = rbm(&Parameters::random(VISIBLE, HIDDEN, 1.0, 7));
    let mut real = rbm(&Parameters::random(HIDDEN, TOP, 1.0, 8));
    real.kinds = UnitKinds {
        blocks: vec![Block::new(VisibleKind::Gaussian, HIDDEN as u32)],
        sigma: vec![1.0; HIDDEN],
        ..UnitKinds::default()
    };
    let refused = bound(&backend, DbnParameters { below: vec![Stage::Tied(lower)], top: real }, 1);
    assert!(matches!(refused, Err(Error::Likelihood(_))), "{refused:?}");
    Ok(())
}
