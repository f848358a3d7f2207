//! What a [`Service`](super::Service) works in.

use super::Spoken;
use crate::embed::Aligned;
use crate::numbers::Numbers;
use crate::wire::Refusal;
use core::fmt;

/// Where a [`Service`](super::Service) works. The lengths decide which models fit.
pub struct Buffers<'b, N: Numbers> {
    /// An input, or a visible state whose values are known: as long as `visible`.
    pub input: &'b mut [N::Value],
    /// A chain's visible state: the most visible units.
    pub visible: &'b mut [N::Value],
    /// Which visible units are held: as long as `visible`.
    pub held: &'b mut [bool],
    /// A chain's hidden state: the most hidden units of the machine over the inputs.
    pub hidden: &'b mut [N::Value],
    /// [`crate::Model::work_len`].
    pub work: &'b mut [N::Value],
    /// The most classes.
    pub scores: &'b mut [N::Score],
    /// A copy of the file that learns, at a multiple of 16; empty where none is to.
    pub copy: &'b mut [u8],
    /// To learn: a persistent chain's visible state, as long as `visible`.
    pub fantasy: &'b mut [N::Value],
    /// To learn: hidden means given the data, and given the chain, each as long as `hidden`.
    pub means: [&'b mut [N::Value]; 2],
}

/// [`Buffers`] for models of at most `V` visible and `H` hidden units in the machine over the inputs, `W` values to work in and `C` classes; one of at
/// most `COPY` bytes learns, in machines of at most `L` visible and hidden units each.
#[derive(Debug)]
pub struct Memory<
    N: Numbers,
    const V: usize,
    const H: usize,
    const W: usize,
    const C: usize,
    const COPY: usize,
    const L: usize,
> {
    input: [N::Value; V],
    visible: [N::Value; V],
    held: [bool; V],
    hidden: [N::Value; H],
    work: [N::Value; W],
    scores: [N::Score; C],
    copy: Aligned<[u8; COPY]>,
    fantasy: [N::Value; L],
    means: [[N::Value; L]; 2],
}

impl<N: Spoken, const V: usize, const H: usize, const W: usize, const C: usize, const COPY: usize, const L: usize>
    Memory<N, V, H, W, C, COPY, L>
{
    /// All zero. A constant, so that it need never pass over the stack.
    pub const ZERO: Self = Self {
        input: [N::OFF; V],
        visible: [N::OFF; V],
        held: [false; V],
        hidden: [N::OFF; H],
        work: [N::OFF; W],
        scores: [N::NOTHING; C],
        copy: Aligned([0; COPY]),
        fantasy: [N::OFF; L],
        means: [[N::OFF; L]; 2],
    };

    /// The buffers.
    pub fn as_mut(&mut self) -> Buffers<'_, N> {
        let [of_data, of_model] = &mut self.means;
        Buffers {
            input: &mut self.input,
            visible: &mut self.visible,
            held: &mut self.held,
            hidden: &mut self.hidden,
            work: &mut self.work,
            scores: &mut self.scores,
            copy: &mut self.copy.0,
            fantasy: &mut self.fantasy,
            means: [of_data, of_model],
        }
    }
}

impl<N: Numbers> fmt::Debug for Buffers<'_, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = (self.visible.len(), self.hidden.len(), self.work.len(), self.scores.len(), self.copy.len());
        write!(formatter, "Buffers{lengths:?}")
    }
}

/// The first `length` of a buffer's elements; fails where there is no room for so many of `what`.
pub(super) fn first<'b, T>(
    buffer: &'b mut [T],
    length: usize,
    what: &'static str,
) -> Result<&'b mut [T], Refusal<'static>> {
    let limit = buffer.len() as u32;
    buffer.get_mut(..length).ok_or(Refusal::TooLarge { what, limit, found: length as u32 })
}
