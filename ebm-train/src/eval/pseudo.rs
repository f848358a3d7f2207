//! Pseudo-likelihood over every unit.

use super::energy::pieces;
use super::log_sum::LogSum;
use crate::Error;
use crate::backend::Backend;
use crate::train::machine::Machine;
use crate::train::source::Source;
use ebm_core::{Block, VisibleKind};

/// Mean over the samples of `Σ_i ln p(v_i | v_−i)`, in nats, over every unit, a softmax group counting as one variable (Besag 1975). It needs no
/// partition function; a better model has a higher one, at most 0.
///
/// `ln p(v_i | v_−i) = −softplus(F(v) − F(v with unit i flipped))` of a Bernoulli unit, both free energies from one product: the fields that unit i
/// changes are changed by its row of the weights. Samples are binary, or the figure is that of no distribution.
/// `None` with Gaussian units: their `p(v_i | v_−i)` is a mixture of `2^H` normal distributions without a closed form. Fails when the samples cannot be
/// read.
pub fn pseudo_log_likelihood<B: Backend>(
    backend: &B,
    machine: &Machine<B>,
    data: &mut Source<'_, B>,
) -> Result<Option<f64>, Error> {
    let kinds = machine.kinds();
    let all = [Block::new(VisibleKind::Bernoulli, machine.visible() as u32)];
    let blocks = if kinds.blocks.is_empty() { &all[..] } else { &kinds.blocks[..] };
    if blocks.iter().any(|block| block.kind() == Some(VisibleKind::Gaussian)) {
        return Ok(None);
    }
    let bias = backend.download(&machine.visible_bias);
    let visible = machine.visible();
    let (mut fields, mut rises) = (backend.zeros(0, 0), backend.zeros(0, 0));
    let mut total = 0.0;
    pieces(backend, data, |rows, piece| {
        let values = backend.download(piece);
        let mut first = 0;
        for block in blocks {
            let units = first..first + block.units();
            first = units.end;
            let own_bias = &bias[units.clone()];
            let own = |row: usize| &values[row * visible..][units.clone()];
            let is_group = block.kind() != Some(VisibleKind::Bernoulli);
            // Of a Bernoulli unit the change is a flip; a group's units are each switched on from a state in which all are off.
            if is_group {
                let mut off = values.clone();
                off.chunks_exact_mut(visible).for_each(|row| row[units.clone()].fill(0.0));
                machine.hidden_fields(backend, &backend.upload(rows.len(), visible, &off), &mut fields);
            } else {
                machine.hidden_fields(backend, piece, &mut fields);
            }
            let changes: Vec<f32> = (0..rows.len())
                .flat_map(|row| own(row).iter().map(|v| if is_group { 1.0 } else { 1.0 - 2.0 * v }))
                .collect();
            let changes = backend.upload(rows.len(), units.len(), &changes);
            backend.single_changes(kinds.hidden, &machine.weights, &fields, units.clone(), &changes, &mut rises);
            for (row, rises) in backend.download(&rises).chunks_exact(units.len()).enumerate() {
                total += if is_group { group(own(row), own_bias, rises) } else { bits(own(row), own_bias, rises) };
            }
        }
        Ok(())
    })?;
    Ok(Some(total / data.rows() as f64))
}

/// `Σ_i ln p(v_i | v_−i)`; `rises` is by how much each flip raises `−F` beside the unit's own bias.
fn bits(values: &[f32], bias: &[f32], rises: &[f32]) -> f64 {
    let log_odds = values.iter().zip(bias).zip(rises).map(|((v, a), rise)| (1.0 - 2.0 * v) * a + rise);
    -log_odds.map(|x| f64::from(ebm_core::math::softplus(x))).sum::<f64>()
}

/// `ln p(group | the rest)`.
fn group(values: &[f32], bias: &[f32], rises: &[f32]) -> f64 {
    let scores = || bias.iter().zip(rises).map(|(a, rise)| f64::from(*a) + f64::from(*rise));
    let on: f64 = values.iter().zip(scores()).map(|(v, score)| f64::from(*v) * score).sum();
    on - scores().collect::<LogSum>().ln()
}
