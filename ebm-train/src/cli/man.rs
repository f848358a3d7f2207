//! `man`: manual pages, made of the flags' own definitions.

use crate::{Error, files};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "They are read with `man -l DIR/ebm-train.1`, or by name once DIR is ~/.local/share/man/man1.

Example: ebm-train man --out man1")]
pub struct ManArgs {
    /// Folder for the pages; created if need be
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Serialize)]
struct Summary {
    out: String,
}

pub(super) fn run(args: &ManArgs, json: bool) -> Result<(), Error> {
    files::prepare_folder(&args.out)?;
    let write = Error::file(&args.out, "write the manual pages");
    clap_mangen::generate_to(super::command(), &args.out).map_err(write)?;
    let summary = Summary { out: args.out.display().to_string() };
    if json {
        return super::print_json(&summary);
    }
    super::print(&format!(
        "the pages are in {}; read them with `man -l {}`\n",
        summary.out,
        args.out.join("ebm-train.1").display()
    ))
}
