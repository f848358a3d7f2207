//! Matrix products through the `gemm` crate's f32 kernels: the one place of `unsafe` in this crate.
#![allow(unsafe_code)]

use gemm_common::Parallelism;
use gemm_f32::gemm::f32::get_gemm_fn;

/// A borrowed matrix: element `(r, c)` is `values[r·row_stride + c·column_stride]`.
#[derive(Clone, Copy)]
pub(super) struct MatrixRef<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> MatrixRef<'a> {
    /// A row-major matrix.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix of {rows} × {columns}");
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// `count` columns of a row-major matrix, from `first` on.
    pub(super) fn columns_from(self, first: usize, count: usize) -> Self {
        assert!(self.column_stride == 1 && first + count <= self.columns, "columns inside a row-major matrix");
        Self { values: self.values.get(first..).unwrap_or_default(), columns: count, ..self }
    }

    /// The same numbers with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `out ← keep·out + scale·left·right` on this thread; `out` is row-major, `left.rows × right.columns`.
/// With `keep = 0` what `out` held does not matter.
pub(super) fn product(keep: f32, scale: f32, left: MatrixRef<'_>, right: MatrixRef<'_>, out: &mut [f32]) {
    assert_eq!(left.columns, right.rows, "the inner lengths of a product");
    assert_eq!(out.len(), left.rows * right.columns, "the result of a product");
    // The kernels want a column-major result: outᵀ = rightᵀ·leftᵀ is the same numbers in the same places.
    let (lhs, rhs) = (right.transposed(), left.transposed());
    // SAFETY: a matrix is built over a slice of exactly rows × columns elements (`MatrixRef::new`), and `columns_from` and
    // `transposed` keep its last element, `(rows − 1)·row_stride + (columns − 1)·column_stride`, inside it; `out` has
    // rows × columns elements (asserted above) and is borrowed mutably, so it overlaps neither; strides fit an isize
    // because the slices exist.
    unsafe {
        get_gemm_fn()(
            lhs.rows,
            rhs.columns,
            lhs.columns,
            out.as_mut_ptr(),
            right.columns as isize,
            1,
            keep != 0.0,
            lhs.values.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.values.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            keep,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
