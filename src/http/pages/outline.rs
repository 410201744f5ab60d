//! A document's clauses on its page: a way to one by its address, and all of them as a list. Knows no store.

use crate::domain::Document;
use crate::domain::clause::Clause;
use maud::Markup;
use maud::html;
use serde_json::json;

/// More are not listed; they are found by their addresses.
const MOST: usize = 2_000;
/// Deepest step that is set further in.
const DEEPEST: u8 = 6;

/// Nothing for a document without clauses.
pub(super) fn outline(document: &Document, version: i32, clauses: &[Clause]) -> Markup {
    html! {
        @if !clauses.is_empty() {
            h2 { "Clauses" }
            form.row data-clause=(document.id) data-version=(version) {
                input type="text" name="address" required aria-label="Address of a clause" placeholder="8.2(a), Article 5, 第八条第二款";
                button type="submit" { "Show" }
            }
            p.error data-no-clause role="alert" hidden {}
            details.panel {
                summary { (clauses.len()) " clauses" }
                ul.clauses {
                    @for clause in clauses.iter().take(MOST) {
                        li.{ "depth-" (clause.depth.min(DEEPEST)) } {
                            button.link type="button" data-shows=(place(document, version, clause)) { (clause.heading()) " " span.quiet { (clause.opening) } }
                        }
                    }
                }
                @if clauses.len() > MOST { p.quiet { "The first " (MOST) " are listed; the others are found by their addresses." } }
            }
        }
    }
}

/// What the viewer opens.
fn place(document: &Document, version: i32, clause: &Clause) -> String {
    let title = format!("{}, {}", document.title, clause.address().unwrap_or_else(|| clause.title.clone()));
    json!({ "document": document.id, "version": version, "page": clause.page, "span": clause.span, "title": title })
        .to_string()
}
