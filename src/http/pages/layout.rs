//! The frame of every page. Knows no handler.

use crate::domain::Principal;
use crate::domain::Role;
use maud::DOCTYPE;
use maud::Markup;
use maud::html;

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Ask,
    Collections,
    Jobs,
    Audit,
    Outside,
}

/// Who looks, and the secret that their forms and scripts must send back.
pub(super) struct Viewer<'a> {
    pub principal: &'a Principal,
    pub csrf: &'a str,
}

/// A page: title, who looks (none before sign-in), which room, scripts by name, and what is in it.
pub(super) fn page(
    title: &str,
    viewer: Option<&Viewer<'_>>,
    room: Room,
    scripts: &[&str],
    body: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Docent" }
                @if let Some(viewer) = viewer { meta name="csrf" content=(viewer.csrf); }
                link rel="stylesheet" href="/assets/docent.css";
                link rel="icon" type="image/svg+xml" href="/assets/mark.svg";
                @for script in scripts { script type="module" src={ "/assets/" (script) } {} }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                @if let Some(viewer) = viewer { (top(viewer, room)) }
                main #main { (body) }
            }
        }
    }
}

fn top(viewer: &Viewer<'_>, room: Room) -> Markup {
    let link = |to: &str, text: &str, of: Room| {
        html! { a href=(to) aria-current=[(of == room).then_some("page")] { (text) } }
    };
    let reads = viewer.principal.has(Role::Viewer) || viewer.principal.has(Role::Contributor);
    html! {
        header.top { div {
            a.name href="/" { "Docent" }
            nav aria-label="Rooms" {
                @if reads { (link("/ask", "Ask", Room::Ask)) }
                @if reads || viewer.principal.has(Role::Admin) {
                    (link("/collections", "Collections", Room::Collections))
                }
                @if viewer.principal.has(Role::Contributor) { (link("/jobs", "Jobs", Room::Jobs)) }
                @if viewer.principal.has(Role::Auditor) { (link("/audit", "Audit", Room::Audit)) }
            }
            form method="post" action="/sign-out" {
                input type="hidden" name="csrf" value=(viewer.csrf);
                span { (viewer.principal.name()) }
                button.plain type="submit" { "Sign out" }
            }
        } }
    }
}

/// The panel that shows a source's page with the quoted words highlighted; `viewer.js` fills it.
pub(super) fn source_viewer() -> Markup {
    html! {
        aside.panel.viewer data-viewer hidden aria-label="Source" {
            div.row.spread {
                h2 tabindex="-1" { "Source" }
                button.plain type="button" data-close { "Close" }
            }
            blockquote hidden {}
            div data-page {}
            p.row {
                button.plain type="button" data-back { "Previous" }
                button.plain type="button" data-forth { "Next" }
                a data-open href="/collections" { "Open the document" }
            }
        }
    }
}
