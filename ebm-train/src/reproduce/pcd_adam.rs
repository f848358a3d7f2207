//! `pcd-adam`: persistent chains and Adam, and how far data and samples lie apart in free energy.

use super::learning::{self, Kept};
use super::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Samples};
use crate::eval::energy::mean_free_energy;
use crate::generate::Chains;
use crate::report::picture::Colours;
use crate::train::rbm::RbmSettings;
use crate::train::rbm::settings::{Algorithm, Optimizer};
use crate::train::source::Source;
use ebm_core::math::normal_quantile;
use ebm_core::rng::{Philox, Purpose, Stream};
use rand_core::Rng;

const CHAINS: usize = 100;
const COLUMNS: usize = 10;

fn hidden(setting: &Setting<'_>) -> usize {
    setting.of(250, 48)
}

fn settings(setting: &Setting<'_>) -> RbmSettings {
    RbmSettings {
        algorithm: Algorithm::Pcd,
        k: 5,
        optimizer: Optimizer::Adam,
        learning_rate: setting.of(1e-4, 1e-3),
        batch_size: setting.of(100, 10),
        epochs: setting.of(30, 6),
        weight_decay: 0.0,
        ..learning::plain()
    }
}

pub(super) fn experiment<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "pcd-adam",
        about: "784-250 by PCD-5 with Adam 1e-4, 30 epochs: free energy of data less that of samples, samples from noise as it learns",
        source: "no figure; data and samples should come to lie near each other, validation no higher than training",
        data: Data::Grey,
        work: |setting| learning::work(setting, &settings(setting), hidden(setting)),
        run,
    }
}

fn run<B: Backend>(context: &mut Context<'_, B>) -> Result<Outcome, Error> {
    let settings = settings(&context.setting);
    let keep: Vec<usize> = (0..3).map(|third| settings.epochs * third / 3).collect();
    let hidden = hidden(&context.setting);
    let kept = learning::learn(context, "pcd-adam", &settings, hidden, &keep)?;
    let mut outcome = Outcome::default();
    // Which basins a hundred chains come to differs from epoch to epoch and seed to seed by tens of nats: these gaps are told, not judged.
    let mut last_gap = None;
    for Kept { epochs, machine } in &kept {
        let steps = context.setting.of(1000, 200);
        let stack = learning::stack(context.backend, machine)?;
        let noise = gaussian_noise(context.seed, machine.visible_bias.len());
        let mut chains = Chains::from_states(context.backend, &stack, context.seed, *epochs as u16, &noise)?;
        learning::run_chains(&mut chains, steps);
        let means = chains.means();
        let tiles: Vec<&[f32]> = means.iter().collect();
        let name = format!("samples-epoch-{epochs:02}");
        outcome.files.push(learning::picture(context, &name, COLUMNS, &tiles, Colours::Grey(0.0, 1.0))?);

        let samples: Samples = chains.states().into();
        let free_energy = |samples: &Samples| -> Result<f64, Error> {
            mean_free_energy(context.backend, stack.top(), &mut Source::new(context.backend, samples, &[], None)?)
        };
        let dataset = context.setting.dataset;
        let of_samples = free_energy(&samples)?;
        let gap = [free_energy(&dataset.train.inputs)? - of_samples, free_energy(&dataset.test.inputs)? - of_samples];
        outcome.figures.extend([
            Figure::told(format!("F(training) − F(samples) after {epochs} epochs"), "nats", gap[0]),
            Figure::told(format!("F(validation) − F(samples) after {epochs} epochs"), "nats", gap[1]),
        ]);
        last_gap = Some(gap);
    }
    if let Some([train, validation]) = last_gap {
        let figure = Figure::told("F(validation) − F(training)", "nats", validation - train);
        outcome.figures.push(figure.bar(Bar::AtMost(OVERFITTING_BAR)));
    }
    Ok(outcome)
}

/// A gap between training and validation data over this would be overfitting: Hinton 2010, section 6.
const OVERFITTING_BAR: f64 = 5.0;

/// Where the chains start: `N(0, 1)` in every pixel.
fn gaussian_noise(seed: u64, visible: usize) -> Batch {
    let row = |sample| {
        let mut rng = Philox::new(seed, Stream { sample, ..Stream::new(Purpose::Free) });
        (0..visible).map(move |_| normal_quantile(rng.next_u32()))
    };
    Batch { values: (0..CHAINS as u32).flat_map(row).collect(), visible }
}
