// Optimisers' steps: x is the parameter, a its gradient, y and z its moments. n: numbers.

// s: learning rate, momentum.
@compute @workgroup_size(256)
fn momentum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if i < p.n.x {
        y[i] = p.s.y * y[i] + a[i];
        x[i] -= p.s.x * y[i];
    }
}

// s: learning rate, β₁, β₂, ε. t: the corrections of both moments.
@compute @workgroup_size(256)
fn adam(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if i < p.n.x {
        y[i] = p.s.y * y[i] + (1.0 - p.s.y) * a[i];
        z[i] = p.s.z * z[i] + (1.0 - p.s.z) * a[i] * a[i];
        x[i] -= p.s.x * (y[i] * p.t.x) / (sqrt(z[i] * p.t.y) + p.s.w);
    }
}
