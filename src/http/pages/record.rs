//! One record of the audit log in full: what was asked and answered, from which passages, by which prompt and model; whether
//! it is what was written; what people said of it. Knows no table.

use super::explorer::doubted;
use super::interaction;
use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use super::layout::source_viewer;
use super::retention;
use crate::answer::Output;
use crate::answer::Replay;
use crate::answer::ReplayVerdict;
use crate::audit::Entry;
use crate::domain::AnswerId;
use crate::domain::EventId;
use crate::domain::ReviewState;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::error::AppError;
use crate::http::explorer::NewStep;
use crate::http::input;
use crate::http::params::Segments;
use axum::Form;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::response::Response;
use maud::Markup;
use maud::html;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) async fn show(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<EventId>,
) -> Result<Markup, AppError> {
    shown(&state, &caller, id, None).await
}

pub(super) async fn review(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<EventId>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, AppError> {
    let said = form.into_iter().filter(|(name, value)| name != "csrf" && !value.trim().is_empty());
    let fields = said.map(|(name, value)| (name, value.into())).collect();
    let reviewed = match input::read::<NewStep>(fields, &state.config) {
        Ok(step) => step.take(&state, &caller.principal, id).await.map(drop),
        Err(refused) => Err(refused),
    };
    match reviewed {
        Ok(()) => Ok(Redirect::to(&format!("/audit/{id}")).into_response()),
        Err(refused) if refused.status.is_client_error() => {
            let page = shown(&state, &caller, id, Some(&refused.detail)).await?;
            Ok((refused.status, page).into_response())
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn replay(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<AnswerId>,
) -> Result<Markup, AppError> {
    crate::http::answers::check_models(&state)?;
    let replay = state.answering.replay(&caller.principal, id).await?;
    let replay = replay.ok_or_else(|| AppError::missing("answer"))?;
    Ok(replay_page(&caller.viewer(), &replay))
}

async fn shown(
    state: &Service,
    caller: &Caller,
    id: EventId,
    problem: Option<&str>,
) -> Result<Markup, AppError> {
    let entry = state.auditor.read(&caller.principal, id).await?;
    let entry = entry.ok_or_else(|| AppError::missing("entry"))?;
    // Proved anew on each load: the stored tree may be another since the entry was read last.
    let proved = state.auditor.proved(&entry).await?;
    Ok(record(&caller.viewer(), &entry, &Told { proved, doubt: state.auditor.doubt(), problem }))
}

/// What is said of a record beside it.
struct Told<'a> {
    /// The log's signed tree holds it.
    proved: bool,
    doubt: Option<&'a str>,
    problem: Option<&'a str>,
}

fn record(viewer: &Viewer<'_>, entry: &Entry, told: &Told<'_>) -> Markup {
    let asked = entry.kind.ends_with(".intent");
    let body = html! {
        p { a href="/audit" { "← All entries" } }
        h1 { "Entry " (entry.leaf_index) ": " (entry.kind) }
        @match told.doubt {
            Some(doubt) => (doubted(doubt)),
            None => p.quiet { "Reading this record was recorded too." },
        }
        @if let Some(problem) = told.problem { p.notice.error role="alert" { (problem) } }
        (badge(entry, told))
        @if asked {
            (interaction::question(entry))
            (review_panel(viewer, entry))
            @if entry.kind == "chat.intent" { (replay_form(viewer, entry)) }
            (interaction::details(entry))
        } @else if let Some(reference) = entry.reference {
            p { a href={ "/audit/" (reference) } { "To what it belongs to" } }
        }
        @if entry.kind.starts_with("chat.") || entry.kind.starts_with("search.") {
            (retention::of_question(viewer, entry))
        }
        h2 { "The record itself" }
        (one(entry))
        @if !entry.related.is_empty() {
            h2 { "What belongs to it" }
            @for related in &entry.related {
                details.panel {
                    summary {
                        "Entry " (related.leaf_index) ": " (related.kind)
                        @if let Some(outcome) = &related.outcome { ", " (outcome.replace('_', " ")) }
                    }
                    (one(related))
                }
            }
        }
    };
    let body = html! { div.ask data-viewer-layout { div { (body) } (source_viewer()) } };
    page(&format!("Entry {}", entry.leaf_index), Some(viewer), Room::Audit, &["viewer.js"], &body)
}

fn badge(entry: &Entry, told: &Told<'_>) -> Markup {
    let whole = entry.verified && entry.related.iter().all(|related| related.verified);
    html! {
        @if told.doubt.is_some() {
            p.notice.error {
                @if whole && told.proved { "The text of the records here has its hash, and its proof leads to what the log signed last. " }
                @else { strong { "✗ This is not what was recorded. " } }
                "Content, erasures and reviews are not checked while the log is doubted."
            }
        } @else if whole && told.proved {
            p.notice.good {
                strong { "✓ This is what was recorded. " }
                "Checked on this load, for this record and each one below: it has its hash, its content is the one it commits to, and "
                "its proof leads to the root that the log signed. (That none is missing, the check of the whole log tells.)"
            }
        } @else {
            p.notice.error role="alert" {
                strong { "✗ This is not what was recorded. " }
                @if !whole { "A record here, its content, its review or what erased it was changed in the database. " }
                @if !told.proved { "Its proof does not lead to what the log signed. " }
                "Export the whole log and let docent-verify say what is wrong (docs/audit.md)."
            }
        }
        @if let Some(erased) = &entry.erased {
            p.notice {
                strong { "Its content was erased" }
                @if let Some(at) = &erased.at { " on " (at) }
                @if let Some(reason) = &erased.reason { ", reason: " (reason.replace('_', " ")) }
                @if !erased.approved_by.is_empty() {
                    ", approved by " @for person in &erased.approved_by { code { (person) } " " }
                }
                ": " a href={ "/audit/" (erased.event_id) } { "the record of that" } "."
            }
        }
        details {
            summary { "How to check this yourself" }
            p {
                "Save the " a href={ "/api/v1/audit/events/" (entry.event_id) "/receipt" } { "receipt" } ", take the log's key from "
                "where it was kept when the log began (not from this service), and run on a machine of your own:"
            }
            pre.record { "docent-verify receipt " (entry.event_id) ".tlog-proof --key log.key" }
            p {
                "Somebody outside can check what was said, too: " a href={ "/api/v1/audit/events/" (entry.event_id) "/disclosure" }
                { "this record and what belongs to it, with content" } " (taking it is recorded; "
                code { "docent-verify export FILE --key log.key" } ")."
            }
            p.quiet { "docs/audit.md says what that proves and what it does not; forty lines of Python in scripts/verify_receipt.py, which take the key itself, do the same." }
        }
    }
}

fn review_panel(viewer: &Viewer<'_>, entry: &Entry) -> Markup {
    let state = entry.review.map_or(ReviewState::New, |review| review.state);
    let said = |related: &Entry| {
        let note = related.content.as_ref().and_then(|content| content["content"]["note"].as_str());
        note.unwrap_or_default().to_owned()
    };
    html! {
        h2 { "Review: " (state.as_str().replace('_', " ")) }
        div.panel {
            @for step in entry.related.iter().filter(|related| related.kind.starts_with("review.")) {
                p {
                    (step.recorded_at.date()) " "
                    @if let Some(content) = &step.content { strong { (content["actor_name"].as_str().unwrap_or_default()) } " " }
                    @if let Some(outcome) = &step.outcome { "→ " (outcome.replace('_', " ")) " " }
                    (said(step))
                }
            }
            form.row method="post" action={ "/audit/" (entry.event_id) "/review" } {
                input type="hidden" name="csrf" value=(viewer.csrf);
                label.inline { "Next "
                    select name="state" {
                        option value="" { "only a note" }
                        @for next in state.next() { option value=(next) { (next.as_str().replace('_', " ")) } }
                    }
                }
                input type="text" name="note" maxlength="4000" placeholder="Note" aria-label="Note";
                button type="submit" { "Record it" }
            }
        }
    }
}

fn replay_form(viewer: &Viewer<'_>, entry: &Entry) -> Markup {
    html! {
        form.row method="post" action={ "/audit/" (entry.event_id) "/replay" } {
            input type="hidden" name="csrf" value=(viewer.csrf);
            button.plain type="submit" { "Replay: ask the model the same again and compare" }
        }
    }
}

/// An entry's own fields.
fn one(entry: &Entry) -> Markup {
    html! {
        div.panel {
            dl.facts {
                dt { "Id" } dd { a href={ "/audit/" (entry.event_id) } { code { (entry.event_id) } } }
                dt { "When" } dd { (entry.leaf["recorded_at"].as_str().unwrap_or_default()) }
                @if let Some(actor) = entry.actor { dt { "Who" } dd { a href={ "/audit?actor=" (actor) } { code { (actor) } } } }
                @if let Some(outcome) = &entry.outcome { dt { "Outcome" } dd { (outcome) } }
                @if let Some(reference) = entry.reference { dt { "Belongs to" } dd { a href={ "/audit/" (reference) } { code { (reference) } } } }
                @if !entry.documents.is_empty() {
                    dt { "Documents" }
                    dd { @for document in &entry.documents { a href={ "/audit?document=" (document) } { code { (document) } } " " } }
                }
                dt { "Leaf hash" } dd { code { (entry.leaf_hash) } }
            }
            @if let Some(content) = &entry.content {
                details { summary { "Content (sealed beside the record)" } pre.record { (pretty(content)) } }
            }
            details { summary { "Leaf (what counts)" } pre.record { (pretty(&entry.leaf)) } }
        }
    }
}

fn replay_page(viewer: &Viewer<'_>, replay: &Replay) -> Markup {
    let body = html! {
        p { a href={ "/audit/" (replay.answer_id) } { "← The record" } }
        h1 { "Replay: " (verdict(replay.verdict)) }
        p.quiet { "The replay is recorded as entry " (replay.receipt.leaf_index) "." }
        @if let Some(reason) = replay.reason { p.notice { (why(reason)) } }
        @if replay.verdict == ReplayVerdict::Identical {
            p.notice.good {
                "From the recorded prompt, token by token, the model writes what is recorded"
                @if !replay.whole { ", as far as it had come when it was interrupted" }
                "."
            }
        }
        @if let Some(at) = replay.first_difference { p.notice.error { "The first token that differs is number " (at + 1) "." } }
        @if !replay.differs.is_empty() {
            p.notice { "Not what it was then: " (replay.differs.join(", ")) ". That may be why." }
        }
        @let common = common_start(replay.recorded.as_ref(), replay.replayed.as_ref());
        @for (title, output) in [("Recorded", &replay.recorded), ("Now", &replay.replayed)] {
            @if let Some(output) = output { (output_panel(title, output, common)) }
        }
    };
    page("Replay", Some(viewer), Room::Audit, &[], &body)
}

/// What is not in both from the start is marked.
fn output_panel(title: &str, output: &Output, common: usize) -> Markup {
    let text = output.text.as_deref().unwrap_or_default();
    let (same, other) = text.split_at_checked(common).unwrap_or((text, ""));
    html! {
        h2 { (title) }
        div.panel {
            pre.record { (same) @if !other.is_empty() { mark { (other) } } }
            p.quiet { (output.tokens) " tokens, SHA-256 " code { (output.tokens_sha256) } }
        }
    }
}

/// How many bytes of both texts are the same, to the end of a character.
fn common_start(recorded: Option<&Output>, replayed: Option<&Output>) -> usize {
    let text = |output: Option<&Output>| output.and_then(|output| output.text.clone()).unwrap_or_default();
    let (then, now) = (text(recorded), text(replayed));
    let same = then.chars().zip(now.chars()).take_while(|(then, now)| then == now);
    same.map(|(character, _)| character.len_utf8()).sum()
}

const fn verdict(verdict: ReplayVerdict) -> &'static str {
    match verdict {
        ReplayVerdict::Identical => "identical",
        ReplayVerdict::Different => "different",
        ReplayVerdict::NotReplayable => "not possible",
    }
}

fn why(reason: &str) -> &str {
    match reason {
        "model_not_asked" => "The model was not asked: the documents held nothing to answer from.",
        "erased" => "The content of the record was erased.",
        "record_changed" => "The record is not what was written.",
        "not_recorded" => "The record holds no tokens: an earlier version wrote it.",
        "other_tokenizer" => "Another tokenizer is in use: the recorded tokens would mean other text.",
        "too_long" => "The prompt does not fit the model that runs now.",
        other => other,
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a JSON value prints")
}
