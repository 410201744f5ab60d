//! The append-only tables of the audit log. Positions have no gaps: one append at a time computes the next ones under
//! an advisory lock, and the primary key would refuse a second writer that did not. Knows no key and no leaf's content.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::unavailable;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::log_list;
use crate::adapters::postgres::log_list::EntryRow;
use crate::adapters::postgres::log_tree;
use crate::adapters::postgres::retention;
use crate::domain::BootId;
use crate::domain::EventId;
use crate::domain::UserId;
use crate::ports::Digest;
use crate::ports::Growing;
use crate::ports::LogEntry;
use crate::ports::LogQuery;
use crate::ports::LogStore;
use crate::ports::OpenIntent;
use crate::ports::Sealed;
use crate::ports::StoreError;
use crate::ports::StoredEntry;
use async_trait::async_trait;
use std::collections::HashMap;
use std::fmt::Display;
use std::fmt::Write;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Begins with the advisory lock of the log, any number that nothing else in this database takes: one way to the server for
/// both, and a statement before the others, for they must see what the holder before committed.
const BEGIN: &str = "begin; select pg_advisory_xact_lock(940375422942576641)";

#[async_trait]
impl LogStore for Postgres {
    async fn append(&self, entries: &[LogEntry], tree: &dyn Growing) -> Result<i64, StoreError> {
        if entries.is_empty() {
            return Err(missing("entry to append"));
        }
        match self.insert(entries, tree).await {
            Ok(first) => Ok(first),
            Err(NotAppended::Refused(error)) => self.settle(entries, error).await,
            Err(NotAppended::Damaged(error)) => Err(error),
        }
    }

    async fn list(&self, query: &LogQuery) -> Result<Vec<StoredEntry>, StoreError> {
        log_list::list(&self.pool, query).await
    }

    async fn fill_in_content(&self, entries: &mut [StoredEntry]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.event_id.uuid()).collect();
        let rows = sqlx::query_file!("src/adapters/postgres/queries/list_content.sql", &ids)
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
        for (entry, row) in entries.iter_mut().zip(rows) {
            entry.erased_by = row.erased_by.map(EventId::from_uuid);
            entry.sealed = row
                .wrapped_key
                .zip(row.ciphertext)
                .map(|(wrapped_key, ciphertext)| Sealed { wrapped_key, ciphertext });
        }
        Ok(())
    }

    async fn find(&self, id: EventId) -> Result<Option<(StoredEntry, Vec<StoredEntry>)>, StoreError> {
        let entry = sqlx::query_file_as!(EntryRow, "src/adapters/postgres/queries/find_entry.sql", id.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(store_error)?;
        let Some(entry) = entry else { return Ok(None) };
        let related = sqlx::query_file_as!(
            EntryRow,
            "src/adapters/postgres/queries/list_related_entries.sql",
            id.uuid()
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let related: Result<Vec<StoredEntry>, StoreError> =
            related.into_iter().map(StoredEntry::try_from).collect();
        let mut related = related?;
        related.sort_by_key(|entry| entry.leaf_index);
        Ok(Some((entry.try_into()?, related)))
    }

    async fn open_intents(
        &self,
        boot: BootId,
        node: &str,
        alive_within: Duration,
    ) -> Result<Vec<OpenIntent>, StoreError> {
        let silence = alive_within.as_secs_f64();
        sqlx::query_file!(
            "src/adapters/postgres/queries/forget_settled_boots.sql",
            boot.uuid(),
            node,
            silence
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/list_open_intents.sql",
            boot.uuid(),
            node,
            silence
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(rows
            .into_iter()
            .map(|row| OpenIntent {
                event_id: EventId::from_uuid(row.event_id),
                actor: row.actor.map(UserId::from_uuid),
                recorded_at: row.recorded_at,
            })
            .collect())
    }

    async fn unsafe_settings(&self) -> Result<Vec<String>, StoreError> {
        let server = sqlx::query_file!("src/adapters/postgres/queries/check_server.sql")
            .fetch_one(&self.pool)
            .await
            .map_err(store_error)?;
        let settings = [
            ("fsync", server.fsync),
            ("full_page_writes", server.full_page_writes),
            ("synchronous_commit", server.synchronous_commit),
        ];
        Ok(settings.iter().filter(|(_, on)| !on).map(|(name, _)| (*name).to_owned()).collect())
    }

    async fn heartbeat(&self, boot: BootId, node: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into service_boots (boot, node) values ($1, $2)
             on conflict on constraint service_boots_pkey do update set node = excluded.node, seen_at = now()",
            boot.uuid(),
            node
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(store_error)
    }
}

/// Why a batch is not in the log.
enum NotAppended {
    /// The database says why.
    Refused(sqlx::Error),
    /// What is stored must not be built upon.
    Damaged(StoreError),
}

impl From<sqlx::Error> for NotAppended {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error)
    }
}

impl Postgres {
    async fn insert(&self, entries: &[LogEntry], tree: &dyn Growing) -> Result<i64, NotAppended> {
        let columns = Columns::of(entries);
        let leaves: Vec<Digest> = entries.iter().map(|entry| entry.leaf_hash).collect();
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        let (first, growth) =
            log_tree::grow(&mut transaction, tree, &leaves).await.map_err(NotAppended::Damaged)?;
        let (positions, hashes) = log_tree::columns(&growth.hashes);
        sqlx::query_file!(
            "src/adapters/postgres/queries/append_entries.sql",
            &columns.event_ids,
            &columns.kinds,
            &columns.references as &[Option<Uuid>],
            &columns.recorded_at,
            &columns.actors as &[Option<Uuid>],
            &columns.documents,
            &columns.outcomes as &[Option<String>],
            &columns.boots,
            &columns.leaves,
            &columns.leaf_hashes,
            &columns.sealed_ids,
            &columns.wrapped_keys,
            &columns.ciphertexts,
            first,
            &positions,
            &hashes,
            growth.checkpoint.size,
            growth.checkpoint.root.as_slice(),
            growth.checkpoint.note,
            &columns.classes,
            &columns.kept_until,
            &columns.binding,
            &columns.marked,
            &columns.marked_ids,
            &columns.words,
            &columns.tags
        )
        .execute(&mut *transaction)
        .await?;
        for entry in entries {
            if let Some(change) = entry.change {
                retention::make(&mut transaction, entry.event_id, change).await?;
            }
        }
        transaction.commit().await?;
        Ok(first)
    }

    /// Says what a failed append means. A batch may be there already, when an earlier try was committed but its
    /// acknowledgement was lost: then that is where it stands.
    async fn settle(&self, entries: &[LogEntry], error: sqlx::Error) -> Result<i64, StoreError> {
        let taken = match violated(&error) {
            Some("entry_event_id_key") => "an entry with this event id",
            Some("entry_one_outcome_key") => "an outcome of this intent",
            Some("entry_pkey" | "node_pkey" | "checkpoint_pkey") => {
                return Err(unavailable("another writer has the log".to_owned()));
            }
            Some(other) => match retention::refusal(other) {
                Some(refusal) => return Err(conflict(refusal)),
                None => return Err(store_error(error)),
            },
            None => return Err(store_error(error)),
        };
        self.find_appended(entries).await?.ok_or_else(|| conflict(taken))
    }

    /// Position of the first entry, if exactly these entries stand in the log, one after the other.
    async fn find_appended(&self, entries: &[LogEntry]) -> Result<Option<i64>, StoreError> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.event_id.uuid()).collect();
        let rows = sqlx::query_file!("src/adapters/postgres/queries/find_appended.sql", &ids)
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
        let there: HashMap<Uuid, (i64, Vec<u8>)> =
            rows.into_iter().map(|row| (row.event_id, (row.leaf_index, row.leaf_hash))).collect();
        let Some(first) = entries.first().and_then(|entry| there.get(&entry.event_id.uuid())) else {
            return Ok(None);
        };
        let same = entries.iter().zip(first.0..).all(|(entry, index)| {
            there
                .get(&entry.event_id.uuid())
                .is_some_and(|(at, hash)| *at == index && *hash == entry.leaf_hash)
        });
        Ok(same.then_some(first.0))
    }
}

/// Entries turned on their side, as `unnest` takes them.
#[derive(Default)]
struct Columns {
    event_ids: Vec<Uuid>,
    kinds: Vec<String>,
    references: Vec<Option<Uuid>>,
    recorded_at: Vec<OffsetDateTime>,
    actors: Vec<Option<Uuid>>,
    /// Array literals: `unnest` would flatten an array of arrays.
    documents: Vec<String>,
    outcomes: Vec<Option<String>>,
    boots: Vec<Uuid>,
    leaves: Vec<Vec<u8>>,
    leaf_hashes: Vec<Vec<u8>>,
    sealed_ids: Vec<Uuid>,
    wrapped_keys: Vec<Vec<u8>>,
    ciphertexts: Vec<Vec<u8>>,
    classes: Vec<String>,
    kept_until: Vec<OffsetDateTime>,
    binding: Vec<bool>,
    /// Which of the entries have marks, from 0.
    marked: Vec<i64>,
    marked_ids: Vec<Uuid>,
    /// Array literals, as `documents`.
    words: Vec<String>,
    tags: Vec<String>,
}

impl Columns {
    fn of(entries: &[LogEntry]) -> Self {
        let mut columns = Self::default();
        for (position, entry) in (0..).zip(entries) {
            columns.event_ids.push(entry.event_id.uuid());
            columns.kinds.push(entry.kind.to_owned());
            columns.references.push(entry.reference.map(EventId::uuid));
            columns.recorded_at.push(entry.recorded_at);
            columns.actors.push(entry.actor.map(UserId::uuid));
            columns.documents.push(array_literal(entry.documents.iter()));
            columns.outcomes.push(entry.outcome.map(str::to_owned));
            columns.boots.push(entry.boot.uuid());
            columns.leaves.push(entry.leaf.clone());
            columns.leaf_hashes.push(entry.leaf_hash.to_vec());
            if let Some(sealed) = &entry.sealed {
                columns.sealed_ids.push(entry.event_id.uuid());
                columns.wrapped_keys.push(sealed.wrapped_key.clone());
                columns.ciphertexts.push(sealed.ciphertext.clone());
                columns.classes.push(entry.term.class.as_str().to_owned());
                columns.kept_until.push(entry.term.until);
                columns.binding.push(entry.term.binding);
            }
            if let Some(marks) = &entry.marks {
                columns.marked.push(position);
                columns.marked_ids.push(entry.event_id.uuid());
                columns.words.push(array_literal(marks.words.iter()));
                columns.tags.push(array_literal(marks.tags.iter().map(|tag| quoted(tag))));
            }
        }
        columns
    }
}

/// Of elements that need no quotes.
fn array_literal<T: Display>(elements: impl Iterator<Item = T>) -> String {
    let mut literal = String::from("{");
    for (position, element) in elements.enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(literal, "{comma}{element}").expect("writing to a string does not fail");
    }
    literal.push('}');
    literal
}

/// An element in quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_an_array_are_quoted() {
        let tags = ["a b", "c\"d", r"e\f"];

        assert_eq!(array_literal(tags.iter().map(|tag| quoted(tag))), r#"{"a b","c\"d","e\\f"}"#);
        assert_eq!(array_literal([1, 2].iter()), "{1,2}");
    }
}
