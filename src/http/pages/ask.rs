//! The question page; `ask.js` streams the answer into it. Knows no engine.

use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use super::layout::source_viewer;
use crate::domain::Collection;
use crate::domain::CollectionId;
use crate::domain::Document;
use maud::Markup;
use maud::html;

/// The page, scoped to a document or with a collection chosen where the address says so.
pub(super) fn ask(
    viewer: &Viewer<'_>,
    collections: &[Collection],
    chosen: Option<CollectionId>,
    document: Option<&Document>,
) -> Markup {
    let body = html! {
        h1 { "Ask" }
        @if collections.is_empty() {
            p.notice { "There is nothing to ask about yet: " a href="/collections" { "make a collection and upload a document" } "." }
        }
        div.ask data-viewer-layout {
            div {
                (form(collections, chosen, document))
                p.notice.error role="alert" data-problem hidden {}
                section.panel aria-label="Answer" {
                    p.stages data-stages role="status" { "An answer is made of sentences; each is checked against its source before it is shown." }
                    div.answer data-answer aria-live="polite" {}
                    details data-sources hidden { summary { "What the model was shown" } ol {} }
                    p.quiet data-record {}
                }
                p.quiet { "Answers are written by a language model. Every question, answer and source is recorded." }
            }
            (source_viewer())
        }
    };
    page("Ask", Some(viewer), Room::Ask, &["ask.js"], &body)
}

fn form(collections: &[Collection], chosen: Option<CollectionId>, document: Option<&Document>) -> Markup {
    html! {
        form.panel data-ask data-document=[document.map(|document| document.id)] {
            label for="question" { "Your question" }
            textarea #question name="question" required maxlength="4000" autofocus
                placeholder="What is the notice period? 违约金是多少？" {}
            @if let Some(document) = document {
                p { "Only in " a href={ "/documents/" (document.id) } { (document.title) } ". " a href="/ask" { "Ask everywhere" } }
            } @else if collections.len() > 1 {
                div role="group" aria-label="Collections" {
                    @for collection in collections { label.inline {
                        input type="checkbox" name="collection" value=(collection.id) checked[chosen == Some(collection.id)];
                        (collection.name)
                    } }
                    p.quiet { "None ticked: all of them." }
                }
            }
            div.row {
                button type="submit" { "Ask" }
                button.plain type="button" data-stop hidden { "Stop" }
            }
        }
    }
}
