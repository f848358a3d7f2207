//! [`Agreement`]: comparison within bounds that tells how near it came.

/// Compares numbers of one sort, and tells the largest difference when it is dropped (`cargo test -- --nocapture` shows it).
#[derive(Debug)]
pub struct Agreement {
    what: &'static str,
    largest: f64,
    share: f64,
    compared: usize,
}

impl Agreement {
    /// Of numbers called `what`.
    pub fn new(what: &'static str) -> Self {
        Self { what, largest: 0.0, share: 0.0, compared: 0 }
    }

    /// Holds a number of ours to the exact one, within `bound`.
    ///
    /// # Panics
    /// When it is farther off, or NaN.
    pub fn hold(&mut self, place: &str, ours: f32, exact: f64, bound: f64) {
        let difference = (f64::from(ours) - exact).abs();
        assert!(difference <= bound, "{}, {place}: {ours}, exactly {exact}, allowed {bound:e}", self.what);
        self.largest = self.largest.max(difference / exact.abs().max(1.0));
        self.share = self.share.max(difference / bound);
        self.compared += 1;
    }

    /// How many numbers there were.
    pub fn compared(&self) -> usize {
        self.compared
    }
}

impl Drop for Agreement {
    fn drop(&mut self) {
        let Self { what, largest, share, compared } = self;
        let percent = 100.0 * *share;
        println!(
            "{what}: {compared} compared, largest difference {largest:.1e} of max(1, size), {percent:.0} % of a bound"
        );
    }
}
