//! The Bernoulli–Bernoulli machine by enumeration of its `2^(V+H)` states, in f64.
//!
//! Written from the definitions, not from `ebm-core`: no field, no softplus, no sigmoid. A probability is a sum of
//! `e^(−E)` over states, divided by another such sum. Slow and readable; for machines of at most [`MAX_UNITS`] units.
//!
//! State number `s` of `n` units has unit `i` on when bit `i` of `s` is set. Joint state `(v, h)` has the number
//! `v | h << V`. Weights are `V × H`, column-major: `W_ij` lies at `i + j·V`.

/// Most units (visible and hidden together) of a machine that is enumerated.
pub const MAX_UNITS: usize = 20;

/// A machine `E(v, h) = −a·v − b·h − vᵀWh`.
#[derive(Clone, Debug)]
pub struct Exact {
    weights: Vec<f64>,
    visible_bias: Vec<f64>,
    hidden_bias: Vec<f64>,
}

/// A direction in the space of parameters, laid out as the parameters are.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// `∂/∂W_ij` at `i + j·V`.
    pub weights: Vec<f64>,
    /// `∂/∂a_i`.
    pub visible_bias: Vec<f64>,
    /// `∂/∂b_j`.
    pub hidden_bias: Vec<f64>,
}

impl Gradient {
    /// Every component, weights first, then visible and hidden biases.
    pub fn components(&self) -> impl Iterator<Item = f64> {
        self.weights.iter().chain(&self.visible_bias).chain(&self.hidden_bias).copied()
    }
}

/// The values, 0 or 1, of `units` units in state number `state`.
pub fn state(state: usize, units: usize) -> Vec<f64> {
    (0..units).map(|unit| if state >> unit & 1 == 1 { 1.0 } else { 0.0 }).collect()
}

/// `ln Σ e^x`, without overflow.
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + values.map(|x| (x - largest).exp()).sum::<f64>().ln()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Half of the sum of absolute differences: the largest difference in the probability of any event.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}

impl Exact {
    /// `V = visible_bias.len()`, `H = hidden_bias.len()`; `weights` is `V × H`, column-major.
    ///
    /// # Panics
    /// When the lengths do not agree or there are more than [`MAX_UNITS`] units.
    pub fn new(weights: Vec<f64>, visible_bias: Vec<f64>, hidden_bias: Vec<f64>) -> Self {
        assert_eq!(weights.len(), visible_bias.len() * hidden_bias.len(), "weights are V × H");
        assert!(visible_bias.len() + hidden_bias.len() <= MAX_UNITS, "too many states to enumerate");
        Self { weights, visible_bias, hidden_bias }
    }

    /// The machine with these f32 parameters.
    pub fn from_f32(weights: &[f32], visible_bias: &[f32], hidden_bias: &[f32]) -> Self {
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
        Self::new(wide(weights), wide(visible_bias), wide(hidden_bias))
    }

    /// `V`.
    pub fn visible(&self) -> usize {
        self.visible_bias.len()
    }

    /// `H`.
    pub fn hidden(&self) -> usize {
        self.hidden_bias.len()
    }

    /// Every parameter in the order of [`Gradient::components`], to be changed.
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        self.weights.iter_mut().chain(&mut self.visible_bias).chain(&mut self.hidden_bias)
    }

    /// Every visible state.
    pub fn visible_states(&self) -> impl Iterator<Item = Vec<f64>> + Clone + use<> {
        let units = self.visible();
        (0..1 << units).map(move |number| state(number, units))
    }

    /// Every hidden state.
    pub fn hidden_states(&self) -> impl Iterator<Item = Vec<f64>> + Clone + use<> {
        let units = self.hidden();
        (0..1 << units).map(move |number| state(number, units))
    }

    /// `E(v, h) = −a·v − b·h − vᵀWh`, in nats. `v` and `h` need not be binary.
    pub fn energy(&self, visible: &[f64], hidden: &[f64]) -> f64 {
        let interaction: f64 = (0..self.hidden())
            .map(|j| hidden[j] * dot(&self.weights[j * self.visible()..][..self.visible()], visible))
            .sum();
        -dot(&self.visible_bias, visible) - dot(&self.hidden_bias, hidden) - interaction
    }

    /// `F(v) = −ln Σ_h e^(−E(v, h))`, in nats, summed over all hidden states.
    pub fn free_energy(&self, visible: &[f64]) -> f64 {
        -log_sum_exp(self.hidden_states().map(|hidden| -self.energy(visible, &hidden)))
    }

    /// `ln Z = ln Σ_v Σ_h e^(−E(v, h))`.
    pub fn log_partition(&self) -> f64 {
        let energies = self.joint_energies();
        log_sum_exp(energies.iter().map(|energy| -energy))
    }

    fn joint_energies(&self) -> Vec<f64> {
        let visible: Vec<_> = self.visible_states().collect();
        self.hidden_states().flat_map(|h| visible.iter().map(move |v| self.energy(v, &h)).collect::<Vec<_>>()).collect()
    }

    /// `p(v, h)` of every joint state.
    pub fn joint(&self) -> Vec<f64> {
        let energies = self.joint_energies();
        let log_partition = log_sum_exp(energies.iter().map(|energy| -energy));
        energies.iter().map(|energy| (-energy - log_partition).exp()).collect()
    }

    /// `p(v)` of every visible state.
    pub fn visible_marginal(&self) -> Vec<f64> {
        let joint = self.joint();
        let states = 1 << self.visible();
        (0..states).map(|v| joint.iter().skip(v).step_by(states).sum()).collect()
    }

    /// `p(h | v)` of every hidden state; `v` need not be binary.
    pub fn hidden_distribution(&self, visible: &[f64]) -> Vec<f64> {
        let free_energy = self.free_energy(visible);
        self.hidden_states().map(|hidden| (free_energy - self.energy(visible, &hidden)).exp()).collect()
    }

    /// `p(v | h)` of every visible state; `h` need not be binary.
    pub fn visible_distribution(&self, hidden: &[f64]) -> Vec<f64> {
        let log_sum = log_sum_exp(self.visible_states().map(|visible| -self.energy(&visible, hidden)));
        self.visible_states().map(|visible| (-self.energy(&visible, hidden) - log_sum).exp()).collect()
    }

    /// `p(h_j = 1 | v)` of every hidden unit: the sum of `p(h | v)` over the states in which it is on.
    pub fn hidden_probs(&self, visible: &[f64]) -> Vec<f64> {
        let distribution = self.hidden_distribution(visible);
        mean(self.hidden(), self.hidden_states().zip(distribution))
    }

    /// `p(v_i = 1 | h)` of every visible unit: the sum of `p(v | h)` over the states in which it is on.
    pub fn visible_probs(&self, hidden: &[f64]) -> Vec<f64> {
        let distribution = self.visible_distribution(hidden);
        mean(self.visible(), self.visible_states().zip(distribution))
    }

    /// Mean of `ln p(v)` over the rows of `data`, in nats. Rows are binary.
    pub fn log_likelihood(&self, data: &[Vec<f64>]) -> f64 {
        let total: f64 = data.iter().map(|row| -self.free_energy(row)).sum();
        total / data.len() as f64 - self.log_partition()
    }

    /// The exact gradient of [`Exact::log_likelihood`]:
    /// `⟨v hᵀ⟩` with `v` from the data and `h ~ p(h | v)`, less `⟨v hᵀ⟩` under the machine's own `p(v, h)`;
    /// likewise `⟨v⟩` and `⟨h⟩` for the biases. It points uphill: a trainer adds `learning_rate ×` this.
    pub fn log_likelihood_gradient(&self, data: &[Vec<f64>]) -> Gradient {
        self.difference_to_data(data, &self.visible_marginal())
    }

    /// The CD-k update (Hinton 2002), averaged exactly over every draw that its chain can make.
    ///
    /// From each row of `data` the chain takes `k` steps `h ~ p(h | v)`, `v ~ p(v | h)` with binary states throughout.
    /// The update is `⟨v hᵀ⟩` over the data, less `⟨v hᵀ⟩` over the chain's last visible state, `h` being `p(h | v)` in
    /// both; taking a sampled `h` instead has the same expectation, taking visible *probabilities* as the
    /// reconstruction has not. Signs and layout as in [`Exact::log_likelihood_gradient`], which this becomes for large
    /// `k`. Rows may hold probabilities; only the first half-step sees them.
    pub fn expected_cd_gradient(&self, data: &[Vec<f64>], k: usize) -> Gradient {
        assert!(k > 0, "contrastive divergence takes at least one step");
        let rows = data.len() as f64;
        let hidden = mean(1 << self.hidden(), data.iter().map(|row| (self.hidden_distribution(row), 1.0 / rows)));
        let mut visible = self.visible_given(&hidden);
        for _ in 1..k {
            visible = self.gibbs_step(&visible);
        }
        self.difference_to_data(data, &visible)
    }

    /// The distribution over visible states after one step of block Gibbs sampling from the distribution `visible`.
    pub fn gibbs_step(&self, visible: &[f64]) -> Vec<f64> {
        let conditionals = self.visible_states().map(|v| self.hidden_distribution(&v));
        let hidden = mean(1 << self.hidden(), conditionals.zip(visible.iter().copied()));
        self.visible_given(&hidden)
    }

    /// Block Gibbs steps after which the chain has forgotten its start: from *every* visible state, the distribution
    /// over visible states is within total variation `distance` of the stationary one.
    pub fn steps_to_mix(&self, distance: f64) -> usize {
        let target = self.visible_marginal();
        let states = target.len();
        let start = |state| (0..states).map(|other| if other == state { 1.0 } else { 0.0 }).collect::<Vec<_>>();
        // One step's transition matrix, row by row; rows of its powers are the distributions from each start.
        let step: Vec<Vec<f64>> = (0..states).map(|state| self.gibbs_step(&start(state))).collect();
        let mut after = step.clone();
        let mut steps = 1;
        while after.iter().any(|row| total_variation(row, &target) > distance) {
            after = after.into_iter().map(|row| mean(states, step.iter().cloned().zip(row))).collect();
            steps += 1;
        }
        steps
    }

    /// The distribution over visible states when `h` has the distribution `hidden`.
    fn visible_given(&self, hidden: &[f64]) -> Vec<f64> {
        let conditionals = self.hidden_states().map(|h| self.visible_distribution(&h));
        mean(1 << self.visible(), conditionals.zip(hidden.iter().copied()))
    }

    /// Statistics of the data less statistics of visible states with the distribution `model`.
    fn difference_to_data(&self, data: &[Vec<f64>], model: &[f64]) -> Gradient {
        let rows = data.len() as f64;
        let of_data = self.statistics(data.iter().cloned().map(|row| (row, 1.0 / rows)));
        let of_model = self.statistics(self.visible_states().zip(model.iter().copied()));
        let less = |data: Vec<f64>, model: Vec<f64>| data.iter().zip(model).map(|(d, m)| d - m).collect();
        Gradient {
            weights: less(of_data.weights, of_model.weights),
            visible_bias: less(of_data.visible_bias, of_model.visible_bias),
            hidden_bias: less(of_data.hidden_bias, of_model.hidden_bias),
        }
    }

    /// `⟨v hᵀ⟩`, `⟨v⟩` and `⟨h⟩` over weighted visible states, `h ~ p(h | v)`.
    fn statistics(&self, rows: impl Iterator<Item = (Vec<f64>, f64)>) -> Gradient {
        let mut sums = Gradient {
            weights: vec![0.0; self.weights.len()],
            visible_bias: vec![0.0; self.visible()],
            hidden_bias: vec![0.0; self.hidden()],
        };
        for (visible, weight) in rows {
            let hidden = self.hidden_probs(&visible);
            for (i, v) in visible.iter().enumerate() {
                sums.visible_bias[i] += weight * v;
                for (j, h) in hidden.iter().enumerate() {
                    sums.weights[i + j * self.visible()] += weight * v * h;
                }
            }
            for (sum, h) in sums.hidden_bias.iter_mut().zip(hidden) {
                *sum += weight * h;
            }
        }
        sums
    }
}

/// Sum of weighted vectors of length `length`.
fn mean(length: usize, weighted: impl Iterator<Item = (Vec<f64>, f64)>) -> Vec<f64> {
    weighted.fold(vec![0.0; length], |mut sum, (vector, weight)| {
        for (sum, x) in sum.iter_mut().zip(vector) {
            *sum += weight * x;
        }
        sum
    })
}
