//! How the run can be made again.

use super::Subject;
use crate::report::html::{Item, Section};

/// The command, the seed, what the data are and every setting.
pub(super) fn section(subject: &Subject<'_>) -> Section {
    let Subject { settings, dataset, outcome, .. } = subject;
    let code = |title: &str, text: &str| Item::Code { title: title.to_owned(), text: text.to_owned() };
    Section {
        title: "How it was made".into(),
        words: format!(
            "{} {}, seed {}; training inputs with CRC-32 {:08x}. On one machine the command gives the same bits with any number of threads.",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            outcome.seed,
            dataset.train_crc32
        ),
        items: vec![
            code("Command", &settings.command_line),
            code("Data", dataset.describe().trim_end()),
            code("config.toml", settings.toml.trim_end()),
        ],
    }
}
