//! Webhooks and the messages to them; the messages are written by a trigger on `jobs`. Knows no receiver.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::storable;
use crate::domain::CollectionId;
use crate::domain::DeliveryId;
use crate::domain::UserId;
use crate::domain::WebhookId;
use crate::ports::ClaimedDelivery;
use crate::ports::Deliveries;
use crate::ports::Delivery;
use crate::ports::StoreError;
use crate::ports::Webhook;
use crate::ports::Webhooks;
use async_trait::async_trait;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

#[async_trait]
impl Webhooks for Postgres {
    async fn create(
        &self,
        webhook: &Webhook,
        secret: &[u8],
        creator: UserId,
        most: u32,
    ) -> Result<(), StoreError> {
        let collections: Option<Vec<Uuid>> =
            webhook.collection_ids.as_ref().map(|ids| ids.iter().map(|id| id.uuid()).collect());
        if let Some(wanted) = &collections {
            let there = sqlx::query_scalar!("select id from collections where id = any($1)", wanted)
                .fetch_all(&self.pool)
                .await
                .map_err(store_error)?;
            if let Some(unknown) = wanted.iter().find(|id| !there.contains(id)) {
                return Err(missing(format!("collection `{unknown}`")));
            }
        }
        let events: Vec<String> = webhook.events.iter().map(|event| event.as_str().to_owned()).collect();
        let made = sqlx::query_file!(
            "src/adapters/postgres/queries/insert_webhook.sql",
            webhook.id.uuid(),
            webhook.url,
            secret,
            collections.as_deref(),
            &events,
            creator.uuid(),
            webhook.created_at,
            i64::from(most)
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        if made.rows_affected() == 0 { Err(conflict(format!("the most of {most} webhooks"))) } else { Ok(()) }
    }

    async fn list(&self) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query!(
            "select id, url, collection_ids, events, created_at from webhooks order by created_at, id"
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let webhooks = rows.into_iter().map(|row| {
            Ok(Webhook {
                id: WebhookId::from_uuid(row.id),
                url: row.url,
                collection_ids: row
                    .collection_ids
                    .map(|ids| ids.into_iter().map(CollectionId::from_uuid).collect()),
                events: row.events.iter().map(|event| known(event)).collect::<Result<_, _>>()?,
                created_at: row.created_at,
            })
        });
        webhooks.collect()
    }

    async fn delete(&self, id: WebhookId) -> Result<(), StoreError> {
        let gone = sqlx::query!("delete from webhooks where id = $1", id.uuid())
            .execute(&self.pool)
            .await
            .map_err(store_error)?;
        if gone.rows_affected() == 0 { Err(missing(format!("webhook `{id}`"))) } else { Ok(()) }
    }

    async fn deliveries(&self, id: WebhookId, limit: i64) -> Result<Option<Vec<Delivery>>, StoreError> {
        let there = sqlx::query_scalar!("select id from webhooks where id = $1", id.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(store_error)?;
        if there.is_none() {
            return Ok(None);
        }
        let rows = sqlx::query_file!("src/adapters/postgres/queries/list_deliveries.sql", id.uuid(), limit)
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
        let deliveries = rows.into_iter().map(|row| {
            Ok(Delivery {
                id: DeliveryId::from_uuid(row.id),
                event: known(&row.event)?,
                state: known(&row.state)?,
                attempts: row.attempts,
                status: row.status,
                error: row.error,
                created_at: row.created_at,
                run_at: row.run_at,
                finished_at: row.finished_at,
            })
        });
        deliveries.collect::<Result<_, _>>().map(Some)
    }
}

#[async_trait]
impl Deliveries for Postgres {
    async fn claim(&self, lease: Duration, limit: u32) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/claim_deliveries.sql",
            lease.as_secs_f64(),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let claimed = rows.into_iter().map(|row| ClaimedDelivery {
            id: DeliveryId::from_uuid(row.id),
            webhook: WebhookId::from_uuid(row.webhook_id),
            url: row.url,
            secret: row.secret,
            payload: row.payload,
            attempt: row.attempts,
        });
        Ok(claimed.collect())
    }

    async fn delivered(&self, delivery: &ClaimedDelivery, status: u16) -> Result<(), StoreError> {
        sqlx::query!(
            "update deliveries
             set state = 'delivered', lease_until = null, status = $3, error = null, finished_at = now()
             where id = $1 and attempts = $2 and state = 'pending'",
            delivery.id.uuid(),
            delivery.attempt,
            i32::from(status)
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }

    async fn failed(
        &self,
        delivery: &ClaimedDelivery,
        status: Option<u16>,
        error: &str,
        retry_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        let error = storable(error);
        sqlx::query_file!(
            "src/adapters/postgres/queries/fail_delivery.sql",
            delivery.id.uuid(),
            delivery.attempt,
            status.map(i32::from),
            error.as_ref(),
            retry_at
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }

    async fn forget(&self, after: Duration) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from deliveries where state <> 'pending' and finished_at < now() - make_interval(secs => $1)",
            after.as_secs_f64()
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }
}
