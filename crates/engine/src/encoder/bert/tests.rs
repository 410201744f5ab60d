use std::collections::HashMap;
use std::path::Path;

use candle_core::Device;
use candle_core::Tensor;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::encoder::padded::Padded;
use crate::tiny::Random;

const HIDDEN: usize = 96;
const INNER: usize = 400;
const LAYERS: usize = 3;
const VOCABULARY: usize = 50;
const POSITIONS: usize = 200;

/// A random model with tensors whose names begin with `prefix`.
fn save(architecture: &str, prefix: &str, activation: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = json!({
        "model_type": architecture,
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 3,
        "intermediate_size": INNER,
        "hidden_act": activation,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-5,
        "pad_token_id": 1,
        "position_embedding_type": "absolute",
    });
    std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    save_tensors(directory.path(), prefix);
    directory
}

fn save_tensors(directory: &Path, prefix: &str) {
    let (mut random, mut tensors) = (Random(11), HashMap::new());
    let mut add = |name: String, dims: &[usize], offset: f32| {
        let values: Vec<f32> = (0..dims.iter().product()).map(|_| offset + random.next()).collect();
        tensors.insert(format!("{prefix}{name}"), Tensor::from_vec(values, dims, &Device::Cpu).unwrap());
    };
    for (part, rows) in [("word", VOCABULARY), ("position", POSITIONS), ("token_type", 2)] {
        add(format!("embeddings.{part}_embeddings.weight"), &[rows, HIDDEN], 0.0);
    }
    let mut norms = vec!["embeddings".to_owned()];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (part, rows, columns) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", INNER, HIDDEN),
            ("output.dense", HIDDEN, INNER),
        ] {
            add(format!("{}.weight", name(part)), &[rows, columns], 0.0);
            add(format!("{}.bias", name(part)), &[rows], 0.0);
        }
        norms.extend(["attention.output", "output"].map(name));
    }
    for norm in norms {
        add(format!("{norm}.LayerNorm.weight"), &[HIDDEN], 1.0);
        add(format!("{norm}.LayerNorm.bias"), &[HIDDEN], 0.0);
    }
    candle_core::safetensors::save(&tensors, directory.join("model.safetensors")).unwrap();
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn text(random: &mut Random, tokens: usize) -> Vec<u32> {
    // 1 is the padding, which no text holds
    (0..tokens).map(|_| 2 + ((random.next() + 0.5) * (VOCABULARY - 2) as f32) as u32).collect()
}

#[test]
fn packed_texts_get_the_vectors_that_the_tensor_library_gives_padded_ones() {
    let mut random = Random(3);
    let texts: Vec<Vec<u32>> = [1, 7, 48, 49, 130, 2].map(|tokens| text(&mut random, tokens)).into();
    for (architecture, prefix, pooling) in [
        ("bert", "", Pooling::Mean),
        ("bert", "bert.", Pooling::First),
        ("xlm-roberta", "", Pooling::First),
        ("xlm-roberta", "roberta.", Pooling::Mean),
    ] {
        let directory = save(architecture, prefix, "gelu");
        let packed = Bert::load(directory.path()).unwrap();
        let padded = Padded::load(directory.path(), &Device::Cpu).unwrap();

        let (ours, theirs) = (packed.embed(&texts, pooling).unwrap(), padded.embed(&texts, pooling).unwrap());

        assert_eq!(packed.max_tokens(), padded.max_tokens());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            // sums in another order
            assert!(cosine(ours, theirs) > 0.999_999, "{prefix}: {}", cosine(ours, theirs));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_text_has_the_same_bits_alone_and_in_every_crowd(
        lengths in vec(1_usize..120, 1..8),
        seed: u64,
        threads in 1_usize..4,
    ) {
        let directory = save("bert", "", "gelu");
        let model = Bert::load(directory.path()).unwrap();
        let mut random = Random(seed);
        let texts: Vec<Vec<u32>> = lengths.iter().map(|tokens| text(&mut random, *tokens)).collect();
        let backwards: Vec<Vec<u32>> = texts.iter().rev().cloned().collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();

        let together = pool.install(|| model.embed(&texts, Pooling::Mean)).unwrap();

        let mut turned = model.embed(&backwards, Pooling::Mean).unwrap();
        turned.reverse();
        prop_assert_eq!(&turned, &together);
        for (text, vector) in texts.into_iter().zip(together) {
            prop_assert_eq!(&model.embed(&[text], Pooling::Mean).unwrap()[0], &vector);
        }
    }
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let directory = save("bert", "", "gelu");
    let model = Bert::load(directory.path()).unwrap();
    let refused =
        |texts: &[Vec<u32>]| matches!(model.embed(texts, Pooling::Mean), Err(EngineError::Internal(_)));
    assert!(refused(&[vec![2], vec![]]));
    assert!(refused(&[vec![2; POSITIONS + 1]]));
    assert!(refused(&[vec![VOCABULARY as u32]]));
    assert!(model.embed(&[], Pooling::Mean).unwrap().is_empty());

    for (directory, expected) in [
        (save("bert", "", "relu"), "activation"),
        (save("bert", "other.", "gelu"), "no tensor"),
        (save("roberta", "", "gelu"), "roberta"),
    ] {
        let error = Bert::load(directory.path()).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn blocks_are_shared_out_evenly_and_fit_into_the_cache() {
    for tokens in 1..2000 {
        for threads in 1..9 {
            let rows = block_rows(tokens, 384, threads);
            let rounds = tokens.div_ceil(96 * threads);
            assert!(rows <= 96 && tokens.div_ceil(rows) <= rounds * threads);
        }
    }
}
