//! What kernels are told of visible units: four numbers each.

use super::Gpu;
use super::tensor::GpuTensor;
use crate::parameters::UnitKinds;
use ebm_core::VisibleKind;

/// Tables of the kinds of units that a run has.
#[derive(Default)]
pub(super) struct UnitTables(Vec<(UnitKinds, usize, GpuTensor)>);

/// Tables that are kept: a run has two or three machines.
const MOST: usize = 16;

impl Gpu {
    /// The table of `visible` units: a unit's kind, the first unit of its group, the group's size, and `σ`.
    pub(super) fn unit_table(&self, kinds: &UnitKinds, visible: usize) -> GpuTensor {
        let mut tables = self.units.borrow_mut();
        if let Some((.., table)) = tables.0.iter().find(|(of, units, _)| of == kinds && *units == visible) {
            return table.clone();
        }
        let table = self.uploaded(1, 4 * visible, &table(kinds, visible));
        if tables.0.len() == MOST {
            tables.0.remove(0);
        }
        tables.0.push((kinds.clone(), visible, table.clone()));
        table
    }
}

fn table(kinds: &UnitKinds, visible: usize) -> Vec<f32> {
    let mut sigma = kinds.sigma.iter();
    let mut table = Vec::with_capacity(4 * visible);
    for block in &kinds.blocks {
        let kind = block.kind().unwrap_or(VisibleKind::Bernoulli);
        let first = table.len() / 4;
        for _ in 0..block.units() {
            let sigma = if kind == VisibleKind::Gaussian { sigma.next().copied() } else { None };
            table.extend([kind as u32 as f32, first as f32, block.units() as f32, sigma.unwrap_or(1.0)]);
        }
    }
    // Without blocks all are Bernoulli.
    while table.len() < 4 * visible {
        table.extend([VisibleKind::Bernoulli as u32 as f32, (table.len() / 4) as f32, 1.0, 1.0]);
    }
    table.truncate(4 * visible);
    table
}
