// Numbers that are drawn: every function makes one of a number and a draw. s: numbers that each names.

// A probability to a state.
fn bernoulli(probability: f32, draw: u32) -> f32 {
    return state(probability, draw);
}

// A field to a state of a Bernoulli unit at inverse temperature s.x.
fn sample(field: f32, draw: u32) -> f32 {
    return state(sigmoid(p.s.x * field), draw);
}

// A field to a noisy rectified unit at inverse temperature s.x, its variance no larger than that at HOTTEST.
fn sample_rectified(field: f32, draw: u32) -> f32 {
    let value = field + sqrt(sigmoid(p.s.x * field) / max(p.s.x, HOTTEST)) * normal_quantile(draw);
    return select(value, 0.0, value < 0.0);
}

// 0 with probability s.x, else s.y times the value.
fn dropout(value: f32, draw: u32) -> f32 {
    return select(value * p.s.y, 0.0, unit_interval(draw) < p.s.x);
}

// A value with normal noise of deviation s.x.
fn add_noise(value: f32, draw: u32) -> f32 {
    return value + p.s.x * normal_quantile(draw);
}

// A field to the number of a rectified unit's copies that are on.
fn sample_copies(field: f32, draw: u32) -> f32 {
    if is_nan(field) {
        return field;
    }
    return copies_on(field, draw);
}

const ONE_OVER_E = 0.36787944;

// Weight, rise and copy, as the next state has them.
fn next(weight: vec3<f32>) -> vec3<f32> {
    let copy = weight.z * ONE_OVER_E;
    return vec3(weight.x * weight.y / (1.0 - copy), weight.y * ONE_OVER_E, copy);
}

fn copies_on(field: f32, draw: u32) -> f32 {
    let first = select(0.0, floor(field - COPY_REACH), field > COPY_REACH);
    let start = vec3(1.0, exp(field - first - 0.5), exp(-first));
    var sum = 0.0;
    var weight = start;
    for (var i = 0u; i < COPY_STATES; i++) {
        sum += weight.x;
        weight = next(weight);
    }
    let aim = unit_interval(draw) * sum;
    var below = 0.0;
    weight = start;
    for (var i = 0u; i < COPY_STATES; i++) {
        below += weight.x;
        if aim < below {
            return first + f32(i);
        }
        weight = next(weight);
    }
    return first + f32(COPY_STATES - 1u);
}

// The kernel of each, which OPERATION stands for: over x (n: rows, columns), in place. A thread takes four numbers of a row, which share a block of draws.
@compute @workgroup_size(GROUP)
fn each(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let blocks = (p.n.y + 3u) / 4u;
    let row = thread(id, groups) / blocks;
    let column = thread(id, groups) % blocks * 4u;
    if row >= p.n.x {
        return;
    }
    let draws = draw_block(row, column / 4u);
    for (var i = 0u; i < min(4u, p.n.y - column); i++) {
        let number = row * p.n.y + column + i;
        x[number] = OPERATION(x[number], draws[i]);
    }
}
