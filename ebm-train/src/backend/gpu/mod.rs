//! [`Gpu`]: tensors and products on any graphics card, through wgpu: Vulkan, Metal or DX12.
//!
//! What is to be done is recorded, and handed over when there is enough of it or when a value is asked for: a step of training is some twenty
//! kernels, and nothing of it comes back.

mod device;
mod kernel;
mod operations;
mod recorder;
mod states;
mod tensor;
mod trusted;
mod units;

pub use device::{Adapter, Feature, adapters};
pub use states::{GpuRounded, GpuStates};
pub use tensor::{GpuSet, GpuTensor};

use crate::Error;
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
}

impl Gpu {
    /// The card that the system prefers. Fails when there is none, or its driver refuses.
    pub fn new() -> Result<Self, Error> {
        Self::open(true)
    }

    /// The same card without the features that not every card has ([`Adapter::features`]): results differ by rounding at most.
    pub fn without_features() -> Result<Self, Error> {
        Self::open(false)
    }

    fn open(with_features: bool) -> Result<Self, Error> {
        let (device, queue, adapter, cooperative) = device::open(with_features)?;
        let fault = Fault::watch(&device);
        let recorder = RefCell::new(Recorder::new(&device, adapter.features.contains(&Feature::Subgroups)));
        let gpu = Self {
            device,
            queue,
            adapter,
            cooperative,
            fault,
            recorder,
            units: RefCell::default(),
            scratch: RefCell::default(),
        };
        Ok(gpu)
    }

    /// What it computes on.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }
}

#[cfg(test)]
mod tests {
    use super::{Gpu, adapters};
    use crate::backend::Backend;

    #[test]
    fn what_the_card_has_no_room_for_is_an_error() -> Result<(), crate::Error> {
        if adapters().is_empty() {
            return Ok(());
        }
        let gpu = Gpu::new()?;
        gpu.check()?;
        // Four tebibytes.
        let _ = gpu.zeros(1 << 20, 1 << 20);
        let words = gpu.check().expect_err("no card has that").to_string();
        assert!(words.contains("the graphics card:") && words.contains("--resume"), "{words}");
        Ok(())
    }
}
