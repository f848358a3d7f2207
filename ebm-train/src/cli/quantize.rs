//! `quantize`: a smaller model, with what that loses.

use super::drawing::open_data;
use crate::Error;
use crate::data::DataOptions;
use crate::export::{ModelFile, QuantizationLoss, Quantized, Storages, model_file, quantization_loss};
use clap::{ValueEnum, value_parser};
use ebm_core::Integer;
use ebm_core::kernel::integer::Storage;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `quantize`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The integers are those that a microcontroller computes with, and the loss is measured with them, over the data's test part. The novelty threshold is set anew over \
    its training part. With int4 and sign the softmax head stays in int8.\n\nExample: ebm-train quantize model-f32.ebm --bits int4 --data digits --out model.ebm"
)]
pub struct QuantizeArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// What a weight is stored as
    #[arg(long, default_value = "int8")]
    pub bits: Bits,
    /// The model file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The data that the loss is measured on
    #[command(flatten)]
    pub data: DataOptions,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
}

/// Storages of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// Eight bits
    Int8,
    /// Eight bits, a row of weights an input: fast where few inputs are on
    Int8Rows,
    /// Four bits
    Int4,
    /// One bit: the sign
    Sign,
}

#[derive(Serialize)]
struct Summary {
    model: String,
    out: String,
    data: String,
    number_format: &'static str,
    bytes: usize,
    bytes_f32: usize,
    #[serde(flatten)]
    loss: QuantizationLoss,
}

pub(super) fn run(args: &QuantizeArgs, json: bool) -> Result<(), Error> {
    let float = ModelFile::read(&args.model)?;
    let parameters = float.parameters()?;
    let dataset = open_data(&float, &args.data)?;
    let storages = match args.bits {
        Bits::Int8 => Storages::all(Storage::Int8),
        Bits::Int8Rows => Storages::all(Storage::Int8Rows),
        Bits::Int4 => Storages::below_the_head(Storage::Int4),
        Bits::Sign => Storages::below_the_head(Storage::Sign),
    };
    let quantised = Quantized::of(&parameters, storages)?;
    let seed = float.model()?.header().provenance.seed;
    let mut file = model_file::<Integer>(&quantised.layers()?, &dataset, seed, args.threads.into())?;
    let loss = quantization_loss(&float, &file, &dataset, args.threads.into())?;
    file.write(&args.out)?;
    let summary = Summary {
        model: args.model.display().to_string(),
        out: args.out.display().to_string(),
        data: dataset.name.clone(),
        number_format: file.model()?.header().layers.first().map_or("none", |layer| layer.numbers.name()),
        bytes: file.bytes().len(),
        bytes_f32: float.bytes().len(),
        loss,
    };
    if json { super::print_json(&summary) } else { super::print(&words(&summary)) }
}

fn words(summary: &Summary) -> String {
    let Summary { model, out, data, number_format, bytes, bytes_f32, loss } = summary;
    let mut text =
        format!("{model}, {bytes_f32} bytes, written to {out} as {number_format}, {bytes} bytes; over {data}:\n");
    if let Some((before, after)) = loss.accuracy.zip(loss.accuracy_quantized) {
        text += &format!("  accuracy          {:.2} % → {:.2} %", 100.0 * before, 100.0 * after);
        text += &format!(", {} answers changed\n", loss.answers_changed.unwrap_or(0));
    }
    if let Some(error) = loss.free_energy_error_median_nats {
        text += &format!("  free energy off by {error:.4} nats (median)\n");
    }
    text
}
