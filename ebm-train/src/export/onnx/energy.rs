//! Free energies of a machine of Bernoulli hidden units, and what a ClassRBM makes of them: [`ebm_core::kernel::float::free_energy`],
//! [`ebm_core::kernel::float::class_scores`].

use super::graph::{Graph, Value};
use ebm_core::{Machine, RbmView, VisibleKind};

/// `Σ_i U_i(v_i)` of the units that are no labels, one a sample.
fn visible_energy(graph: &mut Graph, rbm: &RbmView<'_>, values: &Value) -> Value {
    let inputs = rbm.inputs();
    let bias = rbm.visible_bias();
    // Units of the other kind count 0, so that one product serves a layer of both.
    let (mut linear, mut half, mut sigmas) = (bias[..inputs].to_vec(), vec![0.0; inputs], vec![1.0; inputs]);
    let (mut start, mut deviations) = (0, rbm.units().sigma());
    for block in rbm.units().blocks() {
        let units = start..start + block.units();
        start = units.end;
        if block.kind() == Some(VisibleKind::Gaussian) {
            let (of_block, others) = deviations.split_at(units.len());
            deviations = others;
            linear[units.clone()].fill(0.0);
            half[units.clone()].fill(0.5);
            sigmas[units].copy_from_slice(of_block);
        }
    }
    let linear = graph.floats("machine.linear", &[inputs], &linear);
    let of_linear = graph.apply("MatMul", &[values, &linear], "machine.of_linear");
    if half.iter().all(|&half| half == 0.0) {
        return graph.apply("Neg", &[&of_linear], "machine.of_visible");
    }
    let means = graph.floats("machine.means", &[inputs], &bias[..inputs]);
    let (sigmas, half) =
        (graph.floats("machine.sigma", &[inputs], &sigmas), graph.floats("machine.half", &[inputs], &half));
    let distance = graph.apply("Sub", &[values, &means], "machine.distance");
    let deviation = graph.apply("Div", &[&distance, &sigmas], "machine.deviation");
    let squares = graph.apply("Mul", &[&deviation, &deviation], "machine.squares");
    let of_gaussian = graph.apply("MatMul", &[&squares, &half], "machine.of_gaussian");
    graph.apply("Sub", &[&of_gaussian, &of_linear], "machine.of_visible")
}

/// `F(v) = Σ_i U_i(v_i) − Σ_j softplus(b_j + Σ_i v_i·W_ij)` of a machine without labels, one a sample in nats; called `name`.
pub(super) fn free_energy(graph: &mut Graph, rbm: &RbmView<'_>, values: &Value, name: &str) -> Value {
    let up = rbm.up();
    let weights = graph.floats("machine.weights", &[up.outputs(), up.inputs()], up.weights());
    let bias = graph.floats("machine.hidden_bias", &[up.outputs()], up.bias());
    let fields = graph.apply_with("Gemm", &[values, &weights, &bias], "machine.fields", &[("transB", 1)]);
    let terms = graph.apply("Softplus", &[&fields], "machine.terms");
    let units = graph.integers("machine.units", &[1], &[1]);
    let of_hidden = graph.apply_with("ReduceSum", &[&terms, &units], "machine.of_hidden", &[("keepdims", 0)]);
    let of_visible = visible_energy(graph, rbm, values);
    graph.apply("Sub", &[&of_visible, &of_hidden], name)
}

/// The classes' scores of a ClassRBM but for what all of them have alike: `d_y + Σ_j softplus(b_j + Σ_i x_i·W_ij + W_yj)`, called `name`.
pub(super) fn class_scores(graph: &mut Graph, rbm: &RbmView<'_>, inputs: &Value, name: &str) -> Value {
    let (up, first, classes) = (rbm.up(), rbm.inputs(), rbm.labels());
    let columns = || up.weights().chunks_exact(up.inputs());
    let of_inputs: Vec<f32> = columns().flat_map(|column| &column[..first]).copied().collect();
    let of_classes: Vec<f32> =
        (first..up.inputs()).flat_map(|class| columns().map(move |column| column[class])).collect();
    let weights = graph.floats("class.weights", &[up.outputs(), first], &of_inputs);
    let class_weights = graph.floats("class.label_weights", &[classes, up.outputs()], &of_classes);
    let bias = graph.floats("class.hidden_bias", &[up.outputs()], up.bias());
    let class_bias = graph.floats("class.label_bias", &[classes], &rbm.visible_bias()[first..]);
    let fields = graph.apply_with("Gemm", &[inputs, &weights, &bias], "class.fields", &[("transB", 1)]);
    let middle = graph.integers("class.middle", &[1], &[1]);
    let alike = graph.apply("Unsqueeze", &[&fields, &middle], "class.alike");
    let of_each = graph.apply("Add", &[&alike, &class_weights], "class.of_each");
    let terms = graph.apply("Softplus", &[&of_each], "class.terms");
    let units = graph.integers("class.units", &[1], &[2]);
    let sums = graph.apply_with("ReduceSum", &[&terms, &units], "class.sums", &[("keepdims", 0)]);
    graph.apply("Add", &[&sums, &class_bias], name)
}

/// `F(x) = Σ_i U_i(x_i) − ln Σ_y e^(score_y)`, one a sample in nats, of [`class_scores`]; called `name`.
pub(super) fn free_energy_of_inputs(
    graph: &mut Graph,
    rbm: &RbmView<'_>,
    inputs: &Value,
    scores: &Value,
    name: &str,
) -> Value {
    // ln Σ e^s = s_y − ln softmax(s)_y for every y: an operator for it takes its axes otherwise from one version of ONNX to the next.
    let log_shares = graph.apply_with("LogSoftmax", &[scores], "class.log_shares", &[("axis", 1)]);
    let sums = graph.apply("Sub", &[scores, &log_shares], "class.log_sums");
    let first = graph.integers("class.first", &[], &[0]);
    let of_classes = graph.apply_with("Gather", &[&sums, &first], "class.log_sum", &[("axis", 1)]);
    let of_visible = visible_energy(graph, rbm, inputs);
    graph.apply("Sub", &[&of_visible, &of_classes], name)
}
