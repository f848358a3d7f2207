//! From raw inputs to the values that the first layer takes, as [`ebm_core::Model::values`] has them.

use super::graph::{Graph, Value};
use ebm_core::format::{Header, Input, Scaling};

/// The values of `raw`, of which a sample has `inputs`.
pub(super) fn values(graph: &mut Graph, header: &Header<'_>, raw: &Value, inputs: usize) -> Value {
    let values = match (header.input, header.scaling) {
        (Input::Levels { max }, _) => {
            let (off, on) = (graph.floats("levels.min", &[], &[0.0]), graph.floats("levels.max", &[], &[max.into()]));
            let held = graph.apply("Clip", &[raw, &off, &on], "levels");
            graph.apply("Div", &[&held, &on], "values")
        }
        (Input::Binary { threshold }, _) => return above(graph, raw, threshold.into()),
        (Input::Scaled { .. }, Some(Scaling::Float { offsets, scales })) => {
            // The steps of a window repeat the channels.
            let mut a_sample = |name: &str, channels: &[f32]| {
                let repeated: Vec<f32> = channels.iter().copied().cycle().take(inputs).collect();
                graph.floats(name, &[inputs], &repeated)
            };
            let (offsets, scales) = (a_sample("scaling.offsets", offsets), a_sample("scaling.scales", scales));
            let moved = graph.apply("Sub", &[raw, &offsets], "moved");
            graph.apply("Mul", &[&moved, &scales], "values")
        }
        _ => raw.clone(),
    };
    match header.presentation.training.threshold() {
        // Levels that are compared with a threshold are `Binary` already.
        Some(threshold) if !matches!(header.input, Input::Levels { .. }) => above(graph, &values, threshold),
        _ => values,
    }
}

/// 1 above the threshold, else 0; what is no number stays none.
fn above(graph: &mut Graph, values: &Value, threshold: f32) -> Value {
    /// `TensorProto.DataType.FLOAT`.
    const FLOAT: i64 = 1;
    let threshold = graph.floats("threshold", &[], &[threshold]);
    let is_on = graph.apply("Greater", &[values, &threshold], "is_on");
    let bits = graph.apply_with("Cast", &[&is_on], "bits", &[("to", FLOAT)]);
    let is_missing = graph.apply("IsNaN", &[values], "is_missing");
    graph.apply("Where", &[&is_missing, values, &bits], "binary")
}
