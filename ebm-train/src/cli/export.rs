//! `export`: a model's arrays for other programs.

use crate::Error;
use crate::arrays;
use crate::export::{ModelFile, named};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Arrays are float32: `weights` visible × hidden (v @ weights + hidden_bias goes up), `visible_bias`, `hidden_bias`; \
    `layer0.weights`, … of a deep belief network; `head.weights`, `head.bias` of a classifier, the machine beside it `machine.weights`, …; \
    `metadata` is a JSON text.\n\nExample: ebm-train export runs/a/model.ebm --format npz --out weights.npz"
)]
pub struct ExportArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// The arrays' format; by default what the ending of --out says
    #[arg(long)]
    pub format: Option<Format>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Formats that hold several arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// NumPy's archive of arrays
    Npz,
    /// Hugging Face's safetensors
    Safetensors,
}

#[derive(Serialize)]
struct Summary {
    model: String,
    out: String,
    arrays: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    dtype: String,
    shape: Vec<usize>,
}

pub(super) fn run(args: &ExportArgs, json: bool) -> Result<(), Error> {
    let ending = args.out.extension().and_then(|ending| ending.to_str());
    let format = match (args.format, ending) {
        (Some(format), _) => format,
        (None, Some("npz")) => Format::Npz,
        (None, Some("safetensors")) => Format::Safetensors,
        (None, _) => {
            let value = args.out.display().to_string();
            return Err(Error::Flag {
                flag: "--out",
                value,
                expected: "a name that ends in .npz or .safetensors, or --format",
            });
        }
    };
    let file = ModelFile::read(&args.model)?;
    let named = named::to_arrays(&file)?;
    match format {
        Format::Npz => arrays::write_npz(&args.out, &named)?,
        Format::Safetensors => arrays::write_tensors(&args.out, &named)?,
    }
    let entry = |(name, array): (&String, &arrays::Array)| Entry {
        name: name.clone(),
        dtype: array.element.to_string(),
        shape: array.shape.clone(),
    };
    let summary = Summary {
        model: args.model.display().to_string(),
        out: args.out.display().to_string(),
        arrays: named.iter().map(entry).collect(),
    };
    if json { super::print_json(&summary) } else { super::print(&describe(&summary)) }
}

fn describe(summary: &Summary) -> String {
    let mut text = format!("{} written to {}:\n", summary.model, summary.out);
    for Entry { name, dtype, shape } in &summary.arrays {
        let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        text += &format!("  {name:<28} {dtype:<8} {shape}\n");
    }
    text
}
