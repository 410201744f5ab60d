//! What deleted documents left outside of Postgres, until it is erased. Knows no store that erases.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::store_error;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::ports::Erasure;
use crate::ports::Erasures;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::PgConnection;
use std::time::Duration;

#[async_trait]
impl Erasures for Postgres {
    async fn pending(&self, after: Duration, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/list_erasures.sql",
            after.as_secs_f64(),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let erasures = rows.into_iter().map(|row| Erasure {
            document: DocumentId::from_uuid(row.document_id),
            collection: CollectionId::from_uuid(row.collection_id),
            files: row.files,
            request: EventId::from_uuid(row.request_id),
            erased: row.erased,
        });
        Ok(erasures.collect())
    }

    async fn erased(&self, document: DocumentId) -> Result<(), StoreError> {
        sqlx::query!("update erasures set erased_at = now() where document_id = $1", document.uuid())
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }

    async fn forget(&self, document: DocumentId) -> Result<(), StoreError> {
        sqlx::query!("delete from erasures where document_id = $1", document.uuid())
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }
}

/// Notes what is to be erased, in the transaction that deletes the rows.
pub(super) async fn note(connection: &mut PgConnection, erasure: &Erasure) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into erasures (document_id, collection_id, files, request_id, requested_at)
         values ($1, $2, $3, $4, clock_timestamp())",
        erasure.document.uuid(),
        erasure.collection.uuid(),
        &erasure.files,
        erasure.request.uuid(),
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}
