//! Every test of the project, in order: from the cheap ones to the device.

use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::board::Board;
use crate::firmware::Model;
use crate::process;
use crate::qemu;
use crate::setup;
use crate::size;
use crate::toolchain::{Cross, TARGETS};
use crate::workspace;

/// The `no_std` packages, each built by itself: features unify across one build.
const NO_STD_PACKAGES: [&str; 2] = ["ebm-core", "ebm-firmware"];

/// One step.
struct Step {
    title: String,
    action: Action,
}

enum Action {
    /// A command that has to succeed.
    Run(Command),
    /// The firmware under QEMU: every program with its own model, or one with another.
    Emulate { board: Rc<Board>, model: Model, only: Option<&'static str> },
    /// The firmware's size against the board's budget.
    Measure(Rc<Board>),
    /// Nothing that this machine can do.
    Impossible(String),
}

/// Sets up, then runs every step up to the first that fails; true where all have run and hold.
pub fn run() -> Result<bool> {
    let start = Instant::now();
    heading("setup");
    let missing = setup::run()?;
    setup::report(&missing);

    let steps = plan()?;
    let mut not_run = Vec::new();
    let total = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        let title = format!("{}/{total} {}", index + 1, step.title);
        heading(&title);
        let begin = Instant::now();
        match step.action {
            Action::Impossible(reason) => {
                println!("NOT RUN: {reason}");
                not_run.push(step.title);
                continue;
            }
            Action::Run(mut command) => {
                if let Err(error) = process::run(&mut command) {
                    return Ok(failed(&title, &format!("{error:#}"), &process::show(&command)));
                }
            }
            Action::Emulate { board, model, only } => {
                let mut by_hand = format!("cargo xtask qemu {}", board.name);
                by_hand.extend(model.argument());
                let found = qemu::run(&board, &model, only, false);
                if let Some(stop) = unless_good(&title, found, &by_hand) {
                    return Ok(stop);
                }
            }
            Action::Measure(board) => {
                let found = size::run(&board, &Model::Default);
                if let Some(stop) = unless_good(&title, found, &format!("cargo xtask size {}", board.name)) {
                    return Ok(stop);
                }
            }
        }
        println!("done in {}", seconds(begin.elapsed()));
    }

    heading("summary");
    println!("{} of {total} steps passed in {}", total - not_run.len(), seconds(start.elapsed()));
    for title in &not_run {
        println!("NOT RUN: {title}");
    }
    setup::report(&missing);
    Ok(not_run.is_empty())
}

fn plan() -> Result<Vec<Step>> {
    let mut documentation = cargo("doc --workspace --no-deps");
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let clippy = "clippy --workspace --all-targets -- -D warnings";
    let mut steps = vec![
        with_component("formatting", "rustfmt", cargo("fmt --version"), cargo("fmt --all --check")),
        with_component("lints", "clippy", cargo("clippy --version"), cargo(clippy)),
        Step::run("documentation", documentation),
        Step::run("host tests", cargo("test --workspace")),
        Step::run("the core's tests with overflow checks", cargo("test -p ebm-core -p ebm-tests --profile checked")),
    ];
    let trained = workspace::target().join("trained");
    let mut main_job = cargo("run -p ebm-train -- --f32 --out");
    main_job.arg(&trained);
    steps.push(Step::run("the main job", main_job));
    for target in TARGETS {
        let cross = Cross::find(target);
        for package in NO_STD_PACKAGES {
            let title = format!("{package} for {target}");
            steps.push(match &cross {
                Some(cross) => Step::run(&title, build_library(cross, target, package)),
                None => Step::impossible(title, "there is no compiler for the target".to_owned()),
            });
        }
    }
    for board in Board::all()? {
        let Some(qemu) = &board.description.qemu else {
            continue;
        };
        let triple = &board.description.triple;
        let cross = Cross::find(triple);
        // The one on the host has not seen the board's driver. The distribution's toolchain has no clippy.
        if let Some(cross @ Cross::Rustup) = &cross {
            let mut command = cross.cargo("clippy", triple);
            command.args(["-p", "ebm-firmware", "--profile", "firmware"]).env("EBM_BOARD", &board.name);
            command.args(["--", "-D", "warnings"]);
            steps.push(Step::run(&format!("lints of the firmware on {}", board.name), command));
        }
        let title = format!("the firmware on {} under QEMU", board.name);
        if cross.is_none() {
            steps.push(Step::impossible(title, "there is no compiler for the board".to_owned()));
            continue;
        }
        let (program, board) = (qemu.program.clone(), Rc::new(board));
        let size = format!("size of the firmware on {}", board.name);
        steps.push(Step { title: size, action: Action::Measure(Rc::clone(&board)) });
        if qemu::version(&program).is_none() {
            steps.push(Step::impossible(title, format!("there is no {program}")));
            continue;
        }
        let emulate = |title: String, model, only| {
            let board = Rc::clone(&board);
            Step { title, action: Action::Emulate { board, model, only } }
        };
        steps.push(emulate(title, Model::Default, None));
        let fixture = workspace::root().join("tests/fixtures/digits-f32.ebm");
        for (name, path) in [
            ("the f32 fixture", fixture),
            ("the model just trained", trained.join("model.ebm")),
            ("the f32 model just trained", trained.join("model-f32.ebm")),
        ] {
            let title = format!("{name} on {} under QEMU", board.name);
            steps.push(emulate(title, Model::File(path), Some("digits")));
        }
    }
    Ok(steps)
}

impl Step {
    fn run(title: &str, command: Command) -> Self {
        Self { title: title.to_owned(), action: Action::Run(command) }
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

fn build_library(cross: &Cross, target: &str, package: &str) -> Command {
    let mut command = cross.cargo("build", target);
    command.args(["-p", package, "--lib", "--profile", "firmware"]);
    command
}

fn heading(title: &str) {
    println!("\n=== {title}");
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
    println!("\nFAILED: {title}: {reason}");
    println!("to repeat this step: {by_hand}");
    false
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
