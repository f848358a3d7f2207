//! [`check`]: every sample answered by the device and by the host.

use super::client::{Client, unexpected};
use super::inputs::Inputs;
use super::mirror::Mirror;
use crate::Error;
use ebm_core::service::Spoken;
use ebm_core::wire::{Answer, Energy, Request, Response};

/// What came of a data set on a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Samples that were shown.
    pub samples: usize,
    /// Of them, classified rightly; of no meaning without labels or classes.
    pub correct: usize,
    /// Of them, novel.
    pub novel: usize,
    /// Answers that were compared.
    pub answers: usize,
    /// Answers that are not the host's, to the bit.
    pub disagreements: usize,
    /// The first of these: which sample, which request.
    pub first: Option<(usize, &'static str)>,
    /// Ticks of every inference; none without classes.
    pub inference: Latency,
    /// Ticks of every free energy; none without a machine.
    pub free_energy: Latency,
}

/// How long answers took, in ticks of the device's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency(Vec<u32>);

impl Latency {
    /// Takes one more.
    pub fn add(&mut self, ticks: u32) {
        self.0.push(ticks);
    }

    /// The mean; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self.0.iter().copied().map(f64::from).sum();
        (!self.0.is_empty()).then(|| sum / self.0.len() as f64)
    }

    /// The least that a `share` of them, from 0 to 1, does not exceed; `None` without any.
    pub fn quantile(&self, share: f64) -> Option<u32> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get((share * last as f64).round() as usize).copied()
    }
}

/// Shows the device every sample, and the same to `mirror`; `shown` is called after each with their number. Asks for a class where the model has `classes`, for a free
/// energy where it `has_machine`.
///
/// Fails when the device does not answer, or refuses; that answers differ is no error, but counted.
pub fn check<N: Spoken>(
    client: &mut Client,
    mirror: &mut Mirror<'_, N>,
    inputs: &Inputs,
    (has_classes, has_machine): (bool, bool),
    mut shown: impl FnMut(usize),
) -> Result<Checked, Error> {
    let mut checked = Checked::default();
    for (index, input) in inputs.iter().enumerate() {
        if has_classes {
            let request = Request::Infer { input, free_energy: false };
            let class = client.ask(&request, |response| {
                checked.compare(mirror, &request, response, (index, "class"));
                checked.inference.add(response.ticks);
                match &response.outcome {
                    Ok(Answer::Inferred { class, .. }) => Ok(*class),
                    other => Err(unexpected(other)),
                }
            })?;
            let class = class.map_err(|unexpected| client.failed(unexpected))?;
            checked.correct += usize::from(inputs.labels.get(index).is_some_and(|&label| u32::from(label) == class));
        }
        if has_machine {
            let request = Request::FreeEnergy { input };
            let energy = client.ask(&request, |response| {
                checked.compare(mirror, &request, response, (index, "free energy"));
                checked.free_energy.add(response.ticks);
                match &response.outcome {
                    Ok(Answer::FreeEnergy(energy)) => Ok(*energy),
                    other => Err(unexpected(other)),
                }
            })?;
            let Energy { novelty, .. } = energy.map_err(|unexpected| client.failed(unexpected))?;
            checked.novel += usize::from(novelty.is_some_and(|novelty| novelty.is_novel));
        }
        checked.samples += 1;
        shown(checked.samples);
    }
    Ok(checked)
}

impl Checked {
    fn compare<N: Spoken>(
        &mut self,
        mirror: &mut Mirror<'_, N>,
        request: &Request<'_>,
        response: &Response<'_>,
        place: (usize, &'static str),
    ) {
        self.answers += 1;
        if !mirror.agrees(request, response) {
            self.disagreements += 1;
            self.first.get_or_insert(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let latency = Latency((1..=101).rev().collect());
        assert_eq!([0.0, 0.5, 0.9, 1.0].map(|share| latency.quantile(share)), [1, 51, 91, 101].map(Some));
        assert_eq!(latency.mean(), Some(51.0));
        assert_eq!((Latency::default().quantile(0.5), Latency::default().mean()), (None, None));
    }
}
