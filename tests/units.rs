//! f32 machines of every kind of unit against enumeration: energies, free energies, conditionals, classes, gradients.

use ebm_core::{HiddenKind, Machine, RbmView, ShapeError};
use ebm_tests::mixed::{Layout, Mixed, Visible};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_tests::tolerance;

/// A machine in both forms.
struct Case {
    parameters: Parameters,
    blocks: Vec<Visible>,
    layout: Layout,
    exact: Mixed,
}

impl Case {
    fn new(blocks: Vec<Visible>, hidden: (HiddenKind, usize), scale: f32, seed: u32) -> Self {
        let visible = blocks.iter().map(Visible::units).sum();
        let parameters = Parameters::random(visible, hidden.1, scale, seed);
        let layout = Layout::new(&blocks, hidden.0);
        let exact = Mixed::new(&parameters, &blocks, hidden.0);
        Self { parameters, blocks, layout, exact }
    }

    fn view(&self) -> Result<RbmView<'_>, ShapeError> {
        self.parameters.view().with_units(self.layout.units())
    }

    /// Visible states: every discrete one up to 24, evenly spaced, Gaussian units anywhere within four of their own size.
    fn visible_states(&self, seed: u32) -> Vec<Vec<f32>> {
        (0..24u32).map(|n| self.visible_state(seed * 24 + n)).collect()
    }

    fn visible_state(&self, seed: u32) -> Vec<f32> {
        let units = self.parameters.visible_bias.len();
        let mut random = uniform(units, 1.0, seed, 30);
        let mut at = 0;
        for block in &self.blocks {
            let values = &mut random[at..at + block.units()];
            match block {
                Visible::Bernoulli(_) => values.iter_mut().for_each(|v| *v = if *v > 0.0 { 1.0 } else { 0.0 }),
                Visible::Gaussian(sigma) => values.iter_mut().zip(sigma).for_each(|(v, sigma)| *v *= 4.0 * sigma),
                Visible::Group(units) | Visible::Label(units) => {
                    let on = ((values[0] + 1.0) / 2.0 * *units as f32) as usize;
                    values.iter_mut().enumerate().for_each(|(unit, v)| *v = if unit == on { 1.0 } else { 0.0 });
                }
            }
            at += block.units();
        }
        random
    }

    /// Hidden states of up to four copies a rectified unit.
    fn hidden_states(&self, hidden: HiddenKind) -> Vec<Vec<f32>> {
        let few = |state: &Vec<f64>| state.iter().all(|&h| h <= 4.0);
        let all: Vec<_> = self.exact.hidden_states().into_iter().filter(few).collect();
        let step = if hidden == HiddenKind::Relu { 3 } else { 1 };
        all.iter().step_by(step).map(|state| state.iter().map(|&h| h as f32).collect()).collect()
    }

    /// `Σ_i |U_i(v_i)|`.
    fn visible_magnitude(&self, visible: &[f32]) -> f64 {
        let of_unit = |((v, a), sigma): ((&f32, &f32), Option<f32>)| {
            let (v, a) = (f64::from(*v), f64::from(*a));
            sigma.map_or((a * v).abs(), |sigma| ((v - a) / f64::from(sigma)).powi(2) / 2.0)
        };
        visible.iter().zip(&self.parameters.visible_bias).zip(self.sigmas()).map(of_unit).sum()
    }

    /// `σ` of every visible unit that is Gaussian.
    fn sigmas(&self) -> Vec<Option<f32>> {
        let of_block = |block: &Visible| match block {
            Visible::Gaussian(sigma) => sigma.iter().copied().map(Some).collect(),
            other => vec![None; other.units()],
        };
        self.blocks.iter().flat_map(of_block).collect()
    }

    /// `|b_j| + Σ_i |v_i·W_ij|` of every hidden unit, and its field.
    fn fields(&self, visible: &[f32]) -> Vec<(f64, f64)> {
        let column = |j: usize| &self.parameters.weights[j * visible.len()..][..visible.len()];
        let field = |(j, b): (usize, &f32)| {
            let products = || column(j).iter().zip(visible).map(|(w, v)| f64::from(*w) * f64::from(*v));
            let b = f64::from(*b);
            (b.abs() + products().map(f64::abs).sum::<f64>(), b + products().sum::<f64>())
        };
        self.parameters.hidden_bias.iter().enumerate().map(field).collect()
    }

    /// Error that a free energy may have.
    fn free_energy_bound(&self, visible: &[f32]) -> f64 {
        let kind = self.layout.units().hidden();
        let term = |(magnitude, z): (f64, f64)| {
            let field = tolerance::hidden_field(visible.len(), magnitude);
            match kind {
                HiddenKind::Bernoulli => tolerance::softplus(z, field),
                HiddenKind::Relu => tolerance::rectified_softplus(z, field),
            }
        };
        let hidden: Vec<_> = self.fields(visible).into_iter().map(term).collect();
        tolerance::mixed_free_energy(visible.len(), self.visible_magnitude(visible), &hidden)
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Every kind alone and mixed, several groups in one layer; hidden units of both kinds.
fn cases() -> Vec<Case> {
    use Visible::{Bernoulli, Gaussian, Group, Label};
    let layers = [
        vec![Bernoulli(5)],
        vec![Gaussian(vec![0.5, 2.0])],
        vec![Group(4)],
        vec![Group(1), Group(3), Group(2)],
        vec![Bernoulli(2), Group(3), Gaussian(vec![1.5]), Bernoulli(1), Group(2)],
        vec![Gaussian(vec![0.25]), Group(3), Gaussian(vec![3.0]), Bernoulli(1)],
        vec![Bernoulli(3), Label(4)],
        vec![Group(3), Gaussian(vec![0.7]), Label(3)],
    ];
    let hidden = [(HiddenKind::Bernoulli, 3), (HiddenKind::Relu, 2)];
    let with = |(n, blocks): (usize, Vec<Visible>)| {
        hidden.into_iter().enumerate().flat_map(move |(m, hidden)| {
            let blocks = blocks.clone();
            let case = move |(s, scale)| Case::new(blocks.clone(), hidden, scale, (n * 10 + m * 2 + s) as u32 + 300);
            [0.2, 1.0].into_iter().enumerate().map(case)
        })
    };
    layers.into_iter().enumerate().flat_map(with).collect()
}

#[test]
fn energies_are_the_definitions() -> Result<(), ShapeError> {
    for (seed, case) in cases().iter().enumerate() {
        let view = case.view()?;
        for visible in case.visible_states(seed as u32) {
            let fields = case.fields(&visible);
            for hidden in case.hidden_states(view.units().hidden()) {
                let terms: f64 = hidden.iter().zip(&fields).map(|(h, (magnitude, _))| f64::from(*h) * magnitude).sum();
                // A rectified unit's own energy: h²/2 and a logarithm of at most ln Π (1 − e^(−i)) = −0.7.
                let own: f64 = hidden.iter().map(|h| f64::from(h * h) / 2.0 + 1.0).sum();
                let magnitude = case.visible_magnitude(&visible) + terms + own;
                let bound = tolerance::mixed_energy(view.visible(), view.hidden(), magnitude);
                let (ours, exact) =
                    (view.energy(&visible, &hidden)?, case.exact.energy(&wide(&visible), &wide(&hidden)));
                assert!((f64::from(ours) - exact).abs() <= bound, "{ours}, exactly {exact}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

#[test]
fn free_energies_sum_over_all_hidden_states() -> Result<(), ShapeError> {
    for (seed, case) in cases().iter().enumerate() {
        let view = case.view()?;
        for visible in case.visible_states(seed as u32) {
            let (ours, exact) = (view.free_energy(&visible)?, case.exact.free_energy(&wide(&visible)));
            let bound = case.free_energy_bound(&visible);
            assert!((f64::from(ours) - exact).abs() <= bound, "{ours}, exactly {exact}, allowed {bound:e}");
        }
    }
    Ok(())
}

#[test]
fn hidden_means_are_those_of_all_states() -> Result<(), ShapeError> {
    for (seed, case) in cases().iter().enumerate() {
        let view = case.view()?;
        let mut ours = vec![0.0; view.hidden()];
        for visible in case.visible_states(seed as u32) {
            view.hidden_probs(&visible, &mut ours)?;
            let exact = case.exact.hidden_means(&wide(&visible));
            for ((&mean, exact), (magnitude, _)) in ours.iter().zip(exact).zip(case.fields(&visible)) {
                let field = tolerance::hidden_field(visible.len(), magnitude);
                let bound = match view.units().hidden() {
                    HiddenKind::Bernoulli => tolerance::probability(exact, field),
                    HiddenKind::Relu => tolerance::rectified_mean(exact, field),
                };
                assert!((f64::from(mean) - exact).abs() <= bound, "{mean}, exactly {exact}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

#[test]
fn visible_means_are_those_of_all_states() -> Result<(), ShapeError> {
    for case in cases() {
        let view = case.view()?;
        let mut ours = vec![0.0; view.visible()];
        for hidden in case.hidden_states(view.units().hidden()).into_iter().step_by(2) {
            view.visible_probs(&hidden, &mut ours)?;
            let exact = case.exact.visible_means(&wide(&hidden));
            let magnitude = |i: usize| -> f64 {
                let row = case.parameters.weights.iter().skip(i).step_by(view.visible());
                row.zip(&hidden).map(|(w, h)| f64::from(w * h).abs()).sum()
            };
            let mut sigmas = case.layout.units().sigma().iter();
            let mut at = 0;
            for block in &case.blocks {
                let range = at..at + block.units();
                // Largest magnitude and so largest error of a field in the block: what a group's softmax depends on.
                let largest = range
                    .clone()
                    .map(|i| magnitude(i) + f64::from(case.parameters.visible_bias[i]).abs())
                    .fold(0.0, f64::max);
                for i in range {
                    let bound = match block {
                        Visible::Bernoulli(_) => {
                            tolerance::probability(exact[i], tolerance::visible_field(hidden.len(), largest))
                        }
                        Visible::Gaussian(_) => {
                            let sigma = sigmas.next().copied().map_or(0.0, f64::from);
                            let a = f64::from(case.parameters.visible_bias[i]);
                            tolerance::gaussian_mean(hidden.len(), a, sigma * sigma, magnitude(i))
                        }
                        Visible::Group(classes) | Visible::Label(classes) => {
                            let field = tolerance::visible_field(hidden.len(), largest);
                            tolerance::softmax_probability(exact[i], *classes, 2.0 * largest, field)
                        }
                    };
                    let error = (f64::from(ours[i]) - exact[i]).abs();
                    assert!(error <= bound, "v_{i} of {block:?}: {}, exactly {}, allowed {bound:e}", ours[i], exact[i]);
                }
                at += block.units();
            }
        }
    }
    Ok(())
}

/// Two classes, some, and more than are scored together.
#[test]
fn class_posteriors_and_free_energies_of_inputs_are_exact() -> Result<(), ShapeError> {
    use Visible::{Bernoulli, Gaussian, Group, Label};
    for (n, classes) in [1, 2, 5, 15, 16, 17, 33, 40].into_iter().enumerate() {
        for (m, hidden) in [(HiddenKind::Bernoulli, 4), (HiddenKind::Relu, 2)].into_iter().enumerate() {
            let blocks = vec![Bernoulli(3), Group(2), Gaussian(vec![0.6]), Label(classes)];
            let case = Case::new(blocks, hidden, 1.0, (n * 2 + m) as u32 + 500);
            let view = case.view()?;
            assert_eq!((view.labels(), view.inputs()), (classes, 6));
            let (mut scores, mut probs) = (vec![0.0; classes], vec![0.0; classes]);
            for visible in case.visible_states(n as u32).iter().take(6) {
                let inputs = &visible[..6];
                view.class_scores(inputs, &mut scores)?;
                view.class_probs(inputs, &mut probs)?;
                let (exact, exact_probs) =
                    (case.exact.class_scores(&wide(inputs)), case.exact.class_probs(&wide(inputs)));
                // Of the class whose score may be the most wrong.
                let of_class = |class: usize| {
                    let mut state = inputs.to_vec();
                    state.extend((0..classes).map(|other| if other == class { 1.0 } else { 0.0 }));
                    tolerance::class_score(case.free_energy_bound(&state))
                };
                let bound = (0..classes).map(of_class).fold(0.0, f64::max);
                let spread = exact.iter().copied().fold(f64::NEG_INFINITY, f64::max)
                    - exact.iter().copied().fold(f64::INFINITY, f64::min);
                for ((&score, &p), (exact, exact_p)) in scores.iter().zip(&probs).zip(exact.iter().zip(&exact_probs)) {
                    assert!((f64::from(score) - exact).abs() <= bound, "{score}, exactly {exact}, allowed {bound:e}");
                    let bound = tolerance::softmax_probability(*exact_p, classes, spread, bound);
                    assert!((f64::from(p) - exact_p).abs() <= bound, "{p}, exactly {exact_p}, allowed {bound:e}");
                }
                let (ours, exact) =
                    (view.free_energy_of_inputs(inputs)?, case.exact.free_energy_of_inputs(&wide(inputs)));
                let bound = tolerance::log_sum_exp_in_pieces(classes, exact, bound);
                assert!((f64::from(ours) - exact).abs() <= bound, "{ours}, exactly {exact}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

/// Without labels, the inputs are all there is.
#[test]
fn without_labels_the_inputs_are_the_visible_units() -> Result<(), ShapeError> {
    let case = &cases()[8];
    let view = case.view()?;
    let visible = case.visible_state(1);
    assert_eq!((view.labels(), view.inputs()), (0, view.visible()));
    assert_eq!(view.free_energy_of_inputs(&visible)?, view.free_energy(&visible)?);
    assert_eq!(view.class_scores(&visible, &mut [])?, ());
    Ok(())
}

/// A broken input must not look like an ordinary one, whatever its class and kind.
#[test]
fn a_broken_input_has_no_free_energy() -> Result<(), ShapeError> {
    for case in cases() {
        let view = case.view()?;
        for at in 0..view.inputs() {
            let mut visible = case.visible_state(2);
            visible[at] = f32::NAN;
            assert!(view.free_energy(&visible)?.is_nan());
            assert!(view.free_energy_of_inputs(&visible[..view.inputs()])?.is_nan());
            let mut probs = vec![0.0; view.labels()];
            view.class_probs(&visible[..view.inputs()], &mut probs)?;
            assert!(probs.iter().all(|p| p.is_nan()));
        }
    }
    Ok(())
}

/// `∂F/∂W_ij = −v_i·⟨h_j⟩`, `∂F/∂b_j = −⟨h_j⟩`, `∂F/∂a_i = −v_i`, of a Gaussian unit `(a − v)/σ²`: the model's conditionals are the gradients of
/// the reference's free energy, taken by finite differences.
#[test]
fn conditionals_are_gradients_of_the_free_energy() -> Result<(), ShapeError> {
    for (seed, case) in cases().iter().enumerate() {
        let view = case.view()?;
        let (units, count) = (view.visible(), view.hidden());
        let sigma_of = case.sigmas();
        for visible in case.visible_states(seed as u32).iter().take(2) {
            let mut means = vec![0.0; count];
            view.hidden_probs(visible, &mut means)?;
            let v = wide(visible);
            let of_weights =
                (0..count).flat_map(|j| v.iter().map(move |v| (j, *v))).map(|(j, v)| -v * f64::from(means[j]));
            let of_visible = (0..units).map(|i| match sigma_of[i] {
                Some(sigma) => (f64::from(case.parameters.visible_bias[i]) - v[i]) / f64::from(sigma).powi(2),
                None => -v[i],
            });
            let of_hidden = means.iter().map(|&mean| -f64::from(mean));
            let expected: Vec<f64> = of_weights.chain(of_visible).chain(of_hidden).collect();
            let scales = (0..count).flat_map(|_| v.clone()).chain(vec![1.0; units + count]);
            for (at, (expected, scale)) in expected.into_iter().zip(scales).enumerate() {
                let difference = difference(&case.exact, at, |machine| machine.free_energy(&v));
                let largest = case.fields(visible).iter().map(|(magnitude, _)| *magnitude).fold(0.0, f64::max);
                let field = tolerance::hidden_field(units, largest);
                let bound = tolerance::free_energy_gradient(expected, scale, field);
                assert!((difference - expected).abs() <= bound, "{at}: {difference} {expected}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

/// Central difference along one parameter.
fn difference(machine: &Mixed, at: usize, f: impl Fn(&Mixed) -> f64) -> f64 {
    let moved = |by: f64| {
        let mut machine = machine.clone();
        machine.parameters_mut().skip(at).take(1).for_each(|parameter| *parameter += by);
        f(&machine)
    };
    (moved(tolerance::DIFFERENCE_STEP) - moved(-tolerance::DIFFERENCE_STEP)) / (2.0 * tolerance::DIFFERENCE_STEP)
}
