// Visible units of several kinds. b has four numbers a unit: its kind, the first unit of its group, the group's size, and σ.
//
// x: rows × columns; a: the biases. n: rows, columns. The first unit of a softmax group does what there is to do for all of it.

fn unit(column: u32) -> vec4<f32> {
    return vec4(b[4u * column], b[4u * column + 1u], b[4u * column + 2u], b[4u * column + 3u]);
}

fn is_group(kind: u32) -> bool {
    return kind == SOFTMAX || kind == LABEL;
}

// x = what a sum over hidden units is added to.
@compute @workgroup_size(GROUP)
fn visible_start(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let column = thread(id, groups);
    if column < p.n.y {
        x[column] = select(a[column], 0.0, u32(unit(column).x) == GAUSSIAN);
    }
}

// Softmax of scale·x over units of a row from `start` on, in place.
fn softmax(start: u32, count: u32, scale: f32) {
    var largest = x[start] * scale;
    for (var i = 1u; i < count; i++) {
        largest = max(largest, x[start + i] * scale);
    }
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
        let e = exp_of_non_positive(x[start + i] * scale - largest);
        x[start + i] = e;
        sum += e;
    }
    for (var i = 0u; i < count; i++) {
        x[start + i] /= sum;
    }
}

@compute @workgroup_size(GROUP)
fn visible_means(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    if number >= p.n.x * p.n.y {
        return;
    }
    let column = number % p.n.y;
    let own = unit(column);
    let kind = u32(own.x);
    if kind == GAUSSIAN {
        x[number] = a[column] + own.w * own.w * x[number];
    } else if is_group(kind) {
        if u32(own.y) == column {
            softmax(number, u32(own.z), 1.0);
        }
    } else {
        x[number] = sigmoid(x[number]);
    }
}

// States drawn at inverse temperature s.x.
@compute @workgroup_size(GROUP)
fn sample_visible(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    if number >= p.n.x * p.n.y {
        return;
    }
    let column = number % p.n.y;
    let own = unit(column);
    let kind = u32(own.x);
    if is_group(kind) && u32(own.y) != column {
        return;
    }
    let draw = draw_block(number / p.n.y, column / 4u)[column % 4u];
    if kind == GAUSSIAN {
        let spread = 1.0 / sqrt(max(p.s.x, HOTTEST));
        x[number] = a[column] + own.w * (own.w * x[number] + spread * normal_quantile(draw));
    } else if is_group(kind) {
        let count = u32(own.z);
        softmax(number, count, p.s.x);
        let aim = unit_interval(draw);
        var below = 0.0;
        var chosen = false;
        for (var i = 0u; i < count; i++) {
            below += x[number + i];
            // Rounding may leave the sum under 1: the last unit takes what is left.
            let on = !chosen && (aim < below || i + 1u == count);
            chosen = chosen || on;
            x[number + i] = select(0.0, 1.0, on);
        }
    } else {
        x[number] = state(sigmoid(p.s.x * x[number]), draw);
    }
}
