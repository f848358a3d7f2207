//! An epoch of CD-1 on the GPU and on the CPU: no farther apart than rounding explains, step by step.

mod bounds;
mod card;

use bounds::{of_mean, rounded, sum};
use ebm_core::HiddenKind;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Direction, Gpu, Link};
use ebm_train::data::Batch;
use ebm_train::parameters::{RbmParameters, UnitKinds};
use ebm_train::train::machine::Machine;
use ebm_train::train::rbm::{Moments, Pace, Place, RbmSettings, Trainer};
use ebm_train::train::source::Source;
use rand_core::Rng;

const VISIBLE: usize = 12;
const HIDDEN: usize = 8;
const ROWS: usize = 200;
const BATCH: usize = 10;
const RATE: f32 = 0.05;
const SEED: u64 = 5;

/// By how much a GPU's parameters may differ from the CPU's.
#[derive(Clone, Copy, Debug, Default)]
struct Apart {
    weights: f64,
    visible_bias: f64,
    hidden_bias: f64,
}

fn largest(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).abs()).fold(0.0, f64::max)
}

/// States that units take with probabilities (samples × units), by the draws of one purpose in CD-1.
///
/// Panics where a draw lies so near to a probability that another backend's may lie beyond it.
fn drawn(probabilities: &[f32], within: f64, purpose: Purpose, (step, samples): (u32, &[u32])) -> Vec<f32> {
    let units = probabilities.len() / samples.len();
    let draws = samples.iter().flat_map(|&sample| {
        let mut rng = Philox::new(SEED, Stream { step, sample, ..Stream::new(purpose) });
        (0..units).map(move |_| unit_interval(rng.next_u32()))
    });
    probabilities
        .iter()
        .zip(draws)
        .map(|(&p, draw)| {
            let near = (f64::from(p) - f64::from(draw)).abs();
            assert!(near > within, "step {step} draws {draw} against {p} ± {within:e}: choose another seed");
            f32::from(u8::from(draw < p))
        })
        .collect()
}

impl Apart {
    /// After a step of CD-1 from `machine`, the CPU's, on `data`.
    ///
    /// Where all states are the same, a field differs by what its parameters do and its sum's roundings, a mean by a quarter of that (`σ′ ≤ 1/4`),
    /// and the gradient by what the hidden units' means of both phases do.
    fn after(self, cpu: &Cpu, machine: &RbmParameters, at: (u32, &[u32]), data: &[f32]) -> Self {
        let RbmParameters { weights, visible_bias, hidden_bias, .. } = machine;
        let rows = at.1.len();
        let tensor = cpu.upload(HIDDEN, VISIBLE, weights);
        let probabilities = |direction, inputs, bias: &[f32], values: &[f32]| {
            let (bias, values) = (cpu.upload(1, bias.len(), bias), cpu.upload(rows, inputs, values));
            let mut out = cpu.zeros(0, 0);
            cpu.affine(direction, &tensor, Some(&bias), Link::Sigmoid, &values, &mut out);
            cpu.download(&out)
        };
        let of_field = |inputs: usize, bias: &[f32], of_bias: f64| {
            let size = inputs as f64 * largest(weights) + largest(bias);
            inputs as f64 * self.weights + of_bias + sum(inputs + 1, size)
        };
        let up = of_field(VISIBLE, hidden_bias, self.hidden_bias) / 4.0 + of_mean(HiddenKind::Bernoulli);
        let down = of_field(HIDDEN, visible_bias, self.visible_bias) / 4.0 + of_mean(HiddenKind::Bernoulli);
        // The states are the same, or this panics; those of the visible units are the last.
        let hidden = drawn(&probabilities(Direction::Up, VISIBLE, hidden_bias, data), up, Purpose::Hidden, at);
        let _ = drawn(&probabilities(Direction::Down, HIDDEN, visible_bias, &hidden), down, Purpose::Visible, at);

        // Means over the samples of both phases, of size 1 each.
        let of_sums = sum(2 * rows, 2.0) + rounded(2, 1.0);
        let after = |before: f64, of_gradient: f64, values: &[f32]| {
            before + f64::from(RATE) * (of_gradient + of_sums) + rounded(2, largest(values) + f64::from(RATE))
        };
        Self {
            weights: after(self.weights, 2.0 * up, weights),
            visible_bias: after(self.visible_bias, 0.0, visible_bias),
            hidden_bias: after(self.hidden_bias, 2.0 * up, hidden_bias),
        }
    }
}

/// The machine after an epoch; `seen` sees it before every step.
fn epoch<B: Backend>(
    backend: &B,
    data: &[f32],
    mut seen: impl FnMut(u32, &[u32], &Machine<B>),
) -> Result<RbmParameters, Error> {
    let settings = RbmSettings { centered: false, weight_decay: 0.0, batch_size: BATCH, ..RbmSettings::default() };
    let start = Parameters::random(VISIBLE, HIDDEN, 0.5, 2);
    let start = RbmParameters {
        weights: start.weights,
        visible_bias: start.visible_bias,
        hidden_bias: start.hidden_bias,
        kinds: UnitKinds::default(),
    };
    let samples = Batch { values: data.to_vec(), visible: VISIBLE }.into();
    let mut source = Source::new(backend, &samples, &[], None)?;
    let moments = Moments::of(backend, &mut source)?;
    let mut trainer = Trainer::new(backend, &settings, (SEED, 0), &start, &moments)?;
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    for (step, samples) in (0..).zip(rows.chunks(BATCH)) {
        seen(step, samples, trainer.machine());
        let place = Place { seed: SEED, layer: 0, step, samples };
        trainer.learn(backend, &mut source, place, Pace { learning_rate: RATE, momentum: 0.0, taken: step })?;
    }
    backend.check()?;
    Ok(trainer.machine().parameters(backend))
}

#[test]
fn an_epoch_of_cd_is_the_cpus_up_to_rounding() -> Result<(), Error> {
    if !card::is_there() {
        return Ok(());
    }
    // Pixels that are on together, and noise.
    let noise = uniform(ROWS * VISIBLE, 0.5, 1, 0);
    let data: Vec<f32> =
        noise.iter().enumerate().map(|(n, x)| f32::from(u8::from((n / 3 % 2 == 0) == (*x < 0.3)))).collect();
    let cpu = Cpu::new(1)?;
    let mut apart = Apart::default();
    let on_cpu = epoch(&cpu, &data, |step, samples, machine| {
        let first = samples[0] as usize * VISIBLE;
        apart = apart.after(&cpu, &machine.parameters(&cpu), (step, samples), &data[first..first + BATCH * VISIBLE]);
    })?;
    for gpu in [Gpu::new()?, Gpu::as_lesser(u64::MAX, false)?] {
        let ours = epoch(&gpu, &data, |_, _, _| ())?;
        for (what, ours, cpu, bound) in [
            ("weights", &ours.weights, &on_cpu.weights, apart.weights),
            ("visible bias", &ours.visible_bias, &on_cpu.visible_bias, apart.visible_bias),
            ("hidden bias", &ours.hidden_bias, &on_cpu.hidden_bias, apart.hidden_bias),
        ] {
            let difference: Vec<f32> = ours.iter().zip(cpu).map(|(x, y)| x - y).collect();
            let difference = largest(&difference);
            println!("{what}: {difference:e} apart, of {bound:e}");
            assert!(difference <= bound, "{what} are {difference:e} apart, where rounding explains {bound:e}");
            // A single state that differs, in one step, would move a weight by more.
            assert!(bound < 0.2 * f64::from(RATE) / BATCH as f64, "a bound of {bound:e} holds nothing");
        }
    }
    Ok(())
}
