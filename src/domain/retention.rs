//! How long content of the audit log is kept, who may have it erased before, and what keeps it all the same. Knows no store.

use crate::domain::AnswerId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::UserId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What an entry's content is kept as; how long is in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetentionClass {
    /// Questions, searches and all that belongs to them.
    Interactions,
    /// What was done to documents, users, grants, keys and the log itself.
    Administration,
}

impl RetentionClass {
    /// Of an entry's kind.
    pub fn of(kind: &str) -> Self {
        match kind.split_once('.') {
            Some(("chat" | "search", _)) => Self::Interactions,
            Some(_) | None => Self::Administration,
        }
    }

    /// The name in SQL, JSON and leaves.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactions => "interactions",
            Self::Administration => "administration",
        }
    }
}

/// Which entries an erasure or a hold is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Scope {
    /// One question or search, and what belongs to it.
    Question(AnswerId),
    /// What one person did, and what belongs to it.
    Person(UserId),
    /// What names one document.
    Document(DocumentId),
}

impl Scope {
    /// The name in SQL, JSON and leaves.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Question(_) => "question",
            Self::Person(_) => "person",
            Self::Document(_) => "document",
        }
    }
}

/// Why content is to be erased; stays in the log for ever, so it is a word of a list and no sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// The person it is about asked for it.
    PersonAsked,
    /// A law or an authority asks for it.
    LegalDuty,
    /// It should never have been put in.
    Mistake,
    /// The document it quotes was deleted.
    DocumentDeleted,
    /// Said in the note.
    Other,
}

impl ErasureReason {
    /// All, in the order in which a form shows them.
    pub const ALL: [Self; 5] =
        [Self::PersonAsked, Self::LegalDuty, Self::Mistake, Self::DocumentDeleted, Self::Other];

    /// The name in SQL, JSON and leaves.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PersonAsked => "person_asked",
            Self::LegalDuty => "legal_duty",
            Self::Mistake => "mistake",
            Self::DocumentDeleted => "document_deleted",
            Self::Other => "other",
        }
    }
}

/// How far a wish to erase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// For a second person, or for being carried out.
    Waiting,
    /// Keys and ciphertexts are destroyed.
    Erased,
    /// Somebody refused it.
    Refused,
}

/// A wish to have content erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ErasureRequest {
    /// Also the id of the event that began it.
    pub id: EventId,
    /// What is to be erased, of what was recorded before it was asked for.
    pub scope: Scope,
    /// Why.
    pub reason: ErasureReason,
    /// Who asked; none: the service, since a document was deleted.
    pub asked_by: Option<UserId>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub asked_at: OffsetDateTime,
    /// Who stands behind it, first who asked; two are needed.
    pub approved_by: Vec<UserId>,
    /// How far it is.
    pub state: ErasureState,
    /// When it was carried out or refused.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub ended_at: Option<OffsetDateTime>,
}

/// What must not be erased while it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Hold {
    /// Also the id of the event that placed it.
    pub id: EventId,
    /// What it keeps.
    pub scope: Scope,
    /// Who placed it.
    pub placed_by: UserId,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub placed_at: OffsetDateTime,
    /// Who lifted it, somebody else; none while it stands.
    pub lifted_by: Option<UserId>,
    /// When.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub lifted_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_questions_is_kept_as_interactions() {
        for (kind, class) in [
            ("chat.completed", RetentionClass::Interactions),
            ("search.intent", RetentionClass::Interactions),
            ("user.create", RetentionClass::Administration),
            ("audit.viewed", RetentionClass::Administration),
        ] {
            assert_eq!(RetentionClass::of(kind), class, "{kind}");
        }
    }
}
