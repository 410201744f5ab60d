//! Erasures and holds: read from their tables, changed by the functions of `migrations/0015_retention.sql`, which look at
//! the entry that records the change. Knows no class and no term.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::store_error;
use crate::domain::AnswerId;
use crate::domain::DocumentId;
use crate::domain::ErasureReason;
use crate::domain::ErasureRequest;
use crate::domain::ErasureState;
use crate::domain::EventId;
use crate::domain::Hold;
use crate::domain::Scope;
use crate::domain::UserId;
use crate::ports::Change;
use crate::ports::Hindrance;
use crate::ports::Retention;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[async_trait]
impl Retention for Postgres {
    async fn erasures(&self, limit: i64) -> Result<Vec<ErasureRequest>, StoreError> {
        self.list_erasure_requests(None, false, limit).await
    }

    async fn erasure(&self, id: EventId) -> Result<Option<ErasureRequest>, StoreError> {
        Ok(self.list_erasure_requests(Some(id), false, 1).await?.pop())
    }

    async fn unfinished(&self, limit: i64) -> Result<Vec<ErasureRequest>, StoreError> {
        self.list_erasure_requests(None, true, limit).await
    }

    async fn sealed_within(
        &self,
        scope: &Scope,
        before: OffsetDateTime,
        limit: i64,
    ) -> Result<Vec<EventId>, StoreError> {
        let rows = sqlx::query_scalar!(
            r#"select event_id as "event_id!"
               from audit.sealed_within($1, $2, $3) as event_id order by event_id limit $4"#,
            scope.kind(),
            subject(scope),
            before,
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(rows.into_iter().map(EventId::from_uuid).collect())
    }

    async fn hindrance(
        &self,
        scope: &Scope,
        before: OffsetDateTime,
    ) -> Result<Option<Hindrance>, StoreError> {
        let row = sqlx::query_file!(
            "src/adapters/postgres/queries/find_hindrance.sql",
            scope.kind(),
            subject(scope),
            before
        )
        .fetch_one(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(if row.held {
            Some(Hindrance::Held)
        } else {
            row.kept_until.map(|until| Hindrance::Kept { until })
        })
    }

    async fn over(&self, limit: i64) -> Result<Vec<EventId>, StoreError> {
        let rows = sqlx::query_scalar!(
            "select sealed.event_id
             from audit.sealed
             inner join audit.entry on entry.event_id = sealed.event_id
             where sealed.kept_until <= now() and not audit.is_held(entry)
             order by sealed.kept_until
             limit $1",
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(rows.into_iter().map(EventId::from_uuid).collect())
    }

    async fn concerns(
        &self,
        scope: &Scope,
        before: OffsetDateTime,
        person: UserId,
    ) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"select audit.concerns($4, array(select audit.sealed_within($1, $2, $3))) as "concerns!""#,
            scope.kind(),
            subject(scope),
            before,
            person.uuid()
        )
        .fetch_one(&self.pool)
        .await
        .map_err(store_error)
    }

    async fn hold(&self, id: EventId) -> Result<Option<Hold>, StoreError> {
        Ok(self.list_holds(Some(id), 1).await?.pop())
    }

    async fn holds(&self, limit: i64) -> Result<Vec<Hold>, StoreError> {
        self.list_holds(None, limit).await
    }

    async fn counts(&self) -> Result<(i64, i64), StoreError> {
        sqlx::query!(
            r#"select
                (select count(*) from audit.erasure where outcome is null) as "waiting!",
                (select count(*) from audit.hold where lifted_at is null) as "standing!""#
        )
        .fetch_one(&self.pool)
        .await
        .map(|row| (row.waiting, row.standing))
        .map_err(store_error)
    }
}

impl Postgres {
    async fn list_holds(&self, id: Option<EventId>, limit: i64) -> Result<Vec<Hold>, StoreError> {
        let rows = sqlx::query!(
            "select hold_id, scope, subject, placed_by, placed_at, lifted_by, lifted_at
             from audit.hold
             where $1::uuid is null or hold_id = $1
             order by lifted_at is not null, placed_at desc
             limit $2",
            id.map(EventId::uuid),
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let holds = rows.into_iter().map(|row| {
            Ok(Hold {
                id: EventId::from_uuid(row.hold_id),
                scope: scope_of(&row.scope, row.subject)?,
                placed_by: UserId::from_uuid(row.placed_by),
                placed_at: row.placed_at,
                lifted_by: row.lifted_by.map(UserId::from_uuid),
                lifted_at: row.lifted_at,
            })
        });
        holds.collect()
    }

    async fn list_erasure_requests(
        &self,
        id: Option<EventId>,
        due: bool,
        limit: i64,
    ) -> Result<Vec<ErasureRequest>, StoreError> {
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/list_erasure_requests.sql",
            id.map(EventId::uuid),
            due,
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let requests = rows.into_iter().map(|row| {
            Ok(ErasureRequest {
                id: EventId::from_uuid(row.erasure_id),
                scope: scope_of(&row.scope, row.subject)?,
                reason: reason_of(&row.reason)?,
                asked_by: row.asked_by.map(UserId::from_uuid),
                asked_at: row.asked_at,
                approved_by: row.approved_by.into_iter().map(UserId::from_uuid).collect(),
                state: match row.outcome.as_deref() {
                    None => ErasureState::Waiting,
                    Some("erased") => ErasureState::Erased,
                    Some(_) => ErasureState::Refused,
                },
                ended_at: row.ended_at,
            })
        });
        requests.collect()
    }
}

/// Makes a change for the entry that records it, which is there already in the same transaction.
pub(super) async fn make(connection: &mut PgConnection, entry: EventId, change: Change) -> sqlx::Result<()> {
    let event = entry.uuid();
    let made = match change {
        Change::AskForErasure => {
            sqlx::query!("select from audit.ask_for_erasure($1)", event).execute(connection)
        }
        Change::ApproveErasure => {
            sqlx::query!("select from audit.approve_erasure($1)", event).execute(connection)
        }
        Change::RefuseErasure => {
            sqlx::query!("select from audit.refuse_erasure($1)", event).execute(connection)
        }
        Change::Erase => sqlx::query!("select from audit.erase($1)", event).execute(connection),
        Change::PlaceHold => sqlx::query!("select from audit.place_hold($1)", event).execute(connection),
        Change::LiftHold => sqlx::query!("select from audit.lift_hold($1)", event).execute(connection),
        Change::Review => sqlx::query!("select from audit.review_question($1)", event).execute(connection),
    };
    made.await.map(drop)
}

/// Why the database did not make a change, by the constraint that it names.
pub(super) fn refusal(constraint: &str) -> Option<&'static str> {
    Some(match constraint {
        "erasure_held" => "a legal hold is in force",
        "erasure_binding" => "the content is kept to the end of its time",
        "erasure_approved" => "two people have to approve it",
        "erasure_own" => "nobody decides about their own records",
        "change_recorded" => "no entry records that",
        "change_person" => "only an auditor who is no administrator decides that",
        "erasure_waits" => "nobody is waited for any more",
        "erasure_scope" => "a record is beyond what was asked for",
        "approval_pkey" => "this person has approved already",
        "hold_stands" => "no hold stands that this person may lift",
        "review_moved" => "somebody else took a step meanwhile",
        "review_question" => "there is no such question",
        "review_own" => "nobody reviews their own question",
        "review_second" => "a second person has to confirm a violation",
        _ => return None,
    })
}

const fn subject(scope: &Scope) -> Uuid {
    match scope {
        Scope::Question(id) => id.uuid(),
        Scope::Person(id) => id.uuid(),
        Scope::Document(id) => id.uuid(),
    }
}

fn scope_of(kind: &str, subject: Uuid) -> Result<Scope, StoreError> {
    match kind {
        "question" => Ok(Scope::Question(AnswerId::from_uuid(subject))),
        "person" => Ok(Scope::Person(UserId::from_uuid(subject))),
        "document" => Ok(Scope::Document(DocumentId::from_uuid(subject))),
        other => Err(corrupt(format!("scope `{other}`"))),
    }
}

fn reason_of(text: &str) -> Result<ErasureReason, StoreError> {
    let reason = ErasureReason::ALL.into_iter().find(|reason| reason.as_str() == text);
    reason.ok_or_else(|| corrupt(format!("reason `{text}`")))
}
