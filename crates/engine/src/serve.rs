//! The loop of a thread that computes jobs batch by batch, the most urgent first. Knows no model.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::time::Instant;

use crate::error::EngineError;
use crate::error::Fault;
use crate::queue::Queue;
use crate::queue::Waiting;
use crate::worker::message;

/// A job of several batches.
pub(crate) trait Batched: Waiting {
    type Outcome;

    /// Tells whoever waits what came of it.
    fn reply(self, outcome: Result<Self::Outcome, EngineError>);
}

/// Serves until the queue is stopped. `step` computes one batch of a job and gives its outcome once all are done; between
/// two batches, more urgent jobs get their turn, and those whose deadline passed or that nobody waits for are let go.
pub(crate) fn serve<J: Batched>(
    queue: &Queue<J>,
    mut step: impl FnMut(&mut J) -> Result<Option<J::Outcome>, EngineError>,
) {
    while let Some(mut job) = queue.pop() {
        queue.tick();
        if job.abandoned() {
            continue;
        }
        if job.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
            job.expire();
            continue;
        }
        let started = Instant::now();
        let stepped = catch_unwind(AssertUnwindSafe(|| step(&mut job)));
        queue.served(started.elapsed());
        match stepped.unwrap_or_else(|panic| Err(EngineError::Internal(message(&*panic)))) {
            Ok(None) => queue.put_back(job),
            Ok(Some(outcome)) => job.reply(Ok(outcome)),
            Err(error) => {
                if error.kind() == Fault::Ours {
                    tracing::error!(%error, "a call failed inside a model");
                }
                job.reply(Err(error));
            }
        }
    }
}
