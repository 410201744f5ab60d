//! Ends of jobs, announced to other programs. The messages are written by the store in the transaction that ends the
//! job; here they are signed and sent, at least once each, again with longer and longer waits while the receiver does
//! not take them, and given up after `webhooks.max_attempts`. Only hosts of `webhooks.allowed_hosts` are ever called.
//! Knows no job and no SQL.

mod address;
mod deliver;
mod signature;

pub use address::AddressError;

use crate::audit::AuditError;
use crate::audit::Vault;
use crate::config::Webhooks as WebhooksConfig;
use crate::domain::CollectionId;
use crate::domain::WebhookEvent;
use crate::domain::WebhookId;
use crate::ports::Deliveries;
use crate::ports::Webhook;
use crate::ports::WebhookClient;
use secrecy::SecretString;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// What the secrets of webhooks are sealed as.
const SECRET: &str = "webhook.secret";

/// What announces.
pub struct Announcing {
    parts: AnnouncingParts,
}

/// What `Announcing` works with; `app` fills it.
pub struct AnnouncingParts {
    /// Hosts, deadlines, attempts.
    pub config: WebhooksConfig,
    /// Seals the secrets.
    pub vault: Vault,
    /// The messages that wait.
    pub deliveries: Arc<dyn Deliveries>,
    /// The way out.
    pub client: Arc<dyn WebhookClient>,
}

/// A webhook that is not stored yet.
pub struct NewWebhook {
    /// As it will be listed.
    pub webhook: Webhook,
    /// For its owner to see once: what messages are signed with.
    pub secret: SecretString,
    /// The same, sealed.
    pub sealed: Vec<u8>,
}

impl Announcing {
    /// Joins the parts.
    pub const fn new(parts: AnnouncingParts) -> Self {
        Self { parts }
    }

    /// Says whether messages may go to this address.
    ///
    /// # Errors
    /// What is wrong with it, or which key of the configuration keeps it out.
    pub fn check(&self, url: &str) -> Result<(), AddressError> {
        address::check(url, &self.parts.config.allowed_hosts)
    }

    /// Makes a webhook with a secret of its own.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn make(
        &self,
        url: String,
        collection_ids: Option<Vec<CollectionId>>,
        events: Vec<WebhookEvent>,
    ) -> Result<NewWebhook, AuditError> {
        let id = WebhookId::new();
        let secret = signature::make_secret();
        let sealed = self.parts.vault.seal(SECRET, &id.to_string(), &secret)?;
        let webhook = Webhook { id, url, collection_ids, events, created_at: OffsetDateTime::now_utc() };
        Ok(NewWebhook { webhook, secret, sealed })
    }

    /// Sends what waits, until stopped.
    pub async fn deliver(self: Arc<Self>, stop: CancellationToken) {
        deliver::deliver(&self.parts, &stop).await;
    }
}
