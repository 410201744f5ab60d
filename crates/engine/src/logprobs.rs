//! How likely a model holds each token to come next. Knows no request.

use serde::Deserialize;
use serde::Serialize;

use crate::error::EngineError;

/// How likely the model held a token of an answer, before penalties, temperature and grammar changed anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logprob {
    /// The natural logarithm of its chance.
    pub logprob: f32,
    /// The likeliest tokens at its place with the logarithms of their chances, the likeliest first; equal ones in the
    /// order of their ids.
    pub top: Vec<(u32, f32)>,
}

/// The chances of all tokens: the softmax of some logits.
pub(crate) struct Chances<'a> {
    logits: &'a [f32],
    best: f32,
    /// ln Σ exp(logit − best).
    total: f64,
}

impl<'a> Chances<'a> {
    /// Of `logits`, `[vocabulary]`. Sums in f64 in the order of the ids, so that equal logits give equal bits.
    ///
    /// # Errors
    /// `Internal` for logits that are no numbers.
    pub(crate) fn of(logits: &'a [f32]) -> Result<Self, EngineError> {
        let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|logit| f64::from(logit - best).exp()).sum();
        if !(total.is_finite() && total > 0.0) {
            return Err(EngineError::Internal("the model gave logits that are not numbers".into()));
        }
        Ok(Self { logits, best, total: total.ln() })
    }

    /// The natural logarithm of a token's chance; −∞ for an id beyond the vocabulary.
    pub(crate) fn logprob(&self, id: u32) -> f32 {
        let logit = self.logits.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
        (f64::from(logit - self.best) - self.total) as f32
    }

    /// The likeliest tokens, at most `count`.
    pub(crate) fn top(&self, count: usize) -> Vec<(u32, f32)> {
        let count = count.min(self.logits.len());
        let mut ids: Vec<u32> = (0..self.logits.len() as u32).collect();
        let by_likelihood = |a: &u32, b: &u32| {
            let (left, right) = (self.logits[*a as usize], self.logits[*b as usize]);
            right.total_cmp(&left).then(a.cmp(b))
        };
        if 0 < count && count < ids.len() {
            ids.select_nth_unstable_by(count - 1, by_likelihood);
        }
        ids.truncate(count);
        ids.sort_unstable_by(by_likelihood);
        ids.into_iter().map(|id| (id, self.logprob(id))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chances_add_up_to_one_and_the_likeliest_come_first(logits in vec(-20.0_f32..20.0, 1..60), count in 0_usize..70) {
            let chances = Chances::of(&logits).unwrap();

            let all: Vec<f32> = (0..logits.len() as u32).map(|id| chances.logprob(id)).collect();
            let total: f64 = all.iter().map(|logprob| f64::from(*logprob).exp()).sum();
            let mut ranked: Vec<(u32, f32)> = (0..).zip(all).collect();
            ranked.sort_by(|a, b| logits[b.0 as usize].total_cmp(&logits[a.0 as usize]).then(a.0.cmp(&b.0)));
            ranked.truncate(count);

            // f32 keeps some seven digits of each of at most 60 chances
            prop_assert!((total - 1.0).abs() < 1e-5, "{total}");
            prop_assert_eq!(chances.top(count), ranked);
        }
    }

    #[test]
    fn what_cannot_come_has_no_chance_and_nonsense_is_an_error() {
        let logits = [0.0, f32::NEG_INFINITY];

        let of = |id| Chances::of(&logits).unwrap().logprob(id).exp().to_bits();

        assert_eq!([of(0), of(1), of(2)], [1.0_f32.to_bits(), 0, 0]);
        assert!(Chances::of(&[0.0, f32::NAN]).is_err());
        assert!(Chances::of(&[0.0, f32::INFINITY]).is_err());
        assert!(Chances::of(&[f32::NEG_INFINITY; 2]).is_err());
        assert!(Chances::of(&[]).is_err());
    }
}
