//! The queue: leases, fences, retries.

use crate::postgres::intake::claim;
use crate::postgres::intake::extracted;
use crate::postgres::intake::upload;
use crate::support::postgres::TestPostgres;
use docent::domain::Coverage;
use docent::domain::DocumentStatus;
use docent::domain::JobState;
use docent::domain::Lane;
use docent::domain::Progress;
use docent::domain::Stage;
use docent::domain::Warning;
use docent::ports::Documents;
use docent::ports::Intake;
use docent::ports::JobControl;
use docent::ports::Jobs;
use docent::ports::NewVersion;
use docent::ports::StoreError;
use std::time::Duration;
use time::OffsetDateTime;

const LEASE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_job_goes_to_one_worker() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    for name in ["a", "b", "c"] {
        postgres.store.accept(&upload(&collection, ada, name)).await.unwrap();
    }

    let claims = (0..8).map(|worker| {
        let store = postgres.store.clone();
        tokio::spawn(async move { store.claim(Lane::Words, &format!("w{worker}"), LEASE).await.unwrap() })
    });
    let claimed = futures::future::join_all(claims).await;
    let mut ids: Vec<_> = claimed.into_iter().filter_map(|job| job.unwrap().map(|job| job.id)).collect();
    ids.sort_unstable();
    ids.dedup();

    assert_eq!(ids.len(), 3);
    assert_eq!(postgres.store.depth().await.unwrap(), (0, 3));
}

#[tokio::test]
async fn an_expired_lease_goes_to_another_worker_and_the_first_can_write_no_more() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    postgres.store.accept(&upload(&collection, ada, "a")).await.unwrap();
    let first = postgres.store.claim(Lane::Words, "first", Duration::ZERO).await.unwrap().unwrap();

    let second = claim(&postgres.store, "second").await;
    let progress = Progress { stage: Stage::Read, done: 1, total: 2 };
    let warning = Warning { code: "x".to_owned(), page: None, detail: "x".to_owned() };
    let refused = [
        postgres.store.progress(&first, progress, LEASE).await,
        postgres.store.fail(&first, &warning, None).await,
        postgres.store.store_extracted(&first, &extracted(&first, "text")).await,
        postgres.store.publish(&first, &Coverage::default()).await.map(|_| ()),
    ];
    let kept = postgres.store.progress(&second, progress, LEASE).await;
    let job = Jobs::find(&postgres.store, second.id, &postgres.filter(ada).await).await.unwrap().unwrap();

    assert_eq!((first.id, first.attempt), (second.id, 1));
    assert_eq!(second.attempt, 2);
    assert!(refused.iter().all(|write| matches!(write, Err(StoreError::Conflict { .. }))), "{refused:?}");
    kept.unwrap();
    assert_eq!((job.state, job.progress), (JobState::Running, progress));
    assert_eq!(job.error.unwrap().code, "lease_expired");
}

#[tokio::test]
async fn a_job_whose_workers_all_fall_silent_is_given_up() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let once = NewVersion { max_attempts: 1, ..upload(&collection, ada, "a") };
    let accepted = postgres.store.accept(&once).await.unwrap();
    postgres.store.claim(Lane::Words, "first", Duration::ZERO).await.unwrap().unwrap();

    let second = postgres.store.claim(Lane::Words, "second", LEASE).await.unwrap();
    let filter = postgres.filter(ada).await;
    let job = Jobs::find(&postgres.store, accepted.job_id, &filter).await.unwrap().unwrap();
    let document = Documents::find(&postgres.store, accepted.document_id, &filter).await.unwrap().unwrap();

    assert!(second.is_none());
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(document.status, DocumentStatus::Failed);
    assert_eq!(document.error.unwrap().code, "lease_expired");
}

const fn embedded(done: i64, total: i64) -> Progress {
    Progress { stage: Stage::Embed, done, total }
}

#[tokio::test]
async fn what_is_passed_on_waits_in_the_other_lane_with_all_its_attempts() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let accepted = store.accept(&upload(&collection, ada, "a")).await.unwrap();
    store.claim(Lane::Words, "first", Duration::ZERO).await.unwrap().unwrap();
    let reads = claim(store, "reads").await;

    store.pass_on(&reads, Lane::Vectors, embedded(3, 20)).await.unwrap();
    let filter = postgres.filter(ada).await;
    let waiting = Jobs::find(store, accepted.job_id, &filter).await.unwrap().unwrap();
    let late = store.pass_on(&reads, Lane::Vectors, embedded(4, 20)).await;
    let nothing = store.claim(Lane::Words, "reads", LEASE).await.unwrap();
    let embeds = store.claim(Lane::Vectors, "embeds", LEASE).await.unwrap().unwrap();
    let running = Jobs::find(store, accepted.job_id, &filter).await.unwrap().unwrap();

    assert_eq!((reads.attempt, embeds.attempt), (2, 1));
    assert_eq!((waiting.state, waiting.progress, waiting.error), (JobState::Ready, embedded(3, 20), None));
    assert_eq!((running.state, running.progress), (JobState::Running, embedded(3, 20)));
    assert_eq!((nothing.is_none(), embeds.id), (true, reads.id));
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
}

#[tokio::test]
async fn an_attempt_that_is_given_back_does_not_count() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let once = NewVersion { max_attempts: 1, ..upload(&collection, ada, "a") };
    let accepted = store.accept(&once).await.unwrap();
    let reason = Warning { code: "interrupted".to_owned(), page: None, detail: "it stops".to_owned() };

    for _restart in 0..3 {
        store.give_back(&claim(store, "w").await, &reason).await.unwrap();
    }
    let filter = postgres.filter(ada).await;
    let waiting = Jobs::find(store, accepted.job_id, &filter).await.unwrap().unwrap();

    assert_eq!((waiting.state, waiting.attempts), (JobState::Ready, 0));
    assert_eq!(claim(store, "w").await.attempt, 1);
}

#[tokio::test]
async fn turns_are_taken_in_each_lane_and_only_others_end_one() {
    let postgres = TestPostgres::fresh().await;
    let store = &postgres.store;
    let (ada, adas) = postgres.contributor("ada").await;
    let (bob, bobs) = postgres.contributor("bob").await;
    for name in ["a0", "a1"] {
        store.accept(&upload(&adas, ada, name)).await.unwrap();
        store.pass_on(&claim(store, "reads").await, Lane::Vectors, embedded(0, 9)).await.unwrap();
    }
    let first = store.claim(Lane::Vectors, "embeds", LEASE).await.unwrap().unwrap();
    let alone = store.others_wait(&first).await.unwrap();
    let bobs = store.accept(&upload(&bobs, bob, "b")).await.unwrap();
    let unread = store.others_wait(&first).await.unwrap();
    store.pass_on(&claim(store, "reads").await, Lane::Vectors, embedded(0, 9)).await.unwrap();
    let waits = store.others_wait(&first).await.unwrap();
    let before = store.before(bobs.job_id).await.unwrap();

    store.pass_on(&first, Lane::Vectors, embedded(5, 9)).await.unwrap();
    let next = store.claim(Lane::Vectors, "embeds", LEASE).await.unwrap().unwrap();

    assert_eq!((alone, unread, waits), (false, false, true));
    assert_eq!((next.id, before), (bobs.job_id, Some(1)));
}

#[tokio::test]
async fn a_failed_attempt_waits_for_its_time_and_the_last_one_is_for_good() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let twice = NewVersion { max_attempts: 2, ..upload(&collection, ada, "a") };
    let accepted = postgres.store.accept(&twice).await.unwrap();
    let filter = postgres.filter(ada).await;
    let warning = Warning { code: "reader_failed".to_owned(), page: None, detail: "no\0 luck".to_owned() };
    let now = OffsetDateTime::now_utc();

    let first = claim(&postgres.store, "w").await;
    postgres.store.fail(&first, &warning, Some(now + time::Duration::hours(1))).await.unwrap();
    let early = postgres.store.claim(Lane::Words, "w", LEASE).await.unwrap();
    let waiting = Jobs::find(&postgres.store, accepted.job_id, &filter).await.unwrap().unwrap();
    sqlx::query("update jobs set run_at = now()").execute(&mut postgres.owner().await).await.unwrap();
    let second = claim(&postgres.store, "w").await;
    postgres.store.fail(&second, &warning, Some(now)).await.unwrap();
    let over = Jobs::find(&postgres.store, accepted.job_id, &filter).await.unwrap().unwrap();

    assert!(early.is_none());
    assert_eq!((waiting.state, waiting.attempts), (JobState::Ready, 1));
    assert_eq!((over.state, over.attempts), (JobState::Failed, 2));
    assert_eq!(over.error.unwrap().detail, "no\u{fffd} luck");
}

#[tokio::test]
async fn a_job_of_another_collection_is_not_there() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let (bob, _) = postgres.contributor("bob").await;
    let accepted = postgres.store.accept(&upload(&collection, ada, "a")).await.unwrap();

    let found = Jobs::find(&postgres.store, accepted.job_id, &postgres.filter(bob).await).await.unwrap();

    assert_eq!(found, None);
}
