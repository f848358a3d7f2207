//! What the model takes of every board that is known.

use super::Subject;
use super::answers::is_float;
use super::panel::Panel;
use crate::Error;
use crate::board;
use crate::board::need::Sizes;
use crate::board::work::{Inputs, Usage};
use crate::cli::board::{NOTE, usage_of_chain};
use crate::report::html::{Cell, Item, Section, Table};
use ebm_core::kernel::integer::Storage;

/// The written model, and where that is f32, what int8 would take.
pub(super) fn section(subject: &Subject<'_>, panel: &Panel) -> Result<Option<Section>, Error> {
    let model = subject.model.model()?;
    let sizes = Sizes::of(&model, subject.model.bytes().len());
    let mut usage = usage_of_chain(&model);
    if let Some(samples) = panel.test.inputs.memory().filter(|samples| samples.rows() > 0) {
        usage = Usage { inputs: Inputs::mean(samples.iter().map(Inputs::of)), ..usage };
    }
    let is_float = is_float(&model);
    let mut items = Vec::new();
    let written = if is_float { "This model, in f32" } else { "This model, in integers" };
    items.push(Item::Table(table(written, &sizes, usage)?));
    // Only Bernoulli units have an integer form.
    if is_float && subject.outcome.test_accuracy_int8.is_some() {
        items.push(Item::Table(table("The same in int8", &sizes.stored(Storage::Int8), usage)?));
    }
    let words = format!(
        "With the program `serve` and a second slot of flash for another model; predicted within 5 %, before anything is flashed. Counted are {NOTE}."
    );
    Ok(Some(Section { title: "Boards".into(), words, items }))
}

fn table(title: &str, sizes: &Sizes, usage: Usage) -> Result<Table, Error> {
    let columns = [
        "board",
        "fits",
        "flash, bytes",
        "of",
        "RAM, bytes",
        "of",
        "instructions: inference",
        "free energy",
        "Gibbs step",
        "what it is",
    ];
    let mut rows = Vec::new();
    for name in board::names() {
        let board = board::find(name)?;
        let Some(need) = board.need(sizes, usage) else { continue };
        let count = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
        let cells = [
            name.to_owned(),
            if board.fits(&need) { "yes" } else { "no" }.to_owned(),
            need.flash_bytes.to_string(),
            board.flash_bytes.to_string(),
            (need.static_ram_bytes + need.stack_bytes).to_string(),
            board.ram_bytes.to_string(),
            count(need.instructions_per_inference),
            count(need.instructions_per_free_energy),
            count(need.instructions_per_gibbs_step),
            board.description,
        ];
        rows.push(cells.map(Cell::from).to_vec());
    }
    Ok(Table { title: title.to_owned(), columns: columns.map(str::to_owned).to_vec(), rows, folded: false })
}
