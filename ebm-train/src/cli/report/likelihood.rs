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

const TITLE: &str = "Likelihood";
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

/// The curve over the machines that were kept.
pub(super) fn section<B: Backend>(
    backend: &B,
    subject: &Subject<'_>,
    panel: &Panel,
    milestones: &[(usize, Parameters)],
    figures: &mut Vec<Figure>,
) -> Result<Option<Section>, Error> {
    let Some((_, last)) = milestones.last() else { return Ok(None) };
    let only = |words: String| Ok(Some(Section { title: TITLE.to_owned(), words, items: Vec::new() }));
    let samples = &panel.test.inputs;
    if samples.rows() == 0 {
        return only(format!(
            "Every {} sample that was looked at misses a value, so none has a likelihood.",
            panel.part
        ));
    }
    let stack = Stack::new(backend, last)?;
    if stack.labels() > 0 {
        return only("This machine carries labels: `ebm-train eval` finds its likelihood.".to_owned());
    }
    let of = what_it_is_of(stack.kinds(), samples)?;
    let Some(curve) = Curve::over(backend, subject, panel, milestones)? else {
        return only("A machine of this size takes minutes of annealing: `ebm-train eval` does it.".to_owned());
    };
    let title = if of.is_likelihood() {
        figures.push(Figure {
            name: "Log-likelihood".into(),
            value: curve.reached(),
            note: format!("nats a {} sample, machine over the inputs", panel.part),
        });
        format!("Log-likelihood of {} samples", panel.part)
    } else {
        format!("Grey levels of {} samples in place of states", panel.part)
    };
    let words = format!(
        "Mean ln p(v) of {} {} samples under the machine over the inputs, after some epochs; {}. It is of {}.",
        samples.rows(),
        panel.part,
        curve.how(),
        of.words()
    );
    let axes = ["epoch".into(), "mean ln p(v), nats".into()];
    let chart = Chart { title, axes, series: curve.series(), ..Chart::default() };
    Ok(Some(Section { title: TITLE.to_owned(), words, items: vec![Item::Chart(chart)] }))
}

/// Mean log-likelihoods by epoch.
enum Curve {
    /// The partition function is a sum over states.
    Exact(Vec<[f64; 2]>),
    /// It lies between two estimates, most likely.
    Between {
        /// By annealing forwards.
        high: Vec<[f64; 2]>,
        /// Backwards.
        low: Vec<[f64; 2]>,
        temperatures: usize,
    },
}

impl Curve {
    /// `None` where it takes too long.
    fn over<B: Backend>(
        backend: &B,
        subject: &Subject<'_>,
        panel: &Panel,
        milestones: &[(usize, Parameters)],
    ) -> Result<Option<Self>, Error> {
        let seed = subject.plan.seed;
        let (mut exact, mut high, mut low) = (Vec::new(), Vec::new(), Vec::new());
        let mut temperatures = 0;
        for (number, (epoch, parameters)) in milestones.iter().enumerate() {
            let stack = Stack::new(backend, parameters)?;
            let top = stack.top();
            let unnormalised = variational_bound(backend, &stack, 0.0, &panel.test.inputs, seed, 1)?;
            let states = enumerable_states(top.kinds(), top.visible(), top.hidden());
            let is_few = states.is_some_and(|states| states <= MOST_STATES);
            if let Some(log_partition) = is_few.then(|| log_partition_exact(backend, top)).flatten() {
                exact.push([*epoch as f64, unnormalised - log_partition]);
                continue;
            }
            let settings = Annealing { seed, layer: 0, chains: CHAINS, temperatures: TEMPERATURES };
            let of = |burn_in| annealing::cost(settings, burn_in, top.visible(), top.hidden());
            let cost = (of(0) + of(BURN_IN)).max(1);
            let affordable = |budget: u64, machines: usize| TEMPERATURES as u64 * budget / (cost * machines as u64);
            if affordable(LARGEST_BUDGET, 1) < FEWEST_TEMPERATURES {
                return Ok(None);
            }
            // Of a large machine, only what it came to.
            let all = affordable(BUDGET, milestones.len());
            if all < FEWEST_TEMPERATURES && number + 1 < milestones.len() {
                continue;
            }
            temperatures = all.clamp(FEWEST_TEMPERATURES, TEMPERATURES as u64) as usize;
            let settings = Annealing { temperatures, ..settings };
            let [forward, reverse] =
                annealed_both_ways(backend, &stack, &panel.train.inputs, settings, BURN_IN, &mut Silent)?;
            high.push([*epoch as f64, unnormalised - forward.log_partition()]);
            low.push([*epoch as f64, unnormalised - reverse.log_partition()]);
        }
        Ok(Some(if exact.is_empty() { Self::Between { high, low, temperatures } } else { Self::Exact(exact) }))
    }

    /// What the last machine came to.
    fn reached(&self) -> String {
        let last = |points: &[[f64; 2]]| points.last().map_or(f64::NAN, |at| at[1]);
        match self {
            Self::Exact(points) => format!("{:.2}", last(points)),
            Self::Between { high, low, .. } => {
                let (high, low) = (last(high), last(low));
                format!("{:.2} … {:.2}", low.min(high), high.max(low))
            }
        }
    }

    fn how(&self) -> String {
        match self {
            Self::Exact(_) => "the partition function is summed over all states of a layer".to_owned(),
            Self::Between { temperatures, .. } => format!(
                "the partition function lies between annealing forwards (which tends to make the likelihood too high) and backwards (too low): {CHAINS} \
                 chains, {temperatures} temperatures, {BURN_IN} Gibbs steps from data ahead of the second. Lines that touch say that it is known; lines \
                 far apart or crossed, that it is not: more temperatures (`eval --temperatures`) bring them together"
            ),
        }
    }

    fn series(self) -> Vec<Series> {
        match self {
            Self::Exact(points) => vec![Series::line("exact", 0, points)],
            Self::Between { high, low, .. } => {
                let band = Mark::Band(low.iter().map(|at| at[1]).collect());
                let area = Series { name: String::new(), mark: band, points: high.clone(), colour: 5 };
                vec![area, Series::line("AIS", 0, high), Series::line("reverse AIS", 1, low)]
            }
        }
    }
}
