//! Work on parts of a slice, side by side. Knows no tensor.

use crate::kernels::Team;

/// Hands each part of `size` numbers, and its index, to a thread that is free.
pub(super) fn each_part<T: Send>(
    team: &Team,
    slice: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    team.each(slice.chunks_mut(size).enumerate().collect(), |(index, part)| work(index, part));
}
