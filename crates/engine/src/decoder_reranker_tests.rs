//! Compares with Hugging Face transformers from text to score: prompts and chances that `golden/make_encoders.py` stored.

use std::path::Path;
use std::time::Instant;

use serde::Deserialize;

use super::*;
use crate::blocks::BLOCK_TOKENS;
use crate::decoder::LoadFormat;
use crate::device::DeviceChoice;
use crate::golden::Golden;
use crate::golden::assert_mistakes_show;
use crate::golden::read;
use crate::handle::DecoderOptions;
use crate::request::Priority;
use crate::tiny;

/// What keys and values that are kept as halves may change in a chance.
const TOLERANCE: f32 = 2e-3;

/// A pair and what it becomes.
#[derive(Deserialize)]
struct Case {
    query: String,
    passage: String,
    ids: Vec<u32>,
    truncated: bool,
    score: f32,
}

fn start(directory: &Path, queue_depth: usize) -> Handle {
    let options = DecoderOptions {
        model: directory.to_owned(),
        load_format: LoadFormat::Auto,
        tokenizer: directory.join("tokenizer.json"),
        device: DeviceChoice::Cpu,
        max_context_tokens: 512,
        kv_tokens: 8192,
        vault: None,
        max_sequences: 4,
        queue_depth,
        threads: None,
        weights_sha256: String::new(),
    };
    Handle::start(options).unwrap()
}

fn golden(queue_depth: usize) -> (Golden<Case>, DecoderReranker) {
    let golden: Golden<Case> = read("qwen3-reranker");
    let reranker = DecoderReranker::new(start(golden.directory().path(), queue_depth)).unwrap();
    (golden, reranker)
}

fn request(query: &str, passages: Vec<String>) -> RerankRequest {
    let (query, priority) = (query.to_owned(), Priority::Bulk);
    RerankRequest { query, passages, priority, user: 0, deadline: None }
}

#[tokio::test]
async fn pairs_become_the_prompts_and_chances_that_transformers_gives_them() {
    let (golden, reranker) = golden(8);
    let mut farthest = 0.0_f32;
    for case in &golden.cases {
        let head = reranker.frame.head(reranker.handle.tokenizer(), &case.query).unwrap();

        let prompt = reranker.prompt(&head, &case.passage).unwrap();
        let relevance =
            reranker.score(request(&case.query, vec![case.passage.clone()]), [0; 16]).await.unwrap();

        assert_eq!(prompt, Prompt { ids: case.ids.clone(), truncated: case.truncated });
        assert_eq!(relevance.truncated, [case.truncated]);
        farthest = farthest.max((relevance.scores[0] - case.score).abs());
    }
    println!("chances differ by {farthest}");
    assert!(farthest < TOLERANCE, "{farthest}");
    assert_mistakes_show("qwen3-reranker", &golden.mistakes, TOLERANCE);
}

#[tokio::test]
async fn what_prompts_have_in_common_is_read_once() {
    let (golden, reranker) = golden(2);
    let query = &golden.cases[0].query;
    let passages: Vec<String> = ('a'..='l').map(|letter| format!("{letter} begins it")).collect();
    let head = reranker.frame.head(reranker.handle.tokenizer(), query).unwrap();
    let shared = head.ids.len() / BLOCK_TOKENS * BLOCK_TOKENS;
    assert!(shared >= 2 * BLOCK_TOKENS);

    // more passages than the queue holds
    let together = reranker.score(request(query, passages.clone()), [0; 16]).await.unwrap();

    let cached = reranker.handle.load().cached_tokens;
    assert_eq!(cached, (shared * (passages.len() - 1)) as u64);
    for (passage, score) in passages.into_iter().zip(&together.scores) {
        let alone = reranker.score(request(query, vec![passage]), [1; 16]).await.unwrap();
        assert_eq!(alone.scores[0].to_bits(), score.to_bits());
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_and_a_deadline_counts() {
    let (_, reranker) = golden(8);
    let refused = |query: &str, passages: usize| {
        let score = reranker.score(request(query, vec!["a".to_owned(); passages]), [0; 16]);
        async move { matches!(score.await, Err(EngineError::BadRequest(_))) }
    };

    assert!(refused(&"a b ".repeat(100), 1).await);
    assert!(refused("a", 257).await);
    let late = RerankRequest { deadline: Some(Instant::now()), ..request("a", vec!["a".into(); 2]) };
    assert_eq!(reranker.score(late, [0; 16]).await, Err(EngineError::Late));
    assert_eq!(reranker.score(request("a", Vec::new()), [0; 16]).await.unwrap().scores, Vec::<f32>::new());
}

#[test]
fn decoders_that_cannot_be_asked_are_refused() {
    // one lacks control tokens, one has another chat format
    for architecture in ["qwen3", "llama"] {
        let directory = tiny::model(architecture);
        let error = DecoderReranker::new(start(directory.path(), 2)).err().unwrap();
        assert!(matches!(error, EngineError::Model { .. }), "{error}");
    }
}
