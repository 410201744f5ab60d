//! People look at questions: each step is an event, and so is each note. Knows no table: the database checks once more who
//! may take which step.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::event;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::domain::EventId;
use crate::domain::Fault;
use crate::domain::Principal;
use crate::domain::ReviewState;
use crate::domain::Role;
use crate::ports::Change;
use crate::ports::Review;
use serde_json::json;

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReviewed {
    /// What is to be looked at is no question.
    #[error("this is no question: review the entry of its intent")]
    NoQuestion,
    /// It does not follow.
    #[error("from `{from}` there is no way to `{to}`")]
    NoWay {
        /// Where it is.
        from: ReviewState,
        /// Where it was to go.
        to: ReviewState,
    },
    /// Whose question it is.
    #[error("nobody reviews their own question: another auditor has to")]
    Own,
    /// Confirming takes somebody else than proposing.
    #[error("you proposed this: a second person has to confirm it")]
    Second,
    /// Who makes users could be two people at once.
    #[error("who manages users does not review: an account that is an auditor's alone has to")]
    Admin,
}

impl NotReviewed {
    pub(super) const fn fault(self) -> Fault {
        match self {
            Self::NoQuestion => Fault::Invalid,
            Self::NoWay { .. } => Fault::Conflict,
            Self::Own | Self::Second | Self::Admin => Fault::Denied,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NoQuestion => "no_question",
            Self::NoWay { .. } => "review_no_way",
            Self::Own => "own_question",
            Self::Second => "second_person",
            Self::Admin => "admin_cannot_review",
        }
    }
}

impl Auditor {
    /// Takes a step, or notes something where none is given; none when there is no such entry. The note is sealed. Gives how
    /// far it is then, none while nobody took a step.
    ///
    /// # Errors
    /// Why this person cannot, or that it cannot be recorded.
    pub async fn review(
        &self,
        who: &Principal,
        intent: EventId,
        to: Option<ReviewState>,
        note: &str,
    ) -> Result<Option<Option<Review>>, AuditError> {
        let Some((asked, _)) = self.log.store.find(intent).await? else { return Ok(None) };
        if !event::is_intent(&asked.kind) {
            return Err(NotReviewed::NoQuestion.into());
        }
        if who.has(Role::Admin) {
            return Err(NotReviewed::Admin.into());
        }
        if asked.actor == Some(who.user()) {
            return Err(NotReviewed::Own.into());
        }
        let from = asked.review.map_or(ReviewState::New, |review| review.state);
        if let Some(to) = to {
            check_step(who, asked.review, from, to)?;
        }
        let event = Event {
            id: EventId::new(),
            kind: if to.is_some() { "review.changed" } else { "review.noted" },
            reference: Some(intent),
            actor: Some(Actor::from(who)),
            documents: asked.documents,
            outcome: to.map(ReviewState::as_str),
            facts: json!({"from": from, "to": to}),
            content: Some(json!({"note": note})),
        };
        match to {
            Some(_) => self.record_change(event, Change::Review).await?,
            None => self.record(event).await?,
        };
        let now = self.log.store.find(intent).await?;
        Ok(Some(now.and_then(|(asked, _)| asked.review)))
    }
}

fn check_step(
    who: &Principal,
    now: Option<Review>,
    from: ReviewState,
    to: ReviewState,
) -> Result<(), NotReviewed> {
    if !from.next().contains(&to) {
        return Err(NotReviewed::NoWay { from, to });
    }
    if to == ReviewState::Violation && now.is_some_and(|review| review.changed_by == who.user()) {
        return Err(NotReviewed::Second);
    }
    Ok(())
}
