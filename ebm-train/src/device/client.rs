//! [`Client`]: asks a device and waits for what it says.

use super::link::{Link, Place};
use crate::Error;
use ebm_core::wire::{self, Answer, Deframer, Refusal, Request, Response, Shape};
use std::time::{Duration, Instant};

/// Longest message that is sent or taken: a device tells how much less it takes.
const BUFFER: usize = 1 << 20;
/// How often a question is asked that can be asked again.
const TRIES: usize = 3;
/// An emulator is built before it answers first.
const FIRST_PATIENCE: Duration = Duration::from_secs(900);
/// A board that is just starting may miss a question.
const HELLO_PATIENCE: Duration = Duration::from_secs(2);

/// A device that can be asked.
pub struct Client {
    link: Link,
    patience: Duration,
    tag: u16,
    frame: Vec<u8>,
    body: Vec<u8>,
}

/// Who a device says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The program, and its version.
    pub firmware: String,
    /// The board.
    pub board: String,
    /// Ticks a second of its clock; 0 without one.
    pub clock_hz: u32,
    /// Longest body that it takes.
    pub buffer_len: u32,
    /// Bytes of its model's file.
    pub model_len: u32,
    /// CRC-32 of that file.
    pub model_crc: u32,
    /// Its layers.
    pub layers: Vec<Shape>,
}

impl Client {
    /// Asks over `link`; waits so long for an answer.
    pub fn new(link: Link, patience: Duration) -> Self {
        Self { link, patience, tag: 0, frame: vec![0; BUFFER], body: vec![0; BUFFER] }
    }

    /// Where the device is.
    pub const fn place(&self) -> &Place {
        self.link.place()
    }

    /// Asks the device who it is. Fails when nobody answers, or in another version of the wire.
    pub fn hello(&mut self) -> Result<Identity, Error> {
        // Ends whatever half a frame was sent before.
        self.link.send(&[0])?;
        let patience = match self.place() {
            Place::Qemu(..) => FIRST_PATIENCE,
            Place::Port(..) | Place::Tcp(_) => HELLO_PATIENCE,
        };
        let asked = self.ask_within(&Request::Hello, patience, TRIES, |response| match &response.outcome {
            Ok(Answer::Hello(hello)) => Ok(Identity {
                firmware: hello.firmware.to_owned(),
                board: hello.board.to_owned(),
                clock_hz: hello.clock_hz,
                buffer_len: hello.buffer_len,
                model_len: hello.model.len,
                model_crc: hello.model.crc,
                layers: hello.model.layers.to_vec(),
            }),
            other => Err(unexpected(other)),
        })?;
        asked.map_err(|unexpected| self.failed(unexpected))
    }

    /// Asks what can be asked again, and is when nothing or nonsense comes back. `take` sees the response. Fails with [`Error::Device`] when the device
    /// stays silent.
    pub fn ask<R>(&mut self, request: &Request<'_>, take: impl FnMut(&Response<'_>) -> R) -> Result<R, Error> {
        self.ask_within(request, self.patience, TRIES, take)
    }

    /// Asks for what must not be done twice: once. Fails as [`Client::ask`] does.
    pub fn ask_once<R>(&mut self, request: &Request<'_>, take: impl FnMut(&Response<'_>) -> R) -> Result<R, Error> {
        self.ask_within(request, self.patience, 1, take)
    }

    /// The error of an answer that was not expected.
    pub(super) fn failed(&self, unexpected: Unexpected) -> Error {
        match unexpected {
            Unexpected::Refused(refusal) => Error::Refused { place: self.place().to_string(), refusal },
            Unexpected::Wrong(problem) => self.silent(problem.to_owned()),
        }
    }

    /// The error of a device that does not answer as one does.
    fn silent(&self, problem: String) -> Error {
        let help = "does it run the firmware's program `serve`, of this version?";
        Error::Device { place: self.place().to_string(), problem, help }
    }

    fn ask_within<R>(
        &mut self,
        request: &Request<'_>,
        patience: Duration,
        tries: usize,
        mut take: impl FnMut(&Response<'_>) -> R,
    ) -> Result<R, Error> {
        let mut problem = String::new();
        for _ in 0..tries {
            self.tag = self.tag.wrapping_add(1).max(1);
            let frame = wire::encode_request(self.tag, request, &mut self.frame);
            let frame = frame.map_err(|error| Error::Device {
                place: self.link.place().to_string(),
                problem: error.to_string(),
                help: "the model is too large to be asked about",
            })?;
            self.link.send(frame)?;
            let deadline = Instant::now() + patience;
            let mut deframer = Deframer::new(&mut self.body);
            problem = format!("no answer in {} s", patience.as_secs_f32());
            'waiting: while let Some(left) = deadline.checked_duration_since(Instant::now()) {
                let Some(bytes) = self.link.receive(left)? else { break };
                let mut stream = &*bytes;
                while let Some(received) = deframer.feed(&mut stream) {
                    match received.and_then(|received| Ok((received.tag(), received.response()?))) {
                        Ok((tag, response)) if tag == self.tag => return Ok(take(&response)),
                        // The request came to grief on its way.
                        Ok((0, Response { outcome: Err(Refusal::Frame(error)), .. })) => {
                            problem = format!("the device did not understand: {error}");
                            break 'waiting;
                        }
                        // An answer that came too late for its question.
                        Ok(_) => {}
                        Err(error) => problem = format!("what came is no answer: {error}"),
                    }
                }
            }
        }
        Err(self.silent(problem))
    }
}

/// An answer that does not go with its question.
pub(super) enum Unexpected {
    /// The device refuses, in words.
    Refused(String),
    /// Another answer, or one that cannot be: what is wrong with it.
    Wrong(&'static str),
}

/// What an answer is that does not go with its question.
pub(super) fn unexpected(outcome: &Result<Answer<'_>, Refusal<'_>>) -> Unexpected {
    match outcome {
        Ok(_) => Unexpected::Wrong("the answer is to another question"),
        Err(refusal) => Unexpected::Refused(refusal.to_string()),
    }
}
