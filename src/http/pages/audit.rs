//! The audit log: a list with filters, one record in full. Knows no table.

use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use crate::audit::Entry;
use maud::Markup;
use maud::html;
use serde::Deserialize;

/// The filters as the form sends them; empty fields filter nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    pub from: String,
    pub to: String,
    pub actor: String,
    pub document: String,
    pub outcome: String,
    pub kind: String,
    pub cursor: String,
}

const OUTCOMES: &[&str] = &["answered", "partly_answered", "not_in_documents", "failed", "abandoned"];

/// Newest first.
pub(super) fn list(
    viewer: &Viewer<'_>,
    filters: &Filters,
    entries: &[Entry],
    next: Option<i64>,
    problem: Option<&str>,
) -> Markup {
    let body = html! {
        h1 { "Audit" }
        @if let Some(problem) = problem { p.notice.error role="alert" { (problem) } }
        (form(filters))
        @if entries.is_empty() { p.quiet { "No entry matches." } } @else {
            div.scroll { table {
                thead { tr { th.number { "Entry" } th { "When (UTC)" } th { "What" } th { "Outcome" } th { "Who" } th.number { "Documents" } } }
                tbody { @for entry in entries { tr {
                    td.number { a href={ "/audit/" (entry.event_id) } { (entry.leaf_index) } }
                    td { (entry.recorded_at.date()) " " (clock(entry)) }
                    td { (entry.kind) }
                    td { @if let Some(outcome) = &entry.outcome { (outcome) } }
                    td { @if let Some(actor) = entry.actor { code { (actor) } } }
                    td.number { (entry.documents.len()) }
                } } }
            } }
            @if let Some(next) = next { (older(filters, next)) }
        }
    };
    page("Audit", Some(viewer), Room::Audit, &[], &body)
}

fn clock(entry: &Entry) -> String {
    let time = entry.recorded_at.time();
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

fn form(filters: &Filters) -> Markup {
    html! {
        form.panel method="get" action="/audit" {
            div.row {
                label.inline { "From " input type="date" name="from" value=(filters.from); }
                label.inline { "To " input type="date" name="to" value=(filters.to); }
                label.inline { "Outcome "
                    select name="outcome" {
                        option value="" { "any" }
                        @for outcome in OUTCOMES { option value=(outcome) selected[filters.outcome == *outcome] { (outcome) } }
                    }
                }
                label.inline { "Kind " input type="text" name="kind" value=(filters.kind) placeholder="chat.intent"; }
                label.inline { "User id " input type="text" name="actor" value=(filters.actor); }
                label.inline { "Document id " input type="text" name="document" value=(filters.document); }
                button type="submit" { "Filter" }
                a href="/audit" { "Clear" }
            }
        }
    }
}

fn older(filters: &Filters, next: i64) -> Markup {
    html! {
        form method="get" action="/audit" {
            @for (name, value) in [("from", &filters.from), ("to", &filters.to), ("actor", &filters.actor), ("document", &filters.document), ("outcome", &filters.outcome), ("kind", &filters.kind)] {
                input type="hidden" name=(name) value=(value);
            }
            button.plain type="submit" name="cursor" value=(next) { "Older entries" }
        }
    }
}

/// One record in full, with what belongs to it.
pub(super) fn record(viewer: &Viewer<'_>, entry: &Entry) -> Markup {
    let body = html! {
        p { a href="/audit" { "← All entries" } }
        h1 { "Entry " (entry.leaf_index) ": " (entry.kind) }
        p.quiet { "Reading this record was recorded too." }
        (one(entry))
        @if !entry.related.is_empty() {
            h2 { "What belongs to it" }
            p.quiet { "Open an entry by its id to see its content." }
            @for related in &entry.related {
                details.panel {
                    summary { "Entry " (related.leaf_index) ": " (related.kind) @if let Some(outcome) = &related.outcome { ", " (outcome) } }
                    (one(related))
                }
            }
        }
    };
    page(&format!("Entry {}", entry.leaf_index), Some(viewer), Room::Audit, &[], &body)
}

fn one(entry: &Entry) -> Markup {
    html! {
        div.panel {
            dl.facts {
                dt { "Id" } dd { a href={ "/audit/" (entry.event_id) } { code { (entry.event_id) } } }
                dt { "When" } dd { (entry.recorded_at) }
                @if let Some(actor) = entry.actor { dt { "Who" } dd { code { (actor) } } }
                @if let Some(outcome) = &entry.outcome { dt { "Outcome" } dd { (outcome) } }
                @if let Some(reference) = entry.reference { dt { "Belongs to" } dd { a href={ "/audit/" (reference) } { code { (reference) } } } }
                @if !entry.documents.is_empty() {
                    dt { "Documents" }
                    dd { @for document in &entry.documents { a href={ "/documents/" (document) } { code { (document) } } " " } }
                }
                dt { "Leaf hash" } dd { code { (entry.leaf_hash) } }
            }
            @if let Some(content) = &entry.content {
                h2 { "Content (sealed beside the record)" }
                (content_of(content))
            }
            h2 { "Leaf (what counts)" }
            pre.record { (pretty(&entry.leaf)) }
        }
    }
}

fn content_of(content: &serde_json::Value) -> Markup {
    html! {
        @let words = content.get("content").unwrap_or(content);
        @for name in ["question", "text", "answer"] {
            @if let Some(text) = words.get(name).and_then(serde_json::Value::as_str) { blockquote { strong { (name) ": " } (text) } }
        }
        details { summary { "All of it" } pre.record { (pretty(content)) } }
    }
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("a JSON value prints")
}
