//! Collections and how many documents they hold. Knows no document's content.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::text::readable;
use crate::adapters::postgres::text::storable;
use crate::domain::AclFilter;
use crate::domain::Collection;
use crate::domain::CollectionId;
use crate::domain::Page;
use crate::domain::UserId;
use crate::ports::Collections;
use crate::ports::StoreError;
use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    name: String,
    created_at: OffsetDateTime,
    documents: i64,
}

impl From<Row> for Collection {
    fn from(row: Row) -> Self {
        Self {
            id: CollectionId::from_uuid(row.id),
            name: row.name,
            documents: row.documents,
            created_at: row.created_at,
        }
    }
}

#[async_trait]
impl Collections for Postgres {
    async fn create(&self, name: &str, creator: UserId) -> Result<Collection, StoreError> {
        let id = CollectionId::new();
        let name = storable(name);
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        let created_at = sqlx::query_scalar!(
            "insert into collections (id, name, created_by) values ($1, $2, $3) returning created_at",
            id.uuid(),
            &*name,
            creator.uuid()
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| match violated(&error) {
            Some("collections_name_key") => conflict(format!("collection `{name}`")),
            Some("collections_created_by_fkey") => missing(format!("user `{creator}`")),
            Some(_) | None => store_error(error),
        })?;
        sqlx::query!(
            "insert into grants (user_id, collection_id, permission) values ($1, $2, 'write')",
            creator.uuid(),
            id.uuid()
        )
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(Collection { id, name: name.into_owned(), documents: 0, created_at })
    }

    async fn list(
        &self,
        filter: &AclFilter,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Page<Collection>, StoreError> {
        let after = cursor.map(storable);
        let rows = sqlx::query_file_as!(
            Row,
            "src/adapters/postgres/queries/list_collections.sql",
            &readable(filter),
            after.as_deref(),
            limit.saturating_add(1)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(page(rows.into_iter().map(Collection::from).collect(), limit, |last| last.name.clone()))
    }

    async fn find(&self, id: CollectionId, filter: &AclFilter) -> Result<Option<Collection>, StoreError> {
        sqlx::query_file_as!(
            Row,
            "src/adapters/postgres/queries/find_collection.sql",
            id.uuid(),
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map(|row| row.map(Collection::from))
        .map_err(store_error)
    }
}

/// Cuts the one row too many that says that there is a next page.
pub(super) fn page<T>(mut data: Vec<T>, limit: i64, cursor_of: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = data.len() > limit;
    data.truncate(limit);
    let next_cursor = if more { data.last().map(cursor_of) } else { None };
    Page { data, next_cursor }
}
