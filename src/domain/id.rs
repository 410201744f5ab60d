//! Ids as newtypes, so that a document's id is never taken for a job's. Knows no store.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id; UUIDv7, so that ids sort by the time they were made (RFC 9562).
            #[expect(clippy::new_without_default, reason = "a new id is never a default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// Wraps an id that a store or a client gave.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Gives the id to a store.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A person or a service account.
    UserId;
    /// A signed-in browser.
    SessionId;
    /// A bearer key `dk_…`.
    ApiKeyId;
    /// A set of documents; the unit of isolation.
    CollectionId;
    /// A document, across its versions.
    DocumentId;
    /// A stretch of one version's text: what is embedded, found and cited.
    PassageId;
    /// One run of the pipeline over one version.
    JobId;
    /// One question and what became of it; also the event id of its intent.
    AnswerId;
    /// Questions that belong together.
    ConversationId;
    /// One entry of the audit log.
    EventId;
    /// One run of this process.
    BootId;
    /// An upload that goes on after an interruption.
    UploadId;
    /// One request that writes where no other may write meanwhile.
    HolderId;
    /// Where ends of jobs are announced.
    WebhookId;
    /// One announcement to one webhook.
    DeliveryId;
}

/// Namespace of passage ids (a random UUID, fixed for ever: changing it would orphan every stored vector).
const PASSAGES: Uuid = Uuid::from_u128(0x6f1c_9a52_2f0e_4d0b_9a37_5f61_1c1e_77d4);

impl PassageId {
    /// Derives the id of the `ordinal`th passage of a version, so that indexing twice writes the same points (UUIDv5).
    pub fn derive(document: DocumentId, version: i32, ordinal: u32) -> Self {
        Self(Uuid::new_v5(&PASSAGES, format!("{document}/{version}/{ordinal}").as_bytes()))
    }
}

impl From<AnswerId> for EventId {
    /// The intent of a question has the answer's id.
    fn from(answer: AnswerId) -> Self {
        Self(answer.0)
    }
}
