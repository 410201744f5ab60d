//! Two ranked lists into one. Knows no index.

use crate::domain::PassageId;
use crate::domain::PassageScores;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): a passage scores the sum of
/// `1 / (60 + rank)` over the lists that hold it, ranks counted from 1.
const RRF_K: f64 = 60.0;

/// How [`fuse`] fuses, as the log says it.
pub const FUSION: &str = "reciprocal rank, k = 60";

/// Fuses the best by cosine and the best by BM25; best first, ties by id, at most `limit`.
///
/// Equal scores within a list are ranked by id as well, so that the same scores give the same order whichever engine
/// made the lists. A BM25 score of 0 shares no term and does not count.
pub fn fuse(
    dense: Vec<(PassageId, f32)>,
    sparse: Vec<(PassageId, f32)>,
    limit: usize,
) -> Vec<(PassageId, PassageScores)> {
    let mut fused: BTreeMap<PassageId, (f64, PassageScores)> = BTreeMap::new();
    for (rank, (id, score)) in ranked(dense) {
        let entry = fused.entry(id).or_default();
        entry.0 += 1.0 / (RRF_K + rank);
        entry.1.dense = Some(score);
    }
    for (rank, (id, score)) in ranked(sparse.into_iter().filter(|(_, score)| *score > 0.0).collect()) {
        let entry = fused.entry(id).or_default();
        entry.0 += 1.0 / (RRF_K + rank);
        entry.1.sparse = Some(score);
    }
    let mut fused: Vec<(PassageId, (f64, PassageScores))> = fused.into_iter().collect();
    fused.sort_by(|left, right| right.1.0.total_cmp(&left.1.0).then(left.0.cmp(&right.0)));
    fused.truncate(limit);
    fused
        .into_iter()
        .map(|(id, (score, scores))| (id, PassageScores { fused: score as f32, ..scores }))
        .collect()
}

/// Best first with ranks from 1.
fn ranked(mut leg: Vec<(PassageId, f32)>) -> impl Iterator<Item = (f64, (PassageId, f32))> {
    leg.sort_by(by_score_then_id);
    leg.into_iter().enumerate().map(|(index, hit)| ((index + 1) as f64, hit))
}

fn by_score_then_id(left: &(PassageId, f32), right: &(PassageId, f32)) -> Ordering {
    right.1.total_cmp(&left.1).then(left.0.cmp(&right.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::prelude::proptest;
    use proptest::prop_assert;
    use proptest::prop_assert_eq;
    use uuid::Uuid;

    fn id(number: u128) -> PassageId {
        PassageId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_passage_of_both_lists_beats_the_best_of_one() {
        let fused = fuse(vec![(id(1), 0.9), (id(2), 0.8)], vec![(id(3), 7.0), (id(2), 6.0)], 10);

        assert_eq!(fused.iter().map(|(found, _)| *found).collect::<Vec<_>>(), [id(2), id(1), id(3)]);
        assert_eq!((fused[0].1.dense, fused[0].1.sparse), (Some(0.8), Some(6.0)));
        assert!((fused[0].1.fused - 2.0 / 62.0).abs() < 1e-7);
        assert_eq!((fused[1].1.dense, fused[1].1.sparse), (Some(0.9), None));
    }

    #[test]
    fn ties_are_broken_by_id_within_a_list_and_after_fusion() {
        let fused = fuse(vec![(id(5), 0.5), (id(4), 0.5)], vec![(id(9), 1.0), (id(8), 1.0)], 10);

        assert_eq!(fused.iter().map(|(found, _)| *found).collect::<Vec<_>>(), [id(4), id(8), id(5), id(9)]);
    }

    #[test]
    fn a_passage_that_shares_no_term_has_no_bm25_score() {
        let fused = fuse(vec![(id(1), 0.5)], vec![(id(1), 0.0), (id(2), 0.0)], 10);

        assert_eq!(fused.len(), 1);
        assert_eq!(fused[0].1.sparse, None);
    }

    proptest! {
        #[test]
        fn the_order_in_which_an_engine_gives_a_list_does_not_matter(
            dense in vec((0_u128..20, 0_u8..4), 0..20),
            limit in 0_usize..30,
            turn in any::<usize>(),
        ) {
            let mut leg: Vec<(PassageId, f32)> = dense.iter().map(|(n, s)| (id(*n), f32::from(*s))).collect();
            leg.sort_by_key(|(found, _)| *found);
            leg.dedup_by_key(|(found, _)| *found);
            let mut turned = leg.clone();
            let by = turn % turned.len().max(1);
            turned.rotate_left(by);

            let fused = fuse(leg.clone(), leg.clone(), limit);

            prop_assert_eq!(&fused, &fuse(turned.clone(), turned, limit));
            prop_assert!(fused.len() <= limit);
            prop_assert!(fused.is_sorted_by(|left, right| left.1.fused >= right.1.fused));
        }
    }
}
