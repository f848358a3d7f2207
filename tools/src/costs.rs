//! What the boards' prices are fitted to, and whether they hold: nets of random weights, measured under QEMU.
//!
//! The prices are in `ebm-train/data/boards`; `ebm-train inspect MODEL --board NAME` predicts by them what a model takes before it is flashed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bare;
use crate::board::Board;
use crate::console::{complain, say};
use crate::firmware::{self, Contents, Which};
use crate::model::{Model, fixtures};
use crate::process;
use crate::qemu;
use crate::random_nets::random_nets;
use crate::serve;
use crate::size;
use crate::toolchain::Cross;
use crate::transcript::{Transcript, cost};
use crate::workspace;

/// The app that measures the operations.
const OPERATIONS: &str = "kernels";
/// The app that measures the stack of [`serve::PROGRAM`], whose flash and static RAM a model's are.
const REQUESTS: &str = "requests";
/// What it says of that.
const STACK: &str = "stack_bytes_serve";
/// The nets that prices are fitted to: every kind of work occurs in several shares, and words of 4, 8 and 32 weights with and without a rest.
const GRID: [&str; 10] = [
    "16-16-4",
    "512-16-4",
    "16-96-4",
    "256-96-4",
    "96-56-24",
    "130-67-10",
    "36-120-3",
    "70-48-32-10",
    "200-30-20-5",
    "64+40-48-32-2",
];
/// Nets of other shapes, to see that the prices hold for them.
const OTHERS: [&str; 2] = ["300-80-7", "100+60-72-40-10"];
/// The board on which the tests see that they hold, where boards differ most from what fits them: there is no FPU, and little memory.
const CHECKED: &str = "microbit";
/// Largest relative error of a prediction.
const TOLERANCE: f64 = 0.05;

/// What is predicted, and the fact that says what it is; those of an inference and a free energy are of a dense input.
const INSTRUCTIONS: [(&str, &str); 3] = [
    ("instructions_per_inference", "instructions_inference_dense"),
    ("instructions_per_free_energy", "instructions_free_energy_dense"),
    ("instructions_per_gibbs_step", "instructions_gibbs_step"),
];

/// Measures the grid on each board that QEMU emulates and fits prices; stores them where asked to.
pub fn run(boards: &[Board], overwrite: bool) -> Result<bool> {
    let nets = random_nets(&GRID, "costs")?;
    for board in boards {
        complain(format_args!("measuring {} nets on {}", nets.len(), board.name));
        let measured = workspace::target().join("costs").join(format!("{}.json", board.name));
        fs::write(&measured, measure(board, &nets)?.to_string())
            .with_context(|| format!("cannot write {}", measured.display()))?;
        let kept = workspace::root().join("ebm-train/data/boards").join(format!("{}.toml", board.name));
        let out = if overwrite { kept } else { measured.with_extension("toml") };
        say!("== {}: largest errors", board.name);
        let mut command = process::command("cargo");
        command.args(["run", "--quiet", "-p", "ebm-train", "--example", "board_costs", "--"]);
        process::run(command.arg(&measured).arg(&out))?;
        say!("written: {}", out.display());
    }
    Ok(true)
}

/// All that `ebm_train::board::measured::Measured` reads. Of a board without an emulator no net is measured.
fn measure(board: &Board, nets: &[Model]) -> Result<Value> {
    let description = &board.description;
    // As `ebm-core/src/kernel/arch/bytes.rs` does.
    let passes_by_inputs = ["thumbv6m-", "thumbv7m-"].iter().any(|core| description.triple.starts_with(core));
    let mut measured = json!({
        "board": {
            "name": board.name,
            "description": description.description,
            "flash_bytes": description.budget.flash_bytes,
            "page_bytes": description.page_bytes,
            "ram_bytes": description.budget.ram_bytes,
            "costs_like": description.costs_like,
        },
        "program": serve::PROGRAM,
        "compiler": "",
        "emulator": "",
        "passes_by_inputs": passes_by_inputs,
        "nets": [],
    });
    if description.costs_like.is_some() {
        return Ok(measured);
    }
    let mut figures = Vec::new();
    for net in nets {
        if bare::fits_twice(board, net)? {
            figures.push(figures_of(board, net)?);
        }
    }
    measured["nets"] = figures.into();
    measured["compiler"] = Cross::require(&description.triple)?.compiler()?.into();
    measured["emulator"] = qemu::emulator(board)?.1.into();
    Ok(measured)
}

/// What a model takes on a board.
fn figures_of(board: &Board, model: &Model) -> Result<Value> {
    let cross = Cross::require(&board.description.triple)?;
    let (qemu, _) = qemu::emulator(board)?;
    let which = [OPERATIONS, REQUESTS, serve::PROGRAM].map(Which::Program);
    let programs = firmware::build(board, &cross, &Contents::only(model), &which)?;
    let [operations, requests, product] = &programs[..] else { bail!("not every program was built") };
    let operations = qemu::run_on_device(board, qemu, operations)?;
    let requests = qemu::run_on_device(board, qemu, requests)?;
    let size = size::read(&product.elf)?;
    Ok(json!({
        "model": model.path(),
        "flash_bytes": size.flash(),
        "static_ram_bytes": size.static_ram,
        "stack_bytes": facts(&requests)[STACK],
        "facts": facts(&operations),
    }))
}

/// The costs that a program printed.
fn facts(transcript: &Transcript) -> Value {
    transcript.facts().iter().filter_map(|fact| cost(fact)).map(|(key, cost)| (key.to_owned(), json!(cost))).collect()
}

/// The board of [`CHECKED`].
pub fn checked() -> Result<Board> {
    Board::load(CHECKED)
}

/// Compares what `ebm-train inspect` predicts with what QEMU measures, for nets that no price was fitted to; true where all is near enough.
pub fn check(boards: &[Board]) -> Result<bool> {
    let mut models = random_nets(&OTHERS, "costs-check")?;
    models.extend(["digits-int8.ebm", "digits-f32.ebm"].map(|name| Model::File(fixtures().join(name))));
    let mut good = true;
    for board in boards {
        for model in &models {
            if !bare::fits_twice(board, model)? {
                continue;
            }
            let Some(predicted) = predict(board, &model.path())? else {
                good = false;
                continue;
            };
            good &= compare(board, model, &predicted, &figures_of(board, model)?);
        }
    }
    Ok(good)
}

/// What the user is told of a model; `None`, and a line, where it is refused.
fn predict(board: &Board, model: &Path) -> Result<Option<Value>> {
    let mut command = process::command("cargo");
    command.args(["run", "--quiet", "-p", "ebm-train", "--", "inspect", "--json", "--board", &board.name]);
    match process::stdout(command.arg(model)) {
        Ok(text) => Ok(Some(serde_json::from_str::<Value>(&text)?["board"].take())),
        Err(error) => {
            say!("WRONG: {error:#}");
            Ok(None)
        }
    }
}

/// Prints predictions beside measurements; true where all are near enough.
fn compare(board: &Board, model: &Model, predicted: &Value, measured: &Value) -> bool {
    say!("== {} on {}", model.suffix().trim_start_matches('-'), board.name);
    // The slots begin at a page, wherever the program ends.
    let pages = measured["flash_bytes"].as_u64().map(|bytes| bytes.next_multiple_of(board.description.page_bytes));
    let flash = ("flash_bytes", &json!(pages));
    let bytes = ["static_ram_bytes", "stack_bytes"].map(|key| (key, &measured[key]));
    let instructions = INSTRUCTIONS.map(|(key, fact)| (key, &measured["facts"][fact]));
    let mut good = true;
    for (key, measured) in [flash].into_iter().chain(bytes).chain(instructions) {
        let (Some(predicted), Some(measured)) = (predicted[key].as_f64(), measured.as_f64()) else {
            say!("WRONG: {key}: nothing predicted, or nothing measured");
            good = false;
            continue;
        };
        let error = (predicted - measured) / measured.max(1.0);
        let near = error.abs() <= TOLERANCE;
        good &= near;
        let verdict = if near { "" } else { "  WRONG" };
        say!("   {key:<32} {predicted:>10} predicted {measured:>10} measured {:+6.2} %{verdict}", 100.0 * error);
    }
    good
}
