//! A decoder as a reranker: it is asked whether a passage answers a query and says how likely its answer is yes, as
//! Qwen3-Reranker was trained to (Zhang et al. 2025, arXiv 2506.05176, section 3.2; the prompt is that of its model card).
//!
//! ```text
//! system, instruction, query   the same for all passages: read once and found in the cache from then on
//! passage                      cut where the context ends
//! the answer's beginning       the next token is `yes` or `no`
//! ```
//!
//! Knows no tensor and no queue.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::error::EngineError;
use crate::handle::Handle;
use crate::handle::ScoreRequest;
use crate::rerank;
use crate::rerank::Relevance;
use crate::rerank::RerankRequest;
use crate::tokenizer::Tokenizer;

const SYSTEM: &str = "system\nJudge whether the Document meets the requirements based on the Query and the Instruct \
                      provided. Note that the answer can only be \"yes\" or \"no\".";
const INSTRUCTION: &str = "Given a web search query, retrieve relevant passages that answer the query";
/// Longer prompts than this were not trained.
const MAX_TOKENS: usize = 8192;
/// Passages that are asked about at a time: enough to keep a step full, few enough to leave room in the queue.
const ASKED_AT_ONCE: usize = 4;

/// A decoder that compares passages with a query.
#[derive(Debug, Clone)]
pub struct DecoderReranker {
    handle: Handle,
    frame: Frame,
    /// `yes` and `no`.
    answers: [u32; 2],
}

/// The tokens around a query and a passage.
#[derive(Debug, Clone)]
struct Frame {
    /// Up to the instruction.
    first: Vec<u32>,
    /// From the passage's end to where the answer begins.
    last: Vec<u32>,
}

/// A prompt, and whether its passage was cut.
#[derive(Debug, PartialEq)]
struct Prompt {
    ids: Vec<u32>,
    truncated: bool,
}

impl DecoderReranker {
    /// Asks the decoder behind `handle`, which goes on serving all others.
    ///
    /// # Errors
    /// `Model` when it does not speak Qwen's chat format, or has no token for `yes` or `no`.
    pub fn new(handle: Handle) -> Result<Self, EngineError> {
        let architecture = handle.fingerprint().architecture.as_str();
        let failed = |detail: String| {
            let path = handle.fingerprint().model.clone();
            EngineError::Model { path, detail }
        };
        let thinks = match architecture {
            "qwen3" => true,
            "qwen2" => false,
            other => return Err(failed(format!("`{other}` is not asked in this chat format"))),
        };
        let frame = Frame::new(handle.tokenizer(), thinks)?;
        let frame = frame.ok_or_else(|| failed("its tokenizer lacks control tokens".into()))?;
        let mut answers = [0; 2];
        for (answer, word) in answers.iter_mut().zip(["yes", "no"]) {
            let ids = handle.tokenizer().encode_text(word)?;
            let [id] = ids[..] else {
                return Err(failed(format!("its tokenizer has no token for `{word}`")));
            };
            *answer = id;
        }
        Ok(Self { handle, frame, answers })
    }

    /// How well each passage answers the query. Dropping the future cancels. `cache_salt` is as in
    /// [`crate::Request`]: what is kept of the query serves requests with the same salt only.
    ///
    /// # Errors
    /// `BadRequest` for too long a query or too many passages, else as [`Handle::score`].
    pub async fn score(
        &self,
        request: RerankRequest,
        cache_salt: [u8; 16],
    ) -> Result<Relevance, EngineError> {
        request.validate()?;
        let head = self.frame.head(self.handle.tokenizer(), &request.query)?;
        let (mut answers, mut truncated) = (Answers::default(), Vec::new());
        for passage in &request.passages {
            let prompt = self.prompt(&head, passage)?;
            truncated.push(prompt.truncated);
            // the first alone: what it reads of the beginning, all others find
            let at_once = if answers.scores.is_empty() { 1 } else { ASKED_AT_ONCE };
            while answers.asked.len() >= at_once {
                answers.wait().await?;
            }
            let mut asked = self.ask(&prompt.ids, &request, cache_salt);
            while matches!(asked, Err(EngineError::Busy { .. })) && !answers.asked.is_empty() {
                // the queue is full: one of ours gives its place to the next
                answers.wait().await?;
                asked = self.ask(&prompt.ids, &request, cache_salt);
            }
            answers.asked.push_back(asked?);
        }
        while !answers.asked.is_empty() {
            answers.wait().await?;
        }
        Ok(Relevance { scores: answers.scores, truncated })
    }

    fn ask(
        &self,
        prompt: &[u32],
        request: &RerankRequest,
        cache_salt: [u8; 16],
    ) -> Result<Outcome, EngineError> {
        let (prompt, candidates) = (prompt.to_vec(), self.answers.to_vec());
        let RerankRequest { priority, user, deadline, .. } = *request;
        self.handle.submit_score(ScoreRequest { prompt, candidates, cache_salt, priority, user, deadline })
    }

    /// The whole prompt; a passage that there is no room for loses its end.
    fn prompt(&self, head: &Head, passage: &str) -> Result<Prompt, EngineError> {
        let passage = self.handle.tokenizer().encode_text(&format!(" {passage}"))?;
        let limit = MAX_TOKENS.min(self.handle.limits().max_context_tokens);
        let frame = head.ids.len() - head.query_tokens + self.frame.last.len();
        let room = rerank::room(limit, frame, head.query_tokens)?;
        let own = &passage[..passage.len().min(room)];
        Ok(Prompt { ids: [&head.ids, own, &self.frame.last].concat(), truncated: passage.len() > room })
    }
}

/// The beginning of the prompts about one query.
struct Head {
    ids: Vec<u32>,
    query_tokens: usize,
}

impl Frame {
    /// `None` when the tokenizer lacks a control token.
    fn new(tokenizer: &Tokenizer, thinks: bool) -> Result<Option<Self>, EngineError> {
        let special = |name: &str| tokenizer.special(name);
        let Some((start, end)) = special("<|im_start|>").zip(special("<|im_end|>")) else { return Ok(None) };
        let text = |text: &str| tokenizer.encode_text(text);
        let first = [vec![start], text(SYSTEM)?, vec![end], text("\n")?, vec![start], text("user\n")?];
        let mut last = vec![vec![end], text("\n")?, vec![start], text("assistant\n")?];
        if thinks {
            // an empty thought, as in training: the answer is the next token
            let Some((open, close)) = special("<think>").zip(special("</think>")) else { return Ok(None) };
            last.extend([vec![open], text("\n\n")?, vec![close], text("\n\n")?]);
        }
        Ok(Some(Self { first: first.concat(), last: last.concat() }))
    }

    /// All before the passage. The blank before it is the passage's: Qwen's tokens never reach across `:` and a blank,
    /// so that the tokens of the parts are those of the whole.
    fn head(&self, tokenizer: &Tokenizer, query: &str) -> Result<Head, EngineError> {
        let body = format!("<Instruct>: {INSTRUCTION}\n<Query>: {query}\n<Document>:");
        let ids = [&self.first[..], &tokenizer.encode_text(&body)?].concat();
        Ok(Head { ids, query_tokens: tokenizer.count(query) })
    }
}

/// Where the two scores of a prompt arrive.
type Outcome = oneshot::Receiver<Result<Vec<f32>, EngineError>>;

/// What was asked, and the chances of yes that are there already, both in the order of the passages.
#[derive(Default)]
struct Answers {
    asked: VecDeque<Outcome>,
    scores: Vec<f32>,
}

impl Answers {
    /// Waits for what was asked first.
    async fn wait(&mut self) -> Result<(), EngineError> {
        let Some(outcome) = self.asked.pop_front() else { return Ok(()) };
        let scores = outcome.await.unwrap_or(Err(EngineError::Stopped))?;
        let [yes, no] = scores[..] else {
            return Err(EngineError::Internal("two candidates have two scores".into()));
        };
        self.scores.push(rerank::chance(yes - no));
        Ok(())
    }
}

#[cfg(test)]
#[path = "decoder_reranker_tests.rs"]
mod tests;
