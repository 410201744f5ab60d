use std::path::Path;

use super::*;
use crate::e5;
use crate::tiny;

fn start(directory: &Path, family: EncoderFamily, queue_depth: usize) -> Encoder {
    let (directory, device, dimensions) = (directory.to_owned(), DeviceChoice::Cpu, None);
    let weights_sha256 = "abc".into();
    let options = EncoderOptions { directory, family, dimensions, device, queue_depth, weights_sha256 };
    Encoder::start(options).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Every way of pooling, each on a random model.
fn encoders() -> Vec<(EncoderFamily, Encoder, tempfile::TempDir)> {
    let e5 = tempfile::tempdir().unwrap();
    e5::tests::convert_tiny(e5.path());
    let qwen3 = tiny::model("qwen3");
    let bge = tempfile::tempdir().unwrap();
    e5::tests::convert_tiny(bge.path());
    let files =
        [(EncoderFamily::E5, e5), (EncoderFamily::BgeM3, bge), (EncoderFamily::Qwen3Embedding, qwen3)];
    files.into_iter().map(|(family, files)| (family, start(files.path(), family, 8), files)).collect()
}

#[tokio::test]
async fn vectors_have_length_one_and_do_not_depend_on_their_batch() {
    for (_, encoder, _files) in encoders() {
        let long = "ab ".repeat(20);
        let passages = texts(&["a", &long, "", "b a", "a"]);

        let together = encoder.embed(passages.clone(), TextKind::Passage).await.unwrap();

        assert_eq!(together.len(), passages.len());
        for (text, vector) in passages.into_iter().zip(&together) {
            assert_eq!(vector.len(), encoder.dimensions());
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
            let alone = encoder.embed(vec![text], TextKind::Passage).await.unwrap();
            assert_eq!(vector, &alone[0]);
        }
        assert!(encoder.embed(Vec::new(), TextKind::Query).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_text_that_is_too_long_is_cut_and_said_to_be() {
    for (_, encoder, _files) in encoders() {
        let long = "ab".repeat(encoder.max_tokens());
        let embeddings = encoder.embed_checked(texts(&["a", &long]), TextKind::Query).await.unwrap();

        assert_eq!(embeddings.truncated, [false, true]);
        assert!((cosine(&embeddings.vectors[1], &embeddings.vectors[1]) - 1.0).abs() < 1e-5);
    }
}

#[tokio::test]
async fn queries_and_passages_are_embedded_differently_where_the_family_says_so() {
    for (family, encoder, _files) in encoders() {
        let query = encoder.embed(texts(&["a b"]), TextKind::Query).await.unwrap();
        let passage = encoder.embed(texts(&["a b"]), TextKind::Passage).await.unwrap();

        let same = cosine(&query[0], &passage[0]) > 0.999_99;
        assert_eq!(same, family == EncoderFamily::BgeM3);
    }
}

#[tokio::test]
async fn calls_beyond_the_queue_are_refused_and_a_stopped_encoder_says_so() {
    let directory = tiny::model("qwen3");
    let encoder = start(directory.path(), EncoderFamily::Qwen3Embedding, 2);
    let many = || encoder.embed(vec!["ab".repeat(300); 8], TextKind::Passage);

    // one may be at work and one wait: of four, two at least are refused at once
    let (a, b, c, d) = tokio::join!(many(), many(), many(), many());
    let busy = |result: &Result<_, EngineError>| matches!(result, Err(EngineError::Busy { .. }));
    assert!([a, b, c, d].iter().filter(|result| busy(result)).count() >= 2);

    encoder.stop();
    assert_eq!(encoder.embed(texts(&["a"]), TextKind::Query).await, Err(EngineError::Stopped));
}

#[test]
fn the_family_reads_from_configuration() {
    for name in ["e5", "mini_lm", "bge_zh", "bge_en", "bge_m3", "qwen3_embedding"] {
        let family: EncoderFamily = name.parse().unwrap();
        assert_eq!(serde_json::to_value(family).unwrap(), name);
    }
    assert!("bert".parse::<EncoderFamily>().is_err());
}
