//! Memory that keeps what is written to it, and that can be read where it lies: where models are put that come from a host.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// NOR flash that the processor reads as memory, as that of a microcontroller is.
pub trait Flash: NorFlash {
    /// Can it be written at all?
    const IS_WRITABLE: bool = true;

    /// All of it, as it is now.
    fn bytes(&self) -> &[u8];
}

/// RAM that behaves as flash: erased pages are of ones, writing only makes zeros. For boards that run their programs from RAM, and for the host.
#[derive(Debug)]
pub struct MemoryFlash<'m> {
    bytes: &'m mut [u8],
}

impl<'m> MemoryFlash<'m> {
    /// Bytes that are erased together.
    pub const PAGE: usize = 1024;

    /// Takes `bytes` as they are.
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes }
    }

    fn from(&mut self, offset: u32) -> impl Iterator<Item = &mut u8> {
        self.bytes.iter_mut().skip(offset as usize)
    }
}

impl Flash for MemoryFlash<'_> {
    fn bytes(&self) -> &[u8] {
        self.bytes
    }
}

impl ErrorType for MemoryFlash<'_> {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for MemoryFlash<'_> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        bytes.iter_mut().zip(self.from(offset)).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for MemoryFlash<'_> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = Self::PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        self.from(from).take((to - from) as usize).for_each(|byte| *byte = 0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        self.from(offset).zip(bytes).for_each(|(to, from)| *to &= from);
        Ok(())
    }
}

/// Flash that a driver can read but not write: what lies in it answers for good.
#[derive(Debug)]
pub struct ReadOnlyFlash<'m>(pub &'m [u8]);

impl Flash for ReadOnlyFlash<'_> {
    const IS_WRITABLE: bool = false;

    fn bytes(&self) -> &[u8] {
        self.0
    }
}

impl ErrorType for ReadOnlyFlash<'_> {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for ReadOnlyFlash<'_> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        bytes.iter_mut().zip(self.0.iter().skip(offset as usize)).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for ReadOnlyFlash<'_> {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = 1;

    fn erase(&mut self, _: u32, _: u32) -> Result<(), NorFlashErrorKind> {
        Err(NorFlashErrorKind::Other)
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<(), NorFlashErrorKind> {
        Err(NorFlashErrorKind::Other)
    }
}
