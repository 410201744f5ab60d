//! Questions and answers: whole as JSON, or sentence by sentence as server-sent events. Knows no model.

use crate::answer::AnswerError;
use crate::answer::Replay;
use crate::config::Config;
use crate::domain::Answer;
use crate::domain::AnswerEvent;
use crate::domain::AnswerId;
use crate::domain::CollectionId;
use crate::domain::ConversationId;
use crate::domain::DocumentId;
use crate::domain::Fault;
use crate::domain::Principal;
use crate::domain::Question;
use crate::domain::Role;
use crate::domain::Sampling;
use crate::http::State as Service;
use crate::http::audit;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::events;
use crate::http::events::Numbered;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params::Segments;
use crate::http::search::MAX_SCOPE;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::sse::Event;
use futures::stream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::mpsc;

/// Below this, a seed survives clients whose numbers are IEEE doubles.
const SEEDS: u64 = 1 << 53;

/// A question.
#[derive(utoipa::ToSchema)]
pub(super) struct NewQuestion {
    /// In any language the documents are in.
    question: String,
    /// Only from these; left out or empty: from all one may read.
    #[schema(required = false)]
    collection_ids: Vec<CollectionId>,
    /// Only from these; left out or empty: from all of the collections.
    #[schema(required = false)]
    document_ids: Vec<DocumentId>,
    /// From the versions that were the searched ones at this time (RFC 3339); left out: that are now.
    #[schema(required = false, value_type = Option<String>, format = "date-time")]
    as_of: Option<OffsetDateTime>,
    /// Which conversation it belongs to.
    conversation_id: Option<ConversationId>,
    /// True: server-sent events; false, as when left out: JSON.
    #[schema(required = false)]
    stream: bool,
    /// Of the answer; at most `answer.limit_max_tokens` of the configuration.
    max_tokens: Option<u32>,
    /// 0, greedy, to 2.
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    /// Above 0, at most 1.
    top_p: Option<f32>,
    /// 0 keeps all tokens.
    top_k: Option<u32>,
    /// Below 2^53. The same seed, question and documents give the same answer on the same build.
    seed: Option<u64>,
}

impl Input for NewQuestion {
    fn read(fields: &mut Fields, config: &Config) -> Option<Self> {
        let limits = &config.answer;
        let question = fields.text("question", 1, limits.max_question_characters);
        let most = limits.limit_max_tokens;
        let tokens = format!("is from 1 to {most}");
        let input = Self {
            question: String::new(),
            collection_ids: fields.list("collection_ids", MAX_SCOPE),
            document_ids: fields.list("document_ids", MAX_SCOPE),
            as_of: fields.time("as_of"),
            conversation_id: fields.optional("conversation_id"),
            stream: fields.optional("stream").unwrap_or(false),
            max_tokens: fields.number("max_tokens", |count: u32| (1..=most).contains(&count), &tokens),
            temperature: fields.number("temperature", |t: f32| (0.0..=2.0).contains(&t), "is from 0 to 2"),
            top_p: fields.number("top_p", |p: f32| p > 0.0 && p <= 1.0, "is above 0 and at most 1"),
            top_k: fields.number("top_k", |k: u32| k <= 1_000_000, "is at most 1000000"),
            seed: fields.number("seed", |seed: u64| seed < SEEDS, "is below 2^53"),
        };
        Some(Self { question: question?, ..input })
    }
}

impl NewQuestion {
    fn into_question(self, config: &Config) -> Question {
        let defaults = &config.answer;
        Question {
            id: AnswerId::new(),
            text: self.question,
            collections: self.collection_ids,
            documents: self.document_ids,
            as_of: self.as_of,
            conversation: self.conversation_id,
            sampling: Sampling {
                temperature: self.temperature.unwrap_or(defaults.temperature),
                top_p: self.top_p.unwrap_or(defaults.top_p),
                top_k: self.top_k.unwrap_or(defaults.top_k),
                seed: self.seed.unwrap_or_else(|| rand::random_range(0..SEEDS)),
                max_tokens: self.max_tokens.unwrap_or(defaults.default_max_tokens),
            },
        }
    }
}

/// Answers a question from the documents one may read, every sentence checked and recorded before it is sent. With
/// `stream`, events `accepted`, `stage`, `sources`, `waiting`, `sentence`, `refusal`, `usage`, and as the last one `done`
/// with the whole answer or `error` with a problem; each has an `id` that counts up. A client that leaves cancels the
/// answer; that, too, is recorded.
#[utoipa::path(post, path = "/api/v1/answers", operation_id = "create_answer", tag = "answers",
    request_body = NewQuestion,
    responses((status = 200, description = "The answer; with `stream`, `text/event-stream`", body = Answer)))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    occasion: Occasion,
    Body(input): Body<NewQuestion>,
) -> Result<Response, AppError> {
    check_models(&state)?;
    let streaming = input.stream;
    let heard = state.answering.ask(who, input.into_question(&state.config)).await?;
    if streaming {
        let heartbeat = Duration::from_millis(state.config.http.heartbeat_ms);
        let listener = Listener { heard, numbered: Numbered::default(), occasion };
        return Ok(events::respond(stream::unfold(Some(listener), next), heartbeat));
    }
    whole(heard).await.map(|answer| Json(answer).into_response())
}

/// One of one's own answers, as it was given.
#[utoipa::path(get, path = "/api/v1/answers/{id}", operation_id = "get_answer", tag = "answers",
    params(("id" = AnswerId, Path)), responses((status = 200, description = "It", body = Answer)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<AnswerId>,
) -> Result<Json<Answer>, AppError> {
    stored(&state, &who, id).await.map(Json)
}

/// The receipt of one of one's own answers: proof that its record is in the audit log, as a C2SP `tlog-proof` that
/// `docent-verify receipt` checks offline.
#[utoipa::path(get, path = "/api/v1/answers/{id}/receipt", operation_id = "get_receipt", tag = "answers",
    params(("id" = AnswerId, Path)),
    responses((status = 200, description = "It", body = String, content_type = "text/plain")))]
pub(super) async fn receipt(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<AnswerId>,
) -> Result<Response, AppError> {
    let answer = stored(&state, &who, id).await?;
    audit::receipt_file(&state, answer.receipt.event_id).await
}

/// Asks the model once more what it was asked for an answer, from the recorded tokens, and compares token by token: one's
/// own answers, or for an auditor anybody's. Recorded as `chat.replayed`.
#[utoipa::path(post, path = "/api/v1/answers/{id}/replay", operation_id = "replay_answer", tag = "answers",
    params(("id" = AnswerId, Path)), responses((status = 200, description = "What came of it", body = Replay)))]
pub(super) async fn replay(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<AnswerId>,
) -> Result<Json<Replay>, AppError> {
    check_models(&state)?;
    if !who.roles().contains(&Role::Auditor) {
        stored(&state, &who, id).await?;
    }
    let replay = state.answering.replay(&who, id).await?;
    replay.map(Json).ok_or_else(|| AppError::missing("answer"))
}

/// 503 while the models load.
pub(super) fn check_models(state: &Service) -> Result<(), AppError> {
    if state.models_ready.load(Ordering::Acquire) {
        return Ok(());
    }
    let fault = Fault::Unavailable { retry_after: Duration::from_secs(5) };
    Err(AppError::new(fault, "models_loading", "the models are still loading; try again soon"))
}

/// The answer holds text of its passages, so it is there only while all of them may be read.
async fn stored(state: &Service, who: &Principal, id: AnswerId) -> Result<Answer, AppError> {
    let filter = who.acl_filter();
    let answer = state.answers.find(id, who.user()).await?;
    let answer = answer
        .filter(|answer| answer.passages.iter().all(|found| filter.allows(found.passage.collection_id)));
    answer.ok_or_else(|| AppError::missing("answer"))
}

type Heard = mpsc::Receiver<Result<AnswerEvent, AnswerError>>;

async fn whole(mut heard: Heard) -> Result<Answer, AppError> {
    while let Some(event) = heard.recv().await {
        if let AnswerEvent::Done(answer) = event? {
            return Ok(*answer);
        }
    }
    Err(AppError::bug("an answer ended without an outcome"))
}

/// Somebody hearing an answer. When they leave, this is dropped, and the receiver with it: that cancels.
struct Listener {
    heard: Heard,
    numbered: Numbered,
    occasion: Occasion,
}

async fn next(listener: Option<Listener>) -> Option<(Event, Option<Listener>)> {
    let mut listener = listener?;
    let error = match listener.heard.recv().await {
        Some(Ok(event)) => {
            let (name, last) = name_of(&event);
            let frame = listener.numbered.event(name, &data_of(&event));
            return Some((frame, (!last).then_some(listener)));
        }
        Some(Err(error)) => error.into(),
        None => AppError::bug("an answer ended without an outcome"),
    };
    Some((listener.numbered.error(&error, &listener.occasion), None))
}

/// The event's name and whether it is the last.
const fn name_of(event: &AnswerEvent) -> (&'static str, bool) {
    match event {
        AnswerEvent::Accepted { .. } => ("accepted", false),
        AnswerEvent::Stage { .. } => ("stage", false),
        AnswerEvent::Sources { .. } => ("sources", false),
        AnswerEvent::Waiting { .. } => ("waiting", false),
        AnswerEvent::Sentence { .. } => ("sentence", false),
        AnswerEvent::Refusal { .. } => ("refusal", false),
        AnswerEvent::Usage(_) => ("usage", false),
        AnswerEvent::Done(_) => ("done", true),
    }
}

/// The event without its name, which SSE carries beside the data.
fn data_of(event: &AnswerEvent) -> serde_json::Value {
    let mut tagged = serde_json::to_value(event).expect("our types are JSON");
    tagged.get_mut("data").map(serde_json::Value::take).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_name_is_the_one_its_type_says() {
        let events = [
            AnswerEvent::Stage { name: "retrieve", ms: 12 },
            AnswerEvent::Waiting { position: 2, wait_ms: 9000 },
            AnswerEvent::Refusal { text: "资料中未找到".to_owned(), reason: "not_in_documents" },
            AnswerEvent::Usage(crate::domain::Usage::default()),
        ];
        for event in events {
            let tagged = serde_json::to_value(&event).unwrap();

            assert_eq!(tagged["event"], name_of(&event).0);
            assert!(data_of(&event).is_object(), "{tagged}");
        }
    }
}
