// Classes: their scores by softmax, and by a ClassRBM's hidden units.
//
// n: rows, columns of x, kind, classes. m: hidden units, columns of the weights. Weights are hidden × visible, a class's are in its column.

// Scores x (rows × classes) to (softmax − target) / rows; y (rows × 2) becomes cross-entropies and whether the highest score is the label's.
// s: 1 − smoothing, smoothing / classes, 1 / rows. Labels are words.
@compute @workgroup_size(GROUP)
fn softmax_cross_entropy(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = thread(id, groups);
    if row >= p.n.x {
        return;
    }
    let classes = p.n.w;
    let start = row * classes;
    let label = words[p.first + row];
    var best = 0u;
    for (var i = 1u; i < classes; i++) {
        if x[start + i] > x[start + best] {
            best = i;
        }
    }
    let largest = x[start + best];
    var sum = 0.0;
    for (var i = 0u; i < classes; i++) {
        let e = exp_of_non_positive(x[start + i] - largest);
        x[start + i] = e;
        sum += e;
    }
    var loss = 0.0;
    for (var i = 0u; i < classes; i++) {
        let probability = x[start + i] / sum;
        let target_of = p.s.y + select(0.0, p.s.x, i == label);
        if target_of > 0.0 {
            loss -= target_of * ln(probability);
        }
        x[start + i] = (probability - target_of) * p.s.z;
    }
    y[2u * row] = loss;
    y[2u * row + 1u] = select(0.0, 1.0, best == label);
}

// Weight of hidden unit j to class k.
fn weight(j: u32, k: u32) -> f32 {
    return b[j * p.m.y + p.m.y - p.n.w + k];
}

// x (rows × classes) = bias of the class, the last of c, + Σ T(a + W).
@compute @workgroup_size(GROUP)
fn class_scores(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    let row = number / p.n.w;
    if row >= p.n.x {
        return;
    }
    let class_of = number % p.n.w;
    var sum = 0.0;
    for (var j = 0u; j < p.m.x; j++) {
        sum += term(p.n.z, a[row * p.m.x + j] + weight(j, class_of));
    }
    x[number] = c[p.m.y - p.n.w + class_of] + sum;
}

// x (rows × hidden) = Σ c·T′(a + W) over the classes.
@compute @workgroup_size(GROUP)
fn class_fields_backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    let row = number / p.m.x;
    if row >= p.n.x {
        return;
    }
    var sum = 0.0;
    for (var k = 0u; k < p.n.w; k++) {
        sum += c[row * p.n.w + k] * mean(p.n.z, a[number] + weight(number % p.m.x, k));
    }
    x[number] = sum;
}

// The classes' columns of x (hidden × visible) += Σ c·T′(a + W) over the rows.
@compute @workgroup_size(GROUP)
fn class_weights_backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    let j = number / p.n.w;
    if j >= p.m.x {
        return;
    }
    let k = number % p.n.w;
    var sum = 0.0;
    for (var row = 0u; row < p.n.x; row++) {
        sum += c[row * p.n.w + k] * mean(p.n.z, a[row * p.m.x + j] + weight(j, k));
    }
    x[j * p.m.y + p.m.y - p.n.w + k] += sum;
}

// The classes' columns of x (1 × visible, n.y of them) += Σ a over the rows.
@compute @workgroup_size(GROUP)
fn class_bias_backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let k = thread(id, groups);
    if k >= p.n.w {
        return;
    }
    var sum = 0.0;
    for (var row = 0u; row < p.n.x; row++) {
        sum += a[row * p.n.w + k];
    }
    x[p.n.y - p.n.w + k] += sum;
}

// x (rows × n.y units from m.z on) = Σ_j T(a_j + c·W) − T(a_j), c being the units' changes and b the weights.
@compute @workgroup_size(GROUP)
fn single_changes(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    let row = number / p.n.y;
    if row >= p.n.x {
        return;
    }
    let unit = p.m.z + number % p.n.y;
    var sum = 0.0;
    for (var j = 0u; j < p.m.x; j++) {
        let field = a[row * p.m.x + j];
        sum += term(p.n.z, field + c[number] * b[j * p.m.y + unit]) - term(p.n.z, field);
    }
    x[number] = sum;
}
