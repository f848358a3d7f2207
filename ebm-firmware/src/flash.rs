//! Memory that keeps what is written to it, and that can be read where it lies: where models are put that come from a host.

/// NOR flash that the processor reads as memory, as that of a microcontroller is: erased pages are of ones, writing only makes zeros.
pub trait Flash {
    /// Can it be written at all?
    const IS_WRITABLE: bool = true;
    /// Bytes that are erased together.
    const PAGE: usize;
    /// Bytes that are written together, at a multiple of them.
    const WORD: usize;

    /// All of it, as it is now.
    fn bytes(&self) -> &[u8];

    /// Erases the page that begins at `offset`. Fails where no page does.
    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept>;

    /// Writes whole words at `offset`, where it is erased. Fails where they do not fit.
    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept>;

    /// Fails unless `len` bytes from `offset` lie in the flash and are whole units of so many.
    fn check(&self, offset: usize, len: usize, unit: usize) -> Result<(), NotKept> {
        let is_whole = offset.is_multiple_of(unit) && len.is_multiple_of(unit);
        let end = offset.checked_add(len).filter(|&end| is_whole && end <= self.bytes().len());
        end.map(|_| ()).ok_or(NotKept)
    }
}

/// The flash did not do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotKept;

/// RAM that behaves as flash. For boards that run their programs from RAM, and for the host.
#[derive(Debug)]
pub struct MemoryFlash<'m> {
    bytes: &'m mut [u8],
}

impl<'m> MemoryFlash<'m> {
    /// Takes `bytes` as they are.
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes }
    }
}

impl Flash for MemoryFlash<'_> {
    const PAGE: usize = 1024;
    const WORD: usize = 4;

    fn bytes(&self) -> &[u8] {
        self.bytes
    }

    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept> {
        self.check(offset, Self::PAGE, Self::PAGE)?;
        self.bytes.iter_mut().skip(offset).take(Self::PAGE).for_each(|byte| *byte = 0xFF);
        Ok(())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept> {
        self.check(offset, bytes.len(), Self::WORD)?;
        self.bytes.iter_mut().skip(offset).zip(bytes).for_each(|(to, from)| *to &= from);
        Ok(())
    }
}

/// Flash that a driver can read but not write: what lies in it answers for good.
#[derive(Debug)]
pub struct ReadOnlyFlash<'m>(pub &'m [u8]);

impl Flash for ReadOnlyFlash<'_> {
    const IS_WRITABLE: bool = false;
    const PAGE: usize = 1;
    const WORD: usize = 1;

    fn bytes(&self) -> &[u8] {
        self.0
    }

    fn erase_page(&mut self, _: usize) -> Result<(), NotKept> {
        Err(NotKept)
    }

    fn write(&mut self, _: usize, _: &[u8]) -> Result<(), NotKept> {
        Err(NotKept)
    }
}
