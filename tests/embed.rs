//! A model in the program: the shapes that the compiler reads are those of the model, and a file of another shape says both.

use ebm_core::format::{Header, Input, Kinds, LayerHeader, LayerKind, NumberFormat, Shape};
use ebm_core::{Float, HiddenKind, Integer, Machine, Model, ModelError};
use ebm_tests::file::{self, Aligned};
use ebm_tests::tiny;
use proptest::prelude::*;

ebm_core::embed_model!(mod float = "fixtures/v1-tiny-f32.ebm", 3 => 2);
ebm_core::embed_model!(pub mod integer = "fixtures/v1-tiny-int8.ebm", 3 => 2);
ebm_core::embed_model!(mod class_rbm = "fixtures/v2-tiny-classrbm.ebm", 4 => 2);
ebm_core::embed_model!(mod dbn = "fixtures/v2-tiny-dbn.ebm", 2 => 1);
ebm_core::embed_model!(mod scaled = "fixtures/v3-tiny-scaled-int8.ebm", 3 => 2);
ebm_core::embed_model!(mod picture = "fixtures/v3-tiny-picture.ebm", 3 => 2);
ebm_core::embed_model!(mod digits = concat!("fixtures/", "digits-int8.ebm"), 64 => 10);

fn assert_is(shape: Shape, model: &Model<'_>) {
    assert_eq!((shape.inputs, shape.outputs, shape.work), (model.inputs(), model.outputs(), model.work_len()));
    let first = &model.header().layers[0];
    assert_eq!((shape.visible, shape.hidden), (first.visible as usize, first.hidden as usize));
}

#[test]
fn an_embedded_model_has_the_shapes_of_the_file_and_answers() -> Result<(), ModelError> {
    assert_is(float::SHAPE, &float::model()?);
    assert_is(integer::SHAPE, &integer::model()?);
    assert_is(class_rbm::SHAPE, &class_rbm::model()?);
    assert_is(dbn::SHAPE, &dbn::model()?);
    assert_is(scaled::SHAPE, &scaled::model()?);
    assert_is(picture::SHAPE, &picture::model()?);
    assert_is(digits::SHAPE, &digits::model()?);
    assert_eq!(digits::model()?.machine::<Integer>()?.hidden(), digits::HIDDEN);
    let (mut work, mut scores) = ([0; integer::WORK], [0; integer::OUTPUTS]);
    let class = integer::model()?.classify::<Integer>(&[128, 64, 0], &mut work, &mut scores)?;
    assert_eq!((class, scores), (0, [4774, -1871]));
    let mut scores = [0.0; class_rbm::OUTPUTS];
    class_rbm::model()?.scores::<Float>(&[0.0; class_rbm::INPUTS], &mut [0.0; class_rbm::WORK], &mut scores)?;
    Ok(())
}

#[test]
fn a_file_of_another_shape_is_refused_with_both_shapes_named() {
    let text = digits::SHAPE.mismatch(65, 10);
    assert_eq!(text.as_str(), "the model file takes 64 inputs and gives 10 outputs, the program expects 65 and 10");
    let most = Shape { inputs: usize::MAX, outputs: usize::MAX, ..digits::SHAPE }.mismatch(usize::MAX, 0);
    assert!(most.as_str().ends_with("the program expects 18446744073709551615 and 0"), "{}", most.as_str());
    for (inputs, outputs) in [(65, 10), (64, 9), (10, 64)] {
        let refused = std::panic::catch_unwind(|| digits::SHAPE.expect(inputs, outputs));
        let message = refused.expect_err("another shape").downcast::<String>().expect("a text");
        assert_eq!(*message, digits::SHAPE.mismatch(inputs, outputs).as_str());
    }
    digits::SHAPE.expect(64, 10);
}

fn sizes() -> impl Strategy<Value = u32> {
    prop_oneof![1..20u32, 100..1000u32]
}

proptest! {
    /// The header as the compiler reads it is the header as serde does, whatever layers there are.
    #[test]
    fn any_header_has_the_same_shapes_both_ways(
        widths in prop::collection::vec(sizes(), 2..7),
        head: bool,
        beside: Option<(u32, bool)>,
        labels in 0..5u32,
        relu: bool,
        input in prop_oneof![
            Just(Input::Unit),
            (1..=u16::MAX).prop_map(|max| Input::Levels { max }),
            any::<u16>().prop_map(|threshold| Input::Binary { threshold }),
            Just(Input::Scaled { channels: 1 }),
        ],
    ) {
        let hidden = if relu { HiddenKind::Relu } else { HiddenKind::Bernoulli };
        let kinds = Kinds { blocks: if labels > 0 { 2 } else { 0 }, labels, hidden };
        let layer = |kind, visible, hidden| LayerHeader { kind, numbers: NumberFormat::F32, visible, hidden };
        let mut layers = Vec::new();
        if let Some((hidden, mixed)) = beside {
            let kind = if mixed { LayerKind::GenerativeRbm(Kinds { labels: 0, blocks: 0, ..kinds }) } else { LayerKind::Generative };
            layers.push(layer(kind, widths[0], hidden % 50 + 1));
        }
        let last = widths.len() - 2;
        for (index, pair) in widths.windows(2).enumerate() {
            let [below, above] = [pair[0], pair[1]];
            layers.push(match (index == last, head, labels) {
                (true, true, _) => layer(LayerKind::Head, below, above),
                (true, false, 1..) => layer(LayerKind::Rbm(kinds), below + labels, above),
                _ if relu => layer(LayerKind::Directed(Kinds { blocks: 0, labels: 0, hidden }), below, above),
                _ => layer(LayerKind::BernoulliRbm, below, above),
            });
        }
        let header = Header { input, layers: layers.iter().copied().collect(), ..tiny::float().0 };
        // Zeros will do for parameters; blocks have to be what the header says.
        let scaling = if let Input::Scaled { .. } = input { [0.0f32, 1.0].map(|word| word.to_le_bytes().to_vec()).to_vec() } else { Vec::new() };
        let sections: Vec<Vec<u8>> = scaling.into_iter().chain(layers.iter().flat_map(sections)).collect();
        let sections: Vec<&[u8]> = sections.iter().map(Vec::as_slice).collect();
        let bytes: Aligned = file::file(&header, &sections);
        let model = Model::parse(bytes.as_slice()).expect("a valid file");
        assert_is(Shape::of(bytes.as_slice()), &model);
    }
}

/// Sections of zeros for a layer in f32, with a label block where it has labels.
fn sections(layer: &LayerHeader) -> Vec<Vec<u8>> {
    let (v, h) = (layer.visible as usize, layer.hidden as usize);
    let floats = |counts: &[usize]| counts.iter().map(|count| vec![0; 4 * count]).collect::<Vec<_>>();
    let mut all = match layer.kind {
        LayerKind::Head | LayerKind::Sigmoid | LayerKind::Rectifier => floats(&[v * h, h]),
        LayerKind::Directed(_) => floats(&[v * h, h, v * h, v]),
        _ => floats(&[v * h, v, h]),
    };
    if layer.labels() > 0 {
        let blocks = [0, layer.inputs(), 3, layer.labels()];
        all.push(blocks.iter().flat_map(|word| word.to_le_bytes()).collect());
    }
    all
}
