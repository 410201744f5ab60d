//! The handlers of the rooms: what a page shows is asked through the same ports and rules as the API.

use super::ask;
use super::collections;
use super::document;
use super::layout::Viewer;
use super::versions;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Role;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::collections as resource;
use crate::http::error::AppError;
use crate::http::input;
use crate::http::params::Segments;
use crate::http::versions as resource_versions;
use axum::Form;
use axum::extract::Query;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::response::Response;
use maud::Markup;
use serde::Deserialize;
use std::sync::Arc;

/// Rows of a list.
const ROWS: i64 = 50;
/// Collections offered on the question page.
const OFFERED: i64 = 200;

impl Caller {
    pub(super) fn viewer(&self) -> Viewer<'_> {
        Viewer { principal: &self.principal, csrf: self.session.as_ref().map_or("", |session| &session.csrf) }
    }
}

#[derive(Deserialize)]
pub(super) struct Listed {
    cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Scope {
    collection: Option<CollectionId>,
    document: Option<DocumentId>,
}

#[derive(Deserialize)]
pub(super) struct Shown {
    page: Option<u32>,
    section: Option<u32>,
    version: Option<i32>,
}

#[derive(Deserialize)]
pub(super) struct Compared {
    from: Option<i32>,
    to: Option<i32>,
}

#[derive(Deserialize)]
pub(super) struct NewCollection {
    name: String,
}

/// Says whether a caller reads documents; an administrator as such does not.
fn reads(caller: &Caller) -> bool {
    caller.principal.has(Role::Viewer) || caller.principal.has(Role::Contributor)
}

/// The first page leads to the first room one may enter.
pub(super) async fn first(caller: Caller) -> Redirect {
    let reads = reads(&caller);
    let room = if reads && !caller.principal.acl_filter().is_empty() {
        "/ask"
    } else if reads || caller.principal.has(Role::Admin) {
        "/collections"
    } else {
        "/audit"
    };
    Redirect::to(room)
}

pub(super) async fn ask(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Query(scope): Query<Scope>,
) -> Result<Markup, AppError> {
    let filter = caller.principal.acl_filter();
    let list = state.collections.list(&filter, None, OFFERED).await?;
    let document = match scope.document {
        Some(id) => {
            Some(state.documents.find(id, &filter).await?.ok_or_else(|| AppError::missing("document"))?)
        }
        None => None,
    };
    Ok(ask::ask(&caller.viewer(), &list.data, scope.collection, document.as_ref()))
}

pub(super) async fn collections(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Query(listed): Query<Listed>,
) -> Result<Markup, AppError> {
    let list = state.collections.list(&caller.principal.acl_filter(), listed.cursor.as_deref(), ROWS).await?;
    Ok(collections::collections(&caller.viewer(), &list, caller.principal.has(Role::Admin), None))
}

pub(super) async fn create_collection(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Form(form): Form<NewCollection>,
) -> Result<Response, AppError> {
    let fields = serde_json::Map::from_iter([("name".to_owned(), form.name.into())]);
    let made = match input::read::<resource::NewCollection>(fields, &state.config) {
        Ok(wanted) => resource::make(&state, &caller.principal, wanted).await,
        Err(refused) => Err(refused),
    };
    match made {
        Ok(made) if reads(&caller) => Ok(Redirect::to(&format!("/collections/{}", made.id)).into_response()),
        Ok(_) => Ok(Redirect::to("/collections").into_response()),
        Err(refused) if refused.status.is_client_error() => {
            let list = state.collections.list(&caller.principal.acl_filter(), None, ROWS).await?;
            let page = collections::collections(&caller.viewer(), &list, true, Some(&refused.detail));
            Ok((refused.status, page).into_response())
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn collection(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<CollectionId>,
    Query(listed): Query<Listed>,
) -> Result<Markup, AppError> {
    let found = resource::readable(&state, &caller.principal, id).await?;
    let filter = caller.principal.acl_filter();
    let documents = state.documents.list(id, &filter, listed.cursor.as_deref(), ROWS).await?;
    Ok(collections::collection(&caller.viewer(), &found, &documents))
}

pub(super) async fn document(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<DocumentId>,
    Query(shown): Query<Shown>,
) -> Result<Markup, AppError> {
    let filter = caller.principal.acl_filter();
    let found = state.documents.find(id, &filter).await?;
    let found = found.ok_or_else(|| AppError::missing("document"))?;
    let version = shown.version.unwrap_or(found.version);
    let outline = state.outlines.outline(id, Some(version), &filter).await?;
    let clauses = outline.map(|(_, clauses)| clauses).unwrap_or_default();
    let versions = state.histories.versions(id, &filter).await?;
    let similar = state.histories.similar(id, &filter).await?;
    let pages = state.documents.pages(id, Some(version), &filter).await?;
    let about = document::About {
        document: &found,
        version,
        clauses: &clauses,
        versions: &versions,
        similar: &similar,
        pages: &pages,
    };
    let place = shown.page.map(|page| document::Place { page, section: shown.section });
    Ok(document::document(&caller.viewer(), &about, place.as_ref()))
}

pub(super) async fn diff(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<DocumentId>,
    Query(compared): Query<Compared>,
) -> Result<Markup, AppError> {
    let filter = caller.principal.acl_filter();
    let found = state.documents.find(id, &filter).await?;
    let found = found.ok_or_else(|| AppError::missing("document"))?;
    let diff = resource_versions::compare(&state, &filter, id, compared.from, compared.to).await?;
    Ok(versions::diff(&caller.viewer(), &found, &diff))
}
