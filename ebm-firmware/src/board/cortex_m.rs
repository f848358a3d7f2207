//! What every Cortex-M board has in common: where the linker put things, and how deep the stack went.

use core::ptr;

use cortex_m::register::msp;
use cortex_m_rt::STACK_PAINT_VALUE;

use super::Memory;

// The symbols of cortex-m-rt's link.x and of sections.x: only their addresses mean something.
unsafe extern "C" {
    static __vector_table: u8;
    static __etext: u8;
    static __srodata: u8;
    static __erodata: u8;
    static __sebm_model: u8;
    static __eebm_model: u8;
    static __sebm_test_data: u8;
    static __eebm_test_data: u8;
    static __sdata: u8;
    static __edata: u8;
    static _ram_start: u8;
    static __euninit: u8;
    static _stack_start: u8;
    static _stack_end: u8;
}

/// The stack, which cortex-m-rt paints before `main`: where the paint is gone, the stack has been.
pub(super) struct Stack {
    /// The lowest address that the stack had reached when it was last painted anew.
    lowest: usize,
}

impl Stack {
    /// The stack as it is at the start of `main`.
    pub(super) fn painted() -> Self {
        Self { lowest: Self::top() }
    }

    /// The deepest that the stack has been, in bytes.
    pub(super) fn high_water_bytes(&self) -> u32 {
        (Self::top() - self.lowest.min(lowest_unpainted())) as u32
    }

    /// True where the stack has used all that it has, and perhaps more.
    pub(super) fn is_exhausted(&self) -> bool {
        self.high_water_bytes() as usize == Self::top() - Self::bottom()
    }

    /// Paints what is free of the stack, does the work, and finds how many bytes it took.
    #[inline(never)]
    pub(super) fn measure(&mut self, work: &mut dyn FnMut()) -> u32 {
        self.lowest = self.lowest.min(lowest_unpainted());
        let pointer = msp::read() as usize;
        let mut address = Self::bottom();
        while address < pointer {
            // SAFETY: an aligned word of the stack below its pointer: no frame lies there, no
            // interrupt is enabled, and this loop calls nothing.
            unsafe { ptr::write_volatile(address as *mut u32, STACK_PAINT_VALUE) };
            address += size_of::<u32>();
        }
        work();
        pointer.saturating_sub(lowest_unpainted()) as u32
    }

    /// The address above the stack, which grows down.
    fn top() -> usize {
        &raw const _stack_start as usize
    }

    /// The lowest address that the stack may reach.
    fn bottom() -> usize {
        &raw const _stack_end as usize
    }
}

/// The lowest address of the stack whose paint is gone.
fn lowest_unpainted() -> usize {
    let mut address = Stack::bottom();
    while address < Stack::top() {
        // SAFETY: an aligned word of the stack; volatile, because the program knows no object there.
        let word = unsafe { ptr::read_volatile(address as *const u32) };
        if word != STACK_PAINT_VALUE {
            break;
        }
        address += size_of::<u32>();
    }
    address
}

/// What the program takes, as linked and with the stack's high-water mark.
pub(super) fn memory(stack: &Stack) -> Memory {
    let bytes = |start: *const u8, end: *const u8| (end as usize - start as usize) as u32;
    Memory {
        code_bytes: bytes(&raw const __vector_table, &raw const __etext),
        constant_bytes: bytes(&raw const __srodata, &raw const __erodata)
            + bytes(&raw const __sdata, &raw const __edata),
        model_bytes: bytes(&raw const __sebm_model, &raw const __eebm_model),
        test_data_bytes: bytes(&raw const __sebm_test_data, &raw const __eebm_test_data),
        static_ram_bytes: bytes(&raw const _ram_start, &raw const __euninit),
        stack_high_water_bytes: stack.high_water_bytes(),
    }
}
