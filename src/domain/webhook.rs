//! What webhooks are told, and how far a message to one is. Knows no receiver.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What a webhook may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub enum WebhookEvent {
    /// A version can be searched.
    #[serde(rename = "document.ready")]
    Ready,
    /// A version failed for good.
    #[serde(rename = "document.failed")]
    Failed,
    /// Somebody stopped a version's job.
    #[serde(rename = "document.stopped")]
    Stopped,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ready, Self::Failed, Self::Stopped];

    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "document.ready",
            Self::Failed => "document.failed",
            Self::Stopped => "document.stopped",
        }
    }
}

impl FromStr for WebhookEvent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|event| event.as_str() == text);
        found.ok_or_else(|| format!("no event `{text}`"))
    }
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not sent yet, or to be sent again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up.
    Dead,
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pending" => Ok(Self::Pending),
            "delivered" => Ok(Self::Delivered),
            "dead" => Ok(Self::Dead),
            other => Err(format!("no state of a delivery `{other}`")),
        }
    }
}
