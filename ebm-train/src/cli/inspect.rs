//! `inspect`: what a model file says about itself.

use super::args::InspectArgs;
use super::board::{self, OnBoard, on_board};
use crate::Error;
use crate::eval::novelty::threshold_nats;
use crate::export::{ModelFile, value_of_a_count};
use ebm_core::format::{Binarisation, ImageShape, Input, Kinds, LayerKind, Provenance, Scaling};
use ebm_core::kernel::integer::Rescale;
use ebm_core::{HiddenKind, Model};
use serde::Serialize;

#[derive(Serialize)]
struct Facts<'a> {
    model: String,
    number_format: &'static str,
    bytes: usize,
    layers: Vec<Layer>,
    /// The integer level that means 1; none where the input is the value itself or is compared with a threshold.
    input_level_max: Option<u16>,
    /// The highest integer level that means 0, where all above mean 1.
    input_threshold: Option<u16>,
    /// Offset and scale of every channel, where the input has such; a window repeats them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    input_channels: Vec<Channel>,
    /// The shape of the input where it is a picture.
    image: Option<ImageShape>,
    binarisation: Protocol,
    labels: Vec<&'a str>,
    novelty: Option<Novelty>,
    provenance: Provenance<'a>,
    /// What it takes of a board, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<OnBoard>,
}

#[derive(Serialize)]
struct Layer {
    kind: String,
    visible: u32,
    hidden: u32,
}

/// `v = (r − offset)·scale`; of an integer model `r` and the offset are counts, `counts` of which make one of what the data were given in.
#[derive(Serialize)]
struct Channel {
    offset: f64,
    scale: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<f32>,
}

/// What became of values between 0 and 1.
#[derive(Serialize)]
struct Protocol {
    training: Binarisation,
    test: Binarisation,
}

#[derive(Serialize)]
struct Novelty {
    threshold_nats: f64,
    quantile: f32,
}

pub(super) fn run(args: &InspectArgs, json: bool) -> Result<(), Error> {
    let file = ModelFile::read(&args.model)?;
    let model = file.model()?;
    let on_board = args.board.as_ref().map(|name| on_board(name, &file, &args.data)).transpose()?;
    let facts = Facts { board: on_board, ..facts(&args.model.display().to_string(), file.bytes().len(), &model) };
    if json { super::print_json(&facts) } else { super::print(&describe(&facts)) }
}

fn facts<'a>(path: &str, bytes: usize, model: &'a Model<'_>) -> Facts<'a> {
    let header = model.header();
    let layers = header.layers.iter().map(|layer| Layer {
        kind: kind(layer.kind),
        visible: layer.visible,
        hidden: layer.hidden,
    });
    Facts {
        model: path.to_owned(),
        number_format: header.layers.first().map_or("none", |layer| layer.numbers.name()),
        bytes,
        layers: layers.collect(),
        input_level_max: match header.input {
            Input::Levels { max } => Some(max),
            _ => None,
        },
        input_threshold: match header.input {
            Input::Binary { threshold } => Some(threshold),
            _ => None,
        },
        input_channels: header.scaling.map_or_else(Vec::new, channels),
        image: header.presentation.image,
        binarisation: Protocol { training: header.presentation.training, test: header.presentation.test },
        labels: header.labels.split('\n').filter(|label| !label.is_empty()).collect(),
        novelty: header
            .novelty
            .map(|novelty| Novelty { threshold_nats: threshold_nats(&novelty), quantile: novelty.quantile }),
        provenance: header.provenance,
        board: None,
    }
}

fn channels(scaling: Scaling<'_>) -> Vec<Channel> {
    match scaling {
        Scaling::Float { offsets, scales } => {
            let channel = |(&offset, &scale): (&f32, &f32)| (offset.into(), scale.into());
            let channels = offsets.iter().zip(scales).map(channel);
            channels.map(|(offset, scale)| Channel { offset, scale, counts: None }).collect()
        }
        Scaling::Integer { offsets, scales, counts } => {
            let channels = offsets.iter().zip(scales).zip(counts);
            let channel = |((&offset, &scale), &counts): ((&i32, &Rescale), &f32)| Channel {
                offset: offset.into(),
                scale: value_of_a_count(scale),
                counts: Some(counts),
            };
            channels.map(channel).collect()
        }
    }
}

fn kind(kind: LayerKind) -> String {
    let of = |Kinds { blocks, labels, hidden }: Kinds| {
        let visible = if blocks == 0 { "bernoulli".to_owned() } else { format!("{blocks} blocks") };
        let hidden = match hidden {
            HiddenKind::Bernoulli => "bernoulli",
            HiddenKind::Relu => "relu",
        };
        let labels = if labels == 0 { String::new() } else { format!(", {labels} labels") };
        format!("{visible}{labels}-{hidden}")
    };
    match kind {
        LayerKind::BernoulliRbm => "bernoulli-bernoulli rbm".to_owned(),
        LayerKind::Generative => "bernoulli-bernoulli rbm beside the stack: free energy, samples".to_owned(),
        LayerKind::Rbm(kinds) => format!("{} rbm", of(kinds)),
        LayerKind::GenerativeRbm(kinds) => format!("{} rbm beside the stack: free energy, samples", of(kinds)),
        LayerKind::Directed(kinds) => format!("{} layer with generative weights", of(kinds)),
        LayerKind::Sigmoid => "sigmoid layer".to_owned(),
        LayerKind::Rectifier => "rectifier layer".to_owned(),
        LayerKind::Head => "softmax head".to_owned(),
    }
}

fn words(binarisation: Binarisation) -> String {
    match binarisation {
        Binarisation::None => "as they are".to_owned(),
        Binarisation::Threshold { above } => format!("1 above {above} and else 0"),
        Binarisation::SampledOnce { seed } => format!("sampled once, seed {seed}"),
        Binarisation::SampledEachTime => "sampled anew each time".to_owned(),
    }
}

fn describe(facts: &Facts<'_>) -> String {
    let mut text = format!("{}: {} bytes, {}\n", facts.model, facts.bytes, facts.number_format);
    for (index, Layer { kind, visible, hidden }) in facts.layers.iter().enumerate() {
        text += &format!("  layer {index}  {visible} × {hidden}  {kind}\n");
    }
    text += &match (facts.input_level_max, facts.input_threshold, facts.input_channels.len()) {
        (Some(max), ..) => format!("  input    integer levels from 0 to {max}\n"),
        (_, Some(threshold), _) => format!("  input    1 for an integer level above {threshold}, else 0\n"),
        (.., 0) => "  input    values as they are\n".to_owned(),
        (.., channels) => format!("  input    numbers of {channels} channels in turn\n"),
    };
    for (index, Channel { offset, scale, counts }) in facts.input_channels.iter().enumerate() {
        let unit = counts.map_or_else(String::new, |counts| format!("; {counts} counts are 1 in the data's unit"));
        text += &format!("           channel {index}: less {offset}, times {scale:.6e}{unit}\n");
    }
    if let Some(ImageShape { width, height }) = facts.image {
        text += &format!("  picture  {width} × {height} pixels\n");
    }
    let Protocol { training, test } = &facts.binarisation;
    text += &format!("  values   in training {}, in the test data {}\n", words(*training), words(*test));
    if !facts.labels.is_empty() {
        text += &format!("  classes  {}\n", facts.labels.join(" "));
    }
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
    if let Some(on_board) = &facts.board {
        text += &board::describe(on_board);
    }
    text
}
