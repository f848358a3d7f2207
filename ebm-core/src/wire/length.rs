//! How long messages and frames can be, for buffers of fixed size.

use super::frame::{CRC_LEN, PREFIX_LEN};
use crate::format::MAX_LAYERS;

/// Most bytes of a name in a [`super::Refusal`].
pub const MAX_WHAT_LEN: usize = 48;

/// Longest varint of a `u16`.
const U16: usize = 3;
/// Longest varint of a `u32`.
const U32: usize = 5;
/// Longest varint of a `u64`.
const U64: usize = 10;
/// Number of an enum's variant: none has more than 127.
const VARIANT: usize = 1;
const BOOL: usize = 1;
const OPTION: usize = 1;

/// So many values of `value` bytes each.
const fn values_len(values: usize, value: usize) -> usize {
    VARIANT + U32 + value * values
}

/// Bytes of a value where it is the longest that can be sent: in f32, or a count.
pub const LONG_VALUE: usize = 4;
/// Bytes of a value of the integer path, and of a level.
pub const SHORT_VALUE: usize = 1;

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Most bytes of a request to a model of `visible` units whose values take at most `value` bytes each ([`LONG_VALUE`], or [`SHORT_VALUE`] for a device
/// that takes no others), pieces of a model's file apart.
pub const fn request_len(visible: usize, value: usize) -> usize {
    let bits = 2 * U32 + visible.div_ceil(8);
    let inpaint = values_len(visible, value) + bits + U32 + U16 + U64 + VARIANT;
    let learning = VARIANT + U32 + 3 * size_of::<f32>() + U64 + U32;
    VARIANT + max(inpaint, values_len(visible, value) + learning)
}

/// Most bytes of a response from a model of `visible` units, of values as in [`request_len`], and `classes`, `text` bytes being those of [`super::Hello`]'s
/// firmware, board and labels together; pieces of a model's file apart.
pub const fn response_len(visible: usize, value: usize, classes: usize, text: usize) -> usize {
    let energy = OPTION + VARIANT + U32 + OPTION + BOOL + VARIANT + U32;
    let inferred = U32 + values_len(classes, LONG_VALUE) + energy;
    let model = 2 * U32 + VARIANT + 2 * U32 + U32 + MAX_LAYERS * 2 * U32 + OPTION + U32;
    let hello = 3 * U32 + 3 * U32 + model + text;
    let refusal = U32 + MAX_WHAT_LEN + 2 * U32;
    let answer = max(max(inferred, values_len(visible, value)), max(hello, refusal));
    // Ticks, answer or refusal, which.
    U32 + VARIANT + VARIANT + answer
}

/// Least bytes of a device's buffer for a request's body: a model comes in pieces of 512 bytes or more.
const LEAST_BODY: usize = 544;

/// Most bytes of a device's names of its program and its board together.
pub const MAX_NAMES_LEN: usize = 64;

/// Bytes of a device's buffers: for a request's body, and for a response's frame, where a piece of a model as long as fits the first has room. The
/// model as in [`response_len`], with so many bytes of `labels`.
pub const fn buffer_lens(visible: usize, value: usize, classes: usize, labels: usize) -> (usize, usize) {
    let body = max(body_len(request_len(visible, value)), LEAST_BODY);
    (body, frame_len(max(response_len(visible, value, classes, MAX_NAMES_LEN + labels), body)))
}

/// Bytes of a frame on the wire whose message has at most `message` bytes, its two zeros included.
pub const fn frame_len(message: usize) -> usize {
    let body = body_len(message);
    2 + 1 + body + body / 254
}

/// Bytes that a [`super::Deframer`] needs for a message of at most `message` bytes.
pub const fn body_len(message: usize) -> usize {
    PREFIX_LEN + message + CRC_LEN
}

/// How many bytes of a model's file a message can carry to a peer whose [`super::Deframer`] has a buffer of `buffer_len`
/// bytes.
pub const fn model_bytes_in(buffer_len: usize) -> usize {
    // The longer of the two: a response with its ticks, outcome, variant, offset, length.
    buffer_len.saturating_sub(body_len(U32 + VARIANT + VARIANT + 2 * U32))
}
