//! `inspect`: what a model file says about itself.

use super::args::InspectArgs;
use crate::Error;
use crate::export::ModelFile;
use ebm_core::Model;
use ebm_core::format::{Header, Input, LayerKind, NumberFormat, Provenance};
use ebm_core::kernel::integer::NATS;
use serde::Serialize;

#[derive(Serialize)]
struct Facts<'a> {
    model: String,
    number_format: &'static str,
    bytes: usize,
    layers: Vec<Layer>,
    /// The integer level that means 1; none where the input is the value itself.
    input_level_max: Option<u16>,
    labels: Vec<&'a str>,
    novelty: Option<Novelty>,
    provenance: Provenance<'a>,
}

#[derive(Serialize)]
struct Layer {
    kind: &'static str,
    visible: u32,
    hidden: u32,
}

#[derive(Serialize)]
struct Novelty {
    threshold_nats: f64,
    quantile: f32,
}

pub(super) fn run(args: &InspectArgs, json: bool) -> Result<(), Error> {
    let file = ModelFile::read(&args.model)?;
    let model = file.model()?;
    let facts = facts(&args.model.display().to_string(), file.bytes().len(), &model);
    if json { super::print_json(&facts) } else { super::print(&describe(&facts)) }
}

fn facts<'a>(path: &str, bytes: usize, model: &'a Model<'_>) -> Facts<'a> {
    let header: &Header<'a> = model.header();
    let layers = header.layers.iter().map(|layer| Layer {
        kind: match layer.kind {
            LayerKind::BernoulliRbm => "bernoulli-bernoulli rbm",
            LayerKind::Head => "softmax head",
            LayerKind::Generative => "bernoulli-bernoulli rbm beside the stack: free energy, samples",
            LayerKind::Sigmoid => "sigmoid layer",
        },
        visible: layer.visible,
        hidden: layer.hidden,
    });
    Facts {
        model: path.to_owned(),
        number_format: match header.layers.first().map(|layer| layer.numbers) {
            Some(NumberFormat::F32) => "f32",
            Some(NumberFormat::Int8 { .. }) | None => "int8",
        },
        bytes,
        layers: layers.collect(),
        input_level_max: match header.input {
            Input::Unit => None,
            Input::Levels { max } => Some(max),
        },
        labels: header.labels.split('\n').filter(|label| !label.is_empty()).collect(),
        novelty: header.novelty.map(|novelty| Novelty {
            threshold_nats: f64::from(novelty.threshold) / f64::from(NATS),
            quantile: novelty.quantile,
        }),
        provenance: header.provenance,
    }
}

fn describe(facts: &Facts<'_>) -> String {
    let mut text = format!("{}: {} bytes, {}\n", facts.model, facts.bytes, facts.number_format);
    for (index, Layer { kind, visible, hidden }) in facts.layers.iter().enumerate() {
        text += &format!("  layer {index}  {visible} × {hidden}  {kind}\n");
    }
    text += &match facts.input_level_max {
        Some(max) => format!("  input    integer levels from 0 to {max}\n"),
        None => "  input    values from 0 to 1\n".to_owned(),
    };
    text += &format!("  classes  {}\n", facts.labels.join(" "));
    if let Some(Novelty { threshold_nats, quantile }) = facts.novelty {
        text += &format!(
            "  novel    above a free energy of {threshold_nats:.2} nats, the {quantile} quantile of the training data\n"
        );
    }
    let Provenance { dataset, dataset_crc32, seed, test_accuracy, tool } = facts.provenance;
    text += &format!("  trained  on {dataset} (CRC-32 {dataset_crc32:08x}), seed {seed}, by {tool}\n");
    if let Some(accuracy) = test_accuracy {
        text += &format!("  test accuracy {:.2} %\n", 100.0 * accuracy);
    }
    text
}
