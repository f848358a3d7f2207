//! `likelihood`: how probable machines find MNIST, exactly where they are small and as an interval where they are not.

use super::learning;
use super::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::data::Samples;
use crate::eval::annealing::{self, Annealing};
use crate::eval::energy::mean_free_energy;
use crate::eval::partition::log_partition_exact;
use crate::parameters::RbmParameters;
use crate::train::machine::Machine;
use crate::train::rbm::RbmSettings;
use crate::train::rbm::settings::{Algorithm, Schedule};
use crate::train::source::Source;

/// Chains and temperatures of annealing; what PyDeep uses.
const CHAINS: usize = 100;
const TEMPERATURES: usize = 14_500;
/// Gibbs steps before a chain is taken for a sample of the model.
const BURN_IN: usize = 1000;
/// Hidden units of a machine whose states can be enumerated.
const SMALL: usize = 16;

fn small(setting: &Setting<'_>, centered: bool) -> RbmSettings {
    RbmSettings {
        algorithm: Algorithm::Pcd,
        centered,
        epochs: setting.of(50, 20),
        batch_size: setting.of(100, 10),
        learning_rate: 0.05,
        // The published runs' rate is constant, 0.01; falling to zero ends nearer to the optimum that the noise of the steps keeps it from.
        schedule: Schedule::Linear,
        initial_momentum: 0.0,
        momentum: 0.0,
        weight_decay: 0.0,
        ..learning::plain()
    }
}

fn large(setting: &Setting<'_>) -> RbmSettings {
    RbmSettings {
        algorithm: Algorithm::Pcd,
        centered: true,
        epochs: setting.of(200, 10),
        batch_size: setting.of(100, 10),
        learning_rate: 0.05,
        schedule: Schedule::Linear,
        initial_momentum: 0.0,
        momentum: 0.0,
        weight_decay: 0.0,
        ..learning::plain()
    }
}

fn hidden(setting: &Setting<'_>) -> usize {
    setting.of(500, 64)
}

fn annealing(setting: &Setting<'_>, seed: u64) -> Annealing {
    let temperatures = setting.of(TEMPERATURES, 1000);
    Annealing { seed, layer: 0, chains: CHAINS, temperatures }
}

pub(super) fn experiment<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "likelihood",
        about: "16 hidden units by PCD-1, exact log-likelihood; 500 by centered PCD-1 in 200 epochs, an interval by annealing both ways",
        source: "PyDeep's examples (−142.56 centered, −149.05 normal; AIS −84.86, reverse AIS by the mean of 1/w −96.61); CD-25: Salakhutdinov & Murray 2008 (−86.34)",
        data: Data::Binary,
        work: |setting| {
            let visible = setting.dataset.train.inputs.visible();
            let forwards = annealing::cost(annealing(setting, 0), 0, visible, hidden(setting));
            let backwards = annealing::cost(annealing(setting, 0), BURN_IN, visible, hidden(setting));
            let machines = 2 * learning::work(setting, &small(setting, true), SMALL)
                + learning::work(setting, &large(setting), hidden(setting));
            machines + forwards + backwards
        },
        run,
    }
}

fn run<B: Backend>(context: &mut Context<'_, B>) -> Result<Outcome, Error> {
    let mut figures = Vec::new();
    let setting = context.setting;
    for (name, centered, published, bar) in
        [("centered", true, -142.56, Some(-142.0)), ("normal", false, -149.05, None)]
    {
        let settings = small(&setting, centered);
        let kept = learning::learn(context, &format!("16-{name}"), &settings, SMALL, &[])?;
        for Likelihood { part, value } in exact(context, kept.last().map(|kept| &kept.machine))? {
            let figure = Figure::told(format!("16 hidden, {name}, exact log-likelihood, {part}"), "nats", value);
            figures.push(beside(&setting, figure, Some(published), bar));
        }
    }
    let (settings, hidden) = (large(&setting), hidden(&setting));
    let kept = learning::learn(context, "centered-pcd", &settings, hidden, &[])?;
    if let Some(kept) = kept.last() {
        interval(context, &kept.machine, &mut figures)?;
    }
    Ok(Outcome { figures, text: ENDS.to_owned(), ..Outcome::default() })
}

/// What the figures of annealing are.
const ENDS: &str = "Log-likelihoods by annealing, w the weight of a chain:
  AIS                    mean w of chains to the machine: too high by expectation
  reverse AIS            mean w of chains from the machine: too low by expectation, if they had mixed
  reverse AIS, mean 1/w  the same chains averaged as PyDeep does: never higher, as the worst chain decides it
";

/// A figure beside the published one, which is MNIST's, as its bar is; the digits have a bar of their own.
fn beside(setting: &Setting<'_>, figure: Figure, published: Option<f64>, bar: Option<f64>) -> Figure {
    let figure = Figure { published: published.filter(|_| !setting.quick), ..figure };
    match bar {
        Some(bar) => figure.bar(Bar::AtLeast(setting.of(bar, QUICK_BAR))),
        None => figure,
    }
}

struct Likelihood {
    part: &'static str,
    value: f64,
}

/// `−F̄(v)` of the training and the test part: a log-likelihood less `−ln Z`.
fn unnormalised<B: Backend>(context: &Context<'_, B>, machine: &Machine<B>) -> Result<[Likelihood; 2], Error> {
    let of = |samples: &Samples| -> Result<f64, Error> {
        Ok(-mean_free_energy(context.backend, machine, &mut Source::new(context.backend, samples, &[], None)?)?)
    };
    let dataset = context.setting.dataset;
    Ok([
        Likelihood { part: "training", value: of(&dataset.train.inputs)? },
        Likelihood { part: "test", value: of(&dataset.test.inputs)? },
    ])
}

fn exact<B: Backend>(context: &Context<'_, B>, machine: Option<&RbmParameters>) -> Result<Vec<Likelihood>, Error> {
    let Some(machine) = machine else { return Ok(Vec::new()) };
    let machine = Machine::new(context.backend, machine)?;
    let log_partition = log_partition_exact(context.backend, &machine).unwrap_or(f64::NAN);
    let parts = unnormalised(context, &machine)?;
    Ok(parts.into_iter().map(|part| Likelihood { value: part.value - log_partition, ..part }).collect())
}

fn interval<B: Backend>(
    context: &mut Context<'_, B>,
    machine: &RbmParameters,
    figures: &mut Vec<Figure>,
) -> Result<(), Error> {
    let Context { backend, setting, seed, .. } = *context;
    let machine = Machine::new(backend, machine)?;
    let inputs = &setting.dataset.train.inputs;
    let base = annealing::base_bias(backend, &machine, &mut Source::new(backend, inputs, &[], None)?)?;
    let annealing = annealing(&setting, seed);
    let forwards = annealing::ais(backend, &machine, &base, annealing, context.monitor)?;
    let start = learning::first(inputs, CHAINS)?;
    let start = backend.upload(start.rows(), start.visible, &start.values);
    let backwards =
        annealing::reverse_ais(backend, &machine, &base, Some(&start), BURN_IN, annealing, context.monitor)?;
    let hidden = machine.hidden();
    for Likelihood { part, value } in unnormalised(context, &machine)? {
        let ends = [
            ("AIS", forwards.log_partition(), Some(-84.86), Some(BAR)),
            ("reverse AIS", backwards.log_partition(), None, Some(BAR)),
            ("reverse AIS, mean 1/w", backwards.log_partition_by_inverse(), Some(-96.61), None),
        ];
        for (name, log_partition, published, bar) in ends {
            let figure =
                Figure::told(format!("{hidden} hidden, centered PCD, {name}, {part}"), "nats", value - log_partition);
            figures.push(beside(&setting, figure, published, bar));
        }
    }
    Ok(())
}

/// Above both ends of what was published, and above CD-25's −86.34.
const BAR: f64 = -84.0;
/// What the machines of the digits must reach; units independent of each other reach −24.4.
const QUICK_BAR: f64 = -21.0;
