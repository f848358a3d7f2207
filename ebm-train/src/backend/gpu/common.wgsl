// What every kernel begins with: what it is given, ebm-core's functions, and the draws.
//
// Formulas are those of ebm-core's math.rs and kernel/units.rs, where they are explained; tests/gpu.rs holds these to them.

struct Params {
    // Sizes; every kernel says what each is.
    n: vec4<u32>,
    m: vec4<u32>,
    // Numbers, likewise.
    s: vec4<f32>,
    t: vec4<f32>,
    u: vec4<f32>,
    // Seed (low, high), step, and purpose, layer and phase as a Philox counter holds them.
    draws: vec4<u32>,
    // Where the samples or rows begin among `words`.
    first: u32,
    // Terms of the second sum of a product.
    second: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read> c: array<f32>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<storage, read_write> z: array<f32>;

// Number of a thread where threads lie in rows of groups.
fn thread(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x * GROUP;
}

// Number of a group where groups lie in rows.
fn group(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.x + id.y * groups.x;
}

// Compilers may take it that there is no NaN: only its bits tell.
fn is_nan(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

fn exp_of_non_positive(value: f32) -> f32 {
    let bounded = select(value, EXP_MIN, value < EXP_MIN);
    let n = round(bounded * 1.4426950408889634);
    let r = (bounded - n * 0.6933594) - n * -2.1219444e-4;
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let series = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail));
    return (1.0 + (r + r * r * series)) * bitcast<f32>(u32(i32(n) + 127) << 23u);
}

fn sigmoid(value: f32) -> f32 {
    let e = exp_of_non_positive(-abs(value));
    return select(1.0, e, value < 0.0) / (1.0 + e);
}

fn softplus(value: f32) -> f32 {
    let e = exp_of_non_positive(-abs(value));
    let s = e / (2.0 + e);
    let q = s * s;
    let rest = 2.0 / 9.0 + q * (2.0 / 11.0 + q * (2.0 / 13.0));
    let series = 2.0 / 3.0 + q * (2.0 / 5.0 + q * (2.0 / 7.0 + q * rest));
    return select(0.0, value, value > 0.0) + s * (2.0 + q * series);
}

fn ln(value: f32) -> f32 {
    let offset = bitcast<u32>(value) - 0x3f3504f3u;
    let exponent = bitcast<i32>(offset) >> 23u;
    let mantissa = bitcast<f32>((offset & 0x007fffffu) + 0x3f3504f3u);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let q = s * s;
    let series = 2.0 / 3.0 + q * (2.0 / 5.0 + q * (2.0 / 7.0 + q * (2.0 / 9.0)));
    return f32(exponent) * 0.6931471805599453 + s * (2.0 + q * series);
}

fn rectified_softplus(value: f32) -> f32 {
    let w = softplus(-abs(value));
    let q = w * w;
    let series = 1.0 / 36.0 + q * (-1.0 / 3600.0 + q * (1.0 / 211680.0 + q * (-1.0 / 10886400.0)));
    let tail = w * (1.0 + w * 0.25 + q * series);
    let dilogarithm = select(tail, 0.5 * value * value + (1.644934 - tail), value > 0.0);
    let mean = sigmoid(value);
    let slope = mean * sigmoid(-value);
    let odd = 1.0 - 2.0 * mean;
    return dilogarithm - mean / 24.0 + slope * odd * (7.0 / 5760.0 - 31.0 / 967680.0 * (1.0 - 12.0 * slope));
}

fn rectified_mean(value: f32) -> f32 {
    let slope = sigmoid(value) * sigmoid(-value);
    let third = slope * (1.0 - 6.0 * slope);
    let fifth = slope * (1.0 + slope * (-30.0 + 120.0 * slope));
    return softplus(value) - slope / 24.0 + 7.0 / 5760.0 * third - 31.0 / 967680.0 * fifth;
}

// Kinds of hidden units.
fn term(kind: u32, field: f32) -> f32 {
    if kind == RELU {
        return rectified_softplus(field);
    }
    return softplus(field);
}

fn mean(kind: u32, field: f32) -> f32 {
    if kind == RELU {
        return rectified_mean(field);
    }
    return sigmoid(field);
}

// A derivative by the output of a unit of this link, back through the unit; `kept`: share that dropout keeps.
fn passed_back(link: u32, kept: f32, output: f32, derivative: f32) -> f32 {
    if link == SIGMOID {
        return derivative * output * (1.0 - kept * output);
    }
    if link == RECTIFIER {
        return select(0.0, derivative / kept, output > 0.0);
    }
    return derivative;
}

fn normal_quantile(draw: u32) -> f32 {
    let upper = draw >= 0x80000000u;
    let from_end = select(draw, ~draw, upper);
    let end = (f32(from_end) + 0.5) * (1.0 / 4294967296.0);
    let q = 0.5 - end;
    var magnitude = 0.0;
    if q <= 0.425 {
        let r = 0.180625 - q * q;
        magnitude = q * (((59.109375 * r + 159.29113) * r + 50.43427) * r + 3.3871327)
            / (((67.18756 * r + 78.75776) * r + 17.89517) * r + 1.0);
    } else {
        let r = sqrt(-ln(end)) - 1.6;
        magnitude = (((0.17023821 * r + 1.3067284) * r + 2.7568154) * r + 1.4234373)
            / ((0.12021133 * r + 0.73700164) * r + 1.0);
    }
    return select(-magnitude, magnitude, upper);
}

// The upper half of a product of 64 bits.
fn multiply_high(one: u32, other: u32) -> u32 {
    let low = (one & 0xffffu) * (other & 0xffffu);
    let cross = (one >> 16u) * (other & 0xffffu) + (low >> 16u);
    let middle = (one & 0xffffu) * (other >> 16u) + (cross & 0xffffu);
    return (one >> 16u) * (other >> 16u) + (cross >> 16u) + (middle >> 16u);
}

// Draws 4·block to 4·block + 3 of a row.
fn draw_block(row: u32, block: u32) -> vec4<u32> {
    var counter = vec4(block, words[p.first + row], p.draws.z, p.draws.w);
    var key = p.draws.xy;
    for (var round = 0u; round < ROUNDS; round++) {
        counter = vec4(
            multiply_high(MULTIPLIER_1, counter.z) ^ counter.y ^ key.x,
            MULTIPLIER_1 * counter.z,
            multiply_high(MULTIPLIER_0, counter.x) ^ counter.w ^ key.y,
            MULTIPLIER_0 * counter.x,
        );
        key += vec2(WEYL_0, WEYL_1);
    }
    return counter;
}

fn unit_interval(draw: u32) -> f32 {
    return f32(draw >> 8u) * (1.0 / 16777216.0);
}

fn state(probability: f32, draw: u32) -> f32 {
    return select(0.0, 1.0, unit_interval(draw) < probability);
}
