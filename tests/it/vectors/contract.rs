//! What every index does.

use crate::vectors::DIMENSIONS;
use crate::vectors::close;
use crate::vectors::passages;
use crate::vectors::places::Place;
use crate::vectors::point;
use crate::vectors::question;
use crate::vectors::reader_of;
use docent::domain::CollectionId;
use docent::domain::DocumentId;
use docent::domain::PassageId;
use docent::domain::SparseVector;
use docent::domain::sparse_document;
use docent::ports::Hit;
use docent::ports::HybridQuery;
use docent::ports::Point;
use docent::ports::StoreError;
use docent::ports::VectorIndex;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use time::OffsetDateTime;

macro_rules! everywhere {
    ($($name:ident)*) => {
        everywhere!(embedded: $($name)*);
        everywhere!(over_grpc: $($name)*);
        everywhere!(real: $($name)*);
    };
    ($place:ident: $($name:ident)*) => {
        mod $place {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if let Some(place) = super::Place::$place().await {
                        super::$name(&*place.index).await;
                        place.leave().await;
                    }
                }
            )*
        }
    };
}

everywhere! {
    writing_twice_is_writing_once
    more_points_than_a_batch_are_all_written
    scores_say_which_leg_found_a_passage
    the_rarer_word_weighs_more
    equal_scores_are_ordered_by_id
    a_question_without_terms_is_answered_by_meaning
    a_passage_without_terms_is_found_by_meaning
    the_limit_and_the_candidates_hold
    without_a_grant_nothing_is_found
    a_search_stays_within_its_documents
    random_grants_never_leak
    scores_say_nothing_of_collections_that_may_not_be_read
    deleting_a_version_leaves_the_other
    deleting_a_document_leaves_the_others
    vectors_that_no_embedder_made_are_refused
    a_version_is_found_in_its_time_alone
    a_passage_without_a_vector_is_found_by_its_words
    vectors_come_back_as_they_were_written
    a_healthy_index_says_so
}

async fn writing_twice_is_writing_once(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let points: Vec<Point> =
        (0..5).map(|ordinal| point(collection, document, ordinal, [1.0, 0.5, 0.0, 0.0], "rent")).collect();

    index.upsert(points.clone()).await.unwrap();
    index.upsert(points).await.unwrap();

    assert_eq!(index.count(document).await.unwrap(), 5);
    let hits =
        index.search(&question([1.0, 0.0, 0.0, 0.0], "rent"), &reader_of(&[collection])).await.unwrap();
    assert_eq!(hits.len(), 5);
}

async fn more_points_than_a_batch_are_all_written(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let points =
        (0..600).map(|ordinal| point(collection, document, ordinal, [1.0, 0.5, 0.0, 0.0], "rent")).collect();

    index.upsert(points).await.unwrap();
    index.upsert(Vec::new()).await.unwrap();

    assert_eq!(index.count(document).await.unwrap(), 600);
}

async fn scores_say_which_leg_found_a_passage(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let both = point(collection, document, 0, [3.0, 0.0, 0.0, 0.0], "违约责任");
    let meaning = point(collection, document, 1, [1.0, 1.0, 0.0, 0.0], "租金");
    index.upsert(vec![both.clone(), meaning.clone()]).await.unwrap();

    let query = question([2.0, 0.0, 0.0, 0.0], "违约");
    let hits = index.search(&query, &reader_of(&[collection])).await.unwrap();

    assert_eq!(passages(&hits), [both.passage, meaning.passage]);
    assert!(close(hits[0].scores.dense.unwrap(), 1.0), "{hits:?}");
    assert!(close(hits[1].scores.dense.unwrap(), 0.5_f32.sqrt()), "{hits:?}");
    assert!(hits[0].scores.sparse.unwrap() > 0.0, "{hits:?}");
    assert_eq!(hits[1].scores.sparse, None);
    assert!(close(hits[0].scores.fused, 2.0 / 61.0), "{hits:?}");
    assert!(close(hits[1].scores.fused, 1.0 / 62.0), "{hits:?}");
    assert_eq!(hits[0].scores.rerank, None);
}

async fn the_rarer_word_weighs_more(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let mut points: Vec<Point> = (0..20)
        .map(|ordinal| point(collection, document, ordinal, [0.0, 1.0, 0.0, 0.0], "lease tenant"))
        .collect();
    let rare = point(collection, document, 20, [0.0, 1.0, 0.0, 0.0], "lease easement");
    points.push(rare.clone());
    index.upsert(points).await.unwrap();

    let hits = index
        .search(&question([0.0, 1.0, 0.0, 0.0], "lease easement"), &reader_of(&[collection]))
        .await
        .unwrap();

    let best = hits
        .iter()
        .max_by(|left, right| left.scores.sparse.partial_cmp(&right.scores.sparse).unwrap())
        .unwrap();
    assert_eq!(best.passage, rare.passage);
    let common = hits.iter().find(|hit| hit.passage != rare.passage).unwrap();
    assert!(best.scores.sparse.unwrap() > 4.0 * common.scores.sparse.unwrap(), "{best:?} {common:?}");
}

async fn equal_scores_are_ordered_by_id(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let points: Vec<Point> =
        (0..12).map(|ordinal| point(collection, document, ordinal, [0.0, 1.0, 0.0, 0.0], "rent")).collect();
    let mut expected: Vec<PassageId> = points.iter().map(|point| point.passage).collect();
    expected.sort();
    index.upsert(points).await.unwrap();

    let hits =
        index.search(&question([0.0, 1.0, 0.0, 0.0], "rent"), &reader_of(&[collection])).await.unwrap();

    assert_eq!(passages(&hits), expected);
}

async fn a_question_without_terms_is_answered_by_meaning(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let stored = point(collection, document, 0, [0.0, 1.0, 0.0, 0.0], "rent");
    index.upsert(vec![stored.clone()]).await.unwrap();

    let hits = index
        .search(&question([0.0, 1.0, 0.0, 0.0], "what is it?"), &reader_of(&[collection]))
        .await
        .unwrap();

    assert_eq!(passages(&hits), [stored.passage]);
    assert_eq!(hits[0].scores.sparse, None);
}

async fn a_passage_without_terms_is_found_by_meaning(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let stored = point(collection, document, 0, [0.0, 1.0, 0.0, 0.0], "—");
    index.upsert(vec![stored.clone()]).await.unwrap();

    let hits =
        index.search(&question([0.0, 1.0, 0.0, 0.0], "rent"), &reader_of(&[collection])).await.unwrap();

    assert_eq!(passages(&hits), [stored.passage]);
}

async fn the_limit_and_the_candidates_hold(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let points = (0..30)
        .map(|ordinal| point(collection, document, ordinal, [1.0, ordinal as f32, 0.0, 0.0], "rent"))
        .collect();
    index.upsert(points).await.unwrap();
    let filter = reader_of(&[collection]);
    let with = |candidates, limit| HybridQuery {
        candidates,
        limit,
        sparse: SparseVector::default(),
        ..question([1.0, 0.0, 0.0, 0.0], "")
    };

    assert_eq!(index.search(&with(50, 3), &filter).await.unwrap().len(), 3);
    assert_eq!(index.search(&with(5, 50), &filter).await.unwrap().len(), 5);
    assert_eq!(index.search(&with(0, 50), &filter).await.unwrap().len(), 0);
    assert_eq!(index.search(&with(50, 0), &filter).await.unwrap().len(), 0);
}

async fn without_a_grant_nothing_is_found(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    index.upsert(vec![point(collection, document, 0, [0.0, 1.0, 0.0, 0.0], "rent")]).await.unwrap();
    let query = HybridQuery { documents: vec![document], ..question([0.0, 1.0, 0.0, 0.0], "rent") };

    assert_eq!(index.search(&query, &reader_of(&[])).await.unwrap(), []);
    assert_eq!(index.search(&query, &reader_of(&[CollectionId::new()])).await.unwrap(), []);
}

async fn a_search_stays_within_its_documents(index: &dyn VectorIndex) {
    let collection = CollectionId::new();
    let documents = [DocumentId::new(), DocumentId::new(), DocumentId::new()];
    let points: Vec<Point> = documents
        .iter()
        .map(|document| point(collection, *document, 0, [0.0, 1.0, 0.0, 0.0], "rent"))
        .collect();
    index.upsert(points.clone()).await.unwrap();

    let query = HybridQuery {
        documents: vec![documents[0], documents[2], DocumentId::new()],
        ..question([0.0, 1.0, 0.0, 0.0], "rent")
    };
    let hits = index.search(&query, &reader_of(&[collection])).await.unwrap();

    let found: BTreeSet<PassageId> = passages(&hits).into_iter().collect();
    assert_eq!(found, [points[0].passage, points[2].passage].into());
}

async fn random_grants_never_leak(index: &dyn VectorIndex) {
    let collections: Vec<CollectionId> = (0..5).map(|_| CollectionId::new()).collect();
    let documents: Vec<DocumentId> = (0..15).map(|_| DocumentId::new()).collect();
    let points: Vec<Point> = (0..150)
        .map(|number| {
            let document = number % documents.len();
            let dense = [1.0, number as f32 / 150.0, 0.2, 0.0];
            point(
                collections[document % collections.len()],
                documents[document],
                number as u32,
                dense,
                "rent 租金",
            )
        })
        .collect();
    index.upsert(points.clone()).await.unwrap();
    let scopes = (any::<[bool; 5]>(), any::<[bool; 15]>());
    let mut runner = TestRunner::deterministic();

    for _ in 0..40 {
        let (granted, wanted) = scopes.new_tree(&mut runner).unwrap().current();
        let granted: Vec<CollectionId> =
            collections.iter().zip(granted).filter(|(_, yes)| *yes).map(|(id, _)| *id).collect();
        let wanted: Vec<DocumentId> =
            documents.iter().zip(wanted).filter(|(_, yes)| *yes).map(|(id, _)| *id).collect();
        let query = HybridQuery {
            documents: wanted.clone(),
            candidates: 200,
            limit: 200,
            ..question([1.0, 0.0, 0.0, 0.0], "rent")
        };

        let hits = index.search(&query, &reader_of(&granted)).await.unwrap();

        let allowed: BTreeSet<PassageId> = points
            .iter()
            .filter(|point| granted.contains(&point.collection))
            .filter(|point| wanted.is_empty() || wanted.contains(&point.document))
            .map(|point| point.passage)
            .collect();
        assert_eq!(passages(&hits).into_iter().collect::<BTreeSet<_>>(), allowed);
    }
}

async fn scores_say_nothing_of_collections_that_may_not_be_read(index: &dyn VectorIndex) {
    let (mine, document) = (CollectionId::new(), DocumentId::new());
    let texts = ["merger price", "rent", "notice", "deposit"];
    let points =
        (0_u32..).zip(texts).map(|(n, text)| point(mine, document, n, [0.0, 1.0, 0.0, 0.0], text)).collect();
    index.upsert(points).await.unwrap();
    let query = question([0.0, 1.0, 0.0, 0.0], "merger price");
    let before = index.search(&query, &reader_of(&[mine])).await.unwrap();

    let (theirs, secret) = (CollectionId::new(), DocumentId::new());
    let points = (0..40).map(|n| point(theirs, secret, n, [0.0, 1.0, 0.0, 0.0], "merger")).collect();
    index.upsert(points).await.unwrap();

    assert_eq!(index.search(&query, &reader_of(&[mine])).await.unwrap(), before);
}

async fn a_version_is_found_in_its_time_alone(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let day = |day: i64| OffsetDateTime::UNIX_EPOCH + time::Duration::days(day);
    let version = |version: i32, since: OffsetDateTime| Point {
        passage: PassageId::derive(document, version, 0),
        version,
        since,
        ..point(collection, document, 0, [0.0, 1.0, 0.0, 0.0], "rent")
    };
    index.upsert(vec![version(1, day(10)), version(2, day(20))]).await.unwrap();

    index.supersede(document, 1, day(20)).await.unwrap();
    index.supersede(document, 1, day(20)).await.unwrap();

    for (at, expected) in [(5, None), (15, Some(1)), (20, Some(2)), (25, Some(2))] {
        let query = HybridQuery { at: day(at), ..question([0.0, 1.0, 0.0, 0.0], "rent") };
        let hits = index.search(&query, &reader_of(&[collection])).await.unwrap();
        let expected: Vec<PassageId> =
            expected.map(|version| PassageId::derive(document, version, 0)).into_iter().collect();
        assert_eq!(passages(&hits), expected, "day {at}");
    }
}

async fn a_passage_without_a_vector_is_found_by_its_words(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let words = Point { dense: None, ..point(collection, document, 0, [0.0; 4], "rent") };
    let whole = point(collection, document, 1, [0.0, 1.0, 0.0, 0.0], "notice");
    index.upsert(vec![words.clone(), whole]).await.unwrap();
    let query = question([0.0, 1.0, 0.0, 0.0], "rent");

    let before = index.search(&query, &reader_of(&[collection])).await.unwrap();
    index.upsert(vec![Point { dense: Some(vec![0.0, 1.0, 0.0, 0.0]), ..words.clone() }]).await.unwrap();
    let after = index.search(&query, &reader_of(&[collection])).await.unwrap();

    let scores = |hits: &[Hit]| hits.iter().find(|hit| hit.passage == words.passage).unwrap().scores;
    assert!(scores(&before).sparse.is_some() && scores(&before).dense.is_none(), "{before:?}");
    assert!(scores(&after).sparse.is_some() && scores(&after).dense.is_some(), "{after:?}");
    assert_eq!(index.count(document).await.unwrap(), 2);
}

async fn vectors_come_back_as_they_were_written(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let with = point(collection, document, 0, [0.6, 0.8, 0.0, 0.0], "rent");
    let without = Point { dense: None, ..point(collection, document, 1, [0.0; 4], "rent") };
    index.upsert(vec![with.clone(), without.clone()]).await.unwrap();
    let unknown = PassageId::derive(DocumentId::new(), 1, 0);

    let vectors = index.vectors(&[with.passage, without.passage, unknown]).await.unwrap();

    assert_eq!(vectors.keys().copied().collect::<Vec<_>>(), [with.passage]);
    let written = with.dense.unwrap();
    assert!(
        vectors[&with.passage].iter().zip(&written).all(|(one, other)| close(*one, *other)),
        "{vectors:?}"
    );
}

async fn deleting_a_version_leaves_the_other(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let version = |version: i32, ordinals: u32| {
        (0..ordinals).map(move |ordinal| Point {
            passage: PassageId::derive(document, version, ordinal),
            version,
            ..point(collection, document, ordinal, [0.0, 1.0, 0.0, 0.0], "rent")
        })
    };
    index.upsert(version(1, 3).chain(version(2, 4)).collect()).await.unwrap();

    index.delete(document, Some(1)).await.unwrap();
    index.delete(document, Some(1)).await.unwrap();

    assert_eq!(index.count(document).await.unwrap(), 4);
    let hits =
        index.search(&question([0.0, 1.0, 0.0, 0.0], "rent"), &reader_of(&[collection])).await.unwrap();
    let second: BTreeSet<PassageId> = version(2, 4).map(|point| point.passage).collect();
    assert_eq!(passages(&hits).into_iter().collect::<BTreeSet<_>>(), second);
}

async fn deleting_a_document_leaves_the_others(index: &dyn VectorIndex) {
    let (collection, gone, stays) = (CollectionId::new(), DocumentId::new(), DocumentId::new());
    let points = [gone, stays].into_iter().flat_map(|document| {
        (0..3).map(move |n| point(collection, document, n, [0.0, 1.0, 0.0, 0.0], "rent"))
    });
    index.upsert(points.collect()).await.unwrap();

    index.delete(gone, None).await.unwrap();
    index.delete(DocumentId::new(), None).await.unwrap();

    assert_eq!(index.count(gone).await.unwrap(), 0);
    assert_eq!(index.count(stays).await.unwrap(), 3);
    let hits =
        index.search(&question([0.0, 1.0, 0.0, 0.0], "rent"), &reader_of(&[collection])).await.unwrap();
    assert_eq!(hits.len(), 3);
}

async fn vectors_that_no_embedder_made_are_refused(index: &dyn VectorIndex) {
    let (collection, document) = (CollectionId::new(), DocumentId::new());
    let fine = point(collection, document, 0, [0.0, 1.0, 0.0, 0.0], "rent");
    let short = Point { dense: Some(vec![1.0; DIMENSIONS - 1]), ..fine.clone() };
    let infinite = Point { dense: Some(vec![f32::NAN; DIMENSIONS]), ..fine.clone() };
    let unsorted =
        Point { sparse: SparseVector { indices: vec![7, 7], values: vec![1.0, 1.0] }, ..fine.clone() };

    for wrong in [short, infinite, unsorted] {
        let refused = index.upsert(vec![fine.clone(), wrong]).await;

        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    }
    assert_eq!(index.count(document).await.unwrap(), 0);
    let query = HybridQuery { dense: vec![1.0], sparse: sparse_document("rent"), ..question([0.0; 4], "") };
    let refused = index.search(&query, &reader_of(&[collection])).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
}

async fn a_healthy_index_says_so(index: &dyn VectorIndex) {
    index.health().await.unwrap();
}
