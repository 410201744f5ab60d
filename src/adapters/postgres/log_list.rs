//! Entries as rows, and the list of them: only the conditions that are asked for are in the statement, so that the database
//! plans for these and takes the index that serves them. Positions page through it, never an offset. Knows no leaf's content.

use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::store_error;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::ReviewState;
use crate::domain::UserId;
use crate::ports::LogQuery;
use crate::ports::Review;
use crate::ports::Sealed;
use crate::ports::StoreError;
use crate::ports::StoredEntry;
use sqlx::PgPool;
use sqlx::Postgres;
use sqlx::QueryBuilder;
use time::OffsetDateTime;
use uuid::Uuid;

const COLUMNS: &str = "select
    entry.leaf_index, entry.event_id, entry.kind, entry.reference, entry.recorded_at, entry.actor, entry.documents,
    entry.outcome, entry.leaf, entry.leaf_hash, null::bytea as wrapped_key, null::bytea as ciphertext,
    (select erased.erased_by from audit.erased where erased.event_id = entry.event_id) as erased_by,
    review.state as review_state, review.changed_by as review_by, review.changed_at as review_at
from audit.entry
left join audit.review on review.intent = entry.event_id";

/// Words and tags are looked for among the newest so many entries first.
const WINDOW: i64 = 20_000;

/// What is frequent fills a page from the newest entries on; what is rare is found by its own index and put in order. No
/// statistic of the database tells which a word is, so the newest entries are asked.
pub(super) async fn list(pool: &PgPool, query: &LogQuery) -> Result<Vec<StoredEntry>, StoreError> {
    if query.words.is_empty() && query.tags.is_empty() {
        return run(pool, statement(query, By::Position)).await;
    }
    let newest = run(pool, statement(query, By::Window)).await?;
    if newest.len() as i64 >= query.limit {
        return Ok(newest);
    }
    run(pool, statement(query, By::Mark)).await
}

/// How entries are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Position,
    /// The same, among the newest alone.
    Window,
    /// By the index over marks.
    Mark,
}

async fn run(pool: &PgPool, mut statement: QueryBuilder<Postgres>) -> Result<Vec<StoredEntry>, StoreError> {
    let rows: Vec<EntryRow> = statement
        .build_query_as()
        // Planned for these values each time: how many entries have a word decides how they are found.
        .persistent(false)
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    rows.into_iter().map(StoredEntry::try_from).collect()
}

fn statement(query: &LogQuery, by: By) -> QueryBuilder<Postgres> {
    let mut statement = QueryBuilder::new(COLUMNS);
    let marked = !query.words.is_empty() || !query.tags.is_empty();
    if marked {
        // by both: what was left behind of a removed entry is not its successor's
        statement.push(
            " inner join audit.mark on mark.leaf_index = entry.leaf_index and mark.event_id = entry.event_id",
        );
    }
    statement.push(" where true");
    if let Some(from) = query.from {
        statement.push(" and entry.recorded_at >= ").push_bind(from);
    }
    if let Some(to) = query.to {
        statement.push(" and entry.recorded_at < ").push_bind(to);
    }
    if let Some(actor) = query.actor {
        statement.push(" and entry.actor = ").push_bind(actor.uuid());
    }
    if let Some(document) = query.document {
        statement.push(" and entry.documents @> ").push_bind(vec![document.uuid()]);
    }
    if let Some(outcome) = &query.outcome {
        statement.push(" and entry.outcome = ").push_bind(outcome.clone());
    }
    if let Some(kind) = &query.kind {
        statement.push(" and entry.kind = ").push_bind(kind.clone());
    }
    if !query.words.is_empty() {
        statement.push(" and mark.words @> ").push_bind(query.words.clone());
    }
    if !query.tags.is_empty() {
        statement.push(" and mark.tags @> ").push_bind(query.tags.clone());
    }
    match query.review {
        None => {}
        Some(ReviewState::New) => {
            statement.push(" and audit.is_intent(entry.kind) and review.intent is null");
        }
        Some(state) => {
            statement.push(" and review.state = ").push_bind(state.as_str());
        }
    }
    if let Some(before) = query.before {
        statement.push(" and entry.leaf_index < ").push_bind(before);
        if marked {
            // The database does not conclude it from the other.
            statement.push(" and mark.leaf_index < ").push_bind(before);
        }
    }
    if by == By::Window {
        statement.push(" and mark.leaf_index >= coalesce(").push_bind(query.before);
        statement.push(", (select max(leaf_index) + 1 from audit.mark)) - ").push_bind(WINDOW);
    }
    // An expression keeps the database from walking down all positions, unless a person or a document narrows them.
    let narrowed = query.actor.is_some() || query.document.is_some();
    let order = match by {
        By::Position => "entry.leaf_index",
        By::Mark if !narrowed => "mark.leaf_index + 0",
        By::Window | By::Mark => "mark.leaf_index",
    };
    statement.push(" order by ").push(order).push(" desc limit ").push_bind(query.limit);
    statement
}

#[derive(sqlx::FromRow)]
pub(super) struct EntryRow {
    pub(super) leaf_index: i64,
    pub(super) event_id: Uuid,
    pub(super) kind: String,
    pub(super) reference: Option<Uuid>,
    pub(super) recorded_at: OffsetDateTime,
    pub(super) actor: Option<Uuid>,
    pub(super) documents: Vec<Uuid>,
    pub(super) outcome: Option<String>,
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_hash: Vec<u8>,
    pub(super) wrapped_key: Option<Vec<u8>>,
    pub(super) ciphertext: Option<Vec<u8>>,
    pub(super) erased_by: Option<Uuid>,
    pub(super) review_state: Option<String>,
    pub(super) review_by: Option<Uuid>,
    pub(super) review_at: Option<OffsetDateTime>,
}

impl TryFrom<EntryRow> for StoredEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let sealed = row
            .wrapped_key
            .zip(row.ciphertext)
            .map(|(wrapped_key, ciphertext)| Sealed { wrapped_key, ciphertext });
        let review = match (row.review_state, row.review_by, row.review_at) {
            (Some(state), Some(by), Some(changed_at)) => {
                let state = state.parse().map_err(corrupt)?;
                Some(Review { state, changed_by: UserId::from_uuid(by), changed_at })
            }
            _ => None,
        };
        Ok(Self {
            leaf_index: row.leaf_index,
            event_id: EventId::from_uuid(row.event_id),
            kind: row.kind,
            reference: row.reference.map(EventId::from_uuid),
            recorded_at: row.recorded_at,
            actor: row.actor.map(UserId::from_uuid),
            documents: row.documents.into_iter().map(DocumentId::from_uuid).collect(),
            outcome: row.outcome,
            leaf: row.leaf,
            leaf_hash: row.leaf_hash,
            sealed,
            erased_by: row.erased_by.map(EventId::from_uuid),
            review,
        })
    }
}
