// Weights rounded to 16 bits: a are the weights, n.x of them.

var<workgroup> parts: array<f32, GROUP>;

fn largest_of(part: f32, local: u32) -> f32 {
    parts[local] = part;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        if local < half {
            parts[local] = max(parts[local], parts[local + half]);
        }
        workgroupBarrier();
    }
    return parts[0];
}

// x (GROUP numbers) = largest sizes of parts of the weights.
@compute @workgroup_size(GROUP)
fn largest(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var part = 0.0;
    for (var i = id.x * GROUP + local; i < p.n.x; i += GROUP * GROUP) {
        part = max(part, abs(a[i]));
    }
    let all = largest_of(part, local);
    if local == 0u {
        x[id.x] = all;
    }
}

// x = the weights in multiples of a quantum, the power of two of which the largest of b has from 2¹⁴ to 2¹⁵; y = the quantum.
@compute @workgroup_size(GROUP)
fn round_weights(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let all = clamp(largest_of(b[local], local), bitcast<f32>(SMALLEST), 3.4028234e38);
    let quantum = bitcast<f32>(bitcast<u32>(all) & 0x7f800000u) / 16384.0;
    let i = thread(id, groups);
    if i == 0u {
        y[0] = quantum;
    }
    if i < p.n.x {
        // 1 / quantum is a power of two as well, so nothing is lost; `round` takes ties to even.
        x[i] = clamp(round(a[i] / quantum), -32767.0, 32767.0) * quantum;
    }
}
