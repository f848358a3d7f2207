//! A machine with its shape in the type: free energy of a state, then a seeded Gibbs chain from it.
//!
//! `cargo run -p ebm-core --example gibbs`

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Chain, Rbm, ShapeError};
use nalgebra::{Matrix4x2, Vector2, Vector4};

fn main() -> Result<(), ShapeError> {
    // Two patterns, 1100 and 0011, one hidden unit for each.
    let rbm = Rbm::<4, 2> {
        weights: Matrix4x2::new(4.0, -4.0, 4.0, -4.0, -4.0, 4.0, -4.0, 4.0),
        visible_bias: Vector4::zeros(),
        hidden_bias: Vector2::repeat(-4.0),
    };
    for state in [Vector4::new(1.0, 1.0, 0.0, 0.0), Vector4::new(1.0, 0.0, 1.0, 0.0)] {
        println!("F({state:?}) = {:+.3} nats", rbm.free_energy(&state));
    }

    let mut chain = Chain::<_, 4, 2>::new([1.0, 0.0, 1.0, 0.0]);
    let mut rng = Philox::new(7, Stream::new(Purpose::Free));
    for step in 1..=8 {
        chain.gibbs_step(&rbm.view(), &mut rng)?;
        println!("step {step}: v = {:?}, h = {:?}", chain.visible(), chain.hidden());
    }
    Ok(())
}
