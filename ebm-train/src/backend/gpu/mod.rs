//! [`Gpu`]: tensors and products on any graphics card, through wgpu: Vulkan, Metal or DX12.
//!
//! What is to be done is recorded, and handed over when there is enough of it or when a value is asked for. A step of CD-1 is seven kernels, one
//! of back-propagation three a layer and three more; data, parameters, moments and chains stay on the card, and nothing of a step comes back.
//!
//! - A kernel's text lies beside this file: `product.wgsl` has all products and what becomes of their sums, `elements.wgsl` and `draws.wgsl` a
//!   function for each operation on single numbers, `sums.wgsl` one for each sum over rows. Their constants are `ebm_core`'s (`kernel.rs`).
//! - `operations.rs` calls them; `pieces.rs` cuts up what a driver does not bind at once; `recorder.rs` binds, records and hands over.
//! - What not every card has ([`Feature`]) is used where there is one: `row_subgroups.wgsl`, `states.wgsl`. Nothing asks for it.
//!
//! `unsafe` stands in `trusted.rs` alone.

mod device;
mod kernel;
mod operations;
mod pieces;
mod recorder;
mod states;
mod tensor;
mod trusted;
mod units;

pub use device::{Adapter, Feature, adapters};
pub use states::{GpuRounded, GpuStates};
pub use tensor::{GpuSet, GpuTensor};

use crate::Error;
use crate::ranks::Ranks;
use device::Fault;
use recorder::Recorder;
use states::Cooperative;
use std::cell::RefCell;
use units::UnitTables;

/// Computes on a graphics card.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    adapter: Adapter,
    /// How it multiplies matrices of 16-bit numbers, if it does.
    cooperative: Option<Cooperative>,
    fault: Fault,
    recorder: RefCell<Recorder>,
    units: RefCell<UnitTables>,
    /// Where gradients and partial sums are kept that nobody asks for.
    scratch: RefCell<GpuTensor>,
    ranks: Ranks,
}

impl Gpu {
    /// The card that the system prefers. Fails when there is none, or its driver refuses.
    pub fn new() -> Result<Self, Error> {
        Self::open(u64::MAX, true)
    }

    /// The same card as if it were a lesser one: with tensors of up to so many bytes, and without the features that not every card has
    /// ([`Adapter::features`]) unless it is to keep them. Results differ by rounding at most.
    /// Fails as [`Gpu::new`] does.
    pub fn as_lesser(largest_tensor: u64, keeps_features: bool) -> Result<Self, Error> {
        Self::open(largest_tensor, keeps_features)
    }

    fn open(largest_tensor: u64, has_features: bool) -> Result<Self, Error> {
        let (device, queue, adapter, cooperative) = device::open(largest_tensor, has_features)?;
        let fault = Fault::watch(&device);
        let recorder = RefCell::new(Recorder::new(&device, &adapter));
        let gpu = Self {
            device,
            queue,
            adapter,
            cooperative,
            fault,
            recorder,
            units: RefCell::default(),
            scratch: RefCell::default(),
            ranks: Ranks::default(),
        };
        Ok(gpu)
    }

    /// The same, as the backend of one of several processes.
    pub fn among(self, ranks: Ranks) -> Self {
        Self { ranks, ..self }
    }

    /// What it computes on.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }
}

#[cfg(test)]
mod tests {
    use super::kernel::{File, Kernel};
    use super::recorder::Call;
    use super::{Gpu, adapters};
    use crate::Error;
    use crate::backend::{Backend, Direction, Link};

    /// What becomes of a card that something is wrong with.
    fn fault(wrong: impl FnOnce(&Gpu)) -> Result<Option<String>, Error> {
        if adapters().is_empty() {
            return Ok(None);
        }
        let gpu = Gpu::as_lesser(1 << 16, true)?;
        gpu.check()?;
        wrong(&gpu);
        // It goes on computing, of whatever use that may be.
        let mut out = gpu.zeros(3, 3);
        gpu.add_scaled(1.0, &gpu.zeros(3, 3), &mut out);
        assert_eq!(gpu.download(&out).len(), 9);
        Ok(Some(gpu.check().expect_err("something is wrong").to_string()))
    }

    #[test]
    fn what_the_card_has_no_room_for_is_an_error() -> Result<(), Error> {
        // Four tebibytes.
        let words = fault(|gpu| drop(gpu.zeros(1 << 20, 1 << 20)))?;
        assert!(
            words.is_none_or(|words| words.contains("1048576 × 1048576 numbers") && words.contains("--backend cpu"))
        );
        Ok(())
    }

    #[test]
    fn weights_that_a_driver_does_not_take_are_an_error() -> Result<(), Error> {
        // They have to be whole, unlike samples.
        let words = fault(|gpu| {
            let (mut out, weights) = (gpu.zeros(0, 0), gpu.zeros(300, 100));
            gpu.affine(Direction::Up, &weights, None, Link::Identity, &gpu.zeros(2, 100), &mut out);
        })?;
        assert!(words.is_none_or(|words| words.contains("300 × 100 numbers") && words.contains("fewer units")));
        Ok(())
    }

    #[test]
    fn a_card_that_is_lost_is_an_error() -> Result<(), Error> {
        let words = fault(|gpu| gpu.device.destroy())?;
        assert!(words.is_none_or(|words| words.contains("lost") && words.contains("--resume")));
        Ok(())
    }

    #[test]
    fn a_kernel_that_a_driver_refuses_is_an_error() -> Result<(), Error> {
        let words = fault(|gpu| {
            let out = gpu.zeros(3, 3);
            let call = Call { written: &[&out], ..Call::default() };
            gpu.run(Kernel(File::Elements, "no_such_operation"), 1, call);
        })?;
        assert!(words.is_none_or(|words| words.contains("no_such_operation") && words.contains("--resume")));
        Ok(())
    }
}
