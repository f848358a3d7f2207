//! Every test of the project, in order: from the cheap ones to the device.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::board::Board;
use crate::firmware::Model;
use crate::process;
use crate::qemu;
use crate::setup;
use crate::toolchain::{Cross, TARGETS};

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
    /// The firmware under QEMU.
    Emulate(Box<Board>),
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
            Action::Emulate(board) => {
                let by_hand = format!("cargo xtask qemu {}", board.name);
                match qemu::run(&board, &Model::Default, None, false) {
                    Ok(true) => {}
                    Ok(false) => return Ok(failed(&title, "see above", &by_hand)),
                    Err(error) => return Ok(failed(&title, &format!("{error:#}"), &by_hand)),
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
        Step::run("formatting", cargo("fmt --all --check")),
        Step::run("lints", cargo(clippy)),
        Step::run("documentation", documentation),
        Step::run("host tests", cargo("test --workspace")),
        Step::run("the core's tests with overflow checks", cargo("test -p ebm-core --profile checked")),
    ];
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
        steps.push(if qemu::version(&qemu.program).is_none() {
            Step::impossible(title, format!("there is no {}", qemu.program))
        } else if cross.is_none() {
            Step::impossible(title, "there is no compiler for the board".to_owned())
        } else {
            Step { title, action: Action::Emulate(Box::new(board)) }
        });
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

/// Says what failed and how to repeat it.
fn failed(title: &str, reason: &str, by_hand: &str) -> bool {
    println!("\nFAILED: {title}: {reason}");
    println!("to repeat this step: {by_hand}");
    false
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
