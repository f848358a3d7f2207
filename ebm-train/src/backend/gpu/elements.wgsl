// What happens to every number by itself: every function makes number i of x. n: numbers, columns, kind or link. s: numbers that each names.

// x + s.x·a
fn add_scaled(i: u32) -> f32 {
    return x[i] + p.s.x * a[i];
}

// x + s.x·sign(a), the sign of 0 being 0
fn add_signs(i: u32) -> f32 {
    return x[i] + p.s.x * sign(a[i]);
}

// s.x·x + s.y·a of the column; n.z: there is an a
fn rescale(i: u32) -> f32 {
    if p.n.z == 0u {
        return p.s.x * x[i];
    }
    return p.s.x * x[i] + p.s.y * a[i % p.n.y];
}

// x·a of the column
fn multiply_columns(i: u32) -> f32 {
    return x[i] * a[i % p.n.y];
}

// x·a of the row
fn multiply_rows(i: u32) -> f32 {
    return x[i] * a[i / p.n.y];
}

// a where b marks, else x
fn put_marked(i: u32) -> f32 {
    if b[i] != 0.0 {
        return a[i];
    }
    return x[i];
}

// a, or b where that is missing
fn fill_missing(i: u32) -> f32 {
    if is_nan(a[i]) {
        return b[i];
    }
    return a[i];
}

// Mean of a hidden unit of kind n.z and field x
fn hidden_means(i: u32) -> f32 {
    return mean(p.n.z, x[i]);
}

// Derivative x back through a unit of link n.z whose output is a; s.x: share that dropout keeps
fn backward(i: u32) -> f32 {
    return passed_back(p.n.z, p.s.x, a[i], x[i]);
}

// A step down the gradient a
fn descend_momentum(i: u32) -> f32 {
    return momentum(i, a[i]);
}

fn descend_adam(i: u32) -> f32 {
    return adam(i, a[i]);
}

// The kernel of each, which OPERATION stands for.
@compute @workgroup_size(GROUP)
fn each(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread(id, groups);
    if i < p.n.x {
        x[i] = OPERATION(i);
    }
}
