// Sums over rows and columns. A group of 64 threads sums a row, always in the same order.
//
// n: rows, columns, kind. s, t: numbers that each kernel names.

var<workgroup> parts: array<vec2<f32>, 64>;

// The sum of every thread's part.
fn total(part: vec2<f32>, local: u32) -> vec2<f32> {
    parts[local] = part;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if local < half {
            parts[local] += parts[local + half];
        }
        workgroupBarrier();
    }
    return parts[0];
}

fn unit(column: u32) -> vec4<f32> {
    return vec4(c[4u * column], c[4u * column + 1u], c[4u * column + 2u], c[4u * column + 3u]);
}

// x (rows × 1) = Σ U(a), the biases being b and the units c.
@compute @workgroup_size(64)
fn visible_energies(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = 0.0;
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        let own = unit(i);
        let value = a[row * p.n.y + i];
        if u32(own.x) == GAUSSIAN {
            let deviation = (value - b[i]) / own.w;
            sum += 0.5 * deviation * deviation;
        } else {
            sum -= b[i] * value;
        }
    }
    let all = total(vec2(sum, 0.0), local);
    if local == 0u && row < p.n.x {
        x[row] = all.x;
    }
}

// ln Σ e^a over a group of units from `start` on.
fn log_sum_exp(start: u32, count: u32) -> f32 {
    var largest = a[start];
    for (var i = 1u; i < count; i++) {
        largest = max(largest, a[start + i]);
    }
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
        sum += exp_of_non_positive(a[start + i] - largest);
    }
    return largest + ln(sum);
}

// x (rows × 1) = Σ ln Z of inputs a, the biases being b and the units c.
@compute @workgroup_size(64)
fn visible_log_partitions(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = 0.0;
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        let own = unit(i);
        let kind = u32(own.x);
        let input = a[row * p.n.y + i];
        if kind == GAUSSIAN {
            sum += b[i] * input + 0.5 * (own.w * input) * (own.w * input) + ln(own.w) + LN_SQRT_TAU;
        } else if kind == SOFTMAX || kind == LABEL {
            if u32(own.y) == i {
                sum += log_sum_exp(row * p.n.y + i, u32(own.z));
            }
        } else {
            sum += softplus(input);
        }
    }
    let all = total(vec2(sum, 0.0), local);
    if local == 0u && row < p.n.x {
        x[row] = all.x;
    }
}

// x (rows × 1) = ln p(y), which is only read, of inputs a, the biases being b and the units c.
@compute @workgroup_size(64)
fn visible_log_densities(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = 0.0;
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        let own = unit(i);
        let kind = u32(own.x);
        let input = a[row * p.n.y + i];
        let value = y[row * p.n.y + i];
        if kind == GAUSSIAN {
            let deviation = (value - b[i]) / own.w - own.w * input;
            sum -= 0.5 * deviation * deviation + ln(own.w) + LN_SQRT_TAU;
        } else {
            sum += input * value;
            if kind == SOFTMAX || kind == LABEL {
                if u32(own.y) == i {
                    sum -= log_sum_exp(row * p.n.y + i, u32(own.z));
                }
            } else {
                sum -= softplus(input);
            }
        }
    }
    let all = total(vec2(sum, 0.0), local);
    if local == 0u && row < p.n.x {
        x[row] = all.x;
    }
}

// x (rows × 1) -= Σ T(s.x·a)
@compute @workgroup_size(64)
fn subtract_hidden_terms(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = 0.0;
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        sum += term(p.n.z, p.s.x * a[row * p.n.y + i]);
    }
    let all = total(vec2(sum, 0.0), local);
    if local == 0u && row < p.n.x {
        x[row] -= all.x;
    }
}

// Adds to x (rows × 2, a sum being both numbers) (s.y − s.x)·b + Σ T(s.y·a) − T(s.x·a). Between near temperatures T′ is integrated by Gauss's
// rule, at points s.z, s.w and t.x, as ebm-core does.
@compute @workgroup_size(64)
fn add_term_changes(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    let step = p.s.y - p.s.x;
    var sum = 0.0;
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        let field = a[row * p.n.y + i];
        if abs(step * field) <= 0.5 {
            let outer = mean(p.n.z, p.s.z * field) + mean(p.n.z, p.s.w * field);
            sum += step * field * (1.0 / 18.0) * (5.0 * outer + 8.0 * mean(p.n.z, p.t.x * field));
        } else {
            sum += term(p.n.z, p.s.y * field) - term(p.n.z, p.s.x * field);
        }
    }
    let all = total(vec2(sum, 0.0), local);
    if local == 0u && row < p.n.x {
        // The first number holds sixteenths, which add up exactly, and the second what is less. (A compiler may take it that what the sum of two
        // numbers loses is nothing, but not what rounding does.)
        let sixteenths = round(16.0 * x[2u * row]);
        let rest = (x[2u * row] - sixteenths / 16.0) + x[2u * row + 1u] + (all.x + step * b[row]);
        let carried = round(16.0 * rest);
        x[2u * row] = (sixteenths + carried) / 16.0;
        x[2u * row + 1u] = rest - carried / 16.0;
    }
}

// x (rows × 2) = sums of (a − b)² and |a − b| where a is not missing.
@compute @workgroup_size(64)
fn errors(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = vec2(0.0, 0.0);
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        let value = a[row * p.n.y + i];
        if !is_nan(value) {
            let difference = abs(value - b[row * p.n.y + i]);
            sum += vec2(difference * difference, difference);
        }
    }
    let all = total(sum, local);
    if local == 0u && row < p.n.x {
        x[2u * row] = all.x;
        x[2u * row + 1u] = all.y;
    }
}

// x (1 × 2) += sums of the columns of a (rows × 2), by one group.
@compute @workgroup_size(64)
fn add_pairs(@builtin(local_invocation_index) local: u32) {
    var sum = vec2(0.0, 0.0);
    for (var row = local; row < p.n.x; row += 64u) {
        sum += vec2(a[2u * row], a[2u * row + 1u]);
    }
    let all = total(sum, local);
    if local == 0u {
        x[0] += all.x;
        x[1] += all.y;
    }
}

// x (1 × columns) = s.x·x + s.y·Σ of the rows of a. With s.x = 0 what x held does not matter.
@compute @workgroup_size(64)
fn column_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    if column >= p.n.y {
        return;
    }
    var sum = 0.0;
    for (var row = 0u; row < p.n.x; row++) {
        sum += a[row * p.n.y + column];
    }
    sum *= p.s.y;
    if p.s.x != 0.0 {
        sum += p.s.x * x[column];
    }
    x[column] = sum;
}

// Rows of x whose norm is over s.x are scaled down to it.
@compute @workgroup_size(64)
fn limit_norms(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = 0.0;
    for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
        sum += x[row * p.n.y + i] * x[row * p.n.y + i];
    }
    let norm = sqrt(total(vec2(sum, 0.0), local).x);
    if norm > p.s.x {
        for (var i = local; i < p.n.y && row < p.n.x; i += 64u) {
            x[row * p.n.y + i] *= p.s.x / norm;
        }
    }
}
