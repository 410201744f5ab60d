//! The asker's end of a running question: events in order through a bounded channel. Only what is recorded can be said
//! of an answer. Knows no transport.

use crate::answer::AnswerError;
use crate::answer::admit::Admitted;
use crate::answer::prompt::Prompt;
use crate::answer::record::Recorded;
use crate::domain::Answer;
use crate::domain::AnswerEvent;
use crate::domain::Usage;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc;

const EVENTS: usize = 64;
/// A listener that takes nothing for this long is treated like one that left.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who hears the events, as long as they listen.
pub(super) struct Listener {
    events: mpsc::Sender<Result<AnswerEvent, AnswerError>>,
}

impl Listener {
    pub(super) fn channel() -> (Self, mpsc::Receiver<Result<AnswerEvent, AnswerError>>) {
        let (events, listener) = mpsc::channel(EVENTS);
        (Self { events }, listener)
    }

    /// Returns when nobody listens any more.
    pub(super) async fn left(&self) {
        self.events.closed().await;
    }

    pub(super) async fn accepted(&self, admitted: &Admitted) {
        let (id, receipt) = (admitted.id(), admitted.receipt().clone());
        self.say(Ok(AnswerEvent::Accepted { id, receipt })).await;
    }

    /// A stage is over; gives how long it took, in milliseconds.
    pub(super) async fn stage(&self, name: &'static str, begun: Instant) -> u64 {
        let took = begun.elapsed();
        metrics::histogram!("docent_answer_stage_seconds", "stage" => name).record(took.as_secs_f64());
        let ms = took.as_millis() as u64;
        self.say(Ok(AnswerEvent::Stage { name, ms })).await;
        ms
    }

    pub(super) async fn sources(&self, prompt: &Prompt) {
        let passages = prompt.sources().iter().map(|source| source.scored().clone()).collect();
        self.say(Ok(AnswerEvent::Sources { passages })).await;
    }

    pub(super) async fn waiting(&self, position: usize, wait: Duration) {
        let wait_ms = wait.as_millis() as u64;
        self.say(Ok(AnswerEvent::Waiting { position, wait_ms })).await;
    }

    pub(super) async fn sentence(&self, recorded: &Recorded) {
        let (index, sentence) = (recorded.index(), recorded.sentence().clone());
        self.say(Ok(AnswerEvent::Sentence { index, sentence })).await;
    }

    pub(super) async fn refusal(&self, text: String, reason: &'static str) {
        self.say(Ok(AnswerEvent::Refusal { text, reason })).await;
    }

    pub(super) async fn usage(&self, usage: Usage) {
        self.say(Ok(AnswerEvent::Usage(usage))).await;
    }

    pub(super) async fn done(&self, answer: Answer) {
        self.say(Ok(AnswerEvent::Done(Box::new(answer)))).await;
    }

    pub(super) async fn error(&self, error: AnswerError) {
        self.say(Err(error)).await;
    }

    /// A failed send needs no handling here: the flow watches [`Listener::left`].
    async fn say(&self, event: Result<AnswerEvent, AnswerError>) {
        if self.events.send_timeout(event, PATIENCE).await.is_err() {
            tracing::debug!("the listener takes no more events");
        }
    }
}
