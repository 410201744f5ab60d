//! The audit log's tables: what they take, and what nobody can take back.

use crate::support::postgres::TestPostgres;
use crate::support::tree::UnsignedTree;
use docent::domain::BootId;
use docent::domain::DocumentId;
use docent::domain::EventId;
use docent::domain::RetentionClass;
use docent::domain::UserId;
use docent::ports::LogEntry;
use docent::ports::LogQuery;
use docent::ports::LogStore;
use docent::ports::Sealed;
use docent::ports::StoreError;
use docent::ports::Term;
use sha2::Digest;
use sha2::Sha256;
use sqlx::Executor;
use std::time::Duration;
use time::OffsetDateTime;

const ALIVE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn entries_get_positions_without_gaps() {
    let postgres = TestPostgres::fresh().await;
    let boot = BootId::new();

    let first = postgres.append(&[intent(boot), intent(boot), intent(boot)]).await.unwrap();
    let next = postgres.append(&[intent(boot)]).await.unwrap();

    assert_eq!((first, next), (0, 3));
}

#[tokio::test]
async fn many_writers_at_once_leave_no_gap() {
    let postgres = TestPostgres::fresh().await;
    let boot = BootId::new();

    let appends = (0..40).map(|_| {
        let store = postgres.store.clone();
        tokio::spawn(async move { store.append(&[intent(boot), intent(boot)], &UnsignedTree).await.unwrap() })
    });
    let mut firsts: Vec<i64> =
        futures::future::join_all(appends).await.into_iter().map(Result::unwrap).collect();
    firsts.sort_unstable();

    assert_eq!(firsts, (0..40).map(|number| number * 2).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_entry_comes_back_as_it_was_written() {
    let postgres = TestPostgres::fresh().await;
    let sealed = Sealed { wrapped_key: vec![1, 2], ciphertext: vec![3; 100] };
    let document = DocumentId::new();
    let written = LogEntry {
        documents: vec![document, DocumentId::new()],
        actor: Some(UserId::new()),
        sealed: Some(sealed.clone()),
        ..intent(BootId::new())
    };
    let outcome = outcome_of(&written, "chat.completed");

    postgres.append(&[written.clone(), outcome.clone()]).await.unwrap();
    let (read, related) = LogStore::find(&postgres.store, written.event_id).await.unwrap().unwrap();
    let query = LogQuery { document: Some(document), limit: 10, ..LogQuery::default() };
    let listed = LogStore::list(&postgres.store, &query).await.unwrap();

    assert_eq!((read.leaf, read.leaf_hash), (written.leaf, written.leaf_hash.to_vec()));
    assert_eq!((read.documents, read.actor, read.sealed), (written.documents, written.actor, Some(sealed)));
    assert_eq!(related.iter().map(|entry| entry.event_id).collect::<Vec<_>>(), [outcome.event_id]);
    assert_eq!(listed.iter().map(|entry| entry.event_id).collect::<Vec<_>>(), [written.event_id]);
    assert!(listed[0].sealed.is_none());
}

#[tokio::test]
async fn an_intent_has_one_outcome() {
    let postgres = TestPostgres::fresh().await;
    let asked = intent(BootId::new());
    postgres.append(&[asked.clone(), outcome_of(&asked, "chat.abandoned")]).await.unwrap();

    let late = postgres.append(&[outcome_of(&asked, "chat.completed")]).await;
    let feedback = postgres.append(&[outcome_of(&asked, "chat.feedback")]).await;

    assert!(matches!(late, Err(StoreError::Conflict { .. })));
    assert_eq!(feedback.unwrap(), 2);
}

#[tokio::test]
async fn appending_again_after_a_lost_acknowledgement_gives_the_same_position() {
    let postgres = TestPostgres::fresh().await;
    let boot = BootId::new();
    let asked = intent(boot);
    let batch = [asked.clone(), outcome_of(&asked, "chat.completed")];
    postgres.append(&[intent(boot)]).await.unwrap();
    let first = postgres.append(&batch).await.unwrap();

    let again = postgres.append(&batch).await.unwrap();
    let changed = postgres.append(&[LogEntry { event_id: asked.event_id, ..intent(boot) }]).await;
    let mixed = postgres.append(&[asked, intent(boot)]).await;
    let next = postgres.append(&[intent(boot)]).await.unwrap();

    assert_eq!((first, again, next), (1, 1, 3));
    assert!(matches!(changed, Err(StoreError::Conflict { .. })));
    assert!(matches!(mixed, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn a_leaf_that_does_not_match_its_hash_is_refused() {
    let postgres = TestPostgres::fresh().await;

    let refused = postgres.append(&[LogEntry { leaf_hash: [0; 32], ..intent(BootId::new()) }]).await;

    assert!(matches!(refused, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn nobody_changes_or_removes_an_entry() {
    let postgres = TestPostgres::fresh().await;
    postgres.append(&[intent(BootId::new())]).await.unwrap();

    for (role, statement, refusal) in [
        ("docent_app", "update audit.entry set kind = 'chat.other'", "permission denied"),
        ("docent_app", "delete from audit.entry", "permission denied"),
        ("docent_app", "truncate audit.entry cascade", "permission denied"),
        ("docent_app", "update audit.sealed set ciphertext = ''", "permission denied"),
        ("docent_app", "alter table audit.entry disable trigger entry_rows", "must be owner"),
        ("none", "update audit.entry set kind = 'chat.other'", "append-only: update refused"),
        ("none", "delete from audit.entry", "append-only: delete refused"),
        ("none", "truncate audit.entry cascade", "append-only: truncate refused"),
        ("none", "truncate audit.sealed", "append-only: truncate refused"),
    ] {
        let mut connection = postgres.owner().await;
        connection.execute(sqlx::AssertSqlSafe(format!("set role {role}"))).await.unwrap();

        let said = connection.execute(statement).await.unwrap_err().to_string();

        assert!(said.contains(refusal), "{role}: {statement}: {said}");
    }
}

#[tokio::test]
async fn a_session_that_calls_itself_a_replica_does_not_slip_past() {
    let postgres = TestPostgres::fresh().await;
    postgres.append(&[intent(BootId::new())]).await.unwrap();
    let mut owner = postgres.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();

    let said = owner.execute("delete from audit.entry").await.unwrap_err().to_string();

    assert!(said.contains("append-only: delete refused"), "{said}");
}

#[tokio::test]
async fn erasing_sealed_content_leaves_the_entry() {
    let postgres = TestPostgres::fresh().await;
    let sealed = Some(Sealed { wrapped_key: vec![1], ciphertext: vec![2] });
    let entry = LogEntry { sealed, ..intent(BootId::new()) };
    postgres.append(std::slice::from_ref(&entry)).await.unwrap();
    let mut owner = postgres.owner().await;

    owner.execute("delete from audit.sealed").await.unwrap();
    let (read, _) = LogStore::find(&postgres.store, entry.event_id).await.unwrap().unwrap();

    assert!(read.sealed.is_none());
    assert_eq!(read.leaf, entry.leaf);
}

#[tokio::test]
async fn intents_of_dead_runs_are_open_until_they_have_an_outcome() {
    let postgres = TestPostgres::fresh().await;
    let store = &postgres.store;
    let (dead, elsewhere, this) = (BootId::new(), BootId::new(), BootId::new());
    store.heartbeat(dead, "here").await.unwrap();
    store.heartbeat(elsewhere, "there").await.unwrap();
    store.heartbeat(this, "here").await.unwrap();
    let (orphan, answered) = (intent(dead), intent(dead));
    let batch = [
        orphan.clone(),
        answered.clone(),
        outcome_of(&answered, "chat.refused"),
        intent(elsewhere),
        intent(this),
    ];
    postgres.append(&batch).await.unwrap();

    let open = store.open_intents(this, "here", ALIVE).await.unwrap();
    postgres.append(&[outcome_of(&orphan, "chat.abandoned")]).await.unwrap();
    let closed = store.open_intents(this, "here", ALIVE).await.unwrap();
    let silent = store.open_intents(this, "here", Duration::ZERO).await.unwrap();

    assert_eq!(open.iter().map(|intent| intent.event_id).collect::<Vec<_>>(), [orphan.event_id]);
    assert!(closed.is_empty());
    assert_eq!(silent.len(), 1, "the run elsewhere is dead when no silence is allowed");
}

fn intent(boot: BootId) -> LogEntry {
    let event_id = EventId::new();
    let leaf = format!(r#"{{"v":1,"id":"{event_id}"}}"#).into_bytes();
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(&leaf);
    LogEntry {
        event_id,
        kind: "chat.intent",
        reference: None,
        recorded_at: OffsetDateTime::now_utc(),
        actor: None,
        documents: Vec::new(),
        outcome: None,
        boot,
        leaf,
        leaf_hash: hash.finalize().into(),
        sealed: None,
        term: Term {
            class: RetentionClass::Interactions,
            until: OffsetDateTime::now_utc() + time::Duration::days(730),
            binding: false,
        },
        marks: None,
        change: None,
    }
}

fn outcome_of(asked: &LogEntry, kind: &'static str) -> LogEntry {
    LogEntry { kind, reference: Some(asked.event_id), outcome: Some("answered"), ..intent(asked.boot) }
}
