//! Draws of single units of every kind: means, variances, runs and distributions, at several temperatures and fields; and which draw is whose.

use ebm_core::math::normal_quantile;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_core::{Beta, Chain, HiddenKind, Machine, ShapeError};
use ebm_tests::mixed::{Layout, Visible};
use ebm_tests::parameters::Parameters;
use ebm_tests::special::{noisy_deviation, noisy_rectified, normal_upper_tail};
use ebm_tests::statistics::{ChiSquared, mean_z, moments_z, runs_z};
use ebm_tests::tolerance;
use rand_core::Rng;

const DRAWS: usize = 100_000;
const SEED: u64 = 20_260_402;
/// 1/4, 1, 4 and one that no power of two divides.
const BETAS: [u16; 4] = [64, 256, 1024, 301];
/// Cells of equal probability that real numbers are sorted into.
const CELLS: usize = 40;

fn rng(sample: u32) -> Philox {
    Philox::new(SEED, Stream { sample, ..Stream::new(Purpose::Free) })
}

fn assert_near(name: &str, z: f64) {
    assert!(z.abs() < tolerance::STANDARD_DEVIATIONS, "{name}: {z} standard deviations off");
}

/// `DRAWS` visible states of a machine without weights, whose biases are the fields.
fn visible_draws(blocks: &[Visible], bias: &[f32], beta: Beta, seed: u32) -> Result<Vec<Vec<f32>>, ShapeError> {
    let layout = Layout::new(blocks, HiddenKind::Bernoulli);
    let machine = Parameters { weights: vec![], visible_bias: bias.to_vec(), hidden_bias: vec![] };
    let view = machine.view().with_units(layout.units())?;
    let mut rng = rng(seed);
    let draw = |_| {
        let mut out = vec![f32::NAN; bias.len()];
        view.sample_visible_at(beta, &[], &mut rng, &mut out).map(|()| out)
    };
    (0..DRAWS).map(draw).collect()
}

/// `DRAWS` states of a hidden unit with field `z`.
fn hidden_draws(kind: HiddenKind, z: f32, beta: Beta, seed: u32) -> Result<Vec<f32>, ShapeError> {
    let layout = Layout::new(&[Visible::Bernoulli(1)], kind);
    let machine = Parameters { weights: vec![z - 0.25], visible_bias: vec![0.0], hidden_bias: vec![0.25] };
    let view = machine.view().with_units(layout.units())?;
    let mut rng = rng(seed);
    let draw = |_| {
        let mut out = [f32::NAN];
        view.sample_hidden_at(beta, &[1.0], &mut rng, &mut out).map(|()| out[0])
    };
    (0..DRAWS).map(draw).collect()
}

fn assert_bernoulli(draws: &[f32], p: f64) {
    assert!(draws.iter().all(|&state| state == 0.0 || state == 1.0));
    let states: Vec<bool> = draws.iter().map(|&state| state == 1.0).collect();
    assert_near("mean", mean_z(states.iter().filter(|&&on| on).count() as u64, states.len() as u64, p));
    assert_near("runs", runs_z(&states));
}

#[test]
fn bernoulli_units_at_every_temperature() -> Result<(), ShapeError> {
    for (n, beta) in BETAS.map(Beta::new).into_iter().enumerate() {
        for (m, field) in [-2.0f32, -0.3, 0.0, 1.5].into_iter().enumerate() {
            let seed = (n * 10 + m) as u32;
            let p = 1.0 / (1.0 + (-f64::from(beta.in_256ths()) / 256.0 * f64::from(field)).exp());
            let visible = visible_draws(&[Visible::Bernoulli(1)], &[field], beta, seed)?;
            assert_bernoulli(&visible.concat(), p);
            assert_bernoulli(&hidden_draws(HiddenKind::Bernoulli, field, beta, seed + 1000)?, p);
        }
    }
    Ok(())
}

#[test]
fn groups_at_every_temperature() -> Result<(), ShapeError> {
    let fields = [0.5f32, -1.0, 2.0, 0.0, -0.25];
    for (n, beta) in BETAS.map(Beta::new).into_iter().enumerate() {
        for group in [Visible::Group(5), Visible::Group(2), Visible::Group(1)] {
            let units = group.units();
            let draws = visible_draws(&[group], &fields[..units], beta, 100 + n as u32)?;
            let scale = f64::from(beta.in_256ths()) / 256.0;
            let weights: Vec<f64> = fields[..units].iter().map(|&z| (scale * f64::from(z)).exp()).collect();
            let sum: f64 = weights.iter().sum();
            let mut seen = vec![0; units];
            for state in &draws {
                assert_eq!(state.iter().filter(|&&v| v == 1.0).count(), 1, "one is on: {state:?}");
                assert_eq!(state.iter().filter(|&&v| v == 0.0).count(), units - 1, "the others are off: {state:?}");
                seen[state.iter().position(|&v| v == 1.0).unwrap_or(0)] += 1;
            }
            if units == 1 {
                continue;
            }
            let test = ChiSquared::new(&seen, &weights.iter().map(|weight| weight / sum).collect::<Vec<_>>());
            assert!(test.accepts(), "β = {}: {test:?}", beta.value());
            for unit in 0..units {
                let states: Vec<bool> = draws.iter().map(|state| state[unit] == 1.0).collect();
                assert_near("runs", runs_z(&states));
            }
        }
    }
    Ok(())
}

/// Mean, variance, runs and shape of draws from a normal distribution of which what is negative counts as 0 if `rectified`.
fn assert_normal(draws: &[f32], mean: f64, deviation: f64, rectified: bool, moments: (f64, f64)) {
    let wide: Vec<f64> = draws.iter().copied().map(f64::from).collect();
    let (of_mean, of_variance) = moments_z(&wide, moments.0, moments.1);
    assert_near("mean", of_mean);
    assert_near("variance", of_variance);
    assert_near("runs", runs_z(&wide.iter().map(|&x| x > moments.0).collect::<Vec<_>>()));
    let off = if rectified { normal_upper_tail(mean / deviation) } else { 0.0 };
    let mut seen = vec![0; CELLS + 1];
    for x in wide {
        let below = 1.0 - normal_upper_tail((x - mean) / deviation);
        let cell = ((below - off) / (1.0 - off) * CELLS as f64).clamp(0.0, CELLS as f64 - 1.0) as usize;
        seen[if rectified && x == 0.0 { CELLS } else { cell }] += 1;
    }
    let mut cells = vec![(1.0 - off) / CELLS as f64; CELLS];
    cells.push(off);
    let test = ChiSquared::new(&seen, &cells);
    assert!(test.accepts(), "mean {mean}, deviation {deviation}: {test:?}");
}

#[test]
fn gaussian_units_at_every_temperature() -> Result<(), ShapeError> {
    for (n, beta) in BETAS.map(Beta::new).into_iter().enumerate() {
        for (m, (a, sigma)) in [(0.0f32, 1.0f32), (-3.0, 0.25), (40.0, 7.0)].into_iter().enumerate() {
            let draws = visible_draws(&[Visible::Gaussian(vec![sigma])], &[a], beta, (200 + n * 10 + m) as u32)?;
            let deviation = f64::from(sigma) / (f64::from(beta.in_256ths()) / 256.0).sqrt();
            assert_normal(&draws.concat(), a.into(), deviation, false, (a.into(), deviation * deviation));
        }
    }
    Ok(())
}

#[test]
fn rectified_units_at_every_temperature() -> Result<(), ShapeError> {
    for (n, beta) in BETAS.map(Beta::new).into_iter().enumerate() {
        for (m, z) in [-1.0f32, -0.25, 0.0, 0.5, 3.0, 20.0].into_iter().enumerate() {
            let scale = f64::from(beta.in_256ths()) / 256.0;
            let expected = noisy_rectified(z.into(), scale);
            if expected.mean < 1e-3 {
                // Too rarely on for so many draws to say anything.
                continue;
            }
            let draws = hidden_draws(HiddenKind::Relu, z, beta, (300 + n * 10 + m) as u32)?;
            assert!(draws.iter().all(|&h| h >= 0.0));
            let deviation = noisy_deviation(z.into(), scale);
            assert_normal(&draws, z.into(), deviation, true, (expected.mean, expected.variance));
        }
    }
    Ok(())
}

/// The tests can fail: a mean off by a fiftieth of a deviation, and a variance by two hundredths.
#[test]
fn slightly_wrong_draws_are_noticed() -> Result<(), ShapeError> {
    let draws = visible_draws(&[Visible::Gaussian(vec![1.0])], &[0.02], Beta::ONE, 400)?.concat();
    let wide: Vec<f64> = draws.into_iter().map(f64::from).collect();
    assert!(moments_z(&wide, 0.0, 1.0).0 > tolerance::STANDARD_DEVIATIONS);
    assert!(moments_z(&wide, 0.02, 1.02).1 < -tolerance::STANDARD_DEVIATIONS);
    Ok(())
}

/// Without a field: `β = 0` says nothing of the energy, but a real number must be somewhere.
#[test]
fn infinite_temperature_is_finite() -> Result<(), ShapeError> {
    let blocks = [Visible::Bernoulli(1), Visible::Group(3), Visible::Gaussian(vec![2.0])];
    let draws = visible_draws(&blocks, &[9.0, 5.0, 0.0, -5.0, 3.0], Beta::ZERO, 500)?;
    assert_bernoulli(&draws.iter().map(|state| state[0]).collect::<Vec<_>>(), 0.5);
    for unit in 1..4 {
        assert_bernoulli(&draws.iter().map(|state| state[unit]).collect::<Vec<_>>(), 1.0 / 3.0);
    }
    // The deviation at β = 1/256, the hottest of a unit without bounds.
    let gaussian: Vec<f32> = draws.iter().map(|state| state[4]).collect();
    assert_normal(&gaussian, 3.0, 32.0, false, (3.0, 1024.0));
    assert!(hidden_draws(HiddenKind::Relu, 4.0, Beta::ZERO, 501)?.iter().all(|h| h.is_finite() && *h >= 0.0));
    Ok(())
}

/// Bernoulli units fair, groups even, Gaussian units about their bias, whatever the weights.
#[test]
fn noise_is_as_if_nothing_were_known() -> Result<(), ShapeError> {
    let blocks = [Visible::Group(3), Visible::Gaussian(vec![0.5]), Visible::Bernoulli(1), Visible::Label(2)];
    let layout = Layout::new(&blocks, HiddenKind::Bernoulli);
    let machine = Parameters::random(7, 3, 3.0, 600);
    let view = machine.view().with_units(layout.units())?;
    let mut rng = rng(600);
    let states: Result<Vec<[f32; 7]>, ShapeError> =
        (0..DRAWS).map(|_| Ok(*Chain::<f32, 7, 3>::from_noise(&view, &mut rng)?.visible())).collect();
    let states = states?;
    let unit = |unit: usize| states.iter().map(move |state| state[unit]).collect::<Vec<_>>();
    for (at, p) in [(0, 1.0 / 3.0), (1, 1.0 / 3.0), (2, 1.0 / 3.0), (4, 0.5), (5, 0.5), (6, 0.5)] {
        assert_bernoulli(&unit(at), p);
    }
    let a = machine.visible_bias[3].into();
    assert_normal(&unit(3), a, 0.5, false, (a, 0.25));
    // Units know nothing of each other: every joint state of the discrete ones is as likely as any other.
    let mut seen = vec![0; 12];
    for state in &states {
        let group = (0..3).find(|&at| state[at] == 1.0).unwrap_or(0);
        seen[group + 3 * state[4] as usize + 6 * state[5] as usize] += 1;
    }
    let test = ChiSquared::new(&seen, &[1.0 / 12.0; 12]);
    assert!(test.accepts(), "{test:?}");
    Ok(())
}

/// Draws that were written down.
struct Written(Vec<u32>, usize);

impl rand_core::TryRng for Written {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let word = self.0[self.1];
        self.1 += 1;
        Ok(word)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        rand_core::utils::next_u64_via_u32(self)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        rand_core::utils::fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

/// Draw `n` is unit `n`'s, whatever the units before it are; a group is decided by its first unit's. What a GPU or a device must repeat.
#[test]
fn one_draw_a_unit_in_order_of_every_kind() -> Result<(), ShapeError> {
    let blocks = [
        Visible::Group(3),
        Visible::Gaussian(vec![0.5, 2.0]),
        Visible::Bernoulli(3),
        Visible::Group(2),
        Visible::Label(4),
    ];
    /// Whose draw decides each unit.
    const DECIDES: [usize; 14] = [0, 0, 0, 3, 4, 5, 6, 7, 8, 8, 10, 10, 10, 10];
    for kind in [HiddenKind::Bernoulli, HiddenKind::Relu] {
        let layout = Layout::new(&blocks, kind);
        let machine = Parameters::random(14, 5, 1.0, 700);
        let view = machine.view().with_units(layout.units())?;
        let hidden = [1.0, 0.0, 1.0, 1.0, 2.0];
        let mut source = rng(700);
        let words: Vec<u32> = (0..14).map(|_| source.next_u32()).collect();
        let sample = |words: &[u32]| -> Result<[f32; 14], ShapeError> {
            let (mut out, mut rng) = ([0.0; 14], Written(words.to_vec(), 0));
            view.sample_visible(&hidden, &mut rng, &mut out)?;
            assert_eq!(rng.1, 14, "as many draws as units");
            Ok(out)
        };
        let drawn = sample(&words)?;
        let mut means = [0.0; 14];
        view.visible_probs(&hidden, &mut means)?;
        for unit in 0..14 {
            let u = unit_interval(words[DECIDES[unit]]);
            match unit {
                3 | 4 => {
                    let sigma = if unit == 3 { 0.5 } else { 2.0 };
                    let expected = f64::from(means[unit]) + sigma * f64::from(normal_quantile(words[unit]));
                    let error = (f64::from(drawn[unit]) - expected).abs();
                    assert!(
                        error <= tolerance::gaussian_mean(5, expected, 1.0, f64::from(means[unit]).abs() + sigma * 6.4)
                    );
                }
                5..8 => assert_eq!(drawn[unit] == 1.0, u < means[unit]),
                _ => {
                    let below: f32 = means[DECIDES[unit]..unit].iter().sum();
                    assert_eq!(drawn[unit] == 1.0, below <= u && u < below + means[unit], "{unit}");
                }
            }
            // Another word moves nothing but what it decides.
            for other in [0, 1 << 31, u32::MAX] {
                let mut words = words.clone();
                words[unit] = other;
                for (at, (now, before)) in sample(&words)?.into_iter().zip(drawn).enumerate() {
                    assert!(now == before || DECIDES[at] == unit, "draw {unit} moved unit {at}");
                }
            }
        }

        let (mut fields, mut out, mut rng) = ([0.0; 5], [0.0; 5], Written(words.clone(), 0));
        view.up().field(&drawn, &mut fields)?;
        view.sample_hidden(&drawn, &mut rng, &mut out)?;
        assert_eq!(rng.1, 5);
        for (unit, (z, state)) in fields.into_iter().zip(out).enumerate() {
            let p = ebm_core::math::sigmoid(z);
            let expected = match kind {
                HiddenKind::Bernoulli => f32::from(u8::from(unit_interval(words[unit]) < p)),
                HiddenKind::Relu => (z + p.sqrt() * normal_quantile(words[unit])).max(0.0),
            };
            assert_eq!(state, expected);
        }
    }
    Ok(())
}
