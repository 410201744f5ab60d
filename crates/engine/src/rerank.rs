//! What a caller asks of a reranker, whichever it is: how well passages answer a query. Knows no model.

use std::time::Instant;

use crate::error::EngineError;
use crate::request::Priority;

/// More passages than this are no candidates but a collection.
const MAX_PASSAGES: usize = 256;

/// A query and the passages to compare it with.
#[derive(Debug, Clone)]
pub struct RerankRequest {
    /// May take half of what the model reads at a time.
    pub query: String,
    /// At most 256. One that is too long loses its end.
    pub passages: Vec<String>,
    /// Which queue the request waits in.
    pub priority: Priority,
    /// Opaque; users of one priority take turns, whoever sent how much.
    pub user: u64,
    /// When the scores are of no more use.
    pub deadline: Option<Instant>,
}

/// How well passages answer a query, in the order of the passages.
#[derive(Debug, Clone, PartialEq)]
pub struct Relevance {
    /// From 0 to 1, the higher the better. Those of different models must not be compared.
    pub scores: Vec<f32>,
    /// Which passages were cut, so that their end is not in their score.
    pub truncated: Vec<bool>,
}

impl RerankRequest {
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        if self.passages.len() > MAX_PASSAGES {
            let passages = self.passages.len();
            return Err(EngineError::BadRequest(format!(
                "{passages} passages to compare, at most {MAX_PASSAGES} are"
            )));
        }
        Ok(())
    }
}

/// How many tokens of a passage there is room for beside the query and what belongs around both.
///
/// # Errors
/// `BadRequest` when the query takes more than half.
pub(crate) fn room(max_tokens: usize, frame: usize, query: usize) -> Result<usize, EngineError> {
    let both = max_tokens.saturating_sub(frame);
    if query > both / 2 {
        return Err(EngineError::BadRequest(format!(
            "the query has {query} tokens, at most {} can be compared",
            both / 2
        )));
    }
    Ok(both - query)
}

/// The chance whose logit it is.
pub(crate) fn chance(logit: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_keep_the_order_of_logits_and_stay_within_0_and_1() {
        let chances = [f32::NEG_INFINITY, -90.0, -3.0, 0.0, 0.001, 11.0, 11.1, f32::INFINITY].map(chance);

        assert_eq!((chances[0], chances[3], chances[7]), (0.0, 0.5, 1.0));
        assert!(chances.windows(2).all(|pair| pair[0] < pair[1]), "{chances:?}");
    }

    #[test]
    fn a_query_may_take_half_and_the_passage_gets_the_rest() {
        assert_eq!(room(512, 3, 0).unwrap(), 509);
        assert_eq!(room(512, 3, 254).unwrap(), 255);
        assert!(matches!(room(512, 3, 255), Err(EngineError::BadRequest(_))));
        assert_eq!(room(2, 3, 0).unwrap(), 0);
    }
}
