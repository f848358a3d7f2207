//! Run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ebm_train::cli::run(std::env::args_os())
}
