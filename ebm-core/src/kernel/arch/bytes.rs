//! The sums over columns of bytes for Arm's processors without DSP: byte by byte, four outputs sharing an input.
//!
//! What it gains over the portable kernel are registers: four pointers and four sums stay in them throughout.

use super::portable;
use crate::kernel::integer::BLOCK;
use core::arch::naked_asm;

/// [`portable::int8_columns`].
#[inline]
pub fn int8_columns(columns: &[i8], inputs: &[u8], sparse: bool, sums: &mut [i32; BLOCK]) {
    let length = inputs.len();
    if length == 0 || length.checked_mul(BLOCK) != Some(columns.len()) {
        return portable::int8_columns(columns, inputs, sparse, sums);
    }
    // SAFETY: four columns are there, each as long as the inputs, and so are their sums.
    unsafe { int8_bytes(columns.as_ptr(), inputs.as_ptr(), length, sums.as_mut_ptr(), sparse) };
}

/// Armv6-M: one input, at `r5` from the ends of inputs and columns; products are added to high registers.
#[cfg(ebm_arch = "v6m")]
macro_rules! four_products {
    () => {
        "ldrsb r7, [r0, r5]
        muls r7, r6, r7
        add r8, r7
        ldrsb r7, [r2, r5]
        muls r7, r6, r7
        add r9, r7
        ldrsb r7, [r3, r5]
        muls r7, r6, r7
        add r10, r7
        ldrsb r7, [r4, r5]
        muls r7, r6, r7
        add r11, r7
        adds r5, r5, #1"
    };
}

/// Sums four columns `length` bytes long. Where `sparse`, inputs that are off are passed by.
///
/// # Safety
/// `columns` can be read for `4·length` bytes, `inputs` for `length`, and four `sums` written; `length > 0`.
#[cfg(ebm_arch = "v6m")]
#[unsafe(naked)]
unsafe extern "C" fn int8_bytes(columns: *const i8, inputs: *const u8, length: usize, sums: *mut i32, sparse: bool) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r3-r7}}",
        "ldr r7, [sp, #40]",
        "adds r1, r1, r2",
        "adds r0, r0, r2",
        "rsbs r5, r2, #0",
        "adds r2, r0, r2",
        "subs r3, r2, r5",
        "subs r4, r3, r5",
        "movs r6, #0",
        "mov r8, r6",
        "mov r9, r6",
        "mov r10, r6",
        "mov r11, r6",
        "uxtb r7, r7",
        "cmp r7, #0",
        "bne 4f",
        // One by one until a multiple of four is left.
        "2:",
        "lsls r7, r5, #30",
        "beq 3f",
        "ldrb r6, [r1, r5]",
        four_products!(),
        "bne 2b",
        "b 6f",
        "3:",
        "ldrb r6, [r1, r5]",
        four_products!(),
        "ldrb r6, [r1, r5]",
        four_products!(),
        "ldrb r6, [r1, r5]",
        four_products!(),
        "ldrb r6, [r1, r5]",
        four_products!(),
        "bne 3b",
        "b 6f",
        "4:",
        "ldrb r6, [r1, r5]",
        "cmp r6, #0",
        "beq 5f",
        four_products!(),
        "bne 4b",
        "b 6f",
        "5:",
        "adds r5, r5, #1",
        "bne 4b",
        "6:",
        "pop {{r3}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "stm r3!, {{r4-r7}}",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
    )
}

/// Armv7-M: the products of an input `r12` with the next byte of four columns.
#[cfg(ebm_arch = "v7m")]
macro_rules! four_products {
    ($next:literal) => {
        concat!(
            "ldrsb lr, [r0",
            $next,
            "\n",
            "mla r8, lr, r6, r8\n",
            "ldrsb lr, [r2",
            $next,
            "\n",
            "mla r9, lr, r6, r9\n",
            "ldrsb lr, [r3",
            $next,
            "\n",
            "mla r10, lr, r6, r10\n",
            "ldrsb lr, [r4",
            $next,
            "\n",
            "mla r11, lr, r6, r11",
        )
    };
}

/// Sums four columns `length` bytes long. Where `sparse`, inputs that are off are passed by.
///
/// # Safety
/// `columns` can be read for `4·length` bytes, `inputs` for `length`, and four `sums` written; `length > 0`.
#[cfg(ebm_arch = "v7m")]
#[unsafe(naked)]
unsafe extern "C" fn int8_bytes(columns: *const i8, inputs: *const u8, length: usize, sums: *mut i32, sparse: bool) {
    naked_asm!(
        "push {{r3-r11, lr}}",
        "ldrb r7, [sp, #40]",
        "mov r5, r2",
        "add r2, r0, r5",
        "add r3, r2, r5",
        "add r4, r3, r5",
        "mov r8, #0",
        "mov r9, #0",
        "mov r10, #0",
        "mov r11, #0",
        "cmp r7, #0",
        "bne 4f",
        // One by one until a multiple of four is left.
        "2:",
        "lsls r7, r5, #30",
        "beq 3f",
        "ldrb r6, [r1], #1",
        four_products!("], #1"),
        "subs r5, r5, #1",
        "bne 2b",
        "b 6f",
        "3:",
        "ldrb r6, [r1], #1",
        four_products!("], #1"),
        "ldrb r6, [r1], #1",
        four_products!("], #1"),
        "ldrb r6, [r1], #1",
        four_products!("], #1"),
        "ldrb r6, [r1], #1",
        four_products!("], #1"),
        "subs r5, r5, #4",
        "bne 3b",
        "b 6f",
        "4:",
        // From the end down.
        "subs r5, r5, #1",
        "ldrb r6, [r1, r5]",
        "cbz r6, 5f",
        four_products!(", r5]"),
        "5:",
        "cmp r5, #0",
        "bne 4b",
        "6:",
        "ldr r0, [sp], #4",
        "stm r0, {{r8-r11}}",
        "pop {{r4-r11, pc}}",
    )
}
