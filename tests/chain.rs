//! Chains as samplers of whole distributions: every kind of visible unit, held units, temperature, and where mean-field steps end. Seeds are
//! fixed, so that a test passes always or never.

use std::collections::HashMap;

use ebm_core::kernel::integer::ONE;
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Beta, Chain, Held, HiddenKind, Machine, ShapeError};
use ebm_tests::exact::{Exact, state};
use ebm_tests::mixed::{Layout, Mixed, State, Visible};
use ebm_tests::parameters::Parameters;
use ebm_tests::quantised::Quantised;
use ebm_tests::special::normal_upper_tail;
use ebm_tests::statistics::ChiSquared;
use ebm_tests::tolerance;

/// Chains that a χ² test is made from.
const CHAINS: u32 = 100_000;
const SEED: u64 = 20_260_403;

/// How often each joint state was seen, its numbers rounded.
type Tally = HashMap<Vec<i32>, u64>;

fn key(visible: impl Iterator<Item = f64>, hidden: impl Iterator<Item = f64>) -> Vec<i32> {
    visible.chain(hidden).map(|x| x.round() as i32).collect()
}

/// Last states of as many chains, each with its own stream, begun at noise and moved by `step` so often.
fn chains<M: Machine, const V: usize, const H: usize>(
    machine: &M,
    steps: usize,
    mut step: impl FnMut(&mut Chain<M::Value, V, H>, &mut Philox) -> Result<(), ShapeError>,
    mut each: impl FnMut(&Chain<M::Value, V, H>),
) -> Result<(), ShapeError> {
    for sample in 0..CHAINS {
        let mut rng = Philox::new(SEED, Stream { sample, ..Stream::new(Purpose::Free) });
        let mut chain = Chain::from_noise(machine, &mut rng)?;
        for _ in 0..steps {
            step(&mut chain, &mut rng)?;
        }
        each(&chain);
    }
    Ok(())
}

fn tally<M: Machine<Value = f32>, const V: usize, const H: usize>(
    machine: &M,
    steps: usize,
    step: impl FnMut(&mut Chain<f32, V, H>, &mut Philox) -> Result<(), ShapeError>,
) -> Result<Tally, ShapeError> {
    let mut seen = Tally::new();
    chains(machine, steps, step, |chain| {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        *seen.entry(key(wide(chain.visible()).into_iter(), wide(chain.hidden()).into_iter())).or_default() += 1;
    })?;
    Ok(seen)
}

fn chi_squared(seen: &Tally, states: &[State]) -> ChiSquared {
    let of = |state: &State| key(state.visible.iter().copied(), state.hidden.iter().copied());
    let observed: Vec<u64> = states.iter().map(|state| seen.get(&of(state)).copied().unwrap_or(0)).collect();
    assert_eq!(observed.iter().sum::<u64>(), u64::from(CHAINS), "every chain is in a state that can be");
    ChiSquared::new(&observed, &states.iter().map(|state| state.probability).collect::<Vec<_>>())
}

fn assert_distributed(seen: &Tally, states: &[State]) {
    let test = chi_squared(seen, states);
    assert!(test.accepts(), "{test:?}");
}

/// A group, labels and Bernoulli units below three hidden ones.
const MIXED: [Visible; 4] = [Visible::Bernoulli(1), Visible::Group(3), Visible::Bernoulli(1), Visible::Label(2)];

#[test]
fn mixed_chains_reach_the_joint_distribution() -> Result<(), ShapeError> {
    let machine = Parameters::random(7, 3, 1.0, 1);
    let (layout, exact) =
        (Layout::new(&MIXED, HiddenKind::Bernoulli), Mixed::new(&machine, &MIXED, HiddenKind::Bernoulli));
    let view = machine.view().with_units(layout.units())?;
    let steps = exact.steps_to_mix(&[], &[], tolerance::MIXED) + 1;
    let seen = tally::<_, 7, 3>(&view, steps, |chain, rng| chain.gibbs_step(&view, rng))?;
    assert_distributed(&seen, &exact.given_held(&[], &[]));

    // The test can fail: one weight off by a quarter is noticed.
    let mut wrong = machine.clone();
    wrong.weights[2] += 0.25;
    let wrong = Mixed::new(&wrong, &MIXED, HiddenKind::Bernoulli);
    let test = chi_squared(&seen, &wrong.given_held(&[], &[]));
    assert!(!test.accepts(), "{test:?}");
    Ok(())
}

/// At `β = 0` every state is as likely as any other; hotter and colder than 1; a cold one that hardly leaves its deepest states.
#[test]
fn chains_reach_the_distribution_of_their_temperature() -> Result<(), ShapeError> {
    let machine = Parameters::random(7, 3, 0.7, 2);
    let layout = Layout::new(&MIXED, HiddenKind::Bernoulli);
    let view = machine.view().with_units(layout.units())?;
    for in_256ths in [0, 100, 640] {
        let beta = Beta::new(in_256ths);
        let exact = Mixed::new(&machine, &MIXED, HiddenKind::Bernoulli).at(f64::from(in_256ths) / 256.0);
        let steps = exact.steps_to_mix(&[], &[], tolerance::MIXED) + 1;
        let seen = tally::<_, 7, 3>(&view, steps, |chain, rng| chain.gibbs_step_at(beta, &view, rng))?;
        assert_distributed(&seen, &exact.given_held(&[], &[]));
    }
    Ok(())
}

/// Gaussian units beside others: every joint state of the discrete ones, and in it the real numbers' place in their normal distribution.
#[test]
fn gaussian_chains_reach_the_joint_distribution() -> Result<(), ShapeError> {
    /// Cells of equal probability for each real number.
    const CELLS: usize = 5;
    const SIGMA: [f32; 2] = [0.5, 1.5];
    let blocks = [Visible::Gaussian(vec![SIGMA[0]]), Visible::Group(2), Visible::Gaussian(vec![SIGMA[1]])];
    let machine = Parameters::random(4, 2, 0.8, 3);
    let layout = Layout::new(&blocks, HiddenKind::Bernoulli);
    let view = machine.view().with_units(layout.units())?;
    for in_256ths in [256, 128] {
        let beta = f64::from(in_256ths) / 256.0;
        let exact = Mixed::new(&machine, &blocks, HiddenKind::Bernoulli).at(beta);
        let steps = exact.steps_to_mix(&[], &[], tolerance::MIXED) + 1;

        // Probability of a hidden state and a choice of the group, the real numbers summed over.
        let mut expected: HashMap<Vec<i32>, f64> = HashMap::new();
        for state in exact.given_held(&[], &[]) {
            *expected.entry(key(state.visible[1..3].iter().copied(), state.hidden.into_iter())).or_default() +=
                state.probability;
        }
        let mut seen: HashMap<(Vec<i32>, usize), u64> = HashMap::new();
        let move_on =
            |chain: &mut Chain<f32, 4, 2>, rng: &mut Philox| chain.gibbs_step_at(Beta::new(in_256ths), &view, rng);
        chains(&view, steps, move_on, |chain| {
            let cell = |unit: usize, sigma: f32| {
                let sigma = f64::from(sigma);
                let pull: f64 =
                    (0..2).map(|j| f64::from(machine.weights[unit + 4 * j]) * f64::from(chain.hidden()[j])).sum();
                let mean = f64::from(machine.visible_bias[unit]) + sigma * sigma * pull;
                let below = 1.0 - normal_upper_tail((f64::from(chain.visible()[unit]) - mean) * beta.sqrt() / sigma);
                (below * CELLS as f64).min(CELLS as f64 - 1.0) as usize
            };
            let real = cell(0, SIGMA[0]) + CELLS * cell(3, SIGMA[1]);
            let group = chain.visible()[1..3].iter().copied().map(f64::from);
            let discrete = key(group, chain.hidden().iter().copied().map(f64::from));
            *seen.entry((discrete, real)).or_default() += 1;
        })?;

        let (mut observed, mut probabilities) = (Vec::new(), Vec::new());
        for (state, p) in expected {
            for real in 0..CELLS * CELLS {
                observed.push(seen.get(&(state.clone(), real)).copied().unwrap_or(0));
                probabilities.push(p / (CELLS * CELLS) as f64);
            }
        }
        assert_eq!(observed.iter().sum::<u64>(), u64::from(CHAINS));
        let test = ChiSquared::new(&observed, &probabilities);
        assert!(test.accepts(), "{test:?}");
    }
    Ok(())
}

/// Inpainting, a failed sensor, a class to imagine: what is not held comes from `p(v, h | v_held)`, a group held whole by any one mark.
#[test]
fn held_chains_reach_the_conditional_distribution() -> Result<(), ShapeError> {
    let machine = Parameters::random(7, 3, 1.0, 4);
    let (layout, exact) =
        (Layout::new(&MIXED, HiddenKind::Bernoulli), Mixed::new(&machine, &MIXED, HiddenKind::Bernoulli));
    let view = machine.view().with_units(layout.units())?;
    let known = [1.0f32, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    for (marks, whole) in [
        // A Bernoulli unit; the group by the mark of a unit that is off; the class.
        ([true, false, false, false, false, false, false], [true, false, false, false, false, false, false]),
        ([false, false, false, true, false, false, false], [false, true, true, true, false, false, false]),
        ([false, false, false, false, true, true, false], [false, false, false, false, true, true, true]),
        // Everything but one, everything, nothing.
        ([true, false, true, false, false, false, true], [true, true, true, true, false, true, true]),
        ([true; 7], [true; 7]),
        ([false; 7], [false; 7]),
    ] {
        let held = Held { known: &known, held: &marks };
        let wide = known.map(f64::from);
        let steps = exact.steps_to_mix(&wide, &whole, tolerance::MIXED) + 1;
        let seen = tally::<_, 7, 3>(&view, steps, |chain, rng| chain.gibbs_step_held(Beta::ONE, held, &view, rng))?;
        assert_distributed(&seen, &exact.given_held(&wide, &whole));
    }
    Ok(())
}

/// Held and at another temperature, with a Gaussian unit held at a number.
#[test]
fn a_held_number_conditions_the_rest() -> Result<(), ShapeError> {
    let blocks = [Visible::Gaussian(vec![0.5]), Visible::Bernoulli(2), Visible::Group(2)];
    let machine = Parameters::random(5, 3, 1.0, 5);
    let layout = Layout::new(&blocks, HiddenKind::Bernoulli);
    let view = machine.view().with_units(layout.units())?;
    // A whole number, which is how a state is tallied.
    let known = [2.0f32, 9.0, 9.0, 9.0, 9.0];
    let marks = [true, false, false, false, false];
    let exact = Mixed::new(&machine, &blocks, HiddenKind::Bernoulli).at(1.5);
    let steps = exact.steps_to_mix(&known.map(f64::from), &marks, tolerance::MIXED) + 1;
    let held = Held { known: &known, held: &marks };
    let seen = tally::<_, 5, 3>(&view, steps, |chain, rng| chain.gibbs_step_held(Beta::new(384), held, &view, rng))?;
    assert_distributed(&seen, &exact.given_held(&known.map(f64::from), &marks));
    Ok(())
}

/// The integer machine at `β`, some units held, against what it stands for.
#[test]
fn integer_chains_reach_the_distribution_of_their_temperature_and_held_units() -> Result<(), ShapeError> {
    let machine = Quantised::random(4, 3, 1.0, 6);
    let rbm = machine.rbm();
    let known = [ONE, 0, 77, 77];
    for (in_256ths, marks) in [
        (0, [false; 4]),
        (64, [false; 4]),
        (500, [false; 4]),
        (256, [true, true, false, false]),
        (300, [false, true, false, false]),
    ] {
        let mut tempered: Exact = machine.dequantised();
        tempered.parameters_mut().for_each(|parameter| *parameter *= f64::from(in_256ths) / 256.0);
        let fits = |number: usize| (0..4).all(|i| !marks[i] || state(number, 4)[i] == f64::from(known[i]) / 128.0);
        // p(v, h), what does not fit struck out.
        let joint: Vec<f64> =
            tempered.joint().iter().enumerate().map(|(at, p)| if fits(at % 16) { *p } else { 0.0 }).collect();
        let sum: f64 = joint.iter().sum();
        let joint: Vec<f64> = joint.into_iter().map(|p| p / sum).collect();
        // Holding units leaves less to forget.
        let steps = tempered.steps_to_mix(tolerance::MIXED) + 1;
        let mut seen = vec![0; 128];
        let held = Held { known: &known, held: &marks };
        let beta = Beta::new(in_256ths);
        chains(
            &rbm,
            steps,
            |chain: &mut Chain<u8, 4, 3>, rng| chain.gibbs_step_held(beta, held, &rbm, rng),
            |chain| {
                let units = chain.visible().iter().chain(chain.hidden());
                let number: usize = units.enumerate().map(|(bit, &unit)| usize::from(unit == ONE) << bit).sum();
                seen[number] += 1;
            },
        )?;
        let cells: (Vec<u64>, Vec<f64>) =
            seen.iter().zip(&joint).filter(|(_, p)| **p > 0.0).map(|(&seen, &p)| (seen, p)).unzip();
        assert_eq!(cells.0.iter().sum::<u64>(), u64::from(CHAINS), "held units moved");
        let test = ChiSquared::new(&cells.0, &cells.1);
        assert!(test.accepts(), "β = {}, {marks:?}: {test:?}", beta.value());
    }
    Ok(())
}

/// `h = ⟨h | v⟩` and `v = ⟨v | h⟩`, the means being the reference's; with units held, but for those.
#[test]
fn mean_field_steps_reach_a_fixed_point() -> Result<(), ShapeError> {
    let blocks = [Visible::Group(3), Visible::Bernoulli(2), Visible::Gaussian(vec![0.8])];
    for (n, kind) in [HiddenKind::Bernoulli, HiddenKind::Relu].into_iter().enumerate() {
        let machine = Parameters::random(6, 2, 0.6, 7 + n as u32);
        let (layout, exact) = (Layout::new(&blocks, kind), Mixed::new(&machine, &blocks, kind));
        let view = machine.view().with_units(layout.units())?;
        let known = [0.0f32, 1.0, 0.0, 1.0, 1.0, -1.25];
        for (marks, whole) in [
            ([false; 6], [false; 6]),
            ([true, false, false, false, true, false], [true, true, true, false, true, false]),
            ([false, false, false, false, false, true], [false, false, false, false, false, true]),
        ] {
            let held = Held { known: &known, held: &marks };
            let mut chain = Chain::<f32, 6, 2>::new([0.5; 6]);
            for _ in 0..200 {
                chain.mean_field_step_held(held, &view)?;
            }
            let visible = chain.visible().map(f64::from);
            let hidden = chain.hidden().map(f64::from);
            for (ours, exact) in hidden.iter().zip(exact.hidden_means(&visible)) {
                assert!((ours - exact).abs() <= tolerance::FIXED_POINT, "{ours} {exact}");
            }
            for (unit, (ours, exact)) in visible.iter().zip(exact.visible_means(&hidden)).enumerate() {
                let exact = if whole[unit] { f64::from(known[unit]) } else { exact };
                assert!((ours - exact).abs() <= tolerance::FIXED_POINT, "unit {unit}: {ours} {exact}");
            }
            if marks == [false; 6] {
                let mut free = Chain::<f32, 6, 2>::new([0.5; 6]);
                for _ in 0..200 {
                    free.mean_field_step(&view)?;
                }
                assert_eq!(free, chain, "nothing held is a plain step");
            }
        }
    }
    Ok(())
}

/// Annealed chains end in the deepest state, cold ones stay in the well that they start in.
#[test]
fn annealing_finds_the_deepest_state() -> Result<(), ShapeError> {
    const CHAINS: u32 = 1000;
    // All units on is 1.2 nats deeper than all off; between them lies a ridge that β = 4 makes 16 nats high.
    let machine = Parameters { weights: vec![2.0; 12], visible_bias: vec![-2.7; 4], hidden_bias: vec![-4.0; 3] };
    let view = machine.view();
    let mut found = [0; 2];
    for sample in 0..CHAINS {
        for (found, annealed) in found.iter_mut().zip([false, true]) {
            let mut rng = Philox::new(SEED, Stream { sample, phase: 1, ..Stream::new(Purpose::Free) });
            let mut chain = Chain::<f32, 4, 3>::new([0.0; 4]);
            for step in 0..400 {
                let beta = if annealed { Beta::new(32 + 4 * step) } else { Beta::new(4 * 256) };
                chain.gibbs_step_at(beta, &view, &mut rng)?;
            }
            *found += u32::from(chain.visible() == &[1.0; 4] && chain.hidden() == &[1.0; 3]);
        }
    }
    let [cold, annealed] = found;
    assert!(annealed > CHAINS / 2 && cold < CHAINS / 100, "{found:?}");
    Ok(())
}
