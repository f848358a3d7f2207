//! Data larger than memory: the same bits as in memory. `faults_memory.rs` has the program learn from more than the system lets it have.

use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::{BinarisationChoice, Bytes, DataOptions, Dataset, Size, open};
use ebm_train::parameters::DbnParameters;
use ebm_train::train::Silent;
use ebm_train::train::finetune::{Backpropagation, Recognition, finetune};
use ebm_train::train::pretrain::{Stack, pretrain};
use ebm_train::train::rbm::RbmSettings;

fn machine(dataset: &Dataset, hidden: Vec<usize>) -> Result<DbnParameters, Error> {
    let settings = RbmSettings { epochs: 1, batch_size: 100, ..RbmSettings::default() };
    let stack = Stack { hidden, machines: vec![settings], ..Stack::default() };
    pretrain(&Cpu::new(1)?, &stack, 5, dataset, &mut Silent)
}

#[test]
fn a_run_over_a_file_gives_the_bits_of_one_in_memory() -> Result<(), Error> {
    for binarisation in [BinarisationChoice::None, BinarisationChoice::SampledOnce] {
        let options = DataOptions { binarisation, validation: Size::Share(0.1), ..DataOptions::default() };
        let memory = open(&options)?;
        let file = open(&DataOptions { memory: Some(Bytes(10_000)), ..options })?;
        for (a, b) in [(&memory.train, &file.train), (&memory.validation, &file.validation), (&memory.test, &file.test)]
        {
            assert!(a.inputs.memory().is_some() && b.inputs.memory().is_none());
            assert_eq!(
                (a.inputs.rows(), a.inputs.visible(), &a.labels),
                (b.inputs.rows(), b.inputs.visible(), &b.labels)
            );
            for (a, b) in a.inputs.pieces().zip(b.inputs.pieces()) {
                assert!(a? == b?);
            }
        }
        assert_eq!((&memory.preprocessing, memory.train_crc32), (&file.preprocessing, file.train_crc32));
        let stacks = [machine(&memory, vec![30, 20])?, machine(&file, vec![30, 20])?];
        assert!(stacks[0] == stacks[1], "another stack from a file than from memory");
        let settings = Backpropagation { epochs: 1, shift: 0.0, affine: 0.0, ..Backpropagation::default() };
        let tuned = |stack, dataset| {
            finetune(&Cpu::new(1)?, &settings, 5, "finetune", &Recognition::of(stack)?, dataset, &mut Silent)
        };
        assert!(tuned(&stacks[0], &memory)? == tuned(&stacks[1], &file)?, "another net from a file than from memory");
    }
    Ok(())
}
