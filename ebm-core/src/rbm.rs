//! The machine in f32 over borrowed slices, of any kinds of units: [`RbmView`].

use crate::affine::{Activation, Affine};
use crate::beta::Beta;
use crate::kernel::{float, units as kinds};
use crate::machine::{Machine, ShapeError};
use crate::math::log_sum_exp;
use crate::units::{Units, VisibleKind};
use rand_core::Rng;

/// A machine whose parameters are borrowed, from flash, a file's bytes or an [`Rbm`](crate::Rbm); its shape is known at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RbmView<'a> {
    up: Affine<'a>,
    visible_bias: &'a [f32],
    units: Units<'a>,
}

impl<'a> RbmView<'a> {
    /// A machine of Bernoulli units: weights `V × H` column-major, `V = visible_bias.len()`, `H = hidden_bias.len()`.
    /// Fails when the weights have another number of elements.
    pub const fn new(weights: &'a [f32], visible_bias: &'a [f32], hidden_bias: &'a [f32]) -> Result<Self, ShapeError> {
        match Affine::new(visible_bias.len(), weights, hidden_bias) {
            Ok(_) => Ok(Self::of_shape(weights, visible_bias, hidden_bias)),
            Err(error) => Err(error),
        }
    }

    /// [`RbmView::new`] where the types have checked the shape.
    pub(crate) const fn of_shape(weights: &'a [f32], visible_bias: &'a [f32], hidden_bias: &'a [f32]) -> Self {
        let up = Affine::of_shape(visible_bias.len(), weights, hidden_bias);
        Self { up, visible_bias, units: Units::BERNOULLI }
    }

    /// The same parameters for other units. Fails when the blocks speak of another number of visible units.
    pub fn with_units(self, units: Units<'a>) -> Result<Self, ShapeError> {
        if let Some(visible) = units.visible() {
            ShapeError::check("units in blocks", self.visible_bias.len(), visible)?;
        }
        let up = self.up.with_activation(Activation::Mean(units.hidden()));
        Ok(Self { up, units, ..self })
    }

    /// What its units are.
    pub const fn units(&self) -> Units<'a> {
        self.units
    }

    /// The map from visible to hidden fields.
    pub const fn up(&self) -> Affine<'a> {
        self.up
    }

    /// [`RbmView::up`] where it lies.
    pub(crate) const fn as_up(&self) -> &Affine<'a> {
        &self.up
    }

    /// `a`, one a visible unit.
    pub const fn visible_bias(&self) -> &'a [f32] {
        self.visible_bias
    }

    /// `E(v, h) = Σ_i U_i(v_i) + Σ_j U_j(h_j) − vᵀWh`, in nats; for Bernoulli units `−a·v − b·h − vᵀWh`.
    pub fn energy(&self, visible: &[f32], hidden: &[f32]) -> Result<f32, ShapeError> {
        self.check_visible(visible)?;
        self.check_hidden(hidden)?;
        Ok(float::energy(self.units, self.up.weights(), self.visible_bias, self.up.bias(), visible, hidden))
    }

    /// `out_y = p(y | x)` of a ClassRBM, exactly. Fails when `out` does not hold one value a class.
    pub fn class_probs(&self, inputs: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.class_scores(inputs, out)?;
        crate::math::softmax(out);
        Ok(())
    }

    fn visible_input(&self, hidden: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.check_hidden(hidden)?;
        self.check_visible(out)?;
        float::visible_input(self.units, self.up.weights(), self.visible_bias, hidden, out);
        Ok(())
    }
}

impl Machine for RbmView<'_> {
    type Value = f32;
    type Energy = f32;

    fn visible(&self) -> usize {
        self.visible_bias.len()
    }

    fn hidden(&self) -> usize {
        self.up.outputs()
    }

    fn hidden_probs(&self, visible: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.up.probabilities(visible, out)
    }

    fn visible_probs(&self, hidden: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.visible_input(hidden, out)?;
        kinds::visible_means(self.units, self.visible_bias, out);
        Ok(())
    }

    fn sample_hidden_at<R: Rng + ?Sized>(
        &self,
        beta: Beta,
        visible: &[f32],
        rng: &mut R,
        out: &mut [f32],
    ) -> Result<(), ShapeError> {
        self.up.field(visible, out)?;
        kinds::sample_hidden(self.units.hidden(), beta, out, rng);
        Ok(())
    }

    fn sample_visible_at<R: Rng + ?Sized>(
        &self,
        beta: Beta,
        hidden: &[f32],
        rng: &mut R,
        out: &mut [f32],
    ) -> Result<(), ShapeError> {
        self.visible_input(hidden, out)?;
        kinds::sample_visible(self.units, beta, self.visible_bias, out, rng);
        Ok(())
    }

    fn noise<R: Rng + ?Sized>(&self, rng: &mut R, out: &mut [f32]) -> Result<(), ShapeError> {
        self.check_visible(out)?;
        kinds::noise(self.units, self.visible_bias, rng, out);
        Ok(())
    }

    fn free_energy(&self, visible: &[f32]) -> Result<f32, ShapeError> {
        self.check_visible(visible)?;
        Ok(float::free_energy(self.units, self.up.weights(), self.visible_bias, self.up.bias(), visible))
    }

    fn labels(&self) -> usize {
        self.units.labels()
    }

    fn class_scores(&self, inputs: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.check_inputs(inputs)?;
        ShapeError::check("classes", self.labels(), out.len())?;
        float::class_scores(self.units, self.up.weights(), self.visible_bias, self.up.bias(), inputs, 0, out);
        Ok(())
    }

    fn free_energy_of_inputs(&self, inputs: &[f32]) -> Result<f32, ShapeError> {
        /// Classes that are scored together, so that the scores need no buffer of the caller's.
        const TOGETHER: usize = 16;
        self.check_inputs(inputs)?;
        if self.labels() == 0 {
            return self.free_energy(inputs);
        }
        let (weights, hidden_bias) = (self.up.weights(), self.up.bias());
        let mut of_all = f32::NEG_INFINITY;
        for first in (0..self.labels()).step_by(TOGETHER) {
            let mut piece = [0.0; TOGETHER];
            let together = TOGETHER.min(self.labels() - first);
            let scores = piece.get_mut(..together).unwrap_or_default();
            float::class_scores(self.units, weights, self.visible_bias, hidden_bias, inputs, first, scores);
            of_all = log_sum_exp(&[of_all, log_sum_exp(scores)]);
        }
        Ok(-of_all)
    }

    fn hold(&self, known: &[f32], held: &[bool], visible: &mut [f32]) -> Result<(), ShapeError> {
        self.check_visible(known)?;
        ShapeError::check("held marks", self.visible(), held.len())?;
        self.check_visible(visible)?;
        for run in self.units.runs(visible.len()) {
            let range = run.start..run.start + run.units;
            let (Some(values), Some(known), Some(held)) =
                (visible.get_mut(range.clone()), known.get(range.clone()), held.get(range))
            else {
                continue;
            };
            let group = matches!(run.kind, VisibleKind::Softmax | VisibleKind::Label);
            let whole = group && held.contains(&true);
            for ((value, known), _) in values.iter_mut().zip(known).zip(held).filter(|(_, held)| whole || **held) {
                *value = *known;
            }
        }
        Ok(())
    }
}
