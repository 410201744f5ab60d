//! What a caller asks of a decoder: a prompt in token ids and how to continue it. Knows no text of the prompt.

use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;

use crate::error::EngineError;
use crate::grammar::Grammar;

const MAX_STOP_STRINGS: usize = 16;
const MAX_STOP_BYTES: usize = 512;
/// How many of the likeliest tokens may be asked for at each place.
const MAX_LOGPROBS: u32 = 20;

/// One prompt to continue.
#[derive(Debug, Clone)]
pub struct Request {
    /// Token ids of the whole prompt, special tokens included; at least one.
    pub prompt: Vec<u32>,
    /// How the next tokens are chosen.
    pub sampling: Sampling,
    /// Strings that end the answer; they are never part of it. At most 16 of at most 512 bytes.
    pub stop: Vec<String>,
    /// The form that the answer must have; thinking before it is free.
    pub grammar: Option<Grammar>,
    /// How many tokens the model may think (between `<think>` and `</think>`, which the prompt may open) before it is
    /// made to answer. They count towards `sampling.max_tokens` as well; so do the 30 or so that make it answer.
    pub max_thinking_tokens: Option<u32>,
    /// Whether `Finish::logprobs` is wanted, and how many of the likeliest tokens with it: at most 20. Costs a
    /// millisecond or so for each token.
    pub logprobs: Option<u32>,
    /// Opaque; KV of a prompt is only ever reused by a request with the same salt.
    pub cache_salt: [u8; 16],
    /// Which queue the request waits in.
    pub priority: Priority,
    /// Opaque; users of one priority take turns, whoever sent how much.
    pub user: u64,
    /// When the answer is of no more use; generation then ends with what there is.
    pub deadline: Option<Instant>,
}

/// Who is waiting: interactive requests overtake bulk ones, which still get every fifth turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A person waits.
    Interactive,
    /// A job waits; it may fill half of the queue only.
    Bulk,
}

/// How the next token is chosen, in the order in which the fields act (`inference.md` §4.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Divides (or multiplies, if negative) the logits of tokens seen in prompt or answer; 1 is off, (0, 10].
    pub repetition_penalty: f32,
    /// Subtracted once from the logit of every token already in the answer; 0 is off, [-2, 2].
    pub presence_penalty: f32,
    /// Subtracted from a token's logit as often as it is in the answer; 0 is off, [-2, 2].
    pub frequency_penalty: f32,
    /// 0 takes the likeliest token (the lowest id on ties); up to 10.
    pub temperature: f32,
    /// Keeps the `top_k` likeliest tokens; 0 is off.
    pub top_k: u32,
    /// Keeps the likeliest tokens that together reach this probability; 1 is off, (0, 1].
    pub top_p: f32,
    /// Drops tokens less likely than this share of the likeliest one; 0 is off, [0, 1).
    pub min_p: f32,
    /// Makes equal requests give equal answers.
    pub seed: u64,
    /// The longest answer, in tokens; at least 1.
    pub max_tokens: u32,
}

impl Default for Sampling {
    /// Greedy, 512 tokens, no penalties.
    fn default() -> Self {
        Self {
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: 0,
            max_tokens: 512,
        }
    }
}

impl Sampling {
    /// Checks every range.
    ///
    /// # Errors
    /// `BadRequest` that names the first field out of its range and the range.
    pub fn validate(&self) -> Result<(), EngineError> {
        let within = |name: &str, value: f32, allowed: bool, range: &str| {
            if allowed {
                Ok(())
            } else {
                Err(EngineError::BadRequest(format!("`{name}` is {value}, it must be in {range}")))
            }
        };
        let penalty = -2.0..=2.0;
        let repetition = self.repetition_penalty;
        within("repetition_penalty", repetition, repetition > 0.0 && repetition <= 10.0, "(0, 10]")?;
        let (presence, frequency) = (self.presence_penalty, self.frequency_penalty);
        within("presence_penalty", presence, penalty.contains(&presence), "[-2, 2]")?;
        within("frequency_penalty", frequency, penalty.contains(&frequency), "[-2, 2]")?;
        within("temperature", self.temperature, (0.0..=10.0).contains(&self.temperature), "[0, 10]")?;
        within("top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "(0, 1]")?;
        within("min_p", self.min_p, (0.0..1.0).contains(&self.min_p), "[0, 1)")?;
        if self.max_tokens == 0 {
            return Err(EngineError::BadRequest("`max_tokens` is 0, it must be at least 1".into()));
        }
        Ok(())
    }
}

impl Request {
    /// A request of a person that nothing is known of, without stop strings, grammar, log-probabilities or deadline.
    pub fn new(prompt: Vec<u32>, sampling: Sampling) -> Self {
        Self {
            prompt,
            sampling,
            stop: Vec::new(),
            grammar: None,
            max_thinking_tokens: None,
            logprobs: None,
            cache_salt: [0; 16],
            priority: Priority::Interactive,
            user: 0,
            deadline: None,
        }
    }

    /// Checks all that needs no queue: sampling, stop strings, ids below `vocabulary`, length within `limit` tokens.
    pub(crate) fn validate(&self, vocabulary: usize, limit: usize) -> Result<(), EngineError> {
        self.sampling.validate()?;
        let (prompt_tokens, max_tokens) = (self.prompt.len(), self.sampling.max_tokens as usize);
        if prompt_tokens == 0 {
            return Err(EngineError::BadRequest("the prompt is empty".into()));
        }
        if prompt_tokens.saturating_add(max_tokens) > limit {
            return Err(EngineError::TooLong { prompt_tokens, max_tokens, limit });
        }
        if let Some(id) = self.prompt.iter().find(|id| **id as usize >= vocabulary) {
            return Err(EngineError::BadRequest(format!("the prompt holds token {id} of {vocabulary}")));
        }
        if self.logprobs.is_some_and(|count| count > MAX_LOGPROBS) {
            return Err(EngineError::BadRequest(format!("`logprobs` must be at most {MAX_LOGPROBS}")));
        }
        if self.stop.len() > MAX_STOP_STRINGS {
            return Err(EngineError::BadRequest(format!("more than {MAX_STOP_STRINGS} stop strings")));
        }
        if self.stop.iter().any(|stop| stop.is_empty() || stop.len() > MAX_STOP_BYTES) {
            return Err(EngineError::BadRequest(format!(
                "a stop string must have 1 to {MAX_STOP_BYTES} bytes"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_out_of_range_is_named() {
        let check = |change: fn(&mut Sampling), name: &str| {
            let mut sampling = Sampling::default();
            change(&mut sampling);
            let message = sampling.validate().unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        };

        check(|s| s.temperature = -0.1, "temperature");
        check(|s| s.temperature = f32::NAN, "temperature");
        check(|s| s.top_p = 0.0, "top_p");
        check(|s| s.min_p = 1.0, "min_p");
        check(|s| s.repetition_penalty = 0.0, "repetition_penalty");
        check(|s| s.presence_penalty = f32::INFINITY, "presence_penalty");
        check(|s| s.frequency_penalty = 2.1, "frequency_penalty");
        check(|s| s.max_tokens = 0, "max_tokens");
        assert!(Sampling::default().validate().is_ok());
    }

    #[test]
    fn sampling_in_json_may_leave_fields_out_but_not_misspell_them() {
        let sampling: Sampling = serde_json::from_str(r#"{"temperature":0.7,"seed":7}"#).unwrap();
        assert_eq!(sampling, Sampling { temperature: 0.7, seed: 7, ..Sampling::default() });
        assert!(serde_json::from_str::<Sampling>(r#"{"temprature":0.7}"#).is_err());
    }
}
