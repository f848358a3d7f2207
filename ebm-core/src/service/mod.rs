//! What a device answers to a host's requests about its model: [`Service`], whatever board and line are around it.
//!
//! The host computes what a device has to answer by the same lines, so that a comparison of both is one of their arithmetic.
//!
//! ```
//! use ebm_core::service::{Memory, Service};
//! use ebm_core::wire::{Answer, Request, Values};
//! use ebm_core::{Integer, ModelError};
//!
//! ebm_core::embed_model!(mod tiny = "../../../tests/fixtures/v1-tiny-int8.ebm", 3 => 2);
//!
//! let mut memory = Memory::<Integer, { tiny::VISIBLE }, { tiny::HIDDEN }, { tiny::WORK }, { tiny::OUTPUTS }, 0, 0>::ZERO;
//! let mut service = Service::new(memory.as_mut());
//! let request = Request::Infer { input: Values::Levels(&[16, 0, 16]), free_energy: true };
//! let answer = service.answer(&tiny::FILE.0, &request, &mut || ()).ok_or("not about the model")?;
//! assert!(matches!(answer, Ok(Answer::Inferred { class: 0, .. })));
//! # Ok::<(), &str>(())
//! ```
//!
//! | request | where |
//! |---|---|
//! | `Infer`, `FreeEnergy` | here |
//! | `Sample`, `Inpaint` | `sampling` |
//! | `Learn` | `learning`: in f32, in a copy of the file in RAM |
//! | `ReadModel`, and what `Hello` says of the model | here |
//! | `Hello`, `BeginModel`, `WriteModel`, `CommitModel` | who has the device's name and its flash |

mod input;
mod learning;
mod memory;
mod pulse;
mod sampling;
mod spoken;

pub use memory::{Buffers, Memory};
pub use spoken::Spoken;

use crate::format::crc32;
use crate::machine::Machine;
use crate::model::Model;
use crate::wire::{Answer, Energy, ModelInfo, Novelty, Refusal, Request, Shape};
use learning::Adapted;

/// Answers requests about one model at a time, in buffers of the caller's.
#[derive(Debug)]
pub struct Service<'b, N: Spoken> {
    buffers: Buffers<'b, N>,
    adapted: Adapted,
    /// Visible units of the chain that the last `Sample` left; 0: there is none.
    chain: usize,
    /// Most bytes of the model's file in an answer.
    piece: usize,
}

impl<'b, N: Spoken> Service<'b, N> {
    /// Works in `buffers`. Answers with pieces of the model's file as long as are asked for.
    pub const fn new(buffers: Buffers<'b, N>) -> Self {
        Self { buffers, adapted: Adapted::NOTHING, chain: 0, piece: usize::MAX }
    }

    /// The same, with no more than `piece` bytes of the model's file in an answer.
    pub const fn with_pieces_of(self, piece: usize) -> Self {
        Self { piece, ..self }
    }

    /// Forgets what was learnt, and the chain: another model is in place.
    pub const fn forget(&mut self) {
        self.adapted = Adapted::NOTHING;
        self.chain = 0;
    }

    /// Answers what is about the model; `None` where the request is about the device. Or refuses, and then nothing has changed but the chain's
    /// state, and after [`Refusal::Diverged`] what was learnt.
    ///
    /// `file` is one that [`Model::parse`] has passed, the same until [`Service::forget`]. `alive` is called again and again while the answer takes
    /// long: after each 256 draws.
    pub fn answer<'s>(
        &'s mut self,
        file: &'s [u8],
        request: &Request<'_>,
        alive: &mut dyn FnMut(),
    ) -> Option<Result<Answer<'s>, Refusal<'static>>> {
        Some(match *request {
            Request::Infer { input, free_energy } => self.infer(file, &input, free_energy),
            Request::FreeEnergy { input } => self.free_energy(file, &input),
            Request::Sample { start, steps, beta, seed, want } => {
                self.sample(file, &start, sampling::Run::new(steps, beta, seed, want), alive)
            }
            Request::Inpaint { input, known, steps, beta, seed, want } => {
                self.inpaint(file, &input, known, sampling::Run::new(steps, beta, seed, want), alive)
            }
            Request::Learn { input, learning } => self.learn(file, &input, learning, alive),
            Request::ReadModel { offset, len } => self.read_model(file, offset, len),
            Request::Hello | Request::BeginModel { .. } | Request::WriteModel { .. } | Request::CommitModel => {
                return None;
            }
        })
    }

    /// What `Hello` says of the model; `crc` is that of `file`.
    pub fn describe<'s>(&'s mut self, file: &'s [u8], crc: u32) -> Result<ModelInfo<'s>, Refusal<'static>> {
        let is_adapted = self.adapted.seal(self.buffers.copy)?;
        let file = self.adapted.or(self.buffers.copy, file);
        let model = Model::parsed::<N>(file)?;
        let header = model.header();
        let mut layers = heapless::Vec::new();
        for layer in model.layer_headers() {
            // There is room: the header's own list has no more.
            let _ = layers.push(Shape { visible: layer.visible, hidden: layer.hidden });
        }
        Ok(ModelInfo {
            len: file.len() as u32,
            crc: if is_adapted { crc32(file) } else { crc },
            arithmetic: N::ARITHMETIC,
            inputs: model.inputs() as u32,
            classes: model.classes() as u32,
            layers,
            threshold: model.novelty_threshold().map(|novelty| novelty.threshold),
            labels: header.labels,
        })
    }

    /// Fails, naming both lengths, unless the buffers hold what `model` needs, which [`Model::parse_as`] has read as one of `N`'s; then
    /// [`Service::answer`] can answer with it.
    pub fn check_fits(&self, model: &Model<'_>) -> Result<(), Refusal<'static>> {
        let machine = model.machine::<N>().map_or((model.inputs(), 0), |machine| (machine.visible(), machine.hidden()));
        let Buffers { visible, hidden, work, scores, .. } = &self.buffers;
        for (what, limit, found) in [
            ("visible units", visible.len(), machine.0.max(model.inputs())),
            ("hidden units", hidden.len(), machine.1),
            ("values to work in", work.len(), model.work_len()),
            ("classes", scores.len(), model.classes()),
        ] {
            if found > limit {
                return Err(Refusal::TooLarge { what, limit: limit as u32, found: found as u32 });
            }
        }
        Ok(())
    }

    fn infer<'s>(
        &'s mut self,
        file: &'s [u8],
        input: &crate::wire::Values<'_>,
        with_energy: bool,
    ) -> Result<Answer<'s>, Refusal<'static>> {
        let Buffers { input: buffer, work, scores, copy, .. } = &mut self.buffers;
        let model = Model::parsed::<N>(self.adapted.or(copy, file))?;
        let scores = memory::first(scores, model.classes(), "classes")?;
        let values = input::fill::<N>(&model, input, model.inputs(), buffer)?;
        let class = model.classify::<N>(values, work, scores)? as u32;
        let energy = if with_energy { Some(energy::<N>(&model, values)?) } else { None };
        Ok(Answer::Inferred { class, scores: N::scores(scores), energy })
    }

    fn free_energy(
        &mut self,
        file: &[u8],
        input: &crate::wire::Values<'_>,
    ) -> Result<Answer<'static>, Refusal<'static>> {
        let Buffers { input: buffer, copy, .. } = &mut self.buffers;
        let model = Model::parsed::<N>(self.adapted.or(copy, file))?;
        let values = input::fill::<N>(&model, input, model.inputs(), buffer)?;
        Ok(Answer::FreeEnergy(energy::<N>(&model, values)?))
    }

    fn read_model<'s>(&'s mut self, file: &'s [u8], offset: u32, len: u32) -> Result<Answer<'s>, Refusal<'static>> {
        self.adapted.seal(self.buffers.copy)?;
        let file = self.adapted.or(self.buffers.copy, file);
        let rest = file.get(offset as usize..).unwrap_or_default();
        let piece = rest.get(..self.piece.min(len as usize)).unwrap_or(rest);
        Ok(Answer::ModelBytes { offset, bytes: piece })
    }
}

/// Free energy, and what it means.
fn energy<N: Spoken>(model: &Model<'_>, input: &[N::Value]) -> Result<Energy, Refusal<'static>> {
    let free_energy = model.free_energy::<N>(input)?;
    let threshold = model.novelty_threshold().map(|novelty| novelty.threshold);
    let novelty = threshold.map(|threshold| Novelty {
        is_novel: N::exceeds(free_energy, threshold),
        margin: N::score(N::margin(free_energy, threshold)),
    });
    Ok(Energy { free_energy: N::score(free_energy), novelty })
}
