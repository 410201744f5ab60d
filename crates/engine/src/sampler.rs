//! Chooses the next token from logits, on the host. What it chooses depends on the logits, the request and the
//! step alone, never on who else is being served. Knows no tensor.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::error::EngineError;
use crate::request::Sampling;
use crate::shortlist::Candidate;
use crate::shortlist::LONGEST;
use crate::shortlist::likeliest;

/// The state of one answer's sampling: penalties → top-k → temperature → top-p → min-p → draw.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Sampling,
    /// Ids from here on have rows in the model's table but mean nothing.
    vocabulary: usize,
    seen: HashSet<u32>,
    counts: HashMap<u32, u32>,
    step: u64,
}

impl Sampler {
    /// `vocabulary` is the tokenizer's size; `prompt` counts as seen for the repetition penalty only.
    pub(crate) fn new(sampling: Sampling, vocabulary: usize, prompt: &[u32]) -> Self {
        let penalised = sampling.repetition_penalty.to_bits() != 1.0_f32.to_bits();
        let seen = if penalised { prompt.iter().copied().collect() } else { HashSet::new() };
        Self { sampling, vocabulary, seen, counts: HashMap::new(), step: 0 }
    }

    /// Chooses from `logits`, one for each row of the model's table, which it may change.
    ///
    /// # Errors
    /// `Internal` when a logit is not a number, which a broken model or device gives.
    pub(crate) fn sample(&mut self, logits: &mut [f32]) -> Result<u32, EngineError> {
        let length = logits.len().min(self.vocabulary);
        let logits = &mut logits[..length];
        let broken = |logit: &f32| logit.is_nan() || *logit == f32::INFINITY;
        if logits.iter().any(broken) || !logits.iter().any(|logit| logit.is_finite()) {
            return Err(not_numbers());
        }
        self.penalise(logits);
        let id = if self.sampling.temperature == 0.0 {
            highest(logits)
        } else {
            let keep = if self.sampling.top_k == 0 { logits.len() } else { self.sampling.top_k as usize };
            self.draw(likeliest(logits, keep))
        };
        Ok(self.accept(id))
    }

    /// Whether the [`LONGEST`] likeliest are all that it looks at.
    pub(crate) fn is_content_with_likeliest(&self) -> bool {
        let Sampling { temperature, top_k, .. } = self.sampling;
        let Sampling { repetition_penalty, presence_penalty, frequency_penalty, .. } = self.sampling;
        let penalises = repetition_penalty.to_bits() != 1.0_f32.to_bits()
            || presence_penalty != 0.0
            || frequency_penalty != 0.0;
        !penalises && (temperature == 0.0 || (1..=LONGEST).contains(&(top_k as usize)))
    }

    /// Chooses from the likeliest, which [`Sampler::is_content_with_likeliest`]: the token that `sample` would choose from all.
    ///
    /// # Errors
    /// `Internal` when there are none, or none that may be chosen.
    pub(crate) fn sample_likeliest(&mut self, mut candidates: Vec<Candidate>) -> Result<u32, EngineError> {
        let Some(best) = candidates.first().filter(|best| best.value.is_finite()) else {
            return Err(not_numbers());
        };
        let id = if self.sampling.temperature == 0.0 {
            best.id
        } else {
            candidates.truncate(self.sampling.top_k as usize);
            self.draw(candidates)
        };
        Ok(self.accept(id))
    }

    /// Counts a token of the answer that was chosen otherwise.
    pub(crate) fn accept(&mut self, id: u32) -> u32 {
        self.step += 1;
        self.seen.insert(id);
        *self.counts.entry(id).or_default() += 1;
        id
    }

    /// Repetition as in Hugging Face transformers (prompt and answer), presence and frequency as in OpenAI's API
    /// (answer only).
    fn penalise(&self, logits: &mut [f32]) {
        let Sampling { repetition_penalty, presence_penalty, frequency_penalty, .. } = self.sampling;
        if repetition_penalty.to_bits() != 1.0_f32.to_bits() {
            for id in &self.seen {
                if let Some(logit) = logits.get_mut(*id as usize) {
                    let factor = if *logit > 0.0 { repetition_penalty.recip() } else { repetition_penalty };
                    *logit *= factor;
                }
            }
        }
        if presence_penalty != 0.0 || frequency_penalty != 0.0 {
            for (id, count) in &self.counts {
                if let Some(logit) = logits.get_mut(*id as usize) {
                    *logit -= presence_penalty + frequency_penalty * *count as f32;
                }
            }
        }
    }

    /// Draws from the likeliest, at least one, in order.
    fn draw(&self, likeliest: Vec<Candidate>) -> u32 {
        let best = likeliest[0].id;
        let candidates = self.filter(likeliest);
        let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.value)).sum();
        let mut left = uniform(self.sampling.seed, self.step) * total;
        for candidate in &candidates {
            left -= f64::from(candidate.value);
            if left < 0.0 {
                return candidate.id;
            }
        }
        // rounding may leave a little over; the likeliest is always a candidate
        best
    }

    /// What temperature, top-p and min-p leave of the likeliest, with weights relative to the first, which is 1.
    fn filter(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        let Sampling { temperature, top_p, min_p, .. } = self.sampling;
        let best = candidates.first().map_or(0.0, |best| best.value / temperature);
        for candidate in &mut candidates {
            candidate.value = (candidate.value / temperature - best).exp();
        }
        // top-p looks at what top-k left, min-p only at the likeliest, so dropping by min-p afterwards is exact
        candidates.retain(|candidate| candidate.value > 0.0);
        if top_p < 1.0 {
            let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.value)).sum();
            let mut sum = 0.0;
            let enough = candidates.iter().position(|candidate| {
                sum += f64::from(candidate.value);
                sum >= f64::from(top_p) * total
            });
            candidates.truncate(enough.map_or(candidates.len(), |last| last + 1));
        }
        candidates.retain(|candidate| candidate.value >= min_p);
        candidates
    }
}

fn not_numbers() -> EngineError {
    EngineError::Internal("the model gave logits that are not numbers".into())
}

/// The id of the highest logit, the lowest id among equals.
fn highest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if logit.total_cmp(&logits[best]).is_gt() {
            best = id;
        }
    }
    best as u32
}

/// A number in [0, 1) for a step of a seed, by the finaliser of SplitMix64 (Steele, Lea, Flood 2014) over both:
/// any step can be computed without the ones before it.
fn uniform(seed: u64, step: u64) -> f64 {
    let bits = mix(mix(seed).wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn settings() -> impl Strategy<Value = Sampling> {
        let filters = (0_u32..12, 0.05_f32..=1.0, 0.0_f32..0.9);
        let rest = (0.1_f32..3.0, any::<u64>(), 0.5_f32..2.0, -2.0_f32..2.0, -2.0_f32..2.0);
        (filters, rest).prop_map(
            |((top_k, top_p, min_p), (temperature, seed, repetition, presence, frequency))| Sampling {
                repetition_penalty: repetition,
                presence_penalty: presence,
                frequency_penalty: frequency,
                temperature,
                top_k,
                top_p,
                min_p,
                seed,
                max_tokens: 1,
            },
        )
    }

    /// The naive twin of the whole chain: every filter looks at every token, in probabilities, by sorting.
    fn naive_candidates(sampling: &Sampling, logits: &[f32], prompt: &[u32], answer: &[u32]) -> Vec<u32> {
        let penalised = logits.iter().enumerate().map(|(id, logit)| {
            let id = id as u32;
            let mut logit = *logit;
            if prompt.contains(&id) || answer.contains(&id) {
                logit *= if logit > 0.0 {
                    sampling.repetition_penalty.recip()
                } else {
                    sampling.repetition_penalty
                };
            }
            let count = answer.iter().filter(|other| **other == id).count();
            if count > 0 {
                logit -= sampling.presence_penalty + sampling.frequency_penalty * count as f32;
            }
            (id, logit)
        });
        let mut ranked: Vec<(u32, f32)> = penalised.collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if sampling.top_k > 0 {
            ranked.truncate(sampling.top_k as usize);
        }
        let weights: Vec<f64> = ranked
            .iter()
            .map(|(_, logit)| {
                f64::from((logit / sampling.temperature - ranked[0].1 / sampling.temperature).exp())
            })
            .collect();
        let total: f64 = weights.iter().sum();
        let before = |rank: usize| weights[..rank].iter().sum::<f64>();
        (0..ranked.len())
            .filter(|rank| {
                *rank == 0 || sampling.top_p >= 1.0 || before(*rank) < f64::from(sampling.top_p) * total
            })
            .filter(|rank| weights[*rank] > 0.0 && weights[*rank] >= f64::from(sampling.min_p))
            .map(|rank| ranked[rank].0)
            .collect()
    }

    proptest! {
        #[test]
        fn the_shortlist_is_that_of_the_naive_twin(
            sampling in settings(),
            logits in vec(-8.0_f32..8.0, 1..40),
            prompt in vec(0_u32..40, 0..5),
            answer in vec(0_u32..40, 0..5),
        ) {
            let mut sampler = Sampler::new(sampling.clone(), logits.len(), &prompt);
            for id in &answer {
                sampler.seen.insert(*id);
                *sampler.counts.entry(*id).or_default() += 1;
            }
            let mut changed = logits.clone();

            sampler.penalise(&mut changed);
            let keep = if sampling.top_k == 0 { changed.len() } else { sampling.top_k as usize };
            let left = sampler.filter(likeliest(&changed, keep));
            let ids: Vec<u32> = left.iter().map(|candidate| candidate.id).collect();

            prop_assert_eq!(ids, naive_candidates(&sampling, &logits, &prompt, &answer));
        }

        #[test]
        fn the_likeliest_are_enough_where_it_says_so(
            sampling in settings(),
            greedy in any::<bool>(),
            rows in vec(vec(-4_i8..4, 70..90), 1..6),
        ) {
            let plain = Sampling { repetition_penalty: 1.0, presence_penalty: 0.0, frequency_penalty: 0.0, ..sampling };
            let sampling = if greedy { Sampling { temperature: 0.0, ..plain } } else { plain };
            let (mut of_all, mut of_few) = (Sampler::new(sampling.clone(), 80, &[]), Sampler::new(sampling.clone(), 80, &[]));
            prop_assume!(of_few.is_content_with_likeliest());

            for row in rows {
                // steps of a half, so that many are equal
                let mut logits: Vec<f32> = row.into_iter().map(|number| f32::from(number) / 2.0).collect();
                let short = likeliest(&logits[..logits.len().min(80)], LONGEST);
                prop_assert_eq!(of_few.sample_likeliest(short).unwrap(), of_all.sample(&mut logits).unwrap());
            }
        }

        #[test]
        fn equal_requests_choose_equally_and_never_beyond_the_vocabulary(
            sampling in settings(),
            logits in vec(-8.0_f32..8.0, 2..40),
        ) {
            let run = || {
                let mut sampler = Sampler::new(sampling.clone(), logits.len() - 1, &[]);
                (0..8).map(|_| sampler.sample(&mut logits.clone()).unwrap()).collect::<Vec<_>>()
            };

            prop_assert_eq!(run(), run());
            prop_assert!(run().iter().all(|id| (*id as usize) < logits.len() - 1));
        }
    }

    #[test]
    fn without_temperature_the_lowest_of_the_likeliest_is_taken() {
        let mut sampler = Sampler::new(Sampling::default(), 4, &[]);

        assert_eq!(sampler.sample(&mut [0.5, 2.0, 2.0, 1.0]).unwrap(), 1);
        assert_eq!(sampler.sample(&mut [0.5, 0.0, 0.0, 0.0, 9.0]).unwrap(), 0);
    }

    #[test]
    fn draws_follow_the_weights() {
        let sampling = Sampling { temperature: 1.0, seed: 3, ..Sampling::default() };
        let mut sampler = Sampler::new(sampling, 3, &[]);
        let logits = [0.0_f32, 2.0_f32.ln(), f32::NEG_INFINITY];
        let mut counts = [0_u32; 3];

        for _ in 0..30_000 {
            counts[sampler.sample(&mut logits.clone()).unwrap() as usize] += 1;
        }

        // a third and two thirds of 30,000; five standard deviations (82 each) on either side
        assert!(counts[0].abs_diff(10_000) < 410, "{counts:?}");
        assert_eq!(counts[2], 0);
    }

    #[test]
    fn logits_that_are_no_numbers_are_an_error() {
        let mut sampler = Sampler::new(Sampling::default(), 4, &[]);

        assert!(sampler.sample(&mut [0.0, f32::NAN]).is_err());
        assert!(sampler.sample(&mut [0.0, f32::INFINITY]).is_err());
        assert!(sampler.sample(&mut [f32::NEG_INFINITY; 2]).is_err());
        assert!(sampler.sample(&mut []).is_err());
        assert!(sampler.sample_likeliest(Vec::new()).is_err());
        assert!(sampler.sample_likeliest(likeliest(&[f32::NEG_INFINITY; 2], 2)).is_err());
    }
}
