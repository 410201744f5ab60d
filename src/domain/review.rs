//! How far people are with looking at a question. Knows no store.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How far people are with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Nobody has looked.
    New,
    /// Somebody looks at it.
    InReview,
    /// In order.
    Cleared,
    /// One person thinks it is not; a second one has to confirm.
    ViolationProposed,
    /// Two people say that it is not.
    Violation,
    /// For somebody else to decide.
    Escalated,
}

impl ReviewState {
    /// All, in the order in which a form shows them.
    pub const ALL: [Self; 6] =
        [Self::New, Self::InReview, Self::Cleared, Self::ViolationProposed, Self::Violation, Self::Escalated];

    /// The name in SQL, JSON and leaves.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InReview => "in_review",
            Self::Cleared => "cleared",
            Self::ViolationProposed => "violation_proposed",
            Self::Violation => "violation",
            Self::Escalated => "escalated",
        }
    }

    /// What may come next.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::New => &[Self::InReview, Self::Cleared, Self::ViolationProposed, Self::Escalated],
            Self::InReview | Self::Escalated => {
                &[Self::InReview, Self::Cleared, Self::ViolationProposed, Self::Escalated]
            }
            Self::ViolationProposed => &[Self::Violation, Self::InReview, Self::Cleared, Self::Escalated],
            Self::Cleared | Self::Violation => &[Self::InReview],
        }
    }
}

impl fmt::Display for ReviewState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ReviewState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let state = Self::ALL.into_iter().find(|state| state.as_str() == text);
        state.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|state| state.as_str()).collect();
            format!("no state `{text}`: {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_comes_only_of_a_proposal_and_nothing_becomes_new_again() {
        for state in ReviewState::ALL {
            let proposed = state == ReviewState::ViolationProposed;
            assert_eq!(state.next().contains(&ReviewState::Violation), proposed, "{state}");
            assert!(!state.next().contains(&ReviewState::New), "{state}");
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
