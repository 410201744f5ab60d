//! Collections, and one collection with its upload and its documents. Knows no store.

use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use super::status;
use crate::domain::Collection;
use crate::domain::Document;
use crate::domain::Page;
use maud::Markup;
use maud::html;

/// All collections the viewer may read.
pub(super) fn collections(
    viewer: &Viewer<'_>,
    list: &Page<Collection>,
    may_create: bool,
    problem: Option<&str>,
) -> Markup {
    let body = html! {
        h1 { "Collections" }
        @if let Some(problem) = problem { p.notice.error role="alert" { (problem) } }
        @if list.data.is_empty() {
            p.quiet { "There is no collection you may read yet." }
        } @else {
            div.scroll { table {
                thead { tr { th { "Name" } th.number { "Documents" } th { "Made" } } }
                tbody { @for collection in &list.data { tr {
                    td { a href={ "/collections/" (collection.id) } { (collection.name) } }
                    td.number { (collection.documents) }
                    td { (collection.created_at.date()) }
                } } }
            } }
            (next_page("/collections", list.next_cursor.as_deref()))
        }
        @if may_create {
            h2 { "New collection" }
            form.panel method="post" action="/collections" {
                input type="hidden" name="csrf" value=(viewer.csrf);
                label for="name" { "Name" }
                div.row {
                    input #name type="text" name="name" maxlength="200" required placeholder="Contracts 合同";
                    button type="submit" { "Create" }
                }
            }
        }
    };
    page("Collections", Some(viewer), Room::Collections, &[], &body)
}

/// One collection: upload, then its documents.
pub(super) fn collection(viewer: &Viewer<'_>, collection: &Collection, documents: &Page<Document>) -> Markup {
    let here = format!("/collections/{}", collection.id);
    let body = html! {
        h1 { (collection.name) }
        @if viewer.principal.may_write(collection.id) { (upload(collection)) }
        div.row.spread {
            h2 { "Documents" }
            a href={ "/ask?collection=" (collection.id) } { "Ask about this collection" }
        }
        @if documents.data.is_empty() {
            p.quiet { "No documents yet." }
        } @else {
            (table(documents))
            (next_page(&here, documents.next_cursor.as_deref()))
        }
    };
    let scripts: &[&str] = if viewer.principal.may_write(collection.id) { &["upload.js"] } else { &[] };
    page(&collection.name, Some(viewer), Room::Collections, scripts, &body)
}

fn upload(collection: &Collection) -> Markup {
    html! {
        section.panel aria-label="Upload" {
            div.drop data-collection=(collection.id)
                data-upload={ "/api/v1/collections/" (collection.id) "/documents" } {
                p { strong { "Drop files or folders here" } }
                p {
                    input #files type="file" multiple;
                    label.button for="files" { "Choose files" }
                    input #folder type="file" multiple webkitdirectory;
                    label.button for="folder" { "Choose folder" }
                }
                p.quiet { "PDF, Word (DOCX), Excel (XLSX), PowerPoint (PPTX), web pages (HTML), e-mail (EML), Markdown and plain text, Chinese and English, and zip archives of these." }
            }
            p.quiet data-left-out role="status" {}
            ul.files data-files aria-live="polite" {}
        }
    }
}

fn table(documents: &Page<Document>) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Title" } th { "Status" } th.number { "Pages" } th.number { "Chunks" } th.number { "Coverage" } th { "Uploaded" }
            } }
            tbody { @for document in &documents.data { tr {
                td {
                    a href={ "/documents/" (document.id) } { (document.title) }
                    @if let Some(error) = &document.error { div.error { (error.detail) } }
                }
                td { (status(document.status)) }
                td.number { (document.pages) }
                td.number { (document.chunks) }
                td.number { @if let Some(coverage) = &document.coverage { (super::percent(coverage.ratio)) } }
                td { (document.file.uploaded_at.date()) }
            } } }
        } }
    }
}

fn next_page(path: &str, cursor: Option<&str>) -> Markup {
    html! {
        @if let Some(cursor) = cursor { p { a.button href={ (path) "?cursor=" (cursor) } { "More" } } }
    }
}
