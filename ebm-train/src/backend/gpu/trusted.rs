//! What is promised to wgpu. The only `unsafe` of this backend.
#![allow(unsafe_code)]

/// A module of a kernel's text, without what wgpu adds so that any text is harmless but endless loops and divisions by 0 would not be: it keeps
/// compilers from unrolling the loops of products. What lies outside a buffer stays out of reach.
pub(super) fn module(device: &wgpu::Device, kernel: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    let mut checks = wgpu::ShaderRuntimeChecks::checked();
    checks.force_loop_bounding = false;
    checks.int_div_checks = false;
    // SAFETY: every loop of a kernel counts up to, or halves down to, a number that it does not change, and every divisor is a constant, a number of
    // groups, or a number of columns or classes, of which there is one at least where there is a number to compute.
    unsafe { device.create_shader_module_trusted(kernel, checks) }
}

/// Leave to use features that wgpu calls experimental: cooperative matrices.
pub(super) fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: wgpu asks its users to take that such a feature may have faults in itself. The one kernel that uses one is held to the others.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}
