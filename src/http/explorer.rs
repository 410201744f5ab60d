//! The log explored: a list with filters and words, a selection of it taken away, people's reviews. Knows no table.

use crate::audit::Auditor;
use crate::audit::Entry;
use crate::config::Config;
use crate::domain::ApiKeyId;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Page;
use crate::domain::Principal;
use crate::domain::ReviewState;
use crate::domain::UserId;
use crate::http::State as Service;
use crate::http::audit::json_lines;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::ports::LogQuery;
use crate::ports::Review;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::Write;
use std::sync::Arc;
use time::Date;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const MAX_NOTE: usize = 4_000;
const MAX_TEXT: usize = 200;

/// Entries of the log, newest first, without their content.
#[utoipa::path(get, path = "/api/v1/audit/events", operation_id = "list_audit_events", tag = "audit",
    params(("from" = Option<String>, Query, description = "not before: a time (RFC 3339) or a day of UTC"),
        ("to" = Option<String>, Query, description = "before that time, or up to the end of that day"),
        ("actor" = Option<UserId>, Query),
        ("key" = Option<ApiKeyId>, Query, description = "done with this API key"), ("document" = Option<DocumentId>, Query),
        ("version" = Option<i32>, Query, description = "of the document: outcomes that were shown it"),
        ("collection" = Option<CollectionId>, Query, description = "outcomes that were shown documents of it"),
        ("outcome" = Option<String>, Query, description = "such as `answered`"),
        ("kind" = Option<String>, Query, description = "such as `chat.intent`"),
        ("verdict" = Option<String>, Query, description = "outcomes with such a sentence: `quoted`, `supported`, `unsupported`"),
        ("flag" = Option<String>, Query, description = "`withheld`, `not_verified`, `not_confirmed` or `cut_short`"),
        ("model" = Option<String>, Query, description = "outcomes by this model"),
        ("review" = Option<ReviewState>, Query, description = "questions in this state"),
        ("text" = Option<String>, Query, description = "questions and outcomes whose words hold all of these"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "50 when left out")),
    responses((status = 200, description = "A page of entries", body = Page<Entry>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    mut params: Params,
) -> Result<Json<Page<Entry>>, AppError> {
    let query = LogQuery { limit: params.limit(), ..filter(&mut params, &state.auditor) };
    params.finish()?;
    let (data, next) = state.auditor.list(query).await?;
    Ok(Json(Page { data, next_cursor: next.map(write_cursor) }))
}

/// A selection of the log, oldest first and at most 10000 entries, as a file that `docent-verify export` checks offline
/// (docs/audit-format.md §6): each record with its proof, without content. Takes the filters of the list. Recorded as an event.
#[utoipa::path(get, path = "/api/v1/audit/selection", operation_id = "export_audit_selection", tag = "audit",
    responses((status = 200, description = "JSON lines", body = String, content_type = "application/jsonl")))]
pub(super) async fn selection(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    mut params: Params,
) -> Result<Response, AppError> {
    let query = filter(&mut params, &state.auditor);
    params.finish()?;
    let pieces = state.auditor.export_selection(&who, query).await?.ok_or_else(nothing)?;
    Ok(json_lines("attachment; filename=\"audit-selection.jsonl\"".to_owned(), pieces))
}

/// The same selection as a table for people (RFC 4180), without content and without proofs. Recorded as an event.
#[utoipa::path(get, path = "/api/v1/audit/events.csv", operation_id = "export_audit_table", tag = "audit",
    responses((status = 200, description = "A table", body = String, content_type = "text/csv")))]
pub(super) async fn table(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    mut params: Params,
) -> Result<Response, AppError> {
    let query = filter(&mut params, &state.auditor);
    params.finish()?;
    let entries = state.auditor.select(&who, query).await?.ok_or_else(nothing)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-selection.csv\""),
    ];
    Ok((headers, csv(&entries)).into_response())
}

fn nothing() -> AppError {
    AppError::missing("entry")
}

/// A step of a review, or a note.
#[derive(utoipa::ToSchema)]
pub(super) struct NewStep {
    /// Where it goes; left out: nowhere, only the note is kept.
    #[schema(required = false)]
    state: Option<ReviewState>,
    /// Sealed; at most 4000 characters. Needed where there is no state.
    #[schema(required = false)]
    note: String,
}

impl Input for NewStep {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        let state = fields.optional("state");
        let note: String = fields.optional("note").unwrap_or_default();
        fields.check("note", note.chars().count() <= MAX_NOTE, "takes at most 4000 characters");
        fields.check("note", state.is_some() || !note.trim().is_empty(), "is needed where no state is given");
        Some(Self { state, note })
    }
}

/// Takes a step in the review of a question, or notes something; recorded as an event. A violation is proposed by one person
/// and confirmed by another, and nobody reviews their own question.
#[utoipa::path(post, path = "/api/v1/audit/events/{id}/review", operation_id = "review_question", tag = "audit",
    params(("id" = EventId, Path, description = "of the question's intent: the answer's id")), request_body = NewStep,
    responses((status = 200, description = "How far it is now; null while nobody took a step", body = Option<Review>)))]
pub(super) async fn review(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<EventId>,
    Body(step): Body<NewStep>,
) -> Result<Json<Option<Review>>, AppError> {
    step.take(&state, &who, id).await.map(Json)
}

impl NewStep {
    /// What the route above and the page do.
    pub(super) async fn take(
        self,
        state: &Service,
        who: &Principal,
        id: EventId,
    ) -> Result<Option<Review>, AppError> {
        let review = state.auditor.review(who, id, self.state, self.note.trim()).await?;
        review.ok_or_else(nothing)
    }
}

/// What the parameters ask for, but for `limit`.
pub(super) fn filter(params: &mut Params, auditor: &Auditor) -> LogQuery {
    let (document, version): (Option<DocumentId>, Option<i32>) =
        (params.optional("document"), params.optional("version"));
    params.check("version", version.is_none() || document.is_some(), "needs `document`");
    let collection: Option<CollectionId> = params.optional("collection");
    let key: Option<ApiKeyId> = params.optional("key");
    let mut word = |name: &str| params.read_with(name, read_word);
    let (verdict, flag, model) = (word("verdict"), word("flag"), word("model"));
    let tags = [
        version.zip(document).map(|(version, document)| format!("version:{document}:{version}")),
        collection.map(|id| format!("collection:{id}")),
        verdict.map(|verdict| format!("verdict:{verdict}")),
        flag.map(|flag| format!("flag:{flag}")),
        model.map(|model| format!("model:{model}")),
        key.map(|id| format!("key:{id}")),
    ];
    LogQuery {
        from: params.read_with("from", |text| read_time(text, false)),
        to: params.read_with("to", |text| read_time(text, true)),
        actor: params.optional("actor"),
        document,
        outcome: params.optional("outcome"),
        kind: params.optional("kind"),
        words: params.read_with("text", |text| read_words(text, auditor)).unwrap_or_default(),
        tags: tags.into_iter().flatten().collect(),
        review: params.optional("review"),
        before: params.read_with("cursor", read_cursor),
        limit: 0,
    }
}

fn read_words(text: &str, auditor: &Auditor) -> Result<Vec<i64>, String> {
    if text.chars().count() > MAX_TEXT {
        return Err(format!("takes at most {MAX_TEXT} characters"));
    }
    let words = auditor.words(text);
    if words.is_empty() { Err("holds no word that could be found".to_owned()) } else { Ok(words) }
}

fn read_word(text: &str) -> Result<String, String> {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "-_./ ".contains(c));
    if plain && text.len() <= 100 { Ok(text.to_owned()) } else { Err("is one name".to_owned()) }
}

/// A time, or a day of UTC: its beginning or its end.
fn read_time(text: &str, end: bool) -> Result<OffsetDateTime, String> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
    let day = day.and_then(|day| if end { day.next_day() } else { Some(day) });
    day.map(|day| day.midnight().assume_utc())
        .or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok())
        .ok_or_else(|| "is a day such as `2026-01-31`, or a time such as `2026-01-31T00:00:00Z`".to_owned())
}

/// Positions in the log; opaque, so that clients do not count with them.
pub(super) fn write_cursor(before: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("before:{before}"))
}

fn read_cursor(text: &str) -> Result<i64, String> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let before = decoded.and_then(|text| text.strip_prefix("before:")?.parse().ok());
    before.ok_or_else(|| "is no cursor of this list".to_owned())
}

fn csv(entries: &[Entry]) -> String {
    let mut table =
        "entry,recorded_at,kind,outcome,actor,documents,review,event_id,reference,leaf_hash\r\n".to_owned();
    for entry in entries {
        let recorded_at = entry.leaf["recorded_at"].as_str().unwrap_or_default();
        let documents: Vec<String> = entry.documents.iter().map(ToString::to_string).collect();
        let text = |id: Option<String>| id.unwrap_or_default();
        let cells = [
            entry.leaf_index.to_string(),
            recorded_at.to_owned(),
            entry.kind.clone(),
            entry.outcome.clone().unwrap_or_default(),
            text(entry.actor.map(|id| id.to_string())),
            documents.join(" "),
            text(entry.review.map(|review| review.state.to_string())),
            entry.event_id.to_string(),
            text(entry.reference.map(|id| id.to_string())),
            entry.leaf_hash.clone(),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        write!(table, "{}\r\n", cells.join(",")).expect("a string takes everything");
    }
    table
}

/// In quotes where it has to be; what a spreadsheet would compute is made text.
fn quoted(cell: &str) -> String {
    let cell =
        if cell.starts_with(['=', '+', '-', '@', '\t']) { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_anything_else_is_refused() {
        assert_eq!(read_cursor(&write_cursor(123)), Ok(123));
        for wrong in ["123", "!!!", "YmVmb3JlOng", ""] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_begins_and_ends_in_utc_and_a_time_has_a_zone() {
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).unwrap();

        assert_eq!(read_time("2026-01-31", false), Ok(at("2026-01-31T00:00:00Z")));
        assert_eq!(read_time("2026-01-31", true), Ok(at("2026-02-01T00:00:00Z")));
        assert_eq!(read_time("2026-01-31T00:00:00+08:00", true), Ok(at("2026-01-30T16:00:00Z")));
        assert!(read_time("2026-01-31T00:00:00", false).is_err() && read_time("yesterday", true).is_err());
    }

    #[test]
    fn a_cell_is_no_formula_and_breaks_no_row() {
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(quoted("chat.intent"), "chat.intent");
    }
}
