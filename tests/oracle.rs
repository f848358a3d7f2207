//! f32 machines of every kind of unit against the independent reference in `tools/oracle`.

use ebm_core::{Beta, Machine as _, ShapeError, math};
use ebm_tests::agreement::Agreement;
use ebm_tests::exact::{Exact, log_sum_exp};
use ebm_tests::oracle::{self, ClassCase, Hidden, Kind, Machine, MachineCase, State, Stepped};
use ebm_tests::tolerance;

fn machines() -> Vec<MachineCase> {
    let cases: Vec<MachineCase> = oracle::read("machines");
    assert!(cases.len() >= 20, "{} machines", cases.len());
    cases
}

fn every_state(cases: &[MachineCase]) -> impl Iterator<Item = (&MachineCase, String, &State)> {
    cases.iter().flat_map(|case| {
        case.states.iter().enumerate().map(move |(n, state)| (case, format!("{} state {n}", case.name), state))
    })
}

/// Errors of the hidden fields of a visible state.
fn field_errors(machine: &Machine, v: &[f32]) -> Vec<f64> {
    machine.hidden_magnitudes(v).into_iter().map(|magnitude| tolerance::hidden_field(v.len(), magnitude)).collect()
}

/// Size and error of a hidden unit's share of the free energy.
fn term(hidden: Hidden, z: f64, field: f64) -> (f64, f64) {
    match hidden {
        Hidden::Bernoulli => tolerance::softplus(z, field),
        Hidden::Relu => tolerance::rectified_softplus(z, field),
    }
}

/// Error of a free energy, given the hidden fields and their errors.
fn free_energy_error(machine: &Machine, v: &[f32], fields: &[f64], errors: &[f64]) -> f64 {
    let terms: Vec<_> = fields.iter().zip(errors).map(|(z, error)| term(machine.hidden, *z, *error)).collect();
    tolerance::mixed_free_energy(v.len(), machine.visible_energy_magnitude(v), &terms)
}

/// Error of every visible unit's mean at inverse temperature `β`, `means` being right.
fn visible_errors(machine: &Machine, h: &[f32], means: &[f64], beta: f64) -> Vec<f64> {
    let (magnitudes, bias) = (machine.visible_magnitudes(h), &machine.visible_bias);
    let input = |i: usize| machine.weights[i].iter().zip(h).map(|(w, h)| f64::from(*w) * f64::from(*h)).sum::<f64>();
    let field_error = |i: usize| beta * tolerance::visible_field(h.len(), f64::from(bias[i]).abs() + magnitudes[i]);
    let mut errors = Vec::new();
    for span in machine.spans() {
        let fields: Vec<f64> = span.range.clone().map(|i| beta * (f64::from(bias[i]) + input(i))).collect();
        let largest = fields.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let spread = fields.iter().map(|field| largest - field).fold(0.0, f64::max);
        let worst = span.range.clone().map(field_error).fold(0.0, f64::max);
        errors.extend(span.range.clone().map(|i| match span.kind {
            Kind::Bernoulli => tolerance::probability(means[i], field_error(i)),
            Kind::Softmax => tolerance::softmax_probability(means[i], span.range.len(), spread, worst),
            Kind::Gaussian => {
                let variance = span.sigma[i - span.range.start].powi(2);
                tolerance::gaussian_mean(h.len(), bias[i].into(), variance, magnitudes[i])
            }
        }));
    }
    errors
}

#[test]
fn energies() -> Result<(), ShapeError> {
    let mut agreement = Agreement::new("energies");
    let cases = machines();
    for (case, place, state) in every_state(&cases) {
        let parts = case.machine.parts(false);
        let potential =
            |h: f32| if case.machine.hidden == Hidden::Relu { f64::from(h).powi(2) / 2.0 + 1.0 } else { 0.0 };
        let hidden: f64 = case
            .machine
            .hidden_magnitudes(&state.v)
            .iter()
            .zip(&state.h)
            .map(|(magnitude, h)| f64::from(*h) * magnitude + potential(*h))
            .sum();
        let magnitude = case.machine.visible_energy_magnitude(&state.v) + hidden;
        let bound = tolerance::mixed_energy(state.v.len(), state.h.len(), magnitude);
        agreement.hold(&place, parts.view().energy(&state.v, &state.h)?, state.energy, bound);
    }
    Ok(())
}

#[test]
fn free_energies() -> Result<(), ShapeError> {
    let mut agreement = Agreement::new("free energies");
    let cases = machines();
    for (case, place, state) in every_state(&cases) {
        let parts = case.machine.parts(false);
        let errors = field_errors(&case.machine, &state.v);
        let bound = free_energy_error(&case.machine, &state.v, &state.hidden_field, &errors);
        agreement.hold(&place, parts.view().free_energy(&state.v)?, state.free_energy, bound);
    }
    Ok(())
}

#[test]
fn hidden_means() -> Result<(), ShapeError> {
    let (mut fields, mut means) = (Agreement::new("hidden fields"), Agreement::new("hidden means"));
    let cases = machines();
    for (case, place, state) in every_state(&cases) {
        let parts = case.machine.parts(false);
        let mut ours = vec![0.0; state.h.len()];
        let errors = field_errors(&case.machine, &state.v);
        parts.view().up().field(&state.v, &mut ours)?;
        for ((ours, exact), error) in ours.iter().zip(&state.hidden_field).zip(&errors) {
            fields.hold(&place, *ours, *exact, error + tolerance::REFERENCE);
        }
        parts.view().hidden_probs(&state.v, &mut ours)?;
        for ((ours, exact), error) in ours.iter().zip(&state.hidden_mean).zip(&errors) {
            let bound = match case.machine.hidden {
                Hidden::Bernoulli => tolerance::probability(*exact, *error),
                Hidden::Relu => tolerance::rectified_mean(*exact, *error),
            };
            means.hold(&place, *ours, *exact, bound);
        }
    }
    Ok(())
}

#[test]
fn visible_means() -> Result<(), ShapeError> {
    let mut agreement = Agreement::new("visible means");
    let cases = machines();
    for (case, place, state) in every_state(&cases) {
        let parts = case.machine.parts(false);
        let mut ours = vec![0.0; state.v.len()];
        parts.view().visible_probs(&state.h, &mut ours)?;
        let bounds = visible_errors(&case.machine, &state.h, &state.visible_mean, 1.0);
        for ((ours, exact), bound) in ours.iter().zip(&state.visible_mean).zip(bounds) {
            agreement.hold(&place, *ours, *exact, bound);
        }
    }
    Ok(())
}

/// Draws that were chosen beforehand.
struct Chosen(std::vec::IntoIter<u32>);

impl rand_core::TryRng for Chosen {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0.next().expect("one draw a unit"))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("draws are 32-bit words")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        unreachable!("draws are 32-bit words")
    }
}

/// The draw that is `u` on `[0, 1)`, to 24 bits.
fn draw(u: f64) -> u32 {
    ((u.clamp(0.0, 1.0) * 16_777_216.0).floor().min(16_777_215.0) as u32) << 8
}

/// Spacing of [`draw`].
const DRAW: f64 = 1.0 / 16_777_216.0;

/// At every temperature a hidden unit is on just below its probability, and off just above it.
#[test]
fn hidden_units_are_drawn_at_every_temperature() -> Result<(), ShapeError> {
    let mut compared = 0;
    let cases = machines();
    for (case, place, state) in every_state(&cases).filter(|(case, ..)| case.machine.hidden == Hidden::Bernoulli) {
        let parts = case.machine.parts(false);
        let errors = field_errors(&case.machine, &state.v);
        for tempered in &state.tempered {
            let beta = Beta::new((tempered.beta * 256.0) as u16);
            let margins: Vec<f64> = tempered
                .hidden_mean
                .iter()
                .zip(&errors)
                .map(|(p, error)| tolerance::probability(*p, tempered.beta * error) + 2.0 * DRAW)
                .collect();
            for (side, on) in [(-1.0, 1.0), (1.0, 0.0)] {
                let draws: Vec<f64> = tempered.hidden_mean.iter().zip(&margins).map(|(p, m)| p + side * m).collect();
                let mut rng = Chosen(draws.iter().copied().map(draw).collect::<Vec<_>>().into_iter());
                let mut ours = vec![0.5; state.h.len()];
                parts.view().sample_hidden_at(beta, &state.v, &mut rng, &mut ours)?;
                for (j, (ours, _)) in ours.iter().zip(&draws).enumerate().filter(|(_, (_, u))| (0.0..1.0).contains(*u))
                {
                    assert_eq!(*ours, on, "{place}: h_{j} at β = {}", tempered.beta);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
    Ok(())
}

/// What a visible unit has to be after a draw.
enum Wanted {
    /// This very state.
    State(f32),
    /// A number, within a bound.
    Near(f64, f64),
    /// Too near a boundary to say.
    Anything,
}

/// Draws for every visible unit and what they have to give: Bernoulli units as the hidden ones, on `side` of their probability; the class
/// number `class` of a group by a draw from the middle of its share; Gaussian units at their median or one standard deviation above it.
fn visible_draws(
    machine: &Machine,
    means: &[f64],
    variances: &[f64],
    errors: &[f64],
    side: f64,
    class: usize,
) -> Vec<(u32, Wanted)> {
    /// `Φ(1)`.
    const ONE_DEVIATION: f64 = 0.841_344_746_068_542_9;
    let mut draws = Vec::new();
    for span in machine.spans() {
        let wanted = class % span.range.len();
        let group_error: f64 =
            span.range.clone().map(|i| errors[i]).sum::<f64>() + tolerance::gamma(span.range.len()) + DRAW;
        let middle =
            span.range.clone().take(wanted).map(|i| means[i]).sum::<f64>() + means[span.range.start + wanted] / 2.0;
        for i in span.range.clone() {
            draws.push(match span.kind {
                Kind::Bernoulli => {
                    let u = means[i] + side * (errors[i] + 2.0 * DRAW);
                    let state = if side < 0.0 { 1.0 } else { 0.0 };
                    (draw(u), if (0.0..1.0).contains(&u) { Wanted::State(state) } else { Wanted::Anything })
                }
                Kind::Softmax if means[span.range.start + wanted] > 2.0 * group_error => {
                    (draw(middle), Wanted::State(if i - span.range.start == wanted { 1.0 } else { 0.0 }))
                }
                Kind::Softmax => (draw(middle), Wanted::Anything),
                Kind::Gaussian => {
                    let quantile = if side < 0.0 { 0.0 } else { 1.0 };
                    let word = if side < 0.0 { 1 << 31 } else { (ONE_DEVIATION * 4_294_967_296.0) as u32 };
                    let deviation = variances[i].sqrt();
                    let bound = tolerance::gaussian_draw(errors[i], means[i], deviation, quantile);
                    (word, Wanted::Near(means[i] + quantile * deviation, bound))
                }
            });
        }
    }
    draws
}

#[test]
fn visible_units_are_drawn_at_every_temperature() -> Result<(), ShapeError> {
    let (mut exact, mut near) = (0, Agreement::new("Gaussian draws"));
    let cases = machines();
    for (case, place, state) in every_state(&cases) {
        let parts = case.machine.parts(false);
        for tempered in &state.tempered {
            let beta = Beta::new((tempered.beta * 256.0) as u16);
            let errors = visible_errors(&case.machine, &state.h, &tempered.visible_mean, tempered.beta);
            for (side, class) in (0..10).map(|class| (if class % 2 == 0 { -1.0 } else { 1.0 }, class / 2)) {
                let (means, variances) = (&tempered.visible_mean, &tempered.visible_variance);
                let (draws, wanted): (Vec<_>, Vec<_>) =
                    visible_draws(&case.machine, means, variances, &errors, side, class).into_iter().unzip();
                let mut rng = Chosen(draws.into_iter());
                let mut ours = vec![0.5; state.v.len()];
                parts.view().sample_visible_at(beta, &state.h, &mut rng, &mut ours)?;
                for (i, (ours, wanted)) in ours.iter().zip(wanted).enumerate() {
                    match wanted {
                        Wanted::State(state) => {
                            assert_eq!(*ours, state, "{place}: v_{i} at β = {}", tempered.beta);
                            exact += 1;
                        }
                        Wanted::Near(value, bound) => near.hold(&place, *ours, value, bound),
                        Wanted::Anything => {}
                    }
                }
            }
        }
    }
    assert!(exact > 2000, "{exact}");
    Ok(())
}

/// `ln Z` and the gradient of the Bernoulli machine, of which `tests/src/exact.rs` is the truth for everything else.
#[test]
fn the_reference_of_the_other_tests() {
    let case = machines().into_iter().find(|case| case.name == "bernoulli").expect("a machine of Bernoulli units");
    let machine = &case.machine;
    let weights = oracle::columns(&machine.weights, machine.hidden_units());
    let exact = Exact::from_f32(&weights, &machine.visible_bias, &machine.hidden_bias);
    let close = |ours: f64, theirs: f64| assert!((ours - theirs).abs() <= tolerance::SAME_IN_F64, "{ours} {theirs}");
    close(exact.log_partition(), case.log_partition.expect("few states"));
    let data: Vec<Vec<f64>> =
        case.states.iter().map(|state| state.v.iter().copied().map(f64::from).collect()).collect();
    let (ours, theirs) = (exact.log_likelihood_gradient(&data), case.gradient.expect("few states"));
    let theirs_by_column = (0..machine.hidden_units()).flat_map(|j| theirs.weights.iter().map(move |row| row[j]));
    ours.weights.iter().zip(theirs_by_column).for_each(|(x, y)| close(*x, y));
    ours.visible_bias.iter().zip(&theirs.visible_bias).for_each(|(x, y)| close(*x, *y));
    ours.hidden_bias.iter().zip(&theirs.hidden_bias).for_each(|(x, y)| close(*x, *y));
}

/// Every state of discrete visible units; none where a unit is Gaussian or there are too many.
fn visible_states(machine: &Machine) -> Vec<Vec<f32>> {
    let mut states = vec![Vec::new()];
    for span in machine.spans() {
        let units = span.range.len();
        let one_hot = |class: usize| (0..units).map(|i| if i == class { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let bits = |number: usize| (0..units).map(|i| if number >> i & 1 == 1 { 1.0 } else { 0.0 }).collect();
        let choices: Vec<Vec<f32>> = match span.kind {
            Kind::Bernoulli if units <= 10 => (0..1 << units).map(bits).collect(),
            Kind::Softmax => (0..units).map(one_hot).collect(),
            Kind::Bernoulli | Kind::Gaussian => return Vec::new(),
        };
        states = states.iter().flat_map(|state| choices.iter().map(|choice| [&state[..], choice].concat())).collect();
    }
    states
}

/// Our free energies, summed over all visible states, give `ln Z`.
#[test]
fn free_energies_of_all_states_give_the_partition_function() -> Result<(), ShapeError> {
    let mut agreement = Agreement::new("ln Z");
    for case in machines() {
        let (Some(exact), states) = (case.log_partition, visible_states(&case.machine)) else { continue };
        let parts = case.machine.parts(false);
        let mut worst = 0f64;
        let mut logs = Vec::new();
        for v in states {
            let mut fields = vec![0.0; case.machine.hidden_units()];
            parts.view().up().field(&v, &mut fields)?;
            let fields: Vec<f64> = fields.into_iter().map(f64::from).collect();
            worst = worst.max(free_energy_error(&case.machine, &v, &fields, &field_errors(&case.machine, &v)));
            logs.push(-f64::from(parts.view().free_energy(&v)?));
        }
        if !logs.is_empty() {
            agreement.hold(
                &case.name,
                log_sum_exp(logs.iter().copied()) as f32,
                exact,
                worst + tolerance::gamma(1) * exact.abs(),
            );
        }
    }
    assert!(agreement.compared() >= 6, "{}", agreement.compared());
    Ok(())
}

#[test]
fn class_posteriors() -> Result<(), ShapeError> {
    let (mut scores, mut posteriors) = (Agreement::new("scores of classes"), Agreement::new("class posteriors"));
    let mut free_energies = Agreement::new("free energies of inputs");
    for case in oracle::read::<ClassCase>("class_machines") {
        let (machine, place) = (&case.machine, &case.name);
        let parts = machine.parts(true);
        let view = parts.view();
        for input in &case.inputs {
            let classes = input.posterior.len();
            assert_eq!(view.labels(), classes);
            // The class' weight is one rounding more in each field, as eight more inputs are.
            let errors: Vec<f64> = (0..classes)
                .map(|class| {
                    let mut v = input.x.clone();
                    v.extend((0..classes).map(|y| if y == class { 1.0 } else { 0.0 }));
                    let magnitudes = machine.hidden_magnitudes(&v);
                    let errors: Vec<f64> =
                        magnitudes.iter().map(|m| tolerance::hidden_field(v.len() + 8, *m)).collect();
                    // A share of the free energy grows with its field; the field is at most its magnitude.
                    free_energy_error(machine, &v, &magnitudes, &errors)
                })
                .collect();
            let worst = errors.iter().copied().fold(0.0, f64::max);
            let mut ours = vec![0.0; classes];
            view.class_scores(&input.x, &mut ours)?;
            for ((ours, exact), error) in ours.iter().zip(&input.free_energies).zip(&errors) {
                scores.hold(place, *ours, -exact, *error);
            }
            let (low, high) = input.free_energies.iter().fold((f64::MAX, f64::MIN), |(l, h), f| (l.min(*f), h.max(*f)));
            view.class_probs(&input.x, &mut ours)?;
            for (ours, exact) in ours.iter().zip(&input.posterior) {
                posteriors.hold(
                    place,
                    *ours,
                    *exact,
                    tolerance::softmax_probability(*exact, classes, high - low, worst),
                );
            }
            let bound = tolerance::log_sum_exp_in_pieces(classes, input.free_energy, worst);
            free_energies.hold(place, view.free_energy_of_inputs(&input.x)?, input.free_energy, bound);
        }
    }
    assert!(posteriors.compared() > 50);
    Ok(())
}

#[test]
fn functions_of_a_rectified_unit() {
    let (mut softplus, mut mean) = (Agreement::new("rectified softplus"), Agreement::new("rectified mean"));
    for case in oracle::read::<Stepped>("stepped") {
        for ((z, exact_softplus), exact_mean) in case.fields.iter().zip(&case.softplus).zip(&case.mean) {
            let place = format!("z = {z}");
            let bound = tolerance::rectified_softplus(f64::from(*z), 0.0).1 + tolerance::REFERENCE;
            softplus.hold(&place, math::rectified_softplus(*z), *exact_softplus, bound);
            mean.hold(&place, math::rectified_mean(*z), *exact_mean, tolerance::rectified_mean(*exact_mean, 0.0));
        }
    }
    assert!(softplus.compared() >= 20);
}
