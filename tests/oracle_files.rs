//! Model files and deep nets against the independent reference in `tools/oracle`, which has a reader of its own. Integers agree exactly.

use ebm_core::format::Layer;
use ebm_core::rng::{Philox, Purpose, Stream, philox4x32_10};
use ebm_core::{Affine, Directed, Float, Integer, Machine as _, Model, ModelError, RbmView};
use ebm_tests::agreement::Agreement;
use ebm_tests::file::Aligned;
use ebm_tests::oracle::{self, DbnCase, FloatModel, IntegerModel, Words, columns};
use ebm_tests::{tiny, tolerance};

fn fixture(name: &str) -> Aligned {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    Aligned::new(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}

#[test]
fn random_words() {
    let blocks: Vec<Words> = oracle::read("philox");
    assert_eq!(blocks.len(), 16);
    for Words { counter, key, words } in blocks {
        assert_eq!(philox4x32_10(counter, key), words, "{counter:x?} under {key:x?}");
    }
}

#[test]
fn integer_files() -> Result<(), ModelError> {
    let cases: Vec<IntegerModel> = oracle::read("integer_models");
    assert_eq!(cases.len(), 3);
    for IntegerModel { file, inputs } in cases {
        let bytes = fixture(&file);
        let model = Model::parse(bytes.as_slice())?;
        let machine = model.machine::<Integer>()?;
        assert_eq!(inputs.len(), 4);
        for (n, input) in inputs.iter().enumerate() {
            let place = format!("{file} input {n}");
            let mut x = vec![0; model.inputs()];
            model.values::<Integer>(&input.raw, &mut x)?;
            assert_eq!(x, input.x, "values of {place}");

            let mut fields = vec![0; machine.hidden()];
            machine.up().field(&x, &mut fields)?;
            assert_eq!(fields, input.hidden_fields, "hidden fields of {place}");
            let mut hidden = vec![0; machine.hidden()];
            machine.hidden_probs(&x, &mut hidden)?;
            assert_eq!(hidden, input.hidden_means, "hidden means of {place}");
            let mut visible = vec![0; machine.visible()];
            machine.visible_probs(&hidden, &mut visible)?;
            assert_eq!(visible, input.visible_means, "visible means of {place}");
            let mut rng = Philox::new(input.seed, Stream::new(Purpose::Free));
            machine.sample_hidden(&x, &mut rng, &mut hidden)?;
            machine.sample_visible(&hidden, &mut rng, &mut visible)?;
            assert_eq!([hidden, visible], input.drawn, "states drawn for {place}");
            assert_eq!(model.free_energy::<Integer>(&x)?, input.free_energy, "free energy of {place}");

            let mut below = x.clone();
            for (index, exact) in (model.first_hidden()..).zip(&input.hidden) {
                let layer = model.hidden_layer::<Integer>(index)?;
                let mut means = vec![0; layer.outputs()];
                layer.probabilities(&below, &mut means)?;
                assert_eq!(means, *exact, "layer {index} of {place}");
                below = means;
            }
            let (mut work, mut scores) = (vec![0; model.work_len()], vec![0; model.outputs()]);
            assert_eq!(model.classify::<Integer>(&x, &mut work, &mut scores)?, input.class, "class of {place}");
            assert_eq!(scores, input.scores, "scores of {place}");
        }
    }
    Ok(())
}

/// Errors of the fields of a layer whose inputs are `x`, each wrong by at most its `errors`.
fn field_errors(layer: Affine<'_>, x: &[f32], errors: &[f64]) -> Vec<f64> {
    let one = |column: &[f32], bias: f32| {
        let magnitude: f64 = column.iter().zip(x).map(|(w, x)| (f64::from(*w) * f64::from(*x)).abs()).sum();
        let carried: f64 = column.iter().zip(errors).map(|(w, error)| f64::from(w.abs()) * error).sum();
        tolerance::hidden_field(x.len(), f64::from(bias.abs()) + magnitude) + carried + tolerance::REFERENCE
    };
    layer.weights().chunks_exact(x.len()).zip(layer.bias()).map(|(column, bias)| one(column, *bias)).collect()
}

/// Goes up through sigmoid layers, holding each to `exact`; gives the last layer's means and their errors.
fn go_up(
    agreement: &mut Agreement,
    place: &str,
    layers: &[Affine<'_>],
    input: &[f32],
    exact: &[Vec<f64>],
) -> Result<(Vec<f32>, Vec<f64>), ModelError> {
    let (mut x, mut errors) = (input.to_vec(), vec![0.0; input.len()]);
    for (layer, exact) in layers.iter().zip(exact) {
        let mut means = vec![0.0; layer.outputs()];
        layer.probabilities(&x, &mut means)?;
        let fields = field_errors(*layer, &x, &errors);
        errors = exact.iter().zip(fields).map(|(p, field)| tolerance::probability(*p, field)).collect();
        for ((ours, exact), bound) in means.iter().zip(exact).zip(&errors) {
            agreement.hold(place, *ours, *exact, *bound);
        }
        x = means;
    }
    Ok((x, errors))
}

/// Errors of the means of a generative layer's visible units given `h`, each wrong by at most its `errors`.
fn mean_errors_down(layer: RbmView<'_>, h: &[f32], errors: &[f64], exact: &[f64]) -> Vec<f64> {
    let visible = layer.visible();
    let row = |i: usize| layer.up().weights().iter().skip(i).step_by(visible);
    let one = |(i, p): (usize, &f64)| {
        let sum: f64 = row(i).zip(h).map(|(w, h)| (f64::from(*w) * f64::from(*h)).abs()).sum();
        let carried: f64 = row(i).zip(errors).map(|(w, error)| f64::from(w.abs()) * error).sum();
        let field = tolerance::visible_field(h.len(), f64::from(layer.visible_bias()[i].abs()) + sum) + carried;
        tolerance::probability(*p, field)
    };
    exact.iter().enumerate().map(one).collect()
}

/// Recognition and generation of nets that are written to a file, layer by layer.
#[test]
fn deep_belief_networks() -> Result<(), ModelError> {
    let (mut up, mut down) = (Agreement::new("recognition"), Agreement::new("generation"));
    let mut scores_agree = Agreement::new("scores of nets");
    for case in oracle::read::<DbnCase>("dbns") {
        let place = &case.name;
        let weights: Vec<_> = case
            .lower
            .iter()
            .map(|layer| (columns(&layer.recognition, layer.b.len()), columns(&layer.generative, layer.b.len())))
            .collect();
        let top = case.top.parts(false);
        let top_units = top.view().hidden();
        let mut layers = Vec::new();
        for (layer, (recognition, generative)) in case.lower.iter().zip(&weights) {
            let recognition = Affine::new(layer.a.len(), recognition, &layer.b)?;
            let generative = RbmView::new(generative, &layer.a, &layer.b)?;
            layers.push(Layer::Directed(Directed::new(recognition, generative)?));
        }
        layers.push(Layer::Rbm(top.view()));
        let (header, _) = tiny::float();
        let generator = tiny::encoded(&header, &layers);
        let generator = Model::parse(generator.as_slice())?;
        let classes = case.head.as_ref().map_or(0, |head| head.bias.len());
        let head_weights = case.head.as_ref().map(|head| columns(&head.weights, classes)).unwrap_or_default();
        let head = case.head.as_ref().map(|head| Affine::new(top_units, &head_weights, &head.bias)).transpose()?;
        layers.extend(head.map(Layer::Head));
        let classifier = tiny::encoded(&header, &layers);
        let classifier = Model::parse(classifier.as_slice())?;

        let hidden: Vec<_> =
            (0..=case.lower.len()).map(|index| classifier.hidden_layer::<Float>(index)).collect::<Result<_, _>>()?;
        for input in &case.up {
            let (means, errors) = go_up(&mut up, place, &hidden, &input.v, &input.layers)?;
            if let (Some(head), Some(exact)) = (head, input.layers.get(hidden.len())) {
                let (mut work, mut scores) = (vec![0.0; classifier.work_len()], vec![0.0; classes]);
                classifier.scores::<Float>(&input.v, &mut work, &mut scores)?;
                for ((ours, exact), bound) in scores.iter().zip(exact).zip(field_errors(head, &means, &errors)) {
                    scores_agree.hold(place, *ours, *exact, bound);
                }
            }
        }
        for sample in &case.down {
            let (mut h, mut errors) = (sample.h.clone(), vec![0.0; sample.h.len()]);
            for (index, exact) in (0..case.lower.len()).rev().zip(&sample.layers) {
                let Some(Layer::Directed(layer)) = generator.layer(index) else { panic!("{place}: layer {index}") };
                errors = mean_errors_down(layer.generative(), &h, &errors, exact);
                let mut means = vec![0.0; exact.len()];
                layer.generative().visible_probs(&h, &mut means)?;
                for ((ours, exact), bound) in means.iter().zip(exact).zip(&errors) {
                    down.hold(place, *ours, *exact, *bound);
                }
                h = means;
            }
            let (mut work, mut inputs) = (vec![0.0; generator.work_len()], vec![0.0; generator.inputs()]);
            generator.means_down::<Float>(&sample.h, &mut work, &mut inputs)?;
            assert_eq!(inputs, h, "{place}: all layers at once are the layers one by one");
        }
    }
    assert!(up.compared() > 80 && down.compared() > 50 && scores_agree.compared() == 18);
    Ok(())
}

/// Free energy's error of a machine of Bernoulli units, or of few units of any kind with parameters of size 1.
fn free_energy_error(machine: RbmView<'_>, v: &[f32]) -> f64 {
    if machine.labels() > 0 {
        return tolerance::CLASS_SCORE_NATS;
    }
    let errors = field_errors(machine.up(), v, &vec![0.0; v.len()]);
    let terms: Vec<_> = machine
        .up()
        .weights()
        .chunks_exact(v.len())
        .zip(machine.up().bias())
        .zip(errors)
        .map(|((column, bias), error)| {
            let field =
                f64::from(*bias) + column.iter().zip(v).map(|(w, v)| f64::from(*w) * f64::from(*v)).sum::<f64>();
            tolerance::softplus(field, error)
        })
        .collect();
    let visible: f64 = machine.visible_bias().iter().zip(v).map(|(a, v)| (f64::from(*a) * f64::from(*v)).abs()).sum();
    tolerance::mixed_free_energy(v.len(), visible, &terms)
}

#[test]
fn float_files() -> Result<(), ModelError> {
    let (mut means, mut scores) = (Agreement::new("means of files"), Agreement::new("scores of files"));
    let (mut free, mut down) = (Agreement::new("free energies of files"), Agreement::new("means down of files"));
    for FloatModel { file, inputs, down: passes } in oracle::read("float_models") {
        let bytes = fixture(&file);
        let model = Model::parse(bytes.as_slice())?;
        for (n, input) in inputs.iter().enumerate() {
            let place = format!("{file} input {n}");
            let mut v = vec![0.0; model.inputs()];
            model.values::<Float>(&input.raw, &mut v)?;
            assert_eq!(v, input.v, "values of {place}");
            let layers: Vec<_> = (model.first_hidden()..)
                .take(input.layers.len())
                .map(|index| model.hidden_layer::<Float>(index))
                .collect::<Result<_, _>>()?;
            let (below, errors) = go_up(&mut means, &place, &layers, &input.v, &input.layers)?;
            if !input.scores.is_empty() {
                let (mut work, mut ours) = (vec![0.0; model.work_len()], vec![0.0; model.outputs()]);
                model.scores::<Float>(&input.v, &mut work, &mut ours)?;
                let bounds = match model.head::<Float>(model.layers() - 1) {
                    Ok(head) => field_errors(head, &below, &errors),
                    Err(_) => vec![tolerance::CLASS_SCORE_NATS; ours.len()],
                };
                for ((ours, exact), bound) in ours.iter().zip(&input.scores).zip(bounds) {
                    scores.hold(&place, *ours, *exact, bound);
                }
            }
            if let Some(exact) = input.free_energy {
                let bound = free_energy_error(model.machine::<Float>()?, &input.v);
                free.hold(&place, model.free_energy::<Float>(&input.v)?, exact, bound);
            }
        }
        for pass in passes {
            let (mut work, mut ours) = (vec![0.0; model.work_len()], vec![0.0; model.inputs()]);
            model.means_down::<Float>(&pass.top, &mut work, &mut ours)?;
            let Some(Layer::Directed(lowest)) = model.layer(0) else { panic!("{file}: no way down") };
            let errors = mean_errors_down(lowest.generative(), &pass.top, &[], &pass.means);
            for ((ours, exact), bound) in ours.iter().zip(&pass.means).zip(errors) {
                down.hold(&file, *ours, *exact, bound);
            }
        }
    }
    assert!(scores.compared() >= 46 && free.compared() >= 10 && down.compared() >= 6 && means.compared() > 1500);
    Ok(())
}
