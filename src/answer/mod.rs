//! Question in: the flow, one line a stage (`stages`).
//!
//! Whatever ends a question, `close` records its one outcome, and nothing leaves that is not recorded before. What
//! becomes of sentences that checking does not bear out:
//!
//! - Where a passage speaks of what one says, the passage's own words are sent instead (`cite`).
//! - The others are sent with the verdict `unsupported` and without citations, so that a reader sees that and what the
//!   model said beyond its sources. The answer's `text` leaves them out, so that a program that
//!   reads nothing else never takes one for an answer.
//! - Until a first sentence is borne out they are held back. If none ever is, the answer is a refusal that says so
//!   (`not_verified`); the draft is kept, sealed, for an auditor.
//!
//! Knows no HTTP.

mod admit;
mod cite;
mod close;
mod denial;
mod error;
mod generate;
mod language;
mod listener;
mod marks;
mod numbers;
mod prompt;
mod quote;
mod record;
mod refuse;
mod release;
mod replay;
mod rerank;
mod retrieve;
mod search;
mod sentences;
mod source;
mod support;
mod tokens;
mod window;

pub use error::AnswerError;
pub use replay::Output;
pub use replay::Replay;
pub use replay::ReplayVerdict;

use crate::answer::admit::Admitted;
use crate::answer::admit::Purpose;
use crate::answer::admit::Request;
use crate::answer::admit::admit;
use crate::answer::close::Ended;
use crate::answer::close::close;
use crate::answer::generate::generate;
use crate::answer::listener::Listener;
use crate::answer::prompt::Room;
use crate::answer::record::Trace;
use crate::answer::refuse::Refusal;
use crate::answer::release::release;
use crate::answer::rerank::rerank;
use crate::answer::retrieve::retrieve;
use crate::audit::Auditor;
use crate::config::Answer as AnswerConfig;
use crate::domain::AclFilter;
use crate::domain::AnswerEvent;
use crate::domain::AnswerId;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Faulty;
use crate::domain::Principal;
use crate::domain::Question;
use crate::domain::Sampling;
use crate::domain::ScoredPassage;
use crate::ports::Answers;
use crate::ports::Documents;
use crate::ports::Embedder;
use crate::ports::Generator;
use crate::ports::Turn;
use crate::ports::VectorIndex;
use futures::FutureExt;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What questions pass through.
pub struct Answering {
    parts: Arc<AnsweringParts>,
    running: Arc<Semaphore>,
}

/// What `Answering` works with; `app.rs` fills it.
pub struct AnsweringParts {
    /// Its section.
    pub config: AnswerConfig,
    /// Finds passages.
    pub index: Arc<dyn VectorIndex>,
    /// Confirms and places them.
    pub documents: Arc<dyn Documents>,
    /// Embeds the question.
    pub embedder: Arc<dyn Embedder>,
    /// Writes the draft.
    pub generator: Arc<dyn Generator>,
    /// Keeps answers for their askers.
    pub answers: Arc<dyn Answers>,
    /// Keeps the record.
    pub auditor: Auditor,
    /// Questions run on here, so that a client that leaves still leaves an outcome.
    pub tasks: TaskTracker,
    /// The service is stopping.
    pub stop: CancellationToken,
}

/// What to search for, without a question to answer.
pub struct SearchRequest {
    /// Not empty, at most `answer.max_question_characters`.
    pub query: String,
    /// Only these collections; empty means all that may be read.
    pub collections: Vec<CollectionId>,
    /// Only these documents; empty means all in the collections.
    pub documents: Vec<DocumentId>,
    /// From the versions that were the searched ones then; none: from those that are now.
    pub as_of: Option<OffsetDateTime>,
    /// At most this many passages, 1 to 100.
    pub limit: usize,
}

/// What a listener hears; the last is `Done` or an error.
pub type Events = mpsc::Receiver<Result<AnswerEvent, AnswerError>>;

impl Answering {
    /// Joins the parts; `answer.max_running` questions run at once.
    pub fn new(parts: AnsweringParts) -> Self {
        let running = Arc::new(Semaphore::new(parts.config.max_running.min(Semaphore::MAX_PERMITS)));
        Self { parts: Arc::new(parts), running }
    }

    /// Admits the question and begins to answer it. The first event is `Accepted`, the last `Done` or an error. Dropping
    /// the receiver cancels the generation; the outcome is recorded all the same.
    ///
    /// # Errors
    /// When the question makes no sense, too many run, the log does not take the intent, or the question names something
    /// that is not there for its asker.
    pub async fn ask(self: &Arc<Self>, who: Principal, question: Question) -> Result<Events, AnswerError> {
        let begun = Instant::now();
        check_sampling(&question.sampling, self.parts.config.limit_max_tokens)?;
        let sampling = question.sampling;
        let request = request(question).checked(self.parts.config.max_question_characters)?;
        if self.parts.stop.is_cancelled() {
            return Err(AnswerError::Stopping);
        }
        let permit = Arc::clone(&self.running).try_acquire_owned().map_err(|_| AnswerError::Busy)?;
        let parts = Arc::clone(&self.parts);
        let (listener, events) = Listener::channel();
        let (reply, admission) = oneshot::channel();
        // Spawned before the intent: a client that leaves meanwhile must not leave an intent without outcome.
        self.parts.tasks.spawn(async move {
            let _permit = permit;
            let (heard, admitted) = match begin(&parts, who, request).await {
                Ok(admitted) => (reply.send(Ok(())), Some(admitted)),
                Err(error) => (reply.send(Err(error)), None),
            };
            drop(heard); // a caller that left is noticed by the listener
            if let Some(admitted) = admitted {
                run(&parts, &admitted, &listener, Trace::new(sampling), begun).await;
            }
        });
        admission.await.map_err(|_| AnswerError::Internal)??;
        Ok(events)
    }

    /// The retrieval of an answer, alone: recorded too.
    ///
    /// # Errors
    /// As [`Answering::ask`], or when the search fails.
    pub async fn search(
        &self,
        who: &Principal,
        request: SearchRequest,
    ) -> Result<Vec<ScoredPassage>, AnswerError> {
        let (parts, who) = (Arc::clone(&self.parts), who.clone());
        let search = self.parts.tasks.spawn(async move { search::search(&parts, who, request).await });
        search.await.map_err(|_| AnswerError::Internal)?
    }

    /// Asks the model once more what it was asked for an answer, and compares; none when there is no such answer or it has
    /// not ended. Whose answer it is was asked before.
    ///
    /// # Errors
    /// When too many questions run, or the model or the log does not take it.
    pub async fn replay(&self, who: &Principal, id: AnswerId) -> Result<Option<Replay>, AnswerError> {
        if self.parts.stop.is_cancelled() {
            return Err(AnswerError::Stopping);
        }
        let _permit = self.running.try_acquire().map_err(|_| AnswerError::Busy)?;
        replay::replay(&self.parts, who, id).await
    }
}

fn request(question: Question) -> Request {
    Request {
        purpose: Purpose::Answer,
        id: question.id,
        text: question.text,
        collections: question.collections,
        documents: question.documents,
        as_of: question.as_of,
        facts: record::both(
            json!({"gen_ai.conversation.id": question.conversation}),
            record::sampling_facts(&question.sampling),
        ),
    }
}

fn check_sampling(sampling: &Sampling, limit_max_tokens: u32) -> Result<(), AnswerError> {
    let faults = [
        (!(0.0..=2.0).contains(&sampling.temperature), "temperature", "from 0 to 2".to_owned()),
        (!(sampling.top_p > 0.0 && sampling.top_p <= 1.0), "top_p", "above 0 and at most 1".to_owned()),
        (
            !(1..=limit_max_tokens).contains(&sampling.max_tokens),
            "max_tokens",
            format!("from 1 to {limit_max_tokens}"),
        ),
    ];
    match faults.into_iter().find(|(wrong, _, _)| *wrong) {
        Some((_, field, range)) => Err(AnswerError::OutOfRange { field, range }),
        None => Ok(()),
    }
}

/// Records the intent and checks what it names. A question that names something missing has its outcome here.
async fn begin(parts: &AnsweringParts, who: Principal, request: Request) -> Result<Admitted, AnswerError> {
    let admitted = admit(parts, who, request).await?;
    match admitted.check_scope(parts).await {
        Ok(()) => Ok(admitted),
        Err(error) => {
            let outcome = (admitted.purpose().failed(), "failed");
            record::plain_outcome(parts, &admitted, outcome, None, json!({"code": error.code()})).await?;
            Err(error)
        }
    }
}

/// Runs the stages until they end or something ends them, and records what became of the question.
#[tracing::instrument(name = "answer", skip_all, fields(answer.id = %admitted.id()))]
async fn run(
    parts: &AnsweringParts,
    admitted: &Admitted,
    listener: &Listener,
    mut trace: Trace,
    begun: Instant,
) {
    trace.timings.admit = begun.elapsed().as_millis() as u64;
    let until = begun + Duration::from_millis(parts.config.deadline_ms);
    let ended = tokio::select! {
        biased;
        () = parts.stop.cancelled() => Ended::Abandoned { reason: "stopping" },
        () = listener.left() => Ended::Abandoned { reason: "client_left" },
        () = sleep_until(until.into()) => Ended::Failed(AnswerError::Deadline),
        ended = AssertUnwindSafe(stages(parts, admitted, listener, &mut trace, until)).catch_unwind() => match ended {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => Ended::Failed(error),
            Err(_panic) => Ended::Failed(AnswerError::Internal), // the panic hook has logged it
        },
    };
    trace.timings.total = begun.elapsed().as_millis() as u64;
    close(parts, admitted, listener, trace, ended).await;
}

/// Question in, sentences out.
async fn stages(
    parts: &AnsweringParts,
    admitted: &Admitted,
    listener: &Listener,
    trace: &mut Trace,
    until: Instant,
) -> Result<Ended, AnswerError> {
    let (filter, limit) = (admitted.filter(), parts.config.passages);
    listener.accepted(admitted).await;
    if filter.is_empty() {
        return Ok(Ended::Refused(Refusal::NothingToSearch));
    }
    let begun = Instant::now();
    let candidates = retrieve(admitted, filter, parts, limit).await?;
    trace.timings.retrieve = listener.stage("retrieve", begun).await;

    let begun = Instant::now();
    let passages = rerank(admitted, &candidates, filter, parts.documents.as_ref(), limit).await?;
    let passages = trace.passages.insert(passages).kept().to_vec();
    trace.timings.rerank = listener.stage("rerank", begun).await;

    let begun = Instant::now();
    let evidence = trace.evidence.insert(weigh(parts, admitted, passages.clone()).await?);
    if !evidence.enough {
        return Ok(Ended::Refused(Refusal::NoEvidence));
    }
    let prompt = trace.prompt.insert(prompt(parts, admitted, passages, trace.sampling).await?);
    record::sources(parts, admitted, prompt).await?;
    trace.timings.prompt = listener.stage("prompt", begun).await;
    listener.sources(prompt).await;

    let deadline = until.saturating_duration_since(Instant::now());
    let turn = Turn { salt: salt(filter), user: admitted.who().user(), deadline };
    let drafts = generate(parts.generator.as_ref(), prompt, trace.sampling, turn).await?;
    release(parts, admitted, drafts, listener, trace).await
}

async fn weigh(
    parts: &AnsweringParts,
    admitted: &Admitted,
    passages: Vec<ScoredPassage>,
) -> Result<refuse::Evidence, AnswerError> {
    let (question, config) = (admitted.text().to_owned(), parts.config.clone());
    let weighed = spawn_blocking(move || refuse::weigh(&question, &passages, &config));
    weighed.await.map_err(|_| AnswerError::Internal)
}

async fn prompt(
    parts: &AnsweringParts,
    admitted: &Admitted,
    passages: Vec<ScoredPassage>,
    sampling: Sampling,
) -> Result<prompt::Prompt, AnswerError> {
    let room =
        Room { source_tokens: parts.config.max_prompt_tokens, answer_tokens: sampling.max_tokens as usize };
    let (question, language) = (admitted.text().to_owned(), admitted.language());
    let generator = Arc::clone(&parts.generator);
    let built =
        spawn_blocking(move || prompt::build(generator.as_ref(), language, &question, &passages, room));
    built.await.map_err(|_| AnswerError::Internal)?
}

/// Askers who may read the same collections may share cached prefixes, and no others.
fn salt(filter: &AclFilter) -> [u8; 16] {
    let mut hash = Sha256::new();
    for collection in filter.collections() {
        hash.update(collection.uuid());
    }
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|position| digest[position])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sampling: Sampling, expected: Option<&str>) {
        let fault = check_sampling(&sampling, 100).err().map(|error| error.to_string());
        assert_eq!(fault.as_deref(), expected);
    }

    #[test]
    fn sampling_is_checked_number_by_number() {
        let fine = Sampling { temperature: 0.0, top_p: 1.0, top_k: 0, seed: 1, max_tokens: 100 };

        check(fine, None);
        check(Sampling { temperature: 2.1, ..fine }, Some("`temperature` must be from 0 to 2"));
        check(Sampling { temperature: f32::NAN, ..fine }, Some("`temperature` must be from 0 to 2"));
        check(Sampling { top_p: 0.0, ..fine }, Some("`top_p` must be above 0 and at most 1"));
        check(Sampling { max_tokens: 0, ..fine }, Some("`max_tokens` must be from 1 to 100"));
        check(Sampling { max_tokens: 101, ..fine }, Some("`max_tokens` must be from 1 to 100"));
    }
}
