//! The product: answers a host, or whoever speaks the wire, with the model in flash, for ever.

use ebm_core::service::Memory;
use ebm_core::wire;

use crate::board::Driver;
use crate::model::{CLASSES, COPY, HIDDEN, LABELS, Numbers, SHORT_VALUES, SLOT, VISIBLE, WORK};
use crate::server::{Identity, Line, Server};

/// Units of either layer of a machine that learns.
const LEARNT: usize = if COPY == 0 {
    0
} else if VISIBLE > HIDDEN {
    VISIBLE
} else {
    HIDDEN
};
/// Name of the program.
const FIRMWARE: &str = concat!("ebm-firmware ", env!("CARGO_PKG_VERSION"));
/// Longest name of a board.
const BOARD: usize = 32;
/// Bytes of a value in a message.
const VALUE: usize = if SHORT_VALUES { wire::SHORT_VALUE } else { wire::LONG_VALUE };
/// Least bytes of a body: a model comes in pieces of 512 bytes or more.
const LEAST_BODY: usize = 544;
/// A request's body.
const BODY: usize = larger(wire::body_len(wire::request_len(VISIBLE, VALUE)), LEAST_BODY);
/// A response's frame, a piece of a model as long as fits a request's body among them.
const FRAME: usize =
    wire::frame_len(larger(wire::response_len(VISIBLE, VALUE, CLASSES, FIRMWARE.len() + BOARD + LABELS), BODY));

/// Everything that the program holds in RAM, but its stack.
struct State {
    memory: Memory<Numbers, VISIBLE, HIDDEN, WORK, CLASSES, COPY, LEARNT>,
    body: [u8; BODY],
    frame: [u8; FRAME],
}

/// Answers requests on the board's serial line; returns where that ends, as on the host.
pub fn serve<D: Driver>() -> bool {
    const { assert!(D::NAME.len() <= BOARD && SLOT > 0) };
    D::start_clock();
    let mut state = State { memory: Memory::ZERO, body: [0; BODY], frame: [0; FRAME] };
    let State { memory, body, frame } = &mut state;
    let identity = Identity { firmware: FIRMWARE, board: D::NAME, clock_hz: D::CLOCK_HZ };
    let mut server = Server::new(identity, memory.as_mut(), D::flash(), BODY);
    Line { console: D::console(), body, frame, clock: D::clock, alive: D::alive }.serve(&mut server);
    true
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
