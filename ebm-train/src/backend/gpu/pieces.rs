//! Tensors that are larger than what a card binds at a time: an operation is then done to as many pieces of them, each of some rows.

use super::{Gpu, GpuTensor};
use std::ops::Range;

/// Rows that pieces begin at are multiples of this: so many numbers, of however many columns, take as many bytes as a binding has to be aligned to.
pub(super) const ALIGNED_ROWS: usize = 64;

impl Gpu {
    /// Rows of a piece of tensors of so many columns.
    fn piece_rows(&self, columns: usize) -> usize {
        let rows = self.adapter.largest_tensor as usize / size_of::<f32>() / columns.max(1);
        (rows / ALIGNED_ROWS * ALIGNED_ROWS).max(ALIGNED_ROWS)
    }

    /// Pieces of so many rows, of tensors of up to so many columns: an empty one of none.
    pub(super) fn pieces(&self, rows: usize, columns: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let of_piece = self.piece_rows(columns);
        (0..rows.max(1)).step_by(of_piece).map(move |start| start..rows.min(start + of_piece))
    }

    /// Does `work` to the rows of tensors, piece by piece if it must be. Those that have not so many rows belong to every piece as they are.
    pub(super) fn by_rows(
        &self,
        rows: usize,
        tensors: &[&GpuTensor],
        mut work: impl FnMut(Range<usize>, &[&GpuTensor]),
    ) {
        self.by_pieces(rows, usize::MAX, tensors, &mut work);
    }

    /// The same by pieces of at most so many rows, a multiple of [`ALIGNED_ROWS`].
    pub(super) fn by_pieces(
        &self,
        rows: usize,
        at_once: usize,
        tensors: &[&GpuTensor],
        mut work: impl FnMut(Range<usize>, &[&GpuTensor]),
    ) {
        let columns = tensors.iter().filter(|tensor| tensor.rows == rows).map(|tensor| tensor.columns).max();
        let of_piece = self.piece_rows(columns.unwrap_or(0)).min(at_once);
        if rows <= of_piece {
            return work(0..rows, tensors);
        }
        for start in (0..rows).step_by(of_piece) {
            let piece = start..rows.min(start + of_piece);
            let of_piece = |tensor: &&GpuTensor| {
                if tensor.rows == rows { tensor.view(piece.clone()) } else { (*tensor).clone() }
            };
            let views: Vec<GpuTensor> = tensors.iter().map(of_piece).collect();
            work(piece, &views.iter().collect::<Vec<_>>());
        }
    }
}
