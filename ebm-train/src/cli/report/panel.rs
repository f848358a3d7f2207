//! [`Panel`]: the samples that a report's figures are of.

use crate::Error;
use crate::data::{Batch, Dataset, Samples, Split, evenly};
use crate::export::ModelFile;

/// Multiply-adds of answers that a figure may take, and how many samples it has at least and at most.
const BUDGET: usize = 5_000_000_000;
const FEWEST: usize = 500;
const MOST: usize = 10_000;
/// Bytes that the samples of a part take at most: data may be larger than memory.
const BYTES: usize = 8 << 20;

/// Samples spread evenly over the training and the test part, those that miss values left out.
pub(super) struct Panel {
    pub train: Split,
    /// Of data without a test part, all samples.
    pub test: Split,
    /// What `test` is called.
    pub part: &'static str,
}

impl Panel {
    /// As many samples as the model's size and theirs allow.
    pub fn new(dataset: &Dataset, model: &ModelFile) -> Result<Self, Error> {
        // An int8 weight is a byte of the file, and a multiply-add of an answer.
        let in_time = (BUDGET / model.bytes().len().max(1)).clamp(FEWEST, MOST);
        let in_memory = BYTES / (size_of::<f32>() * dataset.train.inputs.visible().max(1));
        let most = in_time.min(in_memory.max(1));
        let part = if dataset.test.inputs.rows() > 0 { "test" } else { "training" };
        Ok(Self { train: picked(&dataset.train, most)?, test: picked(dataset.measured(), most)?, part })
    }
}

fn picked(split: &Split, most: usize) -> Result<Split, Error> {
    let rows = evenly(split.inputs.rows(), most);
    let mut batch = Batch::default();
    split.inputs.gather(&rows, &mut batch)?;
    let visible = split.inputs.visible();
    let mut labels = Vec::new();
    let mut complete = 0;
    for (index, &row) in rows.iter().enumerate() {
        if batch.row(index).iter().any(|value| value.is_nan()) {
            continue;
        }
        batch.values.copy_within(index * visible..(index + 1) * visible, complete * visible);
        labels.extend(split.labels.get(row as usize));
        complete += 1;
    }
    batch.values.truncate(complete * visible);
    Ok(Split { inputs: Samples::from(Batch { visible, ..batch }), labels })
}
