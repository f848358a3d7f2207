//! Sums of numbers that are known by their logarithms.

/// `ln Σ e^x` of numbers as they come, in f64.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSum {
    largest: f64,
    /// `Σ e^(x − largest)`.
    sum: f64,
}

impl LogSum {
    /// Of no numbers: `−∞`.
    pub(super) const EMPTY: Self = Self { largest: f64::NEG_INFINITY, sum: 0.0 };

    /// One number more.
    pub(super) fn add(&mut self, x: f64) {
        if x > self.largest {
            self.sum = self.sum * (self.largest - x).exp() + 1.0;
            self.largest = x;
        } else if x > f64::NEG_INFINITY || x.is_nan() {
            self.sum += (x - self.largest).exp();
        }
    }

    /// The logarithm of the sum.
    pub(super) fn ln(self) -> f64 {
        self.largest + self.sum.ln()
    }
}

impl FromIterator<f64> for LogSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        numbers.into_iter().fold(Self::EMPTY, |mut sum, x| {
            sum.add(x);
            sum
        })
    }
}
