//! A model as named arrays, for NumPy and others, and back.
//!
//! | model | arrays |
//! |---|---|
//! | machine | `weights`, `visible_bias`, `hidden_bias` |
//! | deep belief network | the same for every layer from the input up: `layer0.weights`, … |
//! | layer that up-down fine-tuning has trained | `layer0.weights` and `layer0.hidden_bias` go up; `layer0.generative_weights` and `layer0.visible_bias` go down |
//! | classifier | `layer0.weights`, `layer0.hidden_bias`, …; `head.weights`, `head.bias`; the machine beside them `machine.weights`, … |
//!
//! All are float32, rows first (C order). Weights are visible × hidden, or inputs × outputs: `v @ weights + hidden_bias` goes up. Beside them `sigma`
//! holds the `σ` of every Gaussian unit, `scaling.offsets` and `scaling.scales` how raw inputs are scaled, and `metadata` a JSON text with all else that
//! the file says: kinds of units, class names, the novelty threshold, where the model comes from.

use super::{ModelFile, TOOL, encoded};
use crate::Error;
use crate::arrays::{Array, Element, Named};
use crate::parameters::{
    AffineParameters, ClassifierParameters, DbnParameters, Parameters, RbmParameters, Stage, UnitKinds,
};
use ebm_core::format::{Header, Presentation, Provenance, Scaling};
use ebm_core::{Block, HiddenKind, VisibleKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

const METADATA: &str = "metadata";
const OFFSETS: &str = "scaling.offsets";
const SCALES: &str = "scaling.scales";
const KINDS: [(&str, VisibleKind); 4] = [
    ("bernoulli", VisibleKind::Bernoulli),
    ("gaussian", VisibleKind::Gaussian),
    ("softmax", VisibleKind::Softmax),
    ("label", VisibleKind::Label),
];

/// What no array of numbers says.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Metadata {
    /// Kinds of a machine's units by the beginning of its arrays' names.
    units: BTreeMap<String, Kinds>,
    /// [`Header`].
    header: Value,
    /// What a header says beside its fields since version 3.
    presentation: Presentation,
}

#[derive(Default, Serialize, Deserialize)]
struct Kinds {
    /// Kind and number of units of every block; none where all are Bernoulli.
    visible: Vec<(String, u32)>,
    hidden: HiddenKind,
}

/// The arrays of a model. Fails when it holds integers.
pub fn to_arrays(file: &ModelFile) -> Result<Named, Error> {
    let model = file.model()?;
    let mut arrays = Arrays::default();
    match file.parameters()? {
        Parameters::Dbn(DbnParameters { below, top }) if below.is_empty() => arrays.put_machine("", &top),
        Parameters::Dbn(DbnParameters { below, top }) => {
            for (index, stage) in below.iter().enumerate() {
                let prefix = format!("layer{index}.");
                arrays.put_machine(&prefix, stage.generative());
                if let Stage::Directed { recognition, generative } = stage {
                    let generative_name = format!("{prefix}generative_weights");
                    arrays.put_weights(generative_name, &generative.weights, generative.visible_bias.len());
                    arrays.put_affine(&prefix, "hidden_bias", recognition);
                }
            }
            arrays.put_machine(&format!("layer{}.", below.len()), &top);
        }
        Parameters::Classifier(ClassifierParameters { machine, layers, hidden, head }) => {
            if let Some(machine) = &machine {
                arrays.put_machine("machine.", machine);
            }
            for (index, layer) in layers.iter().enumerate() {
                let prefix = format!("layer{index}.");
                arrays.put_affine(&prefix, "hidden_bias", layer);
                arrays.metadata.units.insert(prefix, Kinds { visible: Vec::new(), hidden });
            }
            arrays.put_affine("head.", "bias", &head);
        }
    }
    let json = |error: serde_json::Error| Error::data(&file.path().display().to_string(), error.to_string());
    arrays.metadata.presentation = model.header().presentation;
    if let Some(Scaling::Float { offsets, scales }) = model.header().scaling {
        arrays.put_vector(OFFSETS.to_owned(), offsets);
        arrays.put_vector(SCALES.to_owned(), scales);
    }
    arrays.metadata.header = serde_json::to_value(model.header()).map_err(json)?;
    let metadata = serde_json::to_string(&arrays.metadata).map_err(json)?;
    arrays.named.insert(METADATA.to_owned(), Array::of_text(&metadata));
    Ok(arrays.named)
}

#[derive(Default)]
struct Arrays {
    named: Named,
    metadata: Metadata,
}

impl Arrays {
    /// `inputs` × outputs, of weights whose outputs' are contiguous.
    fn put_weights(&mut self, name: String, weights: &[f32], inputs: usize) {
        let outputs = weights.len() / inputs.max(1);
        self.named.insert(name, Array::of_f32(&[inputs, outputs], &transposed(weights, outputs, inputs)));
    }

    fn put_vector(&mut self, name: String, values: &[f32]) {
        self.named.insert(name, Array::of_f32(&[values.len()], values));
    }

    fn put_affine(&mut self, prefix: &str, bias: &str, affine: &AffineParameters) {
        self.put_weights(format!("{prefix}weights"), &affine.weights, affine.inputs());
        self.put_vector(format!("{prefix}{bias}"), &affine.bias);
    }

    fn put_machine(&mut self, prefix: &str, rbm: &RbmParameters) {
        self.put_weights(format!("{prefix}weights"), &rbm.weights, rbm.visible_bias.len());
        self.put_vector(format!("{prefix}visible_bias"), &rbm.visible_bias);
        self.put_vector(format!("{prefix}hidden_bias"), &rbm.hidden_bias);
        if !rbm.kinds.sigma.is_empty() {
            self.put_vector(format!("{prefix}sigma"), &rbm.kinds.sigma);
        }
        let name = |block: &Block| KINDS.iter().find(|(_, kind)| Some(*kind) == block.kind()).map(|(name, _)| *name);
        let visible = rbm.kinds.blocks.iter().filter_map(|block| Some((name(block)?.to_owned(), block.units() as u32)));
        let kinds = Kinds { visible: visible.collect(), hidden: rbm.kinds.hidden };
        self.metadata.units.insert(prefix.to_owned(), kinds);
    }
}

/// Is this the naming of [`to_arrays`]?
pub fn is_ours(arrays: &Named) -> bool {
    ["weights", "layer0.weights"].iter().any(|name| arrays.contains_key(*name))
        && ["visible_bias", "layer0.hidden_bias"].iter().any(|name| arrays.contains_key(*name))
}

/// The model of these arrays, bit for bit what [`to_arrays`] took apart; without `metadata` all units are Bernoulli and nothing is known of the
/// inputs. Fails when arrays are missing or do not fit each other, naming the file `name` and the array.
pub fn from_arrays(name: &str, arrays: &Named) -> Result<ModelFile, Error> {
    let text = arrays.get(METADATA).and_then(Array::to_texts).and_then(|texts| texts.into_iter().next());
    let metadata: Metadata = match &text {
        Some(text) => {
            serde_json::from_str(text).map_err(|error| Error::data(name, format!("its `{METADATA}`: {error}")))?
        }
        None => Metadata::default(),
    };
    let source = Source { name, arrays, units: &metadata.units };
    let mut header = match &metadata.header {
        Value::Null => Header::default(),
        header => Header::deserialize(header).map_err(|error| Error::data(name, format!("its header: {error}")))?,
    };
    header.presentation = metadata.presentation;
    let (offsets, scales);
    if arrays.contains_key(OFFSETS) {
        (offsets, scales) = (source.vector(OFFSETS)?, source.vector(SCALES)?);
        header.scaling = Some(Scaling::Float { offsets: &offsets, scales: &scales });
    }
    encoded(&header, &source.parameters()?.layers()?)
}

/// A file of parameters of which nothing has been measured: without a novelty threshold, its inputs as they are. Its provenance names `source`.
/// Fails when lengths do not fit each other, or the format has no such model.
pub fn unmeasured_file(parameters: &Parameters, source: &str) -> Result<ModelFile, Error> {
    let provenance = Provenance { dataset: source, tool: TOOL, ..Provenance::default() };
    encoded(&Header { provenance, ..Header::default() }, &parameters.layers()?)
}

/// Arrays, and how errors call the file that they are from.
struct Source<'a> {
    name: &'a str,
    arrays: &'a Named,
    units: &'a BTreeMap<String, Kinds>,
}

impl Source<'_> {
    fn parameters(&self) -> Result<Parameters, Error> {
        let layers = (0..).take_while(|index| self.arrays.contains_key(&format!("layer{index}.weights"))).count();
        let prefixes: Vec<String> = (0..layers).map(|index| format!("layer{index}.")).collect();
        if self.arrays.contains_key("head.weights") {
            let machine = self.arrays.contains_key("machine.weights").then(|| self.machine("machine."));
            let layers = prefixes.iter().map(|prefix| self.affine(prefix, "hidden_bias")).collect::<Result<_, _>>()?;
            let hidden = self.units.get("layer0.").map_or(HiddenKind::Bernoulli, |kinds| kinds.hidden);
            let head = self.affine("head.", "bias")?;
            return Ok(Parameters::Classifier(ClassifierParameters {
                machine: machine.transpose()?,
                layers,
                hidden,
                head,
            }));
        }
        let Some((top, below)) = prefixes.split_last() else {
            return Ok(Parameters::Dbn(DbnParameters { below: Vec::new(), top: self.machine("")? }));
        };
        let below = below.iter().map(|prefix| self.stage(prefix)).collect::<Result<_, _>>()?;
        Ok(Parameters::Dbn(DbnParameters { below, top: self.machine(top)? }))
    }

    fn stage(&self, prefix: &str) -> Result<Stage, Error> {
        let mut rbm = self.machine(prefix)?;
        let generative = format!("{prefix}generative_weights");
        if !self.arrays.contains_key(&generative) {
            return Ok(Stage::Tied(rbm));
        }
        let recognition = self.affine(prefix, "hidden_bias")?;
        rbm.weights = self.weights(&generative, rbm.visible_bias.len(), rbm.hidden_bias.len())?;
        Ok(Stage::Directed { recognition, generative: rbm })
    }

    fn machine(&self, prefix: &str) -> Result<RbmParameters, Error> {
        let [visible_bias, hidden_bias] =
            ["visible_bias", "hidden_bias"].map(|name| self.vector(&format!("{prefix}{name}")));
        let (visible_bias, hidden_bias) = (visible_bias?, hidden_bias?);
        let weights = self.weights(&format!("{prefix}weights"), visible_bias.len(), hidden_bias.len())?;
        let sigma = format!("{prefix}sigma");
        let sigma = if self.arrays.contains_key(&sigma) { self.vector(&sigma)? } else { Vec::new() };
        let mut kinds = UnitKinds { sigma, ..UnitKinds::default() };
        if let Some(noted) = self.units.get(prefix) {
            kinds.hidden = noted.hidden;
            for (name, units) in &noted.visible {
                let Some((_, kind)) = KINDS.iter().find(|(known, _)| known == name) else {
                    return Err(Error::data(self.name, format!("its `{METADATA}` names units of kind `{name}`")));
                };
                kinds.blocks.push(Block::new(*kind, *units));
            }
        }
        let machine = RbmParameters { weights, visible_bias, hidden_bias, kinds };
        machine.view().map_err(|error| Error::data(self.name, format!("the machine `{prefix}…`: {error}")))?;
        Ok(machine)
    }

    fn affine(&self, prefix: &str, bias: &str) -> Result<AffineParameters, Error> {
        let bias = self.vector(&format!("{prefix}{bias}"))?;
        let name = format!("{prefix}weights");
        let inputs = self.array(&name)?.shape.first().copied().unwrap_or(0);
        Ok(AffineParameters { weights: self.weights(&name, inputs, bias.len())?, bias })
    }

    fn array(&self, name: &str) -> Result<&Array, Error> {
        self.arrays.get(name).ok_or_else(|| Error::data(self.name, format!("has no array `{name}`")))
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, Error> {
        vector(self.name, name, self.array(name)?)
    }

    fn weights(&self, name: &str, inputs: usize, outputs: usize) -> Result<Vec<f32>, Error> {
        let array = self.array(name)?;
        if array.shape != [inputs, outputs] {
            let problem = format!("array `{name}` is {:?}; its biases make it [{inputs}, {outputs}]", array.shape);
            return Err(Error::data(self.name, problem));
        }
        Ok(transposed(&numbers(self.name, name, array)?, inputs, outputs))
    }
}

/// The numbers of an array of one dimension, or of one that is longer than 1.
pub(super) fn vector(file: &str, name: &str, array: &Array) -> Result<Vec<f32>, Error> {
    if array.shape.iter().filter(|&&size| size != 1).count() > 1 || array.shape.is_empty() {
        return Err(Error::data(file, format!("array `{name}` is {:?}; a row of numbers is expected", array.shape)));
    }
    numbers(file, name, array)
}

/// An array as f32. Fails when it holds text, or a number past f32's.
pub(super) fn numbers(file: &str, name: &str, array: &Array) -> Result<Vec<f32>, Error> {
    let wrong = |what: String| Error::data(file, format!("array `{name}` {what}"));
    let values = array.to_f32().ok_or_else(|| wrong(format!("holds {}; numbers are expected", array.element)))?;
    match values.iter().position(|value| !value.is_finite()) {
        Some(place) if array.element == Element::F64 => {
            Err(wrong(format!("holds a number at place {place} that is not finite in single precision")))
        }
        Some(place) => Err(wrong(format!("holds {} at place {place}", values[place]))),
        None => Ok(values),
    }
}

/// `columns` × `rows` of a matrix of `rows` × `columns`.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}
