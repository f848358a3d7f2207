//! `data convert`: a data set in another format.

use crate::Error;
use crate::cli::{print, print_json};
use crate::data::DataOptions;
use crate::data::convert::{Part, convert};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `data convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "The raw values are written, before any scaling or split; windows and categories are made.\n\n\
    Example: ebm-train data convert mnist:DIR --out mnist.npz")]
pub(super) struct ConvertArgs {
    /// Data set, as --data names it
    #[arg(value_name = "DATA", conflicts_with = "data")]
    spec: Option<String>,
    /// File to write: .npz (both parts), .csv, .npy, .idx or -ubyte; all but .npz also with .gz
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The part that is written, where the file holds one
    #[arg(long, value_enum, default_value = "train")]
    part: Part,
    #[command(flatten)]
    options: DataOptions,
}

#[derive(Serialize)]
struct Summary {
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &ConvertArgs, json: bool) -> Result<(), Error> {
    let mut options = args.options.clone();
    options.data = args.spec.clone().unwrap_or(options.data);
    let files = convert(&options, &args.out, args.part)?;
    if json {
        return print_json(&Summary { files });
    }
    print(&files.iter().map(|file| format!("{}\n", file.display())).collect::<String>())
}
