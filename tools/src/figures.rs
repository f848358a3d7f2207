//! The costs of every operation on every board, as Markdown tables.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::bare;
use crate::board::Board;
use crate::console::{complain, say};
use crate::firmware::{self, Contents, Host, Which};
use crate::model::{Model, fixtures};
use crate::qemu;
use crate::random_nets::random_nets;
use crate::size::Size;
use crate::toolchain::Cross;
use crate::transcript::Transcript;

/// The app that measures.
const APP: &str = "kernels";
/// Beginnings of the lines that state a cost of an operation, and what a table of them is called.
const TABLES: [(&str, &str); 2] = [("instructions_", "instructions"), ("stack_bytes_", "bytes of stack")];

/// What one model costs: a column a board, in the order of the boards.
struct Sheet {
    title: String,
    columns: Vec<Option<Column>>,
}

/// What a model costs on one board.
struct Column {
    costs: BTreeMap<String, String>,
    /// The operations' names in the order in which they were measured.
    order: Vec<String>,
    /// Code and constants of each bare program.
    sizes: Vec<(String, Size)>,
}

/// Measures nets of random weights of `shape` in every number format, and the digits models; true where each board answers as the host.
pub fn run(boards: &[Board], shape: &str) -> Result<bool> {
    let mut models = random_nets(&[shape], "figures")?;
    for name in ["digits-int8.ebm", "digits-f32.ebm"] {
        models.push(Model::File(fixtures().join(name)));
    }
    let mut host = Host::default();
    let mut good = true;
    let mut sheets = Vec::new();
    for model in &models {
        let mut columns = Vec::new();
        for board in boards {
            complain(format_args!("measuring{} on {}", model.suffix(), board.name));
            columns.push(measure(board, model, &mut host, &mut good)?);
        }
        let title = format!("{} ({} bytes)", model.suffix().trim_start_matches('-'), model.bytes()?);
        sheets.push(Sheet { title, columns });
    }
    for sheet in &sheets {
        sheet.print(boards);
    }
    Ok(good)
}

/// Runs the app with a model on a board; `None` where the board's flash is too small for it.
fn measure(board: &Board, model: &Model, host: &mut Host, good: &mut bool) -> Result<Option<Column>> {
    if !bare::fits(board, model)? {
        return Ok(None);
    }
    let cross = Cross::require(&board.description.triple)?;
    let (qemu, _) = qemu::emulator(board)?;
    let contents = Contents::only(model);
    let programs = firmware::build(board, &cross, &contents, &[Which::Program(APP)])?;
    let Some(program) = programs.first() else {
        bail!("{APP} was not built");
    };
    let device = qemu::run_on_device(board, qemu, program)?;
    if Transcript::compare_answers(&*host.run(APP, &contents)?, &device).is_some() {
        complain(format_args!("WRONG: {} does not answer as the host with {}", board.name, model.suffix()));
        *good = false;
    }
    let sizes = bare::sizes(board, &cross, model)?;
    let mut column = Column { costs: BTreeMap::new(), order: Vec::new(), sizes };
    for (key, value) in device.facts().iter().filter_map(|fact| fact.split_once(": ")) {
        column.order.push(key.to_owned());
        column.costs.insert(key.to_owned(), value.to_owned());
    }
    Ok(Some(column))
}

impl Sheet {
    fn print(&self, boards: &[Board]) {
        say!("\n### {}", self.title);
        let Some(first) = self.columns.iter().flatten().next() else {
            say!("\nIt fits no board's flash.");
            return;
        };
        for (prefix, name) in TABLES {
            head(name, boards);
            for key in &first.order {
                let Some(operation) = key.strip_prefix(prefix) else { continue };
                self.row(&operation.replace('_', " "), &|column| column.costs.get(key).map(|cost| grouped(cost)));
            }
        }
        head("bytes of flash, without the model", boards);
        for (index, (program, _)) in first.sizes.iter().enumerate() {
            let row = |what: &str, bytes: fn(&Size) -> u64| {
                let cell = |column: &Column| column.sizes.get(index).map(|(_, size)| grouped(&bytes(size).to_string()));
                self.row(&format!("{program}: {what}"), &cell);
            };
            row("code", |size| size.code);
            row("constants", |size| size.constants);
        }
    }

    fn row(&self, name: &str, cell: &dyn Fn(&Column) -> Option<String>) {
        let cells = self.columns.iter().map(|column| column.as_ref().and_then(cell).unwrap_or_else(|| "–".to_owned()));
        say!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

fn head(name: &str, boards: &[Board]) {
    let names = boards.iter().map(|board| board.name.as_str());
    say!("\n| {name} | {} |", names.collect::<Vec<_>>().join(" | "));
    say!("|---|{}", "---:|".repeat(boards.len()));
}

/// A number with commas between thousands.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(["7", "123", "1234", "1234567"].map(grouped), ["7", "123", "1,234", "1,234,567"]);
    }
}
