//! `toy`: a machine of three visible and two hidden units, small enough to write all its 32 states down before and after it has learnt six rows.

use super::{Bar, Context, Data, Experiment, Figure, Outcome};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Samples};
use crate::parameters::RbmParameters;
use crate::train::rbm::settings::VisibleBias;
use crate::train::rbm::{self, RbmSettings, Run, Shape};
use crate::train::source::Source;
use serde::Serialize;
use std::fmt::Write;

const VISIBLE: usize = 3;
const HIDDEN: usize = 2;
const STATES: usize = 1 << (VISIBLE + HIDDEN);
/// What is learnt: two known states, one of them twice as often.
const ROWS: [[f32; VISIBLE]; 6] = [[1., 0., 1.], [0., 1., 0.], [1., 0., 1.], [1., 0., 1.], [0., 1., 0.], [1., 0., 1.]];
/// The known states, as bits.
const KNOWN: [usize; 2] = [0b101, 0b010];

/// The joint distribution, written down.
struct Table {
    /// `−E(v, h)` in nats of every joint state; its index is `v_0 v_1 v_2 h_0 h_1` in bits, the first the highest.
    scores: [f64; STATES],
    probabilities: [f64; STATES],
}

impl Table {
    /// In f64 from the definition: f32 sums would be off in the last digits that are shown.
    fn new(rbm: &RbmParameters) -> Self {
        let scores = std::array::from_fn(|state| {
            let bit = |place: usize| (state >> (VISIBLE + HIDDEN - 1 - place) & 1) as f64;
            let of_visible = (0..VISIBLE).map(|i| f64::from(rbm.visible_bias[i]) * bit(i));
            let of_hidden = (0..HIDDEN).map(|j| f64::from(rbm.hidden_bias[j]) * bit(VISIBLE + j));
            let pairs = (0..HIDDEN).flat_map(|j| (0..VISIBLE).map(move |i| (i, j)));
            let of_pairs = pairs.map(|(i, j)| f64::from(rbm.weights[j * VISIBLE + i]) * bit(i) * bit(VISIBLE + j));
            of_visible.chain(of_hidden).chain(of_pairs).sum()
        });
        let partition: f64 = scores.iter().map(|score: &f64| score.exp()).sum();
        Self { scores, probabilities: scores.map(|score| score.exp() / partition) }
    }

    /// `p(v) = Σ_h p(v, h)`.
    fn visible(&self, visible: usize) -> f64 {
        self.probabilities[visible << HIDDEN..][..1 << HIDDEN].iter().sum()
    }

    fn known(&self) -> f64 {
        KNOWN.into_iter().map(|state| self.visible(state)).sum()
    }

    /// Mean of `ln p(v)` over the rows.
    fn log_likelihood(&self) -> f64 {
        let index = |row: &[f32; VISIBLE]| row.iter().fold(0, |index, &v| index << 1 | usize::from(v > 0.5));
        ROWS.iter().map(|row| self.visible(index(row)).ln()).sum::<f64>() / ROWS.len() as f64
    }
}

/// Learns slowly enough to climb, long enough to know its rows.
fn settings() -> RbmSettings {
    RbmSettings {
        epochs: 2000,
        batch_size: ROWS.len(),
        learning_rate: 0.1,
        initial_momentum: 0.0,
        momentum: 0.0,
        weight_decay: 0.0,
        centered: false,
        weight_deviation: 0.5,
        visible_bias: VisibleBias::Zero,
        ..RbmSettings::default()
    }
}

pub(super) fn experiment<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "toy",
        about: "all 32 states of a machine of 3 × 2 units before and after it has learnt six rows by CD-1",
        source: "no figure; the known states must hold most of the probability",
        data: Data::Own,
        work: |_| settings().cost(VISIBLE, HIDDEN, ROWS.len(), [ROWS.len()]),
        run,
    }
}

fn run<B: Backend>(context: &mut Context<'_, B>) -> Result<Outcome, Error> {
    let rows: Samples = Batch { values: ROWS.concat(), visible: VISIBLE }.into();
    let mut source = Source::new(context.backend, &rows, &[], None)?;
    let start = rbm::start(context.backend, &settings(), (context.seed, 0), &Shape::bernoulli(HIDDEN), &mut source)?;
    let mut run =
        Run { stage: "toy".into(), seed: context.seed, layer: 0, train: &mut source, validation: None, test: None };
    let trained = rbm::train(context.backend, &settings(), &mut run, &start, context.monitor)?;
    let (before, after) = (Table::new(&start), Table::new(&trained.parameters(context.backend)));

    let rose = KNOWN.into_iter().filter(|&state| after.visible(state) > before.visible(state)).count();
    let figures = vec![
        Figure::told("probability of the known states before", "", before.known()),
        Figure::told("probability of the known states after", "", after.known()).bar(Bar::AtLeast(KNOWN_BAR)),
        Figure::told("known states that have risen", "of 2", rose as f64).bar(Bar::AtLeast(KNOWN.len() as f64)),
        Figure::told("log-likelihood before", "nats", before.log_likelihood()),
        Figure::told("log-likelihood after", "nats", after.log_likelihood()).bar(Bar::AtLeast(before.log_likelihood())),
    ];
    let states = (0..STATES).map(|index| State::new(index, &before, &after)).collect();
    Ok(Outcome { figures, text: text(&before, &after), states, ..Outcome::default() })
}

/// The known states should hold most of the probability in the end: uniformly they have a quarter.
const KNOWN_BAR: f64 = 0.75;

/// One joint state before and after.
#[derive(Debug, Serialize)]
pub struct State {
    visible: String,
    hidden: String,
    before: Row,
    after: Row,
}

#[derive(Debug, Serialize)]
struct Row {
    score: f64,
    exp_score: f64,
    probability: f64,
}

impl State {
    fn new(index: usize, before: &Table, after: &Table) -> Self {
        let row = |table: &Table| Row {
            score: table.scores[index],
            exp_score: table.scores[index].exp(),
            probability: table.probabilities[index],
        };
        let bits = format!("{index:0width$b}", width = VISIBLE + HIDDEN);
        let (visible, hidden) = bits.split_at(VISIBLE);
        Self { visible: visible.to_owned(), hidden: hidden.to_owned(), before: row(before), after: row(after) }
    }
}

fn text(before: &Table, after: &Table) -> String {
    let mut text = String::from("Score −E(v, h), exp(score) and probability of every state, before and after\n");
    text += "   v   h       score  exp(score)  probability |       score  exp(score)  probability\n";
    for index in 0..STATES {
        let State { visible, hidden, before, after } = State::new(index, before, after);
        let cells =
            |Row { score, exp_score, probability }: Row| format!("{score:>11.6} {exp_score:>11.6} {probability:>12.8}");
        let known = if KNOWN.contains(&(index >> HIDDEN)) { "  known" } else { "" };
        let _ = writeln!(text, " {visible}  {hidden} {} | {}{known}", cells(before), cells(after));
    }
    for state in KNOWN {
        let _ = writeln!(text, " p(v = {state:03b}) {:.8} → {:.8}", before.visible(state), after.visible(state));
    }
    text
}
