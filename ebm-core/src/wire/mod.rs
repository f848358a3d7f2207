//! Messages between a host and a device, and their frames: `WIRE.md` describes them byte by byte.
//!
//! A frame is COBS between two zero bytes, and holds a prefix of 4 bytes, a [postcard] message and a CRC-32.
//!
//! ```
//! use ebm_core::wire::{self, Deframer, Request, Values};
//!
//! const MESSAGE: usize = wire::request_len(3, wire::SHORT_VALUE);
//! let request = Request::Infer { input: Values::Integer(&[128, 0, 128]), free_energy: false };
//! let mut frame = [0; wire::frame_len(MESSAGE)];
//! let sent = wire::encode_request(1, &request, &mut frame)?;
//!
//! let mut buffer = [0; wire::body_len(MESSAGE)];
//! let mut deframer = Deframer::new(&mut buffer);
//! let mut stream = sent;
//! while let Some(frame) = deframer.feed(&mut stream) {
//!     assert_eq!(frame?.request()?, request);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what | who |
//! |---|---|
//! | a message into a frame, in the caller's buffer | [`encode_request`], [`encode_response`] |
//! | bytes into frames, past noise | [`Deframer`] |
//! | a frame into a message, borrowed from the deframer's buffer | [`Frame::request`], [`Frame::response`] |
//! | how long a buffer has to be | [`body_len`] for a deframer, [`frame_len`] to encode into, of [`request_len`] or [`response_len`]; [`buffer_lens`] both, of a device |
//!
//! Reading never panics, and allocates and copies nothing but the frame itself. After any noise the next good frame is read.

mod frame;
mod length;
mod refusal;
mod request;
mod response;
mod values;

pub use frame::{BufferError, Deframer, Frame, FrameError, encode_request, encode_response};
pub use length::{
    LONG_VALUE, MAX_NAMES_LEN, MAX_WHAT_LEN, SHORT_VALUE, body_len, buffer_lens, frame_len, model_bytes_in,
    request_len, response_len,
};
pub use refusal::{ModelFault, Refusal};
pub use request::{Learning, Request, Rule, Start, Want};
pub use response::{Answer, Arithmetic, Energy, Hello, ModelInfo, Novelty, Response, Shape};
pub use values::{Bits, F32s, I32s, Score, Scores, Values, Word, Words};

/// Version of the messages that this crate speaks. A peer of another version is refused, by its first byte.
pub const VERSION: u8 = 1;
