//! Compares cross-encoders with Hugging Face transformers from text to score: ids and logits of tiny models that
//! `golden/make_encoders.py` stored.

use candle_core::Device;
use serde::Deserialize;

use super::model::Model;
use super::tests::options;
use super::tests::request;
use super::*;
use crate::encoder::bert::Head;
use crate::encoder::bert::Pair;
use crate::encoder::padded::Padded;
use crate::golden::Golden;
use crate::golden::assert_mistakes_show;
use crate::golden::read;
use crate::rerank;

/// What f32 sums in another order may change in a logit, ours and candle's.
const TOLERANCE: f32 = 2e-5;
pub(super) const NAMES: [&str; 2] = ["cross-bert", "cross-xlm-roberta"];

/// A pair and what it becomes.
#[derive(Deserialize)]
pub(super) struct Case {
    pub query: String,
    pub passage: String,
    ids: Vec<u32>,
    of_first_type: usize,
    truncated: bool,
    logit: f32,
}

#[test]
fn pairs_become_the_tokens_and_scores_that_transformers_gives_them() {
    for name in NAMES {
        let golden: Golden<Case> = read(name);
        let directory = golden.directory();
        let tokenizer = Tokenizer::load(&directory.path().join("tokenizer.json")).unwrap();
        let model = Model::load(&options(directory.path()), &tokenizer).unwrap();
        let ids = |text: &str| tokenizer.encode_text(text).unwrap();
        let framed = golden.cases.iter().map(|case| model.frame(&ids(&case.query), &ids(&case.passage)));
        let framed: Vec<_> = framed.map(Result::unwrap).collect();

        for (case, framed) in golden.cases.iter().zip(&framed) {
            let (of_first_type, truncated) = (framed.of_first_type, framed.truncated);
            assert_eq!(framed.ids, case.ids, "{} and {}", case.query, case.passage);
            assert_eq!((of_first_type, truncated), (case.of_first_type, case.truncated));
        }
        near(name, &model.logits(&framed).unwrap(), &golden.cases);
        assert_mistakes_show(name, &golden.mistakes, TOLERANCE);
    }
}

#[test]
fn candles_tensors_compute_what_transformers_computes() {
    for name in NAMES {
        let golden: Golden<Case> = read(name);
        let directory = golden.directory();
        let padded = Padded::load(directory.path(), &Device::Cpu).unwrap();
        let head = Head::load(directory.path()).unwrap();
        let pairs: Vec<Pair<'_>> = golden.cases.iter().map(Case::pair).collect();

        let states = padded.embed_pairs(&pairs).unwrap();

        near(name, &head.logits(&states), &golden.cases);
    }
}

#[tokio::test]
async fn scores_are_the_logits_chances_and_do_not_depend_on_their_batch() {
    for name in NAMES {
        let golden: Golden<Case> = read(name);
        let encoder = CrossEncoder::start(options(golden.directory().path())).unwrap();
        // two passages of it are among the cases
        let query = &golden.cases[3].query;
        let passages: Vec<&str> = golden.cases.iter().map(|case| case.passage.as_str()).collect();

        let together = encoder.score(request(query, &passages)).await.unwrap();

        for (index, passage) in passages.iter().enumerate() {
            let alone = encoder.score(request(query, &[passage])).await.unwrap();
            assert_eq!(alone.scores[0].to_bits(), together.scores[index].to_bits());
            assert_eq!(alone.truncated[0], together.truncated[index]);
        }
        for (case, score) in golden.cases.iter().zip(&together.scores) {
            let off = (rerank::chance(case.logit) - score).abs();
            assert!(case.query != *query || off < TOLERANCE, "{name}: {off}");
        }
    }
}

impl Case {
    fn pair(&self) -> Pair<'_> {
        Pair { ids: &self.ids, of_first_type: self.of_first_type }
    }
}

fn near(name: &str, logits: &[f32], cases: &[Case]) {
    assert_eq!(logits.len(), cases.len());
    let off = logits.iter().zip(cases).map(|(logit, case)| (logit - case.logit).abs());
    let farthest = off.fold(0.0, f32::max);
    println!("{name}: logits differ by {farthest}");
    assert!(logits.iter().all(|logit| logit.is_finite()) && farthest < TOLERANCE, "{name}: {farthest}");
}
