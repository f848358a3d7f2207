// Numbers to 16 bits and back, for the products of states.wgsl. n: rows and columns of what is not padded, columns of what is, and its numbers.

@group(0) @binding(2) var<storage, read> packed: array<f16>;
@group(0) @binding(6) var<storage, read_write> packing: array<f16>;

// States a, padded.
@compute @workgroup_size(GROUP)
fn pack(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    if number < p.n.w {
        packing[number] = f16(padded(number));
    }
}

// x = states without what pads them.
@compute @workgroup_size(GROUP)
fn unpack(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    if number < p.n.x * p.n.y {
        x[number] = f32(packed[number / p.n.y * p.n.z + number % p.n.y]);
    }
}

// Weights a, multiples of the quantum b, as whole numbers 256·high + low: the high parts, padded, then the low ones.
@compute @workgroup_size(GROUP)
fn split(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    if number < p.n.w {
        let quanta = padded(number) / b[0];
        let high = floor(quanta / 256.0);
        packing[number] = f16(high);
        packing[p.n.w + number] = f16(quanta - 256.0 * high);
    }
}

// Number of a, or zero where it is padding.
fn padded(number: u32) -> f32 {
    let row = number / p.n.z;
    let column = number % p.n.z;
    if row >= p.n.x || column >= p.n.y {
        return 0.0;
    }
    return a[row * p.n.y + column];
}
