//! Keys of clients and what was answered to them. Knows no request.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::store_error;
use crate::domain::HolderId;
use crate::ports::Claimed;
use crate::ports::IdempotencyKeys;
use crate::ports::KeptAnswer;
use crate::ports::KeyOf;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl IdempotencyKeys for Postgres {
    async fn claim(
        &self,
        of: &KeyOf,
        request: &str,
        holder: HolderId,
        lease: Duration,
        keep_for: Duration,
    ) -> Result<Claimed, StoreError> {
        let claimed = sqlx::query_file!(
            "src/adapters/postgres/queries/claim_key.sql",
            of.user.uuid(),
            of.key,
            request,
            holder.uuid(),
            lease.as_secs_f64(),
            keep_for.as_secs_f64()
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        if claimed.rows_affected() == 1 {
            return Ok(Claimed::Fresh);
        }
        let row = sqlx::query!(
            "select request, fingerprint, status, media_type, body from idempotency_keys
             where user_id = $1 and key = $2",
            of.user.uuid(),
            of.key
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        // Given up between the two statements: the client that comes again gets it.
        let Some(row) = row else { return Ok(Claimed::UnderWay) };
        let (Some(fingerprint), Some(status), Some(media_type), Some(body)) =
            (row.fingerprint, row.status, row.media_type, row.body)
        else {
            return Ok(Claimed::UnderWay);
        };
        let status = u16::try_from(status).map_err(|_| corrupt(format!("{status} is no status")))?;
        Ok(Claimed::Answered(KeptAnswer { request: row.request, fingerprint, status, media_type, body }))
    }

    async fn keep(&self, of: &KeyOf, holder: HolderId, lease: Duration) -> Result<(), StoreError> {
        let kept = sqlx::query!(
            "update idempotency_keys set held_until = now() + make_interval(secs => $4)
             where user_id = $1 and key = $2 and holder = $3",
            of.user.uuid(),
            of.key,
            holder.uuid(),
            lease.as_secs_f64()
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        if kept.rows_affected() == 0 { Err(conflict("another request with this key")) } else { Ok(()) }
    }

    async fn answer(&self, of: &KeyOf, holder: HolderId, answer: &KeptAnswer) -> Result<(), StoreError> {
        sqlx::query!(
            "update idempotency_keys set fingerprint = $4, status = $5, media_type = $6, body = $7
             where user_id = $1 and key = $2 and holder = $3",
            of.user.uuid(),
            of.key,
            holder.uuid(),
            answer.fingerprint,
            i32::from(answer.status),
            answer.media_type,
            answer.body
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }

    async fn release(&self, of: &KeyOf, holder: HolderId) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from idempotency_keys where user_id = $1 and key = $2 and holder = $3 and status is null",
            of.user.uuid(),
            of.key,
            holder.uuid()
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }

    async fn forget_expired(&self) -> Result<(), StoreError> {
        sqlx::query!("delete from idempotency_keys where expires_at < now()")
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }
}
