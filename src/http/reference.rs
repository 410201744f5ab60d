//! `/docs`: the API on one page for people, made from the same document as `/openapi.json`. No script, nothing from
//! another host. Knows no handler.

use crate::http::openapi;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use maud::DOCTYPE;
use maud::Markup;
use maud::html;
use std::sync::OnceLock;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::path::PathItem;

/// The page has no style sheet of its own and takes none from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The API on one page.
#[utoipa::path(get, path = "/docs", operation_id = "docs", tag = "operation",
    responses((status = 200, description = "A page", body = String, content_type = "text/html")))]
pub(super) async fn page() -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = std::future::ready(PAGE.get_or_init(|| render().into_string())).await;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, page.as_str()).into_response()
}

fn render() -> Markup {
    let document = openapi::whole();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "The API · Docent" }
                link rel="stylesheet" href="/assets/docent.css";
            }
            body { main {
                h1 { "The API of Docent" }
                @if let Some(description) = &document.info.description { p { (prose(description)) } }
                p { "For programs: " a href="/openapi.json" { "openapi.json" } ". A first question:" }
                pre { (FIRST_QUESTION) }
                @for tag in document.tags.iter().flatten() {
                    h2 { (tag.name) }
                    @if let Some(description) = &tag.description { p { (description) } }
                    @for (path, item) in &document.paths.paths {
                        @for (method, operation) in operations(item) {
                            @if operation.tags.iter().flatten().any(|name| *name == tag.name) {
                                (entry(method, path, operation))
                            }
                        }
                    }
                }
            } }
        }
    }
}

const FIRST_QUESTION: &str = "curl -N http://127.0.0.1:8080/api/v1/answers \\
  -H 'Authorization: Bearer dk_…' -H 'Content-Type: application/json' \\
  -d '{\"question\": \"What is the notice period?\", \"stream\": true}'";

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
        ("HEAD", &item.head),
        ("OPTIONS", &item.options),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn entry(method: &str, path: &str, operation: &Operation) -> Markup {
    html! {
        section.panel {
            h3 { code { (method) " " (path) } }
            @if let Some(summary) = &operation.summary { p { strong { (prose(summary)) } } }
            @for paragraph in operation.description.iter().flat_map(|text| text.split("\n\n")) { p { (prose(paragraph)) } }
            @if let Some(parameters) = &operation.parameters {
                ul { @for parameter in parameters.iter().filter_map(inline) {
                    li { code { (parameter.name) } @if let Some(text) = &parameter.description { ": " (prose(text)) } }
                } }
            }
            p { "Answers: "
                @for (index, (status, _)) in operation.responses.responses.iter().enumerate() {
                    @if index > 0 { ", " }
                    @if status == "default" { "a problem" } @else { code { (status) } }
                }
            }
        }
    }
}

fn inline<T>(value: &RefOr<T>) -> Option<&T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

/// Text with `code` in it.
fn prose(text: &str) -> Markup {
    html! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::authorisation::TABLE;

    #[test]
    fn every_operation_stands_on_the_page() {
        let page = render().into_string();

        for rule in TABLE {
            assert!(
                page.contains(&format!("{} {}", rule.method, rule.path)),
                "{} {}",
                rule.method,
                rule.path
            );
        }
    }
}
