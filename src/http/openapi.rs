//! The OpenAPI document, made from the routes and the authorisation table. Knows no handler's inside.

use crate::http::authorisation::Rule;
use crate::http::authorisation::TABLE;
use crate::http::authorisation::Who;
use crate::http::error::Problem;
use crate::http::routes_of_the_api;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use std::sync::OnceLock;
use utoipa::OpenApi;
use utoipa::openapi::Content;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::Ref;
use utoipa::openapi::RefOr;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::ApiKey;
use utoipa::openapi::security::ApiKeyValue;
use utoipa::openapi::security::HttpAuthScheme;
use utoipa::openapi::security::HttpBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::security::SecurityScheme;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Docent",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "Cited answers from an organisation's own documents, on its own machines, with an audit record. \
            Errors are `application/problem+json` (RFC 9457); lists are `{data, next_cursor}`; spans `[a, b)` count \
            Unicode characters of a document's `content`; boxes are `[x0, y0, x1, y1]` in points from the top left."
    ),
    components(schemas(Problem)),
    tags(
        (name = "answers", description = "Questions, answers, search"),
        (name = "documents", description = "Documents and their way in"),
        (name = "collections", description = "Collections and who may read and write them"),
        (name = "identity", description = "Sessions, users, keys"),
        (name = "webhooks", description = "Ends of jobs, announced to other programs"),
        (name = "audit", description = "What was asked and answered, and who did what"),
        (name = "operation", description = "For who runs the service"),
    )
)]
struct About;

/// What stands above the routes.
pub(super) fn about() -> Document {
    About::openapi()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operation",
    responses((status = 200, description = "The OpenAPI document", body = Object)))]
pub(super) async fn document() -> Response {
    let text = std::future::ready(text()).await;
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The document as JSON, made once.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = whole().to_pretty_json().expect("our types are JSON");
        text.push('\n');
        text
    })
}

/// The document with what the table knows: who may call, by which proof, and how refusals look.
pub(super) fn whole() -> Document {
    let (_, mut document) = routes_of_the_api(0, 0).split_for_parts();
    let components = document.components.get_or_insert_default();
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("dk_…").build();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    let cookie = ApiKey::Cookie(ApiKeyValue::new("docent_session"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    for rule in TABLE {
        let item = document.paths.paths.get_mut(rule.path).expect("the table holds the router's routes");
        let operation = operation_of(item, rule.method).expect("the table holds the router's routes");
        describe(operation, rule);
    }
    document
}

fn describe(operation: &mut Operation, rule: &Rule) {
    let (who, open) = match rule.who {
        Who::Public => ("Anybody.".to_owned(), true),
        Who::SignedIn => ("Whoever is signed in.".to_owned(), false),
        Who::Any(roles) => (format!("Roles: {}.", names(roles)), false),
        Who::LocalOr(roles) => (format!("Programs on the same machine, and roles: {}.", names(roles)), false),
    };
    let text = operation.summary.take().unwrap_or_default().replace('\n', " ");
    let (summary, rest) = text.split_once(". ").unwrap_or((text.as_str(), ""));
    operation.description = Some(format!("{rest}\n\n{who}").trim().to_owned());
    operation.summary = Some(format!("{}.", summary.trim_end_matches('.')));
    let proofs = ["key", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
    operation.security = Some(if open { Vec::new() } else { proofs.into() });
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    let problem = ResponseBuilder::new()
        .description("Refused, as a problem (RFC 9457)")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".to_owned(), problem.into());
}

fn names(roles: &[crate::domain::Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

/// The operation of a method, if the path has it.
fn operation_of<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        "HEAD" => item.head.as_mut(),
        "OPTIONS" => item.options.as_mut(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `UPDATE_OPENAPI=1 cargo test openapi_json_is_current` rewrites the file.
    #[test]
    fn openapi_json_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&file, text()).unwrap();
        }

        let committed = std::fs::read_to_string(&file).unwrap_or_default();

        assert!(committed == text(), "openapi.json is stale: run this test with UPDATE_OPENAPI=1");
    }

    #[test]
    fn every_operation_says_who_may_call_it_and_how_it_refuses() {
        let mut document = whole();
        for rule in TABLE {
            let item = document.paths.paths.get_mut(rule.path).unwrap();
            let operation = operation_of(item, rule.method).unwrap();

            assert!(operation.security.is_some(), "{}", rule.path);
            assert!(operation.responses.responses.contains_key("default"), "{}", rule.path);
            assert!(operation.summary.is_some(), "{}", rule.path);
        }
    }
}
