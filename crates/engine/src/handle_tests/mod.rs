//! A decoder through its door.

mod cache;
mod form;
mod sameness;

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use super::*;
use crate::event::Event;
use crate::event::Finish;
use crate::event::FinishReason;
use crate::grammar::Grammar;
use crate::request::Sampling;
use crate::tiny;

/// More tokens than these tests wait for.
const LONG: u32 = 1100;

/// Serves one request at a time.
fn start(queue_depth: usize) -> Handle {
    start_for(1, queue_depth, 100_000)
}

fn start_for(max_sequences: usize, queue_depth: usize, kv_tokens: usize) -> Handle {
    let directory = tiny::model("qwen3");
    let options = DecoderOptions {
        max_context_tokens: kv_tokens,
        kv_tokens,
        max_sequences,
        queue_depth,
        ..options(directory.path())
    };
    Handle::start(options).unwrap()
}

fn options(directory: &Path) -> DecoderOptions {
    DecoderOptions {
        load_format: LoadFormat::Auto,
        model: directory.to_owned(),
        tokenizer: directory.join("tokenizer.json"),
        device: DeviceChoice::Cpu,
        max_context_tokens: 100,
        kv_tokens: 100,
        vault: None,
        max_sequences: 1,
        queue_depth: 2,
        threads: None,
        weights_sha256: "abc".into(),
    }
}

fn request(prompt: &[u32], max_tokens: u32) -> Request {
    Request::new(prompt.to_vec(), Sampling { max_tokens, ..Sampling::default() })
}

/// All text and the end.
fn collect(mut generation: Generation) -> (String, Finish) {
    let mut text = String::new();
    loop {
        match generation.blocking_next() {
            Some(Event::Text { text: piece, .. }) => text.push_str(&piece),
            Some(Event::Finished(finish)) => {
                assert_eq!(generation.blocking_next(), None);
                return (text, finish);
            }
            Some(Event::Queued { .. } | Event::Started { .. } | Event::Thought { .. }) => {}
            Some(Event::Failed(error)) => panic!("{error}"),
            None => panic!("no end"),
        }
    }
}

fn run(handle: &Handle, request: Request) -> (String, Finish) {
    collect(handle.submit(request).unwrap())
}

#[tokio::test]
async fn events_come_in_order_and_add_up() {
    let handle = start(2);
    let mut generation = handle.submit(request(&[1, 2, 3], 20)).unwrap();

    assert_eq!(generation.next().await, Some(Event::Queued { position: 0, wait: Duration::ZERO }));
    assert_eq!(generation.next().await, Some(Event::Started { prompt_tokens: 3, cached_tokens: 0 }));
    let (mut all_text, mut all_tokens) = (String::new(), Vec::new());
    let finish = loop {
        match generation.next().await {
            Some(Event::Text { text, tokens }) => {
                all_text += &text;
                all_tokens.extend(tokens);
            }
            Some(Event::Finished(finish)) => break finish,
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(generation.next().await, None);
    assert_eq!(all_text, handle.tokenizer().decode(&finish.tokens));
    assert!(finish.tokens.starts_with(&all_tokens));
    assert_eq!((finish.completion_tokens, finish.prompt_tokens), (finish.tokens.len() as u32, 3));
    assert_eq!(finish.reason, FinishReason::Length);
}

#[test]
fn the_same_seed_gives_the_same_answer_and_another_seed_another() {
    let handle = start(2);
    let with_seed = |seed| {
        let mut request = request(&[9, 8, 7], 40);
        request.sampling.temperature = 1.5;
        request.sampling.seed = seed;
        run(&handle, request).1.tokens
    };

    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
}

#[test]
fn the_models_end_token_ends_the_answer_and_is_no_part_of_it() {
    let handle = start(2);
    let mut hot = request(&[1, 2, 3], LONG);
    hot.sampling.temperature = 10.0;

    let (text, finish) = run(&handle, hot);

    assert_eq!(finish.reason, FinishReason::Stop);
    assert!(!finish.tokens.contains(&tiny::END));
    assert_eq!(text, handle.tokenizer().decode(&finish.tokens));
}

#[test]
fn a_stop_string_ends_the_answer_before_it() {
    let handle = start(2);
    let (whole, _) = run(&handle, request(&[1, 2, 3], 60));
    let middle = whole.char_indices().nth(whole.chars().count() / 2).unwrap().0;
    let stop: String = whole[middle..].chars().take(3).collect();

    let (text, finish) = run(&handle, Request { stop: vec![stop.clone()], ..request(&[1, 2, 3], 60) });

    assert_eq!(text, whole[..whole.find(&stop).unwrap()]);
    assert_eq!(finish.reason, FinishReason::Stop);
}

#[test]
fn what_cannot_be_served_is_refused_at_once() {
    let handle = start(2);
    let refused = |request: Request| handle.submit(request).err().unwrap();

    let limit = tiny::CONTEXT;
    assert_eq!(
        refused(request(&[1; 200], 1001)),
        EngineError::TooLong { prompt_tokens: 200, max_tokens: 1001, limit }
    );
    assert!(matches!(refused(request(&[], 5)), EngineError::BadRequest(_)));
    assert!(matches!(refused(request(&[9999], 5)), EngineError::BadRequest(_)));
    assert!(matches!(refused(request(&[1], 0)), EngineError::BadRequest(_)));
    assert!(matches!(refused(request(&[1], u32::MAX)), EngineError::TooLong { .. }));
    assert!(matches!(
        refused(Request { stop: vec![String::new()], ..request(&[1], 5) }),
        EngineError::BadRequest(_)
    ));
    assert_eq!(handle.limits(), Limits { max_context_tokens: limit, queue_depth: 2, queued: 0 });
}

#[test]
fn a_full_queue_says_busy_and_recovers() {
    let handle = start(2);
    let mut taken = Vec::new();

    let error = loop {
        match handle.submit(request(&[1, 2, 3], LONG)) {
            Ok(generation) => taken.push(generation),
            Err(error) => break error,
        }
        assert!(taken.len() < 1000);
    };

    assert!(
        matches!(error, EngineError::Busy { queue_depth: 2, retry_after } if retry_after >= Duration::from_secs(1))
    );
    assert_eq!(error.kind(), crate::Fault::Overload);
    drop(taken);
    assert_eq!(run(&handle, request(&[1], 5)).1.completion_tokens, 5);
}

#[test]
fn a_dropped_generation_is_not_computed_to_its_end() {
    let handle = start(64);
    let started = Instant::now();
    assert_eq!(run(&handle, request(&[1, 2, 3], LONG)).1.reason, FinishReason::Length);
    let one = started.elapsed();

    let started = Instant::now();
    for _ in 0..30 {
        let mut generation = handle.submit(request(&[1, 2, 3], LONG)).unwrap();
        while !matches!(generation.blocking_next(), Some(Event::Text { .. })) {}
    }
    run(&handle, request(&[1], 5));

    assert!(started.elapsed() < one * 15, "{:?} for 30, {one:?} for one", started.elapsed());
}

#[test]
fn a_deadline_ends_what_runs_and_what_waits() {
    let handle = start(8);
    let late = Request { deadline: Some(Instant::now()), ..request(&[1, 2, 3], LONG) };

    let (text, finish) = run(&handle, late);
    assert_eq!((text.as_str(), finish.reason, finish.completion_tokens), ("", FinishReason::Deadline, 0));

    let soon =
        || Request { deadline: Some(Instant::now() + Duration::from_millis(5)), ..request(&[1, 2, 3], LONG) };
    let both = [handle.submit(soon()).unwrap(), handle.submit(soon()).unwrap()];
    for generation in both {
        let finish = collect(generation).1;
        assert_eq!(finish.reason, FinishReason::Deadline);
        assert!(finish.completion_tokens < LONG);
    }
}

#[test]
fn stopping_cancels_refuses_and_stays_stopped() {
    let handle = start(8);
    let mut running = handle.submit(request(&[1, 2, 3], LONG)).unwrap();
    while !matches!(running.blocking_next(), Some(Event::Text { .. })) {}
    let mut waiting = handle.submit(request(&[1, 2, 3], LONG)).unwrap();

    handle.stop();
    handle.stop();

    assert_eq!(collect(running).1.reason, FinishReason::Cancelled);
    assert!(matches!(waiting.blocking_next(), Some(Event::Queued { position: 0, wait }) if !wait.is_zero()));
    assert_eq!(waiting.blocking_next(), Some(Event::Failed(EngineError::Stopped)));
    assert_eq!(waiting.blocking_next(), None);
    assert_eq!(handle.submit(request(&[1], 5)).err(), Some(EngineError::Stopped));
}

#[tokio::test]
async fn scores_are_log_probabilities_of_the_next_token() {
    let handle = start(2);
    let mut generation = handle.submit(request(&[4, 5, 6], 1)).unwrap();
    let first = loop {
        match generation.next().await {
            Some(Event::Finished(finish)) => break finish.tokens[0],
            Some(_) => {}
            None => panic!("no end"),
        }
    };
    let score = |candidates: Vec<u32>, deadline| {
        let (prompt, cache_salt, priority) = (vec![4, 5, 6], [0; 16], Priority::Bulk);
        handle.score(ScoreRequest { prompt, candidates, cache_salt, priority, user: 0, deadline })
    };

    let scores = score((0..tiny::VOCABULARY as u32).collect(), None).await.unwrap();

    let total: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
    assert!((total - 1.0).abs() < 1e-4, "{total}");
    assert!(scores.iter().all(|score| *score <= scores[first as usize]));
    assert_eq!(score(vec![1], Some(Instant::now())).await, Err(EngineError::Late));
    assert!(matches!(score(vec![], None).await, Err(EngineError::BadRequest(_))));
}

#[test]
fn handles_go_anywhere() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Handle>();
    check::<crate::Encoder>();
    check::<Tokenizer>();
}

#[test]
fn the_fingerprint_names_everything() {
    let handle = start(2);
    let fingerprint = handle.fingerprint();

    assert_eq!(fingerprint.architecture, "qwen3");
    assert_eq!(fingerprint.quantization, "F32");
    assert_eq!(fingerprint.weights_sha256, "abc");
    assert_eq!(fingerprint.tokenizer_sha256, handle.tokenizer().sha256());
    assert_eq!(fingerprint.context_tokens as usize, tiny::CONTEXT);
    assert!(fingerprint.device.starts_with("cpu ") && fingerprint.kernels.starts_with("docent "));
    assert_eq!(run(&handle, request(&[1], 1)).1.fingerprint, fingerprint.digest());
    let json = serde_json::to_string(fingerprint).unwrap();
    assert_eq!(&serde_json::from_str::<Fingerprint>(&json).unwrap(), fingerprint);
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let directory = tiny::model("qwen3");
    let options = DecoderOptions { model: directory.path().join("absent.gguf"), ..options(directory.path()) };

    let message = Handle::start(options.clone()).err().unwrap().to_string();
    assert!(message.contains("absent.gguf"), "{message}");
    std::fs::write(directory.path().join("absent.gguf"), b"GGUF").unwrap();
    assert!(matches!(Handle::start(options.clone()), Err(EngineError::Model { .. })));
    if !cfg!(feature = "cuda") {
        let on_gpu = Handle::start(DecoderOptions { device: DeviceChoice::Cuda(0), ..options });
        assert!(matches!(on_gpu, Err(EngineError::Device { .. })));
    }
}

/// On a GPU numbers depend on how many tokens are computed together, so what is promised is less than on a CPU: alone, the
/// same request has the same answer.
#[cfg(feature = "cuda")]
#[test]
fn alone_on_a_gpu_a_request_has_the_same_answer_twenty_times() {
    if crate::kernels::cuda::gpu_or_skip().is_none() {
        return;
    }
    let directory = tiny::model("qwen3");
    // heads that this crate's kernels are compiled for, which the tiny model's are not
    let path = directory.path().join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["head_dim"] = 64.into();
    std::fs::write(&path, config.to_string()).unwrap();
    let options = DecoderOptions {
        device: DeviceChoice::Cuda(0),
        load_format: LoadFormat::Dummy,
        kv_tokens: 2000,
        max_context_tokens: 1000,
        ..options(directory.path())
    };
    let prompt: Vec<u32> = (0..300).map(|id| id * 7 % 256).collect();
    let handle = Handle::start(options).unwrap();

    let answers: Vec<_> = (0..20_u8)
        .map(|round| run(&handle, Request { cache_salt: [round; 16], ..request(&prompt, 60) }).1.tokens)
        .collect();

    assert!(handle.fingerprint().device.starts_with("cuda"));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}
