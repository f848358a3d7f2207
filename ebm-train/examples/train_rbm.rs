//! A machine over the embedded digits, trained by persistent contrastive divergence, and whether it learns them by heart:
//! `cargo run -p ebm-train --example train_rbm`.

use ebm_train::backend::Cpu;
use ebm_train::data::digits;
use ebm_train::eval::{mean_free_energy, pseudo_log_likelihood};
use ebm_train::train::{Algorithm, Machine, RbmSettings, Silent, Source, Stack, pretrain};

fn main() -> Result<(), ebm_train::Error> {
    let digits = digits::load()?;
    let cpu = Cpu::new(0)?; // a thread for each processor
    let settings = RbmSettings { algorithm: Algorithm::Pcd, epochs: 10, ..RbmSettings::default() };
    let stack = Stack { hidden: vec![64], machines: vec![settings], ..Stack::default() };
    let seed = 1;
    let trained = pretrain(&cpu, &stack, seed, &digits, &mut Silent)?;

    let machine = Machine::new(&cpu, &trained.top)?;
    for (part, split) in [("training", &digits.train), ("test", &digits.test)] {
        let mut samples = Source::new(&cpu, &split.inputs, &[], None)?;
        let free_energy = mean_free_energy(&cpu, &machine, &mut samples)?;
        let pseudo = pseudo_log_likelihood(&cpu, &machine, &mut samples)?.unwrap_or(f64::NAN);
        println!("{part}: mean free energy {free_energy:.2} nats, pseudo-log-likelihood {pseudo:.2} nats");
    }
    Ok(())
}
