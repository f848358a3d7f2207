//! [`Panel`]: the samples that a report's figures are of.

use crate::Error;
use crate::data::{Batch, Dataset, Samples, Split, evenly};
use crate::export::ModelFile;

/// Multiply-adds of answers that a figure may take, and how many samples it has at least and at most.
const BUDGET: usize = 5_000_000_000;
const FEWEST: usize = 500;
const MOST: usize = 10_000;

/// Samples spread evenly over the training and the test part, those that miss values left out.
pub(super) struct Panel {
    pub train: Split,
    /// Of data without a test part, all samples.
    pub test: Split,
    /// What `test` is called.
    pub part: &'static str,
}

impl Panel {
    /// As many samples as the model's size allows.
    pub fn new(dataset: &Dataset, model: &ModelFile) -> Result<Self, Error> {
        // An int8 weight is a byte of the file, and a multiply-add of an answer.
        let most = (BUDGET / model.bytes().len().max(1)).clamp(FEWEST, MOST);
        let part = if dataset.test.inputs.rows() > 0 { "test" } else { "training" };
        Ok(Self { train: picked(&dataset.train, most)?, test: picked(dataset.measured(), most)?, part })
    }
}

fn picked(split: &Split, most: usize) -> Result<Split, Error> {
    let rows = evenly(split.inputs.rows(), most);
    let mut all = Batch::default();
    split.inputs.gather(&rows, &mut all)?;
    let is_complete = |row: usize| all.row(row).iter().all(|value| !value.is_nan());
    let complete: Vec<usize> = (0..rows.len()).filter(|&row| is_complete(row)).collect();
    let values = complete.iter().flat_map(|&row| all.row(row)).copied().collect();
    let labels = complete.iter().filter_map(|&row| split.labels.get(rows[row] as usize).copied()).collect();
    Ok(Split { inputs: Samples::from(Batch { values, visible: split.inputs.visible() }), labels })
}
