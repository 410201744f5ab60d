//! The clauses of a document: all of them as a tree, and one by its address. Knows no reading of files.

use crate::domain::AclFilter;
use crate::domain::DocumentId;
use crate::domain::Span;
use crate::domain::clause;
use crate::domain::clause::Address;
use crate::domain::clause::Clause;
use crate::domain::clause::Place;
use crate::domain::clause::Segment;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::documents::version_of;
use crate::http::error::AppError;
use crate::http::params::Params;
use crate::http::params::Segments;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// More places of one address are not listed.
const MOST_OTHERS: usize = 50;

/// A document's clauses in the order of its text.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct OutlineView {
    document_id: DocumentId,
    version: i32,
    data: Vec<ClauseView>,
    /// The terms that the document defines.
    definitions: Vec<DefinitionView>,
}

/// A clause of the tree: those below it follow it with a greater depth.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ClauseView {
    /// Such as `8.2(a)`, `Article 5`, `第509条`; null for a heading without a number.
    address: Option<String>,
    /// Its mark as it is written, such as `第五百零九条`; empty for a heading without one.
    label: String,
    /// Its heading; empty if it has none.
    title: String,
    /// Its first words, where it has no heading.
    opening: String,
    /// From 1.
    depth: u8,
    /// The page on which it begins.
    page: u32,
    /// Its stretch of `content`, with the clauses below it.
    span: Span,
}

/// A term and where the document says what it means.
#[derive(Serialize, utoipa::ToSchema)]
struct DefinitionView {
    term: String,
    /// The stretch of `content` that defines it.
    span: Span,
}

/// One clause with its text and what it refers to.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ClauseText {
    document_id: DocumentId,
    version: i32,
    #[serde(flatten)]
    clause: ClauseView,
    /// The headings above it, the outermost first.
    heading_path: Vec<String>,
    text: String,
    /// The addresses that its text names.
    references: Vec<ReferenceView>,
    /// The same address leads to these too: name what stands above it, as in `Schedule 1, 2`.
    others: Vec<ClauseView>,
}

/// A place in the text that names a clause.
#[derive(Serialize, utoipa::ToSchema)]
struct ReferenceView {
    /// As it is written.
    named: String,
    /// Where it is written.
    span: Span,
    /// The clause it leads to; null when this document has none of that address.
    address: Option<String>,
    /// What is meant there, a paragraph of an article for instance.
    target: Option<Span>,
}

/// A document's clauses as a tree, and the terms it defines.
#[utoipa::path(get, path = "/api/v1/documents/{id}/outline", operation_id = "get_outline", tag = "documents",
    params(("id" = DocumentId, Path),
        ("version" = Option<i32>, Query, description = "the visible one when left out")),
    responses((status = 200, description = "The clauses", body = OutlineView)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
    mut params: Params,
) -> Result<Json<OutlineView>, AppError> {
    let version = version_of(&mut params);
    params.finish()?;
    let read = read(&state, &who.acl_filter(), id, version).await?;
    let outlined = tokio::task::spawn_blocking(move || read.all(id)).await;
    outlined.map(Json).map_err(|_| AppError::bug("an outline panicked"))
}

/// The clause at an address: `8.2(a)`, `Article 5`, `第五百零九条第二款`, `附件一第三条`. Steps above may be left out.
#[utoipa::path(get, path = "/api/v1/documents/{id}/clauses/{address}", operation_id = "get_clause",
    tag = "documents",
    params(("id" = DocumentId, Path), ("address" = String, Path, example = "8.2(a)"),
        ("version" = Option<i32>, Query, description = "the visible one when left out")),
    responses((status = 200, description = "The clause", body = ClauseText)))]
pub(super) async fn clause(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((id, address)): Segments<(DocumentId, String)>,
    mut params: Params,
) -> Result<Json<ClauseText>, AppError> {
    let version = version_of(&mut params);
    params.finish()?;
    let address = Address::parse(&address).ok_or_else(|| {
        let wanted = "is no address of a clause, such as `8.2(a)`, `Article 5` or `第五百零九条第二款`";
        AppError::invalid("malformed_address", format!("`{}` {wanted}", shortened(&address)))
    })?;
    let read = read(&state, &who.acl_filter(), id, version).await?;
    let found = tokio::task::spawn_blocking(move || read.at(id, &address)).await;
    let found = found.map_err(|_| AppError::bug("a clause panicked"))?;
    found.map(Json).ok_or_else(|| AppError::missing("clause"))
}

/// A version's clauses and text. Work on them is for a thread that may be held up.
struct Read {
    version: i32,
    clauses: Vec<Clause>,
    content: String,
}

impl Read {
    fn all(self, document_id: DocumentId) -> OutlineView {
        let content: Vec<char> = self.content.chars().collect();
        let defined = clause::definitions(&content).into_iter();
        OutlineView {
            document_id,
            version: self.version,
            data: self.clauses.iter().map(view).collect(),
            definitions: defined.map(|found| DefinitionView { term: found.term, span: found.span }).collect(),
        }
    }

    fn at(self, document_id: DocumentId, address: &Address) -> Option<ClauseText> {
        let content = self.content.chars().collect();
        let text = Text { version: self.version, clauses: self.clauses, content };
        let places = clause::find(&text.clauses, &text.content, address);
        let (place, others) = places.split_first()?;
        Some(text.one(document_id, *place, others))
    }
}

/// The same, ready to be cut.
struct Text {
    version: i32,
    clauses: Vec<Clause>,
    content: Vec<char>,
}

impl Text {
    fn one(&self, document_id: DocumentId, place: Place, others: &[Place]) -> ClauseText {
        let clause = &self.clauses[place.clause];
        let text = self.text(place.span);
        let named = clause::references(&text, place.span.start);
        let mut led: HashMap<Vec<Segment>, Option<Place>> = HashMap::new();
        ClauseText {
            document_id,
            version: self.version,
            clause: ClauseView { span: place.span, ..view(clause) },
            heading_path: self.above(place.clause),
            references: named
                .iter()
                .map(|reference| {
                    let steps = reference.address.segments().to_vec();
                    let to =
                        *led.entry(steps).or_insert_with(|| self.nearest(&reference.address, &clause.path));
                    self.reference(reference, to)
                })
                .collect(),
            text: text.into_iter().collect(),
            others: others.iter().take(MOST_OTHERS).map(|other| view(&self.clauses[other.clause])).collect(),
        }
    }

    /// Of the places that an address may mean, the one that shares most steps with where it is named.
    fn nearest(&self, address: &Address, own: &[Segment]) -> Option<Place> {
        let shared = |place: &Place| {
            let path = &self.clauses[place.clause].path;
            path.iter().zip(own).take_while(|(one, other)| one == other).count()
        };
        // The last of equals is taken, and the first place is the better one.
        clause::find(&self.clauses, &self.content, address).into_iter().rev().max_by_key(shared)
    }

    fn reference(&self, reference: &clause::Reference, place: Option<Place>) -> ReferenceView {
        ReferenceView {
            named: self.text(reference.span).into_iter().collect(),
            span: reference.span,
            address: place.and_then(|place| self.clauses[place.clause].address()),
            target: place.map(|place| place.span),
        }
    }

    /// Headings of the clauses that hold this one.
    fn above(&self, at: usize) -> Vec<String> {
        let mut depth = self.clauses[at].depth;
        let mut path = Vec::new();
        for clause in self.clauses[..at].iter().rev() {
            if clause.depth < depth {
                depth = clause.depth;
                path.push(clause.heading());
            }
        }
        path.reverse();
        path
    }

    fn text(&self, span: Span) -> Vec<char> {
        let end = (span.end as usize).min(self.content.len());
        self.content[(span.start as usize).min(end)..end].to_vec()
    }
}

async fn read(
    state: &Service,
    filter: &AclFilter,
    id: DocumentId,
    version: Option<i32>,
) -> Result<Read, AppError> {
    let missing = || AppError::missing("document or version");
    let (version, clauses) = state.outlines.outline(id, version, filter).await?.ok_or_else(missing)?;
    let content = state.documents.content(id, Some(version), filter).await?.ok_or_else(missing)?;
    Ok(Read { version, clauses, content })
}

fn view(clause: &Clause) -> ClauseView {
    ClauseView {
        address: clause.address(),
        label: clause.label.clone(),
        title: clause.title.clone(),
        opening: clause.opening.clone(),
        depth: clause.depth,
        page: clause.page,
        span: clause.span,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}
