//! Machines of any kinds of units by enumeration, in f64: the truth for [`ebm_core::Units`].
//!
//! Written from the definitions of the energies, not from `ebm-core`: no field, no conditional, no special function. Whatever is asked is a
//! sum of `e^(−βE)` over states, divided by another such sum. Two kinds have no finite set of states:
//!
//! - A Gaussian unit runs over a grid of half its deviation that reaches nine deviations beyond every mean it can have. The trapezoid rule
//!   on it is wrong by `2·e^(−8π²)` and what lies outside by `e^(−40)`, relative to the integral of `e^(−(v−m)²/2σ²)`.
//! - A rectified unit runs over `0 … `[`MOST_COPIES`]; the others weigh under `e^(−200)` for fields of up to 20 nats.
//!
//! Weights are `V × H`, column-major, as in [`crate::exact`].

use crate::exact::total_variation;
use crate::parameters::Parameters;
use ebm_core::{Block, HiddenKind, Units, VisibleKind};

/// Most copies of a rectified unit that are on.
pub const MOST_COPIES: usize = 44;

/// A visible block.
#[derive(Clone, Debug, PartialEq)]
pub enum Visible {
    /// So many units that are 0 or 1.
    Bernoulli(usize),
    /// Real-valued units with these `σ`.
    Gaussian(Vec<f32>),
    /// So many units of which one is 1.
    Group(usize),
    /// A group that is the class.
    Label(usize),
}

impl Visible {
    /// Units in the block.
    pub fn units(&self) -> usize {
        match self {
            Self::Bernoulli(units) | Self::Group(units) | Self::Label(units) => *units,
            Self::Gaussian(sigma) => sigma.len(),
        }
    }
}

/// Blocks and hidden kind as `ebm-core` takes them.
#[derive(Clone, Debug)]
pub struct Layout {
    blocks: Vec<Block>,
    sigma: Vec<f32>,
    hidden: HiddenKind,
}

impl Layout {
    /// The layout of these blocks.
    pub fn new(blocks: &[Visible], hidden: HiddenKind) -> Self {
        let block = |visible: &Visible| {
            let kind = match visible {
                Visible::Bernoulli(_) => VisibleKind::Bernoulli,
                Visible::Gaussian(_) => VisibleKind::Gaussian,
                Visible::Group(_) => VisibleKind::Softmax,
                Visible::Label(_) => VisibleKind::Label,
            };
            Block::new(kind, visible.units() as u32)
        };
        let sigma = blocks.iter().flat_map(|block| if let Visible::Gaussian(sigma) = block { &sigma[..] } else { &[] });
        Self { blocks: blocks.iter().map(block).collect(), sigma: sigma.copied().collect(), hidden }
    }

    /// As `ebm-core` sees it.
    ///
    /// # Panics
    /// When `ebm-core` refuses it.
    pub fn units(&self) -> Units<'_> {
        Units::new(&self.blocks, &self.sigma, self.hidden).expect("a visible layer")
    }
}

/// A machine `E(v, h) = Σ_i U_i(v_i) + Σ_j U_j(h_j) − vᵀWh` with the distribution `p(v, h) ∝ e^(−βE)`.
#[derive(Clone, Debug)]
pub struct Mixed {
    weights: Vec<f64>,
    visible_bias: Vec<f64>,
    hidden_bias: Vec<f64>,
    blocks: Vec<Visible>,
    hidden: HiddenKind,
    /// [`rectified_potential`] of `0 … `[`MOST_COPIES`].
    potentials: Vec<f64>,
    beta: f64,
}

/// Values of both layers, and how much of the sum over states they stand for: 1, or of Gaussian units the grid's step.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// `v`.
    pub visible: Vec<f64>,
    /// `h`.
    pub hidden: Vec<f64>,
    /// `p(v, h)`.
    pub probability: f64,
}

/// `U(h) + b·h` of a rectified unit: `h` copies on, `h²/2 + Σ_{i ≤ h} ln(1 − e^(−i))`.
pub fn rectified_potential(h: usize) -> f64 {
    let copies: f64 = (1..=h).map(|i| (-(-(i as f64)).exp()).ln_1p()).sum();
    (h * h) as f64 / 2.0 + copies
}

/// The same from the copies themselves: `−ln` of the sum, over every choice of `h` of `copies` units with biases `½ − k`, of `e^(Σ biases)`.
pub fn potential_of_copies(h: usize, copies: usize) -> f64 {
    // Elementary symmetric polynomials of e^(½ − k), one copy after another.
    let mut sums = vec![0.0; h + 1];
    sums[0] = 1.0;
    for k in 1..=copies {
        let factor = (0.5 - k as f64).exp();
        for on in (1..=h).rev() {
            sums[on] += factor * sums[on - 1];
        }
    }
    -f64::ln(sums[h])
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + values.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

/// Every combination of one item of each list, the first list running fastest.
fn combinations<T: Clone>(lists: &[Vec<T>]) -> Vec<Vec<T>> {
    lists.iter().fold(vec![Vec::new()], |begun, list| {
        let extended = |item: &T| {
            begun.iter().map(|start| start.iter().cloned().chain([item.clone()]).collect()).collect::<Vec<Vec<T>>>()
        };
        list.iter().flat_map(extended).collect()
    })
}

impl Mixed {
    /// The machine of these parameters and units, at `β = 1`.
    ///
    /// # Panics
    /// When the blocks have another number of units than there are visible biases.
    pub fn new(parameters: &Parameters, blocks: &[Visible], hidden: HiddenKind) -> Self {
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        assert_eq!(blocks.iter().map(Visible::units).sum::<usize>(), parameters.visible_bias.len());
        Self {
            weights: wide(&parameters.weights),
            visible_bias: wide(&parameters.visible_bias),
            hidden_bias: wide(&parameters.hidden_bias),
            blocks: blocks.to_vec(),
            hidden,
            potentials: (0..=MOST_COPIES).map(rectified_potential).collect(),
            beta: 1.0,
        }
    }

    /// The same machine at another inverse temperature.
    pub fn at(self, beta: f64) -> Self {
        Self { beta, ..self }
    }

    /// Every parameter: weights, visible biases, hidden biases.
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        self.weights.iter_mut().chain(&mut self.visible_bias).chain(&mut self.hidden_bias)
    }

    /// `E(v, h)`, in nats.
    pub fn energy(&self, visible: &[f64], hidden: &[f64]) -> f64 {
        let mut energy = 0.0;
        let mut at = 0;
        for block in &self.blocks {
            for unit in 0..block.units() {
                let (v, a) = (visible[at + unit], self.visible_bias[at + unit]);
                energy += match block {
                    Visible::Gaussian(sigma) => (v - a).powi(2) / (2.0 * f64::from(sigma[unit]).powi(2)),
                    _ => -a * v,
                };
            }
            at += block.units();
        }
        for (j, &h) in hidden.iter().enumerate() {
            energy -= self.hidden_bias[j] * h;
            if self.hidden == HiddenKind::Relu {
                energy += self.potentials[h as usize];
            }
            energy -= (0..visible.len()).map(|i| visible[i] * self.weights[i + j * visible.len()] * h).sum::<f64>();
        }
        energy
    }

    /// Every hidden state.
    pub fn hidden_states(&self) -> Vec<Vec<f64>> {
        let values: Vec<f64> = match self.hidden {
            HiddenKind::Bernoulli => vec![0.0, 1.0],
            HiddenKind::Relu => (0..=MOST_COPIES).map(|h| h as f64).collect(),
        };
        combinations(&vec![values; self.hidden_bias.len()])
    }

    /// Every visible state; of Gaussian units those that matter while every `|h_j|` is at most `reach_j`.
    pub fn visible_states(&self, reach: &[f64]) -> Vec<Vec<f64>> {
        self.visible_states_held(reach, &[], &[])
    }

    /// Those of [`Mixed::visible_states`] that have the `known` values where `held`.
    fn visible_states_held(&self, reach: &[f64], known: &[f64], held: &[bool]) -> Vec<Vec<f64>> {
        let is_held = |unit: usize| held.get(unit) == Some(&true);
        // A number that a grid need not hold is all that a held Gaussian unit runs over.
        let values = |unit: usize, sigma: f32| {
            if is_held(unit) { vec![known[unit]] } else { self.grid(unit, sigma.into(), reach) }
        };
        let mut blocks = Vec::new();
        let mut first = 0;
        for block in &self.blocks {
            let units = block.units();
            blocks.push(match block {
                Visible::Bernoulli(_) => combinations(&vec![vec![0.0, 1.0]; units]),
                Visible::Gaussian(sigma) => {
                    combinations(&(0..units).map(|at| values(first + at, sigma[at])).collect::<Vec<_>>())
                }
                Visible::Group(_) | Visible::Label(_) => {
                    let one = |on: usize| (0..units).map(|unit| if unit == on { 1.0 } else { 0.0 }).collect();
                    (0..units).map(one).collect()
                }
            });
            first += units;
        }
        let fits = |state: &Vec<f64>| (0..state.len()).all(|unit| !is_held(unit) || state[unit] == known[unit]);
        combinations(&blocks).into_iter().map(|parts| parts.concat()).filter(fits).collect()
    }

    fn grid(&self, unit: usize, sigma: f64, reach: &[f64]) -> Vec<f64> {
        const DEVIATIONS: f64 = 9.0;
        let visible = self.visible_bias.len();
        let pull: f64 = reach.iter().enumerate().map(|(j, h)| (self.weights[unit + j * visible] * h).abs()).sum();
        let deviation = sigma / self.beta.sqrt();
        let step = deviation / 2.0;
        let steps = ((DEVIATIONS * deviation + sigma * sigma * pull) / step).ceil() as i32;
        (-steps..=steps).map(|n| self.visible_bias[unit] + f64::from(n) * step).collect()
    }

    /// `F(v) = −ln Σ_h e^(−E(v, h))`, in nats, at `β = 1`.
    pub fn free_energy(&self, visible: &[f64]) -> f64 {
        let energies: Vec<f64> = self.hidden_states().iter().map(|hidden| -self.energy(visible, hidden)).collect();
        -log_sum_exp(&energies)
    }

    /// `F(v)` with every rectified unit as the product over its copies: `Π_k (1 + e^(z − k + ½))`.
    pub fn free_energy_by_copies(&self, visible: &[f64]) -> f64 {
        let off = vec![0.0; self.hidden_bias.len()];
        let mut free_energy = self.energy(visible, &off);
        for (j, b) in self.hidden_bias.iter().enumerate() {
            let column = &self.weights[j * visible.len()..][..visible.len()];
            let field: f64 = b + column.iter().zip(visible).map(|(w, v)| w * v).sum::<f64>();
            free_energy -= (1..200).map(|k| (field - f64::from(k) + 0.5).exp().ln_1p()).sum::<f64>();
        }
        free_energy
    }

    /// `−F(x, y)` of every class, by enumeration.
    ///
    /// # Panics
    /// When the last block holds no labels.
    pub fn class_scores(&self, inputs: &[f64]) -> Vec<f64> {
        let Some(Visible::Label(classes)) = self.blocks.last() else { panic!("no labels") };
        let one = |on: usize| (0..*classes).map(move |class| if class == on { 1.0 } else { 0.0 });
        (0..*classes)
            .map(|class| -self.free_energy(&inputs.iter().copied().chain(one(class)).collect::<Vec<_>>()))
            .collect()
    }

    /// `p(y | x)` of every class.
    pub fn class_probs(&self, inputs: &[f64]) -> Vec<f64> {
        let scores = self.class_scores(inputs);
        let all = log_sum_exp(&scores);
        scores.iter().map(|score| (score - all).exp()).collect()
    }

    /// `F(x) = −ln Σ_y e^(−F(x, y))`, in nats.
    pub fn free_energy_of_inputs(&self, inputs: &[f64]) -> f64 {
        -log_sum_exp(&self.class_scores(inputs))
    }

    fn normalised(&self, states: impl Iterator<Item = (Vec<f64>, Vec<f64>)>) -> Vec<State> {
        let states: Vec<_> = states.collect();
        let weights: Vec<f64> = states.iter().map(|(v, h)| -self.beta * self.energy(v, h)).collect();
        let all = log_sum_exp(&weights);
        let state =
            |((visible, hidden), weight): (_, f64)| State { visible, hidden, probability: (weight - all).exp() };
        states.into_iter().zip(weights).map(state).collect()
    }

    /// `p(h | v)` of every hidden state.
    pub fn given_visible(&self, visible: &[f64]) -> Vec<State> {
        self.normalised(self.hidden_states().into_iter().map(|hidden| (visible.to_vec(), hidden)))
    }

    /// `p(v | h)` of every visible state.
    pub fn given_hidden(&self, hidden: &[f64]) -> Vec<State> {
        self.normalised(self.visible_states(hidden).into_iter().map(|visible| (visible, hidden.to_vec())))
    }

    /// `p(v, h | v_held)` of every joint state that has the `known` values where `held`; with nothing held, `p(v, h)`.
    pub fn given_held(&self, known: &[f64], held: &[bool]) -> Vec<State> {
        let hidden = self.hidden_states();
        let reach = hidden.last().map_or(&[][..], Vec::as_slice);
        let visible = self.visible_states_held(reach, known, held);
        self.normalised(hidden.iter().flat_map(|h| visible.iter().map(move |v| (v.clone(), h.clone()))))
    }

    /// Block Gibbs steps, with these units held, after which the hidden layer has forgotten its start: from every hidden state it is within
    /// total variation `distance` of the stationary distribution.
    pub fn steps_to_mix(&self, known: &[f64], held: &[bool], distance: f64) -> usize {
        let hidden = self.hidden_states();
        let row = |from: &Vec<f64>| {
            let visible =
                self.visible_states_held(from, known, held).into_iter().map(|visible| (visible, from.clone()));
            self.normalised(visible).iter().fold(vec![0.0; hidden.len()], |mut to, state| {
                let next = self.given_visible(&state.visible);
                to.iter_mut().zip(next).for_each(|(to, next)| *to += state.probability * next.probability);
                to
            })
        };
        let step: Vec<Vec<f64>> = hidden.iter().map(row).collect();
        let mut after = step.clone();
        let mut steps = 1;
        // Rows that agree with one another agree with their limit.
        while after.iter().any(|row| total_variation(row, &after[0]) > distance / 2.0) {
            let next = |row: &Vec<f64>| {
                (0..row.len()).map(|to| (0..row.len()).map(|at| row[at] * step[at][to]).sum()).collect()
            };
            after = after.iter().map(next).collect();
            steps += 1;
        }
        steps
    }

    /// Means of the hidden units given the visible ones.
    pub fn hidden_means(&self, visible: &[f64]) -> Vec<f64> {
        means(&self.given_visible(visible), |state| &state.hidden)
    }

    /// Means of the visible units given the hidden ones.
    pub fn visible_means(&self, hidden: &[f64]) -> Vec<f64> {
        means(&self.given_hidden(hidden), |state| &state.visible)
    }
}

/// Means of what `layer` picks.
pub fn means(states: &[State], layer: impl Fn(&State) -> &Vec<f64>) -> Vec<f64> {
    let units = states.first().map_or(0, |state| layer(state).len());
    (0..units).map(|unit| states.iter().map(|state| state.probability * layer(state)[unit]).sum()).collect()
}
