//! Webhooks, the messages to them, and the way out. Knows no adapter.

use crate::domain::CollectionId;
use crate::domain::DeliveryId;
use crate::domain::DeliveryState;
use crate::domain::UserId;
use crate::domain::WebhookEvent;
use crate::domain::WebhookId;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::time::Duration;
use time::OffsetDateTime;

/// Where ends of jobs are announced.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where messages are posted.
    pub url: String,
    /// Only documents of these; null: of all.
    pub collection_ids: Option<Vec<CollectionId>>,
    /// What it is told.
    pub events: Vec<WebhookEvent>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
}

/// A message as administrators see it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Also its `webhook-id`.
    pub id: DeliveryId,
    /// What it tells.
    pub event: WebhookEvent,
    /// How far it is.
    pub state: DeliveryState,
    /// Made so far.
    pub attempts: i32,
    /// HTTP status of the last answer; null when there was none.
    pub status: Option<i32>,
    /// What went wrong at the last attempt.
    pub error: Option<String>,
    /// When it came to be: the job's end.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
    /// When it is tried next, while it is pending.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub run_at: OffsetDateTime,
    /// When it was delivered or given up.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub finished_at: Option<OffsetDateTime>,
}

/// A message that is ours to send.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    /// Which.
    pub id: DeliveryId,
    /// To which webhook.
    pub webhook: WebhookId,
    /// Where that is.
    pub url: String,
    /// What messages to it are signed with, sealed.
    pub secret: Vec<u8>,
    /// What is sent.
    pub payload: String,
    /// From 1.
    pub attempt: i32,
}

/// Webhooks and what was sent to them.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Makes one. `Conflict` when there are `most`, `Missing` when a collection is not there.
    async fn create(
        &self,
        webhook: &Webhook,
        secret: &[u8],
        creator: UserId,
        most: u32,
    ) -> Result<(), StoreError>;
    /// All, oldest first.
    async fn list(&self) -> Result<Vec<Webhook>, StoreError>;
    /// Deletes it with its messages. `Missing` when it is not there.
    async fn delete(&self, id: WebhookId) -> Result<(), StoreError>;
    /// Its newest messages; none when it is not there.
    async fn deliveries(&self, id: WebhookId, limit: i64) -> Result<Option<Vec<Delivery>>, StoreError>;
}

/// The messages that wait. Rows come with the ends of jobs; no caller makes them.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Takes the next for `lease`, at most `limit`.
    async fn claim(&self, lease: Duration, limit: u32) -> Result<Vec<ClaimedDelivery>, StoreError>;
    /// The receiver took it. Nothing when another has it by now.
    async fn delivered(&self, delivery: &ClaimedDelivery, status: u16) -> Result<(), StoreError>;
    /// This attempt failed: again at `retry_at`, or given up when none. Nothing when another has it by now.
    async fn failed(
        &self,
        delivery: &ClaimedDelivery,
        status: Option<u16>,
        error: &str,
        retry_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError>;
    /// Forgets those that ended longer ago than `after`.
    async fn forget(&self, after: Duration) -> Result<(), StoreError>;
}

/// The way out.
#[async_trait]
pub trait WebhookClient: Send + Sync {
    /// Posts JSON and gives the status; follows no redirect and reads nothing of the answer's body.
    ///
    /// # Errors
    /// A sentence for administrators when there was no answer.
    async fn post(
        &self,
        url: &str,
        headers: [(&'static str, String); 3],
        body: String,
    ) -> Result<u16, String>;
}
