//! How deep the stack goes: what is free of it is painted, and where the paint is gone, the stack has been.

use core::ptr;

use super::arch;

/// What free stack is painted with.
const PAINT: u32 = 0xCCCC_CCCC;

// Symbols of link/: only their addresses mean something.
unsafe extern "C" {
    static __ebm_stack_bottom: u8;
    static __ebm_stack_top: u8;
}

/// The stack, which grows down.
pub(super) struct Stack {
    /// The lowest address that the stack had reached when it was last painted anew.
    lowest: usize,
}

impl Stack {
    /// Paints what is free at the start of `main`.
    pub(super) fn paint() -> Self {
        paint();
        Self { lowest: top() }
    }

    /// The deepest that the stack has been, in bytes.
    pub(super) fn high_water_bytes(&self) -> u32 {
        (top() - self.lowest.min(lowest_unpainted())) as u32
    }

    /// True where the stack has used all that it has, and perhaps more.
    pub(super) fn is_exhausted(&self) -> bool {
        self.high_water_bytes() as usize == top() - bottom()
    }

    /// Paints what is free of the stack, does the work, and finds how many bytes it took.
    #[inline(never)]
    pub(super) fn measure(&mut self, work: &mut dyn FnMut()) -> u32 {
        self.lowest = self.lowest.min(lowest_unpainted());
        let pointer = paint();
        work();
        pointer.saturating_sub(lowest_unpainted()) as u32
    }
}

/// Paints the stack below its pointer, which it returns.
#[inline(always)]
fn paint() -> usize {
    // SAFETY: from the stack's lowest word up; no interrupt is enabled that could use what is free of it.
    unsafe { arch::paint_stack(bottom(), PAINT) }
}

/// The lowest address of the stack whose paint is gone.
fn lowest_unpainted() -> usize {
    let mut address = bottom();
    while address < top() {
        // SAFETY: an aligned word of the stack; volatile, because the program knows no object there.
        let word = unsafe { ptr::read_volatile(address as *const u32) };
        if word != PAINT {
            break;
        }
        address += size_of::<u32>();
    }
    address
}

/// The address above the stack.
#[inline(always)]
fn top() -> usize {
    &raw const __ebm_stack_top as usize
}

/// The lowest address that the stack may reach.
#[inline(always)]
fn bottom() -> usize {
    &raw const __ebm_stack_bottom as usize
}
