//! Every test of the project, in order: from the cheap ones to the device.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::bare;
use crate::board::{self, Board};
use crate::console::say;
use crate::costs;
use crate::count;
use crate::deny;
use crate::firmware::Host;
use crate::fuzz;
use crate::gpu;
use crate::line;
use crate::model::{Model, fixtures};
use crate::mpi;
use crate::oracle;
use crate::package;
use crate::process;
use crate::python;
use crate::qemu::{self, Job};
use crate::sanitize;
use crate::setup;
use crate::shapes;
use crate::size;
use crate::toolchain::{self, CORE_RUST_VERSION, Cross, TARGETS};
use crate::workspace;

/// The programs whose output depends on the model.
const MODEL_PROGRAMS: &[&str] = &["digits", "kernels", "requests"];
/// The core's optional features, and a target that each has to build for.
const FEATURES: [(&str, &str); 1] = [("defmt", "thumbv7em-none-eabihf")];

/// Names the file to which tests write what they leave out: nobody hears a test that passes.
const LEFT_OUT: &str = "EBM_SKIPPED";

/// How long each fuzz target runs: long enough to show that it still can. `cargo xtask fuzz` runs longer.
const FUZZ_SECONDS: &str = "5";

/// What a chore does: true where it finds all good.
type Work = Box<dyn Fn(&mut Host) -> Result<bool>>;

/// One step.
struct Step {
    title: String,
    action: Action,
}

enum Action {
    /// A command that has to succeed.
    Run(Command),
    /// A chore of this program that has to find all good, and how to call it by hand.
    Chore(Work, String),
    /// Nothing that this machine can do, though it should.
    Impossible(String),
    /// Nothing that this machine can do, and need not.
    Skip(String),
}

/// Sets up, then runs every step up to the first that fails; true where all have run and hold.
pub fn run() -> Result<bool> {
    let start = Instant::now();
    heading("setup");
    let missing = setup::run()?;
    setup::report(&missing);

    let left_out = workspace::target().join("skipped.txt");
    fs::write(&left_out, "").with_context(|| left_out.display().to_string())?;
    let steps = plan(&left_out)?;
    let mut host = Host::default();
    let (mut not_run, mut skipped) = (Vec::new(), Vec::new());
    let total = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        let title = format!("{}/{total} {}", index + 1, step.title);
        heading(&title);
        let begin = Instant::now();
        match step.action {
            Action::Impossible(reason) => {
                say!("NOT RUN: {reason}");
                not_run.push(step.title);
                continue;
            }
            Action::Run(mut command) => {
                if let Err(error) = process::run(&mut command) {
                    return Ok(failed(&title, &format!("{error:#}"), &process::show(&command)));
                }
            }
            Action::Chore(chore, by_hand) => {
                if let Some(stop) = unless_good(&title, chore(&mut host), &by_hand) {
                    return Ok(stop);
                }
            }
            Action::Skip(reason) => {
                say!("SKIPPED: {reason}");
                skipped.push(step.title);
                continue;
            }
        }
        say!("done in {}", seconds(begin.elapsed()));
    }

    heading("summary");
    let passed = total - not_run.len() - skipped.len();
    say!("{passed} of {total} steps passed in {}", seconds(start.elapsed()));
    for title in &skipped {
        say!("SKIPPED: {title}");
    }
    let words = fs::read_to_string(&left_out).with_context(|| left_out.display().to_string())?;
    for words in words.lines().collect::<BTreeSet<_>>() {
        say!("SKIPPED in tests: {words}");
    }
    for title in &not_run {
        say!("NOT RUN: {title}");
    }
    setup::report(&missing);
    Ok(not_run.is_empty())
}

/// Every step; tests write what they leave out to the file.
fn plan(left_out: &Path) -> Result<Vec<Step>> {
    let mut documentation = cargo("doc --workspace --no-deps");
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let (python, has_driver) = (python::find(), gpu::is_driver_installed());
    let on_host = |arguments: &str| {
        let mut command = cargo(arguments);
        command.env(LEFT_OUT, left_out);
        if has_driver {
            // Mesa's layer that sorts cards complains where no desktop runs, for every program.
            command.env("EBM_GPU", "").env("NODEVICE_SELECT", "1");
        }
        if let Some(python) = &python {
            command.env(python::VARIABLE, python);
        }
        command
    };
    let clippy = "clippy --workspace --all-targets -- -D warnings";
    let mut steps = vec![
        with_component("formatting", "rustfmt", cargo("fmt --version"), cargo("fmt --all --check")),
        with_component("lints", "clippy", cargo("clippy --version"), cargo(clippy)),
        Step::run("documentation", documentation),
        dependencies(),
        Step::run("the crates as packages", package::command()),
        Step::run("host tests", on_host("test --workspace")),
        Step::run("the core's tests with overflow checks", cargo("test -p ebm-core -p ebm-tests --profile checked")),
    ];
    steps.push(match oracle::command() {
        Some(command) => Step::run("the oracle and its fixtures", command),
        None => {
            Step { title: "the oracle and its fixtures".to_owned(), action: Action::Skip(oracle::NEEDS.to_owned()) }
        }
    });
    steps.extend(hostile_bytes()?);
    let title = "instructions of training's hottest operations";
    steps.push(match count::impossible() {
        Some(reason) => Step { title: title.to_owned(), action: Action::Skip(reason) },
        None => Step::chore(title, "cargo xtask count", |_| count::run(false)),
    });
    let over_ranks = "training over several processes";
    steps.push(match mpi::impossible() {
        Some(reason) => Step { title: over_ranks.to_owned(), action: Action::Skip(reason) },
        None => Step::run(over_ranks, on_host("test -p ebm-train --features mpi --test mpi")),
    });
    let trained = workspace::target().join("trained");
    let mut main_job = cargo("run -p ebm-train -- --f32 --force --out");
    main_job.arg(&trained);
    steps.push(Step::run("the main job", main_job));
    for target in TARGETS {
        steps.push(build_core(&format!("ebm-core for {target}"), target, &[]));
    }
    for (feature, target) in FEATURES {
        steps.push(build_core(&format!("ebm-core with {feature}"), target, &["--features", feature]));
    }
    steps.push(oldest_compiler());
    let boards: Vec<Rc<Board>> = Board::all()?.into_iter().map(Rc::new).collect();
    for (index, board) in boards.iter().enumerate() {
        let is_seen = |other: &Rc<Board>| other.description.driver == board.description.driver;
        if !boards.iter().take(index).any(is_seen) {
            steps.push(device_lints(board));
        }
        on_board(board, &trained, &mut steps)?;
    }
    steps.push(predictions()?);
    let buildable = || Board::all().map(|boards| boards.into_iter().filter(is_buildable).collect::<Vec<_>>());
    steps.push(Step::chore("what a product links", "cargo xtask bare", move |_| bare::run(&buildable()?)));
    if let Some(board) = boards.iter().find(|board| board.name == board::DEFAULT && is_buildable(board)) {
        let board = Rc::clone(board);
        let by_hand = format!("cargo xtask shapes {}", board.name);
        steps.push(Step::chore("the code of ten shapes", &by_hand, move |_| shapes::run(&board)));
    }
    Ok(steps)
}

/// Licences, sources and advisories of what the crates rest on.
fn dependencies() -> Step {
    let title = "licences and advisories of the dependencies";
    match deny::impossible() {
        Some(reason) => Step { title: title.to_owned(), action: Action::Skip(reason) },
        None => Step::chore(title, deny::BY_HAND, |_| deny::run()),
    }
}

/// The lowest compiler that ebm-core states, where it is installed.
fn oldest_compiler() -> Step {
    let title = format!("ebm-core with Rust {CORE_RUST_VERSION}");
    match toolchain::installed(CORE_RUST_VERSION) {
        Some(toolchain) => {
            let mut command = cargo("check -p ebm-core --target-dir");
            command.arg(workspace::target().join("oldest")).env("RUSTUP_TOOLCHAIN", toolchain);
            Step::run(&title, command)
        }
        None => {
            let reason = format!("`rustup toolchain install {CORE_RUST_VERSION} --profile minimal` makes it possible");
            Step { title, action: Action::Skip(reason) }
        }
    }
}

/// What users are told of a board before they flash, compared with QEMU.
fn predictions() -> Result<Step> {
    let title = "what `inspect --board` predicts";
    let is_here =
        |board: &Board| is_buildable(board) && board.qemu().is_ok_and(|qemu| qemu::version(&qemu.program).is_some());
    Ok(if is_here(&costs::checked()?) {
        Step::chore(title, "cargo xtask costs --check", |_| costs::check(&[costs::checked()?]))
    } else {
        Step::impossible(title.to_owned(), "a compiler or an emulator is not here".to_owned())
    })
}

fn is_buildable(board: &Board) -> bool {
    Cross::find(&board.description.triple).is_some()
}

/// The steps of a board: on the default one every model, on the others what shows that they answer the same; on one that QEMU has not,
/// that its programs can be built and fit.
fn on_board(board: &Rc<Board>, trained: &Path, steps: &mut Vec<Step>) -> Result<()> {
    let triple = &board.description.triple;
    let size = format!("size of the firmware on {}", board.name);
    if Cross::find(triple).is_none() {
        steps.push(Step::impossible(size, "there is no compiler for the board".to_owned()));
        return Ok(());
    }
    let measured = Rc::clone(board);
    steps.push(Step::chore(&size, &format!("cargo xtask size {}", board.name), move |_| {
        size::run(&measured, &Model::Default)
    }));
    let Some(qemu) = &board.description.qemu else {
        return Ok(());
    };
    let title = format!("the firmware on {} under QEMU", board.name);
    if qemu::version(&qemu.program).is_none() {
        steps.push(Step::impossible(title, format!("there is no {}", qemu.program)));
        return Ok(());
    }
    let f32_fixture = Model::File(fixtures().join("digits-f32.ebm"));
    let mut runs = vec![(title, Model::Default, None)];
    if bare::fits(board, &f32_fixture)? {
        runs.push((format!("the f32 fixture on {} under QEMU", board.name), f32_fixture, Some(MODEL_PROGRAMS)));
    }
    if board.name == board::DEFAULT {
        for (name, file) in [("the model", "model.ebm"), ("the f32 model", "model-f32.ebm")] {
            let title = format!("{name} just trained on {} under QEMU", board.name);
            runs.push((title, Model::File(trained.join(file)), Some(MODEL_PROGRAMS)));
        }
    }
    for (title, model, only) in runs {
        let board = Rc::clone(board);
        let by_hand = format!("cargo xtask qemu {}{}", board.name, model.argument());
        steps.push(Step::chore(&title, &by_hand, move |host| {
            qemu::run(&board, &Job { model: &model, only, overwrite: false }, host)
        }));
    }
    if line::BOARDS.contains(&board.name.as_str()) {
        let (board, other) = (Rc::clone(board), trained.join("model.ebm"));
        let title = format!("the serial line of {} under QEMU", board.name);
        let by_hand = format!("cargo xtask line {} --model {}", board.name, other.display());
        steps.push(Step::chore(&title, &by_hand, move |_| line::run(&board, &other)));
    }
    Ok(())
}

/// Clippy over what the host's has not seen: the board's driver, which it may share with others.
fn device_lints(board: &Board) -> Step {
    let title = format!("lints of the driver {}, as {} has it", board.description.driver, board.name);
    let cross = match Cross::find(&board.description.triple) {
        Some(cross @ Cross::Rustup) => cross,
        Some(Cross::Distribution { .. }) => {
            let reason = "the distribution's toolchain, which builds for this board, has no clippy".to_owned();
            return Step { title, action: Action::Skip(reason) };
        }
        None => return Step::impossible(title, "there is no compiler for the board".to_owned()),
    };
    let mut command = board.cargo(&cross, "clippy");
    command.args(["--bins", "--examples", "--", "-D", "warnings"]);
    Step::run(&title, command)
}

/// What reads bytes from outside, looked at by a fuzzer, the address sanitizer and Miri. The host tests have run the same functions over fixed
/// mutations.
fn hostile_bytes() -> Result<[Step; 3]> {
    let optional = |title: &str, reason: Option<String>, command: Command| match reason {
        Some(reason) => Step { title: title.to_owned(), action: Action::Skip(reason) },
        None => Step::run(title, command),
    };
    let mut fuzz = process::command(env::current_exe()?);
    fuzz.args(["fuzz", "--seconds", FUZZ_SECONDS]);
    let readers = sanitize::address(&sanitize::READERS)?;
    Ok([
        optional("the fuzz targets, briefly", fuzz::impossible(), fuzz),
        optional("the readers under the address sanitizer", sanitize::impossible(), readers),
        optional("the readers under Miri", sanitize::without_miri(), sanitize::miri()),
    ])
}

impl Step {
    fn run(title: &str, command: Command) -> Self {
        Self { title: title.to_owned(), action: Action::Run(command) }
    }

    fn chore(title: &str, by_hand: &str, chore: impl Fn(&mut Host) -> Result<bool> + 'static) -> Self {
        Self { title: title.to_owned(), action: Action::Chore(Box::new(chore), by_hand.to_owned()) }
    }

    fn impossible(title: String, reason: String) -> Self {
        Self { title, action: Action::Impossible(reason) }
    }
}

/// A step that a component of the toolchain does, which a minimal one lacks.
fn with_component(title: &str, component: &str, mut probe: Command, command: Command) -> Step {
    if process::probe(&mut probe).is_some() {
        Step::run(title, command)
    } else {
        Step::impossible(title.to_owned(), format!("there is no {component}: `rustup component add {component}`"))
    }
}

fn cargo(arguments: &str) -> Command {
    let mut command = process::command("cargo");
    command.args(arguments.split(' '));
    command
}

/// The core by itself for a target: features unify across one build.
fn build_core(title: &str, target: &str, options: &[&str]) -> Step {
    let Some(cross) = Cross::find(target) else {
        return Step::impossible(title.to_owned(), "there is no compiler for the target".to_owned());
    };
    let mut command = cross.cargo("build", target);
    command.args(["-p", "ebm-core", "--lib", "--profile", "firmware"]).args(options);
    Step::run(title, command)
}

fn heading(title: &str) {
    say!("\n=== {title}");
}

/// What to end with where something does not hold or cannot be found out.
fn unless_good(title: &str, found: Result<bool>, by_hand: &str) -> Option<bool> {
    match found {
        Ok(true) => None,
        Ok(false) => Some(failed(title, "see above", by_hand)),
        Err(error) => Some(failed(title, &format!("{error:#}"), by_hand)),
    }
}

/// Says what failed and how to repeat it.
fn failed(title: &str, reason: &str, by_hand: &str) -> bool {
    say!("\nFAILED: {title}: {reason}");
    say!("to repeat this step: {by_hand}");
    false
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
