//! Erasures and legal holds: who asked for what, whose turn it is, and what keeps content. Knows no table.

use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use crate::audit::AuditError;
use crate::audit::Entry;
use crate::domain::ErasureReason;
use crate::domain::ErasureRequest;
use crate::domain::ErasureState;
use crate::domain::EventId;
use crate::domain::Hold;
use crate::domain::Scope;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::error::AppError;
use crate::http::input;
use crate::http::input::Input;
use crate::http::params::Segments;
use crate::http::retention as resource;
use axum::Form;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::response::Response;
use maud::Markup;
use maud::html;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where all forms lead back to.
const HERE: &str = "/audit/retention";

pub(super) async fn list(State(state): State<Arc<Service>>, caller: Caller) -> Result<Markup, AppError> {
    shown(&state, &caller, None).await
}

pub(super) async fn ask(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, AppError> {
    let asked = match read::<resource::NewErasure>(form, &state) {
        Ok(wanted) => resource::asked(&state, &caller.principal, wanted).await.map(drop),
        Err(refused) => Err(refused),
    };
    back(&state, &caller, asked).await
}

pub(super) async fn approve(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<EventId>,
) -> Result<Response, AppError> {
    let approved = state.auditor.approve_erasure(&caller.principal, id).await;
    back(&state, &caller, there(approved)).await
}

pub(super) async fn refuse(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<EventId>,
) -> Result<Response, AppError> {
    let refused = state.auditor.refuse_erasure(&caller.principal, id).await;
    back(&state, &caller, there(refused)).await
}

pub(super) async fn hold(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, AppError> {
    let held = match read::<resource::NewHold>(form, &state) {
        Ok(wanted) => resource::held(&state, &caller.principal, wanted).await.map(drop),
        Err(refused) => Err(refused),
    };
    back(&state, &caller, held).await
}

pub(super) async fn lift(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<EventId>,
) -> Result<Response, AppError> {
    let lifted = state.auditor.lift_hold(&caller.principal, id).await;
    back(&state, &caller, there(lifted)).await
}

/// The fields of a form that say something, as the API reads them.
fn read<T: Input>(form: BTreeMap<String, String>, state: &Service) -> Result<T, AppError> {
    let said = form.into_iter().filter(|(name, value)| name != "csrf" && !value.trim().is_empty());
    let fields = said.map(|(name, value)| (name, value.trim().to_owned().into())).collect();
    input::read::<T>(fields, &state.config)
}

fn there<T>(found: Result<Option<T>, AuditError>) -> Result<(), AppError> {
    found?.map(drop).ok_or_else(|| AppError::missing("entry"))
}

/// The list again; what was refused stands above it.
async fn back(state: &Service, caller: &Caller, done: Result<(), AppError>) -> Result<Response, AppError> {
    match done {
        Ok(()) => Ok(Redirect::to(HERE).into_response()),
        Err(refused) if refused.status.is_client_error() => {
            let page = shown(state, caller, Some(&refused.detail)).await?;
            Ok((refused.status, page).into_response())
        }
        Err(error) => Err(error),
    }
}

async fn shown(state: &Service, caller: &Caller, problem: Option<&str>) -> Result<Markup, AppError> {
    let (erasures, holds) = (state.auditor.erasures().await?, state.auditor.holds().await?);
    let (viewer, config) = (caller.viewer(), &state.config.retention);
    let body = html! {
        p { a href="/audit" { "← All entries" } }
        h1 { "Erasures and holds" }
        p.quiet {
            "Content of questions and answers is kept for " (config.interactions_months) " months, of everything else for "
            (config.administration_months) ". Then keys and content are destroyed; records and proofs stay. Two auditors together "
            "may have content erased before. A hold keeps it."
        }
        @if let Some(problem) = problem { p.notice.error role="alert" { (problem) } }
        h2 { "Erasures" }
        @if erasures.is_empty() { p.quiet { "Nobody asked for any." } } @else { (erasure_table(&viewer, &erasures)) }
        h2 { "Holds" }
        @if holds.is_empty() { p.quiet { "None was placed." } } @else { (hold_table(&viewer, &holds)) }
        h2 { "Ask for one" }
        p.quiet { "For one question, open its record: the forms are there, too." }
        (ask_forms(&viewer, &fields()))
    };
    Ok(page("Erasures and holds", Some(&viewer), Room::Audit, &[], &body))
}

fn erasure_table(viewer: &Viewer<'_>, erasures: &[ErasureRequest]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Asked (UTC)" } th { "What" } th { "Why" } th { "Approved by" } th { "State" } th {} } }
            tbody { @for erasure in erasures { tr {
                td { a href={ "/audit/" (erasure.id) } { (erasure.asked_at.date()) } }
                td { (scope(&erasure.scope)) }
                td { (erasure.reason.as_str().replace('_', " ")) }
                td { @for person in &erasure.approved_by { code { (person) } " " } }
                td { (state_of(erasure)) }
                td { @if erasure.state == ErasureState::Waiting {
                    @if !erasure.approved_by.contains(&viewer.principal.user()) {
                        (button(viewer, &format!("{HERE}/erasures/{}/approve", erasure.id), "Approve and erase"))
                    }
                    (button(viewer, &format!("{HERE}/erasures/{}/refuse", erasure.id), "Refuse"))
                } }
            } } }
        } }
    }
}

const fn state_of(erasure: &ErasureRequest) -> &'static str {
    match erasure.state {
        ErasureState::Waiting => "waits for a second person",
        ErasureState::Erased => "erased",
        ErasureState::Refused => "refused",
    }
}

fn hold_table(viewer: &Viewer<'_>, holds: &[Hold]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Placed (UTC)" } th { "What" } th { "By" } th { "State" } th {} } }
            tbody { @for hold in holds { tr {
                td { a href={ "/audit/" (hold.id) } { (hold.placed_at.date()) } }
                td { (scope(&hold.scope)) }
                td { code { (hold.placed_by) } }
                td { @match hold.lifted_at { Some(at) => { "lifted " (at.date()) } None => "stands" } }
                td { @if hold.lifted_at.is_none() && hold.placed_by != viewer.principal.user() {
                    (button(viewer, &format!("{HERE}/holds/{}/lift", hold.id), "Lift"))
                } }
            } } }
        } }
    }
}

fn scope(scope: &Scope) -> Markup {
    html! {
        @match scope {
            Scope::Question(id) => { "question " a href={ "/audit/" (id) } { code { (id) } } }
            Scope::Person(id) => { "person " a href={ "/audit?actor=" (id) } { code { (id) } } }
            Scope::Document(id) => { "document " a href={ "/audit?document=" (id) } { code { (id) } } }
        }
    }
}

fn button(viewer: &Viewer<'_>, to: &str, text: &str) -> Markup {
    html! {
        form method="post" action=(to) {
            input type="hidden" name="csrf" value=(viewer.csrf);
            button.plain type="submit" { (text) }
        }
    }
}

/// What a person types in where nothing is given.
fn fields() -> Markup {
    html! {
        label.inline { "Person, by user id " input type="text" name="user_id"; }
        label.inline { "or document id " input type="text" name="document_id"; }
        label.inline { "or question id " input type="text" name="question_id"; }
    }
}

/// The forms on a record of a question.
pub(super) fn of_question(viewer: &Viewer<'_>, entry: &Entry) -> Markup {
    let question = if entry.kind.ends_with(".intent") { Some(entry.event_id) } else { entry.reference };
    html! {
        @if let Some(question) = question {
            details.panel {
                summary { "Erase or keep the content of this question" }
                (ask_forms(viewer, &html! { input type="hidden" name="question_id" value=(question); }))
            }
        }
    }
}

fn ask_forms(viewer: &Viewer<'_>, fields: &Markup) -> Markup {
    html! {
        form.panel method="post" action={ (HERE) "/erasures" } {
            input type="hidden" name="csrf" value=(viewer.csrf);
            p.quiet { "Erasing cannot be undone. A second auditor has to approve it." }
            div.row {
                (fields)
                label.inline { "Why "
                    select name="reason" {
                        @for reason in ErasureReason::ALL { option value=(reason.as_str()) { (reason.as_str().replace('_', " ")) } }
                    }
                }
                label.inline { "Note for the second person " input type="text" name="note" maxlength="2000"; }
                button type="submit" { "Ask for erasure" }
            }
        }
        form.panel method="post" action={ (HERE) "/holds" } {
            input type="hidden" name="csrf" value=(viewer.csrf);
            p.quiet { "A hold keeps content whatever is approved and whatever time is over, until somebody else lifts it." }
            div.row {
                (fields)
                label.inline { "Note " input type="text" name="note" maxlength="2000"; }
                button type="submit" { "Place a hold" }
            }
        }
    }
}
