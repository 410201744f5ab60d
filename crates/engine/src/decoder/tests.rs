use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use candle_transformers::models::llama;
use candle_transformers::models::quantized_qwen2;
use candle_transformers::models::quantized_qwen3;
use candle_transformers::models::qwen2;
use candle_transformers::models::qwen3;

use super::*;
use crate::blocks::BLOCK_TOKENS;
use crate::tiny;

/// The decoder of this crate's kernels and that of candle's tensors, both on a CPU.
fn both(path: &Path) -> [Box<dyn Model>; 2] {
    let options = LoadOptions {
        model: path,
        format: LoadFormat::Auto,
        device: DeviceChoice::Cpu,
        kv_tokens: tiny::CONTEXT,
        threads: 2,
    };
    [Box::new(cpu::load(&options).unwrap()), Box::new(tensors::load(&options).unwrap())]
}

fn ours(path: &Path) -> Box<dyn Model> {
    let [ours, _] = both(path);
    ours
}

fn tokens(count: usize) -> Vec<u32> {
    (0..count as u32).map(|i| i * 7919 % tiny::VOCABULARY as u32).collect()
}

/// Blocks for so many tokens, from the end of the cache to its beginning.
fn table(model: &dyn Model, count: usize) -> Vec<BlockId> {
    (0..count.div_ceil(BLOCK_TOKENS)).map(|index| BlockId::at(model.blocks() - 1 - index)).collect()
}

/// The logits after a prompt read in steps of `step` tokens.
fn in_steps(model: &mut dyn Model, prompt: &[u32], step: usize) -> Vec<f32> {
    let table = table(model, prompt.len());
    let mut logits = Vec::new();
    for (index, tokens) in prompt.chunks(step).enumerate() {
        let position = index * step;
        let part = Part { tokens, position, table: &table, rope: RopeProfile::X1, wanted: Wanted::Logits };
        logits = model.forward(&[part]).unwrap().remove(0);
    }
    logits
}

fn assert_close(a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < tolerance, "logits differ by {worst}");
}

/// The second opinion: candle's own model on the same files, the whole prompt at once.
fn candle_logits(architecture: &str, directory: &Path, prompt: &[u32]) -> Vec<f32> {
    let mapped = crate::weights::map_safetensors(directory).unwrap();
    let variables = VarBuilder::from_backend(Box::new(mapped), DType::F32, Device::Cpu);
    let config = std::fs::read(directory.join("config.json")).unwrap();
    let ids = Tensor::new(prompt, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let logits = match architecture {
        "qwen3" => {
            let config: qwen3::Config = serde_json::from_slice(&config).unwrap();
            qwen3::ModelForCausalLM::new(&config, variables).unwrap().forward(&ids, 0)
        }
        "qwen2" => {
            let config: qwen2::Config = serde_json::from_slice(&config).unwrap();
            qwen2::ModelForCausalLM::new(&config, variables).unwrap().forward(&ids, 0)
        }
        _ => {
            let config: llama::LlamaConfig = serde_json::from_slice(&config).unwrap();
            let config = config.into_config(false);
            let mut cache = llama::Cache::new(false, DType::F32, &config, &Device::Cpu).unwrap();
            llama::Llama::load(variables, &config).unwrap().forward(&ids, 0, &mut cache)
        }
    };
    logits.unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_forward_pass_is_that_of_candle_transformers() {
    for architecture in ["qwen3", "qwen2", "llama"] {
        let directory = tiny::model(architecture);
        let prompt = tokens(70);
        let expected = candle_logits(architecture, directory.path(), &prompt);

        // f32 sums in another order, and keys and values as halves
        for (mut model, tolerance) in both(directory.path()).into_iter().zip([2e-2, 1e-4]) {
            assert_close(&in_steps(model.as_mut(), &prompt, 70), &expected, tolerance);
        }
    }
}

#[test]
fn a_prompt_in_steps_gives_the_same_bits_as_at_once() {
    for architecture in ["qwen3", "qwen2", "llama"] {
        let directory = tiny::model(architecture);
        let prompt = tokens(300);
        let at_once = in_steps(ours(directory.path()).as_mut(), &prompt, 300);

        for step in [1, 7, 64, 299] {
            assert_eq!(in_steps(ours(directory.path()).as_mut(), &prompt, step), at_once, "{step}");
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_a_crowd_and_after_its_kv_was_elsewhere() {
    let directory = tiny::model("qwen2");
    let mut model = ours(directory.path());
    let prompts: Vec<Vec<u32>> = [100, 3, 65, 64, 128].map(tokens).into();
    let alone: Vec<Vec<f32>> = prompts.iter().map(|prompt| in_steps(model.as_mut(), prompt, 1000)).collect();
    let mut next = 0;
    let tables: Vec<Vec<BlockId>> = prompts
        .iter()
        .map(|prompt| {
            let first = next;
            next += prompt.len().div_ceil(BLOCK_TOKENS);
            (first..next).map(BlockId::at).collect()
        })
        .collect();
    let part = |index: usize, range: std::ops::Range<usize>| Part {
        tokens: &prompts[index][range.clone()],
        position: range.start,
        table: &tables[index],
        rope: RopeProfile::X1,
        wanted: Wanted::Logits,
    };

    let beginnings: Vec<Part<'_>> = (0..5).map(|index| part(index, 0..prompts[index].len() - 2)).collect();
    model.forward(&beginnings).unwrap();
    let saved = model.save(&tables[0]).unwrap();
    let elsewhere: Vec<BlockId> = (next..next + tables[0].len()).map(BlockId::at).collect();
    model.restore(0, &elsewhere, &saved).unwrap();
    let ends: Vec<Part<'_>> = (0..5)
        .map(|index| part(index, prompts[index].len() - 2..prompts[index].len()))
        .map(|part| Part { table: if part.table == tables[0] { &elsewhere } else { part.table }, ..part })
        .collect();

    assert_eq!(model.forward(&ends).unwrap(), alone);
}

#[test]
fn what_the_engine_does_not_compute_is_refused() {
    let check = |key: &str, value: serde_json::Value, expected: &str| {
        let directory = tiny::model("qwen3");
        let path = directory.path().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[key] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        let (model, device) = (directory.path(), DeviceChoice::Cpu);
        let options = LoadOptions { model, format: LoadFormat::Auto, device, kv_tokens: 64, threads: 1 };
        let message = load(&options).err().unwrap().to_string();
        assert!(message.contains(expected), "{message}");
    };

    check("rope_scaling", serde_json::json!({"type": "linear", "factor": 4.0}), "rope_scaling");
    check("use_sliding_window", true.into(), "use_sliding_window");
    check("model_type", "mamba".into(), "mamba");
    check("hidden_act", "gelu".into(), "silu");
    check("num_key_value_heads", 3.into(), "KV heads");
    check("hidden_size", 64.into(), "expected");
    check("quantization_config", serde_json::json!({"bits": 4}), "GGUF");
}

#[test]
fn gguf_files_agree_with_candle_and_slow_types_are_replaced() {
    for architecture in ["qwen2", "qwen3"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tiny.gguf");
        gguf_file::write(&path, architecture);
        let prompt: Vec<u32> = (0..50).map(|i| i * 5 % 64).collect();
        let expected = gguf_file::candle_logits(&path, architecture, &prompt);

        let [mut ours, mut tensors] = both(&path);

        assert_eq!(tensors.about().quantization, "Q5_0, Q8_0");
        assert_eq!(ours.about().quantization, "Q8_0, Q8_0 (from Q5_0)");
        assert_eq!(ours.about().end, [3]);
        assert_close(&in_steps(tensors.as_mut(), &prompt, 20), &expected, 1e-3);
        // eight bits for five, in a network that forgives nothing: logits go up to 7 here
        assert_close(&in_steps(ours.as_mut(), &prompt, 20), &expected, 0.5);
    }
}

/// A GGUF file of random weights in types of 32 values a block.
mod gguf_file {
    use std::fs::File;

    use candle_core::quantized::GgmlDType;
    use candle_core::quantized::QTensor;
    use candle_core::quantized::gguf_file;
    use candle_core::quantized::gguf_file::Value;

    use super::*;

    pub(super) fn write(path: &Path, architecture: &str) {
        let mut random = tiny::Random(3);
        let mut tensors = Vec::new();
        let mut add = |name: String, dims: &[usize], dtype: GgmlDType, offset: f32| {
            let values: Vec<f32> = (0..dims.iter().product()).map(|_| offset + random.next()).collect();
            let tensor = Tensor::from_vec(values, dims, &Device::Cpu).unwrap();
            tensors.push((name, QTensor::quantize(&tensor, dtype).unwrap()));
        };
        add("token_embd.weight".into(), &[64, 64], GgmlDType::Q8_0, 0.0);
        add("output_norm.weight".into(), &[64], GgmlDType::F32, 1.0);
        for layer in 0..2 {
            let name = |part: &str| format!("blk.{layer}.{part}");
            add(name("attn_norm.weight"), &[64], GgmlDType::F32, 1.0);
            add(name("ffn_norm.weight"), &[64], GgmlDType::F32, 1.0);
            for (part, rows, columns) in
                [("attn_q", 64, 64), ("attn_k", 32, 64), ("attn_v", 32, 64), ("attn_output", 64, 64)]
            {
                add(name(&format!("{part}.weight")), &[rows, columns], GgmlDType::Q5_0, 0.0);
                if architecture == "qwen2" && part != "attn_output" {
                    add(name(&format!("{part}.bias")), &[rows], GgmlDType::F32, 0.0);
                }
            }
            if architecture == "qwen3" {
                add(name("attn_q_norm.weight"), &[16], GgmlDType::F32, 1.0);
                add(name("attn_k_norm.weight"), &[16], GgmlDType::F32, 1.0);
            }
            add(name("ffn_gate.weight"), &[96, 64], GgmlDType::Q8_0, 0.0);
            add(name("ffn_up.weight"), &[96, 64], GgmlDType::Q5_0, 0.0);
            add(name("ffn_down.weight"), &[64, 96], GgmlDType::Q8_0, 0.0);
        }
        let sizes = [
            ("block_count", 2),
            ("context_length", 100),
            ("embedding_length", 64),
            ("feed_forward_length", 96),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
            ("attention.key_length", 16),
        ];
        let mut metadata: Vec<(String, Value)> =
            sizes.iter().map(|(key, size)| (format!("{architecture}.{key}"), Value::U32(*size))).collect();
        metadata.push(("general.architecture".into(), Value::String(architecture.into())));
        metadata.push((format!("{architecture}.attention.layer_norm_rms_epsilon"), Value::F32(1e-6)));
        metadata.push((format!("{architecture}.rope.freq_base"), Value::F32(10_000.0)));
        // candle's Qwen3 otherwise keeps its rotary table, positions included, in f16
        metadata.push(("general.dtype".into(), Value::U32(0)));
        metadata.push(("tokenizer.ggml.eos_token_id".into(), Value::U32(3)));
        let metadata: Vec<(&str, &Value)> =
            metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<(&str, &QTensor)> =
            tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        gguf_file::write(&mut File::create(path).unwrap(), &metadata, &tensors).unwrap();
    }

    pub(super) fn candle_logits(path: &Path, architecture: &str, prompt: &[u32]) -> Vec<f32> {
        let mut file = File::open(path).unwrap();
        let content = gguf_file::Content::read(&mut file).unwrap();
        let ids = Tensor::new(prompt, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let logits = if architecture == "qwen2" {
            quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &Device::Cpu)
                .unwrap()
                .forward(&ids, 0)
        } else {
            quantized_qwen3::ModelWeights::from_gguf(content, &mut file, &Device::Cpu)
                .unwrap()
                .forward(&ids, 0)
        };
        logits.unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }
}
