//! A Gaussian machine over windows of a pump's vibration, which tells by its free energy when a bearing knocks:
//! `cargo run -p ebm-train --example novelty`.

use ebm_train::backend::Cpu;
use ebm_train::data::{Batch, DataOptions, Size, Split, of_samples};
use ebm_train::eval::novelty::{auc, free_energies};
use ebm_train::export::{Float, model_file};
use ebm_train::train::{RbmSettings, Silent, Stack, pretrain};

/// Values of a window.
const WINDOW: usize = 16;

fn main() -> Result<(), ebm_train::Error> {
    let options = DataOptions { test_size: Size::Share(0.2), ..DataOptions::default() };
    let usual = Split { inputs: vibration(1000, 0.0).into(), labels: Vec::new() };
    let usual = of_samples("pump", usual, &options)?; // standardised, and so of Gaussian units
    let knocking = usual.prepare(vibration(200, 1.5))?; // standardised by the same numbers

    let settings = RbmSettings { epochs: 100, learning_rate: 0.01, ..RbmSettings::default() };
    let stack = Stack { hidden: vec![32], machines: vec![settings], ..Stack::default() };
    let trained = pretrain(&Cpu::new(0)?, &stack, 1, &usual, &mut Silent)?;
    let file = model_file::<Float>(&trained.layers()?, &usual, 1, 0)?; // sets the threshold on the training part
    let model = file.model()?;
    let of_usual = free_energies::<Float>(&model, &usual.test.inputs, 0)?;
    let of_knocking = free_energies::<Float>(&model, &knocking, 0)?;
    for (windows, energies) in [("usual", &of_usual), ("knocking", &of_knocking)] {
        let novel = energies.iter().filter(|&&energy| model.is_novel::<Float>(energy) == Some(true)).count();
        println!("{windows}: {novel} of {} windows are novel", energies.len());
    }
    println!("area under the curve: {:.4}", auc(&of_usual, &of_knocking).unwrap_or(f64::NAN));
    Ok(())
}

/// Windows of a hum with its first harmonic, each with a phase of its own; of a knocking pump with a blow of this height somewhere in it.
fn vibration(windows: usize, blow: f32) -> Batch {
    let value = |window: usize, place: usize| {
        let angle = window as f32 * 2.4 + place as f32 * 0.8;
        let knock = if place == window % WINDOW { blow } else { 0.0 };
        angle.sin() + 0.3 * (2.0 * angle).sin() + knock
    };
    Batch { values: (0..windows * WINDOW).map(|at| value(at / WINDOW, at % WINDOW)).collect(), visible: WINDOW }
}
