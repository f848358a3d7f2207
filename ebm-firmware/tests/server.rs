//! A device answers what it is asked as the typed machines do, and what cannot be answered with an error value; after any noise it answers again.

mod device;

use device::{Device, frame, question, replacement, responses};
use ebm_core::format::{Layer, crc32, encode, encoded_len};
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::wire::{
    self, Answer, Bits, FrameError, Learning, ModelFault, Refusal, Request, Rule, Start, Values, Want,
};
use ebm_core::{Beta, Chain, Float, Held, Integer, Learner, LearningRule, Model, Rates, Rbm, RbmView, Units};
use ebm_tests::file::Aligned;
use ebm_tests::tiny::{FLOAT_FIXTURE, INT8_FIXTURE, SCALED_INT8_FIXTURE, STORED_FIXTURES, float};

/// What a device with `model` says to each of `requests`, in words.
fn said<N: ebm_core::service::Spoken>(model: &[u8], requests: &[Vec<u8>]) -> Vec<String> {
    let mut said = Vec::new();
    let output = Device::with(model).converse::<N>(&requests.concat());
    responses(&output, |tag, outcome| said.push(format!("{tag} {outcome:?}")));
    said
}

fn learning(learning_rate: f32, step: u32) -> Learning {
    Learning { rule: Rule::Cd, steps: 2, learning_rate, momentum: 0.0, weight_decay: 0.01, seed: 5, step }
}

#[test]
fn after_noise_of_every_kind_the_next_good_frame_is_answered() {
    let good = question(9);
    let expected = said::<Integer>(INT8_FIXTURE, std::slice::from_ref(&good));
    let other_version = wire_frame(|body| body[0] = 9);
    let echo = wire_frame(|body| body[1] = 1);
    let mut random = Philox::new(3, Stream::new(Purpose::Free));
    let noise: Vec<u8> = std::iter::repeat_with(|| rand_core::Rng::next_u32(&mut random) as u8).take(100_000).collect();
    let version = FrameError::Version { expected: wire::VERSION, found: 9 };
    for (what, bytes, refusal) in [
        ("half a frame", good[..good.len() / 2].to_vec(), Some(FrameError::Framing)),
        ("an oversized frame", vec![7; 5000], Some(FrameError::TooLong { limit: 200 })),
        ("another version", other_version, Some(version)),
        ("an echo", echo, None),
        ("a flood", noise, None),
    ] {
        let input = [vec![0], bytes, vec![0], good.clone()].concat();
        let output = Device::with(INT8_FIXTURE).converse::<Integer>(&input);
        let (mut refusals, mut last) = (Vec::new(), String::new());
        responses(&output, |tag, outcome| {
            if let Err(Refusal::Frame(error)) = outcome {
                refusals.push(error);
            }
            last = format!("{tag} {outcome:?}");
        });
        assert_eq!(last, expected[0], "{what}");
        match (refusal, what) {
            (Some(refusal), _) => assert_eq!(refusals, [refusal], "{what}"),
            (None, "an echo") => assert!(refusals.is_empty(), "an echo is not answered"),
            (None, _) => assert!(refusals.len() > 100, "{what}: {} refusals", refusals.len()),
        }
    }
}

/// A frame of `Hello` whose body was changed before it was sealed.
fn wire_frame(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut body = vec![wire::VERSION, 0, 1, 0, 0];
    change(&mut body);
    ebm_tests::frame::of_covered(&body)
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_both_shapes_and_the_old_one_answers() {
    let before = Device::with(FLOAT_FIXTURE).who_answers::<Float>();
    let wide = of_zeros(9, 2);
    let mut damaged = FLOAT_FIXTURE.to_vec();
    damaged[100] ^= 1;
    let unfit = Refusal::TooLarge { what: "visible units", limit: 8, found: 9 };
    for (what, model, refusal) in [
        ("nine visible units", wide, unfit),
        ("integers", INT8_FIXTURE.to_vec(), Refusal::Unsupported { what: "numbers that this build is not made for" }),
        ("a damaged file", damaged, Refusal::Model(ModelFault::Damaged)),
    ] {
        let mut device = Device::with(FLOAT_FIXTURE);
        let mut last = String::new();
        let output = device.converse::<Float>(&replacement(&model, 32).concat());
        responses(&output, |_, outcome| last = format!("{outcome:?}"));
        let expected: Result<Answer<'_>, _> = Err(refusal);
        assert_eq!(last, format!("{expected:?}"), "{what}");
        assert_eq!(device.who_answers::<Float>(), before, "{what}");
    }
}

/// The file of a machine without a parameter that is not zero.
fn of_zeros(visible: usize, hidden: usize) -> Vec<u8> {
    let (weights, bias) = (vec![0.0; visible * hidden], vec![0.0; visible.max(hidden)]);
    let machine = RbmView::new(&weights, &bias[..visible], &bias[..hidden]).expect("lengths that fit");
    let (header, layers) = (float().0, [Layer::Rbm(machine)]);
    let mut file = vec![0; encoded_len(&header, &layers).expect("a length")];
    encode(&header, &layers, &mut file).expect("a file");
    file
}

#[test]
fn pieces_out_of_order_too_long_or_of_no_model_are_refused() {
    let begin = |len| frame(1, &Request::BeginModel { len, crc: 1 });
    let write = |offset, bytes| frame(2, &Request::WriteModel { offset, bytes });
    let said = said::<Integer>(
        INT8_FIXTURE,
        &[
            write(0, &[0; 16]),
            frame(3, &Request::CommitModel),
            begin(1 << 20),
            begin(40),
            write(16, &[0; 16]),
            write(0, &[0; 15]),
            write(0, &[0; 48]),
            write(0, &[0; 32]),
            frame(4, &Request::CommitModel),
            write(32, &[0; 8]),
            frame(5, &Request::CommitModel),
            question(6),
        ],
    );
    let expected = [
        "2 Err(Sequence { expected: 0, found: 0 })",
        "3 Err(Sequence { expected: 0, found: 0 })",
        "1 Err(TooLarge { what: \"bytes of a model\", limit: 2016, found: 1048576 })",
        "1 Ok(Receiving { offset: 0 })",
        "2 Err(Sequence { expected: 0, found: 16 })",
        "2 Err(Shape { what: \"bytes of a piece, a multiple of 16\", expected: 0, found: 15 })",
        "2 Err(TooLarge { what: \"bytes of this piece\", limit: 40, found: 48 })",
        "2 Ok(Receiving { offset: 32 })",
        "4 Err(Sequence { expected: 32, found: 40 })",
        "2 Ok(Receiving { offset: 40 })",
        "5 Err(Model(Damaged))",
    ];
    assert_eq!(said[..expected.len()], expected);
    assert!(said[expected.len()].starts_with("6 Ok(FreeEnergy"), "{said:?}");
}

#[test]
fn values_of_every_kind_are_taken_or_refused() {
    let infer = |input| frame(1, &Request::Infer { input, free_energy: true });
    let three = [0x11, 0x22, 0x33, 0x44].map(|byte| byte as f32);
    let counts = [0, -1, 1000];
    let said = said::<Integer>(
        INT8_FIXTURE,
        &[
            infer(Values::Integer(&[128, 64, 0])),
            infer(Values::from(&[1.0, 0.5, 0.0][..])),
            infer(Values::Levels(&[16, 8, 0])),
            infer(Values::Levels(&[16, 8])),
            infer(Values::Readings(wire::F32s::new(&three[..3]))),
            infer(Values::Counts(wire::I32s::new(&counts))),
        ],
    );
    assert!(said[0].starts_with("1 Ok(Inferred { class: 0"), "{said:?}");
    assert_eq!((&said[0], &said[0]), (&said[1], &said[2]), "the same input in three ways");
    assert_eq!(said[3], "1 Err(Shape { what: \"values\", expected: 3, found: 2 })");
    assert_eq!(said[4], "1 Err(Unsupported { what: \"readings in f32: the model takes whole numbers\" })");
    assert!(said[5].starts_with("1 Ok(Inferred"), "{said:?}");
    let scaled = self::said::<Integer>(SCALED_INT8_FIXTURE, &[frame(1, &Request::Hello)]);
    assert!(scaled[0].contains("arithmetic: Integer"), "{scaled:?}");
}

#[test]
fn samples_and_inpaintings_are_those_of_a_chain() {
    let file = Aligned::new(FLOAT_FIXTURE);
    let model = Model::parse(file.as_slice()).expect("a model");
    let machine = model.machine::<Float>().expect("a machine");
    let mut rng = Philox::new(11, Stream::new(Purpose::Free));
    let mut chain = Chain::<f32, 3, 2>::from_noise(&machine, &mut rng).expect("3 × 2");
    for _ in 0..50 {
        chain.gibbs_step_at(Beta::new(128), &machine, &mut rng).expect("3 × 2");
    }
    let first = *chain.visible();
    let mut rng = Philox::new(12, Stream::new(Purpose::Free));
    for _ in 0..7 {
        chain.gibbs_step(&machine, &mut rng).expect("3 × 2");
    }
    let second = *chain.visible();
    let known = [1.0, 0.0, 0.0];
    let held = Held { known: &known, held: &[true, false, true] };
    let (mut chain, mut rng) = (Chain::<f32, 3, 2>::new(known), Philox::new(13, Stream::new(Purpose::Free)));
    for _ in 0..9 {
        chain.gibbs_step_held(Beta::ONE, held, &machine, &mut rng).expect("3 × 2");
    }
    let bits = Bits::new(3, &[0b101]).expect("three");
    let sample = |start, steps, beta, seed| frame(1, &Request::Sample { start, steps, beta, seed, want: Want::State });
    let input = Values::from(&known[..]);
    let inpaint = Request::Inpaint { input, known: bits, steps: 9, beta: 256, seed: 13, want: Want::State };
    let said = said::<Float>(
        FLOAT_FIXTURE,
        &[
            sample(Start::Last, 1, 256, 1),
            sample(Start::Noise, 50, 128, 11),
            sample(Start::Last, 7, 256, 12),
            frame(1, &inpaint),
            sample(Start::Last, 1, 256, 1),
            frame(1, &Request::Sample { start: Start::Noise, steps: 0, beta: 256, seed: 1, want: Want::Probabilities }),
        ],
    );
    let none = "1 Err(Unsupported { what: \"a chain to go on with: the last request left none\" })";
    assert_eq!(said[0], none);
    assert_eq!(said[1], format!("1 Ok(Visible {{ values: F32({first:?}) }})"));
    assert_eq!(said[2], format!("1 Ok(Visible {{ values: F32({second:?}) }})"));
    assert_eq!(said[3], format!("1 Ok(Visible {{ values: F32({:?}) }})", chain.visible()));
    assert_eq!(said[4], none, "the chain's place was taken");
    assert_eq!(said[5], "1 Err(Unsupported { what: \"probabilities without a step\" })");
}

#[test]
fn what_a_device_learns_is_what_a_learner_learns_and_can_be_fetched_as_a_file() {
    let data = [1.0, 0.0, 1.0];
    let mut rbm = Rbm::<3, 2>::ZERO;
    {
        let file = Aligned::new(FLOAT_FIXTURE);
        let model = Model::parse(file.as_slice()).expect("a model");
        rbm.copy_from(&model.machine::<Float>().expect("a machine")).expect("3 × 2");
    }
    let mut learner = Learner::<3, 2>::ZERO;
    let rates = Rates { learning_rate: 0.1, momentum: 0.0, weight_decay: 0.01 };
    let rule = LearningRule { units: Units::BERNOULLI, k: 2, rates };
    let mut requests = Vec::new();
    for step in 0..20 {
        let mut rng = Philox::new(5, Stream { step, ..Stream::new(Purpose::Free) });
        learner.contrastive_divergence(&mut rbm, None, rule, &data, &mut rng).expect("3 × 2");
        let input = Values::from(&data[..]);
        requests.push(frame(1, &Request::Learn { input, learning: learning(0.1, step) }));
    }
    requests.extend((0..3).map(|piece| frame(2, &Request::ReadModel { offset: 50 * piece, len: 50 })));
    requests.push(frame(3, &Request::Hello));
    let (mut file, mut crc, mut updates) = (Vec::new(), 0, 0);
    let output = Device::with(FLOAT_FIXTURE).converse::<Float>(&requests.concat());
    responses(&output, |_, outcome| match outcome {
        Ok(Answer::Learned { updates: count }) => updates = count,
        Ok(Answer::ModelBytes { bytes, .. }) => file.extend(bytes),
        Ok(Answer::Hello(hello)) => crc = hello.model.crc,
        other => panic!("{other:?}"),
    });
    assert_eq!((updates, file.len(), crc), (20, FLOAT_FIXTURE.len(), crc32(&file)));
    let file = Aligned::new(&file);
    let model = Model::parse(file.as_slice()).expect("a whole file");
    let mut fetched = Rbm::<3, 2>::ZERO;
    fetched.copy_from(&model.machine::<Float>().expect("a machine")).expect("3 × 2");
    assert_eq!(fetched, rbm, "to the bit");
}

#[test]
fn learning_that_diverges_is_forgotten_and_what_cannot_learn_says_so() {
    let input = Values::from(&[1.0, 0.0, 1.0][..]);
    let learn = |learning| frame(1, &Request::Learn { input, learning });
    let momentum = Learning { momentum: 0.5, ..learning(0.1, 0) };
    let [far, too_far] = [0, 1].map(|step| learn(learning(f32::MAX, step)));
    let requests = [question(2), far, too_far, question(2), learn(learning(f32::NAN, 0)), learn(momentum)];
    let said = said::<Float>(FLOAT_FIXTURE, &requests);
    assert_eq!((&*said[1], &*said[2]), ("1 Ok(Learned { updates: 1 })", "1 Err(Diverged)"));
    assert_eq!(said[0], said[3], "what was learnt is forgotten");
    assert_eq!(said[4], "1 Err(NotANumber)");
    assert_eq!(said[5], "1 Err(Unsupported { what: \"momentum: there are no velocities\" })");
    let said = self::said::<Integer>(STORED_FIXTURES[0].1, &[learn(learning(0.1, 0))]);
    assert_eq!(said, ["1 Err(Unsupported { what: \"learning: the model's numbers are integers\" })"]);
}
