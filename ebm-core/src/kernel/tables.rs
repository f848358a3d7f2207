//! Sigmoid and softplus in fixed point, from tables that the compiler computes.

/// Fraction bits of a field, a score and an energy: one nat is `2^12`.
pub(super) const NAT_BITS: u32 = 12;
/// The tables have a point every `2^-5` nats …
const STEP_BITS: u32 = NAT_BITS - 5;
/// … up to 12 nats, beyond which both functions are flat to within 6.2e-6.
const POINTS: usize = (12 << 5) + 1;
const ONE_16: f64 = 65536.0;

/// `σ(x)·2^16` at `x = index / 32`.
static SIGMOID: [u16; POINTS] = tabulate(false);
/// `ln(1 + e^(−x))·2^16` at `x = index / 32`.
static SOFTPLUS_TAIL: [u16; POINTS] = tabulate(true);

/// `e^(−x)` for `x ≥ 0`, for the compiler: halved until the series of `e^(−x)` converges at once, then squared back.
const fn exp_of_minus(x: f64) -> f64 {
    let r = -x / 1024.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut n = 1;
    while n < 12 {
        term *= r / n as f64;
        sum += term;
        n += 1;
    }
    let mut squarings = 0;
    while squarings < 10 {
        sum *= sum;
        squarings += 1;
    }
    sum
}

/// `ln(1 + t)` for `0 ≤ t ≤ 1`, for the compiler: `2·artanh(t / (2 + t))`.
const fn ln_of_one_plus(t: f64) -> f64 {
    let s = t / (2.0 + t);
    let mut power = s;
    let mut sum = 0.0;
    let mut n = 1;
    while n < 40 {
        sum += power / n as f64;
        power *= s * s;
        n += 2;
    }
    2.0 * sum
}

const fn tabulate(softplus_tail: bool) -> [u16; POINTS] {
    let mut table = [0u16; POINTS];
    let mut index = 0;
    while index < POINTS {
        let e = exp_of_minus(index as f64 / 32.0);
        let value = if softplus_tail { ln_of_one_plus(e) } else { 1.0 / (1.0 + e) };
        // `as` saturates: σ rounds to 2^16 only past the table's end.
        table[index] = (value * ONE_16 + 0.5) as u16;
        index += 1;
    }
    table
}

/// Linear interpolation at `magnitude ≥ 0` (in `2^-12` nats); the last point beyond the table's end.
#[inline]
fn interpolate(table: &[u16; POINTS], magnitude: u32) -> u32 {
    let index = (magnitude >> STEP_BITS) as usize;
    let fraction = magnitude & ((1 << STEP_BITS) - 1);
    if index < POINTS - 1 {
        let (low, high) = (u32::from(table[index]), u32::from(table[index + 1]));
        // Both weights are positive, so that a falling table needs no signed arithmetic.
        (low * ((1 << STEP_BITS) - fraction) + high * fraction + (1 << (STEP_BITS - 1))) >> STEP_BITS
    } else {
        u32::from(table[POINTS - 1])
    }
}

/// `σ(field)` in units of `2^-16`, from 1 to 65535. Error at most [`super::integer::SIGMOID_MAX_ERROR`].
#[inline]
pub(super) fn sigmoid_q16(field: i32) -> u32 {
    let p = interpolate(&SIGMOID, field.unsigned_abs());
    if field < 0 { 65536 - p } else { p }
}

/// `softplus(field)` in units of `2^-12` nats. Error at most [`super::integer::SOFTPLUS_MAX_ERROR_NATS`].
#[inline]
pub(super) fn softplus_q12(field: i32) -> i32 {
    let tail = interpolate(&SOFTPLUS_TAIL, field.unsigned_abs());
    field.max(0) + ((tail + 8) >> 4) as i32
}
