//! The thread that owns an encoder: one batch at a time, the most urgent call first. Knows no architecture.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use tokio::sync::oneshot;

use super::Embeddings;
use super::TextKind;
use super::batch::Batches;
use super::batch::Budget;
use super::model::Model;
use crate::error::EngineError;
use crate::queue::Place;
use crate::queue::Queue;
use crate::queue::Waiting;
use crate::request::Priority;
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

/// One call, perhaps half done.
pub(super) struct Job {
    texts: Vec<String>,
    kind: TextKind,
    reply: oneshot::Sender<Result<Embeddings, EngineError>>,
    begun: Option<Begun>,
}

/// A call whose texts are tokens.
struct Begun {
    ids: Vec<Vec<u32>>,
    lengths: Vec<usize>,
    batches: Batches,
    embeddings: Embeddings,
}

impl Job {
    pub(super) fn new(
        texts: Vec<String>,
        kind: TextKind,
        reply: oneshot::Sender<Result<Embeddings, EngineError>>,
    ) -> Self {
        Self { texts, kind, reply, begun: None }
    }
}

impl Waiting for Job {
    fn priority(&self) -> Priority {
        match self.kind {
            TextKind::Query => Priority::Interactive,
            TextKind::Passage => Priority::Bulk,
        }
    }

    /// All calls are this service's own and keep their order.
    fn user(&self) -> u64 {
        0
    }

    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn waits_at(&self, _place: Place) {}

    fn expire(self) {}
}

impl Batched for Job {
    type Outcome = Embeddings;

    fn reply(self, outcome: Result<Embeddings, EngineError>) {
        let _ = self.reply.send(outcome);
    }
}

impl Worker {
    /// Serves until the queue is stopped. Between two batches of a call, more urgent ones get their turn.
    pub(super) fn run(mut self) {
        let queue = self.queue.clone();
        serve(&queue, |job| self.step(job));
    }

    /// Computes one batch; gives the result once all are done.
    fn step(&mut self, job: &mut Job) -> Result<Option<Embeddings>, EngineError> {
        let begun = match &mut job.begun {
            Some(begun) => begun,
            empty => empty.insert(self.begin(&std::mem::take(&mut job.texts), job.kind)?),
        };
        let batch = begun.batches.next(&begun.lengths, self.budget);
        if !batch.is_empty() {
            let ids: Vec<Vec<u32>> =
                batch.iter().map(|index| std::mem::take(&mut begun.ids[*index])).collect();
            for (index, vector) in batch.iter().zip(self.model.embed(&ids)?) {
                begun.embeddings.vectors[*index] = normalise(vector)?;
            }
        }
        let done = begun.embeddings.vectors.iter().all(|vector| !vector.is_empty());
        Ok(done.then(|| job.begun.take().map(|begun| begun.embeddings)).flatten())
    }

    fn begin(&self, texts: &[String], kind: TextKind) -> Result<Begun, EngineError> {
        let framed = texts.par_iter().map(|text| self.model.frame(&self.tokenizer, text, kind));
        let framed = framed.collect::<Result<Vec<_>, _>>()?;
        let truncated = framed.iter().map(|framed| framed.truncated).collect();
        let ids: Vec<Vec<u32>> = framed.into_iter().map(|framed| framed.ids).collect();
        let lengths: Vec<usize> = ids.iter().map(Vec::len).collect();
        let embeddings = Embeddings { vectors: vec![Vec::new(); ids.len()], truncated };
        Ok(Begun { batches: Batches::new(&lengths), ids, lengths, embeddings })
    }
}

/// Scales a vector to length 1.
fn normalise(mut vector: Vec<f32>) -> Result<Vec<f32>, EngineError> {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(EngineError::Internal("the encoder gave a vector without direction".into()));
    }
    for x in &mut vector {
        *x = (f64::from(*x) / length) as f32;
    }
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceChoice;
    use crate::e5;
    use crate::encoder::EncoderFamily;
    use crate::encoder::EncoderOptions;

    #[test]
    fn a_query_gets_its_turn_between_two_batches_of_a_call() {
        let directory = tempfile::tempdir().unwrap();
        e5::tests::convert_tiny(directory.path());
        let tokenizer = Tokenizer::load(&directory.path().join("tokenizer.json")).unwrap();
        let (family, device) = (EncoderFamily::E5, DeviceChoice::Cpu);
        let (directory, weights_sha256) = (directory.path().to_owned(), String::new());
        let dimensions = None;
        let options =
            EncoderOptions { directory, family, dimensions, device, queue_depth: 4, weights_sha256 };
        let model = Model::load(&options, &tokenizer).unwrap();
        let (queue, budget) = (Arc::new(Queue::new(4)), Budget::new(device, model.pads()));
        let mut worker = Worker { model, tokenizer, queue, budget };
        let (passages, _passages_outcome) = oneshot::channel();
        let (query, _query_outcome) = oneshot::channel();
        worker.queue.push(Job::new(vec!["ab ".repeat(40); 64], TextKind::Passage, passages)).unwrap();

        let mut first = worker.queue.pop().unwrap();
        let outcome = worker.step(&mut first).unwrap();
        worker.queue.push(Job::new(vec!["a".to_owned()], TextKind::Query, query)).unwrap();
        worker.queue.put_back(first);

        assert_eq!(outcome, None);
        assert_eq!(worker.queue.pop().unwrap().kind, TextKind::Query);
        assert_eq!(worker.queue.pop().unwrap().kind, TextKind::Passage);
    }
}
