//! Graphics cards that there are, the one that is used, and what goes wrong with it.

use super::states::Cooperative;
use super::trusted;
use crate::Error;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// How to get a card where there is none.
const HOW: &str = "install the card's Vulkan driver (on Debian, mesa-vulkan-drivers computes on the processor where there is no card), or choose --backend cpu";

/// A graphics card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adapter {
    /// Its name.
    pub name: String,
    /// The interface to it: Vulkan, Metal or DX12.
    pub interface: String,
    /// What it is: a card of its own, a part of the processor, a program on the processor.
    pub kind: String,
    /// Name and version of the driver.
    pub driver: String,
    /// Whether it computes on the processor after all.
    pub on_processor: bool,
    /// Bytes of the largest tensor.
    pub largest_tensor: u64,
    /// What it has beyond what every card must, and is used.
    pub features: Vec<Feature>,
}

/// What not every card has; where there is none, kernels that do without are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Threads add up without meeting in memory.
    Subgroups,
    /// Products of matrices of so many rows and columns, of 16-bit numbers and sums of 32 bits, are single instructions.
    CooperativeMatrices(u32),
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subgroups => write!(f, "subgroups: sums over rows"),
            Self::CooperativeMatrices(size) => {
                write!(f, "cooperative matrices of {size} × {size} 16-bit numbers: Gibbs steps of Bernoulli units")
            }
        }
    }
}

/// Sizes of cooperative matrices that are used, the better first.
const SIZES: [u32; 2] = [16, 8];

impl Feature {
    fn of(adapter: &wgpu::Adapter) -> Vec<Self> {
        let matrices = adapter.cooperative_matrix_properties();
        let has = |size: u32| {
            matrices.iter().any(|of| {
                [of.m_size, of.n_size, of.k_size] == [size; 3]
                    && of.ab_type == wgpu::CooperativeScalarType::F16
                    && of.cr_type == wgpu::CooperativeScalarType::F32
            })
        };
        let cooperative = SIZES.into_iter().find(|&size| has(size)).map(Self::CooperativeMatrices);
        let all = [Some(Self::Subgroups), cooperative].into_iter().flatten();
        all.filter(|feature| adapter.features().contains(feature.needs())).collect()
    }

    /// What a device is asked for.
    fn needs(self) -> wgpu::Features {
        match self {
            Self::Subgroups => wgpu::Features::SUBGROUP,
            Self::CooperativeMatrices(_) => {
                wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX | wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP
            }
        }
    }
}

impl Adapter {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let wgpu::AdapterInfo { name, driver, driver_info, device_type, backend, .. } = adapter.get_info();
        let limits = adapter.limits();
        Self {
            name,
            interface: format!("{backend:?}"),
            kind: match device_type {
                wgpu::DeviceType::DiscreteGpu => "a card of its own",
                wgpu::DeviceType::IntegratedGpu => "a part of the processor",
                wgpu::DeviceType::VirtualGpu => "a share of a card",
                wgpu::DeviceType::Cpu => "a program on the processor",
                wgpu::DeviceType::Other => "of a kind that its driver does not tell",
            }
            .to_owned(),
            on_processor: device_type == wgpu::DeviceType::Cpu,
            driver: format!("{driver} {driver_info}").trim().to_owned(),
            largest_tensor: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            features: Feature::of(adapter),
        }
    }
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    wgpu::Instance::new(descriptor)
}

/// Every card that is found.
pub fn adapters() -> Vec<Adapter> {
    wait(instance().enumerate_adapters(wgpu::Backends::all())).iter().map(Adapter::of).collect()
}

/// The fastest card, and its features that are used: none unless they are asked for.
pub(super) fn open(with_features: bool) -> Result<(wgpu::Device, wgpu::Queue, Adapter, Option<Cooperative>), Error> {
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    let refused = |problem: String| Error::Gpu { problem, help: HOW };
    let found = wait(instance().request_adapter(&options)).map_err(|error| refused(error.to_string()))?;
    let mut adapter = Adapter::of(&found);
    if !with_features {
        adapter.features.clear();
    }
    let features = adapter.features.iter().map(|feature| feature.needs());
    let descriptor = wgpu::DeviceDescriptor {
        required_features: features.fold(wgpu::Features::empty(), |all, feature| all | feature),
        required_limits: found.limits(),
        experimental_features: trusted::experimental(),
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = wait(found.request_device(&descriptor)).map_err(|error| refused(error.to_string()))?;
    let wgpu::AdapterInfo { subgroup_min_size, subgroup_max_size, .. } = found.get_info();
    let threads = [subgroup_min_size, subgroup_max_size].map(|threads| threads.max(1) as usize);
    let cooperative = adapter.features.iter().find_map(|feature| match feature {
        Feature::CooperativeMatrices(size) => Some(Cooperative { size: *size as usize, threads }),
        Feature::Subgroups => None,
    });
    Ok((device, queue, adapter, cooperative))
}

/// What the driver last complained of: out of memory, lost, a kernel that it does not take.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<String>>>);

impl Fault {
    /// Hears what is wrong with `device` from now on.
    pub(super) fn watch(device: &wgpu::Device) -> Self {
        let fault = Self::default();
        let (of_errors, of_loss) = (fault.clone(), fault.clone());
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| of_errors.tell(error.to_string())));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                of_loss.tell(format!("the card was lost: {message}"));
            }
        });
        fault
    }

    /// The first complaint is the cause of those after it.
    pub(super) fn tell(&self, problem: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(problem) => Err(Error::Gpu {
                problem: problem.clone(),
                help: "--resume goes on from the last checkpoint, --backend cpu without the card",
            }),
        }
    }
}

/// The value of a future that wgpu has ready when it is asked for.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let (mut future, mut context) = (pin!(future), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
