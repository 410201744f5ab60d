//! Uploads under way: who holds them, and which parts have come. Knows no byte of them.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::text::json;
use crate::adapters::postgres::text::storable;
use crate::adapters::postgres::text::storable_title;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::HolderId;
use crate::domain::UploadId;
use crate::domain::UserId;
use crate::ports::HeldUploads;
use crate::ports::NewUpload;
use crate::ports::StoreError;
use crate::ports::StoredPart;
use crate::ports::StoredUpload;
use crate::ports::Uploads;
use async_trait::async_trait;
use sqlx::types::Json;
use std::time::Duration;

#[async_trait]
impl Uploads for Postgres {
    async fn create(&self, upload: &NewUpload, most: u32) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        // One announcement of a user at a time: two at once would both find room for the last.
        sqlx::query!("select id from users where id = $1 for no key update", upload.owner.uuid())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        let (title, file_name) = (storable_title(upload.title.as_deref()), storable(&upload.file_name));
        let made = sqlx::query_file!(
            "src/adapters/postgres/queries/insert_upload.sql",
            upload.id.uuid(),
            upload.owner.uuid(),
            upload.collection.uuid(),
            upload.document.map(DocumentId::uuid),
            title.as_deref(),
            file_name.as_ref(),
            upload.password.as_deref(),
            upload.bytes,
            upload.expires_at,
            i64::from(most)
        )
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        if made.rows_affected() == 0 { Err(conflict(format!("the most of {most} uploads"))) } else { Ok(()) }
    }

    async fn find(&self, id: UploadId, owner: UserId) -> Result<Option<StoredUpload>, StoreError> {
        let row = sqlx::query_file!("src/adapters/postgres/queries/find_upload.sql", id.uuid(), owner.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(store_error)?;
        Ok(row.map(|row| StoredUpload {
            announced: NewUpload {
                id,
                owner,
                collection: CollectionId::from_uuid(row.collection_id),
                document: row.document_id.map(DocumentId::from_uuid),
                title: row.title,
                file_name: row.file_name,
                password: row.password,
                bytes: row.bytes,
                expires_at: row.expires_at,
            },
            received: row.received,
            parts: row.parts,
            outcome: row.outcome.map(|outcome: Json<serde_json::Value>| outcome.0),
        }))
    }

    async fn hold(
        &self,
        id: UploadId,
        owner: UserId,
        holder: HolderId,
        lease: Duration,
    ) -> Result<Option<StoredUpload>, StoreError> {
        let held = sqlx::query_file!(
            "src/adapters/postgres/queries/hold_upload.sql",
            id.uuid(),
            owner.uuid(),
            holder.uuid(),
            lease.as_secs_f64()
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        // After the hold: what it says cannot change any more.
        let found = Uploads::find(self, id, owner).await?;
        if held.is_none() && found.is_some() {
            Err(conflict(format!("a writer of upload `{id}`")))
        } else {
            Ok(found)
        }
    }

    async fn expired(&self, after: Duration, limit: u32) -> Result<Vec<UploadId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "select id from uploads
             where expires_at < now() - make_interval(secs => $1) and (held_until is null or held_until < now())
             order by expires_at limit $2",
            after.as_secs_f64(),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(ids.into_iter().map(UploadId::from_uuid).collect())
    }

    async fn parts(&self, id: UploadId) -> Result<Vec<StoredPart>, StoreError> {
        sqlx::query_as!(
            StoredPart,
            "select name, first, bytes, sha256 from upload_parts where upload_id = $1 order by first, name",
            id.uuid()
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)
    }

    async fn forget(&self, id: UploadId) -> Result<(), StoreError> {
        sqlx::query!("delete from uploads where id = $1", id.uuid())
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }
}

#[async_trait]
impl HeldUploads for Postgres {
    async fn keep(&self, id: UploadId, holder: HolderId, lease: Duration) -> Result<(), StoreError> {
        let kept = sqlx::query!(
            "update uploads set held_until = now() + make_interval(secs => $3) where id = $1 and holder = $2",
            id.uuid(),
            holder.uuid(),
            lease.as_secs_f64()
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_held(id, kept.rows_affected())
    }

    async fn announce(&self, id: UploadId, holder: HolderId, part: &StoredPart) -> Result<(), StoreError> {
        let noted = sqlx::query_file!(
            "src/adapters/postgres/queries/announce_part.sql",
            id.uuid(),
            holder.uuid(),
            part.name,
            part.first,
            part.sha256
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_held(id, noted.rows_affected())
    }

    async fn advance(
        &self,
        id: UploadId,
        holder: HolderId,
        part: &StoredPart,
        bytes: i64,
    ) -> Result<(), StoreError> {
        let counted = sqlx::query_file!(
            "src/adapters/postgres/queries/advance_upload.sql",
            id.uuid(),
            holder.uuid(),
            part.name,
            part.first,
            bytes
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_held(id, counted.rows_affected())
    }

    async fn finish(
        &self,
        id: UploadId,
        holder: HolderId,
        outcome: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let outcome = json(outcome)?;
        let ended = sqlx::query!(
            "update uploads set outcome = $3::text::json, password = null where id = $1 and holder = $2",
            id.uuid(),
            holder.uuid(),
            outcome
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_held(id, ended.rows_affected())
    }

    async fn expire(&self, id: UploadId, holder: HolderId) -> Result<(), StoreError> {
        let ended = sqlx::query!(
            "update uploads set expires_at = now(), password = null where id = $1 and holder = $2",
            id.uuid(),
            holder.uuid()
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_held(id, ended.rows_affected())
    }

    async fn release(&self, id: UploadId, holder: HolderId) -> Result<(), StoreError> {
        sqlx::query!(
            "update uploads set holder = null, held_until = null where id = $1 and holder = $2",
            id.uuid(),
            holder.uuid()
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

/// A write that met no row came from somebody who had lost the hold.
fn still_held(id: UploadId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(conflict(format!("another writer of upload `{id}`"))) } else { Ok(()) }
}
