//! One document: where it is, what became of its text, its pages. Knows no store.

use super::jobs::stop_form;
use super::jobs::try_again;
use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use super::layout::source_viewer;
use super::outline::outline;
use super::percent;
use super::status;
use super::versions::similar;
use super::versions::versions;
use crate::domain::Document;
use crate::domain::PageSummary;
use crate::domain::Searchable;
use crate::domain::Similar;
use crate::domain::VersionState;
use crate::domain::clause::Clause;
use maud::Markup;
use maud::html;
use serde_json::json;

/// What the page tells of a document.
pub(super) struct About<'a> {
    pub(super) document: &'a Document,
    /// Whose pages and clauses are shown.
    pub(super) version: i32,
    pub(super) clauses: &'a [Clause],
    pub(super) versions: &'a [VersionState],
    pub(super) similar: &'a [Similar],
    pub(super) pages: &'a [PageSummary],
}

/// Where a document is opened; both count from 1.
pub(super) struct Place {
    pub(super) page: u32,
    /// Of a long page without an image.
    pub(super) section: Option<u32>,
}

/// The document's page, opened at a place where one is asked for.
pub(super) fn document(viewer: &Viewer<'_>, about: &About<'_>, shown: Option<&Place>) -> Markup {
    let document = about.document;
    let collection = format!("/collections/{}", document.collection_id);
    let place = shown.map(|place| {
        json!({ "document": document.id, "version": about.version, "page": place.page, "section": place.section,
            "span": [0, 0], "title": document.title })
        .to_string()
    });
    let body = html! {
        p { a href=(collection) { "← All documents of the collection" } }
        h1 { (document.title) }
        p.notice.error role="alert" data-problem hidden {}
        div.ask data-viewer-layout {
            div {
                (progress(viewer, document))
                (similar(about.similar))
                (facts(document))
                (warnings(document))
                (recognised(about.pages))
                (hidden(about.pages))
                (versions(document, about.versions))
                (outline(document, about.version, about.clauses))
                div.row {
                    a.button href={ "/ask?document=" (document.id) } { "Ask about this document" }
                    @if document.pages > 0 { a href={ "?page=" (shown.map_or(1, |place| place.page)) } { "Show its pages" } }
                    @if viewer.principal.may_write(document.collection_id) {
                        button.danger type="button" data-delete=(document.id) data-title=(document.title) data-then=(collection) { "Delete" }
                    }
                }
            }
            (source_viewer())
        }
        @if let Some(place) = place { div hidden data-place=(place) {} }
    };
    page(&document.title, Some(viewer), Room::Collections, &["documents.js"], &body)
}

fn progress(viewer: &Viewer<'_>, document: &Document) -> Markup {
    use crate::domain::DocumentStatus::{Failed, Processing, Queued, Ready, ReadyWithWarnings};
    let may_write = viewer.principal.may_write(document.collection_id);
    let here = format!("/documents/{}", document.id);
    html! {
        @match (document.status, document.job_id) {
            (Queued | Processing, Some(job)) => {
                div.panel data-job=(job) role="status" {
                    p { "On its way in: " span data-stage { (document.status) } }
                    progress aria-label="Progress" {}
                    @if document.searchable == Searchable::Words {
                        p.quiet { "It can already be found by its words; its meaning follows." }
                    }
                    @if may_write { (stop_form(viewer, job, &here)) }
                }
            }
            (Queued | Processing | Ready | ReadyWithWarnings | Failed, _) => {}
        }
        @if let Some(error) = &document.error {
            div.notice.error {
                p { (error.detail) " (" code { (error.code) } ")" }
                @if may_write { @if let Some(job) = document.job_id { (try_again(viewer, job, &here)) } }
            }
        }
    }
}

fn facts(document: &Document) -> Markup {
    html! {
        div.panel { dl.facts {
            dt { "Status" } dd { (status(document.status)) }
            dt { "Pages" } dd { (document.pages) }
            dt { "Chunks" } dd { (document.chunks) }
            @if let Some(coverage) = &document.coverage {
                dt { "Coverage" }
                dd {
                    (percent(coverage.ratio)) ": " (coverage.characters_embedded) " of " (coverage.characters_extracted)
                    " characters are searchable"
                    @if coverage.vectors_kept > 0 { "; " (coverage.vectors_kept) " of " (document.chunks) " chunks kept their vectors" }
                    @if coverage.undecodable_glyphs > 0 { "; " (coverage.undecodable_glyphs) " glyphs could not be decoded" }
                    @if let Some(confidence) = coverage.recognition_confidence {
                        "; " (coverage.pages_recognised) " pages were recognised in their pictures, with a confidence of " (percent(confidence))
                    }
                    @if coverage.pages_without_text > 0 { "; " (coverage.pages_without_text) " pages have no text" }
                }
            }
            dt { "Version" } dd { (document.version) }
            dt { "File" } dd { (document.file.file_name) ", " (document.file.bytes) " bytes " (document.file.media_type) }
            dt { "SHA-256" } dd { code { (document.file.sha256) } }
            dt { "Id" } dd { code { (document.id) } }
        } }
    }
}

/// The pages whose text was recognised in their pictures, each with how sure that is.
fn recognised(pages: &[PageSummary]) -> Markup {
    let found: Vec<_> = pages.iter().filter_map(|page| Some((page.number, page.recognised?))).collect();
    html! {
        @if !found.is_empty() {
            details.panel {
                summary { "Recognised pages (" (found.len()) ")" }
                table {
                    thead { tr { th { "Page" } th { "Confidence" } th { "Turned" } th { "Leans" } } }
                    tbody { @for (number, how) in &found { tr {
                        td.number { a href={ "?page=" (number) } { (number) } }
                        td.number { (percent(how.confidence.into())) }
                        td.number { (u32::from(how.quarter_turns) * 90) "°" }
                        td.number { (format!("{:.1}°", how.skew_degrees)) }
                    } } }
                }
            }
        }
    }
}

/// What pages hold that nobody sees who looks at them: possibly instructions to a machine. It is used for nothing.
fn hidden(pages: &[PageSummary]) -> Markup {
    let found: Vec<_> =
        pages.iter().flat_map(|page| page.hidden.iter().map(|hidden| (page.number, hidden))).collect();
    html! {
        @if !found.is_empty() {
            details.panel data-hidden-text {
                summary { "Hidden text (" (found.len()) ")" }
                p.quiet { "The file holds this text where nobody sees it. It is not searched and not shown to the model." }
                table {
                    thead { tr { th { "Page" } th { "Why it is not seen" } th { "Characters" } th { "Text" } } }
                    tbody { @for (number, text) in &found { tr {
                        td.number { a href={ "?page=" (number) } { (number) } }
                        td { (text.reason.phrase()) }
                        td.number { (text.characters) }
                        td { q { (text.text) } }
                    } } }
                }
            }
        }
    }
}

fn warnings(document: &Document) -> Markup {
    html! {
        @if !document.warnings.is_empty() {
            h2 { "Warnings" }
            ul.panel { @for warning in &document.warnings { li {
                @if let Some(page) = warning.page { "Page " (page) ": " }
                (warning.detail) " (" code { (warning.code) } ")"
            } } }
        }
    }
}
