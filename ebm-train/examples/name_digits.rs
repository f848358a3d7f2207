//! A deep belief network, pretrained and fine-tuned to name digits, in a file for a microcontroller:
//! `cargo run -p ebm-train --example name_digits [FILE]`.

use ebm_train::backend::Cpu;
use ebm_train::data::digits;
use ebm_train::eval::classification::evaluate;
use ebm_train::export::{Integer, Quantized, Storage, Storages, model_file};
use ebm_train::parameters::Parameters;
use ebm_train::train::{Backpropagation, Recognition, Silent, Stack, finetune, machine_over_inputs, pretrain};

fn main() -> Result<(), ebm_train::Error> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "model.ebm".to_owned());
    let (digits, cpu, seed) = (digits::load()?, Cpu::new(0)?, 1);
    let stack = pretrain(&cpu, &Stack::default(), seed, &digits, &mut Silent)?;
    let start = Recognition::of(&stack)?;
    let settings = Backpropagation { learning_rate: 0.01, shift: 0.7, affine: 0.15, ..Backpropagation::default() };
    let net = finetune(&cpu, &settings, seed, "finetune", &start, &digits, &mut Silent)?;
    // The machine over the pixels stays beside the net: free energy and novelty are its own.
    let net = Parameters::Classifier(net.into_classifier(machine_over_inputs(&stack).cloned()));

    let integers = Quantized::of(&net, Storages::all(Storage::Int8))?;
    let mut file = model_file::<Integer>(&integers.layers()?, &digits, seed, 0)?;
    let figures = evaluate::<Integer>(&file.model()?, &digits.test, 0)?;
    file.write(path.as_ref())?;
    println!("{path}: {} bytes, {:.2} % of the test digits right", file.bytes().len(), 100.0 * figures.accuracy);
    Ok(())
}
