//! The likeliest of many tokens: all that top-k sampling looks at, and all that a GPU sends for it. Knows no request.

use std::cmp::Ordering;

/// How many a GPU sends of a row of logits; top-k up to this needs no more.
pub(crate) const LONGEST: usize = 64;

/// A token that may be chosen, and its logit or its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub id: u32,
    pub value: f32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what the sorts of slices take")]
/// The likeliest first; equal ones in the order of their ids.
pub(crate) fn by_likelihood(a: &Candidate, b: &Candidate) -> Ordering {
    b.value.total_cmp(&a.value).then(a.id.cmp(&b.id))
}

/// The `count` highest of `logits` in order, or all there are.
pub(crate) fn likeliest(logits: &[f32], count: usize) -> Vec<Candidate> {
    let candidate = |(id, value): (usize, &f32)| Candidate { id: id as u32, value: *value };
    let mut candidates: Vec<Candidate> = logits.iter().enumerate().map(candidate).collect();
    if count < candidates.len() {
        candidates.select_nth_unstable_by(count, by_likelihood);
        candidates.truncate(count);
    }
    candidates.sort_unstable_by(by_likelihood);
    candidates
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_the_first_of_all_in_order(logits in vec(-3_i8..3, 0..40), count in 0_usize..50) {
            let logits: Vec<f32> = logits.into_iter().map(f32::from).collect();
            let mut all: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
            // stable: equal ones stay in the order of their ids
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            all.truncate(count);

            let found: Vec<(u32, f32)> =
                likeliest(&logits, count).into_iter().map(|candidate| (candidate.id, candidate.value)).collect();

            prop_assert_eq!(found, all);
        }
    }
}
