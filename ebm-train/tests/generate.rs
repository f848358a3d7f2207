//! Chains on the backend as samplers of whole distributions: machines of every kind, held units, classes, stacks, temperature. Seeds are fixed,
//! so that a test passes always or never.

use ebm_core::{Beta, HiddenKind};
use ebm_tests::exact::{Exact, state};
use ebm_tests::mixed::{Layout, Mixed, State, Visible};
use ebm_tests::parameters::Parameters;
use ebm_tests::statistics::ChiSquared;
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::Batch;
use ebm_train::generate::{Chains, Stack};
use ebm_train::parameters::{
    AffineParameters, ClassifierParameters, DbnParameters, Parameters as Model, RbmParameters, Stage, UnitKinds,
};
use std::collections::HashMap;

/// Chains that a χ² test is made from.
const CHAINS: usize = 100_000;
const SEED: u64 = 20_261_122;

fn rbm(parameters: &Parameters, kinds: UnitKinds) -> RbmParameters {
    let Parameters { weights, visible_bias, hidden_bias } = parameters.clone();
    RbmParameters { weights, visible_bias, hidden_bias, kinds }
}

fn plain(parameters: &Parameters) -> RbmParameters {
    rbm(parameters, UnitKinds::default())
}

fn stack(backend: &Cpu, below: Vec<Stage>, top: RbmParameters) -> Result<Stack<Cpu>, Error> {
    Stack::new(backend, &Model::Dbn(DbnParameters { below, top }))
}

/// How often each row of states was seen.
fn tally<'b>(rows: impl Iterator<Item = Vec<&'b [f32]>>) -> HashMap<Vec<i32>, u64> {
    let mut seen = HashMap::new();
    for row in rows {
        let key: Vec<i32> = row.concat().iter().map(|x| x.round() as i32).collect();
        *seen.entry(key).or_default() += 1;
    }
    seen
}

fn chi_squared(seen: &HashMap<Vec<i32>, u64>, expected: impl Iterator<Item = (Vec<f64>, f64)>) -> ChiSquared {
    let (observed, probabilities): (Vec<u64>, Vec<f64>) = expected
        .map(|(state, p)| {
            let key: Vec<i32> = state.iter().map(|x| x.round() as i32).collect();
            (seen.get(&key).copied().unwrap_or(0), p)
        })
        .unzip();
    assert_eq!(observed.iter().sum::<u64>(), CHAINS as u64, "every chain is in a state that can be");
    ChiSquared::new(&observed, &probabilities)
}

fn joint(states: Vec<State>) -> impl Iterator<Item = (Vec<f64>, f64)> {
    states.into_iter().map(|state| ([state.visible, state.hidden].concat(), state.probability))
}

fn joint_tally(chains: &Chains<'_, Cpu>) -> HashMap<Vec<i32>, u64> {
    let (visible, hidden) = (chains.visible(), chains.hidden());
    tally(visible.iter().zip(hidden.iter()).map(|(v, h)| vec![v, h]))
}

fn assert_accepted(test: ChiSquared, what: &str) {
    assert!(test.accepts(), "{what}: {test:?}");
}

#[test]
fn chains_reach_the_joint_distribution() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    for (visible, hidden, seed) in [(4, 3, 1), (2, 6, 2)] {
        let machine = Parameters::random(visible, hidden, 1.0, seed);
        let exact = machine.exact();
        let stack = stack(&backend, Vec::new(), plain(&machine))?;
        let mut chains = Chains::from_noise(&backend, &stack, SEED, 0, CHAINS)?;
        (0..=exact.steps_to_mix(tolerance::MIXED)).for_each(|_| chains.step(Beta::ONE));
        let seen = joint_tally(&chains);
        let states = |exact: &Exact| {
            let joint = exact.joint();
            joint.into_iter().enumerate().map(move |(number, p)| (state(number, visible + hidden), p))
        };
        assert_accepted(chi_squared(&seen, states(&exact)), "joint");

        // The test can fail: a machine that differs in one weight by a tenth is noticed.
        let mut wrong = machine.clone();
        wrong.weights[1] += 0.1;
        assert!(!chi_squared(&seen, states(&wrong.exact())).accepts());
    }
    Ok(())
}

/// A group, labels and Bernoulli units below three hidden ones.
const MIXED: [Visible; 4] = [Visible::Bernoulli(1), Visible::Group(3), Visible::Bernoulli(1), Visible::Label(2)];

fn mixed(seed: u32) -> (RbmParameters, Mixed) {
    let machine = Parameters::random(7, 3, 1.0, seed);
    let kinds = UnitKinds::of(Layout::new(&MIXED, HiddenKind::Bernoulli).units());
    let exact = Mixed::new(&machine, &MIXED, HiddenKind::Bernoulli);
    (rbm(&machine, kinds), exact)
}

#[test]
fn chains_reach_the_distribution_of_their_temperature() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    let (parameters, exact) = mixed(2);
    let stack = stack(&backend, Vec::new(), parameters)?;
    for in_256ths in [0, 100, 256, 640] {
        let exact = exact.clone().at(f64::from(in_256ths) / 256.0);
        let mut chains = Chains::from_noise(&backend, &stack, SEED, 1, CHAINS)?;
        (0..=exact.steps_to_mix(&[], &[], tolerance::MIXED)).for_each(|_| chains.step(Beta::new(in_256ths)));
        let test = chi_squared(&joint_tally(&chains), joint(exact.given_held(&[], &[])));
        assert_accepted(test, &format!("β = {in_256ths}/256"));
    }
    Ok(())
}

/// What is not held comes from `p(v, h | v_held)`, a group held whole by any one mark, the class with the inputs or alone.
#[test]
fn held_chains_reach_the_conditional_distribution() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    let (parameters, exact) = mixed(4);
    let stack = stack(&backend, Vec::new(), parameters)?;
    let known = [1.0f32, 0.0, 1.0, 0.0, 0.0];
    for (run, (marks, class, whole)) in [
        ([true, false, false, false, false], None, [true, false, false, false, false, false, false]),
        ([false, false, false, true, false], None, [false, true, true, true, false, false, false]),
        ([false; 5], Some(1), [false, false, false, false, false, true, true]),
        ([false, true, false, false, true], Some(1), [false, true, true, true, true, true, true]),
        ([true; 5], None, [true, true, true, true, true, false, false]),
    ]
    .into_iter()
    .enumerate()
    {
        let wide = [known.map(f64::from).to_vec(), vec![0.0, 1.0]].concat();
        // Data with a value that is missing wherever it is not held.
        let values: Vec<f32> = known.iter().zip(&whole).map(|(&v, &held)| if held { v } else { f32::NAN }).collect();
        let held = Batch { values: values.repeat(CHAINS), visible: 5 };
        let mut chains = Chains::from_noise(&backend, &stack, SEED, run as u16, CHAINS)?;
        chains.hold_inputs(&held, &marks.repeat(CHAINS))?;
        if let Some(class) = class {
            chains.hold_classes(&[class].repeat(CHAINS))?;
        }
        (0..=exact.steps_to_mix(&wide, &whole, tolerance::MIXED)).for_each(|_| chains.step(Beta::ONE));
        let test = chi_squared(&joint_tally(&chains), joint(exact.given_held(&wide, &whole)));
        assert_accepted(test, &format!("{marks:?}, class {class:?}"));
        assert_eq!(chains.classes().len(), CHAINS);
        let [states, means] = [chains.states(), chains.means()];
        for (at, _) in whole[..5].iter().enumerate().filter(|(_, held)| **held) {
            assert_eq!((states.row(7)[at], means.row(7)[at]), (known[at], known[at]), "unit {at}");
        }
    }
    Ok(())
}

/// `p(v) = Σ_{h¹} p(h¹)·p(v | h¹)`: the top machine's distribution over its visible units, seen down through generative weights.
#[test]
fn a_stack_generates_what_its_top_machine_remembers() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    let (below, top) = (Parameters::random(4, 3, 1.5, 5), Parameters::random(3, 4, 1.5, 6));
    let recognition = Parameters::random(4, 3, 1.5, 7);
    let directed = Stage::Directed {
        recognition: AffineParameters { weights: recognition.weights, bias: recognition.hidden_bias },
        generative: plain(&below),
    };
    let (exact_below, exact_top) = (below.exact(), top.exact());
    let memory = exact_top.visible_marginal();
    let mut expected = [0.0; 16];
    for (number, p) in memory.iter().enumerate() {
        for (sum, conditional) in expected.iter_mut().zip(exact_below.visible_distribution(&state(number, 3))) {
            *sum += p * conditional;
        }
    }
    for stage in [Stage::Tied(plain(&below)), directed] {
        let stack = stack(&backend, vec![stage], plain(&top))?;
        let mut chains = Chains::from_noise(&backend, &stack, SEED, 2, CHAINS)?;
        (0..=exact_top.steps_to_mix(tolerance::MIXED)).for_each(|_| chains.step(Beta::ONE));
        let (states, means) = (chains.states(), chains.means());
        let test = chi_squared(
            &tally(states.iter().map(|row| vec![row])),
            expected.iter().enumerate().map(|(number, &p)| (state(number, 4), p)),
        );
        assert_accepted(test, "stack");
        // Means are what the states of the layer above give: their average is that of the states.
        for unit in 0..4 {
            let average = |batch: &Batch| batch.iter().map(|row| f64::from(row[unit])).sum::<f64>() / CHAINS as f64;
            assert!((average(&states) - average(&means)).abs() <= tolerance::mean_of_states(CHAINS));
        }
    }
    Ok(())
}

/// The class of a stack's top machine can be held; the inputs then come from that class.
#[test]
fn a_labelled_stack_generates_a_class() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    let blocks = [Visible::Bernoulli(3), Visible::Label(2)];
    let (below, top) = (Parameters::random(4, 3, 1.5, 8), Parameters::random(5, 3, 1.5, 9));
    let kinds = UnitKinds::of(Layout::new(&blocks, HiddenKind::Bernoulli).units());
    let exact = Mixed::new(&top, &blocks, HiddenKind::Bernoulli);
    let stack = stack(&backend, vec![Stage::Tied(plain(&below))], rbm(&top, kinds))?;
    assert_eq!((stack.inputs(), stack.labels()), (4, 2));
    let known = [0.0, 0.0, 0.0, 1.0, 0.0];
    let held = [false, false, false, true, true];
    let mut expected: HashMap<usize, f64> = HashMap::new();
    for memory in exact.given_held(&known, &held) {
        for (number, p) in below.exact().visible_distribution(&memory.visible[..3]).into_iter().enumerate() {
            *expected.entry(number).or_default() += memory.probability * p;
        }
    }
    let mut chains = Chains::from_noise(&backend, &stack, SEED, 3, CHAINS)?;
    chains.hold_classes(&vec![0; CHAINS])?;
    (0..=exact.steps_to_mix(&known, &held, tolerance::MIXED)).for_each(|_| chains.step(Beta::ONE));
    let test = chi_squared(
        &tally(chains.states().iter().map(|row| vec![row])),
        expected.into_iter().map(|(number, p)| (state(number, 4), p)),
    );
    assert_accepted(test, "class 0");
    assert!(chains.classes().iter().all(|&class| class == 0));
    assert!(chains.hold_classes(&vec![2; CHAINS]).is_err_and(|error| error.to_string().contains("2 classes")));
    Ok(())
}

/// What is held in a stack stays, at every step, and what is not moves.
#[test]
fn held_inputs_of_a_stack_stay() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let (below, top) = (Parameters::random(4, 3, 1.5, 5), Parameters::random(3, 4, 1.5, 6));
    let stack = stack(&backend, vec![Stage::Tied(plain(&below))], plain(&top))?;
    let known = Batch { values: [1.0, f32::NAN, 0.0, f32::NAN].repeat(50), visible: 4 };
    let start = Batch { values: [1.0, 0.25, 0.0, 0.75].repeat(50), visible: 4 };
    let mut chains = Chains::from_data(&backend, &stack, SEED, 0, &start)?;
    assert_eq!(chains.states(), start, "data are where a chain starts");
    chains.hold_inputs(&known, &[true, false, true, false].repeat(50))?;
    assert_eq!(chains.states(), start);
    let mut moved = 0;
    for _ in 0..20 {
        let before = chains.states();
        chains.step(Beta::ONE);
        for batch in [chains.states(), chains.means()] {
            assert!(batch.iter().all(|row| (row[0], row[2]) == (1.0, 0.0) && row.iter().all(|v| v.is_finite())));
        }
        moved += before.iter().zip(chains.states().iter()).filter(|(before, after)| before != after).count();
    }
    assert!(moved > 200, "{moved} of 1000 steps changed what is not held");
    Ok(())
}

/// A chain's draws are its own: neither the others nor the number of threads change it.
#[test]
fn a_chain_does_not_depend_on_its_neighbours_or_on_threads() -> Result<(), Error> {
    let machine = plain(&Parameters::random(40, 30, 0.5, 3));
    let start = Batch { values: (0..400).map(|n| f32::from(u8::from(n % 3 == 0))).collect(), visible: 40 };
    let run = |threads, rows: std::ops::Range<usize>| -> Result<Batch, Error> {
        let backend = Cpu::new(threads)?.sharing_from(0);
        let stack = stack(&backend, Vec::new(), machine.clone())?;
        let piece = Batch { values: start.values[rows.start * 40..rows.end * 40].to_vec(), visible: 40 };
        let mut chains = Chains::from_data(&backend, &stack, SEED, 0, &piece)?.numbered(rows.start as u32);
        (0..25).for_each(|_| chains.step(Beta::ONE));
        assert_eq!(chains.steps(), 25);
        Ok(chains.states())
    };
    let all = run(1, 0..10)?;
    assert_eq!(run(3, 0..10)?, all);
    let pieces = [run(1, 0..4)?.values, run(2, 4..10)?.values].concat();
    assert_eq!(pieces, all.values);
    Ok(())
}

/// The reconstruction is ebm-core's means up and down again, layer by layer.
#[test]
fn a_reconstruction_is_the_means_up_and_down_again() -> Result<(), Error> {
    use ebm_core::Machine as _;
    let backend = Cpu::new(1)?;
    let (below, top) = (Parameters::random(4, 3, 1.5, 5), Parameters::random(3, 4, 1.5, 6));
    let stack = stack(&backend, vec![Stage::Tied(plain(&below))], plain(&top))?;
    let input = [1.0, 0.0, 0.5, 1.0];
    let (mut middle, mut hidden, mut out) = ([0.0; 3], [0.0; 4], [0.0; 4]);
    below.view().hidden_probs(&input, &mut middle)?;
    top.view().hidden_probs(&middle, &mut hidden)?;
    top.view().visible_probs(&hidden, &mut middle)?;
    below.view().visible_probs(&middle, &mut out)?;
    let reconstructed = stack.reconstruct(&backend, &Batch { values: input.to_vec(), visible: 4 })?;
    assert!(reconstructed.row(0).iter().zip(out).all(|(a, b)| (a - b).abs() < 1e-6), "{reconstructed:?} {out:?}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let stack = stack(&backend, Vec::new(), plain(&Parameters::random(4, 3, 1.0, 1)))?;
    let three = Batch { values: vec![0.0; 6], visible: 3 };
    let refusal = |result: Result<(), Error>| result.expect_err("another shape").to_string();
    assert!(refusal(Chains::from_data(&backend, &stack, 1, 0, &three).map(|_| ())).contains("4 expected, 3 found"));
    assert!(refusal(stack.reconstruct(&backend, &three).map(|_| ())).contains("4 expected, 3 found"));
    let mut chains = Chains::from_noise(&backend, &stack, 1, 0, 2)?;
    assert!(refusal(chains.hold_inputs(&three, &[true; 6])).contains("4 expected, 3 found"));
    assert!(refusal(chains.hold_classes(&[0, 0])).contains("no labels"), "a machine without labels holds no class");
    let net = ClassifierParameters {
        machine: None,
        layers: Vec::new(),
        hidden: HiddenKind::Bernoulli,
        head: AffineParameters { weights: vec![0.0; 8], bias: vec![0.0; 2] },
    };
    let message = Stack::new(&backend, &Model::Classifier(net)).map(|_| ()).expect_err("no machine").to_string();
    assert!(message.contains("no machine to sample from"), "{message}");
    Ok(())
}
