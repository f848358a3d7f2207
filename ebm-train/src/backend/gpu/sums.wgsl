// Sums over rows: a function gives what a number of a row adds, and the one named after it what becomes of the sum, which every thread of the
// row's group is given.
//
// n: rows, columns, kind. s, t: numbers that each names.

fn unit(column: u32) -> vec4<f32> {
    return vec4(c[4u * column], c[4u * column + 1u], c[4u * column + 2u], c[4u * column + 3u]);
}

// x (rows × 1) = Σ U(a), the biases being b and the units c.
fn visible_energies(row: u32, i: u32) -> vec2<f32> {
    let own = unit(i);
    let value = a[row * p.n.y + i];
    if u32(own.x) == GAUSSIAN {
        let deviation = (value - b[i]) / own.w;
        return vec2(0.5 * deviation * deviation, 0.0);
    }
    return vec2(-b[i] * value, 0.0);
}

fn visible_energies_of(row: u32, sum: vec2<f32>, local: u32) {
    if local == 0u {
        x[row] = sum.x;
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

// ln Z of a unit of input a, the first of a group having all of its group's; the biases are b and the units c.
fn log_partition(row: u32, i: u32) -> f32 {
    let own = unit(i);
    let kind = u32(own.x);
    let input = a[row * p.n.y + i];
    if kind == GAUSSIAN {
        return b[i] * input + 0.5 * (own.w * input) * (own.w * input) + ln(own.w) + LN_SQRT_TAU;
    }
    if kind != SOFTMAX && kind != LABEL {
        return softplus(input);
    }
    if u32(own.y) == i {
        return log_sum_exp(row * p.n.y + i, u32(own.z));
    }
    return 0.0;
}

// x (rows × 1) = Σ ln Z
fn visible_log_partitions(row: u32, i: u32) -> vec2<f32> {
    return vec2(log_partition(row, i), 0.0);
}

fn visible_log_partitions_of(row: u32, sum: vec2<f32>, local: u32) {
    if local == 0u {
        x[row] = sum.x;
    }
}

// x (rows × 1) = ln p(d) of inputs a.
fn visible_log_densities(row: u32, i: u32) -> vec2<f32> {
    let own = unit(i);
    let input = a[row * p.n.y + i];
    let value = d[row * p.n.y + i];
    if u32(own.x) == GAUSSIAN {
        let deviation = (value - b[i]) / own.w - own.w * input;
        return vec2(-0.5 * deviation * deviation - ln(own.w) - LN_SQRT_TAU, 0.0);
    }
    return vec2(input * value - log_partition(row, i), 0.0);
}

fn visible_log_densities_of(row: u32, sum: vec2<f32>, local: u32) {
    if local == 0u {
        x[row] = sum.x;
    }
}

// x (rows × 1) −= Σ T(s.x·a)
fn subtract_hidden_terms(row: u32, i: u32) -> vec2<f32> {
    return vec2(term(p.n.z, p.s.x * a[row * p.n.y + i]), 0.0);
}

fn subtract_hidden_terms_of(row: u32, sum: vec2<f32>, local: u32) {
    if local == 0u {
        x[row] -= sum.x;
    }
}

// Adds to x (rows × 2, a sum being both numbers) (s.y − s.x)·b + Σ T(s.y·a) − T(s.x·a). Between near temperatures T′ is integrated by Gauss's
// rule, at points s.z, s.w and t.x, as ebm-core does.
fn add_term_changes(row: u32, i: u32) -> vec2<f32> {
    let field = a[row * p.n.y + i];
    let step = p.s.y - p.s.x;
    if abs(step * field) <= NEAR {
        let outer = mean(p.n.z, p.s.z * field) + mean(p.n.z, p.s.w * field);
        return vec2(step * field * (1.0 / 18.0) * (5.0 * outer + 8.0 * mean(p.n.z, p.t.x * field)), 0.0);
    }
    return vec2(term(p.n.z, p.s.y * field) - term(p.n.z, p.s.x * field), 0.0);
}

fn add_term_changes_of(row: u32, sum: vec2<f32>, local: u32) {
    if local > 0u {
        return;
    }
    // The first number holds sixteenths, which add up exactly, and the second what is less. (A compiler may take it that what the sum of two
    // numbers loses is nothing, but not what rounding does.)
    let sixteenths = round(16.0 * x[2u * row]);
    let change = sum.x + (p.s.y - p.s.x) * b[row];
    let rest = (x[2u * row] - sixteenths / 16.0) + x[2u * row + 1u] + change;
    let carried = round(16.0 * rest);
    x[2u * row] = (sixteenths + carried) / 16.0;
    x[2u * row + 1u] = rest - carried / 16.0;
}

// x (rows × 2) = sums of (a − b)² and |a − b| where a is not missing.
fn errors(row: u32, i: u32) -> vec2<f32> {
    let value = a[row * p.n.y + i];
    if is_nan(value) {
        return vec2(0.0, 0.0);
    }
    let difference = abs(value - b[row * p.n.y + i]);
    return vec2(difference * difference, difference);
}

fn errors_of(row: u32, sum: vec2<f32>, local: u32) {
    if local == 0u {
        x[2u * row] = sum.x;
        x[2u * row + 1u] = sum.y;
    }
}

// x (1 × 2) += the sum of a's pairs, which are taken for the numbers of one row.
fn add_pairs(row: u32, i: u32) -> vec2<f32> {
    return vec2(a[2u * i], a[2u * i + 1u]);
}

fn add_pairs_of(row: u32, sum: vec2<f32>, local: u32) {
    if local == 0u {
        x[0] += sum.x;
        x[1] += sum.y;
    }
}

// Rows of x whose norm is over s.x are scaled down to it.
fn limit_norms(row: u32, i: u32) -> vec2<f32> {
    return vec2(x[row * p.n.y + i] * x[row * p.n.y + i], 0.0);
}

fn limit_norms_of(row: u32, sum: vec2<f32>, local: u32) {
    let norm = sqrt(sum.x);
    if norm > p.s.x {
        for (var i = local; i < p.n.y; i += ROW_GROUP) {
            x[row * p.n.y + i] *= p.s.x / norm;
        }
    }
}
