//! [`Moments`]: what each visible unit does in the data.

use crate::Error;
use crate::backend::Backend;
use crate::parameters::UnitKinds;
use crate::train::source::Source;
use ebm_core::VisibleKind;

/// Means and spreads of the visible units over a data set, missing values (NaN) left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    units: Vec<Unit>,
    rows: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Unit {
    known: usize,
    sum: f64,
    squares: f64,
    low: f32,
    high: f32,
}

impl Moments {
    /// Goes through the data once. Fails when they cannot be read.
    pub fn of<B: Backend>(backend: &B, data: &mut Source<'_, B>) -> Result<Self, Error> {
        let none = Unit { known: 0, sum: 0.0, squares: 0.0, low: f32::INFINITY, high: f32::NEG_INFINITY };
        let mut units = vec![none; data.visible()];
        let mut batch = backend.zeros(0, 0);
        let rows: Vec<u32> = (0..data.rows() as u32).collect();
        for piece in rows.chunks(backend.rows_at_once(units.len())) {
            data.gather(backend, piece, &mut batch)?;
            for row in backend.download(&batch).chunks_exact(units.len().max(1)) {
                for (unit, &value) in units.iter_mut().zip(row).filter(|(_, value)| !value.is_nan()) {
                    unit.known += 1;
                    unit.sum += f64::from(value);
                    unit.squares += f64::from(value) * f64::from(value);
                    unit.low = unit.low.min(value);
                    unit.high = unit.high.max(value);
                }
            }
        }
        Ok(Self { units, rows: rows.len() })
    }

    /// Mean of each unit; `None` where no value is known.
    pub fn means(&self) -> impl Iterator<Item = Option<f64>> {
        self.units.iter().map(|unit| (unit.known > 0).then(|| unit.sum / unit.known as f64))
    }

    /// Standard deviation of each unit; 1 where it does not vary, so that a constant channel is not divided by nothing.
    pub fn deviations(&self) -> impl Iterator<Item = f64> {
        self.units.iter().map(|unit| {
            let count = unit.known.max(1) as f64;
            let variance = unit.squares / count - (unit.sum / count).powi(2);
            if unit.low < unit.high && variance > 0.0 { variance.sqrt() } else { 1.0 }
        })
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// Some value is missing.
    pub fn is_missing_some(&self) -> bool {
        self.units.iter().any(|unit| unit.known < self.rows)
    }

    /// Fails when a unit meets a value that its kind does not have: infinite, or outside [0, 1] of any but a Gaussian unit.
    pub fn check(&self, kinds: &UnitKinds) -> Result<(), Error> {
        let of_blocks = kinds.blocks.iter().flat_map(|block| {
            let kind = block.kind().unwrap_or(VisibleKind::Bernoulli);
            std::iter::repeat_n(kind, block.units())
        });
        for (index, (unit, kind)) in
            self.units.iter().zip(of_blocks.chain(std::iter::repeat(VisibleKind::Bernoulli))).enumerate()
        {
            let (low, high) = if kind == VisibleKind::Gaussian { (f32::MIN, f32::MAX) } else { (0.0, 1.0) };
            if unit.known > 0 && (unit.low < low || unit.high > high) {
                return Err(Error::Flag {
                    flag: "--visible",
                    value: format!(
                        "{kind:?} (where value {index} of a sample reaches from {} to {})",
                        unit.low, unit.high
                    ),
                    expected: "values from 0 to 1, or Gaussian units for finite ones",
                });
            }
        }
        Ok(())
    }
}
