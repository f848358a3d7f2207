//! The layers of a file, one after another.

use super::layer::{Fault, LayerReader};
use super::{FormatError, Reads, StoredLayers};

/// What is left of a file's layers: what its header says of them, and their sections.
pub(crate) struct Layers<'a> {
    headers: StoredLayers<'a>,
    sections: LayerReader<'a>,
    /// Which is next, from 0 at the input.
    index: usize,
}

impl<'a> Layers<'a> {
    pub(super) const fn new(headers: StoredLayers<'a>, sections: LayerReader<'a>) -> Self {
        Self { headers, sections, index: 0 }
    }

    /// Which is next, from 0 at the input.
    pub(crate) const fn index(&self) -> usize {
        self.index
    }

    /// How many are to come.
    pub(crate) const fn left(&self) -> usize {
        self.headers.left()
    }

    /// The next layer. Fails where there is none, or it is in numbers that are not read.
    ///
    /// What reads its header and what finds its sections are functions of their own, one after the other: on a device neither is on the stack while
    /// the other or a kernel runs.
    #[inline(never)]
    pub(crate) fn next<R: Reads>(&mut self) -> Result<R::Layer<'a>, Fault> {
        // Looked at where it is, because a device has no stack for a copy.
        let next = self.headers.next();
        self.index += 1;
        match &next {
            Some(header) if R::reads(header.numbers) => R::layer(&mut self.sections, header),
            Some(_) => Err(Fault::Unread),
            None => Err(Fault::Length),
        }
    }

    /// What a fault in the layer that was to be read is to who reads the file.
    pub(super) const fn error(&self, fault: Fault) -> FormatError {
        self.sections.error(self.index.saturating_sub(1), fault)
    }

    /// Fails unless every byte was handed out.
    pub(super) fn finish(self) -> Result<(), FormatError> {
        self.sections.finish()
    }
}
