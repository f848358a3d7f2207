//! [`CpuTensor`]: a matrix, and the parts of it that are taken up one by one; [`CpuSet`]: a data set.

use super::gemm::MatrixRef;
use std::borrow::Cow;
use std::slice::{Chunks, ChunksMut};

/// Rows of a batch that one task takes.
pub(super) const SHARD_ROWS: usize = 8;

/// A row-major matrix in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuTensor {
    pub(super) values: Vec<f32>,
    pub(super) columns: usize,
}

/// Rows of a data set, borrowed where they lie in memory already.
#[derive(Clone, Debug)]
pub struct CpuSet<'a> {
    pub(super) values: Cow<'a, [f32]>,
    pub(super) columns: usize,
}

impl CpuTensor {
    pub(super) fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// It as a factor of a product.
    pub(super) fn matrix(&self) -> MatrixRef<'_> {
        MatrixRef::new(&self.values, self.rows(), self.columns)
    }

    /// Takes a shape; what it holds afterwards is unspecified. Allocates only when it grows.
    pub(super) fn reshape(&mut self, rows: usize, columns: usize) {
        self.columns = columns;
        self.values.resize(rows * columns, 0.0);
    }

    pub(super) fn shards(&self) -> Chunks<'_, f32> {
        self.values.chunks(SHARD_ROWS * self.columns.max(1))
    }

    pub(super) fn shards_mut(&mut self) -> ChunksMut<'_, f32> {
        self.values.chunks_mut(SHARD_ROWS * self.columns.max(1))
    }
}
