//! Networks whose shape is in the type answer the same bits as the model file they were taken from.

use ebm_core::format::{Header, Input, Layer, Provenance};
use ebm_core::math::argmax;
use ebm_core::{
    Affine, Dbn, Float, Head, Integer, Machine, Model, ModelError, Network, Numbers, Rbm, RbmView, ShapeError,
};
use ebm_tests::file::Aligned;
use ebm_tests::parameters::{Parameters, uniform};
use ebm_tests::{exact, tiny};
use nalgebra::SVector;
use std::collections::HashSet;

type Classifier = Dbn<9, 7, Dbn<7, 11, Head<11, 4>>>;
type Stack = Dbn<9, 7, Rbm<7, 11>>;

fn header() -> Header<'static> {
    Header {
        input: Input::Unit,
        layers: Default::default(),
        labels: "",
        novelty: None,
        provenance: Provenance { tool: "tests", ..Provenance::default() },
        ..Header::default()
    }
}

/// 9–7–11, and a head over 4 classes when `head` is set. The widest layer is not the first, so that buffers are tried.
fn file(head: bool) -> Aligned {
    let (below, above, top) =
        (Parameters::random(9, 7, 1.0, 1), Parameters::random(7, 11, 1.0, 2), Parameters::random(11, 4, 2.0, 3));
    let top = Affine::new(11, &top.weights, &top.hidden_bias).expect("11 × 4");
    let layers = [Layer::Rbm(below.view()), Layer::Rbm(above.view()), Layer::Head(top)];
    tiny::encoded(&header(), &layers[..if head { 3 } else { 2 }])
}

fn inputs() -> impl Iterator<Item = SVector<f32, 9>> {
    (0..50).map(|seed| SVector::from_iterator(uniform(9, 0.5, seed, 0).into_iter().map(|x| x + 0.5)))
}

/// After fine-tuning the recognition pass is that of sigmoid units, and a machine of its own lies beside it.
#[test]
fn a_machine_beside_the_stack_answers_for_itself() -> Result<(), ModelError> {
    let (below, above, top) =
        (Parameters::random(9, 7, 1.0, 1), Parameters::random(7, 11, 1.0, 2), Parameters::random(11, 4, 2.0, 3));
    let machine = Parameters::random(9, 30, 1.0, 4);
    let head = Affine::new(11, &top.weights, &top.hidden_bias)?;
    let layers = [
        Layer::Generative(machine.view()),
        Layer::Sigmoid(below.view().up()),
        Layer::Sigmoid(above.view().up()),
        Layer::Head(head),
    ];
    let (bytes, plain) = (tiny::encoded(&header(), &layers), file(true));
    let (model, plain) = (Model::parse(bytes.as_slice())?, Model::parse(plain.as_slice())?);
    assert_eq!((model.first_hidden(), plain.first_hidden()), (1, 0));
    assert_eq!((model.inputs(), model.outputs(), model.work_len()), (9, 4, 18));
    let mut net = Classifier::default();
    net.copy_from(&model, model.first_hidden())?;
    let mut state = <Classifier as Network<9>>::State::default();
    for input in inputs() {
        let (mut work, mut scores, mut expected) = ([f32::NAN; 18], [f32::NAN; 4], [f32::NAN; 4]);
        model.scores::<Float>(input.as_slice(), &mut work, &mut scores)?;
        plain.scores::<Float>(input.as_slice(), &mut work, &mut expected)?;
        assert_eq!(scores, expected, "the recognition pass goes past the machine");
        net.forward(&input, &mut state);
        assert_eq!(Classifier::output(&state), scores);
        assert_eq!(model.free_energy::<Float>(input.as_slice())?, machine.view().free_energy(input.as_slice())?);
    }
    assert!(net.layer.visible_bias.iter().all(|&a| a == 0.0), "sigmoid units have no visible bias");
    let sigmoid = Model::parse(bytes.as_slice())?.rbm::<Float>(1).err();
    assert_eq!(sigmoid, Some(ModelError::Layer { layer: 1, expected: Float::RBM }));
    Ok(())
}

#[test]
fn an_input_that_is_no_number_is_no_class_and_novel() -> Result<(), ModelError> {
    let bytes = file(true);
    let model = Model::parse(bytes.as_slice())?;
    let (mut work, mut scores) = ([0.0; 18], [0.0; 4]);
    let mut input = [0.5; 9];
    input[3] = f32::NAN;
    assert_eq!(model.classify::<Float>(&input, &mut work, &mut scores), Err(ModelError::NotANumber));
    assert!(Float::exceeds(model.free_energy::<Float>(&input)?, i32::MAX));
    Ok(())
}

#[test]
fn the_typed_classifier_is_the_file_bit_for_bit() -> Result<(), ModelError> {
    let bytes = file(true);
    let model = Model::parse(bytes.as_slice())?;
    assert_eq!((model.layers(), model.inputs(), model.outputs(), model.work_len()), (3, 9, 4, 18));
    let mut net = Classifier::default();
    net.copy_from(&model, 0)?;
    let mut state = <Classifier as Network<9>>::State::default();
    let mut answers = HashSet::new();
    for input in inputs() {
        let (mut work, mut scores) = ([f32::NAN; 18], [f32::NAN; 4]);
        model.scores::<Float>(input.as_slice(), &mut work, &mut scores)?;
        net.forward(&input, &mut state);
        assert_eq!(Classifier::output(&state), scores);
        let class = model.classify::<Float>(input.as_slice(), &mut work, &mut scores)?;
        assert_eq!(Some(class), argmax(&scores));
        answers.insert(scores.map(f32::to_bits));
    }
    assert_eq!(answers.len(), 50, "every input has scores of its own");
    Ok(())
}

#[test]
fn the_typed_stack_is_its_machines_one_after_another() -> Result<(), ModelError> {
    let bytes = file(false);
    let model = Model::parse(bytes.as_slice())?;
    let mut net = Stack::default();
    Network::copy_from(&mut net, &model, 0)?;
    let mut state = <Stack as Network<9>>::State::default();
    for input in inputs() {
        let (mut below, mut above) = ([0.0; 7], [0.0; 11]);
        model.rbm::<Float>(0)?.hidden_probs(input.as_slice(), &mut below)?;
        model.rbm::<Float>(1)?.hidden_probs(&below, &mut above)?;
        net.forward(&input, &mut state);
        assert_eq!(state.hidden.as_slice(), below);
        assert_eq!(Stack::output(&state), above);
    }
    Ok(())
}

/// The whole forward pass in f64, one unit after another.
#[test]
fn scores_are_the_recognition_pass() -> Result<(), ModelError> {
    let bytes = file(true);
    let model = Model::parse(bytes.as_slice())?;
    let as_exact = |rbm: RbmView<'_>| exact::Exact::from_f32(rbm.up().weights(), rbm.visible_bias(), rbm.up().bias());
    let (below, above) = (as_exact(model.rbm::<Float>(0)?), as_exact(model.rbm::<Float>(1)?));
    let head = model.head::<Float>(2)?;
    let input = inputs().next().expect("an input");
    let (mut work, mut scores) = ([0.0; 18], [0.0; 4]);
    model.scores::<Float>(input.as_slice(), &mut work, &mut scores)?;
    let visible: Vec<f64> = input.iter().copied().map(f64::from).collect();
    let hidden = above.hidden_probs(&below.hidden_probs(&visible));
    for (c, ours) in scores.into_iter().enumerate() {
        let column = head.weights()[c * 11..][..11].iter().copied().map(f64::from);
        let exact: f64 = f64::from(head.bias()[c]) + column.zip(&hidden).map(|(w, h)| w * h).sum::<f64>();
        assert!((f64::from(ours) - exact).abs() < ebm_tests::tolerance::SHALLOW_NET, "{ours} {exact}");
    }
    Ok(())
}

fn shape(what: &'static str, expected: usize, found: usize) -> Result<(), ModelError> {
    Err(ShapeError { what, expected, found }.into())
}

#[test]
fn a_file_of_another_shape_is_refused_naming_both() -> Result<(), ModelError> {
    let (with_head, without) = (file(true), file(false));
    let (model, stack) = (Model::parse(with_head.as_slice())?, Model::parse(without.as_slice())?);

    let mut net = <Dbn<8, 7, Dbn<7, 11, Head<11, 4>>>>::default();
    assert_eq!(net.copy_from(&model, 0), shape("visible units", 8, 9));
    let mut net = <Dbn<9, 6, Dbn<6, 11, Head<11, 4>>>>::default();
    assert_eq!(net.copy_from(&model, 0), shape("hidden units", 6, 7));
    let mut net = <Dbn<9, 7, Dbn<7, 12, Head<12, 4>>>>::default();
    assert_eq!(net.copy_from(&model, 0), shape("hidden units", 12, 11));
    let mut net = <Dbn<9, 7, Dbn<7, 11, Head<11, 10>>>>::default();
    assert_eq!(net.copy_from(&model, 0), shape("classes", 10, 4));
    let mut head = Head::<12, 4>::default();
    assert_eq!(head.copy_from(&model, 2), shape("inputs of the head", 12, 11));

    // More or fewer layers, or one of another kind.
    let mut net = <Dbn<9, 7, Rbm<7, 11>>>::default();
    assert_eq!(net.copy_from(&model, 0), shape("layers", 2, 3));
    let mut net = Classifier::default();
    assert_eq!(net.copy_from(&stack, 0), shape("layers", 3, 2));
    let mut net = <Dbn<9, 7, Head<7, 4>>>::default();
    assert_eq!(net.copy_from(&model, 0), shape("layers", 2, 3));
    let mut net = <Dbn<9, 7, Head<7, 11>>>::default();
    let expected = Float::HEAD;
    assert_eq!(net.copy_from(&stack, 0), Err(ModelError::Layer { layer: 1, expected }));
    let mut net = <Dbn<9, 7, Dbn<7, 11, Dbn<11, 4, Rbm<4, 4>>>>>::default();
    assert_eq!(net.copy_from(&model, 0), Err(ModelError::Layer { layer: 2, expected: Float::HIDDEN }));

    let message = Dbn::<9, 6, Rbm<6, 11>>::default().copy_from(&stack, 0).map_err(|error| error.to_string());
    assert_eq!(message, Err("hidden units: 6 expected, 7 found".to_owned()));
    Ok(())
}

#[test]
fn wrong_buffers_and_wrong_numbers_are_refused() -> Result<(), ModelError> {
    let bytes = file(true);
    let model = Model::parse(bytes.as_slice())?;
    let (input, mut work, mut scores) = ([0.0; 9], [0.0; 18], [0.0; 4]);
    assert_eq!(model.scores::<Float>(&input, &mut work[..17], &mut scores), shape("values to work in", 18, 17));
    assert_eq!(model.scores::<Float>(&input[..8], &mut work, &mut scores), shape("inputs", 9, 8));
    assert_eq!(model.scores::<Float>(&input, &mut work, &mut scores[..3]), shape("outputs", 4, 3));
    assert_eq!(model.scores::<Float>(&input, &mut [0.0; 100], &mut scores), Ok(()), "a longer buffer will do");

    let layer = |layer, expected| Some(ModelError::Layer { layer, expected });
    assert_eq!(model.rbm::<Integer>(0).err(), layer(0, Integer::RBM));
    assert_eq!(model.head::<Integer>(2).err(), layer(2, Integer::HEAD));
    assert_eq!(model.rbm::<Float>(2).err(), layer(2, Float::RBM));
    assert_eq!(model.head::<Float>(0).err(), layer(0, Float::HEAD));
    assert_eq!(model.rbm::<Float>(3).err(), layer(3, Float::RBM));
    assert_eq!(model.rbm::<Float>(usize::MAX).err(), layer(usize::MAX, Float::RBM));
    assert_eq!(model.free_energy::<Integer>(&[0; 9]).err(), layer(0, Integer::RBM));

    let stack = file(false);
    let stack = Model::parse(stack.as_slice())?;
    assert_eq!(stack.scores::<Float>(&input, &mut work, &mut scores).err(), layer(1, Float::HEAD));
    Ok(())
}

/// The integer classifier is its integer layers one after another.
#[test]
fn integer_scores_are_the_layers_one_after_another() -> Result<(), ModelError> {
    let (header, layers) = tiny::int8();
    let bytes = tiny::encoded(&header, &layers);
    let model = Model::parse(bytes.as_slice())?;
    let (mut work, mut scores) = ([0; 4], [0; 2]);
    for level in 0..=17u16 {
        let mut input = [0; 3];
        model.values::<Integer>(&[level, 0, 16 - level.min(16)], &mut input)?;
        let class = model.classify::<Integer>(&input, &mut work, &mut scores)?;
        let (mut hidden, mut expected) = ([0; 2], [0; 2]);
        model.rbm::<Integer>(0)?.hidden_probs(&input, &mut hidden)?;
        model.head::<Integer>(1)?.field(&hidden, &mut expected)?;
        assert_eq!(scores, expected);
        assert_eq!(Some(class), argmax(&expected));
        let free_energy = model.free_energy::<Integer>(&input)?;
        assert_eq!(model.is_novel::<Integer>(free_energy), Some(free_energy > -4096));
    }
    Ok(())
}

#[test]
fn raw_inputs_become_values() -> Result<(), ModelError> {
    let (header, layers) = tiny::int8();
    let bytes = tiny::encoded(&header, &layers);
    let levels = Model::parse(bytes.as_slice())?;
    for (level, float, int) in
        [(0u16, 0.0, 0), (1, 0.0625, 8), (8, 0.5, 64), (16, 1.0, 128), (17, 1.0, 128), (65_535, 1.0, 128)]
    {
        let (mut v, mut x) = ([0.0; 3], [0; 3]);
        levels.values::<Float>(&[level; 3], &mut v)?;
        levels.values::<Integer>(&[level; 3], &mut x)?;
        assert_eq!((v, x), ([float; 3], [int; 3]));
    }
    let bytes = file(true);
    let unit = Model::parse(bytes.as_slice())?;
    let mut x = vec![0; unit.inputs()];
    unit.values::<Integer>(&vec![2; unit.inputs()], &mut x)?;
    assert_eq!(x, vec![128; unit.inputs()]);
    assert_eq!(unit.is_novel::<Float>(1e9), None, "the file holds no threshold");

    for (value, int) in [(0.0, 0), (0.5, 64), (1.0, 128), (-1.0, 0), (9.0, 128), (f32::NAN, 0), (0.7, 90)] {
        assert_eq!(Integer::from_unit(value), int, "{value}");
    }
    assert_eq!(Integer::from_level(3, 0), 128, "a file cannot say so, but a caller can");
    assert_eq!(Integer::nats(-6144), -1.5);
    assert!(Float::exceeds(-0.99, -4096) && !Float::exceeds(-1.0, -4096));
    assert!(Integer::exceeds(-4095, -4096) && !Integer::exceeds(-4096, -4096));
    Ok(())
}
