//! A model's inference and nothing else, as a product links it beside its own code: no text, no console, no test data.
//!
//! `cargo xtask bare` builds it and looks at what is linked: whether anything can panic, whether an integer model brings floating
//! point with it, and how large it is.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Chain, Model, ModelError};
use ebm_firmware::model::{self, CLASSES, HIDDEN, INPUTS, Numbers, WORK};

type Value = <Numbers as ebm_core::Numbers>::Value;
type Score = <Numbers as ebm_core::Numbers>::Score;

/// Class, novelty, and where one Gibbs step leads from the input.
struct Answer {
    class: usize,
    is_novel: Option<bool>,
    chain: Chain<Value, INPUTS, HIDDEN>,
}

fn answer(bytes: &[u8], levels: &[u16; INPUTS]) -> Result<Answer, ModelError> {
    let model = Model::parse(bytes)?;
    let input = levels.map(|level| model.value_of_level::<Numbers>(level));
    let (mut work, mut scores) = ([Value::default(); WORK], [Score::default(); CLASSES]);
    let class = model.classify::<Numbers>(&input, &mut work, &mut scores)?;
    let is_novel = model.is_novel::<Numbers>(model.free_energy::<Numbers>(&input)?);
    let mut chain = Chain::new(input);
    let mut rng = Philox::new(1, Stream::new(Purpose::Free));
    chain.gibbs_step(&model.machine::<Numbers>()?, &mut rng)?;
    Ok(Answer { class, is_novel, chain })
}

/// Hides input and answer from the compiler, so that it can leave nothing out.
fn run() -> bool {
    match black_box(answer(black_box(model::bytes()), black_box(&[1; INPUTS]))) {
        Ok(Answer { class, is_novel, chain }) => {
            black_box((class, is_novel, chain));
            true
        }
        Err(_) => false,
    }
}

ebm_firmware::bare!(run);
