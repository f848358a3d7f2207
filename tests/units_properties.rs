//! What holds of machines of whatever units, over random ones: invariances, consistency, held units, refusals.

use ebm_core::kernel::integer::sigmoid;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_core::{Beta, Block, Chain, Held, HiddenKind, Machine, RbmView, ShapeError, Units, UnitsError, VisibleKind};
use ebm_tests::mixed::{Layout, Visible};
use ebm_tests::parameters::Parameters;
use ebm_tests::quantised::Quantised;
use ebm_tests::tolerance;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand_core::Rng;

/// Visible and hidden units of the random machines.
const V: usize = 9;
const H: usize = 3;

/// Blocks of `V` units in all.
fn blocks() -> impl Strategy<Value = Vec<Visible>> {
    prop::collection::vec((0..3u8, 1..5usize, any::<bool>()), 9).prop_map(|pieces| {
        let mut left = V;
        let mut blocks = Vec::new();
        for (kind, units, labels) in pieces {
            let units = units.min(left);
            if units == 0 {
                break;
            }
            left -= units;
            blocks.push(match kind {
                0 => Visible::Bernoulli(units),
                1 => Visible::Gaussian((0..units).map(|unit| 0.25 + 0.5 * unit as f32).collect()),
                _ if left == 0 && labels => Visible::Label(units),
                _ => Visible::Group(units),
            });
        }
        blocks
    })
}

fn hidden() -> impl Strategy<Value = HiddenKind> {
    prop_oneof![Just(HiddenKind::Bernoulli), Just(HiddenKind::Relu)]
}

/// Blocks, hidden kind, size and seed of parameters.
fn machine() -> impl Strategy<Value = (Layout, Parameters)> {
    (blocks(), hidden(), 0.01f32..2.0, any::<u32>())
        .prop_map(|(blocks, hidden, scale, seed)| (Layout::new(&blocks, hidden), Parameters::random(V, H, scale, seed)))
}

fn view<'a>(layout: &'a Layout, parameters: &'a Parameters) -> Result<RbmView<'a>, ShapeError> {
    parameters.view().with_units(layout.units())
}

fn rng(seed: u64) -> Philox {
    Philox::new(seed, Stream::new(Purpose::Free))
}

/// A visible state that the machine may be in.
fn some_state(view: &RbmView<'_>, seed: u64) -> Result<[f32; V], ShapeError> {
    Ok(*Chain::<f32, V, H>::from_noise(view, &mut rng(seed))?.visible())
}

/// First unit, number of units and kind of every block.
fn places(units: Units<'_>) -> Vec<(usize, usize, Option<VisibleKind>)> {
    let mut first = 0;
    let place = |block: &Block| {
        let place = (first, block.units(), block.kind());
        first += block.units();
        place
    };
    units.blocks().iter().map(place).collect()
}

fn is_group(kind: Option<VisibleKind>) -> bool {
    matches!(kind, Some(VisibleKind::Softmax | VisibleKind::Label))
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(31), failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// One of a group is on: adding `c` to all of its biases takes `c` from every free energy and energy, and changes no conditional.
    #[test]
    fn a_constant_on_a_group_moves_every_energy_by_it((layout, parameters) in machine(), c in -4i8..=4, seed: u64) {
        let c = f32::from(c) / 2.0;
        let before = view(&layout, &parameters)?;
        let visible = some_state(&before, seed)?;
        for (first, units, kind) in places(before.units()).into_iter().filter(|place| is_group(place.2)) {
            let mut moved = parameters.clone();
            moved.visible_bias[first..first + units].iter_mut().for_each(|a| *a += c);
            let after = view(&layout, &moved)?;
            let magnitude = tolerance::largest_energy(&parameters.weights, &visible, f64::from(c));
            let bound = tolerance::mixed_energy(V, H, magnitude);
            let change = f64::from(after.free_energy(&visible)?) - f64::from(before.free_energy(&visible)?);
            prop_assert!((change + f64::from(c)).abs() <= bound, "{change} {c}, allowed {bound:e}");
            let energies = (before.energy(&visible, &[1.0, 0.0, 1.0])?, after.energy(&visible, &[1.0, 0.0, 1.0])?);
            let change = f64::from(energies.1) - f64::from(energies.0);
            prop_assert!((change + f64::from(c)).abs() <= bound, "{change} {c}, allowed {bound:e}");
            let (mut p, mut q) = ([0.0; V], [0.0; V]);
            before.visible_probs(&[1.0, 0.0, 1.0], &mut p)?;
            after.visible_probs(&[1.0, 0.0, 1.0], &mut q)?;
            let field = tolerance::visible_field(H, 10.0);
            for unit in 0..V {
                let bound = if (first..first + units).contains(&unit) {
                    tolerance::softmax_probability(p[unit].into(), units, 20.0, 2.0 * field)
                } else {
                    0.0
                };
                prop_assert!(f64::from((p[unit] - q[unit]).abs()) <= bound, "{kind:?} {unit}: {} {}", p[unit], q[unit]);
            }
        }
    }

    /// `e^(−F)` is a sum of which `e^(−E)` is one term.
    #[test]
    fn no_energy_lies_under_the_free_energy((layout, parameters) in machine(), seed: u64, on in [0..4u8, 0..4u8, 0..4u8]) {
        let view = view(&layout, &parameters)?;
        let visible = some_state(&view, seed)?;
        let most = if view.units().hidden() == HiddenKind::Relu { 3 } else { 1 };
        let hidden = on.map(|h| f32::from(h.min(most)));
        let (energy, free_energy) = (view.energy(&visible, &hidden)?, view.free_energy(&visible)?);
        let magnitude = tolerance::largest_energy(&parameters.weights, &visible, 30.0);
        let bound = tolerance::mixed_energy(V, H, magnitude);
        prop_assert!(f64::from(free_energy) <= f64::from(energy) + bound, "{free_energy} {energy}");
    }

    /// Probabilities of classes are `e^(−F(x, y))`, normalised, and `F(x)` lies under every `F(x, y)` by at most `ln C`.
    #[test]
    fn classes_and_free_energies_agree((layout, parameters) in machine(), seed: u64) {
        let view = view(&layout, &parameters)?;
        let (labels, inputs) = (view.labels(), view.inputs());
        let mut visible = some_state(&view, seed)?;
        let of_inputs = f64::from(view.free_energy_of_inputs(&visible[..inputs])?);
        let bound = tolerance::mixed_energy(V, H, tolerance::largest_energy(&parameters.weights, &visible, 30.0));
        let mut scores = vec![0.0; labels];
        view.class_scores(&visible[..inputs], &mut scores)?;
        let mut least = f64::INFINITY;
        for class in 0..labels {
            visible[inputs..].fill(0.0);
            visible[inputs + class] = 1.0;
            let free_energy = f64::from(view.free_energy(&visible)?);
            prop_assert!((f64::from(scores[class]) + free_energy).abs() <= bound, "{} {free_energy}", scores[class]);
            least = least.min(free_energy);
        }
        if labels > 0 {
            prop_assert!(of_inputs <= least + bound && of_inputs >= least - (labels as f64).ln() - bound);
        }
    }

    /// `β = 1` is the plain path, and that is a comparison of the draw with the conditional's own probability, bit for bit.
    #[test]
    fn at_beta_one_the_draws_are_those_of_the_means((layout, parameters) in machine(), seed: u64) {
        let view = view(&layout, &parameters)?;
        let visible = some_state(&view, seed)?;
        let (mut plain, mut at_one, mut means) = ([0.0; H], [0.0; H], [0.0; H]);
        view.sample_hidden(&visible, &mut rng(seed), &mut plain)?;
        view.sample_hidden_at(Beta::ONE, &visible, &mut rng(seed), &mut at_one)?;
        view.hidden_probs(&visible, &mut means)?;
        prop_assert_eq!(plain.map(f32::to_bits), at_one.map(f32::to_bits));
        if view.units().hidden() == HiddenKind::Bernoulli {
            let mut words = rng(seed);
            for (state, mean) in plain.into_iter().zip(means) {
                prop_assert_eq!(state == 1.0, unit_interval(words.next_u32()) < mean);
            }
        }
        let (mut below, mut below_at_one, mut means) = ([0.0; V], [0.0; V], [0.0; V]);
        view.sample_visible(&plain, &mut rng(seed), &mut below)?;
        view.sample_visible_at(Beta::ONE, &plain, &mut rng(seed), &mut below_at_one)?;
        view.visible_probs(&plain, &mut means)?;
        prop_assert_eq!(below.map(f32::to_bits), below_at_one.map(f32::to_bits));
        let mut words = rng(seed);
        let words: [f32; V] = std::array::from_fn(|_| unit_interval(words.next_u32()));
        for (first, units, kind) in places(view.units()) {
            if kind == Some(VisibleKind::Bernoulli) {
                for unit in first..first + units {
                    prop_assert_eq!(below[unit] == 1.0, words[unit] < means[unit]);
                }
            }
        }
    }

    /// The same of integers: 16 bits of the draw against the table's probability.
    #[test]
    fn integers_at_beta_one_are_the_plain_ones(seed: u32, visible in prop::collection::vec(0..2u8, V)) {
        let machine = Quantised::random(V, H, 2.0, seed);
        let rbm = machine.rbm();
        let visible: Vec<u8> = visible.into_iter().map(|v| v * 128).collect();
        let (mut plain, mut at_one, mut fields) = ([0; H], [0; H], [0; H]);
        rbm.sample_hidden(&visible, &mut rng(seed.into()), &mut plain)?;
        rbm.sample_hidden_at(Beta::ONE, &visible, &mut rng(seed.into()), &mut at_one)?;
        rbm.up().field(&visible, &mut fields)?;
        let mut words = rng(seed.into());
        for unit in 0..H {
            prop_assert_eq!(plain[unit] == 128, words.next_u32() >> 16 < sigmoid(fields[unit]));
        }
        prop_assert_eq!(plain, at_one);
    }

    /// After any number of steps held units have their known values, a group whole, and nothing else was taken from them.
    #[test]
    fn held_units_stay_where_they_are(
        (layout, parameters) in machine(), seed: u64, marks: [bool; V], beta in 0..2000u16, steps in 1..5usize,
    ) {
        let view = view(&layout, &parameters)?;
        let known = some_state(&view, seed)?;
        // What is not held must not matter, even if it is no number.
        let mut whole = marks;
        for (first, units, kind) in places(view.units()) {
            if is_group(kind) && marks[first..first + units].contains(&true) {
                whole[first..first + units].fill(true);
            }
        }
        let broken: [f32; V] = std::array::from_fn(|unit| if whole[unit] { known[unit] } else { f32::NAN });
        let held = Held { known: &broken, held: &marks };
        let mut chain = Chain::<f32, V, H>::from_noise(&view, &mut rng(seed ^ 1))?;
        let mut mean_field = chain.clone();
        let mut rng = rng(seed ^ 2);
        for _ in 0..steps {
            chain.gibbs_step_held(Beta::new(beta), held, &view, &mut rng)?;
            mean_field.mean_field_step_held(held, &view)?;
            for state in [chain.visible(), mean_field.visible()] {
                for unit in 0..V {
                    prop_assert!(!state[unit].is_nan(), "unit {unit} was taken from what is not known");
                    prop_assert!(!whole[unit] || state[unit] == known[unit], "unit {unit} moved");
                }
            }
            for (first, units, _) in places(view.units()).into_iter().filter(|place| is_group(place.2)) {
                prop_assert_eq!(chain.visible()[first..first + units].iter().sum::<f32>(), 1.0, "one of a group is on");
            }
        }
    }

    /// Nothing of another length is taken, and then nothing is written.
    #[test]
    fn wrong_lengths_are_errors_that_write_nothing((layout, parameters) in machine(), wrong in 0..20usize, seed: u64) {
        const UNTOUCHED: f32 = 7.25;
        let view = view(&layout, &parameters)?;
        let short = vec![1.0; wrong];
        let marks = vec![true; wrong];
        let mut out = vec![UNTOUCHED; wrong];
        let (mut visible, mut hidden) = ([UNTOUCHED; V], [UNTOUCHED; H]);
        let mut rng = rng(seed);
        let error = |what, expected| Err(ShapeError { what, expected, found: wrong });
        if wrong != V {
            prop_assert_eq!(view.sample_hidden_at(Beta::MAX, &short, &mut rng, &mut hidden), error("inputs", V));
            prop_assert_eq!(view.sample_visible_at(Beta::MAX, &[1.0; H], &mut rng, &mut out), error("visible units", V));
            prop_assert_eq!(view.noise(&mut rng, &mut out), error("visible units", V));
            prop_assert_eq!(view.hold(&short, &[true; V], &mut visible), error("visible units", V));
            prop_assert_eq!(view.hold(&[1.0; V], &marks, &mut visible), error("held marks", V));
            prop_assert_eq!(view.hold(&[1.0; V], &[true; V], &mut out), error("visible units", V));
            prop_assert_eq!(view.free_energy(&short).map(|_| ()), error("visible units", V));
            let mut chain = Chain::<f32, V, H>::new([UNTOUCHED; V]);
            let before = chain.clone();
            for held in [Held { known: &short, held: &[true; V][..] }, Held { known: &[1.0; V], held: &marks }] {
                prop_assert!(chain.gibbs_step_held(Beta::ONE, held, &view, &mut rng).is_err());
                prop_assert!(chain.mean_field_step_held(held, &view).is_err());
            }
            prop_assert_eq!(chain, before);
            let blocks = [Block::new(VisibleKind::Gaussian, wrong as u32)];
            let sigma = vec![1.0; wrong];
            match Units::new(&blocks, &sigma, HiddenKind::Relu) {
                Ok(units) => prop_assert_eq!(
                    parameters.view().with_units(units).map(|_| ()), error("units in blocks", V)
                ),
                Err(refused) => prop_assert_eq!(refused, UnitsError::Empty { block: 0 }),
            }
        }
        if wrong != H {
            prop_assert_eq!(view.sample_hidden_at(Beta::MAX, &[1.0; V], &mut rng, &mut out), error("outputs", H));
            prop_assert_eq!(
                view.sample_visible_at(Beta::MAX, &short, &mut rng, &mut visible), error("hidden units", H)
            );
        }
        if wrong != view.inputs() {
            let mut scores = vec![UNTOUCHED; view.labels()];
            prop_assert_eq!(view.class_scores(&short, &mut scores), error("inputs", view.inputs()));
            prop_assert_eq!(view.class_probs(&short, &mut scores), error("inputs", view.inputs()));
            prop_assert_eq!(view.free_energy_of_inputs(&short).map(|_| ()), error("inputs", view.inputs()));
            prop_assert!(scores.iter().all(|&x| x == UNTOUCHED));
        }
        if wrong != view.labels() {
            prop_assert_eq!(view.class_scores(&[1.0; V][..view.inputs()], &mut out), error("classes", view.labels()));
        }
        prop_assert!(out.iter().chain(&visible).chain(&hidden).all(|&x| x == UNTOUCHED));
        prop_assert_eq!(rng.next_u32(), self::rng(seed).next_u32(), "no draw was made");
    }

    /// A list of blocks that is right but for one thing is refused for that thing.
    #[test]
    fn malformed_layers_are_refused(blocks in blocks(), at: prop::sample::Index, hidden in hidden(), unknown in 4u32..) {
        let layout = Layout::new(&blocks, hidden);
        let (good, sigma) = (layout.units().blocks().to_vec(), layout.units().sigma().to_vec());
        prop_assert_eq!(layout.units().hidden(), hidden);
        prop_assert_eq!(layout.units().visible(), Some(V));
        let at = at.index(good.len());
        let refused = |blocks: &[Block], sigma: &[f32]| Units::new(blocks, sigma, hidden).map(|_| ());

        let mut bad = good.clone();
        bad[at] = Block::new(VisibleKind::Bernoulli, 0);
        prop_assert_eq!(refused(&bad, &sigma), Err(UnitsError::Empty { block: at }));

        bad[at] = bytemuck::cast([unknown, 1u32]);
        prop_assert_eq!(refused(&bad, &sigma), Err(UnitsError::Kind { block: at }));
        prop_assert_eq!(bad[at].kind(), None);

        bad.clone_from(&good);
        bad.insert(at, Block::new(VisibleKind::Label, 3));
        prop_assert_eq!(refused(&bad, &sigma), Err(UnitsError::LabelNotLast { block: at }));
        prop_assert_eq!(refused(&[Block::new(VisibleKind::Label, 3)], &[]), Err(UnitsError::LabelNotLast { block: 0 }));

        let mut more = sigma.clone();
        more.push(1.0);
        let error = UnitsError::Sigmas { expected: sigma.len(), found: sigma.len() + 1 };
        prop_assert_eq!(refused(&good, &more), Err(error));

        for unit in 0..sigma.len() {
            let error = UnitsError::Sigmas { expected: sigma.len(), found: unit };
            prop_assert_eq!(refused(&good, &sigma[..unit]), Err(error));
            for value in [0.0, -1.0, f32::NAN, f32::INFINITY, 0.9e-18, 1.1e18, f32::MIN_POSITIVE / 2.0] {
                let mut bad = sigma.clone();
                bad[unit] = value;
                prop_assert_eq!(refused(&good, &bad), Err(UnitsError::Sigma { unit }), "{}", value);
            }
        }
    }
}
