//! What each request costs the program `serve` on this board: instructions and stack from the request's frame to the response's, the serial line being
//! memory.

use core::convert::Infallible;

use ebm_core::ShapeError;
use ebm_core::wire::{self, Answer, Bits, Deframer, Learning, Request, Response, Rule, Start, Values, Want};
use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::serve::{FRAME, STATE, State, server};
use super::{AppError, NO_DIGEST, digest, introduce, report_memory};
use crate::board::{Board, Driver, StaticCell};
use crate::model::{CLASSES, COPY, HIDDEN, INPUTS, Numbers, VISIBLE};
use crate::server::{Line, Server};

/// Seed of the draws.
const SEED: u64 = 1;
/// Gibbs steps of a request.
const STEPS: u32 = 1;
/// Inverse temperature 1.
const BETA: u16 = 256;
/// Bytes of a model that are read and written at a time: every device has room for them.
const PIECE: usize = 512;
/// Of each eight units, which are on.
static ON: [u8; VISIBLE.div_ceil(8)] = [0b0001_0001; VISIBLE.div_ceil(8)];
/// Of each eight units, which are known.
static KNOWN: [u8; VISIBLE.div_ceil(8)] = [0b0011_1111; VISIBLE.div_ceil(8)];

/// What the host at the other end of the line holds; static, as the device's own state is, so that the stack is the program's.
struct Peer {
    /// A request's frame, then the body of its response.
    frame: [u8; FRAME],
    /// A piece of a model on its way.
    piece: [u8; PIECE],
}

static PEER: StaticCell<Peer> = StaticCell::new(Peer { frame: [0; FRAME], piece: [0; PIECE] });

/// Sends every kind of request that the model can answer, first for the instructions, then for the stack, and prints both. Fails where one is not
/// answered as it should be.
pub fn requests<D: Driver, B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    introduce(board, "requests")?;
    let (Some(State { memory, body, frame }), Some(peer)) = (STATE.take(), PEER.take()) else {
        return Err(AppError::Unanswered("the start"));
    };
    let (server, stack) = board.measure_stack(|| server::<D>(memory));
    report(board, Means::Stack, "start", stack)?;
    let mut dialogue =
        Dialogue::<D> { server, body, frame, question: &mut peer.frame, tag: 0, means: Means::Stack, deepest: stack };
    for means in [Means::Instructions, Means::Stack] {
        dialogue.means = means;
        dialogue.about_inputs(board)?;
        dialogue.about_the_model(board, &mut peer.piece)?;
    }
    // Last: all other answers are those of the model as it is.
    if COPY != 0 && HIDDEN > 0 {
        for means in [Means::Instructions, Means::Stack] {
            dialogue.means = means;
            dialogue.learn(board)?;
        }
    }
    // The server itself is what the program has on the stack before.
    let whole = dialogue.deepest.map(|bytes| bytes + size_of_val(&dialogue.server) as u32);
    report(board, Means::Stack, "serve", whole)?;
    report_memory(board)?;
    Ok(())
}

/// What is measured of a request: one of both, since it may not be asked twice in the same state.
#[derive(Clone, Copy)]
enum Means {
    Instructions,
    Stack,
}

impl Means {
    /// Behind a pointer, so that the server is not compiled once for each.
    fn measure<B: Board>(self, board: &mut B, work: &mut dyn FnMut()) -> Option<u32> {
        let ((), cost) = match self {
            Self::Instructions => board.count_instructions(work),
            Self::Stack => board.measure_stack(work),
        };
        cost
    }
}

/// Prints what was measured.
fn report<B: Board>(board: &mut B, means: Means, request: &str, cost: Option<u32>) -> Result<(), AppError<B>> {
    let key = match means {
        Means::Instructions => "instructions",
        Means::Stack => "stack_bytes",
    };
    if let Some(cost) = cost {
        writeln!(board.console(), "{key}_{request}: {cost}")?;
    }
    Ok(())
}

/// Both ends of a line.
struct Dialogue<'s, D: Driver> {
    server: Server<'s, Numbers, D::Flash>,
    body: &'s mut [u8],
    frame: &'s mut [u8],
    question: &'s mut [u8],
    tag: u16,
    means: Means,
    /// The most stack that anything has taken.
    deepest: Option<u32>,
}

impl<D: Driver> Dialogue<'_, D> {
    /// Requests that the model answers from an input.
    fn about_inputs<B: Board>(&mut self, board: &mut B) -> Result<(), AppError<B>> {
        let input = Values::Bits(bits(&ON, INPUTS)?);
        if CLASSES > 0 {
            let request = Request::Infer { input, free_energy: HIDDEN > 0 };
            self.ask(board, "infer", &request, &mut |answer| matches!(answer, Answer::Inferred { .. }))?;
        }
        if HIDDEN == 0 {
            return Ok(());
        }
        let request = Request::FreeEnergy { input };
        self.ask(board, "free_energy", &request, &mut |answer| matches!(answer, Answer::FreeEnergy(_)))?;

        let (seed, steps, beta, want) = (SEED, STEPS, BETA, Want::Probabilities);
        let mut is_of_all =
            |answer: &Answer<'_>| matches!(answer, Answer::Visible { values } if values.len() == VISIBLE);
        self.ask(board, "sample", &Request::Sample { start: Start::Noise, steps, beta, seed, want }, &mut is_of_all)?;
        let input = Values::Bits(bits(&ON, VISIBLE)?);
        let known = bits(&KNOWN, VISIBLE)?;
        self.ask(board, "inpaint", &Request::Inpaint { input, known, steps, beta, seed, want }, &mut is_of_all)?;

        Ok(())
    }

    /// Learns from an input. No answer to compare: the host has room for models to learn that a board has not.
    fn learn<B: Board>(&mut self, board: &mut B) -> Result<(), AppError<B>> {
        let input = Values::Bits(bits(&ON, VISIBLE)?);
        let (rule, steps, seed, step) = (Rule::Cd, STEPS, SEED, 0);
        let learning = Learning { rule, steps, learning_rate: 0.01, momentum: 0.0, weight_decay: 0.001, seed, step };
        let request = Request::Learn { input, learning };
        let mut learns = |answer: &Answer<'_>| matches!(answer, Answer::Learned { .. });
        let (cost, _) = self.exchange(board, "learn", &request, &mut learns)?;
        report(board, self.means, "learn", cost)
    }

    /// Requests about the model's file: it is read piece by piece, and put in the other slot where there is one to write.
    fn about_the_model<B: Board>(&mut self, board: &mut B, piece: &mut [u8; PIECE]) -> Result<(), AppError<B>> {
        let (mut len, mut crc, mut room) = (0, 0, 0);
        let (cost, _) = self.exchange(board, "hello", &Request::Hello, &mut |answer| {
            let Answer::Hello(hello) = answer else { return false };
            (len, crc, room) = (hello.model.len, hello.model.crc, hello.slot_len);
            true
        })?;
        report(board, self.means, "hello", cost)?;
        // The rest of it is the board's own.
        writeln!(board.console(), "answer hello {len} {crc:08x}")?;
        let read = |offset| Request::ReadModel { offset, len: PIECE as u32 };
        self.ask(board, "read_model", &read(0), &mut |answer| matches!(answer, Answer::ModelBytes { .. }))?;
        if room < len {
            return Ok(());
        }
        let mut begins = |answer: &Answer<'_>| *answer == Answer::Receiving { offset: 0 };
        self.ask(board, "begin_model", &Request::BeginModel { len, crc }, &mut begins)?;
        let mut most = None;
        for offset in (0..len).step_by(PIECE) {
            let mut count = 0;
            self.exchange(board, "read_model", &read(offset), &mut |answer| {
                let Answer::ModelBytes { bytes, .. } = answer else { return false };
                count = bytes.len();
                piece.iter_mut().zip(*bytes).for_each(|(to, from)| *to = *from);
                true
            })?;
            let bytes = piece.get(..count).unwrap_or_default();
            let next = Answer::Receiving { offset: offset + count as u32 };
            let request = Request::WriteModel { offset, bytes };
            let (cost, _) = self.exchange(board, "write_model", &request, &mut |answer| *answer == next)?;
            most = most.max(cost);
        }
        report(board, self.means, "write_model", most)?;
        self.ask(board, "commit_model", &Request::CommitModel, &mut |answer| *answer == Answer::Replaced { crc })
    }

    /// Sends a request; prints what it costs, and a digest of its answer: the host's is the same.
    fn ask<B: Board>(
        &mut self,
        board: &mut B,
        name: &'static str,
        request: &Request<'_>,
        is_right: &mut dyn FnMut(&Answer<'_>) -> bool,
    ) -> Result<(), AppError<B>> {
        let (cost, sum) = self.exchange(board, name, request, is_right)?;
        report(board, self.means, name, cost)?;
        Ok(writeln!(board.console(), "answer {name} {sum:08x}")?)
    }

    /// Sends a request, and has the server answer it; what that costs, and a digest of the answer's frame.
    fn exchange<B: Board>(
        &mut self,
        board: &mut B,
        name: &'static str,
        request: &Request<'_>,
        is_right: &mut dyn FnMut(&Answer<'_>) -> bool,
    ) -> Result<(Option<u32>, u32), AppError<B>> {
        self.tag = self.tag.wrapping_add(1);
        let sent = encode(self.tag, request, self.question).ok_or(AppError::Unanswered(name))?;
        let Self { server, body, frame, means, .. } = self;
        // Without a clock, answers are the same on every board.
        let mut serve = || Line { console: Tape(sent), body, frame, clock: || 0, alive: D::alive }.serve(server);
        let cost = means.measure(board, &mut serve);
        if let Means::Stack = means {
            self.deepest = self.deepest.max(cost);
        }
        let answered = check(self.tag, self.frame, self.question, is_right).ok_or(AppError::Unanswered(name))?;
        Ok((cost, digest(NO_DIGEST, answered.iter().copied())))
    }
}

/// The frame of a request. A function of its own, as [`check`] is: what it takes of the stack is given back before the server is measured.
#[inline(never)]
fn encode<'q>(tag: u16, request: &Request<'_>, question: &'q mut [u8]) -> Option<&'q [u8]> {
    wire::encode_request(tag, request, question).ok()
}

/// The first frame in `frames`, if it is the right answer to the request with this tag.
#[inline(never)]
fn check<'f>(
    tag: u16,
    frames: &'f [u8],
    body: &mut [u8],
    is_right: &mut dyn FnMut(&Answer<'_>) -> bool,
) -> Option<&'f [u8]> {
    let (mut deframer, mut rest) = (Deframer::new(body), frames);
    let received = deframer.feed(&mut rest)?.ok().filter(|received| received.tag() == tag)?;
    let Ok(Response { outcome: Ok(answer), .. }) = received.response() else { return None };
    if is_right(&answer) { frames.get(..frames.len() - rest.len()) } else { None }
}

/// A line of which a request comes, and where a response goes: the server's own buffer has it.
struct Tape<'t>(&'t [u8]);

impl ErrorType for Tape<'_> {
    type Error = Infallible;
}

impl ReadReady for Tape<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl Read for Tape<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        self.0.read(bytes)
    }
}

impl Write for Tape<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The first `count` of these bits.
fn bits(bytes: &[u8], count: usize) -> Result<Bits<'_>, ShapeError> {
    Bits::new(count as u32, bytes.get(..count.div_ceil(8)).unwrap_or_default())
}
