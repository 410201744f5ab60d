use std::path::Path;

use candle_nn::VarBuilder;
use candle_transformers::models::llama;
use candle_transformers::models::quantized_qwen2;
use candle_transformers::models::quantized_qwen3;
use candle_transformers::models::qwen2;
use candle_transformers::models::qwen3;

use super::*;
use crate::tiny;

fn load(directory: &Path) -> Decoder {
    let model = directory;
    let device = DeviceChoice::Cpu;
    Decoder::load(&LoadOptions { model, device, requantize_slow: true, max_context_tokens: tiny::CONTEXT })
        .unwrap()
}

fn tokens(count: usize) -> Vec<u32> {
    (0..count as u32).map(|i| i * 7919 % tiny::VOCABULARY as u32).collect()
}

/// The logits after a prompt read in steps of `step` tokens.
fn in_steps(decoder: &Decoder, cache: &mut Cache, prompt: &[u32], step: usize) -> Vec<f32> {
    let mut last = None;
    for chunk in prompt.chunks(step) {
        last = Some(decoder.forward(chunk, cache).unwrap());
    }
    decoder.logits(&last.unwrap()).unwrap()
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
        let decoder = load(directory.path());
        let prompt = tokens(70);

        let ours = in_steps(&decoder, &mut decoder.cache(tiny::CONTEXT), &prompt, 70);

        // f32 sums in another order
        assert_close(&ours, &candle_logits(architecture, directory.path(), &prompt), 1e-4);
    }
}

#[test]
fn a_prompt_in_steps_gives_what_it_gives_at_once() {
    let directory = tiny::model("qwen2");
    let decoder = load(directory.path());
    let prompt = tokens(300);

    let at_once = in_steps(&decoder, &mut decoder.cache(tiny::CONTEXT), &prompt, 300);

    for step in [1, 7, 64, 299] {
        let stepped = in_steps(&decoder, &mut decoder.cache(tiny::CONTEXT), &prompt, step);
        assert_close(&stepped, &at_once, 1e-4);
    }
}

#[test]
fn a_warm_prefix_gives_the_same_bits_as_a_cold_one() {
    let directory = tiny::model("qwen3");
    let decoder = load(directory.path());
    let (first, mut second) = (tokens(700), tokens(700));
    second[600] += 1;
    let read = |cache: &mut Cache, prompt: &[u32], salt: u8| {
        let kept = cache.reuse(prompt, [salt; 16]);
        let mut last = None;
        for chunk in prompt[kept..].chunks(CHUNK_TOKENS) {
            last = Some(decoder.forward(chunk, cache).unwrap());
            cache.remember(chunk);
        }
        (kept, decoder.logits(&last.unwrap()).unwrap())
    };
    let cold = read(&mut decoder.cache(tiny::CONTEXT), &second, 1).1;
    let mut cache = decoder.cache(tiny::CONTEXT);
    read(&mut cache, &first, 1);
    decoder.forward(&[5], &mut cache).unwrap();

    let (kept, warm) = read(&mut cache, &second, 1);

    assert_eq!(kept, 512);
    assert_eq!(warm, cold);
    assert_eq!(read(&mut cache, &second, 2).0, 0, "another salt shares nothing");
    let (kept, again) = read(&mut cache, &second[..512], 2);
    assert_eq!(kept, 256, "one token at least is computed");
    assert_eq!(again, read(&mut decoder.cache(tiny::CONTEXT), &second[..512], 1).1);
}

#[test]
fn a_cache_grows_and_refuses_more_than_the_context() {
    let directory = tiny::model("llama");
    let decoder = load(directory.path());
    let mut cache = decoder.cache(tiny::CONTEXT);

    in_steps(&decoder, &mut cache, &tokens(1100), 256);

    assert_eq!(cache.len(), 1100);
    assert!(decoder.forward(&tokens(101), &mut cache).is_err());
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
        let options = LoadOptions { model, device, requantize_slow: true, max_context_tokens: 64 };
        let message = Decoder::load(&options).err().unwrap().to_string();
        assert!(message.contains(expected), "{message}");
    };

    check("rope_scaling", serde_json::json!({"type": "yarn", "factor": 4.0}), "rope_scaling");
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
        let load = |requantize_slow| {
            let (model, device) = (path.as_path(), DeviceChoice::Cpu);
            Decoder::load(&LoadOptions { model, device, requantize_slow, max_context_tokens: 100 }).unwrap()
        };
        let prompt: Vec<u32> = (0..50).map(|i| i * 5 % 64).collect();

        let (as_it_is, replaced) = (load(false), load(true));

        assert_eq!(as_it_is.about().quantization, "Q5_0, Q8_0");
        assert_eq!(replaced.about().quantization, "Q8_0 (from Q5_0), Q8_0");
        assert_eq!(as_it_is.about().end, [3]);
        let ours = in_steps(&as_it_is, &mut as_it_is.cache(100), &prompt, 20);
        assert_close(&ours, &gguf_file::candle_logits(&path, architecture, &prompt), 1e-3);
        // eight bits for five, in a network that forgives nothing: logits go up to 7 here
        assert_close(&ours, &in_steps(&replaced, &mut replaced.cache(100), &prompt, 20), 0.5);
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
