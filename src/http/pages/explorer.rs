//! The audit log: a list with filters and words, views that an auditor keeps. Knows no table.

use super::encoded;
use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use crate::audit::Entry;
use crate::domain::ReviewState;
use crate::domain::UserId;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::error::AppError;
use crate::http::explorer::filter;
use crate::http::explorer::write_cursor;
use crate::http::params::Params;
use crate::ports::LogQuery;
use crate::ports::SavedView;
use axum::Form;
use axum::extract::Query;
use axum::extract::State;
use axum::response::Redirect;
use maud::Markup;
use maud::html;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of the list.
const ROWS: i64 = 50;
const MAX_NAME: usize = 80;
const OUTCOMES: &[&str] = &["answered", "partly_answered", "not_in_documents", "failed", "abandoned"];
const VERDICTS: &[&str] = &["quoted", "supported", "unsupported"];
const FLAGS: &[&str] = &["withheld", "not_verified", "not_confirmed", "cut_short"];
const KINDS: &[&str] = &[
    "chat.intent",
    "chat.completed",
    "chat.refused",
    "chat.failed",
    "chat.abandoned",
    "chat.replayed",
    "search.intent",
    "search.completed",
    "document.uploaded",
    "document.deleted",
    "grant.change",
    "user.create",
    "auth.login",
    "auth.failed",
    "audit.viewed",
    "audit.source_viewed",
    "audit.exported",
    "review.changed",
    "erasure.requested",
    "record.erased",
    "hold.placed",
    "log.verified",
    "service.started",
    "service.stopped",
];

/// The parameters as they came, for the form and the links.
type Asked = BTreeMap<String, String>;

pub(super) async fn list(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Asked>,
    mut params: Params,
) -> Result<Markup, AppError> {
    let query = filter(&mut params, &state.auditor);
    let (query, problem) = match params.finish() {
        Ok(()) => (query, None),
        Err(refused) => (LogQuery::default(), Some(refused.detail)),
    };
    let (entries, next) = state.auditor.list(LogQuery { limit: ROWS, ..query }).await?;
    let people: BTreeMap<UserId, String> =
        state.users.list().await?.into_iter().map(|user| (user.id, user.name)).collect();
    let views = state.saved_views.list(caller.principal.user()).await?;
    let doubt = state.auditor.doubt();
    let shown = Shown { doubt, asked: &asked, entries: &entries, next, people: &people, views: &views };
    Ok(list_page(&caller.viewer(), &shown, problem.as_deref()))
}

/// A search to be kept.
#[derive(Deserialize)]
pub(super) struct Kept {
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: String,
}

pub(super) async fn keep(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Form(kept): Form<Kept>,
) -> Result<Redirect, AppError> {
    let (name, query) = (kept.name.trim(), plain(&kept.query));
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(AppError::invalid("invalid_input", "a view's name has 1 to 80 characters"));
    }
    let view = SavedView { name: name.to_owned(), query };
    state.saved_views.keep(caller.principal.user(), &view).await?;
    Ok(Redirect::to(&address(&view.query)))
}

pub(super) async fn drop_view(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Form(kept): Form<Kept>,
) -> Result<Redirect, AppError> {
    state.saved_views.remove(caller.principal.user(), kept.name.trim()).await?;
    Ok(Redirect::to("/audit"))
}

/// What the pages of the log's records say while nothing is added to it.
pub(super) fn doubted(doubt: &str) -> Markup {
    html! {
        p.notice.error role="alert" {
            strong { "The log is doubted. " } "Nothing is answered, changed or recorded any more, and no content is opened: " (doubt)
            ". docs/audit.md says what to do."
        }
    }
}

struct Shown<'a> {
    doubt: Option<&'a str>,
    asked: &'a Asked,
    entries: &'a [Entry],
    next: Option<i64>,
    people: &'a BTreeMap<UserId, String>,
    views: &'a [SavedView],
}

fn list_page(viewer: &Viewer<'_>, shown: &Shown<'_>, problem: Option<&str>) -> Markup {
    let query = query_of(shown.asked);
    let body = html! {
        div.row.spread {
            h1 { "Audit" }
            p.row { a href="/audit/retention" { "Erasures and holds" } a href="/api/v1/audit/export" { "The whole log" } }
        }
        @if let Some(doubt) = shown.doubt { (doubted(doubt)) }
        @if let Some(problem) = problem { p.notice.error role="alert" { (problem) } }
        (saved(viewer, shown.views))
        (form(shown))
        @if shown.entries.is_empty() { p.quiet { "No entry matches." } } @else {
            (table(shown))
            div.row {
                @if let Some(next) = shown.next {
                    a.button href=(address(&with_cursor(shown.asked, next))) { "Older entries" }
                }
                a href={ "/api/v1/audit/events.csv?" (query) } { "These as a table (CSV)" }
                a href={ "/api/v1/audit/selection?" (query) } { "These with proofs (JSONL, for docent-verify)" }
            }
        }
        (keep_form(viewer, &query))
    };
    page("Audit", Some(viewer), Room::Audit, &[], &body)
}

fn table(shown: &Shown<'_>) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th.number { "Entry" } th { "When (UTC)" } th { "What" } th { "Outcome" } th { "Who" } th.number { "Documents" }
                th { "Review" }
            } }
            tbody { @for entry in shown.entries { tr {
                td.number { a href={ "/audit/" (entry.event_id) } { (entry.leaf_index) } }
                td { (entry.recorded_at.date()) " " (clock(entry)) }
                td { (entry.kind) @if entry.erased.is_some() { " (content erased)" } @if !entry.verified { strong.error { " changed!" } } }
                td { @if let Some(outcome) = &entry.outcome { (outcome.replace('_', " ")) } }
                td { @if let Some(actor) = entry.actor { (person(shown.people, actor)) } }
                td.number { (entry.documents.len()) }
                td { @if let Some(review) = entry.review { (review.state.as_str().replace('_', " ")) } }
            } } }
        } }
    }
}

/// By name while there is such a user, else by id.
pub(super) fn person(people: &BTreeMap<UserId, String>, id: UserId) -> Markup {
    html! { @match people.get(&id) { Some(name) => (name), None => code { (id) } } }
}

fn clock(entry: &Entry) -> String {
    let time = entry.recorded_at.time();
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

fn form(shown: &Shown<'_>) -> Markup {
    let asked = |name: &str| shown.asked.get(name).map_or("", String::as_str);
    let reviews: Vec<&str> = ReviewState::ALL.iter().map(|state| state.as_str()).collect();
    let choice = |label: &str, name: &str, options: &[&str]| {
        html! {
            label.inline { (label) " "
                select name=(name) {
                    option value="" { "any" }
                    @for option in options { option value=(option) selected[asked(name) == *option] { (option.replace('_', " ")) } }
                }
            }
        }
    };
    html! {
        form.panel method="get" action="/audit" role="search" {
            div.row {
                label.inline { "Words of question or answer " input type="search" name="text" value=(asked("text")) maxlength="200"; }
                label.inline { "From " input type="date" name="from" value=(asked("from")); }
                label.inline { "To " input type="date" name="to" value=(asked("to")); }
                label.inline { "Who "
                    select name="actor" {
                        option value="" { "anybody" }
                        @for (id, name) in shown.people { option value=(id) selected[asked("actor") == id.to_string()] { (name) } }
                    }
                }
                (choice("What", "kind", KINDS))
                (choice("Outcome", "outcome", OUTCOMES))
                (choice("Review", "review", &reviews))
            }
            details open[["document", "version", "collection", "verdict", "flag", "model", "key"].iter().any(|name| !asked(name).is_empty())] {
                summary { "More" }
                div.row {
                    label.inline { "Document id " input type="text" name="document" value=(asked("document")); }
                    label.inline { "its version " input type="text" name="version" inputmode="numeric" value=(asked("version")); }
                    label.inline { "Collection id " input type="text" name="collection" value=(asked("collection")); }
                    (choice("With a sentence that is", "verdict", VERDICTS))
                    (choice("Flag", "flag", FLAGS))
                    label.inline { "Model " input type="text" name="model" value=(asked("model")); }
                    label.inline { "API key id " input type="text" name="key" value=(asked("key")); }
                }
            }
            div.row { button type="submit" { "Search" } a href="/audit" { "Clear" } }
        }
    }
}

fn saved(viewer: &Viewer<'_>, views: &[SavedView]) -> Markup {
    html! {
        @if !views.is_empty() {
            div.row {
                span.quiet { "Kept views:" }
                @for view in views {
                    a href=(address(&view.query)) { (view.name) }
                    form method="post" action="/audit/views/remove" {
                        input type="hidden" name="csrf" value=(viewer.csrf);
                        input type="hidden" name="name" value=(view.name);
                        button.plain type="submit" aria-label={ "Remove the view " (view.name) } { "×" }
                    }
                }
            }
        }
    }
}

fn keep_form(viewer: &Viewer<'_>, query: &str) -> Markup {
    html! {
        @if !query.is_empty() {
            form.row method="post" action="/audit/views" {
                input type="hidden" name="csrf" value=(viewer.csrf);
                input type="hidden" name="query" value=(query);
                input type="text" name="name" maxlength="80" required placeholder="Name of this view" aria-label="Name of this view";
                button.plain type="submit" { "Keep this view" }
            }
        }
    }
}

/// The parameters that say something, without the cursor.
fn query_of(asked: &Asked) -> String {
    let said = asked.iter().filter(|(name, value)| !value.is_empty() && *name != "cursor");
    said.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

fn with_cursor(asked: &Asked, next: i64) -> String {
    let (query, cursor) = (query_of(asked), format!("cursor={}", write_cursor(next)));
    if query.is_empty() { cursor } else { format!("{query}&{cursor}") }
}

fn address(query: &str) -> String {
    if query.is_empty() { "/audit".to_owned() } else { format!("/audit?{query}") }
}

/// Only what a query may hold: what is kept becomes part of an address.
fn plain(query: &str) -> String {
    query.chars().filter(|c| c.is_ascii_alphanumeric() || "-._~/%=&".contains(*c)).take(2_000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_what_filters_and_leads_nowhere_else() {
        let asked: Asked = [("text", "租金"), ("kind", ""), ("cursor", "abc"), ("outcome", "answered")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();

        assert_eq!(query_of(&asked), "outcome=answered&text=%E7%A7%9F%E9%87%91");
        assert_eq!(plain(&query_of(&asked)), query_of(&asked));
        assert_eq!(plain("a=b\r\nSet-Cookie: x"), "a=bSet-Cookiex");
        assert!(with_cursor(&asked, 7).starts_with("outcome=answered&text="));
        assert_eq!(address(""), "/audit");
    }
}
