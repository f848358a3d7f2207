//! The table of a part's interrupts, where no HAL brings one. None is enabled; one that came all the same would be `DefaultHandler`'s.

use super::constants::INTERRUPTS;

// Symbol of cortex-m-rt.
unsafe extern "C" {
    fn DefaultHandler();
}

/// Where cortex-m-rt looks for it: behind the processor's own exceptions.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); INTERRUPTS as usize] = [DefaultHandler; INTERRUPTS as usize];
