//! Graphics cards that there are, the one that is used, and what goes wrong with it.

use crate::Error;
use serde::Serialize;
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

/// The fastest card.
pub(super) fn open() -> Result<(wgpu::Device, wgpu::Queue, Adapter), Error> {
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    let refused = |problem: String| Error::Gpu { problem, help: HOW };
    let adapter = wait(instance().request_adapter(&options)).map_err(|error| refused(error.to_string()))?;
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..wgpu::DeviceDescriptor::default() };
    let (device, queue) = wait(adapter.request_device(&descriptor)).map_err(|error| refused(error.to_string()))?;
    Ok((device, queue, Adapter::of(&adapter)))
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
