// What happens to every number by itself. n: numbers, columns, kind or link. s: numbers that each kernel names.

fn in_use(number: u32) -> bool {
    return number < p.n.x;
}

// x += s.x·a
@compute @workgroup_size(256)
fn add_scaled(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if in_use(i) {
        x[i] += p.s.x * a[i];
    }
}

// x += s.x·sign(a), the sign of 0 being 0
@compute @workgroup_size(256)
fn add_signs(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if in_use(i) {
        x[i] += p.s.x * sign(a[i]);
    }
}

// x = s.x·x + s.y·a of the column; n.z: there is an a
@compute @workgroup_size(256)
fn rescale(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if !in_use(i) {
        return;
    }
    var value = p.s.x * x[i];
    if p.n.z != 0u {
        value += p.s.y * a[i % p.n.y];
    }
    x[i] = value;
}

// x *= a of the column
@compute @workgroup_size(256)
fn multiply_columns(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if in_use(i) {
        x[i] *= a[i % p.n.y];
    }
}

// x *= a of the row
@compute @workgroup_size(256)
fn multiply_rows(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if in_use(i) {
        x[i] *= a[i / p.n.y];
    }
}

// x = a where b marks
@compute @workgroup_size(256)
fn put_marked(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if in_use(i) && b[i] != 0.0 {
        x[i] = a[i];
    }
}

// x = a, or b where that is missing
@compute @workgroup_size(256)
fn fill_missing(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if !in_use(i) {
        return;
    }
    if is_nan(a[i]) {
        x[i] = b[i];
    } else {
        x[i] = a[i];
    }
}

// Fields x of hidden units of kind n.z to means
@compute @workgroup_size(256)
fn hidden_means(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if in_use(i) {
        x[i] = mean(p.n.z, x[i]);
    }
}

// Derivatives x back through units of link n.z whose outputs are a; s.x: share that dropout keeps
@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if !in_use(i) {
        return;
    }
    if p.n.z == SIGMOID {
        x[i] *= a[i] * (1.0 - p.s.x * a[i]);
    } else if p.n.z == RECTIFIER {
        x[i] = select(0.0, x[i] / p.s.x, a[i] > 0.0);
    }
}
