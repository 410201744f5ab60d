//! The thread that owns a cross-encoder: one batch at a time, the most urgent request first. Knows no architecture.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use tokio::sync::oneshot;

use super::model::Framed;
use super::model::Model;
use crate::encoder::batch::Batches;
use crate::encoder::batch::Budget;
use crate::error::EngineError;
use crate::queue::Place;
use crate::queue::Queue;
use crate::queue::Waiting;
use crate::request::Priority;
use crate::rerank::Relevance;
use crate::rerank::RerankRequest;
use crate::serve::Batched;
use crate::serve::serve;
use crate::tokenizer::Tokenizer;

/// All that the thread owns.
pub(super) struct Worker {
    pub model: Model,
    pub tokenizer: Tokenizer,
    pub queue: Arc<Queue<Job>>,
    pub budget: Budget,
}

/// One request, perhaps half done.
pub(super) struct Job {
    request: RerankRequest,
    reply: oneshot::Sender<Result<Relevance, EngineError>>,
    begun: Option<Begun>,
}

/// A request whose texts are tokens.
struct Begun {
    pairs: Vec<Framed>,
    lengths: Vec<usize>,
    batches: Batches,
    /// Of each pair, once it is computed.
    scores: Vec<Option<f32>>,
}

impl Job {
    pub(super) fn new(
        request: RerankRequest,
        reply: oneshot::Sender<Result<Relevance, EngineError>>,
    ) -> Self {
        Self { request, reply, begun: None }
    }
}

impl Waiting for Job {
    fn priority(&self) -> Priority {
        self.request.priority
    }

    fn user(&self) -> u64 {
        self.request.user
    }

    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn deadline(&self) -> Option<Instant> {
        self.request.deadline
    }

    fn waits_at(&self, _place: Place) {}

    fn expire(self) {
        self.reply(Err(EngineError::Late));
    }
}

impl Batched for Job {
    type Outcome = Relevance;

    fn reply(self, outcome: Result<Relevance, EngineError>) {
        let _ = self.reply.send(outcome);
    }
}

impl Worker {
    /// Serves until the queue is stopped.
    pub(super) fn run(self) {
        serve(&self.queue, |job| self.step(job));
    }

    /// Computes one batch; gives the result once all are done.
    fn step(&self, job: &mut Job) -> Result<Option<Relevance>, EngineError> {
        let begun = match &mut job.begun {
            Some(begun) => begun,
            empty => empty.insert(self.begin(&job.request)?),
        };
        let batch = begun.batches.next(&begun.lengths, self.budget);
        if !batch.is_empty() {
            let pairs: Vec<Framed> = batch.iter().map(|index| begun.pairs[*index].clone()).collect();
            for (index, score) in batch.into_iter().zip(self.model.score(&pairs)?) {
                begun.scores[index] = Some(score);
            }
        }
        let scores: Option<Vec<f32>> = begun.scores.iter().copied().collect();
        let truncated = begun.pairs.iter().map(|pair| pair.truncated);
        Ok(scores.map(|scores| Relevance { scores, truncated: truncated.collect() }))
    }

    fn begin(&self, request: &RerankRequest) -> Result<Begun, EngineError> {
        let query = self.tokenizer.encode_text(&request.query)?;
        let framed = request.passages.par_iter().map(|passage| {
            let passage = self.tokenizer.encode_text(passage)?;
            self.model.frame(&query, &passage)
        });
        let pairs = framed.collect::<Result<Vec<_>, _>>()?;
        let lengths: Vec<usize> = pairs.iter().map(|pair| pair.ids.len()).collect();
        let scores = vec![None; pairs.len()];
        Ok(Begun { batches: Batches::new(&lengths), pairs, lengths, scores })
    }
}
