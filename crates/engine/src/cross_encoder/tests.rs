use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::golden::Case;
use super::golden::NAMES;
use super::*;
use crate::golden::Golden;
use crate::golden::read;
use crate::request::Priority;

pub(super) fn options(directory: &Path) -> CrossEncoderOptions {
    CrossEncoderOptions {
        directory: directory.to_owned(),
        device: DeviceChoice::Cpu,
        max_tokens: 512,
        queue_depth: 2,
        weights_sha256: "abc".into(),
    }
}

pub(super) fn request(query: &str, passages: &[&str]) -> RerankRequest {
    RerankRequest {
        query: query.to_owned(),
        passages: passages.iter().map(|passage| (*passage).to_owned()).collect(),
        priority: Priority::Interactive,
        user: 0,
        deadline: None,
    }
}

fn start() -> CrossEncoder {
    CrossEncoder::start(options(read::<Golden<Case>>("cross-bert").directory().path())).unwrap()
}

/// Passages that take many batches.
fn many() -> RerankRequest {
    let passage = "notice ".repeat(100);
    request("notice", &[passage.as_str(); 40])
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let encoder = start();
    let refused = |query: &str, passages: &[&str]| {
        let score = encoder.score(request(query, passages));
        async move { matches!(score.await, Err(EngineError::BadRequest(_))) }
    };

    assert!(refused(&"notice ".repeat(50), &["a"]).await);
    assert!(refused("a", &["a"; 257]).await);
    assert_eq!(encoder.score(request("a", &[])).await.unwrap().scores, Vec::<f32>::new());
}

#[tokio::test]
async fn requests_beyond_the_queue_are_refused_and_a_stopped_cross_encoder_says_so() {
    let encoder = start();
    let many = || encoder.score(many());

    // one may be at work and two wait: of four, one at least is refused at once
    let (a, b, c, d) = tokio::join!(many(), many(), many(), many());
    assert!([a, b, c, d].iter().any(|result| matches!(result, Err(EngineError::Busy { .. }))));

    encoder.stop();
    assert_eq!(encoder.score(request("a", &["a"])).await, Err(EngineError::Stopped));
}

#[tokio::test]
async fn a_deadline_ends_what_runs_and_what_waits() {
    let encoder = start();
    let soon = || RerankRequest { deadline: Some(Instant::now() + Duration::from_millis(1)), ..many() };

    let (runs, waits) = tokio::join!(encoder.score(soon()), encoder.score(soon()));

    assert_eq!((runs, waits), (Err(EngineError::Late), Err(EngineError::Late)));
    assert!(encoder.score(request("a", &["a"])).await.is_ok());
}

#[tokio::test]
async fn a_dropped_request_is_not_computed_to_its_end() {
    let encoder = start();
    let started = Instant::now();
    encoder.score(many()).await.unwrap();
    let one = started.elapsed();

    let started = Instant::now();
    for _ in 0..10 {
        let dropped = tokio::time::timeout(Duration::from_millis(1), encoder.score(many())).await;
        assert!(dropped.is_err());
    }
    encoder.score(request("a", &["a"])).await.unwrap();

    assert!(started.elapsed() < one * 5, "{:?} for 10, {one:?} for one", started.elapsed());
}

#[test]
fn models_that_are_computed_otherwise_are_refused() {
    let refusal = |name: &str, key: &str, value: Value| {
        let mut golden: Golden<Case> = read(name);
        golden.config.insert(key.to_owned(), value);
        CrossEncoder::start(options(golden.directory().path())).err().map(|error| error.to_string())
    };

    for name in NAMES {
        assert_eq!(refusal(name, "num_labels", json!(1)), None);
        for (key, value, expected) in [
            ("model_type", json!("deberta-v2"), "deberta-v2"),
            ("architectures", json!(["BertForMultipleChoice"]), "BertForMultipleChoice"),
            ("architectures", json!(null), "array"),
            ("hidden_act", json!("gelu_new"), "gelu_new"),
            ("position_embedding_type", json!("relative_key"), "relative_key"),
        ] {
            let message = refusal(name, key, value).unwrap();
            assert!(message.contains(expected), "{message}");
        }
    }
    let mut two_classes: Golden<Case> = read("cross-bert");
    let output = two_classes.tensors.iter_mut().find(|recipe| recipe.name == "classifier.weight").unwrap();
    output.dims[0] = 2;
    let error = CrossEncoder::start(options(two_classes.directory().path())).err().unwrap().to_string();
    assert!(error.contains("classifier.weight"), "{error}");
}

#[test]
fn the_fingerprint_names_everything() {
    let encoder = start();
    let fingerprint = encoder.fingerprint();

    assert_eq!((fingerprint.architecture.as_str(), fingerprint.quantization.as_str()), ("bert", "F32"));
    assert_eq!((fingerprint.weights_sha256.as_str(), fingerprint.context_tokens), ("abc", 96));
    assert_eq!(fingerprint.tokenizer_sha256, encoder.tokenizer().sha256());
}
