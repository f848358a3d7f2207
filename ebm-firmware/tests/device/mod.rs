//! A device in memory: flash whose power goes, a serial line of bytes, and a server of small models between them.

use ebm_core::Aligned;
use ebm_core::format::crc32;
use ebm_core::service::{Memory, Spoken};
use ebm_core::wire::{self, Answer, Deframer, Refusal, Request, Response, Values};
use ebm_firmware::flash::{Flash, NotKept};
use ebm_firmware::server::{Identity, Line, Server};
use ebm_firmware::slots::Record;
use embedded_io::{ErrorType, Read, ReadReady, Write};

/// Bytes of a slot.
pub const SLOT: usize = 2048;
/// Of the devices here: units of either layer, and bytes of a body.
const UNITS: usize = 8;
const BODY: usize = 200;

/// A device between two starts: what lies in its flash, and how long the power lasts.
#[derive(Clone)]
pub struct Device {
    bytes: Box<Aligned<[u8; 2 * SLOT]>>,
    /// Bytes of flash that can be changed before the power goes.
    pub power: usize,
}

impl Device {
    /// A device with `model` in its first slot, as it comes from the factory.
    pub fn with(model: &[u8]) -> Self {
        let mut bytes = Box::new(Aligned([0xFF; 2 * SLOT]));
        let record = Record { sequence: 0, len: model.len() as u32, crc: crc32(model) };
        bytes.0[..Record::LEN].copy_from_slice(&record.to_bytes());
        bytes.0[Record::LEN..][..model.len()].copy_from_slice(model);
        Self { bytes, power: usize::MAX }
    }

    /// The same device with power for so many changes.
    pub fn with_power(&self, power: usize) -> Self {
        Self { power, ..self.clone() }
    }

    /// Starts it, sends it `input`, and gives what it sends back.
    pub fn converse<N: Spoken>(&mut self, input: &[u8]) -> Vec<u8> {
        let mut memory = Memory::<N, UNITS, UNITS, { 2 * UNITS }, UNITS, SLOT, UNITS>::ZERO;
        let (mut body, mut frame) = ([0; BODY], [0; wire::frame_len(BODY)]);
        let identity = Identity { firmware: "test", board: "memory", clock_hz: 0 };
        let flash = FailingFlash { bytes: &mut self.bytes.0, power: &mut self.power };
        let mut server = Server::new(identity, memory.as_mut(), flash, BODY);
        let mut output = Vec::new();
        let console = Tape { input, output: &mut output };
        Line { console, body: &mut body, frame: &mut frame, clock: || 0, alive: || () }.serve(&mut server);
        output
    }

    /// CRC-32 of the model that answers after a start with power, and its free energy of [`question`].
    pub fn who_answers<N: Spoken>(&self) -> (u32, String) {
        let mut again = self.with_power(usize::MAX);
        let mut found = (0, String::new());
        let input = [vec![0], frame(1, &Request::Hello), question(2)].concat();
        let count = responses(&again.converse::<N>(&input), |_, outcome| match outcome {
            Ok(Answer::Hello(hello)) => found.0 = hello.model.crc,
            Ok(Answer::FreeEnergy(energy)) => found.1 = format!("{energy:?}"),
            other => panic!("{other:?}"),
        });
        assert_eq!(count, 2);
        found
    }
}

/// NOR flash that stops keeping anything once the power is gone.
struct FailingFlash<'d> {
    bytes: &'d mut [u8],
    power: &'d mut usize,
}

impl FailingFlash<'_> {
    fn change(&mut self, index: usize, byte: u8) -> Result<(), NotKept> {
        *self.power = self.power.checked_sub(1).ok_or(NotKept)?;
        self.bytes[index] = byte;
        Ok(())
    }
}

impl Flash for FailingFlash<'_> {
    const PAGE: usize = 1024;
    const WORD: usize = 4;

    fn bytes(&self) -> &[u8] {
        self.bytes
    }

    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept> {
        self.check(offset, Self::PAGE, Self::PAGE)?;
        (offset..offset + Self::PAGE).try_for_each(|index| self.change(index, 0xFF))
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept> {
        self.check(offset, bytes.len(), Self::WORD)?;
        for (index, &byte) in (offset..).zip(bytes) {
            assert_eq!(self.bytes[index], 0xFF, "a byte is written twice");
            self.change(index, byte)?;
        }
        Ok(())
    }
}

/// A line whose input is known beforehand.
struct Tape<'t> {
    input: &'t [u8],
    output: &'t mut Vec<u8>,
}

impl ErrorType for Tape<'_> {
    type Error = core::convert::Infallible;
}

impl ReadReady for Tape<'_> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

impl Read for Tape<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Self::Error> {
        let count = bytes.len().min(self.input.len());
        let (now, later) = self.input.split_at(count);
        bytes[..count].copy_from_slice(now);
        self.input = later;
        Ok(count)
    }
}

impl Write for Tape<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.output.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// The frame of a request.
pub fn frame(tag: u16, request: &Request<'_>) -> Vec<u8> {
    let mut buffer = [0; 4096];
    wire::encode_request(tag, request, &mut buffer).expect("room").to_vec()
}

/// Calls `each` with every response in `bytes`, and its tag; how many there were.
pub fn responses(bytes: &[u8], mut each: impl FnMut(u16, Result<Answer<'_>, Refusal<'_>>)) -> usize {
    let mut buffer = [0; 4096];
    let mut deframer = Deframer::new(&mut buffer);
    let (mut stream, mut count) = (bytes, 0);
    while let Some(received) = deframer.feed(&mut stream) {
        let received = received.expect("a device sends whole frames");
        let Response { outcome, .. } = received.response().expect("responses");
        each(received.tag(), outcome);
        count += 1;
    }
    count
}

/// The requests that put `model` in another's place, in pieces of `piece` bytes.
pub fn replacement(model: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let begin = Request::BeginModel { len: model.len() as u32, crc: crc32(model) };
    let pieces = model
        .chunks(piece)
        .enumerate()
        .map(|(index, bytes)| frame(3, &Request::WriteModel { offset: (index * piece) as u32, bytes }));
    let mut frames: Vec<_> = [frame(2, &begin)].into_iter().chain(pieces).collect();
    frames.push(frame(4, &Request::CommitModel));
    frames
}

/// A request that every model here answers: all inputs off.
pub fn question(tag: u16) -> Vec<u8> {
    frame(tag, &Request::FreeEnergy { input: Values::Bits(wire::Bits::new(3, &[0]).expect("three bits")) })
}
