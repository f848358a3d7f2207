//! Matrix products through the `gemm` crate's f32 kernels, and the tiles of their results that threads write at a time.
//! One of the four places of `unsafe` in this crate: `cpu/mod.rs` names them.
#![allow(unsafe_code)]

use gemm_common::Parallelism;
use gemm_f32::gemm::f32::get_gemm_fn;
use std::marker::PhantomData;
use std::ops::Range;

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

    /// Some of its rows and columns.
    pub(super) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.end <= self.rows && columns.end <= self.columns, "a part lies inside its matrix");
        let first = rows.start * self.row_stride + columns.start * self.column_stride;
        Self { values: self.values.get(first..).unwrap_or_default(), rows: rows.len(), columns: columns.len(), ..self }
    }

    /// Number of rows.
    pub(super) fn rows(self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub(super) fn columns(self) -> usize {
        self.columns
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

/// Where numbers begin that one tile has for itself.
#[derive(Clone, Copy)]
struct First(*mut f32);

// SAFETY: it stands for a mutable borrow of numbers that no other tile has, and such a borrow may go to another thread.
unsafe impl Send for First {}

impl First {
    /// SAFETY: the caller sees to it that this many numbers further the borrow has not ended.
    unsafe fn after(self, numbers: usize) -> Self {
        // SAFETY: as above.
        Self(unsafe { self.0.add(numbers) })
    }
}

/// Some rows and columns of a row-major matrix that no other tile has.
pub(super) struct Tile<'a> {
    first: First,
    stride: usize,
    /// Which rows of the matrix.
    pub rows: Range<usize>,
    /// Which of its columns.
    pub columns: Range<usize>,
    matrix: PhantomData<&'a mut [f32]>,
}

impl Tile<'_> {
    /// The part of each row that lies in the tile, from the first on.
    pub(super) fn each_row(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let (first, stride, width) = (self.first, self.stride, self.columns.len());
        // SAFETY: `tiles` has seen that the rows lie inside the borrowed matrix; each is given out once, under the borrow of the tile.
        (0..self.rows.len())
            .map(move |row| unsafe { std::slice::from_raw_parts_mut(first.after(row * stride).0, width) })
    }
}

/// Cuts a row-major matrix of so many columns into tiles of at most `rows × columns`, row by row of tiles.
pub(super) fn tiles(values: &mut [f32], stride: usize, [rows, columns]: [usize; 2]) -> impl Iterator<Item = Tile<'_>> {
    let all = values.len() / stride.max(1);
    assert_eq!(values.len(), all * stride, "whole rows");
    let first = First(values.as_mut_ptr());
    let cut = |from: usize, step: usize, end: usize| from..(from + step).min(end);
    (0..all).step_by(rows.max(1)).flat_map(move |row| {
        (0..stride).step_by(columns.max(1)).map(move |column| Tile {
            // SAFETY: row < all and column < stride, so it is an element of `values`.
            first: unsafe { first.after(row * stride + column) },
            stride,
            rows: cut(row, rows, all),
            columns: cut(column, columns, stride),
            matrix: PhantomData,
        })
    })
}

/// `out ← keep·out + scale·left·right` on this thread; `out` is `left.rows × right.columns`.
/// With `keep = 0` what `out` held does not matter.
pub(super) fn product(keep: f32, scale: f32, left: MatrixRef<'_>, right: MatrixRef<'_>, out: &mut Tile<'_>) {
    assert_eq!(left.columns, right.rows, "the inner lengths of a product");
    assert_eq!([out.rows.len(), out.columns.len()], [left.rows, right.columns], "the result of a product");
    // The kernels want a column-major result: outᵀ = rightᵀ·leftᵀ is the same numbers in the same places.
    let (lhs, rhs) = (right.transposed(), left.transposed());
    // SAFETY: a matrix is built over a slice of exactly rows × columns elements (`MatrixRef::new`), and `part` and `transposed` keep its last
    // element, `(rows − 1)·row_stride + (columns − 1)·column_stride`, inside it; a tile lies inside a matrix that is borrowed mutably, so it
    // overlaps neither; strides fit an isize because the slices exist.
    unsafe {
        get_gemm_fn()(
            lhs.rows,
            rhs.columns,
            lhs.columns,
            out.first.0,
            out.stride as isize,
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
