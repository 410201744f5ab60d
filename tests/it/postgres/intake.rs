//! Documents in: accepted, stored, published, deleted, and what their readers see of it.
#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use crate::support::postgres::TestPostgres;
use docent::adapters::postgres::Postgres;
use docent::domain::Accepted;
use docent::domain::ClaimedJob;
use docent::domain::Collection;
use docent::domain::CollectionId;
use docent::domain::Coverage;
use docent::domain::DocumentId;
use docent::domain::DocumentStatus;
use docent::domain::EventId;
use docent::domain::Lane;
use docent::domain::PageLayout;
use docent::domain::Passage;
use docent::domain::PassageId;
use docent::domain::Rect;
use docent::domain::Sketch;
use docent::domain::Span;
use docent::domain::Structure;
use docent::domain::UserId;
use docent::domain::Warning;
use docent::domain::Word;
use docent::ports::Documents;
use docent::ports::Erasure;
use docent::ports::Erasures;
use docent::ports::Extracted;
use docent::ports::Intake;
use docent::ports::Jobs;
use docent::ports::Made;
use docent::ports::Moment;
use docent::ports::NewVersion;
use docent::ports::StoreError;
use sha2::Digest;
use sha2::Sha256;
use std::time::Duration;

#[tokio::test]
async fn the_same_bytes_are_the_same_document() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let (bob, other) = postgres.contributor("bob").await;

    let first = postgres.store.accept(&upload(&collection, ada, "lease")).await.unwrap();
    let again = postgres.store.accept(&upload(&collection, ada, "lease")).await.unwrap();
    let elsewhere = postgres.store.accept(&upload(&other, bob, "lease")).await.unwrap();

    assert_eq!((first.version, first.status, first.existing), (1, DocumentStatus::Queued, false));
    assert_eq!((again.document_id, again.job_id, again.existing), (first.document_id, first.job_id, true));
    assert_ne!(elsewhere.document_id, first.document_id);
}

#[tokio::test]
async fn the_same_bytes_at_the_same_moment_are_one_document() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;

    let uploads = (0..12).map(|_| {
        let (store, upload) = (postgres.store.clone(), upload(&collection, ada, "lease"));
        tokio::spawn(async move { store.accept(&upload).await.unwrap() })
    });
    let accepted: Vec<Accepted> =
        futures::future::join_all(uploads).await.into_iter().map(Result::unwrap).collect();

    assert!(accepted.iter().all(|one| one.document_id == accepted[0].document_id));
    assert_eq!(accepted.iter().filter(|one| !one.existing).count(), 1);
    assert_eq!(postgres.store.depth().await.unwrap(), (1, 0));
}

#[tokio::test]
async fn a_failed_version_gets_a_new_job_for_the_same_bytes() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let first = postgres.store.accept(&upload(&collection, ada, "lease")).await.unwrap();
    fail(&postgres.store).await;

    let again = postgres.store.accept(&upload(&collection, ada, "lease")).await.unwrap();

    assert_eq!((again.document_id, again.version, again.existing), (first.document_id, 1, true));
    assert_eq!(again.status, DocumentStatus::Queued);
    assert_ne!(again.job_id, first.job_id);
    assert_eq!(claim(&postgres.store, "w").await.id, again.job_id);
}

#[tokio::test]
async fn a_version_needs_its_document_and_a_document_its_collection() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let (bob, other) = postgres.contributor("bob").await;
    let adas = postgres.store.accept(&upload(&collection, ada, "lease")).await.unwrap().document_id;

    for (upload, expected) in [
        (NewVersion { document: Some(DocumentId::new()), ..upload(&collection, ada, "b") }, "no document"),
        (NewVersion { document: Some(adas), ..upload(&other, bob, "b") }, "no document"),
        (NewVersion { collection: CollectionId::new(), ..upload(&other, bob, "b") }, "no collection"),
    ] {
        let said = postgres.store.accept(&upload).await.unwrap_err().to_string();

        assert!(said.starts_with(expected), "{said}");
    }
}

#[tokio::test]
async fn bytes_of_another_version_are_no_new_version() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let id = store.accept(&upload(&collection, ada, "one")).await.unwrap().document_id;
    store.accept(&upload(&collection, ada, "other")).await.unwrap();
    let newer = |name| NewVersion { document: Some(id), ..upload(&collection, ada, name) };

    let two = store.accept(&newer("two")).await.unwrap();
    let again = store.accept(&newer("two")).await.unwrap();
    let earlier = store.accept(&newer("one")).await;
    let foreign = store.accept(&newer("other")).await;

    assert_eq!((two.version, again.version, again.existing), (2, 2, true));
    assert!(matches!(earlier, Err(StoreError::Conflict { .. })), "{earlier:?}");
    assert!(matches!(foreign, Err(StoreError::Conflict { .. })), "{foreign:?}");
}

#[tokio::test]
async fn what_was_extracted_comes_back() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let accepted = postgres.store.accept(&upload(&collection, ada, "lease")).await.unwrap();
    let filter = postgres.filter(ada).await;
    let job = claim(&postgres.store, "w").await;
    // Long enough for several pieces, and with the one character that Postgres does not keep.
    let text = "第一条 rent\0is due. ".repeat(20_000);
    let given = extracted(&job, &text);
    let id = accepted.document_id;

    postgres.store.store_extracted(&job, &given).await.unwrap();
    let hidden = postgres.store.content(id, Some(1), &filter).await.unwrap();
    postgres.store.store_extracted(&job, &given).await.unwrap();
    postgres.store.publish(&job, &Coverage { ratio: 0.75, ..Coverage::default() }).await.unwrap();
    let content = postgres.store.content(id, None, &filter).await.unwrap().unwrap();
    let (layout, page) = postgres.store.page(id, None, 2, &filter).await.unwrap().unwrap();
    let ids: Vec<PassageId> = given.passages.iter().map(|passage| passage.passage_id).collect();
    let passages = postgres.store.passages(&ids, &filter, Moment::Now).await.unwrap();
    let document = Documents::find(&postgres.store, id, &filter).await.unwrap().unwrap();

    assert_eq!(hidden, None);
    assert_eq!(content, text.replace('\0', "\u{fffd}"));
    assert_eq!(layout, given.pages[1]);
    assert_eq!(page, slice(&content, given.pages[1].span));
    assert_eq!(passages.len(), given.passages.len());
    assert!(passages.iter().all(|passage| passage.text == slice(&content, passage.span)));
    assert_eq!(passages[0].boxes, given.passages[0].boxes);
    assert_eq!(passages[0].heading_path, ["8", "8.2(a)"]);
    assert_eq!((document.pages, document.chunks), (2, 2));
    assert_eq!(
        (document.status, document.title.as_str()),
        (DocumentStatus::ReadyWithWarnings, "From the file")
    );
    assert!((document.coverage.unwrap().ratio - 0.75).abs() < f64::EPSILON);
    assert!(postgres.store.page(id, None, 3, &filter).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_version_takes_over_at_once_when_it_is_published() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let filter = postgres.filter(ada).await;
    let titled = NewVersion { title: Some(" Lease ".to_owned()), ..upload(&collection, ada, "one") };
    let id = postgres.store.accept(&titled).await.unwrap().document_id;
    let (first, before) = publish(&postgres.store, "one").await;
    let newer = NewVersion { document: Some(id), ..upload(&collection, ada, "two") };
    let accepted = postgres.store.accept(&newer).await.unwrap();
    let job = claim(&postgres.store, "w").await;
    let second = extracted(&job, "two");
    postgres.store.store_extracted(&job, &second).await.unwrap();
    let ids = [first.passages[0].passage_id, second.passages[0].passage_id];

    let processing = Documents::find(&postgres.store, id, &filter).await.unwrap().unwrap();
    let seen_before = postgres.store.passages(&ids, &filter, Moment::Now).await.unwrap();
    let superseded = postgres.store.publish(&job, &Coverage::default()).await.unwrap();
    let published = Documents::find(&postgres.store, id, &filter).await.unwrap().unwrap();
    let seen_after = postgres.store.passages(&ids, &filter, Moment::Now).await.unwrap();
    let all = postgres.store.passages(&ids, &filter, Moment::Ever).await.unwrap();

    assert_eq!((accepted.version, accepted.existing, before, superseded), (2, false, None, Some(1)));
    assert_eq!((processing.status, processing.version), (DocumentStatus::Processing, 1));
    assert_eq!(seen_before.iter().map(|passage| passage.version).collect::<Vec<_>>(), [1]);
    assert_eq!((published.status, published.version), (DocumentStatus::ReadyWithWarnings, 2));
    assert_eq!(published.title, "Lease");
    assert_eq!(seen_after.iter().map(|passage| passage.version).collect::<Vec<_>>(), [2]);
    assert_eq!(all.len(), 2);
    assert_eq!(postgres.store.content(id, Some(1), &filter).await.unwrap().unwrap(), "one");
}

#[tokio::test]
async fn an_old_version_that_took_long_does_not_take_the_place_of_a_new_one() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let id = postgres.store.accept(&upload(&collection, ada, "one")).await.unwrap().document_id;
    let slow = claim(&postgres.store, "slow").await;
    let newer = NewVersion { document: Some(id), ..upload(&collection, ada, "two") };
    postgres.store.accept(&newer).await.unwrap();
    publish(&postgres.store, "two").await;

    postgres.store.store_extracted(&slow, &extracted(&slow, "one")).await.unwrap();
    let superseded = postgres.store.publish(&slow, &Coverage::default()).await.unwrap();
    let document = Documents::find(&postgres.store, id, &postgres.filter(ada).await).await.unwrap().unwrap();

    assert_eq!(superseded, Some(1));
    assert_eq!(document.version, 2);
}

#[tokio::test]
async fn a_document_stays_searchable_when_its_newest_version_fails() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let id = postgres.store.accept(&upload(&collection, ada, "one")).await.unwrap().document_id;
    publish(&postgres.store, "one").await;
    let newer = NewVersion { document: Some(id), ..upload(&collection, ada, "two") };
    postgres.store.accept(&newer).await.unwrap();
    fail(&postgres.store).await;

    let filter = postgres.filter(ada).await;
    let document = Documents::find(&postgres.store, id, &filter).await.unwrap().unwrap();

    assert_eq!((document.status, document.version), (DocumentStatus::ReadyWithWarnings, 1));
    assert_eq!(document.error.unwrap().code, "reader_failed");
    assert_eq!(postgres.store.content(id, None, &filter).await.unwrap().unwrap(), "one");
}

#[tokio::test]
async fn a_document_without_a_grant_is_not_there() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let (bob, _) = postgres.contributor("bob").await;
    let id = postgres.store.accept(&upload(&collection, ada, "one")).await.unwrap().document_id;
    let (given, _) = publish(&postgres.store, "one").await;
    let (store, filter) = (&postgres.store, postgres.filter(bob).await);
    let ids = [given.passages[0].passage_id];

    assert!(Documents::find(store, id, &filter).await.unwrap().is_none());
    assert!(Documents::list(store, collection.id, &filter, None, 10).await.unwrap().data.is_empty());
    assert!(store.content(id, None, &filter).await.unwrap().is_none());
    assert!(store.page(id, None, 1, &filter).await.unwrap().is_none());
    assert!(store.passages(&ids, &filter, Moment::Ever).await.unwrap().is_empty());
    assert!(store.delete(id, &filter, EventId::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn documents_come_in_pages_newest_first() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let mut accepted = Vec::new();
    for name in ["a", "b", "c"] {
        accepted.push(postgres.store.accept(&upload(&collection, ada, name)).await.unwrap().document_id);
    }
    accepted.reverse();
    let (store, filter) = (&postgres.store, postgres.filter(ada).await);

    let first = Documents::list(store, collection.id, &filter, None, 2).await.unwrap();
    let cursor = first.next_cursor.as_deref();
    let second = Documents::list(store, collection.id, &filter, cursor, 2).await.unwrap();
    let nonsense = Documents::list(store, collection.id, &filter, Some("x"), 2).await;

    let listed: Vec<_> = first.data.iter().chain(&second.data).map(|document| document.id).collect();
    assert_eq!(listed, accepted);
    assert_eq!(second.next_cursor, None);
    assert!(matches!(nonsense, Err(StoreError::Missing { .. })));
}

#[tokio::test]
async fn deleting_leaves_nothing_and_names_the_blobs() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;
    let id = postgres.store.accept(&upload(&collection, ada, "one")).await.unwrap().document_id;
    publish(&postgres.store, "one").await;
    let newer = NewVersion { document: Some(id), ..upload(&collection, ada, "two") };
    postgres.store.accept(&newer).await.unwrap();
    let running = claim(&postgres.store, "w").await;
    let (filter, request) = (postgres.filter(ada).await, EventId::new());

    let erasure = postgres.store.delete(id, &filter, request).await.unwrap().unwrap();
    let again = postgres.store.delete(id, &filter, request).await.unwrap();
    let orphan = postgres.store.publish(&running, &Coverage::default()).await;
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from versions) + (select count(*) from texts) + (select count(*) from pages)
              + (select count(*) from passages) + (select count(*) from jobs)",
    )
    .fetch_one(&mut postgres.owner().await)
    .await
    .unwrap();
    let anew = postgres.store.accept(&upload(&collection, ada, "one")).await.unwrap();

    assert_eq!((erasure.collection, erasure.request, erasure.erased), (collection.id, request, false));
    assert_eq!(sorted(&erasure.files), sorted(&[sha256("one"), sha256("two")]));
    assert!(again.is_none());
    assert!(matches!(orphan, Err(StoreError::Conflict { .. })));
    assert_eq!(left, 0);
    assert!(!anew.existing && anew.document_id != id);
}

#[tokio::test]
async fn an_erasure_is_pending_until_it_is_forgotten_and_spares_files_that_came_in_again() {
    let postgres = TestPostgres::fresh().await;
    let (store, (ada, collection)) = (&postgres.store, postgres.contributor("ada").await);
    let id = store.accept(&upload(&collection, ada, "one")).await.unwrap().document_id;
    let newer = NewVersion { document: Some(id), ..upload(&collection, ada, "two") };
    store.accept(&newer).await.unwrap();
    let noted = store.delete(id, &postgres.filter(ada).await, EventId::new()).await.unwrap().unwrap();
    store.accept(&upload(&collection, ada, "two")).await.unwrap();
    let pending = async |after| store.pending(after, 10).await.unwrap();

    let young = pending(Duration::from_mins(1)).await;
    let before = pending(Duration::ZERO).await;
    store.erased(id).await.unwrap();
    let between = pending(Duration::ZERO).await;
    store.forget(id).await.unwrap();
    let after = pending(Duration::ZERO).await;

    let still_needed = Erasure { files: vec![sha256("one")], ..noted };
    assert_eq!(young, []);
    assert_eq!(before, std::slice::from_ref(&still_needed));
    let late_vectors = Erasure { erased: true, files: vec![], ..still_needed };
    assert_eq!(between, [late_vectors]);
    assert_eq!(after, []);
}

/// An upload whose bytes are its name.
pub(super) fn upload(collection: &Collection, user: UserId, name: &str) -> NewVersion {
    NewVersion {
        collection: collection.id,
        document: None,
        title: None,
        file_name: format!("{name}.txt"),
        sha256: sha256(name),
        bytes: 3,
        uploaded_by: user,
        max_attempts: 5,
        password: None,
    }
}

/// Takes the next job of the first lane for long.
pub(super) async fn claim(store: &Postgres, worker: &str) -> ClaimedJob {
    store.claim(Lane::Words, worker, Duration::from_mins(10)).await.unwrap().expect("a job waits")
}

/// Takes the next job of a lane for long.
pub(super) async fn claim_in(store: &Postgres, lane: Lane) -> ClaimedJob {
    store.claim(lane, "w", Duration::from_mins(10)).await.unwrap().expect("a job waits in the lane")
}

/// Text in two pages of one passage each.
pub(super) fn extracted(job: &ClaimedJob, text: &str) -> Extracted {
    let past = text.chars().count() as u32;
    let half = past / 2;
    let spans = [Span { start: 0, end: half }, Span { start: half, end: past }];
    let rect = Rect { x0: 72.1, y0: 72.2, x1: 300.3, y1: 84.4 };
    let layout = |(number, span): (u32, Span)| PageLayout {
        number,
        label: Some(format!("p. {number}")),
        width: 595.3,
        height: 841.9,
        span,
        words: vec![Word { span, rect }],
        undecodable: 1,
        running: vec!["Lease".to_owned()],
        recognised: None,
        hidden: Vec::new(),
    };
    let passage = |(ordinal, span): (u32, Span)| Passage {
        passage_id: PassageId::derive(job.document, job.version, ordinal),
        document_id: job.document,
        collection_id: job.collection,
        version: job.version,
        ordinal,
        title: String::new(),
        page: ordinal + 1,
        span,
        boxes: vec![rect],
        heading_path: vec!["8".to_owned(), "8.2(a)".to_owned()],
        table_header: None,
        text: slice(text, span),
    };
    Extracted {
        clauses: Vec::new(),
        media_type: "text/plain".to_owned(),
        title: Some("From the file".to_owned()),
        content: text.to_owned(),
        pages: (1..).zip(spans).map(layout).collect(),
        passages: (0..).zip(spans).map(passage).collect(),
        embedded_sha256: spans.iter().map(|span| [span.start as u8; 32]).collect(),
        structure: Structure::default(),
        sketch: Sketch::of(text),
        warnings: vec![Warning { code: "undecodable".to_owned(), page: Some(1), detail: "one".to_owned() }],
        coverage: Coverage::default(),
        made: Made { read_with: "r".to_owned(), cut_with: "c".to_owned(), reading: "{}".to_owned() },
    }
}

pub(super) async fn publish(store: &Postgres, text: &str) -> (Extracted, Option<i32>) {
    let job = claim(store, "w").await;
    let given = extracted(&job, text);
    store.store_extracted(&job, &given).await.unwrap();
    let superseded = store.publish(&job, &Coverage::default()).await.unwrap();
    (given, superseded)
}

pub(super) async fn fail(store: &Postgres) {
    let job = claim(store, "w").await;
    let warning = Warning { code: "reader_failed".to_owned(), page: None, detail: "no".to_owned() };
    store.fail(&job, &warning, None).await.unwrap();
}

fn slice(text: &str, span: Span) -> String {
    text.chars().skip(span.start as usize).take(span.len() as usize).collect()
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
