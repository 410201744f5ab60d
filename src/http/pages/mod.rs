//! The pages for people: server-rendered, no inline script or style. Every route has its row in `RULES`, or the gate
//! denies it. Knows no store: pages ask what the API asks, and change things through the same functions.

mod ask;
mod assets;
mod collections;
mod document;
mod explorer;
mod interaction;
mod jobs;
mod layout;
mod outline;
mod record;
mod retention;
mod rooms;
mod session;
mod sign_in;
mod versions;

use crate::domain::DocumentStatus;
use crate::http::State;
use crate::http::authorisation::ADMINS;
use crate::http::authorisation::AUDITORS;
use crate::http::authorisation::Pace;
use crate::http::authorisation::READERS;
use crate::http::authorisation::READERS_AND_ADMINS;
use crate::http::authorisation::Rule;
use crate::http::authorisation::WRITERS;
use crate::http::authorisation::Who;
use crate::http::error::Problem;
use axum::Router;
use axum::routing::MethodRouter;
use axum::routing::get;
use axum::routing::post;
use maud::Markup;
use maud::html;
use std::fmt::Write;
use std::sync::Arc;

/// Who may see which page.
pub(super) const RULES: &[Rule] = &[
    Rule::page("GET", "/", Who::SignedIn),
    Rule::page("GET", "/sign-in", Who::Public),
    Rule::page("POST", "/sign-in", Who::Public).at(Pace::SignIn),
    Rule::page("POST", "/sign-out", Who::SignedIn),
    Rule::page("GET", "/ask", READERS),
    Rule::page("GET", "/collections", READERS_AND_ADMINS),
    Rule::page("POST", "/collections", ADMINS),
    Rule::page("GET", "/collections/{id}", READERS),
    Rule::page("GET", "/documents/{id}", READERS),
    Rule::page("GET", "/documents/{id}/diff", READERS),
    Rule::page("GET", "/jobs", WRITERS),
    Rule::page("POST", "/jobs/{id}/stop", WRITERS),
    Rule::page("POST", "/jobs/{id}/retry", WRITERS),
    Rule::page("GET", "/audit", AUDITORS),
    Rule::page("GET", "/audit/{id}", AUDITORS),
    Rule::page("POST", "/audit/{id}/review", AUDITORS),
    Rule::page("POST", "/audit/{id}/replay", AUDITORS).at(Pace::Question).streaming(),
    Rule::page("POST", "/audit/views", AUDITORS),
    Rule::page("POST", "/audit/views/remove", AUDITORS),
    Rule::page("GET", "/audit/retention", AUDITORS),
    Rule::page("POST", "/audit/retention/erasures", AUDITORS),
    Rule::page("POST", "/audit/retention/erasures/{id}/approve", AUDITORS).streaming(),
    Rule::page("POST", "/audit/retention/erasures/{id}/refuse", AUDITORS),
    Rule::page("POST", "/audit/retention/holds", AUDITORS),
    Rule::page("POST", "/audit/retention/holds/{id}/lift", AUDITORS),
    Rule::page("GET", "/assets/{name}", Who::Public).at(Pace::Free),
];

/// The routes of the pages: exactly the rows of `RULES`.
pub(super) fn router() -> Router<Arc<State>> {
    RULES.iter().fold(Router::new(), |router, rule| {
        let page = page(rule.method, rule.path).expect("a test knows a row without a route");
        router.route(rule.path, page)
    })
}

fn page(method: &str, path: &str) -> Option<MethodRouter<Arc<State>>> {
    Some(match (method, path) {
        ("GET", "/") => get(rooms::first),
        ("GET", "/sign-in") => get(session::form),
        ("POST", "/sign-in") => post(session::sign_in),
        ("POST", "/sign-out") => post(session::sign_out),
        ("GET", "/ask") => get(rooms::ask),
        ("GET", "/collections") => get(rooms::collections),
        ("POST", "/collections") => post(rooms::create_collection),
        ("GET", "/collections/{id}") => get(rooms::collection),
        ("GET", "/documents/{id}") => get(rooms::document),
        ("GET", "/documents/{id}/diff") => get(rooms::diff),
        ("GET", "/jobs") => get(jobs::list),
        ("POST", "/jobs/{id}/stop") => post(jobs::stop),
        ("POST", "/jobs/{id}/retry") => post(jobs::retry),
        ("GET", "/audit") => get(explorer::list),
        ("POST", "/audit/views") => post(explorer::keep),
        ("POST", "/audit/views/remove") => post(explorer::drop_view),
        ("GET", "/audit/{id}") => get(record::show),
        ("POST", "/audit/{id}/review") => post(record::review),
        ("POST", "/audit/{id}/replay") => post(record::replay),
        ("GET", "/audit/retention") => get(retention::list),
        ("POST", "/audit/retention/erasures") => post(retention::ask),
        ("POST", "/audit/retention/erasures/{id}/approve") => post(retention::approve),
        ("POST", "/audit/retention/erasures/{id}/refuse") => post(retention::refuse),
        ("POST", "/audit/retention/holds") => post(retention::hold),
        ("POST", "/audit/retention/holds/{id}/lift") => post(retention::lift),
        ("GET", "/assets/{name}") => get(assets::asset),
        _ => return None,
    })
}

/// Where who is not signed in is led, and back from there to `next`.
pub(super) fn sign_in_path(next: &str) -> String {
    format!("/sign-in?next={}", encoded(next))
}

/// A refusal as a page.
pub(super) fn refusal(problem: &Problem) -> Markup {
    let body = html! {
        div.panel.narrow {
            h1 { (problem.title) }
            p { (problem.detail) }
            p.quiet { "Request " code { (problem.request_id) } }
            p { a href="/" { "To the first page" } }
        }
    };
    layout::page(problem.title, None, layout::Room::Outside, &[], &body)
}

/// Percent-encodes what has a meaning in a query (RFC 3986 §2.3 leaves the unreserved).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes everything");
        }
        out
    })
}

/// A document's status in words.
fn status(status: DocumentStatus) -> Markup {
    html! { span class={ "status " (status) } { (status.as_str().replace('_', " ")) } }
}

/// A share of 1 in per cent, never rounded up to the whole.
fn percent(ratio: f64) -> String {
    format!("{:.1} %", (ratio * 1000.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    #[test]
    fn every_row_has_a_route() {
        for rule in RULES {
            assert!(page(rule.method, rule.path).is_some(), "{} {}", rule.method, rule.path);
        }
    }

    #[test]
    fn pages_of_the_log_are_for_auditors_and_they_change_nothing_elsewhere() {
        let (log, others): (Vec<&Rule>, Vec<&Rule>) =
            RULES.iter().partition(|rule| rule.path == "/audit" || rule.path.starts_with("/audit/"));
        let own = ["/sign-in", "/sign-out"];

        assert!(log.len() >= 10 && log.iter().all(|rule| rule.who == AUDITORS), "{log:?}");
        for rule in others.iter().filter(|rule| rule.method != "GET" && !own.contains(&rule.path)) {
            let Who::Any(roles) = rule.who else { panic!("{rule:?} is for anybody") };
            assert!(!roles.contains(&Role::Auditor), "{rule:?}");
        }
    }

    #[test]
    fn coverage_is_whole_only_when_nothing_is_missing() {
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.99999), "99.9 %");
    }

    #[test]
    fn where_one_wanted_to_go_survives_the_sign_in() {
        assert_eq!(sign_in_path("/audit?kind=a&b"), "/sign-in?next=/audit%3Fkind%3Da%26b");
    }
}
