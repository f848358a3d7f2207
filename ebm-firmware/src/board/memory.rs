//! Where the linker put things.

use core::hint::black_box;
use core::ptr;

use super::Memory;
use super::stack::Stack;
use crate::model;

// Symbols of link/ and of the runtime's link.x: only their addresses mean something.
unsafe extern "C" {
    static __ebm_code_start: u8;
    static __ebm_code_end: u8;
    static __srodata: u8;
    static __erodata: u8;
    static __sebm_model: u8;
    static __eebm_model: u8;
    static __sebm_test_data: u8;
    static __eebm_test_data: u8;
    static __ebm_slots_start: u8;
    static __ebm_slots_end: u8;
    static __sdata: u8;
    static __edata: u8;
    static __ebm_ram_start: u8;
    static __ebm_statics_end: u8;
}

/// What the program takes, as linked and with the stack's high-water mark.
pub(super) fn memory(stack: &Stack) -> Memory {
    let bytes = |start: *const u8, end: *const u8| (end as usize - start as usize) as u32;
    Memory {
        code_bytes: bytes(&raw const __ebm_code_start, &raw const __ebm_code_end),
        constant_bytes: bytes(&raw const __srodata, &raw const __erodata)
            + bytes(&raw const __sdata, &raw const __edata),
        model_bytes: bytes(&raw const __sebm_model, &raw const __eebm_model)
            + bytes(&raw const __ebm_slots_start, &raw const __ebm_slots_end),
        test_data_bytes: bytes(&raw const __sebm_test_data, &raw const __eebm_test_data),
        static_ram_bytes: bytes(&raw const __ebm_ram_start, &raw const __ebm_statics_end),
        stack_high_water_bytes: stack.high_water_bytes(),
    }
}

/// The slots for models: flash, or RAM that is used as such.
pub(super) fn slots() -> *mut [u8] {
    // Without a use of it the linker would leave out what is flashed there.
    black_box(model::slots());
    let (start, end) = (&raw const __ebm_slots_start, &raw const __ebm_slots_end);
    ptr::slice_from_raw_parts_mut(start.cast_mut(), end as usize - start as usize)
}
