//! Prices from measurements: linear least squares of relative errors.

use super::work::Work;
use std::collections::{BTreeMap, BTreeSet};

/// What one of each kind of work costs.
pub type Prices = BTreeMap<String, f64>;

/// Holds prices down that the measurements do not tell apart: a share of the squares that they do determine.
const RIDGE: f64 = 1.0e-9;

/// What prices are rounded to.
const UNIT: f64 = 1.0 / 1024.0;

/// The prices by which every measurement `(work, cost)` comes out with the least sum of squared relative errors.
pub fn prices(measurements: &[(Work, f64)]) -> Prices {
    let kinds: BTreeSet<&String> = measurements.iter().flat_map(|(work, _)| work.keys()).collect();
    let rows: Vec<Vec<f64>> = measurements
        .iter()
        .map(|(work, cost)| kinds.iter().map(|&kind| work.get(kind).copied().unwrap_or(0.0) / cost.max(1.0)).collect())
        .collect();
    let targets: Vec<f64> = measurements.iter().map(|(_, cost)| cost / cost.max(1.0)).collect();
    // Columns of equal length, so that the ridge weighs on all alike.
    let lengths: Vec<f64> =
        (0..kinds.len()).map(|k| rows.iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt()).collect();
    let product = |a: usize, b: usize| rows.iter().map(|row| row[a] * row[b]).sum::<f64>() / (lengths[a] * lengths[b]);
    let ridge = |a: usize, b: usize| if a == b { RIDGE } else { 0.0 };
    let mut system: Vec<Vec<f64>> =
        (0..kinds.len()).map(|a| (0..kinds.len()).map(|b| product(a, b) + ridge(a, b)).collect()).collect();
    let mut solution: Vec<f64> = (0..kinds.len())
        .map(|a| rows.iter().zip(&targets).map(|(row, target)| row[a] * target).sum::<f64>() / lengths[a])
        .collect();
    solve(&mut system, &mut solution);
    let prices = solution.iter().zip(&lengths).map(|(price, length)| (price / length / UNIT).round() * UNIT);
    kinds.into_iter().cloned().zip(prices).filter(|&(_, price)| price != 0.0).collect()
}

/// What the work costs.
pub fn cost(prices: &Prices, work: &Work) -> f64 {
    work.iter().map(|(kind, count)| prices.get(kind).copied().unwrap_or(0.0) * count).sum()
}

/// Solves a symmetric positive definite system in place, by Cholesky's factors.
fn solve(system: &mut [Vec<f64>], solution: &mut [f64]) {
    let size = solution.len();
    for a in 0..size {
        for b in 0..=a {
            let sum: f64 = (0..b).map(|k| system[a][k] * system[b][k]).sum();
            let rest = system[a][b] - sum;
            system[a][b] = if a == b { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / system[b][b] };
        }
    }
    for a in 0..size {
        let sum: f64 = (0..a).map(|k| system[a][k] * solution[k]).sum();
        solution[a] = (solution[a] - sum) / system[a][a];
    }
    for a in (0..size).rev() {
        let sum: f64 = (a + 1..size).map(|k| system[k][a] * solution[k]).sum();
        solution[a] = (solution[a] - sum) / system[a][a];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(counts: &[(&str, f64)]) -> Work {
        counts.iter().map(|&(kind, count)| (kind.to_owned(), count)).collect()
    }

    #[test]
    fn exact_costs_give_their_prices_back() {
        let nets = [(1.0, 8.0), (1.0, 64.0), (1.0, 100.0), (2.0, 30.0)];
        let measured: Vec<_> =
            nets.iter().map(|&(a, b)| (work(&[("call", a), ("unit", b)]), 300.0 * a + 7.0 * b)).collect();
        let prices = prices(&measured);
        assert!((prices["call"] - 300.0).abs() < UNIT && (prices["unit"] - 7.0).abs() < UNIT, "{prices:?}");
        assert!((cost(&prices, &work(&[("call", 1.0), ("unit", 1000.0)])) - 7300.0).abs() < 1.0);
    }

    #[test]
    fn kinds_that_always_come_together_share_their_price() {
        let measured: Vec<_> =
            [1.0, 2.0, 5.0].map(|n| (work(&[("a", n), ("b", 3.0 * n)]), 10.0 * n)).into_iter().collect();
        let found = cost(&prices(&measured), &work(&[("a", 4.0), ("b", 12.0)]));
        assert!((found - 40.0).abs() < 0.02, "{found}");
    }
}
