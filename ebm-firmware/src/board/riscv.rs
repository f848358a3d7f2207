//! What every 32-bit RISC-V has: a stack pointer and a known pace.

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
            "mv {pointer}, sp",
            "2:",
            "bgeu {address}, {pointer}, 3f",
            "sw {paint}, 0({address})",
            "addi {address}, {address}, 4",
            "j 2b",
            "3:",
            address = inout(reg) bottom => _,
            paint = in(reg) paint,
            pointer = out(reg) pointer,
            options(nostack),
        );
    }
    pointer
}

/// The address of the instruction that the last exception came from.
pub fn fault_address() -> usize {
    let address;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, mepc", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}

/// Was the last exception a breakpoint? A program ends by one, and where no debugger takes it, it comes here.
pub fn is_breakpoint() -> bool {
    let cause: usize;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, mcause", out(reg) cause, options(nomem, nostack, preserves_flags)) };
    // The privileged specification's number; above it some processors keep flags of their own.
    cause & 0xFF == 3
}

/// Takes exactly `2 × turns` instructions.
pub(super) fn spin(turns: u32) {
    // SAFETY: changes nothing but its own register.
    unsafe {
        asm!(
            "2:",
            "addi {turns}, {turns}, -1",
            "bnez {turns}, 2b",
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
}
