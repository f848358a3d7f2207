//! Deep belief networks as generative models, and ClassRBMs, through a model file: associative memory, down-pass, class posterior.

use ebm_core::format::{FormatError, Header, Kinds, Layer, LayerHeader, LayerKind, Novelty, NumberFormat};
use ebm_core::kernel::integer::NATS;
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{
    Belief, Block, Chain, Dbn, Directed, Float, Generative, HiddenKind, Integer, IntegerAffine, Machine, Model,
    ModelError, Network, Rbm, RbmView, ShapeError, Units, UnitsError, VisibleKind,
};
use ebm_tests::exact::{Exact, state};
use ebm_tests::file::{self, Aligned};
use ebm_tests::parameters::Parameters;
use ebm_tests::quantised::Quantised;
use ebm_tests::statistics::ChiSquared;
use ebm_tests::{tiny, tolerance};
use nalgebra::SVector;

const DRAWS: u32 = 100_000;
const SEED: u64 = 77;

fn rng(sample: u32) -> Philox {
    Philox::new(SEED, Stream { sample, ..Stream::new(Purpose::Free) })
}

fn header() -> Header<'static> {
    tiny::float().0
}

/// 4–3–2: recognition and generative weights of the lower layer differ.
struct Net {
    recognition: Parameters,
    generative: Parameters,
    top: Parameters,
}

impl Net {
    fn new() -> Self {
        Self {
            recognition: Parameters::random(4, 3, 1.5, 1),
            generative: Parameters::random(4, 3, 1.5, 2),
            top: Parameters::random(3, 2, 1.5, 3),
        }
    }

    fn file(&self) -> Aligned {
        let units = Directed::new(self.recognition.view().up(), self.generative.view()).expect("one shape");
        tiny::encoded(&header(), &[Layer::Directed(units), Layer::Rbm(self.top.view())])
    }

    /// `p(v) = Σ_h p_top(h)·p(v | h)` by enumeration.
    fn distribution(&self) -> Vec<f64> {
        let (top, below) = (self.top.exact(), self.generative.exact());
        let mut p = vec![0.0; 1 << 4];
        for (number, weight) in top.visible_marginal().into_iter().enumerate() {
            for (p, given) in p.iter_mut().zip(below.visible_distribution(&state(number, 3))) {
                *p += weight * given;
            }
        }
        p
    }
}

fn number<T: PartialEq + Default>(units: &[T]) -> usize {
    units.iter().enumerate().map(|(bit, unit)| usize::from(*unit != T::default()) << bit).sum()
}

#[test]
fn the_associative_memory_and_the_down_pass_sample_the_network() -> Result<(), ModelError> {
    let net = Net::new();
    let bytes = net.file();
    let model = Model::parse(bytes.as_slice())?;
    let steps = net.top.exact().steps_to_mix(tolerance::MIXED) + 1;
    let (mut seen, mut typed_seen) = (vec![0; 16], vec![0; 16]);
    let mut typed = Dbn::<4, 3, Rbm<3, 2>, Belief<4, 3>>::default();
    typed.copy_from(&model, 0)?;
    for sample in 0..DRAWS {
        let (mut chain, mut draws) = (Chain::<f32, 3, 2>::new([(sample % 2) as f32; 3]), rng(sample));
        for _ in 0..steps {
            chain.gibbs_step(&model.top::<Float>()?, &mut draws)?;
        }
        let (mut work, mut out) = ([0.0; 6], [f32::NAN; 4]);
        model.sample_down::<Float, _>(chain.visible(), &mut draws, &mut work, &mut out)?;
        seen[number(&out)] += 1;

        let mut state = <Dbn<4, 3, Rbm<3, 2>, Belief<4, 3>> as Network<4>>::State::default();
        state.hidden.fill((sample % 2) as f32);
        let mut visible = SVector::<f32, 4>::zeros();
        typed.generate(steps, &mut rng(sample), &mut state, &mut visible);
        assert_eq!(visible.as_slice(), out, "the typed network draws the same");
        typed_seen[number(visible.as_slice())] += 1;
    }
    let test = ChiSquared::new(&seen, &net.distribution());
    assert!(test.accepts(), "{test:?}");
    assert_eq!(seen, typed_seen);
    // The test can fail: the recognition weights do not generate.
    let wrong = Net { generative: net.recognition.clone(), ..Net::new() };
    assert!(!ChiSquared::new(&seen, &wrong.distribution()).accepts());
    Ok(())
}

/// A mean-field down-pass is `p(v | h)` of the means, layer by layer, and the way up uses the other weights.
#[test]
fn means_go_down_through_the_generative_weights_and_up_through_the_others() -> Result<(), ModelError> {
    let net = Net::new();
    let bytes = net.file();
    let model = Model::parse(bytes.as_slice())?;
    let (mut work, mut out) = ([0.0; 6], [0.0; 4]);
    model.means_down::<Float>(&[0.25, 1.0, 0.0], &mut work, &mut out)?;
    let mut expected = [0.0; 4];
    net.generative.view().visible_probs(&[0.25, 1.0, 0.0], &mut expected)?;
    assert_eq!(out, expected);

    let mut up = [0.0; 3];
    model.hidden_layer::<Float>(0)?.probabilities(&[1.0, 0.0, 1.0, 1.0], &mut up)?;
    let mut expected = [0.0; 3];
    net.recognition.view().hidden_probs(&[1.0, 0.0, 1.0, 1.0], &mut expected)?;
    assert_eq!(up, expected);
    assert_eq!(
        model.machine::<Float>().err(),
        Some(ModelError::Layer { layer: 0, expected: <Float as ebm_core::Numbers>::RBM }),
        "units whose ways differ are no machine"
    );

    let short = model.means_down::<Float>(&[0.0; 2], &mut work, &mut out);
    assert_eq!(short, Err(ShapeError { what: "visible units", expected: 3, found: 2 }.into()));
    let short = model.means_down::<Float>(&[0.0; 3], &mut work, &mut out[..3]);
    assert_eq!(short, Err(ShapeError { what: "inputs", expected: 4, found: 3 }.into()));
    let short = model.means_down::<Float>(&[0.0; 3], &mut work[..2], &mut out);
    assert_eq!(short, Err(ShapeError { what: "values to work in", expected: 3, found: 2 }.into()));
    Ok(())
}

/// Machines all the way: the same weights both ways, in both kinds of numbers, and a model of a single machine.
#[test]
fn a_stack_of_machines_goes_down_through_their_own_weights() -> Result<(), ModelError> {
    let (below, top) = (Quantised::random(5, 4, 1.0, 1), Quantised::random(4, 3, 1.0, 2));
    let bytes = tiny::encoded(&header(), &[Layer::IntegerRbm(below.rbm()), Layer::IntegerRbm(top.rbm())]);
    let model = Model::parse(bytes.as_slice())?;
    let (mut work, mut out, mut expected) = ([0; 8], [1; 5], [0; 5]);
    model.means_down::<Integer>(&[0, 128, 64, 3], &mut work, &mut out)?;
    below.rbm().visible_probs(&[0, 128, 64, 3], &mut expected)?;
    assert_eq!(out, expected);
    model.sample_down::<Integer, _>(&[0, 128, 64, 3], &mut rng(0), &mut work, &mut out)?;
    below.rbm().sample_visible(&[0, 128, 64, 3], &mut rng(0), &mut expected)?;
    assert_eq!(out, expected);

    // A head on top is no part of what is sampled.
    let head = Quantised::random(3, 2, 1.0, 3);
    let head = Layer::IntegerHead(IntegerAffine::new(3, head.up())?);
    let headed = tiny::encoded(&header(), &[Layer::IntegerRbm(below.rbm()), Layer::IntegerRbm(top.rbm()), head]);
    let headed = Model::parse(headed.as_slice())?;
    assert_eq!(headed.top::<Integer>()?.visible(), 4);
    headed.sample_down::<Integer, _>(&[0, 128, 64, 3], &mut rng(0), &mut work, &mut out)?;
    assert_eq!(out, expected);

    let single = tiny::encoded(&header(), &[Layer::IntegerRbm(below.rbm())]);
    let single = Model::parse(single.as_slice())?;
    single.sample_down::<Integer, _>(&[1, 2, 3, 4, 5], &mut rng(0), &mut [], &mut out)?;
    assert_eq!(out, [1, 2, 3, 4, 5], "the top is the model");
    Ok(())
}

/// The typed network takes nothing whose units it would misread.
#[test]
fn a_typed_network_refuses_other_units() -> Result<(), ModelError> {
    let (header, layers) = tiny::class_rbm();
    let bytes = tiny::encoded(&header, &layers);
    let model = Model::parse(bytes.as_slice())?;
    let refused = Network::copy_from(&mut Rbm::<6, 2>::default(), &model, 0);
    assert!(matches!(refused, Err(ModelError::Layer { layer: 0, .. })), "{refused:?}");
    let (header, layers) = tiny::dbn();
    let bytes = tiny::encoded(&header, &layers);
    let model = Model::parse(bytes.as_slice())?;
    let refused = Network::copy_from(&mut Dbn::<2, 2, Rbm<2, 1>>::default(), &model, 0);
    assert!(matches!(refused, Err(ModelError::Layer { layer: 0, .. })), "{refused:?}");
    Ok(())
}

/// A ClassRBM as a model: class by `p(y | x)`, free energy of the inputs alone, novelty and its margin.
#[test]
fn a_class_rbm_in_a_file_classifies_and_scores_novelty() -> Result<(), ModelError> {
    let rbm = Parameters::random(7, 4, 1.5, 5);
    let blocks = [Block::new(VisibleKind::Bernoulli, 4), Block::new(VisibleKind::Label, 3)];
    let units = Units::new(&blocks, &[], HiddenKind::Bernoulli).expect("7 units");
    let machine = rbm.view().with_units(units)?;
    let header =
        Header { labels: "a\nb\nc", novelty: Some(Novelty { threshold: -3 * NATS, quantile: 0.9 }), ..header() };
    let bytes = tiny::encoded(&header, &[Layer::Rbm(machine)]);
    let model = Model::parse(bytes.as_slice())?;
    assert_eq!((model.inputs(), model.outputs(), model.work_len()), (4, 3, 0));
    let exact: Exact = rbm.exact();
    for input in (0..16).map(|number| state(number, 4)) {
        let values: Vec<f32> = input.iter().map(|&x| x as f32).collect();
        let with_class = |class: usize| {
            let label = (0..3).map(|c| if c == class { 1.0 } else { 0.0 });
            input.iter().copied().chain(label).collect::<Vec<f64>>()
        };
        // Only states with one label are states of the machine.
        let energies = [0, 1, 2].map(|class| exact.free_energy(&with_class(class)));
        let sum: f64 = energies.iter().map(|energy| (-energy).exp()).sum();
        let mut scores = [0.0; 3];
        let class = model.classify::<Float>(&values, &mut [], &mut scores)?;
        let best = (0..3).min_by(|&a, &b| energies[a].total_cmp(&energies[b]));
        assert_eq!(Some(class), best);
        let mut posterior = [0.0; 3];
        machine.class_probs(&values, &mut posterior)?;
        for ((score, p), energy) in scores.iter().zip(posterior).zip(energies) {
            assert!((f64::from(*score) + energy).abs() < tolerance::CLASS_SCORE_NATS);
            assert!((f64::from(p) - (-energy).exp() / sum).abs() < tolerance::CLASS_SCORE_NATS);
        }
        let free_energy = model.free_energy::<Float>(&values)?;
        assert!((f64::from(free_energy) + sum.ln()).abs() < tolerance::CLASS_SCORE_NATS);
        let verdict = model.novelty::<Float>(&values)?.expect("a threshold");
        assert_eq!((verdict.free_energy, verdict.margin), (free_energy, free_energy + 3.0));
        assert_eq!(verdict.is_novel, free_energy > -3.0);
        assert_eq!(model.is_novel::<Float>(free_energy), Some(verdict.is_novel));
    }
    Ok(())
}

/// A deep belief network with labels at its top (Hinton, Osindero & Teh 2006): the recognition pass, then the ClassRBM.
#[test]
fn labels_at_the_top_of_a_network() -> Result<(), ModelError> {
    let (below, top) = (Parameters::random(6, 4, 1.0, 1), Parameters::random(4 + 2, 5, 1.0, 2));
    let blocks = [Block::new(VisibleKind::Bernoulli, 4), Block::new(VisibleKind::Label, 2)];
    let machine = top.view().with_units(Units::new(&blocks, &[], HiddenKind::Bernoulli).expect("6 units"))?;
    let bytes = tiny::encoded(&header(), &[Layer::Rbm(below.view()), Layer::Rbm(machine)]);
    let model = Model::parse(bytes.as_slice())?;
    assert_eq!((model.inputs(), model.outputs(), model.work_len()), (6, 2, 4));
    let input = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    let (mut work, mut scores) = ([0.0; 8], [0.0; 2]);
    model.scores::<Float>(&input, &mut work, &mut scores)?;
    let (mut hidden, mut expected) = ([0.0; 4], [0.0; 2]);
    below.view().hidden_probs(&input, &mut hidden)?;
    machine.class_scores(&hidden, &mut expected)?;
    assert_eq!(scores, expected);
    // Downwards the labels are left out.
    let (mut out, mut expected) = ([0.0; 6], [0.0; 6]);
    model.means_down::<Float>(&[0.5, 0.25, 1.0, 0.0, 1.0, 0.0], &mut work, &mut out)?;
    below.view().visible_probs(&[0.5, 0.25, 1.0, 0.0], &mut expected)?;
    assert_eq!(out, expected);
    Ok(())
}

fn of_kinds(kind: fn(Kinds) -> LayerKind, kinds: Kinds, visible: u32, hidden: u32) -> LayerHeader {
    LayerHeader { kind: kind(kinds), numbers: NumberFormat::F32, visible, hidden }
}

/// The verdict on a machine of 4 × 1 with these blocks and standard deviations.
fn verdict(kinds: Kinds, blocks: &[[u32; 2]], sigma: &[f32]) -> Result<(), FormatError> {
    let layers = [of_kinds(LayerKind::Rbm, kinds, 4, 1)];
    let header = Header { layers: layers.iter().copied().collect(), ..header() };
    let zeros = [0; 16];
    let sections = [&zeros[..], &zeros[..], &zeros[..4], bytemuck::cast_slice(blocks), bytemuck::cast_slice(sigma)];
    Model::parse(file::file(&header, &sections).as_slice()).map(|_| ())
}

#[test]
fn blocks_that_are_no_visible_layer_are_refused() {
    let kinds = |blocks: u16, labels: u32| Kinds { blocks, labels, hidden: HiddenKind::Bernoulli };
    let units = |error| Err(FormatError::Units { layer: 0, error });
    let [bernoulli, gaussian, softmax, label] = [0, 1, 2, 3];
    assert_eq!(verdict(kinds(0, 0), &[], &[]), Ok(()));
    assert_eq!(verdict(kinds(2, 2), &[[bernoulli, 2], [label, 2]], &[]), Ok(()));
    assert_eq!(verdict(kinds(2, 0), &[[gaussian, 1], [softmax, 3]], &[0.5]), Ok(()));
    assert_eq!(verdict(kinds(1, 0), &[[4, 4]], &[]), units(UnitsError::Kind { block: 0 }));
    assert_eq!(verdict(kinds(2, 0), &[[bernoulli, 4], [softmax, 0]], &[]), units(UnitsError::Empty { block: 1 }));
    assert_eq!(verdict(kinds(1, 4), &[[label, 4]], &[]), units(UnitsError::LabelNotLast { block: 0 }));
    assert_eq!(
        verdict(kinds(3, 1), &[[bernoulli, 1], [label, 1], [softmax, 2]], &[]),
        units(UnitsError::LabelNotLast { block: 1 })
    );
    for sigma in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-30] {
        assert_eq!(
            verdict(kinds(1, 0), &[[gaussian, 4]], &[1.0, 1.0, sigma, 1.0]),
            units(UnitsError::Sigma { unit: 2 })
        );
    }
    let count = |expected, found| Err(FormatError::UnitCount { layer: 0, expected, found });
    assert_eq!(verdict(kinds(1, 0), &[[bernoulli, 3]], &[]), count(4, 3));
    assert_eq!(verdict(kinds(1, 0), &[[bernoulli, u32::MAX]], &[]), count(4, u32::MAX as usize));
    assert_eq!(verdict(kinds(2, 0), &[[bernoulli, 2], [label, 2]], &[]), count(0, 2));
    assert_eq!(verdict(kinds(1, 2), &[[bernoulli, 4]], &[]), count(2, 0));
    let hostile = verdict(kinds(1, 0), &[[gaussian, u32::MAX]], &[]);
    assert!(matches!(hostile, Err(FormatError::PayloadLength { .. })), "{hostile:?}");
}

#[test]
fn labels_and_integers_where_there_can_be_none() {
    let check = |layers: &[LayerHeader], labels: &'static str| {
        let header = Header { layers: layers.iter().copied().collect(), labels, ..header() };
        Model::parse(file::file(&header, &[]).as_slice()).map(|_| ())
    };
    let kinds = Kinds { blocks: 2, labels: 2, hidden: HiddenKind::Bernoulli };
    let plain = LayerHeader { kind: LayerKind::BernoulliRbm, numbers: NumberFormat::F32, visible: 3, hidden: 2 };
    let below = [of_kinds(LayerKind::Rbm, kinds, 4, 3), plain];
    assert_eq!(check(&below, ""), Err(FormatError::LabelsNotOnTop { layer: 0 }));
    let directed = [of_kinds(LayerKind::Directed, kinds, 4, 3)];
    assert_eq!(check(&directed, ""), Err(FormatError::LabelsNotOnTop { layer: 0 }));
    let beside = [of_kinds(LayerKind::GenerativeRbm, kinds, 4, 3), plain];
    assert_eq!(check(&beside, ""), Err(FormatError::LabelsNotOnTop { layer: 0 }));
    let alone = [of_kinds(LayerKind::GenerativeRbm, Kinds { labels: 0, ..kinds }, 4, 3)];
    assert_eq!(check(&alone, ""), Err(FormatError::GenerativeNotBeside { layer: 0 }));
    let integers =
        [LayerHeader { numbers: NumberFormat::Int8 { down_shift: 9 }, ..of_kinds(LayerKind::Rbm, kinds, 4, 3) }];
    assert_eq!(check(&integers, ""), Err(FormatError::NumbersOfKind { layer: 0 }));
    let top = [plain, of_kinds(LayerKind::Rbm, kinds, 5, 3)];
    assert_eq!(check(&top, ""), Err(FormatError::LayersDoNotFit { layer: 1, below: 2, visible: 3 }));
    let named = [of_kinds(LayerKind::Rbm, kinds, 4, 3)];
    assert_eq!(check(&named, "a\nb\nc"), Err(FormatError::Labels { labels: 3 }));
    let more = [of_kinds(LayerKind::Rbm, Kinds { labels: 5, ..kinds }, 4, 3)];
    assert!(check(&more, "").is_err(), "more labels than units");
}

/// A view as the file has it answers like the one that was written: every kind, through the fixture.
#[test]
fn the_fixture_answers_what_it_always_did() -> Result<(), ModelError> {
    let bytes = Aligned::new(tiny::CLASS_RBM_FIXTURE);
    let model = Model::parse(bytes.as_slice())?;
    let (_, [Layer::Rbm(written)]) = tiny::class_rbm() else { unreachable!("a machine") };
    let read: RbmView<'_> = model.machine::<Float>()?;
    assert_eq!(read, written);
    // Worked out from the equations by another program: the stepped sigmoid's copies summed one by one.
    const SCORES: [f64; 2] = [4.712_473_490_512, 6.883_814_035_045];
    const FREE_ENERGY: f64 = -6.991_793_312_102;
    let mut scores = [0.0; 2];
    let class = model.classify::<Float>(&[1.0, 0.5, 0.0, 1.0], &mut [], &mut scores)?;
    assert_eq!(class, 1);
    assert!(scores.iter().zip(SCORES).all(|(&z, exact)| (f64::from(z) - exact).abs() < tolerance::CLASS_SCORE_NATS));
    let free_energy = model.free_energy::<Float>(&[1.0, 0.5, 0.0, 1.0])?;
    assert!((f64::from(free_energy) - FREE_ENERGY).abs() < tolerance::CLASS_SCORE_NATS);
    Ok(())
}
