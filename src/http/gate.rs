//! Who passes: reads the authorisation table for the matched route, finds out who asks, checks roles, rates and intent,
//! and holds the route to its deadline. What the table does not list, nobody passes. Knows no resource.

use crate::domain::Principal;
use crate::http::State as Service;
use crate::http::auth;
use crate::http::auth::Caller;
use crate::http::authorisation::Deadline;
use crate::http::authorisation::Pace;
use crate::http::authorisation::Rule;
use crate::http::authorisation::Surface;
use crate::http::authorisation::TABLE;
use crate::http::authorisation::Who;
use crate::http::authorisation::rules_of;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::observe;
use crate::http::observe::RequestId;
use crate::http::pages;
use axum::extract::ConnectInfo;
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::response::Response;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

static TABLES: [&[Rule]; 2] = [TABLE, pages::RULES];

/// Lets a request through to its handler, or turns it away.
pub(super) async fn pass(State(state): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await;
    };
    let rule = match rule_of(path.as_str(), request.method()) {
        Ok(rule) => rule,
        Err(error) => return error.into_response(),
    };
    let method = request.method().clone();
    let occasion = occasion_of(&request);
    let response = match admit(&state, rule, request).await {
        Ok(request) if rule.deadline == Deadline::Own => run(&state, rule, request, next).await,
        Ok(request) => {
            let deadline = Duration::from_millis(state.config.http.request_timeout_ms);
            let run = tokio::time::timeout(deadline, run(&state, rule, request, next)).await;
            run.unwrap_or_else(|_| AppError::deadline().into_response())
        }
        Err(error) => error.into_response(),
    };
    match rule.surface {
        Surface::Api => response,
        Surface::Page => as_page(response, &method, &occasion),
    }
}

/// Runs the handler. An act that began is ended and recorded, also when its client leaves or its time is up: only reads
/// are dropped half done, and questions, which run on by themselves and notice who left.
async fn run(state: &Service, rule: &Rule, request: Request, next: Next) -> Response {
    if request.method().is_safe() || rule.pace == Pace::Question {
        return next.run(request).await;
    }
    let act = state.tasks.spawn(next.run(request).in_current_span());
    act.await.unwrap_or_else(|_| AppError::bug("a handler panicked").into_response())
}

/// What answers where no route is: a page for a browser, a problem for a program.
pub(super) async fn nowhere(request: Request) -> Response {
    let response = AppError::missing("path").into_response();
    let accepts_pages = request
        .headers()
        .get(header::ACCEPT)
        .is_some_and(|kinds| kinds.to_str().unwrap_or_default().contains("text/html"));
    let of_the_api = ["/api/", "/v1/"].iter().any(|prefix| request.uri().path().starts_with(prefix));
    if accepts_pages && !of_the_api {
        as_page(response, request.method(), &occasion_of(&request))
    } else {
        response
    }
}

/// The peer's address. Behind a proxy that is the proxy's: no header of the request is believed.
pub(super) fn address_of(request: &axum::http::Extensions) -> IpAddr {
    request
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical())
}

fn rule_of(path: &str, method: &Method) -> Result<&'static Rule, AppError> {
    let mut allow = Vec::new();
    for rule in rules_of(&TABLES, path) {
        if rule.method == method.as_str() {
            return Ok(rule);
        }
        allow.push(rule.method);
    }
    if method == Method::HEAD && allow.contains(&"GET") {
        return rule_of(path, &Method::GET);
    }
    if allow.is_empty() {
        Err(AppError::missing("path"))
    } else {
        Err(AppError::method_not_allowed(allow.join(", ")))
    }
}

async fn admit(state: &Service, rule: &Rule, mut request: Request) -> Result<Request, AppError> {
    let address = address_of(request.extensions());
    if rule.pace == Pace::SignIn {
        state.limits.sign_in(address)?;
    }
    let caller = identify(state, rule, request.headers(), address).await?;
    let caller = caller.map(|caller| Caller { principal: caller.principal.at(address), ..caller });
    if let Some(caller) = &caller {
        pace(state, rule, &caller.principal)?;
    }
    if !request.method().is_safe() {
        // Signing in rests on no session; where it comes from is still checked.
        let session = caller.as_ref().and_then(|caller| caller.session.as_ref());
        let session = session.filter(|_| rule.pace != Pace::SignIn);
        request = auth::check_intent(state, session, request).await?;
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    Ok(request)
}

/// Who passes as whom. A public page may still greet its caller; other public routes ask nobody.
async fn identify(
    state: &Service,
    rule: &Rule,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Option<Caller>, AppError> {
    match rule.who {
        Who::Public if rule.surface == Surface::Page => {
            Ok(auth::authenticate(state, headers).await.ok().flatten())
        }
        Who::Public => Ok(None),
        Who::LocalOr(_) if is_local(address, headers) => Ok(None),
        Who::SignedIn | Who::Any(_) | Who::LocalOr(_) => {
            let caller = auth::authenticate(state, headers).await?.ok_or_else(auth::not_signed_in)?;
            check_roles(rule.who, &caller.principal)?;
            Ok(Some(caller))
        }
    }
}

fn check_roles(who: Who, principal: &Principal) -> Result<(), AppError> {
    let roles = match who {
        Who::Public | Who::SignedIn => return Ok(()),
        Who::Any(roles) | Who::LocalOr(roles) => roles,
    };
    if roles.iter().any(|role| principal.has(*role)) {
        return Ok(());
    }
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    Err(AppError::denied("role_missing", format!("this needs the role `{}`", names.join("` or `"))))
}

fn pace(state: &Service, rule: &Rule, principal: &Principal) -> Result<(), AppError> {
    match rule.pace {
        Pace::Free | Pace::SignIn => Ok(()),
        Pace::Request => state.limits.request(principal.user()),
        Pace::Question => {
            state.limits.request(principal.user())?;
            state.limits.question(principal.user())
        }
    }
}

/// A proxy on this machine makes strangers look local, but says that it forwards.
fn is_local(address: IpAddr, headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    address.is_loopback() && !forwarded.iter().any(|name| headers.contains_key(*name))
}

fn occasion_of(request: &Request) -> Occasion {
    let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    Occasion { request_id, path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default() }
}

/// Refusals become pages; who only has to sign in is led there and back.
fn as_page(mut response: Response, method: &Method, occasion: &Occasion) -> Response {
    if let Some(error) = response.extensions_mut().remove::<AppError>() {
        if error.status == StatusCode::UNAUTHORIZED && method.is_safe() {
            response = Redirect::to(&pages::sign_in_path(&occasion.path)).into_response();
        } else {
            let page = pages::refusal(&error.problem(occasion)).into_string();
            response = (error.status, Html(page)).into_response();
        }
    }
    observe::dress_page(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ApiKeyId;
    use crate::domain::AuthMethod;
    use crate::domain::Role;
    use crate::domain::UserId;
    use crate::http::authorisation::AUDITORS;
    use crate::http::authorisation::READERS;
    use axum::http::HeaderName;
    use axum::http::HeaderValue;
    use std::collections::BTreeMap;

    fn principal(roles: &[Role]) -> Principal {
        let roles = roles.iter().copied().collect();
        Principal::new(
            UserId::new(),
            "someone".into(),
            roles,
            BTreeMap::new(),
            AuthMethod::ApiKey(ApiKeyId::new()),
        )
    }

    #[test]
    fn a_path_that_is_not_in_the_table_is_denied() {
        assert_eq!(rule_of("/api/v1/secrets", &Method::GET).unwrap_err().status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_method_that_is_not_in_the_table_is_denied() {
        let denied = rule_of("/api/v1/users", &Method::DELETE).unwrap_err();

        assert_eq!(denied.status, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn head_passes_as_get() {
        assert_eq!(rule_of("/healthz", &Method::HEAD).unwrap().method, "GET");
    }

    #[test]
    fn an_administrator_does_not_read_the_log_and_an_auditor_does_not_ask() {
        assert!(check_roles(AUDITORS, &principal(&[Role::Admin])).is_err());
        assert!(check_roles(READERS, &principal(&[Role::Auditor])).is_err());
        assert!(check_roles(READERS, &principal(&[Role::Viewer, Role::Auditor])).is_ok());
    }

    #[test]
    fn what_came_through_a_proxy_is_not_local() {
        let forwarded = HeaderMap::from_iter([(
            HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("192.0.2.1"),
        )]);

        assert!(is_local("127.0.0.1".parse().unwrap(), &HeaderMap::new()));
        assert!(!is_local("127.0.0.1".parse().unwrap(), &forwarded));
        assert!(!is_local("192.0.2.1".parse().unwrap(), &HeaderMap::new()));
    }
}
