//! The device's side of the wire: [`Server`] answers a host's requests (`ebm-core/WIRE.md`), [`Line`] carries them over a serial line.

use ebm_core::service::{Buffers, Service, Spoken};
use ebm_core::wire::{self, Answer, Deframer, FrameError, Hello, ModelInfo, Refusal, Request, Response};
use embedded_io::{Read, ReadReady, Write};

use crate::flash::Flash;
use crate::slots::Slots;

/// Who the device is.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The program, and its version.
    pub firmware: &'static str,
    /// The board.
    pub board: &'static str,
    /// Ticks a second of the clock; 0 without one.
    pub clock_hz: u32,
}

/// Answers requests about the model that lies in flash, and puts others in its place.
pub struct Server<'b, N: Spoken, F> {
    identity: Identity,
    service: Service<'b, N>,
    slots: Slots<N, F>,
    /// Bytes of a request's body.
    buffer_len: usize,
}

impl<'b, N: Spoken, F: Flash> Server<'b, N, F> {
    /// Works in `buffers` on the newest model in `flash`; a request's body has at most `buffer_len` bytes.
    pub fn new(identity: Identity, buffers: Buffers<'b, N>, flash: F, buffer_len: usize) -> Self {
        let service = Service::new(buffers).with_pieces_of(wire::model_bytes_in(buffer_len));
        Self { identity, service, slots: Slots::open(flash), buffer_len }
    }

    /// The answer to a request, or why there is none. `alive` is called again and again while it takes long.
    pub fn answer(&mut self, request: &Request<'_>, alive: &mut dyn FnMut()) -> Result<Answer<'_>, Refusal<'static>> {
        match *request {
            Request::Hello => self.hello(),
            Request::BeginModel { len, crc } => {
                self.slots.begin(len, crc, alive)?;
                Ok(Answer::Receiving { offset: 0 })
            }
            Request::WriteModel { offset, bytes } => Ok(Answer::Receiving { offset: self.slots.write(offset, bytes)? }),
            Request::CommitModel => {
                let crc = self.slots.commit(|model| self.service.check_fits(model))?;
                self.service.forget();
                Ok(Answer::Replaced { crc })
            }
            Request::Infer { .. }
            | Request::FreeEnergy { .. }
            | Request::Sample { .. }
            | Request::Inpaint { .. }
            | Request::Learn { .. }
            | Request::ReadModel { .. } => {
                let answer = self.service.answer(self.slots.file(), request, alive);
                answer.unwrap_or(Err(Refusal::Unsupported { what: "this request" }))
            }
        }
    }

    fn hello(&mut self) -> Result<Answer<'_>, Refusal<'static>> {
        let Identity { firmware, board, clock_hz } = self.identity;
        let model: ModelInfo<'_> = self.service.describe(self.slots.file(), self.slots.crc())?;
        let (buffer_len, slot_len) = (self.buffer_len as u32, self.slots.capacity() as u32);
        Ok(Answer::Hello(Hello { firmware, board, clock_hz, buffer_len, slot_len, model }))
    }
}

/// A serial line with its buffers, and what is around it.
pub struct Line<'l, C> {
    /// Where requests come from and responses go to.
    pub console: C,
    /// For a request's body: [`wire::body_len`] of the longest.
    pub body: &'l mut [u8],
    /// For a response's frame: [`wire::frame_len`] of the longest.
    pub frame: &'l mut [u8],
    /// Ticks of the clock since some moment.
    pub clock: fn() -> u32,
    /// Called while there is nothing to read, and while an answer takes long.
    pub alive: fn(),
}

impl<C: Read + ReadReady + Write> Line<'_, C> {
    /// Answers every request, until the line ends: a device's never does. What goes wrong on the line costs the bytes in question and no more: the
    /// host asks again.
    pub fn serve<N: Spoken, F: Flash>(self, server: &mut Server<'_, N, F>) {
        let Self { mut console, body, frame, clock, alive } = self;
        let mut deframer = Deframer::new(body);
        let mut bytes = [0; 16];
        loop {
            if let Ok(false) = console.read_ready() {
                alive();
                continue;
            }
            let count = match console.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => count,
                Err(_) => continue,
            };
            let mut stream = bytes.get(..count).unwrap_or_default();
            while let Some(received) = deframer.feed(&mut stream) {
                let start = clock();
                let (tag, outcome) = match received.and_then(|received| Ok((received.tag(), received.request()?))) {
                    Ok((tag, request)) => (tag, server.answer(&request, &mut || alive())),
                    // Were its own output to come back to it, it would answer itself for ever.
                    Err(FrameError::Direction) => continue,
                    Err(error) => (0, Err(error.into())),
                };
                let ticks = clock().wrapping_sub(start);
                send(&mut console, frame, tag, &Response { ticks, outcome });
            }
        }
    }
}

/// Sends a response, or why it cannot be sent.
fn send(console: &mut impl Write, frame: &mut [u8], tag: u16, response: &Response<'_>) {
    let limit = frame.len() as u32;
    let mut encode = |response: &Response<'_>| wire::encode_response(tag, response, frame).map(<[u8]>::len);
    let sent = encode(response).or_else(|_| {
        let refusal = Refusal::TooLarge { what: "bytes of the response", limit, found: limit + 1 };
        encode(&Response { ticks: 0, outcome: Err(refusal) })
    });
    // The host will miss the response, and ask again.
    let _ = console.write_all(frame.get(..sent.unwrap_or_default()).unwrap_or_default());
    let _ = console.flush();
}
