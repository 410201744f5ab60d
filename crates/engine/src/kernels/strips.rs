//! Hands the columns of one output to many tasks, each column to one of them. Knows no product.

use std::marker::PhantomData;
use std::ops::Range;

/// Some columns of an output `[n, width]`.
pub(super) struct Strip<'a> {
    first: *mut f32,
    width: usize,
    rows: usize,
    columns: Range<usize>,
    output: PhantomData<&'a mut [f32]>,
}

// SAFETY: a strip is the only way to its numbers while it lives, as a `&mut [f32]` is, and that can be sent.
unsafe impl Send for Strip<'_> {}

impl<'a> Strip<'a> {
    /// The whole of an output that is `width` wide.
    pub(super) fn whole(output: &'a mut [f32], width: usize) -> Self {
        assert!(width > 0 && output.len().is_multiple_of(width));
        let rows = output.len() / width;
        Self { first: output.as_mut_ptr(), width, rows, columns: 0..width, output: PhantomData }
    }

    /// The first `columns` of this strip, and the others.
    pub(super) fn split(self, columns: usize) -> (Self, Self) {
        let middle = self.columns.start + columns;
        assert!(middle <= self.columns.end);
        let (left, right) = (self.columns.start..middle, middle..self.columns.end);
        (Self { columns: left, ..self }, Self { columns: right, ..self })
    }

    /// Rows, as in the whole output.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of this strip alone.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Some columns, counted from the first of this strip, in one row.
    pub(super) fn part(&mut self, row: usize, columns: Range<usize>) -> &mut [f32] {
        assert!(row < self.rows && columns.start <= columns.end && columns.end <= self.columns.len());
        let at = row * self.width + self.columns.start + columns.start;
        // SAFETY: the assertions of this function, of `split` and of `whole` keep the offset inside the output.
        let first = unsafe { self.first.add(at) };
        // SAFETY: so is the end; no other strip has these columns, since `split` takes the strip it halves, and the
        // borrow of `self` keeps this one from lending them twice.
        unsafe { std::slice::from_raw_parts_mut(first, columns.len()) }
    }
}
