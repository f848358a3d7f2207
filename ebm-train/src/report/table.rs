//! Tables of a run's epochs.

use crate::train::Epoch;
use std::fmt::Write;

/// Reconstruction error of each machine by epoch.
pub fn pretraining(epochs: &[Epoch], machines: usize) -> String {
    let stages: Vec<Vec<&Epoch>> = (1..=machines).map(|n| stage(epochs, &format!("pretrain-{n}"))).collect();
    let mut table = String::from("Pretraining (CD-k): mean squared reconstruction error, train / test\n epoch");
    for machine in 1..=machines {
        let _ = write!(table, "  {:>17}", format!("machine {machine}"));
    }
    table.push('\n');
    for row in 0..stages.iter().map(Vec::len).max().unwrap_or(0) {
        let _ = write!(table, "{:>6}", row + 1);
        for stage in &stages {
            match stage.get(row) {
                Some(epoch) => {
                    let _ = write!(table, "  {:.5} / {:.5}", epoch.train_loss, epoch.test_loss.unwrap_or(f64::NAN));
                }
                None => table.push_str(&" ".repeat(19)),
            }
        }
        table.push('\n');
    }
    table
}

/// Loss and accuracy by epoch of two stages side by side, each given by its name and its heading.
pub fn comparison(epochs: &[Epoch], [left, right]: [(&str, &str); 2]) -> String {
    let (left_rows, right_rows) = (stage(epochs, left.0), stage(epochs, right.0));
    let mut table = String::from("Fine-tuning: cross-entropy in nats and accuracy, train and test\n");
    let _ = writeln!(table, "       {:^35} | {:^35}", left.1, right.1);
    let columns = "train loss  acc %   test loss  acc %";
    let _ = writeln!(table, " epoch {columns} | {columns}");
    for row in 0..left_rows.len().max(right_rows.len()) {
        let cell = |rows: &[&Epoch]| match rows.get(row) {
            Some(epoch) => format!(
                "{:>10.4} {:>6.2}  {:>10.4} {:>6.2}",
                epoch.train_loss,
                100.0 * epoch.train_accuracy.unwrap_or(f64::NAN),
                epoch.test_loss.unwrap_or(f64::NAN),
                100.0 * epoch.test_accuracy.unwrap_or(f64::NAN),
            ),
            None => " ".repeat(36),
        };
        let _ = writeln!(table, "{:>6} {} | {}", row + 1, cell(&left_rows), cell(&right_rows));
    }
    table
}

fn stage<'a>(epochs: &'a [Epoch], name: &str) -> Vec<&'a Epoch> {
    epochs.iter().filter(|epoch| epoch.stage == name).collect()
}
