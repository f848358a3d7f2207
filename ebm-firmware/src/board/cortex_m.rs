//! What every Cortex-M has: a stack pointer and a known pace.

use core::arch::asm;

/// Fills the stack from `bottom` up to its pointer with `paint`; returns the pointer.
///
/// One block, so that the compiler cannot push anything between reading the pointer and painting below it.
///
/// # Safety
/// `bottom` is the address of the stack's lowest word, and nothing uses the stack below its pointer, as an interrupt would.
#[inline(always)]
pub(super) unsafe fn paint_stack(bottom: usize, paint: u32) -> usize {
    let pointer;
    // SAFETY: writes the words from `bottom` up to the stack's pointer, where no frame lies.
    unsafe {
        asm!(
            "mov {pointer}, sp",
            "2:",
            "cmp {address}, {pointer}",
            "bhs 3f",
            "str {paint}, [{address}]",
            "adds {address}, #4",
            "b 2b",
            "3:",
            address = inout(reg) bottom => _,
            paint = in(reg) paint,
            pointer = out(reg) pointer,
            options(nostack),
        );
    }
    pointer
}

/// Takes exactly `2 × turns` instructions.
pub(super) fn spin(turns: u32) {
    // SAFETY: changes nothing but its own register and the flags.
    unsafe {
        asm!(
            "2:",
            "subs {turns}, #1",
            "bne 2b",
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
}
