// Draws: a thread takes four units of a row, which share a block of draws.
//
// x: rows × columns, in place. n: rows, columns. s: numbers that each kernel names.

// Row and first column of a thread's units; the row is too large where there are none.
fn place(id: vec3<u32>, groups: vec3<u32>) -> vec2<u32> {
    let blocks = (p.n.y + 3u) / 4u;
    let number = thread(id, groups);
    return vec2(number / blocks, number % blocks * 4u);
}

// Probabilities to states.
@compute @workgroup_size(256)
fn bernoulli(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = place(id, groups);
    if at.x >= p.n.x {
        return;
    }
    let draws = draw_block(at.x, at.y / 4u);
    for (var i = 0u; i < min(4u, p.n.y - at.y); i++) {
        let number = at.x * p.n.y + at.y + i;
        x[number] = state(x[number], draws[i]);
    }
}

// Fields to states of Bernoulli units at inverse temperature s.x.
@compute @workgroup_size(256)
fn sample(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = place(id, groups);
    if at.x >= p.n.x {
        return;
    }
    let draws = draw_block(at.x, at.y / 4u);
    for (var i = 0u; i < min(4u, p.n.y - at.y); i++) {
        let number = at.x * p.n.y + at.y + i;
        x[number] = state(sigmoid(p.s.x * x[number]), draws[i]);
    }
}

// Fields to noisy rectified units at inverse temperature s.x, their variance no larger than that at HOTTEST.
@compute @workgroup_size(256)
fn sample_rectified(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = place(id, groups);
    if at.x >= p.n.x {
        return;
    }
    let draws = draw_block(at.x, at.y / 4u);
    for (var i = 0u; i < min(4u, p.n.y - at.y); i++) {
        let number = at.x * p.n.y + at.y + i;
        let field = x[number];
        let deviation = sqrt(sigmoid(p.s.x * field) / max(p.s.x, HOTTEST)) * normal_quantile(draws[i]);
        let value = field + deviation;
        x[number] = select(value, 0.0, value < 0.0);
    }
}

// Fields to the number of a rectified unit's copies that are on.
@compute @workgroup_size(256)
fn sample_copies(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = place(id, groups);
    if at.x >= p.n.x {
        return;
    }
    let draws = draw_block(at.x, at.y / 4u);
    for (var i = 0u; i < min(4u, p.n.y - at.y); i++) {
        let number = at.x * p.n.y + at.y + i;
        if !is_nan(x[number]) {
            x[number] = copies_on(x[number], draws[i]);
        }
    }
}

const STATES = 18u;
const ONE_OVER_E = 0.36787944;

// Weight, rise and copy, as the next state has them.
fn next(weight: vec3<f32>) -> vec3<f32> {
    let copy = weight.z * ONE_OVER_E;
    return vec3(weight.x * weight.y / (1.0 - copy), weight.y * ONE_OVER_E, copy);
}

fn copies_on(field: f32, draw: u32) -> f32 {
    let first = select(0.0, floor(field - 8.0), field > 8.0);
    let start = vec3(1.0, exp(field - first - 0.5), exp(-first));
    var sum = 0.0;
    var weight = start;
    for (var i = 0u; i < STATES; i++) {
        sum += weight.x;
        weight = next(weight);
    }
    let aim = unit_interval(draw) * sum;
    var below = 0.0;
    weight = start;
    for (var i = 0u; i < STATES; i++) {
        below += weight.x;
        if aim < below {
            return first + f32(i);
        }
        weight = next(weight);
    }
    return first + f32(STATES - 1u);
}

// 0 with probability s.x, else s.y times the value.
@compute @workgroup_size(256)
fn dropout(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = place(id, groups);
    if at.x >= p.n.x {
        return;
    }
    let draws = draw_block(at.x, at.y / 4u);
    for (var i = 0u; i < min(4u, p.n.y - at.y); i++) {
        let number = at.x * p.n.y + at.y + i;
        x[number] = select(x[number] * p.s.y, 0.0, unit_interval(draws[i]) < p.s.x);
    }
}

// Adds normal noise of deviation s.x.
@compute @workgroup_size(256)
fn add_noise(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = place(id, groups);
    if at.x >= p.n.x {
        return;
    }
    let draws = draw_block(at.x, at.y / 4u);
    for (var i = 0u; i < min(4u, p.n.y - at.y); i++) {
        x[at.x * p.n.y + at.y + i] += p.s.x * normal_quantile(draws[i]);
    }
}
