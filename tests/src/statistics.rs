//! Tests of draws against what they should be distributed like.

use crate::tolerance;

/// Fewest draws that a cell should expect for the statistic to be distributed as χ² (Cochran 1954); rarer cells are
/// pooled.
const FEWEST: f64 = 5.0;

/// Pearson's test of goodness of fit.
#[derive(Clone, Copy, Debug)]
pub struct ChiSquared {
    /// `Σ (observed − expected)² / expected`.
    pub statistic: f64,
    /// Cells, less one.
    pub degrees_of_freedom: usize,
}

impl ChiSquared {
    /// `observed` draws of each cell against the cells' probabilities; cells that expect fewer than five draws are one
    /// cell.
    pub fn new(observed: &[u64], probabilities: &[f64]) -> Self {
        let draws = observed.iter().sum::<u64>() as f64;
        let cells = observed.iter().zip(probabilities).map(|(&seen, p)| (seen as f64, p * draws));
        let (rare, common): (Vec<_>, Vec<_>) = cells.partition(|&(_, expected)| expected < FEWEST);
        let pooled = rare.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
        let pooled = (pooled.1 > 0.0).then_some(pooled);
        let terms: Vec<f64> =
            common.into_iter().chain(pooled).map(|(seen, expected)| (seen - expected).powi(2) / expected).collect();
        Self { statistic: terms.iter().sum(), degrees_of_freedom: terms.len().saturating_sub(1) }
    }

    /// Is the statistic small enough at the level of [`tolerance::chi_squared`]?
    pub fn accepts(self) -> bool {
        self.degrees_of_freedom > 0 && self.statistic <= tolerance::chi_squared(self.degrees_of_freedom)
    }
}

/// Distance of the mean of `draws` zeros and ones, `ones` of them ones, from `p`, in standard deviations.
pub fn mean_z(ones: u64, draws: u64, p: f64) -> f64 {
    let draws = draws as f64;
    (ones as f64 - draws * p) / (draws * p * (1.0 - p)).sqrt()
}

/// Distances, in standard deviations, of the mean and the variance of `draws` from what they should be; how far each may vary is estimated
/// from the draws themselves.
pub fn moments_z(draws: &[f64], mean: f64, variance: f64) -> (f64, f64) {
    let n = draws.len() as f64;
    let moment = |power: i32| draws.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
    let (second, fourth) = (moment(2), moment(4));
    (moment(1) / (variance / n).sqrt(), (second - variance) / ((fourth - second * second) / n).sqrt())
}

/// Wald & Wolfowitz's runs test: distance of the number of runs from the one expected of independent draws with as many
/// ones, in standard deviations. Negative when draws stick to their predecessor, positive when they avoid it.
pub fn runs_z(draws: &[bool]) -> f64 {
    let n = draws.len() as f64;
    let ones = draws.iter().filter(|&&on| on).count() as f64;
    let runs = 1.0 + draws.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64;
    let expected = 1.0 + 2.0 * ones * (n - ones) / n;
    let variance = (expected - 1.0) * (expected - 2.0) / (n - 1.0);
    (runs - expected) / variance.sqrt()
}
