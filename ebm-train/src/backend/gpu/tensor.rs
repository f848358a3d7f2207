//! [`GpuTensor`]: a matrix in a buffer of the card.

use super::Gpu;
use super::device::Problem;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A row-major matrix on the card. A clone is the same matrix, not a copy of it.
#[derive(Clone, Debug, Default)]
pub struct GpuTensor {
    buffer: Option<Buffer>,
    /// Row of the buffer that is its first.
    first: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// A buffer and its number, by which bindings to it are found again.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    pub number: u64,
    pub buffer: wgpu::Buffer,
    /// Held by every tensor in it.
    pub held: Arc<()>,
}

/// Rows of a data set on the card: in as many tensors as the largest that it takes makes necessary.
pub struct GpuSet {
    pub(super) columns: usize,
    /// Each with the number of its first row.
    pub(super) pieces: Vec<(usize, GpuTensor)>,
}

/// What a buffer of numbers is for.
const USAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

impl Buffer {
    /// Of zeros.
    pub(super) fn new(device: &wgpu::Device, numbers: usize, usage: wgpu::BufferUsages) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let size = (numbers.max(1) * size_of::<f32>()) as u64;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { number, buffer: device.create_buffer(&descriptor), held: Arc::default() }
    }
}

impl GpuTensor {
    /// A matrix of zeros.
    pub(super) fn zeros(gpu: &Gpu, rows: usize, columns: usize) -> Self {
        let (numbers, largest) = (rows * columns, gpu.adapter.largest_buffer);
        let fits = (numbers * size_of::<f32>()) as u64 <= largest;
        if !fits {
            gpu.fault.tell(Problem::TooLarge([rows, columns], largest));
        }
        let buffer = (fits && numbers > 0).then(|| Buffer::new(&gpu.device, numbers, USAGE));
        Self { buffer, first: 0, rows, columns }
    }

    pub(super) fn len(&self) -> usize {
        self.rows * self.columns
    }

    pub(super) fn buffer(&self) -> Option<&Buffer> {
        self.buffer.as_ref()
    }

    /// Bytes of its buffer that are its own.
    pub(super) fn bytes(&self) -> Range<u64> {
        let [start, end] =
            [self.first, self.first + self.rows].map(|row| (row * self.columns * size_of::<f32>()) as u64);
        start..end
    }

    /// Its rows `rows`, in the same place.
    pub(super) fn view(&self, rows: Range<usize>) -> Self {
        Self { buffer: self.buffer.clone(), first: self.first + rows.start, rows: rows.len(), columns: self.columns }
    }

    /// Takes a shape; what it holds afterwards is unspecified. A buffer is made only where it grows.
    pub(super) fn reshape(&mut self, gpu: &Gpu, rows: usize, columns: usize) {
        let bytes = (rows * columns * size_of::<f32>()) as u64;
        if self.buffer.as_ref().map_or(0, |buffer| buffer.buffer.size()) < bytes {
            *self = Self::zeros(gpu, rows, columns);
        }
        (self.rows, self.columns) = (rows, columns);
    }
}
