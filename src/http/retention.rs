//! Erasing content of the log, and legal holds: by auditors alone, two of them together. Knows no table.

use crate::config::Config;
use crate::domain::AnswerId;
use crate::domain::DocumentId;
use crate::domain::ErasureReason;
use crate::domain::ErasureRequest;
use crate::domain::EventId;
use crate::domain::Hold;
use crate::domain::Page;
use crate::domain::Principal;
use crate::domain::Scope;
use crate::domain::UserId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params;
use crate::http::params::Params;
use crate::http::params::Segments;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

const MAX_NOTE: usize = 2_000;

/// What is to be erased, and why. Exactly one of the three ids.
#[derive(utoipa::ToSchema)]
pub(super) struct NewErasure {
    /// An answer's or a search's id: the question and all that belongs to it.
    question_id: Option<AnswerId>,
    /// What this person did, and what belongs to it.
    user_id: Option<UserId>,
    /// What names this document.
    document_id: Option<DocumentId>,
    /// Stays in the log for ever.
    reason: ErasureReason,
    /// For the second person; sealed. At most 2000 characters.
    #[schema(required = false)]
    note: String,
}

impl Input for NewErasure {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        let (question_id, user_id, document_id) = ids(fields);
        let (reason, note) = (fields.required("reason"), note(fields));
        Some(Self { question_id, user_id, document_id, reason: reason?, note })
    }
}

/// What is to be kept. Exactly one of the three ids.
#[derive(utoipa::ToSchema)]
pub(super) struct NewHold {
    /// An answer's or a search's id: the question and all that belongs to it.
    question_id: Option<AnswerId>,
    /// What this person did, and what belongs to it.
    user_id: Option<UserId>,
    /// What names this document.
    document_id: Option<DocumentId>,
    /// Why; sealed. At most 2000 characters.
    #[schema(required = false)]
    note: String,
}

impl Input for NewHold {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        let (question_id, user_id, document_id) = ids(fields);
        Some(Self { question_id, user_id, document_id, note: note(fields) })
    }
}

type Ids = (Option<AnswerId>, Option<UserId>, Option<DocumentId>);

fn ids(fields: &mut Fields) -> Ids {
    let ids: Ids =
        (fields.optional("question_id"), fields.optional("user_id"), fields.optional("document_id"));
    let named = usize::from(ids.0.is_some()) + usize::from(ids.1.is_some()) + usize::from(ids.2.is_some());
    fields.check("question_id", named == 1, "takes exactly one of `question_id`, `user_id`, `document_id`");
    ids
}

fn scope((question, person, document): Ids) -> Scope {
    question
        .map(Scope::Question)
        .or(person.map(Scope::Person))
        .or(document.map(Scope::Document))
        .expect("reading the fields takes one id")
}

fn note(fields: &mut Fields) -> String {
    let note: String = fields.optional("note").unwrap_or_default();
    fields.check("note", note.chars().count() <= MAX_NOTE, "takes at most 2000 characters");
    note
}

/// Asks for content of records to be erased, and approves it by that; a second auditor has to approve it, too, and neither may
/// decide about their own records. Only what was recorded before is erased.
#[utoipa::path(post, path = "/api/v1/audit/erasures", operation_id = "create_erasure", tag = "audit",
    request_body = NewErasure, responses((status = 201, description = "It waits", body = ErasureRequest)))]
pub(super) async fn ask(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<NewErasure>,
) -> Result<(StatusCode, Json<ErasureRequest>), AppError> {
    let request = asked(&state, &who, input).await?;
    Ok((StatusCode::CREATED, Json(request)))
}

/// What the route above and the page do.
pub(super) async fn asked(
    state: &Service,
    who: &Principal,
    input: NewErasure,
) -> Result<ErasureRequest, AppError> {
    let scope = scope((input.question_id, input.user_id, input.document_id));
    Ok(state.auditor.ask_for_erasure(who, scope, input.reason, &input.note).await?)
}

/// Erasures, the newest first, at most 200.
#[utoipa::path(get, path = "/api/v1/audit/erasures", operation_id = "list_erasures", tag = "audit",
    responses((status = 200, description = "Them", body = Page<ErasureRequest>)))]
pub(super) async fn erasures(
    State(state): State<Arc<Service>>,
    params: Params,
) -> Result<Json<Page<ErasureRequest>>, AppError> {
    params.finish()?;
    Ok(Json(params::whole(state.auditor.erasures().await?)))
}

/// One erasure.
#[utoipa::path(get, path = "/api/v1/audit/erasures/{id}", operation_id = "get_erasure", tag = "audit",
    params(("id" = EventId, Path)), responses((status = 200, description = "It", body = ErasureRequest)))]
pub(super) async fn erasure(
    State(state): State<Arc<Service>>,
    Segments(id): Segments<EventId>,
) -> Result<Json<ErasureRequest>, AppError> {
    found(state.auditor.erasure(id).await?).map(Json)
}

/// Approves an erasure as the second person. Keys and ciphertexts are destroyed before this returns; the records stay and say
/// who, when and why.
#[utoipa::path(post, path = "/api/v1/audit/erasures/{id}/approval", operation_id = "approve_erasure", tag = "audit",
    params(("id" = EventId, Path)), responses((status = 200, description = "Erased", body = ErasureRequest)))]
pub(super) async fn approve(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<EventId>,
) -> Result<Json<ErasureRequest>, AppError> {
    found(state.auditor.approve_erasure(&who, id).await?).map(Json)
}

/// Refuses an erasure for good; who asked for it takes it back by that.
#[utoipa::path(post, path = "/api/v1/audit/erasures/{id}/refusal", operation_id = "refuse_erasure", tag = "audit",
    params(("id" = EventId, Path)), responses((status = 200, description = "Refused", body = ErasureRequest)))]
pub(super) async fn refuse(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<EventId>,
) -> Result<Json<ErasureRequest>, AppError> {
    found(state.auditor.refuse_erasure(&who, id).await?).map(Json)
}

/// Places a legal hold: nothing of it is erased while it stands, whatever is approved and whatever time is over.
#[utoipa::path(post, path = "/api/v1/audit/holds", operation_id = "create_hold", tag = "audit",
    request_body = NewHold, responses((status = 201, description = "It stands", body = Hold)))]
pub(super) async fn hold(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<NewHold>,
) -> Result<(StatusCode, Json<Hold>), AppError> {
    Ok((StatusCode::CREATED, Json(held(&state, &who, input).await?)))
}

/// What the route above and the page do.
pub(super) async fn held(state: &Service, who: &Principal, input: NewHold) -> Result<Hold, AppError> {
    let scope = scope((input.question_id, input.user_id, input.document_id));
    Ok(state.auditor.place_hold(who, scope, &input.note).await?)
}

/// Holds, those that stand first, at most 200.
#[utoipa::path(get, path = "/api/v1/audit/holds", operation_id = "list_holds", tag = "audit",
    responses((status = 200, description = "Them", body = Page<Hold>)))]
pub(super) async fn holds(
    State(state): State<Arc<Service>>,
    params: Params,
) -> Result<Json<Page<Hold>>, AppError> {
    params.finish()?;
    Ok(Json(params::whole(state.auditor.holds().await?)))
}

/// Lifts a hold; somebody else than who placed it has to.
#[utoipa::path(delete, path = "/api/v1/audit/holds/{id}", operation_id = "lift_hold", tag = "audit",
    params(("id" = EventId, Path)), responses((status = 200, description = "Lifted", body = Hold)))]
pub(super) async fn lift(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<EventId>,
) -> Result<Json<Hold>, AppError> {
    state.auditor.lift_hold(&who, id).await?.map(Json).ok_or_else(|| AppError::missing("hold"))
}

fn found(request: Option<ErasureRequest>) -> Result<ErasureRequest, AppError> {
    request.ok_or_else(|| AppError::missing("erasure"))
}
