//! The product: answers a host, or whoever speaks the wire, with the model in flash, for ever.

use ebm_core::service;
use ebm_core::wire;

use crate::board::{Driver, StaticCell};
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
/// Bytes of a value in a message.
const VALUE: usize = if SHORT_VALUES { wire::SHORT_VALUE } else { wire::LONG_VALUE };
const BUFFERS: (usize, usize) = wire::buffer_lens(VISIBLE, VALUE, CLASSES, LABELS);
/// Bytes of a request's body.
const BODY: usize = BUFFERS.0;
/// Bytes of a response's frame.
pub(super) const FRAME: usize = BUFFERS.1;

type Memory = service::Memory<Numbers, VISIBLE, HIDDEN, WORK, CLASSES, COPY, LEARNT>;

/// Everything that the program holds in RAM, but its stack.
pub(super) struct State {
    pub(super) memory: Memory,
    pub(super) body: [u8; BODY],
    pub(super) frame: [u8; FRAME],
}

/// Zeros all of it, which take no flash.
pub(super) static STATE: StaticCell<State> =
    StaticCell::new(State { memory: Memory::ZERO, body: [0; BODY], frame: [0; FRAME] });

/// Answers requests on the board's serial line; returns where that ends, as on the host.
pub fn serve<D: Driver>() -> bool {
    D::start_clock();
    let Some(State { memory, body, frame }) = STATE.take() else { return false };
    let mut server = server::<D>(memory);
    Line { console: D::console(), body, frame, clock: D::clock, alive: D::alive }.serve(&mut server);
    true
}

/// What answers on a board, with the newest model in its flash.
pub(super) fn server<D: Driver>(memory: &mut Memory) -> Server<'_, Numbers, D::Flash> {
    const { assert!(FIRMWARE.len() + D::NAME.len() <= wire::MAX_NAMES_LEN && SLOT > 0) };
    let identity = Identity { firmware: FIRMWARE, board: D::NAME, clock_hz: D::CLOCK_HZ };
    Server::new(identity, memory.as_mut(), D::flash(), BODY)
}
