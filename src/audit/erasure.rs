//! Content erased for good: two people approve, neither of whom it is about, no hold stands, and the entry that says so and
//! the loss of key and ciphertext are one transaction. The record stays, its proofs hold, and it tells who, when and why.
//! Knows no table: the database checks all of this once more.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::event;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::domain::AnswerId;
use crate::domain::DocumentId;
use crate::domain::ErasureReason;
use crate::domain::ErasureRequest;
use crate::domain::ErasureState;
use crate::domain::EventId;
use crate::domain::Fault;
use crate::domain::Hold;
use crate::domain::Principal;
use crate::domain::Role;
use crate::domain::Scope;
use crate::ports::Change;
use crate::ports::Hindrance;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;

/// Erased by one entry, which names them all: a leaf has less than 64 KiB.
const AT_ONCE: i64 = 500;
/// Shown at once.
const LISTED: i64 = 200;

/// Why content is not erased, or a hold not lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotErased {
    /// A legal hold stands.
    #[error("a legal hold keeps some of this: it has to be lifted first")]
    Held,
    /// Its class is binding.
    #[error("some of this is kept until {} whoever asks (`retention`)", .0.date())]
    Binding(OffsetDateTime),
    /// There is no content to erase.
    #[error("there is no content of this, or it is erased already")]
    Nothing,
    /// Who makes users could be two people at once.
    #[error("who manages users neither erases nor holds: an account that is an auditor's alone has to")]
    Admin,
    /// Who is asked to judge is whom it is about.
    #[error("nobody decides about their own records: another auditor has to")]
    OwnRecords,
    /// The same person again.
    #[error("you have approved this already: a second person has to")]
    Again,
    /// It was carried out or refused.
    #[error("this was carried out or refused already")]
    Over,
    /// Lifting needs somebody else than placing.
    #[error("you placed this hold: somebody else has to lift it")]
    OwnHold,
}

impl NotErased {
    pub(super) const fn fault(self) -> Fault {
        match self {
            Self::Nothing => Fault::Missing,
            Self::Admin | Self::OwnRecords | Self::OwnHold => Fault::Denied,
            Self::Held | Self::Binding(_) | Self::Again | Self::Over => Fault::Conflict,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Held => "erasure_held",
            Self::Binding(_) => "erasure_binding",
            Self::Nothing => "nothing_to_erase",
            Self::Admin => "admin_cannot_erase",
            Self::OwnRecords => "own_records",
            Self::Again => "approved_already",
            Self::Over => "erasure_over",
            Self::OwnHold => "own_hold",
        }
    }
}

impl Auditor {
    /// Asks for erasure; who asks has approved by that. `note` is sealed.
    ///
    /// # Errors
    /// Why it cannot be erased, or that it cannot be recorded.
    pub async fn ask_for_erasure(
        &self,
        who: &Principal,
        scope: Scope,
        reason: ErasureReason,
        note: &str,
    ) -> Result<ErasureRequest, AuditError> {
        let now = OffsetDateTime::now_utc();
        let scope = self.known(scope).await?;
        self.check_person(who, &scope, now).await?;
        if self.log.store.sealed_within(&scope, now, 1).await?.is_empty() {
            return Err(NotErased::Nothing.into());
        }
        self.check_hindrance(&scope, now).await?;
        let event = Event {
            facts: json!({"scope": scope, "reason": reason}),
            content: Some(json!({"note": note})),
            ..recorded("erasure.requested", None, Some(who))
        };
        self.asked(event).await
    }

    /// Has what quotes a deleted document erased, where the configuration says so; none when there is nothing. The deletion,
    /// which is in the log, stands for approval.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn erase_with_document(
        &self,
        document: DocumentId,
    ) -> Result<Option<ErasureRequest>, AuditError> {
        let (scope, now) = (Scope::Document(document), OffsetDateTime::now_utc());
        let nothing = self.log.store.sealed_within(&scope, now, 1).await?.is_empty();
        if !self.erase_with_documents || nothing {
            return Ok(None);
        }
        let reason = ErasureReason::DocumentDeleted;
        let event = Event {
            documents: vec![document],
            facts: json!({"scope": scope, "reason": reason}),
            ..recorded("erasure.requested", None, None)
        };
        let request = self.asked(event).await?;
        match self.carry_out(&request).await {
            Ok(request) => Ok(Some(request)),
            // A hold: [`Auditor::keep_terms`] tries again.
            Err(AuditError::Refused(reason)) => {
                tracing::warn!(document.id = %document, reason, "what was recorded of a deleted document is kept");
                Ok(Some(request))
            }
            Err(error) => Err(error),
        }
    }

    /// Approves as the second person, and carries it out; none when there is no such erasure.
    ///
    /// # Errors
    /// Why this person cannot, or what keeps it.
    pub async fn approve_erasure(
        &self,
        who: &Principal,
        id: EventId,
    ) -> Result<Option<ErasureRequest>, AuditError> {
        let Some(request) = self.waiting(id).await? else { return Ok(None) };
        self.check_person(who, &request.scope, request.asked_at).await?;
        if request.approved_by.contains(&who.user()) {
            return Err(NotErased::Again.into());
        }
        self.check_hindrance(&request.scope, request.asked_at).await?;
        let approved = recorded("erasure.approved", Some(id), Some(who));
        self.record_change(approved, Change::ApproveErasure).await?;
        let request = self.erasure(id).await?.ok_or(AuditError::Unavailable)?;
        self.carry_out(&request).await.map(Some)
    }

    /// Refuses it for good; none when there is no such erasure. Who asked may take it back by that.
    ///
    /// # Errors
    /// When it is over, or cannot be recorded.
    pub async fn refuse_erasure(
        &self,
        who: &Principal,
        id: EventId,
    ) -> Result<Option<ErasureRequest>, AuditError> {
        let Some(request) = self.waiting(id).await? else { return Ok(None) };
        self.check_person(who, &request.scope, request.asked_at).await?;
        let refused = recorded("erasure.refused", Some(id), Some(who));
        self.record_change(refused, Change::RefuseErasure).await?;
        self.erasure(id).await
    }

    /// The newest erasures.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn erasures(&self) -> Result<Vec<ErasureRequest>, AuditError> {
        Ok(self.log.store.erasures(LISTED).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn erasure(&self, id: EventId) -> Result<Option<ErasureRequest>, AuditError> {
        Ok(self.log.store.erasure(id).await?)
    }

    /// Keeps content whatever is approved and whatever time is over.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn place_hold(&self, who: &Principal, scope: Scope, note: &str) -> Result<Hold, AuditError> {
        let scope = self.known(scope).await?;
        check_duty(who)?;
        let event = Event {
            facts: json!({"scope": scope}),
            content: Some(json!({"note": note})),
            ..recorded("hold.placed", None, Some(who))
        };
        let id = event.id;
        self.record_change(event, Change::PlaceHold).await?;
        self.log.store.hold(id).await?.ok_or(AuditError::Unavailable)
    }

    /// Lifts a hold; none when there is no such one. Somebody else than who placed it has to.
    ///
    /// # Errors
    /// When this person cannot, or it cannot be recorded.
    pub async fn lift_hold(&self, who: &Principal, id: EventId) -> Result<Option<Hold>, AuditError> {
        let Some(hold) = self.log.store.hold(id).await? else { return Ok(None) };
        self.check_person(who, &hold.scope, OffsetDateTime::now_utc()).await?;
        if hold.lifted_at.is_some() {
            return Err(NotErased::Over.into());
        }
        if hold.placed_by == who.user() {
            return Err(NotErased::OwnHold.into());
        }
        self.record_change(recorded("hold.lifted", Some(id), Some(who)), Change::LiftHold).await?;
        Ok(self.log.store.hold(id).await?)
    }

    /// Holds, those that stand first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn holds(&self) -> Result<Vec<Hold>, AuditError> {
        Ok(self.log.store.holds(LISTED).await?)
    }

    /// Carries out what a kill left half done, and erases what has been kept for its time. Gives how many entries lost their
    /// content.
    ///
    /// # Errors
    /// When the log does not answer or does not take it.
    pub async fn keep_terms(&self) -> Result<usize, AuditError> {
        for request in self.log.store.unfinished(LISTED).await? {
            // A hold that came in between keeps it until that is lifted; what else fails is tried again next time.
            if let Err(error) = self.carry_out(&request).await {
                tracing::warn!(erasure.id = %request.id, %error, "an approved erasure waits");
            }
        }
        let mut erased = 0;
        loop {
            let records = self.log.store.over(AT_ONCE).await?;
            if records.is_empty() {
                return Ok(erased);
            }
            erased += records.len();
            let facts = json!({"reason": "time_over", "records": records});
            let event = Event { facts, ..recorded("record.erased", None, None) };
            self.record_change(event, Change::Erase).await?;
            self.log.prefixes.forget();
        }
    }

    async fn asked(&self, event: Event) -> Result<ErasureRequest, AuditError> {
        let id = event.id;
        self.record_change(event, Change::AskForErasure).await?;
        self.erasure(id).await?.ok_or(AuditError::Unavailable)
    }

    /// Erases until nothing of it is left; the last entry ends it.
    async fn carry_out(&self, request: &ErasureRequest) -> Result<ErasureRequest, AuditError> {
        let store = &self.log.store;
        loop {
            let records = store.sealed_within(&request.scope, request.asked_at, AT_ONCE).await?;
            let facts = json!({
                "scope": request.scope,
                "reason": request.reason,
                "asked_by": request.asked_by,
                "approved_by": request.approved_by,
                "records": records,
            });
            let event = Event { facts, ..recorded("record.erased", Some(request.id), None) };
            self.record_change(event, Change::Erase).await?;
            // What was computed of the prompt.
            self.log.prefixes.forget();
            let now = self.erasure(request.id).await?.ok_or(AuditError::Unavailable)?;
            if now.state != ErasureState::Waiting {
                return Ok(now);
            }
        }
    }

    /// None when there is no such erasure.
    async fn waiting(&self, id: EventId) -> Result<Option<ErasureRequest>, AuditError> {
        match self.erasure(id).await? {
            Some(request) if request.state == ErasureState::Waiting => Ok(Some(request)),
            Some(_) => Err(NotErased::Over.into()),
            None => Ok(None),
        }
    }

    /// A question is named by its intent, also where somebody names its outcome or a sentence.
    async fn known(&self, scope: Scope) -> Result<Scope, AuditError> {
        let Scope::Question(mut id) = scope else { return Ok(scope) };
        for _ in 0..3 {
            let Some((entry, _)) = self.log.store.find(id.into()).await? else { break };
            if event::is_intent(&entry.kind) {
                return Ok(Scope::Question(id));
            }
            match entry.reference {
                Some(parent) => id = AnswerId::from_uuid(parent.uuid()),
                None => break,
            }
        }
        Err(NotErased::Nothing.into())
    }

    /// Whether somebody may decide at all, and about this.
    async fn check_person(
        &self,
        who: &Principal,
        scope: &Scope,
        before: OffsetDateTime,
    ) -> Result<(), AuditError> {
        check_duty(who)?;
        let own = *scope == Scope::Person(who.user());
        if own || self.log.store.concerns(scope, before, who.user()).await? {
            return Err(NotErased::OwnRecords.into());
        }
        Ok(())
    }

    async fn check_hindrance(&self, scope: &Scope, before: OffsetDateTime) -> Result<(), AuditError> {
        match self.log.store.hindrance(scope, before).await? {
            None => Ok(()),
            Some(Hindrance::Held) => Err(NotErased::Held.into()),
            Some(Hindrance::Kept { until }) => Err(NotErased::Binding(until).into()),
        }
    }
}

fn check_duty(who: &Principal) -> Result<(), NotErased> {
    if who.has(Role::Admin) { Err(NotErased::Admin) } else { Ok(()) }
}

fn recorded(kind: &'static str, reference: Option<EventId>, who: Option<&Principal>) -> Event {
    Event {
        id: EventId::new(),
        kind,
        reference,
        actor: who.map(Actor::from),
        documents: Vec::new(),
        outcome: None,
        facts: Value::Null,
        content: None,
    }
}
