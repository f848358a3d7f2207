//! How the run can be made again.

use super::Subject;
use crate::report::html::{Item, Section};
use crate::run::Opening;

/// The command, the seed, what the data are and every setting.
pub(super) fn section(subject: &Subject<'_>) -> Section {
    let Subject { settings, dataset, outcome, openings, .. } = subject;
    let code = |title: &str, text: &str| Item::Code { title: title.to_owned(), text: text.to_owned() };
    let mut items = vec![code("Command", &settings.command_line)];
    if are_revised(openings) {
        items.push(code("Rates on the way", &rates(openings)));
    }
    items.extend([code("Data", dataset.describe().trim_end()), code("config.toml", settings.toml.trim_end())]);
    Section {
        title: "How it was made".into(),
        words: format!(
            "{} {}, seed {}; training inputs with CRC-32 {:08x}. {}",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            outcome.seed,
            dataset.train_crc32,
            again(openings)
        ),
        items,
    }
}

/// Whether a process went on with other rates than the one before.
fn are_revised(openings: &[Opening]) -> bool {
    openings.windows(2).any(|pair| pair[0].rates != pair[1].rates)
}

/// What the command alone gives.
fn again(openings: &[Opening]) -> String {
    let ranks = openings.first().map_or(1, |opening| opening.ranks);
    if are_revised(openings) {
        return "The rates were changed while it went on: the command has the last ones, and alone gives another model."
            .to_owned();
    }
    if openings.iter().any(|opening| opening.ranks != ranks) {
        return "The number of processes changed while it went on: the command gives the same up to rounding."
            .to_owned();
    }
    let processes = if ranks > 1 { format!(" over {ranks} processes") } else { String::new() };
    format!("On one machine the command{processes} gives the same bits with any number of threads.")
}

/// The rates of each process, a line a process.
fn rates(openings: &[Opening]) -> String {
    let line = |opening: &Opening| {
        let rates: Vec<String> = opening.rates.iter().map(|(key, rate)| format!("{key} = {rate}")).collect();
        rates.join(", ")
    };
    openings.iter().map(line).collect::<Vec<_>>().join("\n")
}
