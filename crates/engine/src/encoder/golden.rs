//! Compares encoders with Hugging Face transformers from text to vector: ids and vectors of tiny models that
//! `golden/make_encoders.py` stored.

use candle_core::Device;
use serde::Deserialize;

use super::model::Model;
use super::*;
use crate::encoder::bert::Pooling;
use crate::encoder::padded::Padded;
use crate::golden::Golden;
use crate::golden::assert_mistakes_show;
use crate::golden::read;

/// What f32 sums in another order may change in a number of a vector of length 1, ours and candle's.
const OF_ENCODERS: f32 = 2e-6;
/// The same where keys and values are kept as halves.
const OF_DECODERS: f32 = 1e-3;

/// A text and what it becomes.
#[derive(Deserialize)]
struct Case {
    family: EncoderFamily,
    kind: TextKind,
    text: String,
    dimensions: usize,
    ids: Vec<u32>,
    truncated: bool,
    vector: Vec<f32>,
}

#[tokio::test]
async fn encoders_compute_what_transformers_computes() {
    for (name, tolerance) in
        [("bert", OF_ENCODERS), ("xlm-roberta", OF_ENCODERS), ("qwen3-embedding", OF_DECODERS)]
    {
        let golden: Golden<Case> = read(name);
        let directory = golden.directory();
        for (family, kind, dimensions) in groups(&golden) {
            let of_group =
                |case: &&Case| (case.family, case.kind, case.dimensions) == (family, kind, dimensions);
            let cases: Vec<&Case> = golden.cases.iter().filter(of_group).collect();
            let encoder = Encoder::start(options(directory.path(), family, dimensions)).unwrap();
            let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();

            let together = encoder.embed_checked(texts.clone(), kind).await.unwrap();

            assert_eq!(encoder.fingerprint().architecture, golden.config["model_type"].as_str().unwrap());
            let truncated: Vec<bool> = cases.iter().map(|case| case.truncated).collect();
            assert_eq!(together.truncated, truncated);
            near(name, &together.vectors, &cases, tolerance);
            for (text, vector) in texts.into_iter().zip(&together.vectors) {
                assert_eq!(&encoder.embed(vec![text], kind).await.unwrap()[0], vector);
            }
        }
        assert_mistakes_show(name, &golden.mistakes, tolerance);
    }
}

#[test]
fn texts_become_the_tokens_that_the_models_authors_make_of_them() {
    for name in ["bert", "xlm-roberta", "qwen3-embedding"] {
        let golden: Golden<Case> = read(name);
        let directory = golden.directory();
        let tokenizer = Tokenizer::load(&directory.path().join("tokenizer.json")).unwrap();
        for (family, kind, dimensions) in groups(&golden) {
            let model = Model::load(&options(directory.path(), family, dimensions), &tokenizer).unwrap();
            for case in golden.cases.iter().filter(|case| (case.family, case.kind) == (family, kind)) {
                let framed = model.frame(&tokenizer, &case.text, kind).unwrap();

                assert_eq!((&framed.ids, framed.truncated), (&case.ids, case.truncated), "{}", case.text);
            }
        }
    }
}

#[test]
fn candles_tensors_compute_what_transformers_computes() {
    for name in ["bert", "xlm-roberta"] {
        let golden: Golden<Case> = read(name);
        let padded = Padded::load(golden.directory().path(), &Device::Cpu).unwrap();
        for (family, kind, dimensions) in groups(&golden) {
            let of_group =
                |case: &&Case| (case.family, case.kind, case.dimensions) == (family, kind, dimensions);
            let cases: Vec<&Case> = golden.cases.iter().filter(of_group).collect();
            let ids: Vec<Vec<u32>> = cases.iter().map(|case| case.ids.clone()).collect();
            let pooling = match family {
                EncoderFamily::E5 | EncoderFamily::MiniLm => Pooling::Mean,
                EncoderFamily::BgeZh | EncoderFamily::BgeEn | EncoderFamily::BgeM3 => Pooling::First,
                EncoderFamily::Qwen3Embedding => panic!("no encoder"),
            };

            let vectors = padded.embed(&ids, pooling).unwrap();

            let length = |vector: &[f32]| vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            let of_length_1 = |vector: Vec<f32>| vector.iter().map(|x| x / length(&vector)).collect();
            let vectors: Vec<Vec<f32>> = vectors.into_iter().map(of_length_1).collect();
            near(name, &vectors, &cases, OF_ENCODERS);
        }
    }
}

#[test]
fn only_vectors_that_were_trained_to_be_cut_are_cut() {
    let refused = |name: &str, family, dimensions| {
        let directory = read::<Golden<Case>>(name).directory();
        let started = Encoder::start(options(directory.path(), family, dimensions));
        matches!(started, Err(EngineError::BadRequest(_)))
    };

    assert!(refused("bert", EncoderFamily::E5, 32));
    assert!(refused("qwen3-embedding", EncoderFamily::Qwen3Embedding, 31));
    assert!(refused("qwen3-embedding", EncoderFamily::Qwen3Embedding, 65));
}

/// All there is of family, kind and dimensions.
fn groups(golden: &Golden<Case>) -> Vec<(EncoderFamily, TextKind, usize)> {
    let mut groups = Vec::new();
    for case in &golden.cases {
        let group = (case.family, case.kind, case.dimensions);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// 64 numbers are all that the tiny models' vectors have.
fn options(directory: &std::path::Path, family: EncoderFamily, dimensions: usize) -> EncoderOptions {
    EncoderOptions {
        directory: directory.to_owned(),
        family,
        dimensions: (dimensions != 64).then_some(dimensions),
        device: DeviceChoice::Cpu,
        queue_depth: 4,
        weights_sha256: String::new(),
    }
}

fn near(name: &str, vectors: &[Vec<f32>], cases: &[&Case], tolerance: f32) {
    assert_eq!(vectors.len(), cases.len());
    let mut farthest = 0.0_f32;
    for (vector, case) in vectors.iter().zip(cases) {
        assert_eq!(vector.len(), case.dimensions);
        for (ours, theirs) in vector.iter().zip(&case.vector) {
            assert!(ours.is_finite());
            farthest = farthest.max((ours - theirs).abs());
        }
    }
    println!("{name}, {:?}: vectors differ by {farthest}", cases[0].family);
    assert!(farthest < tolerance, "{name}, {:?}: {farthest}", cases[0].family);
}
