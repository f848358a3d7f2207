//! The rate of this machine's own products.

use crate::Error;
use crate::backend::{Backend, Direction, Link};
use std::time::Instant;

/// Rows, inner length and columns of the product that is timed: large enough that nothing but the product counts.
const SIDE: usize = 2048;
/// Times that it is, several products at a time; the fastest counts.
const REPEATS: usize = 5;
/// Seconds that products take together, so that waiting for their end counts for nothing; and products at most.
const AT_LEAST: f64 = 0.1;
const AT_MOST: f64 = 128.0;
/// Seconds after which a product's rate is known well enough.
const ENOUGH: f64 = 2.0;

/// 10⁹ floating-point operations a second that the backend's f32 products reach at their best: what no workload can exceed. Fails where the backend did.
pub fn sgemm_gflops<B: Backend>(backend: &B) -> Result<f64, Error> {
    let values: Vec<f32> = (0..SIDE * SIDE).map(|index| (index % 7) as f32 - 3.0).collect();
    let (weights, input) = (backend.upload(SIDE, SIDE, &values), backend.upload(SIDE, SIDE, &values));
    let mut out = backend.zeros(SIDE, SIDE);
    let (mut least, mut spent, mut at_once) = (f64::INFINITY, 0.0, 1.0);
    for _ in 0..REPEATS {
        let started = Instant::now();
        for _ in 0..at_once as usize {
            backend.affine(Direction::Down, &weights, None, Link::Identity, &input, &mut out);
        }
        backend.finish();
        let seconds = started.elapsed().as_secs_f64();
        least = least.min(seconds / at_once);
        spent += seconds;
        if spent > ENOUGH {
            break;
        }
        at_once = (AT_LEAST / least).clamp(1.0, AT_MOST).floor();
    }
    backend.check()?;
    Ok(2e-9 * (SIDE as f64).powi(3) / least)
}
