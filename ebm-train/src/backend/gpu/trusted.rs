//! What is promised to wgpu. The only `unsafe` of this backend.
#![allow(unsafe_code)]

/// A module of a kernel's text. wgpu adds counters to loops and guards to divisions, which keep compilers from unrolling; these kernels need neither.
/// What lies outside a buffer stays out of reach, but for matrices that states.wgsl loads, which are padded to be whole.
pub(super) fn module(device: &wgpu::Device, kernel: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    let mut checks = wgpu::ShaderRuntimeChecks::checked();
    checks.force_loop_bounding = false;
    checks.int_div_checks = false;
    // SAFETY: every loop of a kernel counts up to, or halves down to, a number that it does not change, in steps of one at least. No kernel is started
    // without a number to compute, so what it divides by, a constant or a count of the columns, units, classes, tiles or blocks that such a number
    // is found by, is one at least.
    unsafe { device.create_shader_module_trusted(kernel, checks) }
}

/// Leave to use features that wgpu calls experimental: cooperative matrices.
pub(super) fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: wgpu asks its users to take that such a feature may have faults in itself. The one kernel that uses one is held to the others.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}
