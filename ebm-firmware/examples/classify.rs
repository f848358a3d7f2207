//! What the peers' programs do and no more: a model is checked, an input brought to its values, and classified.
//!
//! `cargo xtask bare` builds it, as it does `bare.rs`, for the size that is compared with theirs.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;

use ebm_core::{Model, ModelError};
use ebm_firmware::model::{self, CLASSES, INPUTS, Numbers, WORK};

type Value = <Numbers as ebm_core::Numbers>::Value;
type Score = <Numbers as ebm_core::Numbers>::Score;

fn classify(bytes: &[u8], levels: &[u16; INPUTS]) -> Result<usize, ModelError> {
    let model = Model::parse_as::<Numbers>(bytes)?;
    let mut input = [Value::default(); INPUTS];
    model.values::<Numbers>(levels, &mut input)?;
    let (mut work, mut scores) = ([Value::default(); WORK], [Score::default(); CLASSES]);
    model.classify::<Numbers>(&input, &mut work, &mut scores)
}

/// Hides input and answer from the compiler, so that it can leave nothing out.
fn run() -> bool {
    black_box(classify(black_box(model::bytes()), &[black_box(1); INPUTS])).is_ok()
}

ebm_firmware::bare!(run);
