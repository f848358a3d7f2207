//! Tables of a run's epochs.

use crate::train::Epoch;
use std::fmt::Write;

/// Reconstruction error of each machine by epoch.
pub fn pretraining(epochs: &[Epoch], machines: usize) -> String {
    let stages: Vec<Vec<&Epoch>> = (1..=machines).map(|n| stage(epochs, &format!("pretrain-{n}"))).collect();
    let mut table = String::from("Pretraining: mean squared reconstruction error, train / test\n epoch");
    for machine in 1..=machines {
        let _ = write!(table, "  {:>17}", format!("machine {machine}"));
    }
    table.push('\n');
    for row in 0..stages.iter().map(Vec::len).max().unwrap_or(0) {
        let _ = write!(table, "{:>6}", row + 1);
        for stage in &stages {
            match stage.get(row) {
                Some(epoch) => {
                    let test = epoch.test_loss.map_or("      -".to_owned(), |loss| format!("{loss:.5}"));
                    let _ = write!(table, "  {:.5} / {test}", epoch.train_loss);
                }
                None => table.push_str(&" ".repeat(19)),
            }
        }
        table.push('\n');
    }
    table
}

/// Loss and accuracy by epoch of stages side by side, each given by its name and its heading.
pub fn finetuning(epochs: &[Epoch], stages: &[(&str, &str)]) -> String {
    let rows: Vec<Vec<&Epoch>> = stages.iter().map(|(name, _)| stage(epochs, name)).collect();
    let mut table = String::from("Fine-tuning: cross-entropy in nats and accuracy, train and test\n");
    if stages.len() > 1 {
        let headings: Vec<String> = stages.iter().map(|(_, heading)| format!("{heading:^35}")).collect();
        let _ = writeln!(table, "       {}", headings.join(" | "));
    }
    let columns = "train loss  acc %   test loss  acc %";
    let _ = writeln!(table, " epoch {}", vec![columns; stages.len()].join(" | "));
    for row in 0..rows.iter().map(Vec::len).max().unwrap_or(0) {
        let cell = |rows: &Vec<&Epoch>| match rows.get(row) {
            Some(epoch) => {
                let mut cell = format!("{:>10.4} {}", epoch.train_loss, percent(epoch.train_accuracy));
                let _ = match epoch.test_loss {
                    Some(loss) => write!(cell, "  {loss:>10.4} {}", percent(epoch.test_accuracy)),
                    None => write!(cell, "  {:>17}", ""),
                };
                cell
            }
            None => " ".repeat(36),
        };
        let cells: Vec<String> = rows.iter().map(cell).collect();
        let _ = writeln!(table, "{:>6} {}", row + 1, cells.join(" | "));
    }
    table
}

fn percent(share: Option<f64>) -> String {
    share.map_or(" ".repeat(6), |share| format!("{:>6.2}", 100.0 * share))
}

fn stage<'a>(epochs: &'a [Epoch], name: &str) -> Vec<&'a Epoch> {
    epochs.iter().filter(|epoch| epoch.stage == name).collect()
}
