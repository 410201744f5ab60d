//! Jobs in people's hands: whose turn it is, stopped, begun again, listed.

use crate::postgres::intake::claim;
use crate::postgres::intake::claim_in;
use crate::postgres::intake::extracted;
use crate::postgres::intake::fail;
use crate::postgres::intake::publish;
use crate::postgres::intake::upload;
use crate::support::postgres::TestPostgres;
use docent::domain::AclFilter;
use docent::domain::Begin;
use docent::domain::Coverage;
use docent::domain::DocumentStatus;
use docent::domain::JobId;
use docent::domain::JobState;
use docent::domain::Lane;
use docent::domain::Searchable;
use docent::domain::UserId;
use docent::domain::Warning;
use docent::ports::Documents;
use docent::ports::Intake;
use docent::ports::JobControl;
use docent::ports::JobQuery;
use docent::ports::Jobs;
use docent::ports::NewVersion;
use docent::ports::Retry;
use docent::ports::StoreError;
use docent::ports::Stored;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

const LEASE: Duration = Duration::from_mins(10);

fn stopped() -> Warning {
    Warning { code: "stopped".to_owned(), page: None, detail: "stopped by ada".to_owned() }
}

const fn again(user: UserId, begins: Begin) -> Retry {
    Retry { requested_by: user, begins, max_attempts: 3 }
}

#[tokio::test]
async fn one_file_does_not_wait_behind_anothers_hundred() {
    let postgres = TestPostgres::fresh().await;
    let (ada, adas) = postgres.contributor("ada").await;
    let (bob, bobs) = postgres.contributor("bob").await;
    for number in 0..100 {
        postgres.store.accept(&upload(&adas, ada, &format!("a{number}"))).await.unwrap();
    }
    let first = claim(&postgres.store, "w").await;
    let single = postgres.store.accept(&upload(&bobs, bob, "b")).await.unwrap();
    let before = postgres.store.before(single.job_id).await.unwrap();

    let (next, after) = (claim(&postgres.store, "w").await, claim(&postgres.store, "w").await);

    assert_eq!(first.collection, adas.id);
    assert_eq!((next.id, before), (single.job_id, Some(1)));
    assert_eq!(after.collection, adas.id);
    assert_eq!(postgres.store.before(single.job_id).await.unwrap(), None);
}

#[tokio::test]
async fn whoever_claims_at_once_no_job_is_taken_twice_and_users_take_turns() {
    const WORKERS: usize = 4;
    for _round in 0..6 {
        let postgres = TestPostgres::fresh().await;
        let mut left: BTreeMap<UserId, usize> = BTreeMap::new();
        for number in 0..rand::random_range(2..6) {
            let (user, collection) = postgres.contributor(&format!("user {number}")).await;
            let files = rand::random_range(1..25);
            for file in 0..files {
                postgres.store.accept(&upload(&collection, user, &format!("{number}/{file}"))).await.unwrap();
            }
            left.insert(user, files);
        }
        let (users, files) = (left.len(), left.values().sum::<usize>());
        let owners = owners(&postgres).await;

        let taken = Arc::new(Mutex::new(Vec::new()));
        let workers = (0..WORKERS).map(|worker| {
            let (store, taken) = (postgres.store.clone(), Arc::clone(&taken));
            tokio::spawn(async move {
                while let Some(job) = store.claim(Lane::Words, &format!("w{worker}"), LEASE).await.unwrap() {
                    taken.lock().unwrap().push(job.id);
                }
            })
        });
        for worker in futures::future::join_all(workers).await {
            worker.unwrap();
        }

        let taken = taken.lock().unwrap().clone();
        assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (files, files));
        let mut served: BTreeMap<UserId, usize> = BTreeMap::new();
        for (position, job) in taken.iter().enumerate() {
            let turns = served.entry(owners[job]).or_default();
            *turns += 1;
            // A turn each for everybody, and what workers that act at the same moment may mix up.
            let latest = *turns * users + 3 * WORKERS;
            assert!(position < latest, "turn {turns} of {users} users came as number {position}");
        }
    }
}

#[tokio::test]
async fn a_retry_waits_behind_what_waits_already() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let broken = store.accept(&upload(&collection, ada, "old")).await.unwrap();
    fail(store).await;
    let filter = postgres.filter(ada).await;
    let before = store.accept(&upload(&collection, ada, "before")).await.unwrap();
    store.retry(broken.job_id, &filter, &again(ada, Begin::Embed)).await.unwrap();
    let after = store.accept(&upload(&collection, ada, "after")).await.unwrap();

    let order = [claim(store, "w").await, claim(store, "w").await, claim(store, "w").await];

    assert_eq!(order.map(|job| job.document), [before.document_id, broken.document_id, after.document_id]);
}

#[tokio::test]
async fn a_stopped_job_can_write_no_more_and_nothing_of_it_is_seen() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let accepted = store.accept(&upload(&collection, ada, "a")).await.unwrap();
    let filter = postgres.filter(ada).await;
    let job = claim(store, "w").await;
    store.store_extracted(&job, &extracted(&job, "text")).await.unwrap();
    assert!(store.reveal(&job).await.unwrap());

    store.stop(job.id, &filter, &stopped()).await.unwrap();
    let again = store.stop(job.id, &filter, &stopped()).await;
    let refused = [
        store.store_extracted(&job, &extracted(&job, "text")).await,
        store.conceal(&job).await,
        store.publish(&job, &Coverage::default()).await.map(drop),
        store.fail(&job, &stopped(), None).await,
    ];
    let document = Documents::find(store, accepted.document_id, &filter).await.unwrap().unwrap();

    assert!(refused.iter().all(|write| matches!(write, Err(StoreError::Conflict { .. }))), "{refused:?}");
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    assert_eq!((document.status, document.searchable), (DocumentStatus::Failed, Searchable::No));
    assert_eq!(document.error.unwrap(), stopped());
    assert!(store.claim(Lane::Words, "w", LEASE).await.unwrap().is_none());
}

#[tokio::test]
async fn a_retry_is_a_new_job_with_all_attempts_and_is_made_once() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let (bob, _) = postgres.contributor("bob").await;
    let accepted = store.accept(&upload(&collection, ada, "a")).await.unwrap();
    let (filter, foreign) = (postgres.filter(ada).await, postgres.filter(bob).await);
    let alive = store.retry(accepted.job_id, &filter, &again(ada, Begin::Read)).await;
    fail(store).await;

    let hidden = store.retry(accepted.job_id, &foreign, &again(bob, Begin::Read)).await;
    let anew = store.retry(accepted.job_id, &filter, &again(ada, Begin::Chunk)).await.unwrap();
    let twice = store.retry(accepted.job_id, &filter, &again(ada, Begin::Read)).await;
    let job = claim(store, "w").await;

    assert!(matches!(alive, Err(StoreError::Conflict { .. })), "{alive:?}");
    assert!(matches!(hidden, Err(StoreError::Missing { .. })), "{hidden:?}");
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    assert_eq!((job.id, job.attempt, job.max_attempts), (anew, 1, 3));
    assert_eq!((job.begins, job.redo), (Begin::Chunk, false));
}

#[tokio::test]
async fn a_whole_version_stays_as_it_is_until_what_is_new_takes_its_place() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let accepted = store.accept(&upload(&collection, ada, "one")).await.unwrap();
    let id = accepted.document_id;
    publish(store, "one").await;
    let filter = postgres.filter(ada).await;
    let seen = async || Documents::find(store, id, &filter).await.unwrap().unwrap();

    let first = store.retry(accepted.job_id, &filter, &again(ada, Begin::Read)).await.unwrap();
    let job = claim_in(store, Lane::Long).await;
    let meanwhile = seen().await;
    store.fail(&job, &stopped(), None).await.unwrap();
    let failed = seen().await;
    store.retry(first, &filter, &again(ada, Begin::Read)).await.unwrap();
    let job = claim_in(store, Lane::Long).await;
    store.conceal(&job).await.unwrap();
    let concealed = seen().await;
    store.store_extracted(&job, &extracted(&job, "another")).await.unwrap();
    store.publish(&job, &Coverage::default()).await.unwrap();

    assert!(job.redo && job.visible_since.is_some());
    for whole in [&meanwhile, &failed] {
        assert_eq!((whole.status, whole.searchable), (DocumentStatus::ReadyWithWarnings, Searchable::Whole));
        assert!(whole.error.is_none());
    }
    assert_eq!((concealed.status, concealed.searchable), (DocumentStatus::Processing, Searchable::No));
    assert_eq!(seen().await.searchable, Searchable::Whole);
    assert_eq!(store.content(id, None, &filter).await.unwrap().unwrap(), "another");
}

#[tokio::test]
async fn an_old_version_that_is_processed_again_stays_history() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let accepted = store.accept(&upload(&collection, ada, "one")).await.unwrap();
    publish(store, "one").await;
    let newer = NewVersion { document: Some(accepted.document_id), ..upload(&collection, ada, "two") };
    store.accept(&newer).await.unwrap();
    publish(store, "two").await;
    let filter = postgres.filter(ada).await;
    let times = async || {
        let versions =
            docent::ports::Histories::versions(store, accepted.document_id, &filter).await.unwrap();
        versions.iter().map(|version| (version.visible_since, version.visible_until)).collect::<Vec<_>>()
    };
    let before = times().await;

    store.retry(accepted.job_id, &filter, &again(ada, Begin::Read)).await.unwrap();
    let job = claim_in(store, Lane::Long).await;
    store.store_extracted(&job, &extracted(&job, "one")).await.unwrap();
    store.publish(&job, &Coverage::default()).await.unwrap();

    assert_eq!(times().await, before);
}

#[tokio::test]
async fn a_version_that_was_overtaken_and_failed_can_be_processed_again() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let accepted = store.accept(&upload(&collection, ada, "one")).await.unwrap();
    let first = claim(store, "w").await;
    store.store_extracted(&first, &extracted(&first, "one")).await.unwrap();
    assert!(store.reveal(&first).await.unwrap());
    let newer = NewVersion { document: Some(accepted.document_id), ..upload(&collection, ada, "two") };
    store.accept(&newer).await.unwrap();
    publish(store, "two").await;
    store.fail(&first, &stopped(), None).await.unwrap();
    let filter = postgres.filter(ada).await;

    store.retry(accepted.job_id, &filter, &again(ada, Begin::Read)).await.unwrap();
    publish(store, "one").await;

    let document = Documents::find(store, accepted.document_id, &filter).await.unwrap().unwrap();
    assert_eq!((document.version, document.searchable), (2, Searchable::Whole));
}

#[tokio::test]
async fn what_was_stored_comes_back_for_another_attempt() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    store.accept(&upload(&collection, ada, "one")).await.unwrap();
    let job = claim(store, "w").await;
    let given = extracted(&job, &"第一条 rent is due. ".repeat(20_000));
    let nothing = store.version(&job).await.unwrap();
    store.store_extracted(&job, &given).await.unwrap();

    let version = store.version(&job).await.unwrap().unwrap();
    let text = store.text(&job).await.unwrap();
    let passages = Stored::passages(store, &job, "").await.unwrap();

    assert!(nothing.is_none());
    assert_eq!((version.stored_by, version.made), (job.id, given.made));
    assert_eq!((text.content, text.pages), (given.content, given.pages));
    let (passages, digests): (Vec<_>, Vec<_>) = passages.into_iter().unzip();
    assert_eq!((passages, digests), (given.passages, given.embedded_sha256));
}

#[tokio::test]
async fn jobs_are_listed_newest_first_in_pages_and_by_state() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let (bob, _) = postgres.contributor("bob").await;
    let mut jobs = Vec::new();
    for name in ["a", "b", "c"] {
        jobs.push(store.accept(&upload(&collection, ada, name)).await.unwrap().job_id);
        fail(store).await;
    }
    let filter = postgres.filter(ada).await;
    jobs.push(store.retry(jobs[0], &filter, &again(ada, Begin::Embed)).await.unwrap());
    let failed = JobQuery { states: vec![JobState::Failed], limit: 1, ..JobQuery::default() };

    let all = list(store, &JobQuery { limit: 10, ..JobQuery::default() }, &filter).await;
    let first = JobControl::list(store, &failed, &filter).await.unwrap();
    let cursor = first.next_cursor.as_ref().unwrap().parse().unwrap();
    let second = list(store, &JobQuery { before: Some(cursor), ..failed.clone() }, &filter).await;
    let foreign = list(store, &failed, &postgres.filter(bob).await).await;

    assert_eq!(all, [jobs[3], jobs[2], jobs[1]]);
    assert_eq!((first.data[0].id, second), (jobs[2], vec![jobs[1]]));
    assert_eq!(first.data[0].file_name, "c.txt");
    assert_eq!(foreign, []);
}

async fn list(store: &impl JobControl, query: &JobQuery, filter: &AclFilter) -> Vec<JobId> {
    store.list(query, filter).await.unwrap().data.iter().map(|job| job.id).collect()
}

async fn owners(postgres: &TestPostgres) -> BTreeMap<JobId, UserId> {
    let rows: Vec<(uuid::Uuid, uuid::Uuid)> = sqlx::query_as("select id, requested_by from jobs")
        .fetch_all(&mut postgres.owner().await)
        .await
        .unwrap();
    rows.into_iter().map(|(job, user)| (JobId::from_uuid(job), UserId::from_uuid(user))).collect()
}
