//! A program that uses machines of some shapes: free energy, a Gibbs step, and a pass through a stack of the machine and a head.

use core::hint::black_box;

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Chain, Dbn, Head, Network, Rbm, ShapeError};
use nalgebra::SVector;

/// A machine under a head of four classes.
pub type Stack<const V: usize, const H: usize> = Dbn<V, H, Head<H, 4>>;

/// Everything that a program does with a shape. Never inlined, as in a program that does it in more than one place.
#[inline(never)]
pub fn exercise<const V: usize, const H: usize>(
    rbm: &Rbm<V, H>,
    stack: &Stack<V, H>,
    visible: &SVector<f32, V>,
) -> Result<(), ShapeError> {
    black_box(rbm.free_energy(visible));
    let mut chain = Chain::<f32, V, H>::new(visible.data.0[0]);
    let mut rng = Philox::new(1, Stream::new(Purpose::Free));
    chain.gibbs_step(&rbm.view(), &mut rng)?;
    black_box(chain.visible());
    let mut state = <Stack<V, H> as Network<V>>::State::default();
    stack.forward(visible, &mut state);
    black_box(Stack::<V, H>::output(&state));
    Ok(())
}

/// The program of these shapes.
macro_rules! program {
    ($(($visible:literal, $hidden:literal)),+) => {
        fn run() -> bool {
            let mut good = true;
            $({
                static RBM: ebm_core::Rbm<$visible, $hidden> = ebm_core::Rbm::ZERO;
                static STACK: shapes::Stack<$visible, $hidden> =
                    ebm_core::Dbn { layer: ebm_core::Rbm::ZERO, next: ebm_core::Head::ZERO };
                let visible = nalgebra::SVector::from_array_storage(nalgebra::ArrayStorage([[1.0; $visible]; 1]));
                let (rbm, stack) = (core::hint::black_box(&RBM), core::hint::black_box(&STACK));
                good &= shapes::exercise(rbm, stack, &visible).is_ok();
            })+
            good
        }

        ebm_firmware::bare!(run);
    };
}
pub(crate) use program;
