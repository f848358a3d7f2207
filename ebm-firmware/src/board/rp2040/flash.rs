//! The slots in the Pico's flash, a chip of its own that programs run from: what changes it runs from RAM and calls the part's ROM.
//!
//! RP2040 datasheet, sections 2.8.3.1.3 (the ROM's functions for flash) and 2.8.1.3.1 (what sets the flash up for programs).

use core::mem;
use core::ptr;

use rp2040_hal::rom_data;

use super::super::memory;
use super::BOOT2;
use crate::flash::{Flash, NotKept};

/// Where the flash lies in memory.
const BASE: usize = 0x1000_0000;
/// Bytes that the ROM writes together.
const WRITTEN: usize = 256;
/// Bytes that the flash erases at once by [`ERASE_BLOCK`], where so many are to be.
const BLOCK: u32 = 1 << 16;
const ERASE_BLOCK: u8 = 0xD8;

/// The slots.
pub struct Slots(());

/// The ROM's functions, looked up while the tables that lead to them can be read, and a copy of what sets the flash up.
struct Tools {
    connect: unsafe extern "C" fn(),
    leave_memory_mode: unsafe extern "C" fn(),
    erase: unsafe extern "C" fn(u32, usize, u32, u8),
    program: unsafe extern "C" fn(u32, *const u8, usize),
    empty_cache: unsafe extern "C" fn(),
    boot2: [u32; 64],
}

impl Slots {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// Erases `len` bytes at `offset`, or writes `page` there.
    fn change(offset: usize, len: usize, page: Option<&[u8; WRITTEN]>) {
        let mut tools = Tools {
            connect: rom_data::connect_internal_flash::ptr(),
            leave_memory_mode: rom_data::flash_exit_xip::ptr(),
            erase: rom_data::flash_range_erase::ptr(),
            program: rom_data::flash_range_program::ptr(),
            empty_cache: rom_data::flash_flush_cache::ptr(),
            boot2: [0; 64],
        };
        for (to, from) in tools.boot2.iter_mut().zip(BOOT2.as_chunks().0) {
            *to = u32::from_le_bytes(*from);
        }
        let at = memory::slots().cast::<u8>() as usize - BASE + offset;
        // SAFETY: within the slots, which nothing has borrowed; no interrupt is enabled, and the second core does not run.
        unsafe { change_from_ram(&tools, at as u32, len, page.map_or(ptr::null(), |page| page.as_ptr())) }
    }
}

/// Erases `len` bytes at `at` in the flash, or writes as many from `page` where that is not null.
///
/// # Safety
/// Nothing may need the flash meanwhile: no interrupt, not the other core. `at` and `len` are multiples of what can be erased or written; `page` lies in RAM.
#[inline(never)]
#[unsafe(link_section = ".data.ebm_flash")]
unsafe extern "C" fn change_from_ram(tools: &Tools, at: u32, len: usize, page: *const u8) {
    // SAFETY: the ROM's functions in the order that its documentation has them; all that is used lies in RAM or ROM. Thumb code is called at an odd address.
    unsafe {
        let set_up: unsafe extern "C" fn() = mem::transmute((&raw const tools.boot2).addr() + 1);
        (tools.connect)();
        (tools.leave_memory_mode)();
        if page.is_null() {
            (tools.erase)(at, len, BLOCK, ERASE_BLOCK);
        } else {
            (tools.program)(at, page, len);
        }
        (tools.empty_cache)();
        set_up();
    }
}

impl Flash for Slots {
    const PAGE: usize = 4096;
    const WORD: usize = 1;

    fn bytes(&self) -> &[u8] {
        // SAFETY: the slots, which are written through `&mut self` alone.
        unsafe { &*memory::slots() }
    }

    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept> {
        self.check(offset, Self::PAGE, Self::PAGE)?;
        Self::change(offset, Self::PAGE, None);
        Ok(())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept> {
        self.check(offset, bytes.len(), Self::WORD)?;
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let within = at % WRITTEN;
            let (now, later) = rest.split_at(rest.len().min(WRITTEN - within));
            // Writing ones changes nothing: the rest of the page stays as it is.
            let mut page = [0xFF; WRITTEN];
            page.iter_mut().skip(within).zip(now).for_each(|(to, from)| *to = *from);
            Self::change(at - within, WRITTEN, Some(&page));
            at += now.len();
            rest = later;
        }
        Ok(())
    }
}
