//! The machine with its shape in the type: [`Rbm`].

use crate::kernel::float;
use crate::learn::RbmMut;
use crate::machine::{Machine, ShapeError};
use crate::rbm::RbmView;
use crate::units::Units;
use nalgebra::{ArrayStorage, SMatrix, SVector};

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
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const V: usize, const H: usize> Rbm<V, H> {
    /// All parameters zero: every state equally likely. A constant, so that a `static` holds a machine that never passed over the stack.
    pub const ZERO: Self = Self {
        weights: SMatrix::from_array_storage(ArrayStorage([[0.0; V]; H])),
        visible_bias: SVector::from_array_storage(ArrayStorage([[0.0; V]; 1])),
        hidden_bias: SVector::from_array_storage(ArrayStorage([[0.0; H]; 1])),
    };

    /// The same machine as borrowed slices.
    pub fn view(&self) -> RbmView<'_> {
        RbmView::of_shape(self.weights.as_slice(), self.visible_bias.as_slice(), self.hidden_bias.as_slice())
    }

    /// The same parameters as slices that can be changed.
    pub fn as_mut(&mut self) -> RbmMut<'_> {
        RbmMut {
            weights: self.weights.as_mut_slice(),
            visible_bias: self.visible_bias.as_mut_slice(),
            hidden_bias: self.hidden_bias.as_mut_slice(),
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
        self.weights.copy_from_slice(view.up().weights());
        self.visible_bias.copy_from_slice(view.visible_bias());
        self.hidden_bias.copy_from_slice(view.up().bias());
        Ok(())
    }

    /// `out_j = p(h_j = 1 | v)` for every hidden unit.
    pub fn hidden_probs(&self, visible: &SVector<f32, V>, out: &mut SVector<f32, H>) {
        fits(self.view().hidden_probs(visible.as_slice(), out.as_mut_slice()));
    }

    /// `out_i = p(v_i = 1 | h)` for every visible unit.
    pub fn visible_probs(&self, hidden: &SVector<f32, H>, out: &mut SVector<f32, V>) {
        fits(self.view().visible_probs(hidden.as_slice(), out.as_mut_slice()));
    }

    /// `E(v, h)`, in nats.
    pub fn energy(&self, visible: &SVector<f32, V>, hidden: &SVector<f32, H>) -> f32 {
        let view = self.view();
        let (weights, hidden_bias) = (view.up().weights(), view.up().bias());
        float::energy(view.units(), weights, view.visible_bias(), hidden_bias, visible.as_slice(), hidden.as_slice())
    }

    /// `F(v)`, in nats.
    pub fn free_energy(&self, visible: &SVector<f32, V>) -> f32 {
        let view = self.view();
        let (weights, hidden_bias) = (view.up().weights(), view.up().bias());
        float::free_energy(view.units(), weights, view.visible_bias(), hidden_bias, visible.as_slice())
    }
}

/// Where the types have checked the shapes, no [`ShapeError`] can come.
pub(crate) fn fits(result: Result<(), ShapeError>) {
    debug_assert_eq!(result, Ok(()));
}
