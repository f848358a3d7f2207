//! How probable the data are under the machine as it learns: exactly, or as an interval.

use super::Subject;
use super::panel::Panel;
use crate::Error;
use crate::backend::Backend;
use crate::eval::annealing::{self, Annealing};
use crate::eval::bound::variational_bound;
use crate::eval::likelihood::{annealed_both_ways, what_it_is_of};
use crate::eval::partition::{enumerable_states, log_partition_exact};
use crate::generate::Stack;
use crate::parameters::Parameters;
use crate::report::html::{Chart, Figure, Item, Mark, Section, Series};
use crate::train::Silent;

/// Chains of an annealing, and temperatures at most and at least.
const CHAINS: usize = 100;
const TEMPERATURES: usize = 1_000;
const FEWEST_TEMPERATURES: u64 = 250;
/// Gibbs steps ahead of the annealing that goes backwards.
const BURN_IN: usize = 100;
/// Multiply-adds that all annealings together may take, a second or so on two cores, and that one may where so few do not do for one.
const BUDGET: u64 = 15_000_000_000;
const LARGEST_BUDGET: u64 = 150_000_000_000;
/// Most states that are summed.
const MOST_STATES: u64 = 1 << 16;

/// The curve over the machines that were kept; a machine with labels has its interval from `eval`.
pub(super) fn section<B: Backend>(
    backend: &B,
    subject: &Subject<'_>,
    panel: &Panel,
    milestones: &[(usize, Parameters)],
    figures: &mut Vec<Figure>,
) -> Result<Option<Section>, Error> {
    let (mut exact, mut high, mut low) = (Vec::new(), Vec::new(), Vec::new());
    let mut temperatures = 0;
    for (number, (epoch, parameters)) in milestones.iter().enumerate() {
        let stack = Stack::new(backend, parameters)?;
        let top = stack.top();
        if stack.labels() > 0 {
            return Ok(None);
        }
        let unnormalised = variational_bound(backend, &stack, 0.0, &panel.test.inputs, subject.plan.seed, 1)?;
        let states =
            enumerable_states(top.kinds(), top.visible(), top.hidden()).filter(|&states| states <= MOST_STATES);
        if let Some(log_partition) = states.and_then(|_| log_partition_exact(backend, top)) {
            exact.push([*epoch as f64, unnormalised - log_partition]);
            continue;
        }
        let settings = Annealing { seed: subject.plan.seed, layer: 0, chains: CHAINS, temperatures: TEMPERATURES };
        let of = |burn_in| annealing::cost(settings, burn_in, top.visible(), top.hidden());
        let cost = (of(0) + of(BURN_IN)).max(1);
        let affordable = |budget: u64, machines: usize| TEMPERATURES as u64 * budget / (cost * machines as u64);
        let fewest = FEWEST_TEMPERATURES;
        if affordable(LARGEST_BUDGET, 1) < fewest {
            return Ok(Some(Section {
                title: TITLE.to_owned(),
                words: "A machine of this size takes minutes of annealing: `ebm-train eval` does it.".to_owned(),
                items: Vec::new(),
            }));
        }
        // Of a large machine, only what it came to.
        let all = affordable(BUDGET, milestones.len());
        if all < fewest && number + 1 < milestones.len() {
            continue;
        }
        temperatures = all.max(fewest).min(TEMPERATURES as u64) as usize;
        let settings = Annealing { temperatures, ..settings };
        let [forward, reverse] =
            annealed_both_ways(backend, &stack, &panel.train.inputs, settings, BURN_IN, &mut Silent)?;
        high.push([*epoch as f64, unnormalised - forward.log_partition()]);
        low.push([*epoch as f64, unnormalised - reverse.log_partition()]);
    }
    let Some((_, last)) = milestones.last() else { return Ok(None) };
    let samples = &panel.test.inputs;
    let of = what_it_is_of(Stack::new(backend, last)?.kinds(), samples)?;
    let (series, how) = if exact.is_empty() {
        let band = Mark::Band(low.iter().map(|at| at[1]).collect());
        let area = Series { name: String::new(), mark: band, points: high.clone(), colour: 5 };
        let how = format!(
            "the partition function lies between annealing forwards (which tends to make the likelihood too high) and backwards (too low): {CHAINS} chains, {temperatures} \
             temperatures, {BURN_IN} Gibbs steps from data ahead of the second. Lines that touch say that it is known; lines far apart or crossed, that it is not: more temperatures (`eval --temperatures`) bring them together"
        );
        (vec![area, Series::line("AIS", 0, high.clone()), Series::line("reverse AIS", 1, low.clone())], how)
    } else {
        (
            vec![Series::line("exact", 0, exact.clone())],
            "the partition function is summed over all states of a layer".to_owned(),
        )
    };
    let value = match (exact.last(), high.last().zip(low.last())) {
        (Some(exact), _) => format!("{:.2}", exact[1]),
        (None, Some((high, low))) => format!("{:.2} … {:.2}", low[1].min(high[1]), high[1].max(low[1])),
        (None, None) => return Ok(None),
    };
    let note = "nats a test sample, machine over the inputs; what it is of stands below";
    figures.push(Figure { name: "Log-likelihood".into(), value, note: note.into() });
    let chart = Chart {
        title: "Log-likelihood of test samples".into(),
        axes: ["epoch".into(), "mean ln p(v), nats".into()],
        series,
        ..Chart::default()
    };
    let words = format!(
        "Mean ln p(v) of {} {} samples under the machine over the inputs, after some epochs; {how}. It is of {of}.",
        samples.rows(),
        panel.part
    );
    Ok(Some(Section { title: TITLE.to_owned(), words, items: vec![Item::Chart(chart)] }))
}

const TITLE: &str = "Likelihood";
