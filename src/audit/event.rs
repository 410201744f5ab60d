//! What happened, as its caller tells it, and which events pair up. Knows no bytes.

use crate::domain::AuthMethod;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::domain::UserId;
use serde::Serialize;
use std::net::IpAddr;

/// What happened.
pub struct Event {
    /// Made by the caller; recording twice is recording once.
    pub id: EventId,
    /// Such as `chat.intent`.
    pub kind: &'static str,
    /// The intent that this is the outcome of, or what else it belongs to.
    pub reference: Option<EventId>,
    /// Who did it; none: the service itself.
    pub actor: Option<Actor>,
    /// Which documents it concerns.
    pub documents: Vec<DocumentId>,
    /// What became of it, such as `answered`.
    pub outcome: Option<&'static str>,
    /// Goes into the leaf as it is: no content, no names; numbers as integers or decimal strings.
    pub facts: serde_json::Value,
    /// Goes beside the leaf, sealed; the leaf holds a commitment to it.
    pub content: Option<serde_json::Value>,
}

/// Who did it, as the leaf says it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user's id.
    pub user: UserId,
    /// Roles held at that time.
    pub roles: Vec<&'static str>,
    /// How they proved who they are, and by which session or key.
    pub method: AuthMethod,
    /// Where they asked from; sealed, never in the leaf.
    pub address: Option<IpAddr>,
    /// Sealed, never in the leaf.
    pub name: String,
}

impl From<&Principal> for Actor {
    fn from(who: &Principal) -> Self {
        Self {
            user: who.user(),
            roles: who.roles().iter().map(|role| role.as_str()).collect(),
            method: who.method(),
            address: who.address(),
            name: who.name().to_owned(),
        }
    }
}

/// What every leaf says of the service that wrote it.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceFacts {
    /// Of this build.
    pub version: String,
    /// SHA-256 of the effective configuration without secrets, hex.
    pub config_hash: String,
}

/// Something that is announced before it begins and must end in exactly one outcome.
struct Pair {
    intent: &'static str,
    abandoned: &'static str,
    outcomes: &'static [&'static str],
}

/// The store's unique index on outcomes names the same kinds.
const PAIRS: &[Pair] = &[
    Pair {
        intent: "chat.intent",
        abandoned: "chat.abandoned",
        outcomes: &["chat.completed", "chat.refused", "chat.failed", "chat.abandoned"],
    },
    Pair {
        intent: "search.intent",
        abandoned: "search.abandoned",
        outcomes: &["search.completed", "search.failed", "search.abandoned"],
    },
];

pub(super) fn is_intent(kind: &str) -> bool {
    abandoned(kind).is_some()
}

pub(super) fn is_outcome(kind: &str) -> bool {
    PAIRS.iter().any(|pair| pair.outcomes.contains(&kind))
}

/// The outcome of an intent that nobody else will give one.
pub(super) fn abandoned(intent: &str) -> Option<&'static str> {
    PAIRS.iter().find(|pair| pair.intent == intent).map(|pair| pair.abandoned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_intent_has_an_abandoned_outcome_that_is_one_of_its_outcomes() {
        for pair in PAIRS {
            assert!(is_intent(pair.intent) && !is_outcome(pair.intent));
            assert!(pair.outcomes.contains(&pair.abandoned));
            assert_eq!(abandoned(pair.intent), Some(pair.abandoned));
        }
        assert!(!is_intent("chat.sentence") && !is_outcome("chat.sentence"));
    }
}
