//! A model as an ONNX file, for onnxruntime and whatever else reads these.
//!
//! | name | elements | what |
//! |---|---|---|
//! | `input` | float32 `[batch, inputs]` | raw inputs, as a sensor or a file gives them: the model's scaling and threshold are in the graph |
//! | `probabilities` | float32 `[batch, classes]` | of the classes, by a head or a ClassRBM |
//! | `label` | int64 `[batch]` | the most probable class, from 0; the lowest among equals |
//! | `hidden_probs` | float32 `[batch, hidden]` | of a model without classes: means of the top machine's hidden units, by the recognition pass |
//! | `free_energy` | float32 `[batch]` | in nats, under the machine over the inputs; above `novelty_threshold_nats` an input counts as novel |
//!
//! A graph answers as a device does ([`Model::values`], [`Model::scores`], [`Model::free_energy`]) but for the order of its sums and the rounding of
//! its functions: to within 1e-5 in a probability, and 1e-5 of the largest sum in a free energy. Of an input that is no number the probabilities and the
//! free energy are none either; the label then says nothing.

mod energy;
mod graph;
mod input;
mod protobuf;

pub use graph::{BATCH, Port};

use super::ModelFile;
use super::model_file::TOOL;
use crate::Error;
use crate::data::{Binarisation, Preprocessing};
use crate::eval::novelty::threshold_nats;
use ebm_core::format::{Header, Layer, NumberFormat};
use ebm_core::{Activation, Affine, Float, HiddenKind, Machine, Model};
use graph::{Element, Graph, Value};
use protobuf::Message;

/// The version of the operators, of 2020: what has read ONNX since then reads this.
pub const OPSET: i64 = 13;
/// The version of the file format that came with it.
pub const IR_VERSION: i64 = 7;

/// A model as ONNX.
pub struct Onnx {
    /// The file.
    pub bytes: Vec<u8>,
    /// What the graph takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// Why it gives no free energy, where the model has one.
    pub left_out: Option<&'static str>,
}

/// Why a machine of rectified units gives no free energy.
const NO_FREE_ENERGY: &str =
    "free_energy is left out: the machine's hidden units are rectified, and ONNX has no operator of their free energy";

/// The graph of a model in f32. Fails when it holds integers, when it goes up through rectified units of a machine, whose means ONNX has no operator for, and
/// when it is larger than a file of ONNX can be.
pub fn to_onnx(file: &ModelFile) -> Result<Onnx, Error> {
    let model = file.model()?;
    if model.layer_headers().any(|layer| layer.numbers != NumberFormat::F32) {
        return Err(file.holds_integers());
    }
    let refused = |problem: String| Error::data(&file.path().display().to_string(), problem);
    let header = model.header();
    let mut graph = Graph::default();
    let raw = graph.input("input", Element::Float, &[model.inputs()]);
    let values = input::values(&mut graph, &header, &raw, model.inputs());
    let scores = recognition(&mut graph, &model, &values).map_err(refused)?;
    let left_out = free_energy(&mut graph, &model, &values, scores.as_ref());
    let [inputs, outputs] = graph.ports();
    let novelty = header.novelty.filter(|_| left_out.is_none());
    let metadata = metadata(&Header { novelty, ..header });
    let bytes = Message::default()
        .number(1, IR_VERSION)
        .text(2, env!("CARGO_PKG_NAME"))
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, &graph.message("model"))
        .message(8, &Message::default().text(1, "").number(2, OPSET))
        .messages(14, &metadata)
        .into_bytes();
    if bytes.len() > i32::MAX as usize {
        return Err(refused("is larger than the 2 GiB that one file of ONNX holds; export it as npz".to_owned()));
    }
    Ok(Onnx { bytes, inputs, outputs, left_out })
}

/// The way up from the values to what the model gives, and the classes' scores where it has classes. Fails at units that ONNX has no operator for.
fn recognition(graph: &mut Graph, model: &Model<'_>, values: &Value) -> Result<Option<Value>, String> {
    let mut below = values.clone();
    for index in model.first_hidden()..model.layers() {
        // As the arrays are called, which do not count the machine beside the stack.
        let prefix = format!("layer{}", index - model.first_hidden());
        let up = match model.layer(index) {
            Some(Layer::Head(head)) => {
                let scores = affine(graph, &head, &below, "head", "scores");
                return Ok(Some(classes(graph, scores, head.outputs())));
            }
            Some(Layer::Rbm(rbm)) if rbm.labels() > 0 => {
                if rbm.units().hidden() != HiddenKind::Bernoulli {
                    return Err(no_means(index));
                }
                let scores = energy::class_scores(graph, &rbm, &below, "scores");
                return Ok(Some(classes(graph, scores, rbm.labels())));
            }
            _ => model.hidden_layer::<Float>(index).map_err(|error| error.to_string())?,
        };
        let operator = match up.activation() {
            Activation::Mean(HiddenKind::Bernoulli) => "Sigmoid",
            Activation::Rectifier => "Relu",
            Activation::Mean(HiddenKind::Relu) => return Err(no_means(index)),
        };
        let is_last = index + 1 == model.layers();
        let fields = affine(graph, &up, &below, &prefix, &format!("{prefix}.fields"));
        below = graph.apply(operator, &[&fields], if is_last { "hidden_probs" } else { &prefix });
        if is_last {
            graph.output(&below, Element::Float, &[up.outputs()]);
        }
    }
    Ok(None)
}

fn no_means(layer: usize) -> String {
    format!(
        "the hidden units of layer {layer} are a machine's rectified ones, whose means and free energies ONNX has no operator for: export npz, or fine-tune \
         a classifier of it, whose rectifiers it has"
    )
}

/// `b + Wᵀx`, called `name`, of weights and bias named by `prefix`.
fn affine(graph: &mut Graph, map: &Affine<'_>, below: &Value, prefix: &str, name: &str) -> Value {
    // As they lie in the file: an output's are contiguous.
    let weights = graph.floats(&format!("{prefix}.weights"), &[map.outputs(), map.inputs()], map.weights());
    let bias = graph.floats(&format!("{prefix}.bias"), &[map.outputs()], map.bias());
    graph.apply_with("Gemm", &[below, &weights, &bias], name, &[("transB", 1)])
}

/// What comes out of the classes' scores, which are returned.
fn classes(graph: &mut Graph, scores: Value, classes: usize) -> Value {
    let probabilities = graph.apply_with("Softmax", &[&scores], "probabilities", &[("axis", 1)]);
    graph.output(&probabilities, Element::Float, &[classes]);
    let label = graph.apply_with("ArgMax", &[&scores], "label", &[("axis", 1), ("keepdims", 0)]);
    graph.output(&label, Element::Int64, &[]);
    scores
}

/// The free energy of the machine over the inputs, where there is one. Why not, where ONNX cannot say it.
fn free_energy(graph: &mut Graph, model: &Model<'_>, values: &Value, scores: Option<&Value>) -> Option<&'static str> {
    let machine = model.machine::<Float>().ok()?;
    if machine.units().hidden() != HiddenKind::Bernoulli {
        return Some(NO_FREE_ENERGY);
    }
    let energy = match scores {
        Some(scores) if machine.labels() > 0 => {
            energy::free_energy_of_inputs(graph, &machine, values, scores, "free_energy")
        }
        _ => energy::free_energy(graph, &machine, values, "free_energy"),
    };
    graph.output(&energy, Element::Float, &[]);
    None
}

/// What the file says beside its numbers, as `StringStringEntryProto`s.
fn metadata(header: &Header<'_>) -> Vec<Message> {
    let classes: Vec<&str> = header.labels.split('\n').filter(|class| !class.is_empty()).collect();
    let binarisation = match header.presentation.training {
        threshold @ Binarisation::Threshold { .. } => threshold,
        // Draws are the caller's: grey levels stand as probabilities.
        _ => Binarisation::None,
    };
    let scaling = header.scaling.as_ref().map(super::read::scaling_in_numbers);
    let preprocessing = Preprocessing { input: header.input, scaling, binarisation };
    let mut entries = vec![("inputs", preprocessing.describe()), ("tool", TOOL.to_owned())];
    if !classes.is_empty() {
        entries.push(("classes", serde_json::Value::from(classes).to_string()));
    }
    if let Some(novelty) = header.novelty {
        entries.push(("novelty_threshold_nats", threshold_nats(&novelty).to_string()));
        entries.push(("novelty_quantile", novelty.quantile.to_string()));
    }
    if !header.provenance.dataset.is_empty() {
        entries.push(("dataset", header.provenance.dataset.to_owned()));
    }
    entries.iter().map(|(key, value)| Message::default().text(1, key).text(2, value)).collect()
}
