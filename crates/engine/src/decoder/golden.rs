//! Compares the decoder with Hugging Face transformers: logits of tiny models that `golden/make.py` stored. Quantised
//! tensors are blocks of bytes from their recipes, so that nothing depends on anybody's quantiser.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use candle_core::quantized::GgmlDType;
use candle_core::quantized::QStorage;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file;
use serde::Deserialize;
use serde_json::Value;

use candle_core::Device;

use super::rope::yarn;
use super::*;
use crate::blocks::BLOCK_TOKENS;
use crate::golden::Recipe;
use crate::golden::assert_mistakes_show;
use crate::golden::directory;
use crate::golden::outputs;
use crate::golden::read;

/// What candle's f32 sums, in another order, may differ by; and ours, which keep keys and values as halves.
const OF_TENSORS: f32 = 2e-4;
const OF_OURS: f32 = 8e-3;
/// On a GPU, where everything between sums is bf16; with quantised weights, activations are rounded to 8 bits besides.
/// Reckoned, not measured yet.
#[cfg(feature = "cuda")]
const ON_A_GPU: f32 = 0.2;
#[cfg(feature = "cuda")]
const ON_A_GPU_QUANTISED: f32 = 0.5;

/// What a file of `golden/` holds of a model.
#[derive(Deserialize)]
struct Golden {
    /// `config.json` of a directory, or …
    #[serde(default)]
    config: serde_json::Map<String, Value>,
    /// … the metadata of a GGUF file.
    #[serde(default)]
    metadata: serde_json::Map<String, Value>,
    tensors: Vec<Recipe>,
    prompt: Vec<u32>,
    /// Of each position.
    argmax: Vec<usize>,
    /// Of each position.
    logsumexp: Vec<f32>,
    positions: Vec<usize>,
    ids: Vec<usize>,
    /// Of each of `positions` those of `ids`.
    logits: Vec<Vec<f32>>,
    /// The most that `logits` change through a mistake.
    mistakes: BTreeMap<String, f32>,
}

#[test]
fn safetensors_models_compute_what_transformers_computes() {
    for name in ["qwen3", "qwen3-64", "qwen3-tied", "qwen2", "llama"] {
        let golden: Golden = read(name);

        check_both(name, &golden, directory(&golden.config, &golden.tensors).path(), RopeProfile::X1);
    }
}

#[test]
fn yarn_computes_what_transformers_computes() {
    for (name, rope) in [("qwen3-yarn2", RopeProfile::X2), ("qwen3-yarn4", RopeProfile::X4)] {
        let golden: Golden = read(name);
        let directory = directory(&golden.config, &golden.tensors);
        let model = load(&options(directory.path())).unwrap();

        assert_eq!(model.about().rope_of(golden.prompt.len()), Some(rope));
        assert_eq!(model.about().rope_of(64), Some(RopeProfile::X1));
        assert_eq!(model.about().rope_of(64 * rope.factor() + 1), None);
        check_both(name, &golden, directory.path(), rope);
    }
}

#[test]
fn gguf_models_compute_what_transformers_computes_with_their_numbers() {
    for name in ["gguf-qwen3", "gguf-qwen2", "gguf-llama", "gguf-llama-tied"] {
        let golden: Golden = read(name);
        let directory = tempfile::tempdir().unwrap();
        let (exact, quantised) =
            (directory.path().join("exact.gguf"), directory.path().join("quantised.gguf"));
        let tensors: Vec<QTensor> = golden.tensors.iter().map(Recipe::tensor).collect();
        write_gguf(&quantised, &golden, &tensors);
        let numbers = tensors.iter().map(|tensor| {
            QTensor::quantize(&tensor.dequantize(&Device::Cpu).unwrap(), GgmlDType::F32).unwrap()
        });
        write_gguf(&exact, &golden, &numbers.collect::<Vec<_>>());

        // the same numbers without blocks: all but the kernels of quantised products
        check_both(name, &golden, &exact, RopeProfile::X1);
        // those kernels round activations to 8 bits, which transformers does not
        let [mut ours, mut tensors] = both(&quantised);
        check(name, &golden, ours.as_mut(), RopeProfile::X1, 0.3);
        check(name, &golden, tensors.as_mut(), RopeProfile::X1, 0.3);
    }
}

#[cfg(feature = "cuda")]
#[test]
fn a_gpu_computes_what_transformers_computes() {
    if crate::kernels::cuda::gpu_or_skip().is_none() {
        return;
    }
    let on_gpu =
        |model: &Path| load(&LoadOptions { device: DeviceChoice::Cuda(0), ..options(model) }).unwrap();
    let (x1, x2, x4) = (RopeProfile::X1, RopeProfile::X2, RopeProfile::X4);
    for (name, rope) in [
        ("qwen3-64", x1),
        ("qwen3", x1),
        ("qwen3-tied", x1),
        ("qwen2", x1),
        ("llama", x1),
        ("qwen3-yarn2", x2),
        ("qwen3-yarn4", x4),
    ] {
        let golden: Golden = read(name);
        check(
            name,
            &golden,
            on_gpu(directory(&golden.config, &golden.tensors).path()).as_mut(),
            rope,
            ON_A_GPU,
        );
    }
    for name in ["gguf-qwen3", "gguf-qwen2", "gguf-llama", "gguf-llama-tied"] {
        let golden: Golden = read(name);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("quantised.gguf");
        write_gguf(&path, &golden, &golden.tensors.iter().map(Recipe::tensor).collect::<Vec<_>>());
        check(name, &golden, on_gpu(&path).as_mut(), x1, ON_A_GPU_QUANTISED);
    }
}

#[test]
fn yarn_tables_are_those_of_transformers() {
    #[derive(Deserialize)]
    struct Golden {
        tables: Vec<Table>,
    }
    #[derive(Deserialize)]
    struct Table {
        head: usize,
        base: f64,
        factor: f64,
        original: usize,
        inv_freq: Vec<f32>,
        attention_factor: f32,
    }
    for table in read::<Golden>("yarn").tables {
        let (frequencies, scale) = yarn(table.head, table.base, table.factor, table.original);

        assert_eq!(frequencies.len(), table.inv_freq.len());
        for (ours, theirs) in frequencies.iter().zip(&table.inv_freq) {
            // they compute powers in f32
            assert!((ours / theirs - 1.0).abs() < 1e-6, "{ours} for {theirs}");
        }
        assert!((scale - table.attention_factor).abs() < 1e-6, "{scale} for {}", table.attention_factor);
    }
}

fn options(model: &Path) -> LoadOptions<'_> {
    LoadOptions { model, format: LoadFormat::Auto, device: DeviceChoice::Cpu, kv_tokens: 512, threads: 2 }
}

/// The decoder of this crate's kernels and that of candle's tensors.
fn both(model: &Path) -> [Box<dyn Model>; 2] {
    [Box::new(cpu::load(&options(model)).unwrap()), Box::new(tensors::load(&options(model)).unwrap())]
}

fn check_both(name: &str, golden: &Golden, model: &Path, rope: RopeProfile) {
    let [mut ours, mut tensors] = both(model);
    check(name, golden, ours.as_mut(), rope, OF_OURS);
    check(name, golden, tensors.as_mut(), rope, OF_TENSORS);
    assert_mistakes_show(name, &golden.mistakes, OF_OURS);
}

/// Compares the logits with the prompt read in steps and, as an answer is written, token by token.
fn check(name: &str, golden: &Golden, model: &mut dyn Model, rope: RopeProfile, tolerance: f32) {
    let (mut read, mut of_logits, mut of_sums) = (0, 0.0_f32, 0.0_f32);
    let stored = |index: usize, logits: &[f32]| {
        let pairs = golden.ids.iter().zip(&golden.logits[index]);
        pairs.map(|(id, expected)| (logits[*id] - expected).abs()).fold(0.0, f32::max)
    };
    for (index, position) in golden.positions.iter().enumerate() {
        let logits = logits_after(model, &golden.prompt[read..=*position], read, rope);
        of_logits = of_logits.max(stored(index, &logits));
        read = position + 1;
    }
    for (position, token) in golden.prompt.iter().enumerate() {
        let logits = logits_after(model, &[*token], position, rope);
        if let Some(index) = golden.positions.iter().position(|stored| *stored == position) {
            of_logits = of_logits.max(stored(index, &logits));
        }
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let below = highest - logits[golden.argmax[position]];
        assert!(below <= 2.0 * tolerance, "{name}: the best token at {position} is {below} below another");
        let sum = highest + logits.iter().map(|logit| (logit - highest).exp()).sum::<f32>().ln();
        of_sums = of_sums.max((sum - golden.logsumexp[position]).abs());
    }
    println!("{name}: logits differ by {of_logits}, logsumexp by {of_sums}");
    assert!(of_logits < tolerance && of_sums < tolerance, "{name}: {of_logits} and {of_sums}");
}

fn logits_after(model: &mut dyn Model, tokens: &[u32], position: usize, rope: RopeProfile) -> Vec<f32> {
    let table: Vec<BlockId> = (0..512 / BLOCK_TOKENS).rev().map(BlockId::at).collect();
    let table = &table[..];
    let logits = model.forward(&[Part { tokens, position, table, rope, wanted: Wanted::Logits }]).unwrap();
    // the largest of differences would pass over what is not a number
    assert!(logits[0].iter().all(|logit| logit.is_finite()));
    logits[0].clone()
}

fn write_gguf(path: &Path, golden: &Golden, tensors: &[QTensor]) {
    let value = |value: &Value| match (value.as_str(), value.as_u64()) {
        (Some(text), _) => gguf_file::Value::String(text.to_owned()),
        (None, Some(number)) => gguf_file::Value::U32(number as u32),
        (None, None) => gguf_file::Value::F32(value.as_f64().unwrap() as f32),
    };
    let metadata: Vec<_> = golden.metadata.iter().map(|(key, entry)| (key.as_str(), value(entry))).collect();
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<_> = golden.tensors.iter().map(|recipe| recipe.name.as_str()).zip(tensors).collect();
    gguf_file::write(&mut File::create(path).unwrap(), &metadata, &tensors).unwrap();
}

impl Recipe {
    fn tensor(&self) -> QTensor {
        match self.kind.as_str() {
            "Q8_0" => self.blocks(GgmlDType::Q8_0, &[(0, self.d)]),
            "Q4_K" => self.blocks(GgmlDType::Q4K, &[(0, self.d), (2, self.dmin)]),
            "Q6_K" => self.blocks(GgmlDType::Q6K, &[(208, self.d)]),
            "F16" => QTensor::quantize(&self.floats(), GgmlDType::F16).unwrap(),
            _ => QTensor::quantize(&self.floats(), GgmlDType::F32).unwrap(),
        }
    }

    /// Blocks of bytes with f16 scales, at the places given, up to 63 steps above the bits given.
    fn blocks(&self, kind: GgmlDType, scales: &[(usize, u16)]) -> QTensor {
        let blocks = self.dims.iter().product::<usize>() / kind.block_size();
        let bytes = outputs(&self.name).map(|output| (output >> 56) as u8);
        let mut bytes: Vec<u8> = bytes.take(blocks * kind.type_size()).collect();
        for block in bytes.chunks_mut(kind.type_size()) {
            if kind == GgmlDType::Q8_0 {
                // no quantiser writes -128
                block[2..].iter_mut().filter(|byte| **byte == 0x80).for_each(|byte| *byte = 0x81);
            }
            for (at, bits) in scales {
                let bits = bits + u16::from(block[*at] & 0x3F);
                block[*at..at + 2].copy_from_slice(&bits.to_le_bytes());
            }
        }
        let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, kind).unwrap();
        QTensor::new(storage, self.dims.as_slice()).unwrap()
    }
}
