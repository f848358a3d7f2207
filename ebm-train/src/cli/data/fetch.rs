//! `data fetch`: a public data set from the net.

use crate::Error;
use crate::cli::{print, print_json};
use crate::data::fetch::{Event, Fetched, SETS, fetch};
use crate::report::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{Write, stderr};
use std::path::PathBuf;

/// Arguments of `data fetch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ebm-train data fetch mnist --out data/mnist\n\nThen train --data mnist:data/mnist.")]
pub(super) struct FetchArgs {
    /// The set
    #[arg(value_parser = SETS.map(|set| set.name))]
    set: String,
    /// Folder for its files; by default the set's name under data
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder on the net that has the files, in the place of the known mirrors
    #[arg(long, value_name = "BASE")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Summary {
    set: &'static str,
    /// What --data takes now.
    data: String,
    files: Vec<Fetched>,
}

pub(super) fn run(args: &FetchArgs, json: bool) -> Result<(), Error> {
    // clap takes the names of sets and no others.
    let set = SETS.iter().find(|set| set.name == args.set).unwrap_or(&SETS[0]);
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("data").join(set.name));
    let mirrors = args
        .url
        .as_ref()
        .map_or_else(|| set.mirrors.iter().map(|&mirror| mirror.to_owned()).collect(), |url| vec![url.clone()]);
    let target = terminal::bar_target();
    let is_plain = target.is_none();
    let target = target.unwrap_or_else(ProgressDrawTarget::hidden);
    let bar = ProgressBar::with_draw_target(Some(0), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}  {eta} left  {msg}") {
        bar.set_style(style);
    }
    let files = fetch(set, &folder, &mirrors, &mut |event| {
        let words = match event {
            Event::Start { url, have, whole } => {
                bar.set_length(whole.unwrap_or(have));
                bar.set_position(have);
                bar.set_message(url.to_owned());
                let resumed = if have > 0 { format!(", from byte {have} on") } else { String::new() };
                format!("{url}{resumed}")
            }
            Event::Have(bytes) => {
                bar.set_position(bytes);
                return;
            }
            Event::Failed(reason) => format!("failed: {reason}"),
        };
        if is_plain {
            // Not `eprintln!`: a reader that has gone away must not end the run.
            let _ = writeln!(stderr(), "{words}");
        } else {
            bar.println(words);
        }
    })?;
    bar.finish_and_clear();
    let summary = Summary { set: set.name, data: format!("mnist:{}", folder.display()), files };
    if json {
        return print_json(&summary);
    }
    let mut text = String::new();
    for Fetched { path, bytes, url } in &summary.files {
        let how = if url.is_some() { "fetched" } else { "was there" };
        text += &format!("{}: {bytes} bytes, {how}, checksum right\n", path.display());
    }
    print(&(text + &format!("Now give --data {}\n", summary.data)))
}
