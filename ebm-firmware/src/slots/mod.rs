//! Two slots for models in flash: one answers, the other takes what a host sends. Whenever the power goes, a whole model answers afterwards.
//!
//! ```text
//! slot   │ record: 32 bytes │ model's file … │ erased to the end │
//! ```
//!
//! A record is written last, after the model has been read back and checked, and bears a checksum of its own: cut off anywhere before its last byte,
//! the slot holds nothing, and the other one answers. Of two whole slots the one with the later sequence number does.

mod record;

pub use record::Record;

use core::marker::PhantomData;

use ebm_core::format::crc32;
use ebm_core::wire::{ModelFault, Refusal};
use ebm_core::{Model, Numbers};

use crate::flash::{Flash, NotKept};

/// Pieces of a model are multiples of this, but for the last.
pub const PIECE: u32 = 16;

/// The slots, and which of them answers.
#[derive(Debug)]
pub struct Slots<N, F> {
    flash: F,
    /// What a model has to be in.
    numbers: PhantomData<N>,
    active: Option<Active>,
    incoming: Option<Incoming>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    slot: usize,
    record: Record,
}

/// A model on its way into the slot that does not answer.
#[derive(Clone, Copy, Debug)]
struct Incoming {
    len: u32,
    crc: u32,
    written: u32,
}

impl<N: Numbers, F: Flash> Slots<N, F> {
    /// Finds the newest whole model.
    pub fn open(flash: F) -> Self {
        let mut slots = Self { flash, numbers: PhantomData, active: None, incoming: None };
        let found = [0, 1].map(|slot| slots.whole(slot).map(|record| Active { slot, record }));
        slots.active = match found {
            // Numbers that wrap round are compared by their distance.
            [Some(a), Some(b)] if b.record.sequence.wrapping_sub(a.record.sequence) as i32 > 0 => Some(b),
            [a, b] => a.or(b),
        };
        slots
    }

    /// The file of the model that answers; empty where both slots are damaged.
    pub fn file(&self) -> &[u8] {
        self.active.map_or(&[], |active| self.file_of(active))
    }

    /// CRC-32 of [`Slots::file`].
    pub fn crc(&self) -> u32 {
        self.active.map_or(0, |active| active.record.crc)
    }

    /// Bytes of the longest file that can be put in; 0 where the flash cannot be written.
    pub fn capacity(&self) -> usize {
        if F::IS_WRITABLE { self.slot_len().saturating_sub(Record::LEN) } else { 0 }
    }

    /// Makes room for a file of `len` bytes whose CRC-32 is `crc`; what was sent of one before is forgotten.
    pub fn begin(&mut self, len: u32, crc: u32, alive: &mut dyn FnMut()) -> Result<(), Refusal<'static>> {
        if !F::IS_WRITABLE {
            return Err(Refusal::Unsupported { what: "another model: this board's flash is not written" });
        }
        let limit = self.capacity() as u32;
        if len > limit {
            return Err(Refusal::TooLarge { what: "bytes of a model", limit, found: len });
        }
        self.incoming = None;
        let start = self.start(self.other());
        for page in (start..start + self.slot_len()).step_by(F::PAGE) {
            self.flash.erase_page(page).map_err(|NotKept| Refusal::Storage)?;
            alive();
        }
        self.incoming = Some(Incoming { len, crc, written: 0 });
        Ok(())
    }

    /// Writes the next piece of the file; where the next one begins.
    pub fn write(&mut self, offset: u32, piece: &[u8]) -> Result<u32, Refusal<'static>> {
        const { assert!((PIECE as usize).is_multiple_of(F::WORD) && Record::LEN.is_multiple_of(F::WORD)) };
        let Some(incoming) = self.incoming else { return Err(Refusal::Sequence { expected: 0, found: offset }) };
        if offset != incoming.written {
            return Err(Refusal::Sequence { expected: incoming.written, found: offset });
        }
        let (limit, found) = (incoming.len - offset, piece.len() as u32);
        if found > limit {
            return Err(Refusal::TooLarge { what: "bytes of this piece", limit, found });
        }
        if found < limit && !found.is_multiple_of(PIECE) {
            let expected = found - found % PIECE;
            return Err(Refusal::Shape { what: "bytes of a piece, a multiple of 16", expected, found });
        }
        let at = self.start(self.other()) + Record::LEN + offset as usize;
        let (whole, rest) = piece.as_chunks::<{ PIECE as usize }>();
        self.put(at, whole.as_flattened())?;
        if !rest.is_empty() {
            let mut last = [0xFF; PIECE as usize];
            last.iter_mut().zip(rest).for_each(|(last, &byte)| *last = byte);
            self.put(at + whole.as_flattened().len(), &last)?;
        }
        let written = offset + found;
        self.incoming = Some(Incoming { written, ..incoming });
        Ok(written)
    }

    /// Checks the file that was written and answers with it from now on: what [`Slots::file`] is afterwards. `check` says whether it can.
    pub fn commit(
        &mut self,
        check: impl FnOnce(&Model<'_>) -> Result<(), Refusal<'static>>,
    ) -> Result<u32, Refusal<'static>> {
        let none = Refusal::Sequence { expected: 0, found: 0 };
        let Incoming { len, crc, written } = self.incoming.ok_or(none)?;
        if written < len {
            return Err(Refusal::Sequence { expected: written, found: len });
        }
        // Whatever comes of it, this file is done with.
        self.incoming = None;
        let sequence = self.active.map_or(0, |active| active.record.sequence.wrapping_add(1));
        let record = Record { sequence, len, crc };
        let active = Active { slot: self.other(), record };
        let file = self.file_of(active);
        if crc32(file) != crc {
            return Err(Refusal::Model(ModelFault::Damaged));
        }
        check(&Model::parse_as::<N>(file)?)?;
        self.put(self.start(active.slot), &record.to_bytes())?;
        self.active = Some(active);
        Ok(crc)
    }

    /// Writes, and sees that it is there.
    fn put(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Refusal<'static>> {
        self.flash.write(offset, bytes).map_err(|NotKept| Refusal::Storage)?;
        let kept = self.flash.bytes().get(offset..).unwrap_or_default().get(..bytes.len());
        if kept == Some(bytes) { Ok(()) } else { Err(Refusal::Storage) }
    }

    /// The record of a slot that holds a whole model.
    fn whole(&self, slot: usize) -> Option<Record> {
        let record = Record::read(self.bytes(slot))?;
        let file = self.file_of(Active { slot, record });
        // The file's own checksums cover all of it: the record's would be another pass over the same bytes at every start.
        let is_whole = file.len() == record.len as usize && Model::parse_as::<N>(file).is_ok();
        is_whole.then_some(record)
    }

    fn file_of(&self, Active { slot, record }: Active) -> &[u8] {
        let file = self.bytes(slot).get(Record::LEN..).unwrap_or_default();
        file.get(..record.len as usize).unwrap_or_default()
    }

    fn bytes(&self, slot: usize) -> &[u8] {
        let from = self.flash.bytes().get(self.start(slot)..).unwrap_or_default();
        from.get(..self.slot_len()).unwrap_or_default()
    }

    fn slot_len(&self) -> usize {
        self.flash.bytes().len() / 2
    }

    fn start(&self, slot: usize) -> usize {
        slot * self.slot_len()
    }

    /// The slot that does not answer.
    fn other(&self) -> usize {
        self.active.map_or(0, |active| 1 - active.slot)
    }
}
