//! The rate of this machine's own products.

use crate::Error;
use crate::backend::{Backend, Direction, Link};
use std::time::Instant;

/// Rows, inner length and columns of the product that is timed: large enough that nothing but the product counts.
const SIDE: usize = 2048;
/// Times that it is; the fastest counts.
const REPEATS: usize = 5;

/// 10⁹ floating-point operations a second that the backend's f32 products reach at their best: what no workload can exceed. Fails where the backend did.
pub fn sgemm_gflops<B: Backend>(backend: &B) -> Result<f64, Error> {
    let values: Vec<f32> = (0..SIDE * SIDE).map(|index| (index % 7) as f32 - 3.0).collect();
    let (weights, input) = (backend.upload(SIDE, SIDE, &values), backend.upload(SIDE, SIDE, &values));
    let mut out = backend.zeros(SIDE, SIDE);
    let mut least = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        backend.affine(Direction::Down, &weights, None, Link::Identity, &input, &mut out);
        backend.finish();
        least = least.min(started.elapsed().as_secs_f64());
    }
    backend.check()?;
    Ok(2e-9 * (SIDE as f64).powi(3) / least)
}
