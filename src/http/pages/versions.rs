//! A document's versions on its page, documents like it, and the page that shows what changed between two versions. Knows
//! no store.

use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use super::percent;
use super::status;
use crate::domain::Document;
use crate::domain::Similar;
use crate::domain::VersionState;
use crate::http::versions::DiffView;
use crate::http::versions::DifferenceView;
use crate::http::versions::KindView;
use crate::http::versions::OfView;
use crate::http::versions::PartView;
use maud::Markup;
use maud::html;
use time::OffsetDateTime;
use time::macros::format_description;

/// Nothing for a document with one version.
pub(super) fn versions(document: &Document, versions: &[VersionState]) -> Markup {
    let path = format!("/documents/{}", document.id);
    html! {
        @if versions.len() > 1 {
            h2 { "Versions" }
            div.scroll { table {
                thead { tr { th.number { "Version" } th { "File" } th { "Searched" } th { "Status" } th {} } }
                tbody { @for version in versions {
                    tr {
                        td.number { (version.file.number) }
                        td { (version.file.file_name) }
                        td { (times(version)) }
                        td { (status(version.status)) }
                        td { @if version.visible_since.is_some() {
                            a href={ (path) "?page=1&version=" (version.file.number) } { "Show" }
                            @if earlier(versions, version) {
                                " · " a href={ (path) "/diff?to=" (version.file.number) } { "What changed" }
                            }
                        } }
                    }
                } }
            } }
        }
    }
}

fn earlier(versions: &[VersionState], version: &VersionState) -> bool {
    versions.iter().any(|other| other.visible_since.is_some() && other.file.number < version.file.number)
}

fn times(version: &VersionState) -> String {
    match (version.visible_since, version.visible_until) {
        (None, _) => "not yet".to_owned(),
        (Some(since), None) => format!("since {}", minute(since)),
        (Some(since), Some(until)) => format!("{} to {}", minute(since), minute(until)),
    }
}

fn minute(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default()
}

/// Documents with nearly the same text.
pub(super) fn similar(similar: &[Similar]) -> Markup {
    html! {
        @if !similar.is_empty() {
            div.notice role="status" {
                p { "Nearly the same text is already here:" }
                ul { @for other in similar {
                    li { a href={ "/documents/" (other.document_id) } { (other.title) } ", about " (percent(other.similarity)) " in common" }
                } }
            }
        }
    }
}

/// What changed between two versions.
pub(super) fn diff(viewer: &Viewer<'_>, document: &Document, diff: &DiffView) -> Markup {
    let title = format!("{}: version {} to {}", document.title, diff.from, diff.to);
    let body = html! {
        p { a href={ "/documents/" (document.id) } { "← " (document.title) } }
        h1 { "What changed from version " (diff.from) " to " (diff.to) }
        p.quiet {
            (diff.data.len()) @if diff.data.len() == 1 { " clause is" } @else { " clauses are" }
            " not the same, " (diff.unchanged) " are."
        }
        @for difference in &diff.data { (one(difference)) }
    };
    page(&title, Some(viewer), Room::Collections, &[], &body)
}

fn one(difference: &DifferenceView) -> Markup {
    html! {
        section.panel {
            h2 { (name(difference)) " " span.status { (word(difference.kind)) } }
            @if difference.words.is_empty() {
                p.quiet { @match difference.kind {
                    KindView::Renumbered => { "The same words, before as " (heading(difference.old.as_ref())) "." }
                    KindView::Moved | KindView::Added | KindView::Removed | KindView::Changed => { "The same words, in another place." }
                } }
            } @else {
                p.diff { @for words in &difference.words { @match words.of {
                    OfView::Both => { (words.text) }
                    OfView::Old => { del { (words.text) } }
                    OfView::New => { ins { (words.text) } }
                } } }
            }
        }
    }
}

fn name(difference: &DifferenceView) -> String {
    heading(difference.new.as_ref().or(difference.old.as_ref()))
}

fn heading(part: Option<&PartView>) -> String {
    let heading = part.map(|part| part.heading.clone()).filter(|heading| !heading.is_empty());
    heading.unwrap_or_else(|| "Paragraph".to_owned())
}

const fn word(kind: KindView) -> &'static str {
    match kind {
        KindView::Added => "added",
        KindView::Removed => "removed",
        KindView::Changed => "changed",
        KindView::Moved => "moved",
        KindView::Renumbered => "renumbered",
    }
}
