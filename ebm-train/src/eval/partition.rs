//! The partition function by enumeration, where one layer is small enough.

use super::log_sum::LogSum;
use crate::backend::Backend;
use crate::parameters::UnitKinds;
use crate::train::machine::Machine;
use ebm_core::{HiddenKind, VisibleKind};

/// Most states that are enumerated: 24 binary units. With 784 units in the other layer that takes minutes on two cores, 16 units a second.
pub const MAX_STATES: u64 = 1 << 24;
/// States that are taken to the backend at once.
const BLOCK: u64 = 4096;

/// A variable of a layer that has finitely many values.
#[derive(Clone, Copy, Debug)]
enum Variable {
    /// One unit that is 0 or 1.
    Bit,
    /// So many units of which one is 1.
    Group(usize),
}

impl Variable {
    fn values(self) -> u64 {
        match self {
            Self::Bit => 2,
            Self::Group(units) => units as u64,
        }
    }
}

/// Every state of a layer, by number: the first variable runs fastest.
struct States {
    variables: Vec<Variable>,
    count: u64,
}

impl States {
    /// `None` for more than [`MAX_STATES`].
    fn new(variables: Vec<Variable>) -> Option<Self> {
        let count = variables.iter().try_fold(1u64, |count, variable| {
            count.checked_mul(variable.values()).filter(|&count| count <= MAX_STATES)
        })?;
        Some(Self { variables, count })
    }

    /// `None` where a rectified layer has no last state, too.
    fn hidden(kind: HiddenKind, units: usize) -> Option<Self> {
        (kind == HiddenKind::Bernoulli).then(|| Self::new(vec![Variable::Bit; units])).flatten()
    }

    /// `None` where a unit is real, too.
    fn visible(kinds: &UnitKinds, units: usize) -> Option<Self> {
        if kinds.blocks.is_empty() {
            return Self::new(vec![Variable::Bit; units]);
        }
        let mut variables = Vec::new();
        for block in &kinds.blocks {
            match block.kind()? {
                VisibleKind::Bernoulli => variables.extend(std::iter::repeat_n(Variable::Bit, block.units())),
                VisibleKind::Softmax | VisibleKind::Label => variables.push(Variable::Group(block.units())),
                VisibleKind::Gaussian => return None,
            }
        }
        Self::new(variables)
    }

    /// Appends the units' values in one state.
    fn push(&self, mut number: u64, out: &mut Vec<f32>) {
        for &variable in &self.variables {
            let value = number % variable.values();
            number /= variable.values();
            match variable {
                Variable::Bit => out.push(value as f32),
                Variable::Group(units) => {
                    out.extend((0..units as u64).map(|unit| if unit == value { 1.0 } else { 0.0 }))
                }
            }
        }
    }

    /// Calls `each` with blocks of states, row by row.
    fn blocks(&self, mut each: impl FnMut(usize, &[f32])) {
        let mut values = Vec::new();
        for first in (0..self.count).step_by(BLOCK as usize) {
            let rows = BLOCK.min(self.count - first);
            values.clear();
            (first..first + rows).for_each(|number| self.push(number, &mut values));
            each(rows as usize, &values);
        }
    }
}

/// The layer with fewer states, where one can be enumerated.
enum Smaller {
    Visible(States),
    Hidden(States),
}

fn smaller(kinds: &UnitKinds, visible: usize, hidden: usize) -> Option<Smaller> {
    match (States::visible(kinds, visible), States::hidden(kinds.hidden, hidden)) {
        (Some(visible), Some(hidden)) if visible.count < hidden.count => Some(Smaller::Visible(visible)),
        (_, Some(hidden)) => Some(Smaller::Hidden(hidden)),
        (Some(visible), None) => Some(Smaller::Visible(visible)),
        (None, None) => None,
    }
}

/// States that [`log_partition_exact`] would sum over; `None` when there are more than [`MAX_STATES`].
pub fn enumerable_states(kinds: &UnitKinds, visible: usize, hidden: usize) -> Option<u64> {
    smaller(kinds, visible, hidden).map(|smaller| match smaller {
        Smaller::Visible(states) | Smaller::Hidden(states) => states.count,
    })
}

/// `ln Z = ln Σ_v Σ_h e^(−E(v, h))`, in nats, summed in f64 over every state of the layer that has fewer, the other layer summed or integrated in
/// closed form: `ln Σ_h e^(b·h) Π_i Z_i(x_i)`, or `ln Σ_v e^(−F(v))`. `None` when both have more than [`MAX_STATES`].
pub fn log_partition_exact<B: Backend>(backend: &B, machine: &Machine<B>) -> Option<f64> {
    let mut total = LogSum::EMPTY;
    let (mut sums, mut out) = (backend.zeros(0, 0), backend.zeros(0, 0));
    match smaller(machine.kinds(), machine.visible(), machine.hidden())? {
        Smaller::Visible(states) => states.blocks(|rows, values| {
            let visible = backend.upload(rows, machine.visible(), values);
            machine.free_energies(backend, &visible, &mut sums, &mut out);
            backend.download(&out).into_iter().for_each(|energy| total.add(-f64::from(energy)));
        }),
        Smaller::Hidden(states) => {
            let bias = backend.download(&machine.hidden_bias);
            states.blocks(|rows, values| {
                let hidden = backend.upload(rows, machine.hidden(), values);
                machine.visible_inputs(backend, &hidden, &mut sums);
                backend.visible_log_partitions(machine.kinds(), &machine.visible_bias, &sums, &mut out);
                let of_states = values.chunks(bias.len().max(1)).chain(std::iter::repeat(&[][..]));
                for (h, log_partition) in of_states.zip(backend.download(&out)) {
                    let own: f64 = h.iter().zip(&bias).map(|(h, b)| f64::from(*h) * f64::from(*b)).sum();
                    total.add(own + f64::from(log_partition));
                }
            });
        }
    }
    Some(total.ln())
}
