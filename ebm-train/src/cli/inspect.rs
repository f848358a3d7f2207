//! `inspect`: what a model file says about itself.

use super::args::InspectArgs;
use crate::Error;
use crate::export::ModelFile;
use ebm_core::Model;
use ebm_core::format::{LayerKind, NumberFormat};
use ebm_core::kernel::int8::NATS;
use serde_json::{Value, json};

pub(super) fn run(args: &InspectArgs, json: bool) -> Result<(), Error> {
    let file = ModelFile::read(&args.model)?;
    let model = file.model()?;
    let facts = facts(&args.model.display().to_string(), file.bytes().len(), &model);
    if json {
        println!("{facts}");
        return Ok(());
    }
    for (key, value) in facts.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => {
                println!("{key}");
                for item in items {
                    println!("  {item}");
                }
            }
            Value::String(text) => println!("{key}: {text}"),
            other => println!("{key}: {other}"),
        }
    }
    Ok(())
}

fn facts(path: &str, bytes: usize, model: &Model<'_>) -> Value {
    let header = model.header();
    let kind = |kind| match kind {
        LayerKind::BernoulliRbm => "bernoulli-bernoulli rbm",
        LayerKind::Head => "softmax head",
    };
    let number_format = match header.layers.first().map(|layer| layer.numbers) {
        Some(NumberFormat::F32) => "f32",
        _ => "int8",
    };
    let layers: Vec<Value> = header
        .layers
        .iter()
        .map(|layer| json!({ "kind": kind(layer.kind), "visible": layer.visible, "hidden": layer.hidden }))
        .collect();
    let novelty = header.novelty.map(|novelty| {
        json!({
            "threshold_nats": f64::from(novelty.threshold) / f64::from(NATS),
            "quantile": novelty.quantile,
        })
    });
    json!({
        "model": path,
        "number_format": number_format,
        "bytes": bytes,
        "layers": layers,
        "input": header.input,
        "labels": header.labels.lines().collect::<Vec<_>>(),
        "novelty": novelty,
        "provenance": header.provenance,
    })
}
