//! A model file as it would lie in flash: checked once, then borrowed, no heap and no copy.
//!
//! `cargo run -p ebm-core --example model_file`

use ebm_core::{Integer, Model, ModelError, Numbers};

/// Sections begin at multiples of 16, so the bytes must, too.
#[repr(align(16))]
struct Flash<const N: usize>([u8; N]);

static MODEL: Flash<208> = Flash(*include_bytes!("../../tests/fixtures/v1-tiny-int8.ebm"));

fn main() -> Result<(), ModelError> {
    let model = Model::parse(&MODEL.0)?;
    println!("{} layers, {} inputs, {} classes", model.layers(), model.inputs(), model.outputs());

    // Three sensor readings from 0 to 16, as the file's header says.
    let (mut input, mut work, mut scores) = ([0; 3], [0; 4], [0; 2]);
    model.values::<Integer>(&[16, 8, 0], &mut input)?;
    let class = model.classify::<Integer>(&input, &mut work, &mut scores)?;
    let label = model.header().labels.lines().nth(class).unwrap_or("?");
    println!("class {label:?}, scores {:?} nats", scores.map(Integer::nats));

    let free_energy = model.free_energy::<Integer>(&input)?;
    println!(
        "free energy {:+.3} nats, novel: {:?}",
        Integer::nats(free_energy),
        model.is_novel::<Integer>(free_energy)
    );
    Ok(())
}
