//! The operations of [`Backend`] as kernels.

use super::kernel::{File, Kernel, Params, link as number_of};
use super::recorder::Call;
use super::{Gpu, GpuRounded, GpuSet, GpuTensor};
use crate::Error;
use crate::backend::{ADAM, Backend, Direction, Draws, Link, Step};
use crate::parameters::UnitKinds;
use ebm_core::{Beta, HiddenKind};
use std::borrow::Cow;
use std::ops::Range;

/// Threads of a group where every thread has a number of its own.
const GROUP: usize = 256;
/// Threads of a group that sums a row.
const ROW_GROUP: usize = 64;
/// Rows and columns of a product's tile.
const TILE: usize = 64;
/// Parts in which the largest weight is looked for.
const PARTS: usize = 256;

/// Where the numbers of a factor lie: strides from row to row and from column to column.
type Strides = [usize; 2];

impl Gpu {
    /// A kernel with a thread for every number of `x`.
    fn each(&self, kernel: &'static str, params: Params, read: [Option<&GpuTensor>; 3], x: &GpuTensor) {
        let [rows, columns] = [x.rows, x.columns];
        let params = Params { n: [x.len() as u32, columns.max(1) as u32, params.n[2], rows as u32], ..params };
        let call = Call { params, read, written: [Some(x), None, None], ..Call::default() };
        self.run(Kernel(File::Elements, kernel), x.len(), GROUP, call);
    }

    /// A kernel with a thread for every four numbers of a row of `x`.
    fn draw(&self, kernel: &'static str, draws: Draws<'_>, s: [f32; 2], x: &GpuTensor) {
        assert_eq!(draws.samples.len(), x.rows, "a sample a row");
        let params =
            Params { n: [x.rows as u32, x.columns as u32, 0, 0], s: [s[0], s[1], 0.0, 0.0], ..Params::default() };
        let call = Call {
            params: params.drawing(draws),
            words: draws.samples,
            written: [Some(x), None, None],
            ..Call::default()
        };
        self.run(Kernel(File::Draws, kernel), x.rows * x.columns.div_ceil(4), GROUP, call);
    }

    /// A kernel with a group for every row of `a`.
    fn each_row(
        &self,
        kernel: &'static str,
        params: Params,
        read: [Option<&GpuTensor>; 3],
        written: [Option<&GpuTensor>; 2],
    ) {
        let (rows, columns) = read[0].or(written[0]).map_or((0, 0), |of_rows| (of_rows.rows, of_rows.columns));
        let params = Params { n: [rows as u32, columns as u32, params.n[2], 0], ..params };
        let call = Call { params, read, written: [written[0], written[1], None], ..Call::default() };
        self.run(Kernel(File::Sums, kernel), rows * ROW_GROUP, ROW_GROUP, call);
    }

    /// `out = link(keep·out + scale·left·right + bias)`; the inner length is `inner`.
    #[allow(clippy::too_many_arguments)]
    fn product(
        &self,
        [keep, scale]: [f32; 2],
        (left, of_left): (&GpuTensor, Strides),
        (right, of_right): (&GpuTensor, Strides),
        inner: usize,
        bias: Option<&GpuTensor>,
        link: Link,
        out: &GpuTensor,
    ) {
        let [left_row, left_inner] = of_left.map(|stride| stride as u32);
        let [right_inner, right_column] = of_right.map(|stride| stride as u32);
        let params = Params {
            n: [out.rows as u32, out.columns as u32, inner as u32, number_of(link)],
            m: [left_row, left_inner, right_inner, right_column],
            s: [keep, scale, 0.0, 0.0],
            t: [if bias.is_some() { 1.0 } else { 0.0 }, 0.0, 0.0, 0.0],
            ..Params::default()
        };
        let call =
            Call { params, read: [Some(left), Some(right), bias], written: [Some(out), None, None], ..Call::default() };
        let groups = [out.columns.div_ceil(TILE), out.rows.div_ceil(TILE)];
        if out.len() > 0 {
            self.run_groups(Kernel(File::Product, "product"), groups, call);
        }
    }

    /// A kernel over visible units of several kinds, in place.
    fn visible(
        &self,
        kernel: &'static str,
        params: Params,
        words: &[u32],
        (kinds, bias): (&UnitKinds, &GpuTensor),
        x: &GpuTensor,
    ) {
        let table = self.unit_table(kinds, x.columns);
        let params = Params { n: [x.rows as u32, x.columns as u32, 0, 0], ..params };
        let call = Call { params, words, read: [None, Some(bias), Some(&table)], written: [Some(x), None, None] };
        self.run(Kernel(File::Visible, kernel), x.len(), GROUP, call);
    }

    /// Columns of `from` from `take` on to columns of `to` from `put` on.
    fn move_columns(&self, from: &GpuTensor, take: usize, columns: usize, put: usize, to: &GpuTensor) {
        let params = Params {
            n: [from.rows, columns, from.columns, to.columns].map(|size| size as u32),
            m: [take as u32, put as u32, 0, 0],
            ..Params::default()
        };
        let call = Call { params, read: [Some(from), None, None], written: [Some(to), None, None], ..Call::default() };
        self.run(Kernel(File::Rows, "move_columns"), from.rows * columns, GROUP, call);
    }

    /// Rows of a set, of which `piece` holds those from `first` on.
    fn take(&self, piece: &GpuTensor, first: usize, rows: &[u32], out: &GpuTensor) {
        let params = Params {
            n: [rows.len() as u32, piece.columns as u32, 0, 0],
            m: [0, 0, first as u32, piece.rows as u32],
            ..Params::default()
        };
        let call = Call { params, words: rows, read: [Some(piece), None, None], written: [Some(out), None, None] };
        self.run(Kernel(File::Rows, "take_rows"), out.len(), GROUP, call);
    }

    /// Sums of pairs that a kernel makes of every row are added to `totals`.
    fn add_pairs(&self, pairs: &GpuTensor, totals: &GpuTensor) {
        let params = Params { n: [pairs.rows as u32, 2, 0, 0], ..Params::default() };
        let call =
            Call { params, read: [Some(pairs), None, None], written: [Some(totals), None, None], ..Call::default() };
        self.run_groups(Kernel(File::Sums, "add_pairs"), [1, 1], call);
    }

    /// A kernel over classes, with a thread for every one of `threads`.
    #[allow(clippy::too_many_arguments)]
    fn of_classes(
        &self,
        kernel: &'static str,
        (kind, classes): (HiddenKind, usize),
        weights: &GpuTensor,
        fields: &GpuTensor,
        other: &GpuTensor,
        threads: usize,
        out: &GpuTensor,
    ) {
        let params = Params {
            n: [fields.rows as u32, out.columns as u32, kind as u32, classes as u32],
            m: [fields.columns as u32, weights.columns as u32, 0, 0],
            ..Params::default()
        };
        let read = [Some(fields), Some(weights), Some(other)];
        let call = Call { params, read, written: [Some(out), None, None], ..Call::default() };
        self.run(Kernel(File::Classes, kernel), threads, GROUP, call);
    }

    /// A tensor that nobody asks for.
    fn with_scratch<R>(&self, rows: usize, columns: usize, work: impl FnOnce(&mut GpuTensor) -> R) -> R {
        let mut scratch = self.scratch.take();
        scratch.reshape(&self.device, rows, columns);
        let result = work(&mut scratch);
        self.scratch.replace(scratch);
        result
    }
}

impl Backend for Gpu {
    type Tensor = GpuTensor;
    type Set<'a> = GpuSet;
    type States = GpuTensor;
    type Rounded = GpuRounded;

    fn check(&self) -> Result<(), Error> {
        self.fault.check()
    }

    fn finish(&self) {
        self.wait();
    }

    fn upload(&self, rows: usize, columns: usize, values: &[f32]) -> GpuTensor {
        self.uploaded(rows, columns, values)
    }

    fn zeros(&self, rows: usize, columns: usize) -> GpuTensor {
        GpuTensor::zeros(&self.device, rows, columns)
    }

    fn download(&self, tensor: &GpuTensor) -> Vec<f32> {
        self.downloaded(tensor)
    }

    fn shape(&self, tensor: &GpuTensor) -> [usize; 2] {
        [tensor.rows, tensor.columns]
    }

    fn copy(&self, from: &GpuTensor, to: &mut GpuTensor) {
        to.reshape(&self.device, from.rows, from.columns);
        self.move_columns(from, 0, from.columns, 0, to);
    }

    fn put_marked(&self, from: &GpuTensor, marks: &GpuTensor, values: &mut GpuTensor) {
        self.each("put_marked", Params::default(), [Some(from), Some(marks), None], values);
    }

    fn hold<'a>(&self, columns: usize, values: Cow<'a, [f32]>) -> GpuSet {
        assert_eq!(values.len() % columns.max(1), 0, "whole rows");
        let largest = self.adapter().largest_tensor as usize / size_of::<f32>();
        let piece_rows = (largest / columns.max(1)).max(1);
        let pieces = values.chunks((piece_rows * columns).max(1));
        let pieces = pieces.map(|piece| self.uploaded(piece.len() / columns.max(1), columns, piece)).collect();
        GpuSet { piece_rows, columns, pieces }
    }

    fn take_rows(&self, set: &GpuSet, rows: &[u32], out: &mut GpuTensor) {
        out.reshape(&self.device, rows.len(), set.columns);
        for (number, piece) in set.pieces.iter().enumerate() {
            self.take(piece, number * set.piece_rows, rows, out);
        }
    }

    fn gather(&self, source: &GpuTensor, rows: &[u32], out: &mut GpuTensor) {
        out.reshape(&self.device, rows.len(), source.columns);
        self.take(source, 0, rows, out);
    }

    fn take_columns(&self, values: &GpuTensor, columns: Range<usize>, out: &mut GpuTensor) {
        out.reshape(&self.device, values.rows, columns.len());
        self.move_columns(values, columns.start, columns.len(), 0, out);
    }

    fn put_columns(&self, values: &GpuTensor, first: usize, out: &mut GpuTensor) {
        self.move_columns(values, 0, values.columns, first, out);
    }

    fn affine(
        &self,
        direction: Direction,
        weights: &GpuTensor,
        bias: Option<&GpuTensor>,
        link: Link,
        input: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        let (columns, strides) = match direction {
            Direction::Up => (weights.rows, [1, weights.columns]),
            Direction::Down => (weights.columns, [weights.columns, 1]),
        };
        out.reshape(&self.device, input.rows, columns);
        self.product([0.0, 1.0], (input, [input.columns, 1]), (weights, strides), input.columns, bias, link, out);
    }

    fn bernoulli(&self, draws: Draws<'_>, probabilities: &GpuTensor, out: &mut GpuTensor) {
        self.copy(probabilities, out);
        self.draw("bernoulli", draws, [0.0; 2], out);
    }

    fn pack(&self, values: &GpuTensor, out: &mut GpuTensor) {
        self.copy(values, out);
    }

    fn unpack(&self, states: &GpuTensor, out: &mut GpuTensor) {
        self.copy(states, out);
    }

    fn round(&self, weights: &GpuTensor, GpuRounded(out): &mut GpuRounded) {
        out.reshape(&self.device, weights.rows, weights.columns);
        let params = Params { n: [weights.len() as u32, 0, 0, 0], ..Params::default() };
        self.with_scratch(1, PARTS, |parts| {
            let read = [Some(weights), None, None];
            let largest = Call { params, read, written: [Some(parts), None, None], ..Call::default() };
            self.run_groups(Kernel(File::Rounded, "largest"), [PARTS, 1], largest);
            let read = [Some(weights), Some(&*parts), None];
            let call = Call { params, read, written: [Some(out), None, None], ..Call::default() };
            self.run(Kernel(File::Rounded, "round_weights"), weights.len(), GROUP, call);
        });
    }

    fn sample_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        GpuRounded(weights): &GpuRounded,
        bias: &GpuTensor,
        beta: Beta,
        input: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        self.affine(direction, weights, Some(bias), Link::Identity, input, out);
        self.draw("sample", draws, [beta.value(), 0.0], out);
    }

    fn hidden_means(&self, kind: HiddenKind, fields: &mut GpuTensor) {
        let params = Params { n: [0, 0, kind as u32, 0], ..Params::default() };
        self.each("hidden_means", params, [None; 3], fields);
    }

    fn sample_hidden(&self, draws: Draws<'_>, kind: HiddenKind, beta: Beta, fields: &mut GpuTensor) {
        let kernel = if kind == HiddenKind::Relu { "sample_rectified" } else { "sample" };
        self.draw(kernel, draws, [beta.value(), 0.0], fields);
    }

    fn visible_start(&self, kinds: &UnitKinds, bias: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(&self.device, 1, bias.len());
        self.visible("visible_start", Params::default(), &[], (kinds, bias), out);
    }

    fn visible_means(&self, kinds: &UnitKinds, bias: &GpuTensor, inputs: &mut GpuTensor) {
        self.visible("visible_means", Params::default(), &[], (kinds, bias), inputs);
    }

    fn sample_visible(
        &self,
        draws: Draws<'_>,
        kinds: &UnitKinds,
        beta: Beta,
        bias: &GpuTensor,
        inputs: &mut GpuTensor,
    ) {
        if kinds.blocks.is_empty() {
            self.draw("sample", draws, [beta.value(), 0.0], inputs);
        } else {
            let params = Params { s: [beta.value(), 0.0, 0.0, 0.0], ..Params::default() };
            self.visible("sample_visible", params.drawing(draws), draws.samples, (kinds, bias), inputs);
        }
    }

    fn visible_energies(&self, kinds: &UnitKinds, bias: &GpuTensor, visible: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(&self.device, visible.rows, 1);
        let table = self.unit_table(kinds, visible.columns);
        let read = [Some(visible), Some(bias), Some(&table)];
        self.each_row("visible_energies", Params::default(), read, [Some(out), None]);
    }

    fn subtract_hidden_terms(&self, kind: HiddenKind, scale: f32, fields: &GpuTensor, out: &mut GpuTensor) {
        let params = Params { n: [0, 0, kind as u32, 0], s: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        self.each_row("subtract_hidden_terms", params, [Some(fields), None, None], [Some(out), None]);
    }

    fn rescale(&self, scale: f32, shift: Option<(f32, &GpuTensor)>, values: &mut GpuTensor) {
        let share = shift.map_or(0.0, |(share, _)| share);
        let params =
            Params { n: [0, 0, u32::from(shift.is_some()), 0], s: [scale, share, 0.0, 0.0], ..Params::default() };
        self.each("rescale", params, [shift.map(|(_, shift)| shift), None, None], values);
    }

    fn sample_hidden_exactly(&self, draws: Draws<'_>, kind: HiddenKind, fields: &mut GpuTensor) {
        match kind {
            HiddenKind::Bernoulli => self.sample_hidden(draws, kind, Beta::ONE, fields),
            HiddenKind::Relu => self.draw("sample_copies", draws, [0.0; 2], fields),
        }
    }

    fn add_term_changes(
        &self,
        kind: HiddenKind,
        [from, to]: [f32; 2],
        slopes: &GpuTensor,
        fields: &GpuTensor,
        sums: &mut GpuTensor,
    ) {
        let [low, middle, high] = ebm_core::kernel::units::gauss_points(from, to);
        let params = Params {
            n: [0, 0, kind as u32, 0],
            s: [from, to, low, high],
            t: [middle, 0.0, 0.0, 0.0],
            ..Params::default()
        };
        self.each_row("add_term_changes", params, [Some(fields), Some(slopes), None], [Some(sums), None]);
    }

    fn single_changes(
        &self,
        kind: HiddenKind,
        weights: &GpuTensor,
        fields: &GpuTensor,
        units: Range<usize>,
        changes: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(&self.device, fields.rows, units.len());
        let params = Params {
            n: [fields.rows as u32, units.len() as u32, kind as u32, 0],
            m: [fields.columns as u32, weights.columns as u32, units.start as u32, 0],
            ..Params::default()
        };
        let read = [Some(fields), Some(weights), Some(changes)];
        let call = Call { params, read, written: [Some(out), None, None], ..Call::default() };
        self.run(Kernel(File::Classes, "single_changes"), out.len(), GROUP, call);
    }

    fn visible_log_partitions(&self, kinds: &UnitKinds, bias: &GpuTensor, inputs: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(&self.device, inputs.rows, 1);
        let table = self.unit_table(kinds, inputs.columns);
        let read = [Some(inputs), Some(bias), Some(&table)];
        self.each_row("visible_log_partitions", Params::default(), read, [Some(out), None]);
    }

    fn visible_log_densities(
        &self,
        kinds: &UnitKinds,
        bias: &GpuTensor,
        inputs: &GpuTensor,
        visible: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(&self.device, inputs.rows, 1);
        let table = self.unit_table(kinds, inputs.columns);
        let read = [Some(inputs), Some(bias), Some(&table)];
        self.each_row("visible_log_densities", Params::default(), read, [Some(out), Some(visible)]);
    }

    fn dropout(&self, draws: Draws<'_>, rate: f32, values: &mut GpuTensor) {
        self.draw("dropout", draws, [rate, 1.0 / (1.0 - rate)], values);
    }

    fn outer(&self, mut keep: f32, terms: &[(f32, [&GpuTensor; 2])], out: &mut GpuTensor) {
        for &(scale, [visible, hidden]) in terms {
            assert_eq!(hidden.rows, visible.rows, "as many hidden as visible samples");
            let left = (hidden, [1, hidden.columns]);
            self.product([keep, scale], left, (visible, [visible.columns, 1]), visible.rows, None, Link::Identity, out);
            keep = 1.0;
        }
    }

    fn column_sums(&self, mut keep: f32, terms: &[(f32, &GpuTensor)], out: &mut GpuTensor) {
        if terms.is_empty() {
            self.rescale(keep, None, out);
        }
        for &(scale, values) in terms {
            let params = Params {
                n: [values.rows as u32, values.columns as u32, 0, 0],
                s: [keep, scale, 0.0, 0.0],
                ..Params::default()
            };
            let call =
                Call { params, read: [Some(values), None, None], written: [Some(out), None, None], ..Call::default() };
            self.run_groups(Kernel(File::Sums, "column_sums"), [out.columns.div_ceil(ROW_GROUP), 1], call);
            keep = 1.0;
        }
    }

    fn add_scaled(&self, scale: f32, values: &GpuTensor, out: &mut GpuTensor) {
        let params = Params { s: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        self.each("add_scaled", params, [Some(values), None, None], out);
    }

    fn backward(&self, link: Link, kept: f32, outputs: &GpuTensor, delta: &mut GpuTensor) {
        let params = Params { n: [0, 0, number_of(link), 0], s: [kept, 0.0, 0.0, 0.0], ..Params::default() };
        self.each("backward", params, [Some(outputs), None, None], delta);
    }

    fn softmax_cross_entropy(&self, labels: &[u16], smoothing: f32, scores: &mut GpuTensor, totals: &mut GpuTensor) {
        let (rows, classes) = (scores.rows, scores.columns);
        let labels: Vec<u32> = labels.iter().map(|&label| label.into()).collect();
        assert_eq!(labels.len(), rows, "a label a row");
        let params = Params {
            n: [rows as u32, classes as u32, 0, classes as u32],
            s: [1.0 - smoothing, smoothing / classes.max(1) as f32, 1.0 / rows as f32, 0.0],
            ..Params::default()
        };
        self.with_scratch(rows, 2, |pairs| {
            let written = [Some(&*scores), Some(&*pairs), None];
            let call = Call { params, words: &labels, written, ..Call::default() };
            self.run(Kernel(File::Classes, "softmax_cross_entropy"), rows, ROW_GROUP, call);
            self.add_pairs(pairs, totals);
        });
    }

    fn limit_norms(&self, largest: f32, rows: &mut GpuTensor) {
        let params = Params { s: [largest, 0.0, 0.0, 0.0], ..Params::default() };
        self.each_row("limit_norms", params, [None; 3], [Some(rows), None]);
    }

    fn class_scores(
        &self,
        kind: HiddenKind,
        classes: usize,
        weights: &GpuTensor,
        visible_bias: &GpuTensor,
        fields: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(&self.device, fields.rows, classes);
        self.of_classes("class_scores", (kind, classes), weights, fields, visible_bias, out.len(), out);
    }

    fn class_fields_backward(
        &self,
        kind: HiddenKind,
        weights: &GpuTensor,
        scores: &GpuTensor,
        fields: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(&self.device, fields.rows, fields.columns);
        self.of_classes("class_fields_backward", (kind, scores.columns), weights, fields, scores, out.len(), out);
    }

    fn class_weights_backward(
        &self,
        kind: HiddenKind,
        weights: &GpuTensor,
        scores: &GpuTensor,
        fields: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        let threads = fields.columns * scores.columns;
        self.of_classes("class_weights_backward", (kind, scores.columns), weights, fields, scores, threads, out);
    }

    fn class_bias_backward(&self, scores: &GpuTensor, out: &mut GpuTensor) {
        let (rows, classes) = (scores.rows, scores.columns);
        let params = Params { n: [rows as u32, out.len() as u32, 0, classes as u32], ..Params::default() };
        let call =
            Call { params, read: [Some(scores), None, None], written: [Some(out), None, None], ..Call::default() };
        self.run(Kernel(File::Classes, "class_bias_backward"), classes, ROW_GROUP, call);
    }

    fn add_errors(&self, x: &GpuTensor, y: &GpuTensor, totals: &mut GpuTensor) {
        self.with_scratch(x.rows, 2, |pairs| {
            self.each_row("errors", Params::default(), [Some(x), Some(y), None], [Some(pairs), None]);
            self.add_pairs(pairs, totals);
        });
    }

    fn fill_missing(&self, values: &GpuTensor, by: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(&self.device, values.rows, values.columns);
        self.each("fill_missing", Params::default(), [Some(values), Some(by), None], out);
    }

    fn add_noise(&self, draws: Draws<'_>, deviation: f32, values: &mut GpuTensor) {
        self.draw("add_noise", draws, [deviation, 0.0], values);
    }

    fn multiply_columns(&self, factors: &GpuTensor, values: &mut GpuTensor) {
        self.each("multiply_columns", Params::default(), [Some(factors), None, None], values);
    }

    fn multiply_rows(&self, factors: &GpuTensor, values: &mut GpuTensor) {
        self.each("multiply_rows", Params::default(), [Some(factors), None, None], values);
    }

    fn add_signs(&self, scale: f32, values: &GpuTensor, out: &mut GpuTensor) {
        let params = Params { s: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        self.each("add_signs", params, [Some(values), None, None], out);
    }

    fn descend(
        &self,
        step: Step,
        weight_decay: f32,
        terms: &[(f32, [&GpuTensor; 2])],
        moments: &mut [GpuTensor; 2],
        parameter: &mut GpuTensor,
    ) {
        self.with_scratch(parameter.rows, parameter.columns, |gradient| {
            self.outer(0.0, terms, gradient);
            if weight_decay > 0.0 {
                self.add_scaled(weight_decay, parameter, gradient);
            }
            self.step(step, gradient, moments, parameter);
        });
    }

    fn step(&self, step: Step, gradient: &GpuTensor, moments: &mut [GpuTensor; 2], parameter: &mut GpuTensor) {
        let [first, second] = moments;
        let (kernel, s, t) = match step {
            Step::Momentum { learning_rate, momentum } => ("momentum", [learning_rate, momentum, 0.0, 0.0], [0.0; 2]),
            Step::Adam { learning_rate, taken } => {
                ("adam", [learning_rate, ADAM.beta_1, ADAM.beta_2, ADAM.epsilon], ADAM.corrections(taken))
            }
        };
        let params = Params { n: [parameter.len() as u32, 0, 0, 0], s, t: [t[0], t[1], 0.0, 0.0], ..Params::default() };
        let written = [Some(&*parameter), Some(&*first), Some(&*second)];
        let call = Call { params, read: [Some(gradient), None, None], written, ..Call::default() };
        self.run(Kernel(File::Steps, kernel), parameter.len(), GROUP, call);
    }
}
