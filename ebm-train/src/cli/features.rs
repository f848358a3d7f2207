//! `features`: what hidden units respond to.

use super::backend::Work;
use super::drawing::{self, DrawingArgs, Drawn, Source};
use crate::Error;
use crate::arrays::{self, Array, Named};
use crate::backend::{Backend, Direction, Link};
use crate::data::{Batch, DataOptions};
use crate::parameters::{AffineParameters, Parameters};
use crate::report::picture::{Colours, Grid, Picture, Tile};
use clap::value_parser;
use ebm_core::HiddenKind;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `features`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A tile is a hidden unit's weights to the inputs: red ones make it respond, blue ones keep it from it. Units of a layer above the first are seen through the \
    weights of those below (W1·W2·…). Of a classifier, the layers are those that it answers with. Of a machine that has labels beside its inputs, such as a ClassRBM, \
    a unit's weights to them stand beside it, and those of all units in --arrays as `label_weights`.\n\n\
    Examples:\n  ebm-train features rbm.ebm --out filters.png\n  ebm-train features rbm.ebm --data mnist:DIR --index 7 --out responses.png"
)]
pub struct FeaturesArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// The layer whose hidden units are shown, from 1 at the input
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u8).range(1..))]
    pub layer: u8,
    /// Show the units that respond most and least to this sample of the test part, from 0
    #[arg(long, value_name = "N")]
    pub index: Option<u32>,
    /// So many of either
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u16).range(1..))]
    pub most: u16,
    /// What to write
    #[command(flatten)]
    pub drawing: DrawingArgs,
    /// The data of --index
    #[command(flatten)]
    pub data: DataOptions,
}

#[derive(Serialize)]
pub(super) struct Summary {
    model: String,
    out: Option<String>,
    arrays: Option<String>,
    layer: u8,
    units: usize,
    /// Largest magnitude of a weight that is shown: full red, full blue.
    weight_max: f32,
    /// The classes that `label_weights` are the weights to, in order; none without labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    tile: [usize; 2],
}

/// What the units make of one sample.
#[derive(Serialize)]
struct Response {
    data: String,
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// The units with the largest means, the largest first.
    most: Vec<Unit>,
    /// Those with the smallest, the smallest first.
    least: Vec<Unit>,
    #[serde(skip)]
    sample: Vec<f32>,
    #[serde(skip)]
    means: Vec<f32>,
}

/// A hidden unit and `p(h = 1 | v)`; of a rectified one, its mean.
#[derive(Clone, Serialize)]
struct Unit {
    unit: usize,
    p: f32,
    /// `W_yj` of every class y.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    label_weights: Vec<f32>,
}

/// The layers of the way up.
struct Layers {
    affine: Vec<AffineParameters>,
    hidden: Vec<HiddenKind>,
    /// Visible units of the first that are inputs: without labels.
    inputs: usize,
    /// A row for every unit of the last layer: its weights to the labels. Without any, no rows.
    label_weights: Batch,
}

pub(super) fn run(args: &FeaturesArgs, json: bool) -> Result<(), Error> {
    let (drawn, named) = args.drawing.backend.run(args.drawing.threads.into(), args)?;
    args.drawing.write(&drawn, |path| arrays::write(path, &named, "filters"), json)
}

impl Work for &FeaturesArgs {
    type Found = (Drawn<Summary>, Named);

    fn on<B: Backend>(self, backend: &B) -> Result<Self::Found, Error> {
        let args = self;
        let source = Source::open(&args.model, &args.drawing, backend)?;
        let layers = Layers::new(args, &source.parameters)?;
        let filters = layers.filters(source.backend);
        let response = match args.index {
            Some(index) => Some(respond(args, &source, &layers, index)?),
            None => None,
        };
        let tile = source.tile(&args.drawing, None, layers.inputs)?;
        let colours = Colours::signed_of(&filters.values);
        let summary = Summary {
            model: args.model.display().to_string(),
            out: args.drawing.picture_name(),
            arrays: args.drawing.arrays_name(),
            layer: args.layer,
            units: filters.rows(),
            labels: layers.labels(&source)?,
            weight_max: if let Colours::Signed(largest) = colours { largest } else { 0.0 },
            response,
            tile: drawing::sides(tile),
        };
        let mut named = Named::from([("filters".to_owned(), drawing::array(&filters))]);
        if layers.label_weights.visible > 0 {
            named.insert("label_weights".to_owned(), drawing::array(&layers.label_weights));
        }
        if let Some(Response { sample, means, .. }) = &summary.response {
            named.insert("sample".to_owned(), Array::of_f32(&[sample.len()], sample));
            named.insert("hidden_means".to_owned(), Array::of_f32(&[means.len()], means));
        }
        let picture = args.drawing.picture(|| match &summary.response {
            Some(response) => responses(tile, &filters, response, colours),
            None => args.drawing.square(tile, filters.rows()).draw(filters.iter(), colours),
        });
        Ok((Drawn { words: words(&summary, colours), summary, picture }, named))
    }
}

impl Layers {
    fn new(args: &FeaturesArgs, parameters: &Parameters) -> Result<Self, Error> {
        let (mut affine, mut hidden): (Vec<_>, Vec<_>) = match parameters {
            Parameters::Dbn(dbn) => {
                let top = AffineParameters { weights: dbn.top.weights.clone(), bias: dbn.top.hidden_bias.clone() };
                dbn.below.iter().map(|stage| stage.recognition()).chain([(top, dbn.top.kinds.hidden)]).unzip()
            }
            Parameters::Classifier(net) => net.layers.iter().map(|layer| (layer.clone(), net.hidden)).unzip(),
        };
        let layer = usize::from(args.layer);
        if layer > affine.len() {
            let value = format!("{layer} (of {})", affine.len());
            return Err(Error::Flag { flag: "--layer", value, expected: "a hidden layer of the model" });
        }
        affine.truncate(layer);
        hidden.truncate(layer);
        let labels = match parameters {
            Parameters::Dbn(dbn) if layer > dbn.below.len() => dbn.top.kinds.units().map_or(0, |units| units.labels()),
            _ => 0,
        };
        // A label is no input: its weights stand behind the others of every unit.
        let mut label_weights = Batch { values: Vec::new(), visible: labels };
        if let Some(top) = affine.last_mut().filter(|_| labels > 0) {
            let inputs = top.inputs() - labels;
            let units = top.weights.chunks_exact(inputs + labels);
            label_weights.values = units.clone().flat_map(|unit| &unit[inputs..]).copied().collect();
            top.weights = units.flat_map(|unit| &unit[..inputs]).copied().collect();
        }
        let inputs = affine.first().map_or(0, AffineParameters::inputs);
        Ok(Self { affine, hidden, inputs, label_weights })
    }

    /// Names of the labels, or their numbers where the model has no names.
    fn labels<B: Backend>(&self, source: &Source<'_, B>) -> Result<Vec<String>, Error> {
        let names = source.file.fitted()?.classes;
        Ok((0..self.label_weights.visible).map(|y| names.get(y).cloned().unwrap_or_else(|| y.to_string())).collect())
    }

    /// A row for every unit of the last layer: its weights, through the layers below.
    fn filters<B: Backend>(&self, backend: &B) -> Batch {
        let Some((last, below)) = self.affine.split_last() else { return Batch::default() };
        let upload = |layer: &AffineParameters| backend.upload(layer.bias.len(), layer.inputs(), &layer.weights);
        let mut rows = upload(last);
        for layer in below.iter().rev() {
            let mut down = backend.zeros(0, 0);
            backend.affine(Direction::Down, &upload(layer), None, Link::Identity, &rows, &mut down);
            rows = down;
        }
        Batch { values: backend.download(&rows), visible: self.inputs }
    }

    /// Means of the last layer's units.
    fn means(&self, sample: &[f32]) -> Result<Vec<f32>, Error> {
        let mut values = sample.to_vec();
        for (layer, &hidden) in self.affine.iter().zip(&self.hidden) {
            let mut out = vec![0.0; layer.bias.len()];
            layer.view(hidden)?.probabilities(&values, &mut out)?;
            values = out;
        }
        Ok(values)
    }
}

fn respond<B: Backend>(
    args: &FeaturesArgs,
    source: &Source<'_, B>,
    layers: &Layers,
    index: u32,
) -> Result<Response, Error> {
    let dataset = source.open_data(&args.data)?;
    let split = dataset.measured();
    let samples = split.inputs.rows();
    if index as usize >= samples {
        let value = format!("{index} (of {samples} samples)");
        return Err(Error::Flag { flag: "--index", value, expected: "a sample of the test part, from 0" });
    }
    let batch = drawing::rows(&split.inputs, &[index])?;
    drawing::complete(&dataset, &batch)?;
    let means = layers.means(&batch.values)?;
    let of_labels = |unit| match layers.label_weights.visible {
        0 => Vec::new(),
        _ => layers.label_weights.row(unit).to_vec(),
    };
    let units = means.iter().copied().enumerate();
    let mut units: Vec<Unit> = units.map(|(unit, p)| Unit { unit, p, label_weights: of_labels(unit) }).collect();
    units.sort_by(|a, b| b.p.total_cmp(&a.p));
    let most = usize::from(args.most).min(units.len());
    let class = split.labels.get(index as usize).and_then(|&class| dataset.classes.get(usize::from(class)));
    Ok(Response {
        data: dataset.name.clone(),
        index,
        class: class.cloned(),
        most: units[..most].to_vec(),
        least: units.iter().rev().take(most).cloned().collect(),
        sample: batch.values,
        means,
    })
}

/// The sample, and beside it the units that respond most; below these, the least.
fn responses(tile: Tile, filters: &Batch, response: &Response, colours: Colours) -> Picture {
    let sample = (&response.sample[..], Colours::grey_of(&response.sample));
    let row = |units: &[Unit]| units.iter().map(|unit| (filters.row(unit.unit), colours)).collect::<Vec<_>>();
    let empty: (&[f32], Colours) = (&[], colours);
    let tiles = [vec![sample], row(&response.most), vec![empty], row(&response.least)].concat();
    Grid::rows_of(tile, response.most.len() + 1).draw_each(tiles.into_iter())
}

fn words(summary: &Summary, colours: Colours) -> String {
    let Summary { model, layer, units, tile: [width, height], .. } = summary;
    let mut text = format!(
        "{model}: weights of {units} hidden units of layer {layer}, {width} × {height} a tile; {}",
        colours.words()
    );
    if let Some(Response { data, index, class, most, least, .. }) = &summary.response {
        let class = class.as_ref().map_or_else(String::new, |class| format!(", class {class}"));
        text += &format!("\nsample {index} of {data}{class}");
        for (what, units) in [("most", most), ("least", least)] {
            let units: Vec<String> = units.iter().map(|Unit { unit, p, .. }| format!("{unit} (p {p:.4})")).collect();
            text += &format!("\n  respond {what}: {}", units.join(", "));
        }
        if !summary.labels.is_empty() {
            text += &label_table(&summary.labels, most.iter().chain(least));
        }
    }
    text
}

/// Weights to the labels, a unit a line.
fn label_table<'a>(labels: &[String], units: impl Iterator<Item = &'a Unit>) -> String {
    let width = labels.iter().map(|label| label.chars().count()).fold(6, usize::max);
    let line = |head: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.map(|cell| format!("  {cell:>width$}")).collect();
        format!("\n  {head:>6}{cells}")
    };
    let mut table = "\n  weights to the labels:".to_owned();
    table += &line("unit", &mut labels.iter().cloned());
    for Unit { unit, label_weights, .. } in units {
        table += &line(&unit.to_string(), &mut label_weights.iter().map(|weight| format!("{weight:.3}")));
    }
    table
}
