//! Graphics cards that there are, the one that is used, and what goes wrong with it.

use super::kernel::MATRIX_GROUP;
use super::states::Cooperative;
use super::trusted;
use crate::Error;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// It is the one that [`super::Gpu::new`] takes.
    pub is_chosen: bool,
    /// Bytes of the largest tensor that it takes whole: weights have to be whole.
    pub largest_tensor: u64,
    /// Bytes of the largest buffer.
    pub largest_buffer: u64,
    /// Threads of the largest group.
    pub group_threads: u32,
    /// Bytes that the threads of a group share.
    pub group_bytes: u32,
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
        // Every subgroup of a group keeps the sums of a matrix.
        let subgroups = (MATRIX_GROUP as u32).div_ceil(adapter.get_info().subgroup_min_size.max(1));
        let fits = |size: u32| 4 * size * size * subgroups <= adapter.limits().max_compute_workgroup_storage_size;
        let cooperative = SIZES.into_iter().find(|&size| has(size) && fits(size)).map(Self::CooperativeMatrices);
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
            is_chosen: false,
            largest_tensor: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(4 * MOST_NUMBERS),
            largest_buffer: limits.max_buffer_size,
            group_threads: limits.max_compute_invocations_per_workgroup,
            group_bytes: limits.max_compute_workgroup_storage_size,
            features: Feature::of(adapter),
        }
    }
}

/// Numbers of a tensor at most: kernels count them by 32 bits.
const MOST_NUMBERS: u64 = 1 << 31;

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    wgpu::Instance::new(descriptor)
}

/// The fastest card.
fn fastest() -> Result<wgpu::Adapter, wgpu::RequestAdapterError> {
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    wait(instance().request_adapter(&options))
}

/// Every card that is found.
pub fn adapters() -> Vec<Adapter> {
    let fastest = fastest().map(|adapter| adapter.get_info()).ok();
    let found = wait(instance().enumerate_adapters(wgpu::Backends::all()));
    // Of two of a kind it is the first.
    let chosen = found.iter().position(|adapter| Some(adapter.get_info()) == fastest);
    let of = |(number, adapter)| Adapter { is_chosen: Some(number) == chosen, ..Adapter::of(adapter) };
    found.iter().enumerate().map(of).collect()
}

/// The fastest card, with tensors of up to so many bytes and perhaps without features.
pub(super) fn open(
    largest_tensor: u64,
    has_features: bool,
) -> Result<(wgpu::Device, wgpu::Queue, Adapter, Option<Cooperative>), Error> {
    let refused = |problem: String| Error::Gpu { problem, help: HOW };
    let found = fastest().map_err(|error| refused(error.to_string()))?;
    let mut adapter = Adapter { is_chosen: true, ..Adapter::of(&found) };
    adapter.largest_tensor = adapter.largest_tensor.min(largest_tensor);
    if !has_features {
        adapter.features.clear();
    }
    let mut limits = found.limits();
    limits.max_storage_buffer_binding_size = adapter.largest_tensor;
    let features = adapter.features.iter().map(|feature| feature.needs());
    let descriptor = wgpu::DeviceDescriptor {
        required_features: features.fold(wgpu::Features::empty(), |all, feature| all | feature),
        required_limits: limits,
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

/// What is wrong with a card.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// It has no room for what it is given.
    Memory(String),
    /// A tensor of so many rows and columns has more bytes than it takes.
    TooLarge([usize; 2], u64),
    /// It was lost, or refuses a kernel.
    Other(String),
}

/// The first problem, which is the cause of those after it.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<Problem>>>);

impl Fault {
    /// Hears what is wrong with `device` from now on.
    pub(super) fn watch(device: &wgpu::Device) -> Self {
        let fault = Self::default();
        let (of_errors, of_loss) = (fault.clone(), fault.clone());
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let words = error.to_string();
            of_errors.tell(match error {
                wgpu::Error::OutOfMemory { .. } => Problem::Memory(words),
                _ => Problem::Other(words),
            });
        }));
        device.set_device_lost_callback(move |_, message| {
            // It may be of its memory that it was lost; what else went wrong came of it.
            let mut problem = of_loss.problem();
            if !matches!(*problem, Some(Problem::Memory(_) | Problem::TooLarge(..))) {
                *problem = Some(Problem::Other(format!("the card was lost: {message}")));
            }
        });
        fault
    }

    fn problem(&self) -> MutexGuard<'_, Option<Problem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, problem: Problem) {
        self.problem().get_or_insert(problem);
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(problem) = self.problem().clone() else { return Ok(()) };
        let smaller = "fewer units or a smaller --batch-size take less, and --backend cpu does without the card";
        let (problem, help) = match problem {
            Problem::Memory(words) => (words, smaller),
            Problem::TooLarge([rows, columns], largest) => {
                let needed = (rows * columns * size_of::<f32>()) as u64;
                let [needed, largest] = [needed, largest].map(|bytes| bytes as f64 / f64::from(1 << 20));
                let problem = format!(
                    "{rows} × {columns} numbers take {needed:.3} MiB at once, and its driver allows {largest:.3}"
                );
                (problem, smaller)
            }
            Problem::Other(words) => (
                words,
                "training goes on from its last checkpoint with --resume, and --backend cpu does without the card",
            ),
        };
        Err(Error::Gpu { problem, help })
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
