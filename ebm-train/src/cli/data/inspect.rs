//! `data inspect`: what is in a data set.

use crate::Error;
use crate::cli::{print, print_json};
use crate::data::DataOptions;
use crate::data::inspect::{Channel, Inspection, inspect};

/// Arguments of `data inspect`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: ebm-train data inspect csv:train.csv --label label --ignore t --window 20 --hop 10 --group recording"
)]
pub(super) struct InspectArgs {
    /// Data set, as --data names it
    #[arg(value_name = "DATA", conflicts_with = "data")]
    spec: Option<String>,
    #[command(flatten)]
    options: DataOptions,
}

/// Columns and classes that are listed in words.
const MOST: usize = 32;

pub(super) fn run(args: &InspectArgs, json: bool) -> Result<(), Error> {
    let mut options = args.options.clone();
    options.data = args.spec.clone().unwrap_or(options.data);
    let inspection = inspect(&options)?;
    if json { print_json(&inspection) } else { print(&describe(&inspection)) }
}

fn describe(inspection: &Inspection) -> String {
    let Inspection { data, visible, image, parts, preprocessing } = inspection;
    let shape = image.map_or_else(String::new, |[width, height]| format!(" ({width} × {height})"));
    let mut text = format!("{data}: samples of {visible} values{shape}\n");
    for part in parts {
        text += &format!("{}: {} samples", part.part, part.rows);
        if part.groups > 0 {
            text += &format!(" of {} recordings", part.groups);
        }
        if let (Some(min), Some(max)) = (part.min, part.max) {
            text += &format!(", values from {min} to {max}");
        }
        text += &format!(", {} missing, CRC-32 {}\n", part.missing, part.crc32);
        if !part.constant.is_empty() {
            let more = if part.constant.len() > MOST { ", …" } else { "" };
            let named = part.constant[..part.constant.len().min(MOST)].join(", ");
            text += &format!("  {} constant: {named}{more}\n", part.constant.len());
        }
        let classes = part.classes.iter().take(MOST).map(|class| format!("{} {}", class.class, class.samples));
        if !part.classes.is_empty() {
            let more = if part.classes.len() > MOST { ", …" } else { "" };
            text += &format!("  classes: {}{more}\n", classes.collect::<Vec<_>>().join(", "));
        }
        for Channel { name, min, max, mean, deviation, missing } in part.channels.iter().take(MOST) {
            let range = min.zip(*max).map_or_else(|| "no value".to_owned(), |(min, max)| format!("{min} to {max}"));
            text += &format!("  {name}: {range}, mean {mean:.4}, deviation {deviation:.4}, {missing} missing\n");
        }
        for note in &part.notes {
            text += &format!("  {note}\n");
        }
    }
    text + &format!("taken as: {preprocessing}\n")
}
