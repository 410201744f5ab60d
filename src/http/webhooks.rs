//! Webhooks: made, listed and deleted by administrators, with what was sent to each. Knows no sending.

use crate::config::Config;
use crate::domain::CollectionId;
use crate::domain::Page;
use crate::domain::WebhookEvent;
use crate::domain::WebhookId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::error::no_content;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::http::record::Act;
use crate::http::record::recorded;
use crate::ports::Delivery;
use crate::ports::Webhook;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::sync::Arc;

/// Webhooks of one service.
const MAX_WEBHOOKS: u32 = 50;
/// Collections that one webhook may be narrowed to.
const MAX_COLLECTIONS: usize = 100;
/// Messages that are shown.
const SHOWN: i64 = 100;

/// A webhook to be made.
#[derive(utoipa::ToSchema)]
pub(super) struct NewWebhook {
    /// Where messages are posted; its host stands in `webhooks.allowed_hosts`.
    url: String,
    /// Only documents of these collections; of all when left out.
    collection_ids: Option<Vec<CollectionId>>,
    /// What it is told; everything when left out.
    events: Option<Vec<WebhookEvent>>,
}

impl Input for NewWebhook {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        let url = fields.text("url", 1, 2_000);
        let collections: Vec<CollectionId> = fields.list("collection_ids", MAX_COLLECTIONS);
        let mut events: Vec<WebhookEvent> = fields.list("events", WebhookEvent::ALL.len());
        events.sort_unstable();
        events.dedup();
        Some(Self {
            url: url?,
            collection_ids: Some(collections).filter(|list| !list.is_empty()),
            events: Some(events).filter(|list| !list.is_empty()),
        })
    }
}

/// A new webhook; the only time its secret is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ShownWebhook {
    /// `whsec_…`: checks the signatures of messages (Standard Webhooks). It is kept sealed and cannot be shown again.
    secret: String,
    #[serde(flatten)]
    row: Webhook,
}

/// Makes a webhook. Messages are JSON with `type`, `timestamp` and `data` (ids, version, status, error code, times; no
/// text of a document) and carry `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks).
#[utoipa::path(post, path = "/api/v1/webhooks", operation_id = "create_webhook", tag = "webhooks",
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook, and its secret this once", body = ShownWebhook)))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<NewWebhook>,
) -> Result<(StatusCode, Json<ShownWebhook>), AppError> {
    state.announcing.check(&input.url)?;
    let events = input.events.unwrap_or_else(|| WebhookEvent::ALL.to_vec());
    let made = state.announcing.make(input.url, input.collection_ids, events)?;
    let act = Act {
        kind: "webhook.create",
        facts: serde_json::json!({
            "webhook": made.webhook.id,
            "collections": made.webhook.collection_ids,
            "events": made.webhook.events,
        }),
        content: Some(serde_json::json!({ "url": made.webhook.url })),
    };
    let creating = state.webhooks.create(&made.webhook, &made.sealed, who.user(), MAX_WEBHOOKS);
    recorded(
        &state.auditor,
        Some(&who),
        act,
        creating,
        |()| serde_json::json!({ "webhook": made.webhook.id }),
    )
    .await?;
    let secret = made.secret.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(ShownWebhook { secret, row: made.webhook })))
}

/// All webhooks, oldest first.
#[utoipa::path(get, path = "/api/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks",
    responses((status = 200, description = "All of them", body = Page<Webhook>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    params: Params,
) -> Result<Json<Page<Webhook>>, AppError> {
    params.finish()?;
    Ok(Json(params::whole(state.webhooks.list().await?)))
}

/// Deletes a webhook; what still waits to be sent to it goes with it.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", operation_id = "delete_webhook", tag = "webhooks",
    params(("id" = WebhookId, Path)), responses((status = 204, description = "Deleted")))]
pub(super) async fn delete(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<WebhookId>,
) -> Result<Response, AppError> {
    let act = Act { kind: "webhook.delete", facts: serde_json::json!({ "webhook": id }), content: None };
    let deleting = state.webhooks.delete(id);
    recorded(&state.auditor, Some(&who), act, deleting, |()| serde_json::json!({ "webhook": id })).await?;
    Ok(no_content())
}

/// The newest messages to a webhook: how far each is, attempts, and what went wrong last.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The newest hundred", body = Page<Delivery>)))]
pub(super) async fn deliveries(
    State(state): State<Arc<Service>>,
    Segments(id): Segments<WebhookId>,
    params: Params,
) -> Result<Json<Page<Delivery>>, AppError> {
    params.finish()?;
    let deliveries = state.webhooks.deliveries(id, SHOWN).await?;
    Ok(Json(params::whole(deliveries.ok_or_else(|| AppError::missing("webhook"))?)))
}
