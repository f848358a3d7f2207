//! [`Mirror`]: what a device with this model has to answer.

use crate::Error;
use crate::export::ModelFile;
use ebm_core::Machine;
use ebm_core::service::{Buffers, Service, Spoken};
use ebm_core::wire::{self, Answer, Refusal, Request, Response};

/// Longest answer that is compared.
const FRAME: usize = 1 << 20;

/// A device of the host's own, with the same model and memory enough.
pub struct Mirror<'m, N: Spoken> {
    service: Service<'m, N>,
    file: &'m [u8],
    /// Two encoded responses, to be compared.
    frames: [Vec<u8>; 2],
}

/// The memory of a [`Mirror`].
pub struct Memory<N: Spoken> {
    values: [Vec<N::Value>; 5],
    means: [Vec<N::Value>; 2],
    scores: Vec<N::Score>,
    held: Vec<bool>,
    copy: ModelFile,
}

impl<N: Spoken> Memory<N> {
    /// For the model of `file`. Fails when the file holds none.
    pub fn new(file: &ModelFile) -> Result<Self, Error> {
        let model = file.model()?;
        let machine = model.machine::<N>().map_or((0, 0), |machine| (machine.visible(), machine.hidden()));
        let visible = vec![N::OFF; machine.0.max(model.inputs())];
        let hidden = vec![N::OFF; machine.1];
        Ok(Self {
            values: [visible.clone(), visible.clone(), visible, hidden.clone(), vec![N::OFF; model.work_len()]],
            means: [hidden.clone(), hidden],
            scores: vec![N::NOTHING; model.outputs()],
            held: vec![false; machine.0.max(model.inputs())],
            copy: ModelFile::of_bytes(file.bytes()),
        })
    }
}

impl<'m, N: Spoken> Mirror<'m, N> {
    /// Answers with the model of `file`, in `memory` that was made for it.
    pub fn new(file: &'m ModelFile, memory: &'m mut Memory<N>) -> Self {
        let Memory { values: [input, visible, fantasy, hidden, work], means: [of_data, of_model], scores, held, copy } =
            memory;
        let buffers = Buffers {
            input,
            visible,
            held,
            hidden,
            work,
            scores,
            copy: copy.bytes_mut(),
            fantasy,
            means: [of_data, of_model],
        };
        let frame = vec![0; FRAME];
        Self { service: Service::new(buffers), file: file.bytes(), frames: [frame.clone(), frame] }
    }

    /// Is this response, its time apart, the one that the request has? To the bit: NaN too.
    pub fn agrees(&mut self, request: &Request<'_>, response: &Response<'_>) -> bool {
        let Self { service, file, frames: [ours, theirs] } = self;
        let Some(outcome) = service.answer(file, request, &mut || ()) else { return false };
        encode(outcome, ours) == encode(response.outcome.clone(), theirs)
    }
}

/// The frame of an outcome, without its time.
fn encode<'f>(outcome: Result<Answer<'_>, Refusal<'_>>, frame: &'f mut [u8]) -> Option<&'f [u8]> {
    wire::encode_response(0, &Response { ticks: 0, outcome }, frame).ok()
}
