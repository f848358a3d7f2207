//! Frames: COBS (Cheshire & Baker 1999, "Consistent Overhead Byte Stuffing") between zero bytes, around a prefix, a message
//! and a CRC-32.

use super::VERSION;
use super::request::Request;
use super::response::Response;
use crate::format;
use cobs::{DecodeResult, DecoderState, EncoderState, PushResult};
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

/// Version, kind, tag.
pub(super) const PREFIX_LEN: usize = 4;
/// CRC-32 of prefix and message.
pub(super) const CRC_LEN: usize = 4;

/// Second byte of a body.
const REQUEST: u8 = 0;
const RESPONSE: u8 = 1;

/// Why bytes on the wire are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FrameError {
    /// Longer than the reader's buffer.
    #[error("a frame longer than the {limit} bytes that there is room for")]
    TooLong {
        /// Bytes that the buffer holds.
        limit: u32,
    },
    /// Bytes between zeros that are not COBS: noise, or a frame cut off.
    #[error("no frame: noise, or a frame cut off")]
    Framing,
    /// Shorter than prefix and checksum.
    #[error("a frame of {found} bytes: too short for prefix and checksum")]
    TooShort {
        /// Bytes that there are.
        found: u32,
    },
    /// Changed on its way.
    #[error("the frame's checksum does not match: it was damaged on its way")]
    Crc,
    /// The peer speaks another version.
    #[error("protocol version {found}; {expected} is spoken here: use host and device of the same version")]
    Version {
        /// The reader's version.
        expected: u8,
        /// The frame's version.
        found: u8,
    },
    /// A response where a request was expected, or the other way round; it is not answered.
    #[error("a frame that goes the other way: an echo?")]
    Direction,
    /// The message cannot be decoded.
    #[error("the message cannot be decoded")]
    Message,
}

/// The caller's buffer is too short for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frame does not fit a buffer of {found} bytes")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferError {
    /// Bytes that the buffer has.
    pub found: usize,
}

/// Writes `request` as a frame to the start of `out`; the frame. The response will bear the same `tag`.
pub fn encode_request<'o>(tag: u16, request: &Request<'_>, out: &'o mut [u8]) -> Result<&'o [u8], BufferError> {
    encode(REQUEST, tag, request, out)
}

/// Writes `response` as a frame to the start of `out`; the frame. `tag` is the request's, or 0 where that could not be
/// read.
pub fn encode_response<'o>(tag: u16, response: &Response<'_>, out: &'o mut [u8]) -> Result<&'o [u8], BufferError> {
    encode(RESPONSE, tag, response, out)
}

fn encode<'o>(kind: u8, tag: u16, message: &impl Serialize, out: &'o mut [u8]) -> Result<&'o [u8], BufferError> {
    let found = out.len();
    let len = write(kind, tag, message, out).map_err(|_| BufferError { found })?;
    out.get(..len).ok_or(BufferError { found })
}

fn write(kind: u8, tag: u16, message: &impl Serialize, out: &mut [u8]) -> postcard::Result<usize> {
    let mut writer = Writer::new(out)?;
    let [low, high] = tag.to_le_bytes();
    writer.try_extend(&[VERSION, kind, low, high])?;
    postcard::serialize_with_flavor(message, writer)
}

/// Writes what is pushed into it as a frame.
struct Writer<'o> {
    out: &'o mut [u8],
    len: usize,
    /// Its indices count from the byte after the leading zero.
    cobs: EncoderState,
    crc: format::Crc32,
}

impl<'o> Writer<'o> {
    fn new(out: &'o mut [u8]) -> postcard::Result<Self> {
        let mut writer = Self { out, len: 0, cobs: EncoderState::default(), crc: format::Crc32::new() };
        writer.append(0)?;
        writer.append(0)?;
        Ok(writer)
    }

    fn append(&mut self, byte: u8) -> postcard::Result<()> {
        *self.out.get_mut(self.len).ok_or(postcard::Error::SerializeBufferFull)? = byte;
        self.len += 1;
        Ok(())
    }

    /// Writes a COBS code into its place.
    fn modify(&mut self, index: usize, code: u8) -> postcard::Result<()> {
        *self.out.get_mut(1 + index).ok_or(postcard::Error::SerializeBufferFull)? = code;
        Ok(())
    }

    fn push(&mut self, byte: u8) -> postcard::Result<()> {
        match self.cobs.push(byte) {
            PushResult::AddSingle(byte) => self.append(byte),
            PushResult::ModifyFromStartAndSkip((index, code)) => {
                self.modify(index, code)?;
                self.append(0)
            }
            PushResult::ModifyFromStartAndPushAndSkip((index, code, byte)) => {
                self.modify(index, code)?;
                self.append(byte)?;
                self.append(0)
            }
        }
    }
}

impl Flavor for Writer<'_> {
    /// The frame's length.
    type Output = usize;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.crc.update(bytes);
        bytes.iter().try_for_each(|&byte| self.push(byte))
    }

    fn finalize(mut self) -> postcard::Result<usize> {
        for byte in self.crc.finish().to_le_bytes() {
            self.push(byte)?;
        }
        let (index, code) = self.cobs.clone().finalize();
        self.modify(index, code)?;
        self.append(0)?;
        Ok(self.len)
    }
}

/// A frame whose checksum and version are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    tag: u16,
    kind: u8,
    message: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Checks a body: the bytes that COBS gave.
    fn new(body: &'a [u8]) -> Result<Self, FrameError> {
        let too_short = FrameError::TooShort { found: body.len() as u32 };
        let (covered, crc) = body.split_last_chunk::<CRC_LEN>().ok_or(too_short)?;
        let (&[version, kind, low, high], message) = covered.split_first_chunk::<PREFIX_LEN>().ok_or(too_short)?;
        if format::crc32(covered) != u32::from_le_bytes(*crc) {
            return Err(FrameError::Crc);
        }
        if version != VERSION {
            return Err(FrameError::Version { expected: VERSION, found: version });
        }
        Ok(Self { tag: u16::from_le_bytes([low, high]), kind, message })
    }

    /// Which request this is, or which one this answers; 0 in a response to what could not be read.
    pub const fn tag(&self) -> u16 {
        self.tag
    }

    /// The frame's message as a request.
    pub fn request(&self) -> Result<Request<'a>, FrameError> {
        self.decode(REQUEST)
    }

    /// The frame's message as a response.
    pub fn response(&self) -> Result<Response<'a>, FrameError> {
        self.decode(RESPONSE)
    }

    fn decode<M: Deserialize<'a>>(&self, kind: u8) -> Result<M, FrameError> {
        if self.kind != kind {
            return Err(FrameError::Direction);
        }
        match postcard::take_from_bytes(self.message) {
            Ok((message, [])) => Ok(message),
            _ => Err(FrameError::Message),
        }
    }
}

/// Finds the frames in a stream of bytes, in a buffer of the caller's.
///
/// The buffer holds one frame without its zeros and COBS: [`super::body_len`] of the longest message.
/// Whatever comes between two zeros and is no good frame is one [`FrameError`], at the second zero at the latest.
#[derive(Debug)]
pub struct Deframer<'b> {
    buffer: &'b mut [u8],
    len: usize,
    cobs: DecoderState,
    /// Past an error: everything up to the next zero belongs to what was refused.
    skipping: bool,
}

impl<'b> Deframer<'b> {
    /// Reads into `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0, cobs: DecoderState::Idle, skipping: false }
    }

    /// Takes `bytes` up to the end of the next frame, or all of them: then there is none yet. To be called until it
    /// returns `None`.
    pub fn feed(&mut self, bytes: &mut &[u8]) -> Option<Result<Frame<'_>, FrameError>> {
        let outcome = loop {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            if let Some(outcome) = self.step(byte) {
                break outcome;
            }
        };
        Some(outcome.and_then(|len| Frame::new(self.buffer.get(..len).unwrap_or_default())))
    }

    /// Takes one byte; the frame that it ends, if it does.
    pub fn push(&mut self, byte: u8) -> Option<Result<Frame<'_>, FrameError>> {
        self.feed(&mut [byte].as_slice())
    }

    /// The length of the body that `byte` completes, or what it makes of the bytes since the last zero.
    fn step(&mut self, byte: u8) -> Option<Result<usize, FrameError>> {
        if self.skipping {
            self.skipping = byte != 0;
            return None;
        }
        match self.cobs.feed(byte) {
            Ok(DecodeResult::NoData) => None,
            Ok(DecodeResult::DataContinue(data)) => {
                if let Some(place) = self.buffer.get_mut(self.len) {
                    *place = data;
                    self.len += 1;
                    return None;
                }
                self.skipping = true;
                self.restart();
                Some(Err(FrameError::TooLong { limit: self.buffer.len() as u32 }))
            }
            Ok(DecodeResult::DataComplete) => Some(Ok(self.restart())),
            Err(_) => {
                self.restart();
                Some(Err(FrameError::Framing))
            }
        }
    }

    /// Begins a new frame; the length of the one before.
    fn restart(&mut self) -> usize {
        self.cobs = DecoderState::Idle;
        core::mem::take(&mut self.len)
    }
}
