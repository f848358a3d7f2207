//! `export`: a model for other programs, as arrays or as a graph.

use crate::Error;
use crate::arrays;
use crate::export::{ModelFile, named, onnx, write_whole};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Arrays (npz, safetensors) are float32: `weights` visible × hidden (v @ weights + hidden_bias goes up), `visible_bias`, `hidden_bias`; \
    `layer0.weights`, … of a deep belief network; `head.weights`, `head.bias` of a classifier, the machine beside it `machine.weights`, …; \
    `metadata` is a JSON text. ebm-train/ARRAYS.md names them all.\n\n\
    A graph (ONNX) takes raw inputs as `input` and gives `probabilities` and `label` of a classifier or ClassRBM, else `hidden_probs`; beside them \
    `free_energy`, for novelty. Scaling and threshold are in it.\n\n\
    Examples:\n  ebm-train export runs/a/model.ebm --format npz --out weights.npz\n  ebm-train export runs/b/model.ebm --out model.onnx"
)]
pub struct ExportArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// The format; by default what the ending of --out says
    #[arg(long)]
    pub format: Option<Format>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What other programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// NumPy's archive of arrays
    Npz,
    /// Hugging Face's safetensors
    Safetensors,
    /// A graph for onnxruntime and others
    Onnx,
}

impl Format {
    const ENDINGS: [(&str, Self); 3] = [("npz", Self::Npz), ("safetensors", Self::Safetensors), ("onnx", Self::Onnx)];

    /// What `--format` says, or else the ending of `--out`.
    fn of(args: &ExportArgs) -> Result<Self, Error> {
        let ending = args.out.extension().and_then(|ending| ending.to_str());
        let by_ending = || Self::ENDINGS.iter().find(|(known, _)| Some(*known) == ending).map(|&(_, format)| format);
        args.format.or_else(by_ending).ok_or_else(|| Error::Flag {
            flag: "--out",
            value: args.out.display().to_string(),
            expected: "a name that ends in .npz, .safetensors or .onnx, or --format",
        })
    }
}

#[derive(Serialize)]
struct Summary {
    model: String,
    out: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Arrays {
        arrays: Vec<Entry>,
    },
    Graph {
        opset: i64,
        inputs: Vec<Entry>,
        outputs: Vec<Entry>,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<&'static str>,
    },
}

/// An array, or what goes into a graph or comes out of it.
#[derive(Serialize)]
struct Entry {
    name: String,
    dtype: String,
    shape: Vec<Length>,
}

/// A dimension.
#[derive(Serialize)]
#[serde(untagged)]
enum Length {
    /// As long as this.
    Fixed(usize),
    /// As long as the caller makes what this names.
    Named(&'static str),
}

pub(super) fn run(args: &ExportArgs, json: bool) -> Result<(), Error> {
    let format = Format::of(args)?;
    let file = ModelFile::read(&args.model)?;
    let content = if format == Format::Onnx { write_graph(args, &file)? } else { write_arrays(args, &file, format)? };
    let summary = Summary { model: args.model.display().to_string(), out: args.out.display().to_string(), content };
    if json { super::print_json(&summary) } else { super::print(&describe(&summary)) }
}

fn write_arrays(args: &ExportArgs, file: &ModelFile, format: Format) -> Result<Content, Error> {
    let named = named::to_arrays(file)?;
    match format {
        Format::Safetensors => arrays::write_tensors(&args.out, &named)?,
        _ => arrays::write_npz(&args.out, &named)?,
    }
    let entry = |(name, array): (&String, &arrays::Array)| Entry {
        name: name.clone(),
        dtype: array.element.to_string(),
        shape: array.shape.iter().copied().map(Length::Fixed).collect(),
    };
    Ok(Content::Arrays { arrays: named.iter().map(entry).collect() })
}

fn write_graph(args: &ExportArgs, file: &ModelFile) -> Result<Content, Error> {
    let onnx::Onnx { bytes, inputs, outputs, left_out } = onnx::to_onnx(file)?;
    write_whole(&args.out, "write the graph", |file| file.write_all(&bytes))?;
    let entry = |port: onnx::Port| {
        let sample = port.sample.into_iter().map(Length::Fixed);
        let shape = std::iter::once(Length::Named(onnx::BATCH)).chain(sample).collect();
        Entry { name: port.name, dtype: port.dtype.to_owned(), shape }
    };
    let entries = |ports: Vec<onnx::Port>| ports.into_iter().map(entry).collect();
    Ok(Content::Graph { opset: onnx::OPSET, inputs: entries(inputs), outputs: entries(outputs), left_out })
}

fn describe(Summary { model, out, content }: &Summary) -> String {
    match content {
        Content::Arrays { arrays } => format!("{model} written to {out}:\n{}", lines(arrays)),
        Content::Graph { opset, inputs, outputs, left_out } => {
            let (inputs, outputs) = (lines(inputs), lines(outputs));
            let left_out = left_out.map_or(String::new(), |reason| format!("{reason}\n"));
            format!(
                "{model} written to {out}, operators of opset {opset}; it takes\n{inputs}and gives\n{outputs}{left_out}"
            )
        }
    }
}

fn lines(entries: &[Entry]) -> String {
    let length = |length: &Length| match length {
        Length::Fixed(size) => size.to_string(),
        Length::Named(name) => (*name).to_owned(),
    };
    let line = |Entry { name, dtype, shape }: &Entry| {
        let shape = shape.iter().map(length).collect::<Vec<_>>().join(" × ");
        format!("  {name:<28} {dtype:<8} {shape}\n")
    };
    entries.iter().map(line).collect()
}
