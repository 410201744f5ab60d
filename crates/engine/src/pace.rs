//! How many tokens a step may take, so that nobody waits long for the next one. Knows no model.

use std::time::Duration;

/// How long a step should last while answers are being written, and while prompts alone are read.
const BESIDE_ANSWERS: Duration = Duration::from_millis(250);
const PROMPTS_ALONE: Duration = Duration::from_secs(1);
/// Fewer tokens waste what a product does for all rows at once.
const MIN_TOKENS: usize = 16;

/// A running mean of what a token of a prompt takes.
pub(crate) struct Pace {
    per_token: Duration,
    max_tokens: usize,
}

impl Pace {
    /// For a device on which more than `max_tokens` at a time gain nothing.
    pub(crate) const fn new(max_tokens: usize) -> Self {
        Self { per_token: Duration::from_millis(8), max_tokens }
    }

    /// The tokens of the next step.
    pub(crate) fn budget(&self, answers: bool) -> usize {
        let target = if answers { BESIDE_ANSWERS } else { PROMPTS_ALONE };
        let tokens = target.as_nanos() / self.per_token.as_nanos().max(1);
        (tokens as usize).clamp(MIN_TOKENS, self.max_tokens)
    }

    /// Learns what a step took. One of few tokens says nothing: reading the weights costs more than they do.
    pub(crate) fn took(&mut self, tokens: usize, elapsed: Duration) {
        if tokens >= MIN_TOKENS {
            self.per_token = (self.per_token * 3 + elapsed / tokens as u32) / 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_gets_short_steps_and_a_fast_one_long_ones() {
        let check = |per_token: Duration, answers: bool, expected: usize| {
            let mut pace = Pace::new(512);
            for _ in 0..50 {
                pace.took(100, per_token * 100);
            }
            assert!(pace.budget(answers).abs_diff(expected) <= 1, "{}", pace.budget(answers));
        };

        check(Duration::from_millis(5), true, 50);
        check(Duration::from_millis(5), false, 200);
        check(Duration::from_millis(500), true, MIN_TOKENS);
        check(Duration::from_micros(1), false, 512);
    }

    #[test]
    fn a_step_of_few_tokens_teaches_nothing() {
        let mut pace = Pace::new(512);
        let before = pace.budget(false);
        pace.took(1, Duration::from_secs(1));
        assert_eq!(pace.budget(false), before);
    }
}
