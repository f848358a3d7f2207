//! [`Recorder`]: what the card is to do, gathered and handed over together.

use super::device::Problem;
use super::kernel::{Kernel, Params};
use super::tensor::Buffer;
use super::{Adapter, Feature, Gpu, GpuTensor, trusted};
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Weak};
use wgpu::BufferUsages;

/// Tensors that a kernel reads, and that it writes.
const READ: usize = 4;
const WRITTEN: usize = 3;
/// Calls that are handed over together at most.
const CALLS: usize = 1024;
/// Bytes from one call's parameters to the next one's: what every card can begin a binding at.
const PITCH: usize = 256;
/// Multiply-adds that are handed over together at most: a second of a slow card's time, after which some systems take a card for hung.
const WORK: usize = 1 << 36;
/// Bytes that are uploaded between two hand-overs at most, and hand-overs that a card may be behind: what is uploaded stays until it is done with.
const UPLOADED: u64 = 1 << 26;
const BEHIND: usize = 2;
/// Words of all calls at first, at most: samples, rows and labels.
const WORDS: usize = 1 << 20;
/// Sets of bindings that are kept: those of a few steps of training.
const BINDINGS: usize = 256;
/// Groups in a row: what every card can start.
const GROUPS: usize = 65_535;

/// A kernel to be run.
#[derive(Default)]
pub(super) struct Call<'a> {
    pub params: Params,
    /// Samples, rows or labels.
    pub words: &'a [u32],
    /// Tensors that it reads: `a`, `b`, `c`, `d`, from the first on.
    pub read: &'a [&'a GpuTensor],
    /// Tensors that it writes: `x`, `y`, `z`, from the first on.
    pub written: &'a [&'a GpuTensor],
    /// Multiply-adds, where they are many.
    pub work: usize,
}

/// What a kernel is bound to: a buffer's number and the bytes of it, of every tensor.
type Bound = [(u64, Range<u64>); READ + WRITTEN];

struct Recorded {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    offset: u32,
    groups: [u32; 2],
}

/// What a kernel can be bound to that writes so many tensors. One that it does not write is not bound: kernels that have none in common need not
/// wait for each other.
struct Layout {
    bindings: wgpu::BindGroupLayout,
    pipeline: wgpu::PipelineLayout,
}

pub(super) struct Recorder {
    /// Of kernels by the number of tensors that they write.
    layouts: [Layout; WRITTEN + 1],
    subgroups: bool,
    pipelines: HashMap<Kernel, wgpu::ComputePipeline>,
    /// With what says whether their tensors are still there.
    bindings: HashMap<Bound, (wgpu::BindGroup, Vec<Weak<()>>)>,
    /// Bound where a kernel has no tensor to read.
    unused: Buffer,
    params: Buffer,
    words: Buffer,
    recorded: Vec<Recorded>,
    param_bytes: Vec<u8>,
    recorded_words: Vec<u32>,
    work: usize,
    uploaded: u64,
    handed_over: VecDeque<wgpu::SubmissionIndex>,
}

fn entry(binding: usize, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: ty == wgpu::BufferBindingType::Uniform,
            min_binding_size: None,
        },
        count: None,
    }
}

impl Layout {
    fn new(device: &wgpu::Device, written: usize) -> Self {
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let entries: Vec<_> = (0..2 + READ + written)
            .map(|binding| match binding {
                0 => entry(binding, wgpu::BufferBindingType::Uniform),
                _ => entry(binding, storage(binding < 2 + READ)),
            })
            .collect();
        let bindings =
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        Self { bindings, pipeline }
    }
}

impl Recorder {
    pub(super) fn new(device: &wgpu::Device, adapter: &Adapter) -> Self {
        let words = WORDS.min(adapter.largest_tensor as usize / size_of::<u32>());
        Self {
            layouts: std::array::from_fn(|written| Layout::new(device, written)),
            subgroups: adapter.features.contains(&Feature::Subgroups),
            pipelines: HashMap::new(),
            bindings: HashMap::new(),
            unused: Buffer::new(device, 1, BufferUsages::STORAGE),
            params: Buffer::new(device, CALLS * PITCH / 4, BufferUsages::UNIFORM | BufferUsages::COPY_DST),
            words: Buffer::new(device, words, BufferUsages::STORAGE | BufferUsages::COPY_DST),
            recorded: Vec::new(),
            param_bytes: Vec::new(),
            recorded_words: Vec::new(),
            work: 0,
            uploaded: 0,
            handed_over: VecDeque::new(),
        }
    }

    fn pipeline(&mut self, device: &wgpu::Device, kernel: Kernel, written: usize) -> wgpu::ComputePipeline {
        let Self { pipelines, layouts, subgroups, .. } = self;
        let make = || {
            let descriptor = wgpu::ShaderModuleDescriptor {
                label: Some(kernel.1),
                source: wgpu::ShaderSource::Wgsl(kernel.text(*subgroups).into()),
            };
            let module = trusted::module(device, descriptor);
            // Every kernel writes the memory of its groups before it reads it.
            let compilation_options = wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..wgpu::PipelineCompilationOptions::default()
            };
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.1),
                layout: Some(&layouts[written].pipeline),
                module: &module,
                entry_point: Some(kernel.entry_point()),
                compilation_options,
                cache: None,
            })
        };
        pipelines.entry(kernel).or_insert_with(make).clone()
    }

    fn bindings<'a>(&'a mut self, device: &wgpu::Device, call: &Call<'a>) -> wgpu::BindGroup {
        let unused = (&self.unused, 0..size_of::<f32>() as u64);
        let place = |tensor: &&'a GpuTensor| match tensor.buffer() {
            Some(buffer) if tensor.len() > 0 => (buffer, tensor.bytes()),
            _ => unused.clone(),
        };
        let read = call.read.iter().map(place).chain(std::iter::repeat(unused.clone())).take(READ);
        let places: Vec<(&Buffer, Range<u64>)> = read.chain(call.written.iter().map(place)).collect();
        let mut key = Bound::default();
        key.iter_mut().zip(&places).for_each(|(key, (buffer, bytes))| *key = (buffer.number, bytes.clone()));
        if let Some((bindings, _)) = self.bindings.get(&key) {
            return bindings.clone();
        }
        let params = wgpu::BufferBinding {
            buffer: &self.params.buffer,
            offset: 0,
            size: wgpu::BufferSize::new(size_of::<Params>() as u64),
        };
        let resources = [wgpu::BindingResource::Buffer(params), self.words.buffer.as_entire_binding()]
            .into_iter()
            .chain(places.iter().map(|(buffer, bytes)| {
                let size = wgpu::BufferSize::new(bytes.end - bytes.start);
                wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: &buffer.buffer, offset: bytes.start, size })
            }));
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.layouts[places.len() - READ].bindings,
            entries: &entries,
        });
        if self.bindings.len() == BINDINGS {
            self.bindings.clear();
        }
        let held = places.iter().map(|(buffer, _)| Arc::downgrade(&buffer.held)).collect();
        self.bindings.insert(key, (bindings.clone(), held));
        bindings
    }

    /// Hands over what is recorded. Waits where the card is far behind; fails where that fails, and has handed over nevertheless.
    fn hand_over(&mut self, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<(), wgpu::PollError> {
        if self.recorded.is_empty() && self.uploaded == 0 {
            return Ok(());
        }
        let mut waited = Ok(());
        if self.handed_over.len() == BEHIND {
            let submission_index = self.handed_over.pop_front();
            waited = device.poll(wgpu::PollType::Wait { submission_index, timeout: None }).map(drop);
        }
        queue.write_buffer(&self.params.buffer, 0, &self.param_bytes);
        queue.write_buffer(&self.words.buffer, 0, bytemuck::cast_slice(&self.recorded_words));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for Recorded { pipeline, bindings, offset, groups: [columns, rows] } in self.recorded.drain(..) {
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &bindings, &[offset]);
            pass.dispatch_workgroups(columns, rows, 1);
        }
        drop(pass);
        self.handed_over.push_back(queue.submit([encoder.finish()]));
        self.param_bytes.clear();
        self.recorded_words.clear();
        (self.work, self.uploaded) = (0, 0);
        // Bindings hold on to their buffers, also to those of tensors that are gone.
        self.bindings.retain(|_, (_, held)| held.iter().all(|held| held.strong_count() > 0));
        waited
    }
}

impl Gpu {
    fn hand_over(&self, recorder: &mut Recorder) {
        if let Err(error) = recorder.hand_over(&self.device, &self.queue) {
            self.fault.tell(Problem::Other(error.to_string()));
        }
    }

    /// Records a kernel of so many groups of threads: in rows of groups, as many as a card can start.
    pub(super) fn run(&self, kernel: Kernel, groups: usize, mut call: Call<'_>) {
        if groups == 0 {
            return;
        }
        let in_a_row = groups.min(GROUPS);
        let groups = [in_a_row, groups.div_ceil(in_a_row)];
        let is_of_some = |tensor: &&GpuTensor| tensor.len() > 0;
        let fits = |tensor: &&GpuTensor| (tensor.len() * size_of::<f32>()) as u64 <= self.adapter.largest_tensor;
        if let Some(tensor) = call.read.iter().chain(call.written).find(|tensor| !fits(tensor)) {
            let problem = Problem::TooLarge([tensor.rows, tensor.columns], self.adapter.largest_tensor);
            return self.fault.tell(problem);
        }
        if !call.written.iter().all(is_of_some) {
            return;
        }
        let mut recorder = self.recorder.borrow_mut();
        let recorder = &mut *recorder;
        let room = recorder.words.buffer.size() as usize / size_of::<u32>();
        let is_full = recorder.recorded.len() == CALLS || recorder.work + call.work > WORK;
        if is_full || recorder.recorded_words.len() + call.words.len() > room {
            self.hand_over(recorder);
        }
        recorder.work += call.work;
        if call.words.len() > room {
            let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST;
            recorder.words = Buffer::new(&self.device, call.words.len(), usage);
            recorder.bindings.clear();
        }
        call.params.first = recorder.recorded_words.len() as u32;
        recorder.recorded_words.extend_from_slice(call.words);
        let offset = recorder.param_bytes.len();
        recorder.param_bytes.extend_from_slice(bytemuck::bytes_of(&call.params));
        recorder.param_bytes.resize(offset + PITCH, 0);
        let recorded = Recorded {
            pipeline: recorder.pipeline(&self.device, kernel, call.written.len()),
            bindings: recorder.bindings(&self.device, &call),
            offset: offset as u32,
            groups: groups.map(|count| count as u32),
        };
        recorder.recorded.push(recorded);
    }

    /// Hands over what is recorded, and waits until it is done.
    pub(super) fn wait(&self) {
        self.hand_over(&mut self.recorder.borrow_mut());
        if let Err(error) = self.device.poll(wgpu::PollType::wait_indefinitely()) {
            self.fault.tell(Problem::Other(error.to_string()));
        }
    }

    /// A tensor of values.
    pub(super) fn uploaded(&self, rows: usize, columns: usize, values: &[f32]) -> GpuTensor {
        assert_eq!(values.len(), rows * columns, "a tensor of {rows} × {columns}");
        let tensor = GpuTensor::zeros(self, rows, columns);
        if let Some(buffer) = tensor.buffer() {
            self.queue.write_buffer(&buffer.buffer, 0, bytemuck::cast_slice(values));
            let mut recorder = self.recorder.borrow_mut();
            recorder.uploaded += tensor.bytes().end;
            if recorder.uploaded > UPLOADED {
                self.hand_over(&mut recorder);
            }
        }
        tensor
    }

    /// The values of a tensor after all that is recorded; zeros where the card has failed.
    pub(super) fn downloaded(&self, tensor: &GpuTensor) -> Vec<f32> {
        self.hand_over(&mut self.recorder.borrow_mut());
        let Some(buffer) = tensor.buffer().filter(|_| tensor.len() > 0) else { return vec![0.0; tensor.len()] };
        let staging = Buffer::new(&self.device, tensor.len(), BufferUsages::MAP_READ | BufferUsages::COPY_DST).buffer;
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let Range { start, end } = tensor.bytes();
        encoder.copy_buffer_to_buffer(&buffer.buffer, start, &staging, 0, end - start);
        self.queue.submit([encoder.finish()]);
        let fault = self.fault.clone();
        staging.slice(..).map_async(wgpu::MapMode::Read, move |mapped| {
            if let Err(error) = mapped {
                fault.tell(Problem::Other(error.to_string()));
            }
        });
        self.wait();
        match staging.slice(..).get_mapped_range() {
            Ok(bytes) => bytemuck::pod_collect_to_vec(&bytes),
            Err(error) => {
                self.fault.tell(Problem::Other(error.to_string()));
                vec![0.0; tensor.len()]
            }
        }
    }
}
