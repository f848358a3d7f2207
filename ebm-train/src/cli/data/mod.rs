//! `data`: which data there are, what is in them, other formats, and public sets from the net.

mod convert;
mod fetch;
mod inspect;
mod list;

use crate::Error;
use clap::Subcommand;

/// Arguments of `data`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ebm-train data inspect digits")]
pub struct DataArgs {
    /// What to do
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Say which data sets there are and how they are named
    #[command(after_help = "Example: ebm-train data list --json")]
    List,
    /// Say what is in a data set: rows, shape, ranges, classes, missing values
    Inspect(Box<inspect::InspectArgs>),
    /// Write a data set in another format
    Convert(Box<convert::ConvertArgs>),
    /// Download a public data set
    Fetch(fetch::FetchArgs),
}

pub(super) fn run(args: &DataArgs, json: bool) -> Result<(), Error> {
    match &args.command {
        DataCommand::List => list::run(json),
        DataCommand::Inspect(args) => inspect::run(args, json),
        DataCommand::Convert(args) => convert::run(args, json),
        DataCommand::Fetch(args) => fetch::run(args, json),
    }
}
