//! Special functions in f64 that Gaussian and rectified units are compared with, from their definitions and classical expansions.

use std::f64::consts::PI;

/// What is known of a rectified unit with field `z`.
#[derive(Clone, Copy, Debug)]
pub struct Rectified {
    /// `Σ_{k ≥ 1} ln(1 + e^(z − k + ½))`; of no meaning for a noisy unit.
    pub softplus: f64,
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

/// The sum of copies `k = 1, 2, …` that are on with probability `σ(z − k + ½)`, copy by copy until one weighs less than `10^-18` of the sum.
pub fn rectified(z: f64) -> Rectified {
    let mut sum = Rectified { softplus: 0.0, mean: 0.0, variance: 0.0 };
    for k in 1.. {
        let x = z - f64::from(k) + 0.5;
        let e = (-x.abs()).exp();
        let (on, off) = if x < 0.0 { (e / (1.0 + e), 1.0 / (1.0 + e)) } else { (1.0 / (1.0 + e), e / (1.0 + e)) };
        sum.softplus += x.max(0.0) + e.ln_1p();
        sum.mean += on;
        sum.variance += on * off;
        if x < 0.0 && on < 1e-18 * sum.mean {
            break;
        }
    }
    sum
}

/// The density of the standard normal distribution.
pub fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// `P(N(0, 1) > x)`, relative error some `10^-15` in either tail: `½ − φ(x)·Σ x^(2n+1)/(2n+1)!!` up to 3, Laplace's continued fraction
/// `φ(x)/(x + 1/(x + 2/(x + …)))` beyond.
pub fn normal_upper_tail(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - normal_upper_tail(-x);
    }
    if x < 3.0 {
        let mut term = x;
        let mut sum = x;
        let mut odd = 3.0;
        while term > 1e-18 * sum {
            term *= x * x / odd;
            sum += term;
            odd += 2.0;
        }
        0.5 - normal_density(x) * sum
    } else {
        let fraction = (1..200).rev().fold(0.0, |rest, k| f64::from(k) / (x + rest));
        normal_density(x) / (x + fraction)
    }
}

/// The `x < 0` with `P(N(0, 1) < x) = p`, for `p ≤ ½`: Newton's method on the tail's logarithm, begun at `near`.
pub fn normal_quantile(p: f64, near: f64) -> f64 {
    let mut x = -near;
    loop {
        let tail = normal_upper_tail(x);
        let step = (tail / p).ln() * tail / normal_density(x);
        x += step;
        if step.abs() < 1e-11 {
            return -x;
        }
    }
}

/// `max(0, N(z, σ(βz)/β))`: mean and variance of a normal variate of which the negative part counts as 0.
pub fn noisy_rectified(z: f64, beta: f64) -> Rectified {
    let deviation = noisy_deviation(z, beta);
    let on = normal_upper_tail(-z / deviation);
    let density = deviation * normal_density(z / deviation);
    let mean = z * on + density;
    let square = (z * z + deviation * deviation) * on + z * density;
    Rectified { softplus: f64::NAN, mean, variance: square - mean * mean }
}

/// `√(σ(βz)/β)`.
pub fn noisy_deviation(z: f64, beta: f64) -> f64 {
    (1.0 / (1.0 + (-beta * z).exp()) / beta).sqrt()
}
