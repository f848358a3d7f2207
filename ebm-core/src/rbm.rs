//! The machine in f32: [`RbmView`] over borrowed slices, of any kind of units; [`Rbm`] with its shape in the type.

use crate::beta::Beta;
use crate::kernel::{float, units as kinds};
use crate::machine::{Machine, ShapeError};
use crate::math::log_sum_exp;
use crate::units::{Units, VisibleKind};
use nalgebra::{SMatrix, SVector};
use rand_core::Rng;

/// An affine map with a shape known at run time: the upward half of a machine, or a softmax head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    inputs: usize,
}

impl<'a> Affine<'a> {
    /// Weights `inputs × bias.len()`, column-major. Fails when the weights have another number of elements.
    pub const fn new(inputs: usize, weights: &'a [f32], bias: &'a [f32]) -> Result<Self, ShapeError> {
        match ShapeError::check("weights", inputs.saturating_mul(bias.len()), weights.len()) {
            Ok(()) => Ok(Self { weights, bias, inputs }),
            Err(error) => Err(error),
        }
    }

    /// Number of inputs.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub const fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights, column-major: output j's are contiguous over the inputs.
    pub const fn weights(&self) -> &'a [f32] {
        self.weights
    }

    /// The biases, one an output.
    pub const fn bias(&self) -> &'a [f32] {
        self.bias
    }

    /// `out_j = b_j + Σ_i x_i·W_ij`.
    pub fn field(&self, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        ShapeError::check("inputs", self.inputs, input.len())?;
        ShapeError::check("outputs", self.outputs(), out.len())?;
        float::hidden_field(self.weights, self.bias, input, out);
        Ok(())
    }

    /// `out_j = σ(b_j + Σ_i x_i·W_ij)`.
    pub fn probabilities(&self, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.field(input, out)?;
        float::probabilities(out);
        Ok(())
    }
}

/// A machine whose parameters are borrowed, from flash, a file's bytes or an [`Rbm`]; its shape is known at run time.
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
            Ok(up) => Ok(Self { up, visible_bias, units: Units::BERNOULLI }),
            Err(error) => Err(error),
        }
    }

    /// The same parameters for other units. Fails when the blocks speak of another number of visible units.
    pub fn with_units(self, units: Units<'a>) -> Result<Self, ShapeError> {
        if let Some(visible) = units.visible() {
            ShapeError::check("units in blocks", self.visible_bias.len(), visible)?;
        }
        Ok(Self { units, ..self })
    }

    /// What its units are.
    pub const fn units(&self) -> Units<'a> {
        self.units
    }

    /// The map from visible to hidden fields.
    pub const fn up(&self) -> Affine<'a> {
        self.up
    }

    /// `a`, one a visible unit.
    pub const fn visible_bias(&self) -> &'a [f32] {
        self.visible_bias
    }

    /// `E(v, h) = Σ_i U_i(v_i) + Σ_j U_j(h_j) − vᵀWh`, in nats; for Bernoulli units `−a·v − b·h − vᵀWh`.
    pub fn energy(&self, visible: &[f32], hidden: &[f32]) -> Result<f32, ShapeError> {
        self.check_visible(visible)?;
        self.check_hidden(hidden)?;
        Ok(float::energy(self.units, self.up.weights, self.visible_bias, self.up.bias, visible, hidden))
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
        float::visible_input(self.units, self.up.weights, self.visible_bias, hidden, out);
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
        self.up.field(visible, out)?;
        kinds::hidden_means(self.units.hidden(), out);
        Ok(())
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
        Ok(float::free_energy(self.units, self.up.weights, self.visible_bias, self.up.bias, visible))
    }

    fn labels(&self) -> usize {
        self.units.labels()
    }

    fn class_scores(&self, inputs: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.check_inputs(inputs)?;
        ShapeError::check("classes", self.labels(), out.len())?;
        float::class_scores(self.units, self.up.weights, self.visible_bias, self.up.bias, inputs, 0, out);
        Ok(())
    }

    fn free_energy_of_inputs(&self, inputs: &[f32]) -> Result<f32, ShapeError> {
        /// Classes that are scored together, so that the scores need no buffer of the caller's.
        const TOGETHER: usize = 16;
        self.check_inputs(inputs)?;
        if self.labels() == 0 {
            return self.free_energy(inputs);
        }
        let Affine { weights, bias: hidden_bias, .. } = self.up;
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

/// Parameters of `V` visible and `H` hidden units, owned.
///
/// [`Rbm::view`] is the machine of Bernoulli units with these parameters, and the methods here are that machine's; they cannot fail, since the
/// type system has checked the shapes. [`Rbm::view_with`] is a machine of other units.
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm<const V: usize, const H: usize> {
    /// `W`, `V × H`.
    pub weights: SMatrix<f32, V, H>,
    /// `a`.
    pub visible_bias: SVector<f32, V>,
    /// `b`.
    pub hidden_bias: SVector<f32, H>,
}

impl<const V: usize, const H: usize> Default for Rbm<V, H> {
    /// All parameters zero: every state equally likely.
    fn default() -> Self {
        Self { weights: SMatrix::zeros(), visible_bias: SVector::zeros(), hidden_bias: SVector::zeros() }
    }
}

impl<const V: usize, const H: usize> Rbm<V, H> {
    /// The same machine as borrowed slices.
    pub fn view(&self) -> RbmView<'_> {
        RbmView {
            up: Affine { weights: self.weights.as_slice(), bias: self.hidden_bias.as_slice(), inputs: V },
            visible_bias: self.visible_bias.as_slice(),
            units: Units::BERNOULLI,
        }
    }

    /// The machine of these parameters and units. Fails when `units` speaks of another number of visible units.
    pub fn view_with<'a>(&'a self, units: Units<'a>) -> Result<RbmView<'a>, ShapeError> {
        self.view().with_units(units)
    }

    /// Takes the parameters of `view`; its units it cannot hold, they stay with the caller. Fails, naming both shapes, when it is not `V × H`.
    pub fn copy_from(&mut self, view: &RbmView<'_>) -> Result<(), ShapeError> {
        ShapeError::check("visible units", V, view.visible())?;
        ShapeError::check("hidden units", H, view.hidden())?;
        self.weights.copy_from_slice(view.up.weights);
        self.visible_bias.copy_from_slice(view.visible_bias);
        self.hidden_bias.copy_from_slice(view.up.bias);
        Ok(())
    }

    /// `p(h_j = 1 | v)` for every hidden unit.
    pub fn hidden_probs(&self, visible: &SVector<f32, V>) -> SVector<f32, H> {
        let mut out = SVector::zeros();
        self.hidden_probs_into(visible.as_slice(), &mut out);
        out
    }

    pub(crate) fn hidden_probs_into(&self, visible: &[f32], out: &mut SVector<f32, H>) {
        float::hidden_field(self.weights.as_slice(), self.hidden_bias.as_slice(), visible, out.as_mut_slice());
        float::probabilities(out.as_mut_slice());
    }

    /// `p(v_i = 1 | h)` for every visible unit.
    pub fn visible_probs(&self, hidden: &SVector<f32, H>) -> SVector<f32, V> {
        let mut out: SVector<f32, V> = SVector::zeros();
        float::visible_field(
            self.weights.as_slice(),
            self.visible_bias.as_slice(),
            hidden.as_slice(),
            out.as_mut_slice(),
        );
        float::probabilities(out.as_mut_slice());
        out
    }

    /// `E(v, h)`, in nats.
    pub fn energy(&self, visible: &SVector<f32, V>, hidden: &SVector<f32, H>) -> f32 {
        let view = self.view();
        float::energy(
            view.units,
            view.up.weights,
            view.visible_bias,
            view.up.bias,
            visible.as_slice(),
            hidden.as_slice(),
        )
    }

    /// `F(v)`, in nats.
    pub fn free_energy(&self, visible: &SVector<f32, V>) -> f32 {
        let view = self.view();
        float::free_energy(view.units, view.up.weights, view.visible_bias, view.up.bias, visible.as_slice())
    }
}
