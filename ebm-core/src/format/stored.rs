//! A header as it lies in a file: what a device asks of it is read there, and takes no RAM.

use super::decode::Cursor;
use super::header::WITH_PRESENTATION;
use super::{FormatError, Header, Input, LayerHeader, LayerReader, Layers, MAX_LAYERS, Novelty, Presentation, Reads};

/// The header's bytes, which say what a file of `version` says in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredHeader<'a> {
    version: u16,
    bytes: &'a [u8],
}

impl<'a> StoredHeader<'a> {
    pub(super) const fn new(version: u16, bytes: &'a [u8]) -> Self {
        Self { version, bytes }
    }

    /// Fills in what it says, which is all that there is.
    pub(crate) fn read<L: LayerList<'a>>(self, header: &mut Header<'a, L>) -> Result<(), FormatError> {
        let mut cursor = Cursor::new(self.bytes);
        let mut is_read = cursor.header(header).is_some();
        if self.has_presentation() {
            is_read = is_read && cursor.presentation(&mut header.presentation).is_some();
        }
        // What a later version appended, a file of an earlier one cannot mean.
        if is_read && cursor.is_empty() && header.version() <= self.version { Ok(()) } else { Err(FormatError::Header) }
    }

    /// Checks what it says, then the payload: its length, and every number in it. The rest of the payload after the inputs' scaling: the layers.
    pub(crate) fn check<R: Reads>(self, payload: &'a [u8]) -> Result<&'a [u8], FormatError> {
        self.check_header()?;
        self.check_payload::<R>(payload)
    }

    #[inline(never)]
    fn check_payload<R: Reads>(self, payload: &'a [u8]) -> Result<&'a [u8], FormatError> {
        let Some(first) = self.layers().next() else { return Err(FormatError::NoLayers) };
        if let Some(layer) = self.layers().position(|layer| !R::reads(layer.numbers)) {
            return Err(FormatError::Unread { layer });
        }
        let mut reader = LayerReader::new(payload);
        let scaling = reader.scaling::<R>(self.input(), first.numbers)?;
        scaling.map_or(Ok(()), |scaling| scaling.check())?;
        let sections = reader.rest();
        let mut layers = Layers::new(self.layers(), reader);
        while layers.left() > 0 {
            let index = layers.index();
            let layer = layers.next::<R>().map_err(|fault| layers.error(fault))?;
            R::check(&layer, index)?;
        }
        layers.finish()?;
        Ok(sections)
    }

    /// [`Header::check`]. A function of its own, so that what the header says is not on the stack while the payload is looked at.
    #[inline(never)]
    fn check_header(self) -> Result<(), FormatError> {
        let mut header = Header::<StoredLayers<'_>>::default();
        self.read(&mut header)?;
        header.check()
    }

    const fn has_presentation(self) -> bool {
        self.version >= WITH_PRESENTATION
    }

    /// [`Header::input`].
    pub(crate) fn input(self) -> Input {
        Cursor::new(self.bytes).input().unwrap_or_default()
    }

    /// [`Header::layers`].
    pub(crate) fn layers(self) -> StoredLayers<'a> {
        let mut cursor = Cursor::new(self.bytes);
        let count = cursor.input().and_then(|_| cursor.u32());
        StoredLayers { left: count.unwrap_or_default(), cursor }
    }

    /// The layers, whose sections are `sections`.
    pub(crate) fn layers_in(self, sections: &'a [u8]) -> Layers<'a> {
        Layers::new(self.layers(), LayerReader::new(sections))
    }

    /// [`Header::novelty`].
    pub(crate) fn novelty(self) -> Option<Novelty> {
        let mut cursor = self.layers().end();
        cursor.pass_text()?;
        cursor.option(Cursor::novelty)?
    }

    /// [`Header::presentation`].
    pub(crate) fn presentation(self) -> Presentation {
        let mut presentation = Presentation::default();
        let mut fill = || {
            let mut cursor = self.layers().end();
            cursor.pass_text()?;
            cursor.option(Cursor::novelty)?;
            cursor.provenance()?;
            cursor.presentation(&mut presentation)
        };
        if self.has_presentation() {
            // It was read before, when the file was checked.
            let _ = fill();
        }
        presentation
    }
}

/// How a header holds those of its layers.
pub trait LayerList<'a> {
    /// Takes them from `cursor`, their number first; `None` where that cannot be.
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Option<()>;
    /// How many there are.
    fn length(&self) -> usize;
    /// Every one, from the input up.
    fn headers(&self) -> impl Iterator<Item = LayerHeader>;
}

impl LayerList<'_> for heapless::Vec<LayerHeader, MAX_LAYERS> {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        for _ in 0..cursor.u32()? {
            self.push(cursor.layer()?).ok()?;
        }
        Some(())
    }

    fn length(&self) -> usize {
        self.len()
    }

    fn headers(&self) -> impl Iterator<Item = LayerHeader> {
        self.iter().copied()
    }
}

impl<'a> LayerList<'a> for StoredLayers<'a> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let left = cursor.u32()?;
        *self = StoredLayers { cursor: cursor.clone(), left };
        if self.length() > MAX_LAYERS {
            return None;
        }
        for _ in 0..left {
            cursor.layer()?;
        }
        Some(())
    }

    fn length(&self) -> usize {
        self.left()
    }

    fn headers(&self) -> impl Iterator<Item = LayerHeader> {
        self.clone()
    }
}

/// The layers' headers, one after another.
#[derive(Clone, Debug, Default)]
pub struct StoredLayers<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

impl<'a> StoredLayers<'a> {
    /// How many are to come.
    pub(crate) const fn left(&self) -> usize {
        self.left as usize
    }

    /// What lies after them.
    fn end(mut self) -> Cursor<'a> {
        while self.next().is_some() {}
        self.cursor
    }
}

impl Iterator for StoredLayers<'_> {
    type Item = LayerHeader;

    #[inline(never)]
    fn next(&mut self) -> Option<LayerHeader> {
        self.left = self.left.checked_sub(1)?;
        self.cursor.layer()
    }
}
