//! The port `Generator` over the engine's decoder. Knows no file and no prompt text.

use crate::adapters::models::activity::Activity;
use crate::adapters::models::activity::Answering;
use crate::adapters::models::chat::Template;
use crate::domain::FinishReason;
use crate::domain::ModelFingerprint;
use crate::domain::Sampling;
use crate::ports::ChatTurn;
use crate::ports::Generation;
use crate::ports::GenerationEvent;
use crate::ports::Generator;
use crate::ports::ModelError;
use crate::ports::PrefixCache;
use crate::ports::Turn;
use async_trait::async_trait;
use engine::EngineError;
use engine::Event;
use engine::Handle;
use std::time::Instant;

/// A decoder on its own thread, which ends after this is dropped.
pub struct EngineGenerator {
    handle: Handle,
    template: Template,
    fingerprint: ModelFingerprint,
    activity: Activity,
}

impl EngineGenerator {
    pub(super) fn new(
        handle: Handle,
        template: Template,
        fingerprint: ModelFingerprint,
        activity: Activity,
    ) -> Self {
        Self { handle, template, fingerprint, activity }
    }

    /// Cancels what runs, refuses what waits and ends the thread. Blocking, for one step of the model at most.
    pub fn stop(&self) {
        self.handle.stop();
    }
}

#[async_trait]
impl Generator for EngineGenerator {
    fn max_context_tokens(&self) -> usize {
        self.handle.limits().max_context_tokens
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.handle.tokenizer().count(text)
    }

    fn encode_chat(&self, turns: &[ChatTurn]) -> Result<Vec<u32>, ModelError> {
        self.template.encode(self.handle.tokenizer(), turns)
    }

    fn decode(&self, tokens: &[u32]) -> String {
        self.handle.tokenizer().decode(tokens)
    }

    fn fingerprint(&self) -> &ModelFingerprint {
        &self.fingerprint
    }

    async fn generate(
        &self,
        prompt: Vec<u32>,
        sampling: Sampling,
        Turn { salt, user, deadline }: Turn,
    ) -> Result<Box<dyn Generation>, ModelError> {
        let request = engine::Request {
            cache_salt: salt,
            user: user.uuid().as_u64_pair().1,
            // a deadline beyond the clock's range is none
            deadline: Instant::now().checked_add(deadline),
            ..engine::Request::new(prompt, engine_sampling(sampling))
        };
        let answering = self.activity.enter();
        let events = self.handle.submit(request).map_err(model_error)?;
        Ok(Box::new(Running { events, handle: self.handle.clone(), _answering: answering }))
    }
}

impl PrefixCache for EngineGenerator {
    fn forget(&self) {
        self.handle.forget();
    }
}

struct Running {
    events: engine::Generation,
    handle: Handle,
    _answering: Answering,
}

impl Drop for Running {
    fn drop(&mut self) {
        measure(self.handle.load());
    }
}

/// What the engine is busy with, and how much of all prompts it had read before.
fn measure(load: engine::Load) {
    metrics::gauge!("docent_engine_running").set(load.running as f64);
    metrics::gauge!("docent_engine_swapped").set(load.swapped as f64);
    metrics::gauge!("docent_engine_blocks", "state" => "free").set(load.free_blocks as f64);
    metrics::gauge!("docent_engine_blocks", "state" => "all").set(load.total_blocks as f64);
    metrics::counter!("docent_engine_prompt_tokens_total").absolute(load.prompt_tokens);
    metrics::counter!("docent_engine_cached_tokens_total").absolute(load.cached_tokens);
    metrics::counter!("docent_engine_recalled_tokens_total").absolute(load.recalled_tokens);
    metrics::counter!("docent_engine_evicted_blocks_total").absolute(load.evicted_blocks);
    metrics::gauge!("docent_engine_vault_blocks", "place" => "memory").set(load.kept_in_memory as f64);
    metrics::gauge!("docent_engine_vault_blocks", "place" => "disk").set(load.kept_on_disk as f64);
    metrics::counter!("docent_engine_swaps_total").absolute(load.swaps);
}

#[async_trait]
impl Generation for Running {
    async fn next(&mut self) -> Option<GenerationEvent> {
        loop {
            let event = match self.events.next().await? {
                Event::Queued { position, wait } => GenerationEvent::Queued { position, wait },
                Event::Started { prompt_tokens, cached_tokens } => {
                    GenerationEvent::Started { prompt_tokens, cached_tokens }
                }
                Event::Text { text, tokens } => GenerationEvent::Text { text, tokens },
                // thinking is switched off in the prompt; what is thought all the same is no part of an answer
                Event::Thought { .. } => continue,
                Event::Finished(finish) => {
                    GenerationEvent::Finished { reason: finish_reason(finish.reason), tokens: finish.tokens }
                }
                Event::Failed(error) => GenerationEvent::Failed(model_error(error)),
            };
            return Some(event);
        }
    }
}

/// What the engine offers beyond the domain's sampling stays off.
fn engine_sampling(sampling: Sampling) -> engine::Sampling {
    let Sampling { temperature, top_p, top_k, seed, max_tokens } = sampling;
    engine::Sampling { temperature, top_p, top_k, seed, max_tokens, ..engine::Sampling::default() }
}

fn finish_reason(reason: engine::FinishReason) -> FinishReason {
    match reason {
        engine::FinishReason::Stop => FinishReason::Stop,
        engine::FinishReason::Length => FinishReason::Length,
        engine::FinishReason::Cancelled => FinishReason::Cancelled,
        engine::FinishReason::Deadline => FinishReason::Deadline,
    }
}

/// The engine's errors as the port says them.
pub(super) fn model_error(error: EngineError) -> ModelError {
    match error {
        EngineError::TooLong { prompt_tokens, max_tokens, limit } => {
            ModelError::TooLong { prompt_tokens, max_tokens, limit }
        }
        EngineError::Busy { retry_after, queue_depth } => ModelError::Busy { retry_after, queue_depth },
        EngineError::Stopped => ModelError::Stopped,
        EngineError::BadRequest(detail) | EngineError::Internal(detail) => ModelError::Failed(detail),
        EngineError::Late | EngineError::Model { .. } | EngineError::Device { .. } => {
            ModelError::Failed(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn overload_stays_overload() {
        let busy = EngineError::Busy { retry_after: Duration::from_secs(3), queue_depth: 16 };

        assert!(matches!(model_error(busy), ModelError::Busy { queue_depth: 16, .. }));
        assert!(matches!(model_error(EngineError::Stopped), ModelError::Stopped));
    }
}
