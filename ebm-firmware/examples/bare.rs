//! A model's inference and nothing else, as a product links it beside its own code: no text, no console, no test data.
//!
//! `cargo xtask bare` builds it and looks at what is linked: whether anything can panic, whether an integer model brings floating
//! point with it, and how large it is.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Beta, Chain, Held, Learner, LearningRule, Model, ModelError, Rates, Rbm, Units};
use ebm_firmware::model::{self, CLASSES, HIDDEN, INPUTS, Numbers, WORK};

type Value = <Numbers as ebm_core::Numbers>::Value;
type Score = <Numbers as ebm_core::Numbers>::Score;

/// Is the model in f32?
const IS_FLOAT: bool = size_of::<Value>() == size_of::<f32>();
/// Units of the machine that learns: any will do, the numerics are the same for all.
const LEARNT: (usize, usize) = (4, 2);

/// Class, novelty, where sampling of every kind leads from the input, and a machine that has learnt from one sample. (Learning is in f32, so it is linked
/// only where the model is.)
struct Answer {
    class: usize,
    is_novel: Option<bool>,
    chain: Chain<Value, INPUTS, HIDDEN>,
    learnt: Option<Rbm<{ LEARNT.0 }, { LEARNT.1 }>>,
}

fn answer(bytes: &[u8], levels: &[u16; INPUTS]) -> Result<Answer, ModelError> {
    let model = Model::parse_as::<Numbers>(bytes)?;
    let mut input = [Value::default(); INPUTS];
    model.values::<Numbers>(levels, &mut input)?;
    let (mut work, mut scores) = ([Value::default(); WORK], [Score::default(); CLASSES]);
    let class = model.classify::<Numbers>(&input, &mut work, &mut scores)?;
    let is_novel = model.novelty::<Numbers>(&input)?.map(|verdict| verdict.is_novel);
    let mut rng = Philox::new(1, Stream::new(Purpose::Free));
    let machine = model.machine::<Numbers>()?;
    let mut chain = Chain::from_noise(&machine, &mut rng)?;
    chain.gibbs_step(&machine, &mut rng)?;
    let held = Held { known: &input, held: &[true; INPUTS] };
    chain.gibbs_step_held(Beta::new(128), held, &machine, &mut rng)?;
    chain.mean_field_step_held(held, &machine)?;
    Ok(Answer { class, is_novel, chain, learnt: IS_FLOAT.then(learn).transpose()? })
}

fn learn() -> Result<Rbm<{ LEARNT.0 }, { LEARNT.1 }>, ModelError> {
    let rates = Rates { learning_rate: 0.1, momentum: 0.5, weight_decay: 0.001 };
    let rule = LearningRule { units: Units::BERNOULLI, k: 1, rates };
    let (mut rbm, mut velocities, mut learner) = (Rbm::ZERO, Rbm::ZERO, Learner::ZERO);
    let mut rng = Philox::new(2, Stream::new(Purpose::Free));
    learner.contrastive_divergence(&mut rbm, Some(&mut velocities), rule, black_box(&[1.0; LEARNT.0]), &mut rng)?;
    Ok(rbm)
}

/// Hides input and answer from the compiler, so that it can leave nothing out.
fn run() -> bool {
    match black_box(answer(black_box(model::bytes()), black_box(&[1; INPUTS]))) {
        Ok(Answer { class, is_novel, chain, learnt }) => {
            black_box((class, is_novel, chain, learnt));
            true
        }
        Err(_) => false,
    }
}

ebm_firmware::bare!(run);
