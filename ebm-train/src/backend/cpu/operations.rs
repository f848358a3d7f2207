//! What a [`Backend`] can do, on this machine's processors.

use super::gemm::{Tile, product, tiles};
use super::passes::Drawing;
use super::rounded::{self, CpuRounded, LANES};
use super::states::{self, BLOCK_ROWS, CpuStates};
use super::sums;
use super::team::Team;
use super::tensor::SHARD_ROWS;
use super::{Cpu, CpuSet, CpuTensor, ELEMENT, passes};
use crate::backend::{Backend, Direction, Draws, Link, Step};
use crate::parameters::UnitKinds;
use crate::ranks::Ranks;
use ebm_core::kernel::{float, units as kernel};
use ebm_core::math::{argmax, normal_quantile, softmax};
use ebm_core::{Beta, HiddenKind, Units};
use rand_core::Rng;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Rows of a weight matrix (hidden units) that one task takes.
const SHARD_UNITS: usize = 64;
/// Rows of a product in the layout of weights that one task takes: half as many of a narrow layer, so that it is shared too.
const TILE_UNITS: usize = 128;
/// Rows of a product that one task takes at most: all of a minibatch, so that the matrix is read once.
const TILE_ROWS: usize = 512;
/// Columns of a product that one task takes: half as many of a narrow layer, so that it is shared too.
const TILE_COLUMNS: usize = 128;
/// Units of a narrow layer, at most.
const NARROW: usize = 2 * TILE_COLUMNS;
/// Elements that one task takes where they are independent.
const SHARD_ELEMENTS: usize = 8192;

impl Cpu {
    /// `out` becomes the rows named by `rows` of a matrix of `values`.
    fn rows_of(&self, values: &[f32], columns: usize, rows: &[u32], out: &mut CpuTensor) {
        out.reshape(rows.len(), columns);
        // Rows of a large set lie in no cache, so one thread alone waits for the memory.
        let cost = out.values.len() * ELEMENT;
        self.share(cost, out.shards_mut().zip(rows.chunks(SHARD_ROWS)), |(out, rows)| {
            for (to, &row) in out.chunks_exact_mut(columns.max(1)).zip(rows) {
                let start = row as usize * columns;
                to.copy_from_slice(&values[start..start + columns]);
            }
        });
    }
}

thread_local! {
    /// The gradient of some units' weights, while they are stepped.
    static GRADIENT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    /// Weights of the classes, while they are gone through.
    static CLASS_WEIGHTS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// How many of a layer's units a task takes that takes `most` of a wide one.
fn cut(units: usize, most: usize) -> usize {
    if units <= NARROW { most / 2 } else { most }
}

/// Multiply-adds of statistics.
fn cost_of_terms(terms: &[(f32, [&CpuTensor; 2])], out: &CpuTensor) -> usize {
    for (_, [visible, hidden]) in terms {
        assert_eq!(hidden.rows(), visible.rows(), "as many hidden as visible samples");
        assert_eq!(
            [hidden.columns, visible.columns],
            [out.rows(), out.columns],
            "statistics in the layout of the weights"
        );
    }
    out.values.len() * terms.iter().map(|(_, [visible, _])| visible.rows()).sum::<usize>()
}

/// `tile ← keep·tile + Σ scale·hiddenᵀ·visible` for some hidden units and all visible ones: all terms while the tile is at hand.
fn add_terms(mut keep: f32, terms: &[(f32, [&CpuTensor; 2])], units: Range<usize>, tile: &mut Tile<'_>) {
    for (scale, [visible, hidden]) in terms {
        let hidden = hidden.matrix().part(0..hidden.rows(), units.clone());
        product(keep, *scale, hidden.transposed(), visible.matrix(), tile);
        keep = 1.0;
    }
}

impl Backend for Cpu {
    type Tensor = CpuTensor;
    type Set<'a> = CpuSet<'a>;
    type States = CpuStates;
    type Rounded = CpuRounded;

    fn join<X: Send, Y: Send>(&self, x: impl FnOnce(&Self) -> X + Send, y: impl FnOnce(&Self) -> Y + Send) -> (X, Y) {
        let threads = self.team.threads();
        let (worth_sharing, ranks) = (self.worth_sharing, Ranks::default());
        let part = |threads| Some(Self { team: Team::new(threads).ok()?, worth_sharing, ranks: ranks.clone() });
        // What ranks sum has to come in one order.
        let parts = if threads > 1 && self.ranks.is_alone() {
            part(threads - threads / 2).zip(part(threads / 2))
        } else {
            None
        };
        let Some((of_x, of_y)) = parts else { return (x(self), y(self)) };
        std::thread::scope(|scope| {
            let y = scope.spawn(|| y(&of_y));
            let x = x(&of_x);
            (x, y.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    fn sum_over_ranks(&self, values: &mut CpuTensor) {
        self.ranks.sum(&mut values.values);
    }

    fn upload(&self, rows: usize, columns: usize, values: &[f32]) -> CpuTensor {
        assert_eq!(values.len(), rows * columns, "a tensor of {rows} × {columns}");
        CpuTensor { values: values.to_vec(), columns }
    }

    fn zeros(&self, rows: usize, columns: usize) -> CpuTensor {
        // The system gives pages of zeros when they are first touched: a tensor that no step uses takes no memory.
        CpuTensor { values: vec![0.0; rows * columns], columns }
    }

    fn download(&self, tensor: &CpuTensor) -> Vec<f32> {
        tensor.values.clone()
    }

    fn shape(&self, tensor: &CpuTensor) -> [usize; 2] {
        [tensor.rows(), tensor.columns]
    }

    fn copy(&self, from: &CpuTensor, to: &mut CpuTensor) {
        to.reshape(from.rows(), from.columns);
        to.values.copy_from_slice(&from.values);
    }

    fn put_marked(&self, from: &CpuTensor, marks: &CpuTensor, values: &mut CpuTensor) {
        let marked = values.values.iter_mut().zip(&from.values).zip(&marks.values).filter(|(_, mark)| **mark != 0.0);
        marked.for_each(|((value, from), _)| *value = *from);
    }

    fn hold<'a>(&self, columns: usize, values: Cow<'a, [f32]>) -> CpuSet<'a> {
        assert_eq!(values.len() % columns.max(1), 0, "whole rows");
        CpuSet { values, columns }
    }

    fn take_rows(&self, set: &CpuSet<'_>, rows: &[u32], out: &mut CpuTensor) {
        self.rows_of(&set.values, set.columns, rows, out);
    }

    fn gather(&self, source: &CpuTensor, rows: &[u32], out: &mut CpuTensor) {
        self.rows_of(&source.values, source.columns, rows, out);
    }

    fn take_columns(&self, values: &CpuTensor, columns: Range<usize>, out: &mut CpuTensor) {
        out.reshape(values.rows(), columns.len());
        let rows = values.values.chunks_exact(values.columns.max(1));
        for (to, row) in out.values.chunks_exact_mut(columns.len().max(1)).zip(rows) {
            to.copy_from_slice(&row[columns.clone()]);
        }
    }

    fn put_columns(&self, values: &CpuTensor, first: usize, out: &mut CpuTensor) {
        let (columns, of_out) = (values.columns, out.columns.max(1));
        for (to, row) in out.values.chunks_exact_mut(of_out).zip(values.values.chunks_exact(columns.max(1))) {
            to[first..first + columns].copy_from_slice(row);
        }
    }

    fn affine(
        &self,
        direction: Direction,
        weights: &CpuTensor,
        bias: Option<&CpuTensor>,
        link: Link,
        input: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        let stored = weights.matrix();
        let (matrix, columns) = match direction {
            Direction::Up => (stored.transposed(), weights.rows()),
            Direction::Down => (stored, weights.columns),
        };
        out.reshape(input.rows(), columns);
        let input = input.matrix();
        let cost = input.rows() * input.columns() * columns;
        self.share(cost, tiles(&mut out.values, columns, [TILE_ROWS, cut(columns, TILE_COLUMNS)]), |mut tile| {
            let left = input.part(tile.rows.clone(), 0..input.columns());
            let right = matrix.part(0..matrix.rows(), tile.columns.clone());
            product(0.0, 1.0, left, right, &mut tile);
            let bias = bias.map(|bias| &bias.values[tile.columns.clone()]);
            tile.each_row().for_each(|row| passes::add_and_link(bias, link, row));
        });
    }

    fn bernoulli(&self, draws: Draws<'_>, probabilities: &CpuTensor, out: &mut CpuTensor) {
        out.reshape(probabilities.rows(), probabilities.columns);
        out.values.copy_from_slice(&probabilities.values);
        self.with_streams(draws, out, |row, stream| passes::bernoulli(draws.seed, stream, row));
    }

    fn pack(&self, values: &CpuTensor, out: &mut CpuStates) {
        let columns = values.columns;
        out.reshape(values.rows(), columns);
        self.share(values.values.len() * ELEMENT, out.tasks(), |task| {
            for (block, row) in task.blocks.iter_mut().zip((task.first * BLOCK_ROWS..).step_by(BLOCK_ROWS)) {
                states::pack(&values.values[row * columns..], columns, task.panel * LANES, block);
            }
        });
    }

    fn unpack(&self, states: &CpuStates, out: &mut CpuTensor) {
        let columns = states.columns();
        out.reshape(states.rows(), columns);
        let cost = out.values.len() * ELEMENT;
        self.share(cost, out.shards_mut().zip((0..).step_by(SHARD_ROWS)), |(shard, first)| {
            for (values, row) in shard.chunks_exact_mut(columns).zip(first..) {
                values.chunks_mut(LANES).zip(states.row(row)).for_each(|(values, pairs)| states::unpack(pairs, values));
            }
        });
    }

    fn round(&self, weights: &CpuTensor, out: &mut CpuRounded) {
        // Bits of numbers that are not negative are ordered as the numbers are.
        let largest = AtomicU32::new(0);
        self.share(weights.values.len(), weights.values.chunks(SHARD_ELEMENTS), |values| {
            let mut of_values = 0.0;
            rounded::largest(values, &mut of_values);
            largest.fetch_max(of_values.to_bits(), Ordering::Relaxed);
        });
        let largest = f32::from_bits(largest.into_inner());
        let cost = 2 * weights.values.len() * ELEMENT;
        let panels = out.start([weights.rows(), weights.columns], largest);
        self.share(cost, panels, |panel| panel.fill(weights));
    }

    fn sample_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &CpuRounded,
        bias: &CpuTensor,
        beta: Beta,
        input: &CpuStates,
        out: &mut CpuStates,
    ) {
        let [from, to] = weights.ends(direction);
        assert_eq!(from, input.columns(), "the inner lengths of a product");
        out.reshape(input.rows(), to);
        // A whole number's product with a state costs half of what numbers' do.
        let cost = input.rows() * from * to / 2;
        self.share(cost, out.tasks(), |task| {
            let panel = weights.panel(direction, task.panel);
            let units = task.panel * LANES..to.min((task.panel + 1) * LANES);
            for (block, row) in task.blocks.iter_mut().zip(task.first..) {
                let mut sums = [[0; LANES]; BLOCK_ROWS];
                sums::sums(input.below(row), panel, &mut sums);
                let by = Drawing {
                    beta: beta.value(),
                    quantum: weights.quantum(),
                    bias: &bias.values[units.clone()],
                    seed: draws.seed,
                    stream: draws.stream,
                    samples: &draws.samples[row * BLOCK_ROWS..],
                    first_block: (units.start / 4) as u32,
                };
                passes::draw_states(&sums, &by, block);
            }
        });
    }

    fn hidden_means(&self, kind: HiddenKind, fields: &mut CpuTensor) {
        let cost = fields.values.len() * ELEMENT;
        self.share(cost, fields.shards_mut(), |shard| passes::hidden_means(kind, shard));
    }

    fn sample_hidden(&self, draws: Draws<'_>, kind: HiddenKind, beta: Beta, fields: &mut CpuTensor) {
        match kind {
            HiddenKind::Bernoulli => {
                self.with_streams(draws, fields, |row, stream| passes::sample(beta.value(), draws.seed, stream, row));
            }
            HiddenKind::Relu => {
                self.with_draws(draws, fields, |row, rng| kernel::sample_hidden(kind, beta, row, rng));
            }
        }
    }

    fn visible_start(&self, kinds: &UnitKinds, bias: &CpuTensor, out: &mut CpuTensor) {
        out.reshape(1, bias.values.len());
        kernel::start_visible(units(kinds), &bias.values, &mut out.values);
    }

    fn visible_means(&self, kinds: &UnitKinds, bias: &CpuTensor, inputs: &mut CpuTensor) {
        let (cost, columns, units) = (inputs.values.len() * ELEMENT, inputs.columns.max(1), units(kinds));
        self.share(cost, inputs.shards_mut(), |shard| {
            for row in shard.chunks_exact_mut(columns) {
                kernel::visible_means(units, &bias.values, row);
            }
        });
    }

    fn sample_visible(
        &self,
        draws: Draws<'_>,
        kinds: &UnitKinds,
        beta: Beta,
        bias: &CpuTensor,
        inputs: &mut CpuTensor,
    ) {
        if kinds.blocks.is_empty() {
            self.with_streams(draws, inputs, |row, stream| passes::sample(beta.value(), draws.seed, stream, row));
        } else {
            let units = units(kinds);
            self.with_draws(draws, inputs, |row, rng| kernel::sample_visible(units, beta, &bias.values, row, rng));
        }
    }

    fn visible_energies(&self, kinds: &UnitKinds, bias: &CpuTensor, visible: &CpuTensor, out: &mut CpuTensor) {
        out.reshape(visible.rows(), 1);
        let (columns, units) = (visible.columns.max(1), units(kinds));
        self.share(visible.values.len(), out.shards_mut().zip(visible.shards()), |(out, shard)| {
            for (out, row) in out.iter_mut().zip(shard.chunks_exact(columns)) {
                *out = kernel::visible_energy(units, &bias.values, row);
            }
        });
    }

    fn subtract_hidden_terms(&self, kind: HiddenKind, scale: f32, fields: &CpuTensor, out: &mut CpuTensor) {
        let columns = fields.columns.max(1);
        let cost = fields.values.len() * ELEMENT;
        self.share(cost, out.shards_mut().zip(fields.shards()), |(out, shard)| {
            for (out, row) in out.iter_mut().zip(shard.chunks_exact(columns)) {
                passes::subtract_terms(kind, scale, row, out);
            }
        });
    }

    fn rescale(&self, scale: f32, shift: Option<(f32, &CpuTensor)>, values: &mut CpuTensor) {
        let columns = values.columns.max(1);
        let cost = values.values.len();
        let shift = shift.map(|(share, shift)| (share, &shift.values[..]));
        self.share(cost, values.shards_mut(), |shard| {
            shard.chunks_exact_mut(columns).for_each(|row| passes::rescale(scale, shift, row));
        });
    }

    fn sample_hidden_exactly(&self, draws: Draws<'_>, kind: HiddenKind, fields: &mut CpuTensor) {
        match kind {
            HiddenKind::Bernoulli => self.sample_hidden(draws, kind, Beta::ONE, fields),
            HiddenKind::Relu => {
                self.with_draws(draws, fields, |row, rng| kernel::sample_hidden_exactly(kind, row, rng));
            }
        }
    }

    fn add_term_changes(
        &self,
        kind: HiddenKind,
        [from, to]: [f32; 2],
        slopes: &CpuTensor,
        fields: &CpuTensor,
        sums: &mut CpuTensor,
    ) {
        let columns = fields.columns.max(1);
        let cost = fields.values.len() * ELEMENT;
        let tasks = sums.shards_mut().zip(slopes.shards()).zip(fields.shards());
        self.share(cost, tasks, |((sums, slopes), fields)| {
            for ((sum, slope), fields) in sums.chunks_exact_mut(2).zip(slopes).zip(fields.chunks_exact(columns)) {
                let mut change = 0.0;
                passes::term_changes(kind, fields, from, to, &mut change);
                let change = change + (f64::from(to) - f64::from(from)) * f64::from(*slope);
                let total = f64::from(sum[0]) + f64::from(sum[1]) + change;
                sum[0] = total as f32;
                sum[1] = (total - f64::from(sum[0])) as f32;
            }
        });
    }

    fn single_changes(
        &self,
        kind: HiddenKind,
        weights: &CpuTensor,
        fields: &CpuTensor,
        units: Range<usize>,
        changes: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        let (count, hidden) = (units.len().max(1), fields.columns.max(1));
        out.reshape(fields.rows(), units.len());
        out.values.fill(0.0);
        let cost = out.values.len() * hidden * ELEMENT;
        let tasks = out.shards_mut().zip(changes.shards()).zip(fields.shards());
        self.share(cost, tasks, |((out, changes), fields)| {
            let rows = out.chunks_exact_mut(count).zip(changes.chunks_exact(count)).zip(fields.chunks_exact(hidden));
            for ((out, changes), fields) in rows {
                for (&field, weights) in fields.iter().zip(weights.values.chunks_exact(weights.columns.max(1))) {
                    passes::add_term_changes(kind, field, &weights[units.clone()], changes, out);
                }
            }
        });
    }

    fn visible_log_partitions(&self, kinds: &UnitKinds, bias: &CpuTensor, inputs: &CpuTensor, out: &mut CpuTensor) {
        out.reshape(inputs.rows(), 1);
        let (cost, columns, units) = (inputs.values.len() * ELEMENT, inputs.columns.max(1), units(kinds));
        self.share(cost, out.shards_mut().zip(inputs.shards()), |(out, inputs)| {
            for (out, row) in out.iter_mut().zip(inputs.chunks_exact(columns)) {
                *out = kernel::visible_log_partition(units, &bias.values, row) as f32;
            }
        });
    }

    fn visible_log_densities(
        &self,
        kinds: &UnitKinds,
        bias: &CpuTensor,
        inputs: &CpuTensor,
        visible: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        out.reshape(inputs.rows(), 1);
        let (cost, columns, units) = (inputs.values.len() * ELEMENT, inputs.columns.max(1), units(kinds));
        self.share(cost, out.shards_mut().zip(inputs.shards()).zip(visible.shards()), |((out, inputs), visible)| {
            let rows = inputs.chunks_exact(columns).zip(visible.chunks_exact(columns));
            for (out, (inputs, visible)) in out.iter_mut().zip(rows) {
                *out = kernel::visible_log_density(units, &bias.values, inputs, visible) as f32;
            }
        });
    }

    fn dropout(&self, draws: Draws<'_>, rate: f32, values: &mut CpuTensor) {
        let kept = 1.0 / (1.0 - rate);
        self.with_streams(draws, values, |row, stream| passes::dropout(rate, kept, draws.seed, stream, row));
    }

    fn outer(&self, keep: f32, terms: &[(f32, [&CpuTensor; 2])], out: &mut CpuTensor) {
        let (columns, cost) = (out.columns, cost_of_terms(terms, out));
        let units = cut(out.rows(), TILE_UNITS);
        self.share(cost, tiles(&mut out.values, columns, [units, columns]), |mut tile| {
            let units = tile.rows.clone();
            add_terms(keep, terms, units, &mut tile);
        });
    }

    fn column_sums(&self, keep: f32, terms: &[(f32, &CpuTensor)], out: &mut CpuTensor) {
        passes::rescale(keep, None, &mut out.values);
        for (scale, values) in terms {
            for row in values.values.chunks_exact(values.columns.max(1)) {
                passes::add_scaled(*scale, row, &mut out.values);
            }
        }
    }

    fn add_scaled(&self, scale: f32, values: &CpuTensor, out: &mut CpuTensor) {
        let shards = out.values.chunks_mut(SHARD_ELEMENTS).zip(values.values.chunks(SHARD_ELEMENTS));
        self.share(values.values.len(), shards, |(out, values)| passes::add_scaled(scale, values, out));
    }

    fn backward(&self, link: Link, kept: f32, outputs: &CpuTensor, delta: &mut CpuTensor) {
        let shards = delta.values.chunks_mut(SHARD_ELEMENTS).zip(outputs.values.chunks(SHARD_ELEMENTS));
        self.share(outputs.values.len(), shards, |(delta, outputs)| passes::backward(link, kept, outputs, delta));
    }

    fn softmax_cross_entropy(&self, labels: &[u16], smoothing: f32, scores: &mut CpuTensor, totals: &mut CpuTensor) {
        let rows = scores.rows();
        let scale = 1.0 / rows as f32;
        let classes = scores.columns.max(1);
        let (of_label, of_all) = (1.0 - smoothing, smoothing / classes as f32);
        for (row, &label) in scores.values.chunks_exact_mut(classes).zip(labels) {
            let label = usize::from(label);
            let correct = argmax(row) == Some(label);
            softmax(row);
            // The smallest probability that softmax returns is positive, so the logarithm is finite.
            totals.values[0] -= of_label * row[label].ln();
            if smoothing > 0.0 {
                totals.values[0] -= of_all * row.iter().map(|p| p.ln()).sum::<f32>();
            }
            totals.values[1] += f32::from(u8::from(correct));
            row[label] -= of_label;
            for gradient in row {
                *gradient = (*gradient - of_all) * scale;
            }
        }
    }

    fn limit_norms(&self, largest: f32, rows: &mut CpuTensor) {
        let (cost, columns) = (rows.values.len(), rows.columns.max(1));
        self.share(cost, rows.values.chunks_mut(SHARD_UNITS * columns), |shard| {
            for row in shard.chunks_exact_mut(columns) {
                let norm = float::dot(row, row).sqrt();
                if norm > largest {
                    row.iter_mut().for_each(|weight| *weight *= largest / norm);
                }
            }
        });
    }

    fn class_scores(
        &self,
        kind: HiddenKind,
        classes: usize,
        weights: &CpuTensor,
        visible_bias: &CpuTensor,
        fields: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        let hidden = fields.columns.max(1);
        out.reshape(fields.rows(), classes);
        let bias = last(&visible_bias.values, classes);
        let cost = fields.values.len() * classes * ELEMENT;
        with_class_weights(weights, classes, |of_classes| {
            self.share(cost, out.shards_mut().zip(fields.shards()), |(out, fields)| {
                for (scores, fields) in out.chunks_exact_mut(classes.max(1)).zip(fields.chunks_exact(hidden)) {
                    scores.copy_from_slice(bias);
                    for (score, weights) in scores.iter_mut().zip(of_classes.chunks_exact(hidden)) {
                        passes::add_class_terms(kind, fields, weights, score);
                    }
                }
            })
        });
    }

    fn class_fields_backward(
        &self,
        kind: HiddenKind,
        weights: &CpuTensor,
        scores: &CpuTensor,
        fields: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        let (classes, hidden) = (scores.columns.max(1), fields.columns.max(1));
        out.reshape(fields.rows(), fields.columns);
        let cost = fields.values.len() * classes * ELEMENT;
        with_class_weights(weights, classes, |of_classes| {
            self.share(cost, out.shards_mut().zip(fields.shards()).zip(scores.shards()), |((out, fields), scores)| {
                let rows =
                    out.chunks_exact_mut(hidden).zip(fields.chunks_exact(hidden)).zip(scores.chunks_exact(classes));
                for ((out, fields), scores) in rows {
                    out.fill(0.0);
                    for (&score, weights) in scores.iter().zip(of_classes.chunks_exact(hidden)) {
                        passes::add_class_means(kind, score, fields, weights, out);
                    }
                }
            })
        });
    }

    fn class_weights_backward(
        &self,
        kind: HiddenKind,
        weights: &CpuTensor,
        scores: &CpuTensor,
        fields: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        let (classes, hidden, visible) = (scores.columns.max(1), fields.columns.max(1), weights.columns.max(1));
        let cost = fields.values.len() * classes * ELEMENT;
        // A hidden unit belongs to one task, so that its sums over the rows have one order.
        with_class_weights(weights, classes, |of_classes| {
            self.share(cost, out.values.chunks_mut(SHARD_UNITS * visible).enumerate(), |(shard, out)| {
                let units = shard * SHARD_UNITS..shard * SHARD_UNITS + out.len() / visible;
                let mut sums = [0.0; SHARD_UNITS];
                for (class, weights) in of_classes.chunks_exact(hidden).enumerate() {
                    let sums = &mut sums[..units.len()];
                    sums.fill(0.0);
                    for (fields, scores) in fields.values.chunks_exact(hidden).zip(scores.values.chunks_exact(classes))
                    {
                        passes::add_class_means(
                            kind,
                            scores[class],
                            &fields[units.clone()],
                            &weights[units.clone()],
                            sums,
                        );
                    }
                    for (of_unit, sum) in out.chunks_exact_mut(visible).zip(sums) {
                        of_unit[visible - classes + class] += *sum;
                    }
                }
            })
        });
    }

    fn class_bias_backward(&self, scores: &CpuTensor, out: &mut CpuTensor) {
        let first = out.values.len().saturating_sub(scores.columns);
        for scores in scores.values.chunks_exact(scores.columns.max(1)) {
            for (out, score) in out.values[first..].iter_mut().zip(scores) {
                *out += score;
            }
        }
    }

    fn add_errors(&self, x: &CpuTensor, y: &CpuTensor, totals: &mut CpuTensor) {
        let mut sums = vec![[0.0; 2]; x.values.len().div_ceil(SHARD_ELEMENTS)];
        let shards = sums.iter_mut().zip(x.values.chunks(SHARD_ELEMENTS).zip(y.values.chunks(SHARD_ELEMENTS)));
        self.share(x.values.len(), shards, |(sums, (x, y))| passes::differences(x, y, sums));
        for (number, total) in totals.values.iter_mut().enumerate() {
            *total += sums.iter().map(|sums| f64::from(sums[number])).sum::<f64>() as f32;
        }
    }

    fn fill_missing(&self, values: &CpuTensor, by: &CpuTensor, out: &mut CpuTensor) {
        out.reshape(values.rows(), values.columns);
        for ((out, &value), &by) in out.values.iter_mut().zip(&values.values).zip(&by.values) {
            *out = if value.is_nan() { by } else { value };
        }
    }

    fn add_noise(&self, draws: Draws<'_>, deviation: f32, values: &mut CpuTensor) {
        self.with_draws(draws, values, |row, rng| {
            row.iter_mut().for_each(|value| *value += deviation * normal_quantile(rng.next_u32()));
        });
    }

    fn multiply_columns(&self, factors: &CpuTensor, values: &mut CpuTensor) {
        for row in values.values.chunks_exact_mut(values.columns.max(1)) {
            row.iter_mut().zip(&factors.values).for_each(|(value, factor)| *value *= factor);
        }
    }

    fn multiply_rows(&self, factors: &CpuTensor, values: &mut CpuTensor) {
        for (row, factor) in values.values.chunks_exact_mut(values.columns.max(1)).zip(&factors.values) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
    }

    fn add_signs(&self, scale: f32, values: &CpuTensor, out: &mut CpuTensor) {
        for (out, &value) in out.values.iter_mut().zip(&values.values) {
            *out += if value == 0.0 { 0.0 } else { scale * value.signum() };
        }
    }

    fn descend(
        &self,
        step: Step,
        weight_decay: f32,
        terms: &[(f32, [&CpuTensor; 2])],
        moments: &mut [CpuTensor; 2],
        parameter: &mut CpuTensor,
    ) {
        let (columns, cost) = (parameter.columns, cost_of_terms(terms, parameter));
        let [first, second] = moments;
        let units = cut(parameter.values.len() / columns.max(1), TILE_UNITS);
        let length = (units * columns).max(1);
        let shards = (0..)
            .step_by(units)
            .zip(parameter.values.chunks_mut(length))
            .zip(first.values.chunks_mut(length))
            .zip(second.values.chunks_mut(length));
        self.share(cost, shards, |(((unit, parameter), first), second)| {
            GRADIENT.with_borrow_mut(|gradient| {
                gradient.resize(parameter.len(), 0.0);
                tiles(gradient, columns, [units, columns]).for_each(|mut tile| {
                    let units = unit..unit + tile.rows.len();
                    add_terms(0.0, terms, units, &mut tile);
                });
                if weight_decay > 0.0 {
                    passes::add_scaled(weight_decay, parameter, gradient);
                }
                passes::step(step, gradient, first, second, parameter);
            });
        });
    }

    fn step(&self, step: Step, gradient: &CpuTensor, moments: &mut [CpuTensor; 2], parameter: &mut CpuTensor) {
        let [first, second] = moments;
        let shards = parameter
            .values
            .chunks_mut(SHARD_ELEMENTS)
            .zip(first.values.chunks_mut(SHARD_ELEMENTS))
            .zip(second.values.chunks_mut(SHARD_ELEMENTS))
            .zip(gradient.values.chunks(SHARD_ELEMENTS));
        self.share(gradient.values.len() * ELEMENT, shards, |(((parameter, first), second), gradient)| {
            passes::step(step, gradient, first, second, parameter);
        });
    }
}

/// The kinds as ebm-core's. A machine's kinds are checked when it is taken to the backend; other ones would be Bernoulli.
fn units(kinds: &UnitKinds) -> Units<'_> {
    kinds.units().unwrap_or(Units::BERNOULLI)
}

/// The last `count` elements, all where there are fewer.
fn last(values: &[f32], count: usize) -> &[f32] {
    &values[values.len().saturating_sub(count)..]
}

/// Gives `work` the weights of the classes to the hidden units, classes × hidden: those of a class lie side by side.
fn with_class_weights(weights: &CpuTensor, classes: usize, work: impl FnOnce(&[f32])) {
    let units = weights.values.chunks_exact(weights.columns.max(1));
    let hidden = units.len();
    CLASS_WEIGHTS.with_borrow_mut(|of_classes| {
        of_classes.resize(hidden * classes, 0.0);
        for (unit, of_unit) in units.enumerate() {
            for (class, weight) in last(of_unit, classes).iter().enumerate() {
                of_classes[class * hidden + unit] = *weight;
            }
        }
        work(of_classes);
    });
}
