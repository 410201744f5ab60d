//! Tiny models and tokenizers for tests, made of nothing but a seed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use candle_core::Device;
use candle_core::Tensor;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::Tokenizer;

/// Ids of [`tokenizer`]: 256 bytes, four merges, four control tokens.
pub(crate) const VOCABULARY: usize = 264;
/// The id that ends an answer.
pub(crate) const END: u32 = 260;
/// The longest sequence of a tiny model.
pub(crate) const CONTEXT: usize = 1200;

/// A byte-level tokenizer with `<|im_end|>`, `<think>` and `</think>` as control tokens.
pub(crate) fn tokenizer() -> Tokenizer {
    static LOADED: LazyLock<Tokenizer> = LazyLock::new(|| load(&tokenizer_file()));
    LOADED.clone()
}

/// A Unigram tokenizer that lists its control tokens among its pieces, as sentencepiece models do.
pub(crate) fn unigram_tokenizer() -> Tokenizer {
    let special = |id: u32, content: &str| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true});
    load(&json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
        "added_tokens": [special(0, "<s>"), special(1, "</s>")],
        "model": {"type": "Unigram", "unk_id": 2, "vocab": [["<s>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["a", -1.0], ["<", -2.0], ["/", -2.0], ["s", -2.0], [">", -2.0]]},
    }))
}

fn load(file: &Value) -> Tokenizer {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokenizer.json");
    std::fs::write(&path, file.to_string()).unwrap();
    Tokenizer::load(&path).unwrap()
}

fn tokenizer_file() -> Value {
    // GPT-2's stand-ins for bytes, in the order of the bytes
    let mut next = 0x100;
    let stand_in = |byte: u8| match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
        _ => {
            next += 1;
            char::from_u32(next - 1).unwrap()
        }
    };
    let bytes: Vec<String> = (0..=255).map(stand_in).map(String::from).collect();
    let mut vocabulary: HashMap<String, usize> = bytes.iter().cloned().zip(0..).collect();
    // 费 is E8 B4 B9: one merge within a character, one across two
    let merges = [("t", "h"), ("th", "e"), (&bytes[0xE8], &bytes[0xB4]), (&bytes[0xB9], &bytes[0xE8])];
    for (index, (left, right)) in merges.iter().enumerate() {
        vocabulary.insert(format!("{left}{right}"), 256 + index);
    }
    let added = |id: u32, content: &str, special: bool| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": special});
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    json!({
        "version": "1.0",
        "added_tokens": [added(END, "<|im_end|>", true), added(261, "<|endoftext|>", true), added(262, "<think>", false), added(263, "</think>", false)],
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": vocabulary,
            "merges": merges.map(|(left, right)| format!("{left} {right}")),
        },
    })
}

/// A directory with a random model of the architecture (`qwen3`, `qwen2` or `llama`) and [`tokenizer`].
pub(crate) fn model(architecture: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("tokenizer.json"), tokenizer_file().to_string()).unwrap();
    std::fs::write(directory.path().join("config.json"), config(architecture).to_string()).unwrap();
    save(directory.path(), architecture);
    directory
}

fn config(architecture: &str) -> Value {
    json!({
        "model_type": architecture,
        "vocab_size": VOCABULARY + 9,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "attention_bias": false,
        "max_position_embeddings": CONTEXT,
        "sliding_window": 4096,
        "max_window_layers": 2,
        "tie_word_embeddings": false,
        "rope_theta": 10000.0,
        "rope_scaling": null,
        "rms_norm_eps": 1e-6,
        "use_sliding_window": false,
        "hidden_act": "silu",
        "eos_token_id": END,
    })
}

/// Two shards, as large models come.
fn save(directory: &Path, architecture: &str) {
    let mut random = Random(7);
    let mut shards = [HashMap::new(), HashMap::new()];
    let mut add = |shard: usize, name: &str, dims: &[usize], offset: f32| {
        shards[shard].insert(format!("{name}.weight"), random.tensor(dims, offset));
    };
    add(0, "model.embed_tokens", &[VOCABULARY + 9, 32], 0.0);
    add(1, "model.norm", &[32], 1.0);
    for layer in 0..2 {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        add(layer, &name("input_layernorm"), &[32], 1.0);
        add(layer, &name("post_attention_layernorm"), &[32], 1.0);
        add(layer, &name("self_attn.q_proj"), &[32, 32], 0.0);
        add(layer, &name("self_attn.k_proj"), &[16, 32], 0.0);
        add(layer, &name("self_attn.v_proj"), &[16, 32], 0.0);
        add(layer, &name("self_attn.o_proj"), &[32, 32], 0.0);
        add(layer, &name("mlp.gate_proj"), &[64, 32], 0.0);
        add(layer, &name("mlp.up_proj"), &[64, 32], 0.0);
        add(layer, &name("mlp.down_proj"), &[32, 64], 0.0);
        if architecture == "qwen3" {
            add(layer, &name("self_attn.q_norm"), &[8], 1.0);
            add(layer, &name("self_attn.k_norm"), &[8], 1.0);
        }
    }
    if architecture == "qwen2" {
        for (layer, shard) in shards.iter_mut().enumerate() {
            for (part, rows) in [("q_proj", 32), ("k_proj", 16), ("v_proj", 16)] {
                let name = format!("model.layers.{layer}.self_attn.{part}.bias");
                shard.insert(name, random.tensor(&[rows], 0.0));
            }
        }
    }
    // control tokens get logits of 0, so that a greedy answer goes on to its limit
    let head = random.tensor(&[END as usize, 32], 0.0);
    let controls = Tensor::zeros((VOCABULARY + 9 - END as usize, 32), head.dtype(), &Device::Cpu).unwrap();
    shards[1].insert("lm_head.weight".into(), Tensor::cat(&[head, controls], 0).unwrap());
    for (index, shard) in shards.iter().enumerate() {
        let path = directory.join(format!("model-0000{}-of-00002.safetensors", index + 1));
        candle_core::safetensors::save(shard, path).unwrap();
    }
}

/// Numbers that look random enough for weights: a linear congruence (Knuth, MMIX).
pub(crate) struct Random(pub u64);

impl Random {
    /// In [-0.5, 0.5).
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5
    }

    fn tensor(&mut self, dims: &[usize], offset: f32) -> Tensor {
        let values: Vec<f32> = (0..dims.iter().product()).map(|_| offset + self.next()).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }
}
