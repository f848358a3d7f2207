//! Samplers as samplers: means, runs, and whole distributions against the exact ones. Seeds are fixed, so that a test
//! passes always or never.

use ebm_core::kernel::float::bernoulli;
use ebm_core::kernel::integer::ONE;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_core::{Chain, Machine, Rbm, RbmView, ShapeError};
use ebm_tests::exact::Exact;
use ebm_tests::parameters::Parameters;
use ebm_tests::quantised::Quantised;
use ebm_tests::statistics::{ChiSquared, mean_z, runs_z};
use ebm_tests::tolerance;
use rand_core::Rng;

/// Draws a χ² test is made from.
const DRAWS: u32 = 200_000;
const SEED: u64 = 20_260_401;

fn chain_rng(sample: u32) -> Philox {
    Philox::new(SEED, Stream { sample, ..Stream::new(Purpose::Free) })
}

/// Number of the joint state that the chain is in, as `exact` counts.
fn joint_state<T: Copy + Default + PartialEq, const V: usize, const H: usize>(chain: &Chain<T, V, H>) -> usize {
    let units = chain.visible().iter().chain(chain.hidden());
    units.enumerate().map(|(bit, &unit)| usize::from(unit != T::default()) << bit).sum()
}

/// Independent draws: as many chains, each with its own stream and run until it has forgotten its start. One
/// step more than the visible state needs, since the hidden state is drawn from the visible state before.
fn many_chains<M: Machine, const V: usize, const H: usize>(
    machine: &M,
    exact: &Exact,
    on: M::Value,
) -> Result<Vec<u64>, ShapeError> {
    let steps = exact.steps_to_mix(tolerance::MIXED) + 1;
    let mut seen = vec![0; 1 << (V + H)];
    for sample in 0..DRAWS {
        // Any start will do; far ones show that the chain moves.
        let start = if sample % 2 == 0 { M::Value::default() } else { on };
        let (mut chain, mut rng) = (Chain::<_, V, H>::new([start; V]), chain_rng(sample));
        for _ in 0..steps {
            chain.gibbs_step(machine, &mut rng)?;
        }
        seen[joint_state(&chain)] += 1;
    }
    Ok(seen)
}

/// Nearly independent draws from one long chain: between two that are counted, it forgets where it was.
fn one_long_chain<M: Machine, const V: usize, const H: usize>(
    machine: &M,
    exact: &Exact,
) -> Result<Vec<u64>, ShapeError> {
    let between = exact.steps_to_mix(tolerance::MIXED) + 1;
    let mut seen = vec![0; 1 << (V + H)];
    let (mut chain, mut rng) = (Chain::<_, V, H>::new([M::Value::default(); V]), chain_rng(0));
    for _ in 0..DRAWS {
        for _ in 0..between {
            chain.gibbs_step(machine, &mut rng)?;
        }
        seen[joint_state(&chain)] += 1;
    }
    Ok(seen)
}

fn assert_distributed(seen: &[u64], exact: &Exact) {
    let test = ChiSquared::new(seen, &exact.joint());
    assert!(test.accepts(), "{test:?}");
}

#[test]
fn chains_reach_the_joint_distribution() -> Result<(), ShapeError> {
    let machine = Parameters::random(4, 3, 1.0, 1);
    assert_distributed(&many_chains::<_, 4, 3>(&machine.view(), &machine.exact(), 1.0)?, &machine.exact());
    let machine = Parameters::random(2, 6, 1.5, 2);
    assert_distributed(&many_chains::<_, 2, 6>(&machine.view(), &machine.exact(), 1.0)?, &machine.exact());
    Ok(())
}

#[test]
fn a_long_chain_of_a_typed_machine_visits_the_joint_distribution() -> Result<(), ShapeError> {
    let machine = Parameters::random(3, 5, 1.0, 3);
    let mut rbm = Rbm::<3, 5>::default();
    rbm.copy_from(&machine.view())?;
    assert_distributed(&one_long_chain::<_, 3, 5>(&rbm.view(), &machine.exact())?, &machine.exact());
    Ok(())
}

/// The integer machine's conditionals differ from the exact ones by under `10^-4`, a tenth of the standard deviation of a
/// share of so many draws, `√(p(1−p)/N) ≈ 10^-3`.
#[test]
fn integer_chains_reach_the_joint_distribution_of_what_they_stand_for() -> Result<(), ShapeError> {
    let machine = Quantised::random(4, 3, 1.0, 4);
    let exact = machine.dequantised();
    assert_distributed(&many_chains::<_, 4, 3>(&machine.rbm(), &exact, ONE)?, &exact);
    assert_distributed(&one_long_chain::<_, 4, 3>(&machine.rbm(), &exact)?, &exact);
    Ok(())
}

/// The test can fail: draws from a machine that differs in one weight by a tenth are refused, f32 and integers alike.
#[test]
fn a_slightly_wrong_machine_is_noticed() -> Result<(), ShapeError> {
    let machine = Parameters::random(4, 3, 1.0, 1);
    let mut wrong = machine.clone();
    wrong.weights[5] += 0.1;
    let seen = many_chains::<_, 4, 3>(&wrong.view(), &machine.exact(), 1.0)?;
    let test = ChiSquared::new(&seen, &machine.exact().joint());
    assert!(!test.accepts(), "{test:?}");

    let machine = Quantised::random(4, 3, 1.0, 4);
    let mut wrong = machine.clone();
    // The one step is 1/128 of the largest weight.
    wrong.weights[5] = wrong.weights[5].wrapping_add(13);
    let seen = many_chains::<_, 4, 3>(&wrong.rbm(), &machine.dequantised(), ONE)?;
    let test = ChiSquared::new(&seen, &machine.dequantised().joint());
    assert!(!test.accepts(), "{test:?}");
    Ok(())
}

/// `draws` states of one unit that is on with probability `p`.
fn draw(p: f32, draws: usize, sample: u32) -> Vec<bool> {
    let mut states = vec![p; draws];
    bernoulli(&mut states, &mut chain_rng(sample));
    assert!(states.iter().all(|&state| state == 0.0 || state == 1.0));
    states.into_iter().map(|state| state == 1.0).collect()
}

fn assert_fair(states: &[bool], p: f64) {
    let ones = states.iter().filter(|&&on| on).count() as u64;
    let z = mean_z(ones, states.len() as u64, p);
    assert!(z.abs() < tolerance::STANDARD_DEVIATIONS, "p = {p}: mean {z} standard deviations off");
    let z = runs_z(states);
    assert!(z.abs() < tolerance::STANDARD_DEVIATIONS, "p = {p}: runs {z} standard deviations off");
}

#[test]
fn bernoulli_draws_have_the_right_mean_and_runs() {
    for (sample, p) in [0.001f32, 0.03, 0.25, 0.5, 0.75, 0.9, 0.999].into_iter().enumerate() {
        assert_fair(&draw(p, DRAWS as usize, sample as u32), f64::from(p));
    }
}

#[test]
fn certain_units_are_certain() {
    assert!(draw(0.0, DRAWS as usize, 0).iter().all(|&on| !on));
    assert!(draw(1.0, DRAWS as usize, 1).iter().all(|&on| on));
    assert!(draw(f32::NAN, 100, 2).iter().all(|&on| !on), "a comparison with NaN is false");

    // The smallest probability is on for the draws of the lowest 2^-24, no more.
    struct Fixed(u32);
    impl rand_core::TryRng for Fixed {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(self.0)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(self.0.into())
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(self.0 as u8);
            Ok(())
        }
    }
    for (word, on) in [(0, 1.0), (0xFF, 1.0), (0x100, 0.0)] {
        let mut state = [f32::MIN_POSITIVE];
        bernoulli(&mut state, &mut Fixed(word));
        assert_eq!(state, [on], "{word:x}");
    }
}

/// One integer unit with a field of `field` in `2^-12` nats, drawn again and again.
#[test]
fn integer_units_have_the_right_mean_and_runs() -> Result<(), ShapeError> {
    for (sample, field) in [-16_384, -4096, -100, 0, 1, 2000, 9000].into_iter().enumerate() {
        let machine = Quantised {
            weights: vec![0],
            visible_bias: vec![field],
            hidden_bias: vec![0],
            ..Quantised::random(1, 1, 1.0, 5)
        };
        let (rbm, mut rng) = (machine.rbm(), chain_rng(1000 + sample as u32));
        let states: Result<Vec<bool>, ShapeError> = (0..DRAWS)
            .map(|_| {
                let mut out = [77];
                rbm.sample_visible(&[0], &mut rng, &mut out)?;
                assert!(out == [0] || out == [ONE], "{out:?}");
                Ok(out == [ONE])
            })
            .collect();
        assert_fair(&states?, f64::from(ebm_core::kernel::integer::sigmoid(field)) / 65_536.0);
    }
    Ok(())
}

/// Draw `n` of a stream is unit `n`'s, in both directions and both kinds of numbers, also behind `dyn`: what a GPU or a
/// device must repeat.
#[test]
fn one_draw_a_unit_in_order() -> Result<(), ShapeError> {
    let machine = Parameters::random(6, 5, 1.0, 6);
    let view = machine.view();
    let visible = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0];
    let (mut p, mut h, mut v) = ([0.0; 5], [0.0; 5], [0.0; 6]);
    view.hidden_probs(&visible, &mut p)?;
    let mut words = chain_rng(7);
    let expected = p.map(|p| if unit_interval(words.next_u32()) < p { 1.0 } else { 0.0 });
    let mut rng = chain_rng(7);
    let dynamic: &mut dyn Rng = &mut rng;
    view.sample_hidden(&visible, dynamic, &mut h)?;
    assert_eq!(h, expected);
    view.sample_visible(&h, dynamic, &mut v)?;
    (0..6).for_each(|_| _ = words.next_u32());
    assert_eq!(dynamic.next_u32(), words.next_u32(), "six visible units take six draws");

    let machine = Quantised::random(6, 5, 1.0, 6);
    let (rbm, mut h, mut v) = (machine.rbm(), [0; 5], [0; 6]);
    let (mut rng, mut words) = (chain_rng(8), chain_rng(8));
    rbm.sample_hidden(&[ONE; 6], &mut rng, &mut h)?;
    rbm.sample_visible(&h, &mut rng, &mut v)?;
    (0..11).for_each(|_| _ = words.next_u32());
    assert_eq!(rng.next_u32(), words.next_u32());
    Ok(())
}

#[test]
fn a_chain_is_sample_hidden_then_sample_visible() -> Result<(), ShapeError> {
    let machine = Parameters::random(4, 3, 1.0, 9);
    let view = machine.view();
    let (mut chain, mut rng) = (Chain::<f32, 4, 3>::new([1.0; 4]), chain_rng(9));
    assert_eq!((chain.visible(), chain.hidden()), (&[1.0; 4], &[0.0; 3]));
    let (mut v, mut h, mut by_hand) = ([1.0; 4], [0.0; 3], chain_rng(9));
    for _ in 0..20 {
        chain.gibbs_step(&view, &mut rng)?;
        view.sample_hidden(&v, &mut by_hand, &mut h)?;
        view.sample_visible(&h, &mut by_hand, &mut v)?;
        assert_eq!((chain.visible(), chain.hidden()), (&v, &h));
    }
    Ok(())
}

#[test]
fn a_chain_refuses_a_machine_of_another_shape_and_stays_where_it_was() -> Result<(), ShapeError> {
    let fits = Parameters::random(4, 3, 1.0, 9);
    let (mut chain, mut rng) = (Chain::<f32, 4, 3>::new([1.0; 4]), chain_rng(10));
    chain.gibbs_step(&fits.view(), &mut rng)?;
    let before = chain.clone();
    for (visible, hidden, what, expected, found) in
        [(5, 3, "visible units", 5, 4), (4, 2, "hidden units", 2, 3), (3, 4, "visible units", 3, 4)]
    {
        let other = Parameters::random(visible, hidden, 1.0, 9);
        let other: RbmView<'_> = other.view();
        assert_eq!(chain.gibbs_step(&other, &mut rng), Err(ShapeError { what, expected, found }));
        assert_eq!(chain, before);
    }
    Ok(())
}
