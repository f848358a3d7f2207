//! [`learn`]: a device adapts to what it is shown, one sample at a time, and is measured before and after.

use super::client::{Client, unexpected};
use super::inputs::Inputs;
use super::mirror::Mirror;
use crate::Error;
use crate::eval::novelty::auc;
use ebm_core::service::Spoken;
use ebm_core::wire::{Answer, Energy, Learning, Request, Score};
use ebm_core::{Integer, Numbers};

/// How often and how a device learns from its samples.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Times that all samples are shown.
    pub passes: u32,
    /// Of every step; its number counts up from this one's.
    pub learning: Learning,
}

/// What a device makes of two sets of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Novelty {
    /// Mean free energy of the usual samples, in nats.
    pub free_energy_mean_nats: f64,
    /// Share of the usual samples that lie above the model's threshold.
    pub novel_share: Option<f64>,
    /// Area under the curve that tells the novel samples from the usual ones; `None` without novel ones.
    pub auc: Option<f64>,
}

/// What came of learning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Learnt {
    /// Before, and after.
    pub novelty: [Novelty; 2],
    /// Steps of learning.
    pub updates: u32,
    /// Answers that were compared with the host's, which learns the same.
    pub answers: usize,
    /// Answers that are not the host's, to the bit.
    pub disagreements: usize,
}

/// Measures `usual`, and how `novel` is told from it; learns from `lesson`; measures again. `advanced` is called after every answer with their number.
///
/// Fails when the device does not answer, or refuses: a model in integers does not learn.
pub fn learn<N: Spoken>(
    client: &mut Client,
    mirror: &mut Mirror<'_, N>,
    lesson: &Inputs,
    (usual, novel): (&Inputs, Option<&Inputs>),
    course: Course,
    mut advanced: impl FnMut(usize),
) -> Result<Learnt, Error> {
    let mut learnt = Learnt::default();
    learnt.novelty[0] = measure(client, mirror, (usual, novel), &mut learnt, &mut advanced)?;
    for _ in 0..course.passes {
        for input in lesson.iter() {
            let step = course.learning.step.wrapping_add(learnt.updates);
            let request = Request::Learn { input, learning: Learning { step, ..course.learning } };
            let outcome = client.ask_once(&request, |response| {
                learnt.answers += 1;
                learnt.disagreements += usize::from(!mirror.agrees(&request, response));
                match &response.outcome {
                    Ok(Answer::Learned { .. }) => Ok(()),
                    other => Err(unexpected(other)),
                }
            })?;
            outcome.map_err(|unexpected| client.failed(unexpected))?;
            learnt.updates += 1;
            advanced(learnt.answers);
        }
    }
    learnt.novelty[1] = measure(client, mirror, (usual, novel), &mut learnt, &mut advanced)?;
    Ok(learnt)
}

fn measure<N: Spoken>(
    client: &mut Client,
    mirror: &mut Mirror<'_, N>,
    (usual, novel): (&Inputs, Option<&Inputs>),
    learnt: &mut Learnt,
    advanced: &mut impl FnMut(usize),
) -> Result<Novelty, Error> {
    let (mut above, mut has_threshold) = (0, false);
    let mut energies = |inputs: &Inputs| -> Result<Vec<f64>, Error> {
        let mut energies = Vec::new();
        (above, has_threshold) = (0, false);
        for input in inputs.iter() {
            let request = Request::FreeEnergy { input };
            let outcome = client.ask(&request, |response| {
                learnt.answers += 1;
                learnt.disagreements += usize::from(!mirror.agrees(&request, response));
                match &response.outcome {
                    Ok(Answer::FreeEnergy(energy)) => Ok(*energy),
                    other => Err(unexpected(other)),
                }
            })?;
            let Energy { free_energy, novelty } = outcome.map_err(|unexpected| client.failed(unexpected))?;
            energies.push(nats(free_energy));
            has_threshold |= novelty.is_some();
            above += usize::from(novelty.is_some_and(|novelty| novelty.is_novel));
            advanced(learnt.answers);
        }
        Ok(energies)
    };
    let of_novel = novel.map(&mut energies).transpose()?;
    let of_usual = energies(usual)?;
    let count = of_usual.len().max(1) as f64;
    Ok(Novelty {
        free_energy_mean_nats: of_usual.iter().sum::<f64>() / count,
        novel_share: has_threshold.then_some(above as f64 / count),
        auc: of_novel.and_then(|of_novel| auc(&of_usual, &of_novel)),
    })
}

fn nats(score: Score) -> f64 {
    match score {
        Score::F32(nats) => nats.into(),
        Score::Integer(score) => Integer::nats(score).into(),
    }
}
