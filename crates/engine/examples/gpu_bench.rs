//! How fast a decoder is, and which share of what its device can do:
//!
//! ```text
//! cargo run --release -p engine --features cuda --example gpu_bench -- MODEL [NAME=VALUE]...
//!
//! format=dummy            random weights, MODEL is a directory with `config.json` (default auto)
//! device=cuda:0           or cpu
//! prompts=4096,32768,76800,131072   tokens of prompts that are read alone
//! sequences=1,8,32,64     answers that are written together
//! context=2048            tokens before each answer
//! steps=64                tokens of each answer
//! kv_tokens=...           room in the cache; by default what the above needs, or what fits beside the weights
//! tflops=989 gigabytes=3350   the device's peaks, bf16 without sparsity and memory, a second; by default by its name
//! ```
//!
//! Prints a line of JSON for each. `roofline` is the share of the peak that bounds it: arithmetic for prompts (2 operations
//! a weight and token, and attention), memory for answers (all weights and all keys and values, once a step). A line with
//! `error` in it says what could not be measured.
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use engine::DeviceChoice;
use engine::LoadFormat;
use engine::Stopwatch;
use serde::Deserialize;
use serde_json::json;

/// (part of a name that `nvidia-smi` gives, bf16 TFLOPS, GB/s), from NVIDIA's data sheets.
const PEAKS: [(&str, f64, f64); 5] = [
    ("H200", 989.0, 4800.0),
    ("H100 PCIe", 756.0, 2000.0),
    ("H100", 989.0, 3350.0),
    ("A100-SXM4-80GB", 312.0, 2039.0),
    ("A100", 312.0, 1555.0),
];

/// Of `config.json`.
#[derive(Deserialize)]
struct Sizes {
    hidden_size: f64,
    intermediate_size: f64,
    num_hidden_layers: f64,
    num_attention_heads: f64,
    num_key_value_heads: Option<f64>,
    head_dim: Option<f64>,
    vocab_size: f64,
}

/// What a model costs.
struct Costs {
    /// Weights of all layers, and of the head.
    layers: f64,
    head: f64,
    /// Operations of attention for a query and a key.
    pair: f64,
    /// Bytes of keys and values of a token.
    kv: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("see the head of examples/gpu_bench.rs")?;
    let options: HashMap<String, String> = arguments
        .map(|argument| argument.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect::<Option<_>>()
        .ok_or("options are NAME=VALUE")?;
    let option = |name: &str, default: &str| options.get(name).map_or(default, String::as_str).to_owned();
    let list = |name: &str, default: &str| {
        option(name, default).split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()
    };
    let format: LoadFormat = option("format", "auto").parse()?;
    let device: DeviceChoice = option("device", "cuda:0").parse()?;
    let (prompts, sequences) = (list("prompts", "4096,32768,76800,131072")?, list("sequences", "1,8,32,64")?);
    let (context, steps) =
        (option("context", "2048").parse::<usize>()?, option("steps", "64").parse::<usize>()?);
    let most = |list: &[usize]| list.iter().copied().max().unwrap_or(0);
    let needed = most(&prompts).max(most(&sequences) * (context + steps + 66));
    let costs = costs(Path::new(&model))?;
    let gpu = gpu();
    let kv_tokens = option("kv_tokens", &needed.min(costs.tokens_in(gpu.free)).to_string()).parse()?;
    let tflops: f64 = option("tflops", &gpu.tflops.to_string()).parse()?;
    let gigabytes: f64 = option("gigabytes", &gpu.gigabytes.to_string()).parse()?;

    let mut stopwatch = Stopwatch::load(Path::new(&model), format, device, kv_tokens)?;
    for tokens in prompts {
        // the first time libraries choose their kernels
        let measured = stopwatch.prompt(tokens.min(4096)).and_then(|_| stopwatch.prompt(tokens));
        let count = tokens as f64;
        let operations = count * 2.0 * costs.layers + 2.0 * costs.head + count * count / 2.0 * costs.pair;
        let line = measured.map(|time| {
            let seconds = time.as_secs_f64();
            json!({"program": "docent", "prompt_tokens": tokens, "seconds": seconds, "tokens_per_second": count / seconds,
                "roofline": operations / seconds / (tflops * 1e12)})
        });
        println!(
            "{}",
            line.unwrap_or_else(
                |error| json!({"program": "docent", "prompt_tokens": tokens, "error": error.to_string()})
            )
        );
    }
    for count in sequences {
        let line = stopwatch.answers(count, context, steps).map(|time| {
            let seconds = time.as_secs_f64() / steps as f64;
            let kv = count as f64 * (context as f64 + steps as f64 / 2.0) * costs.kv;
            let bytes = 2.0 * (costs.layers + costs.head) + kv;
            json!({"program": "docent", "sequences": count, "context_tokens": context, "step_ms": seconds * 1e3,
                "tokens_per_second": count as f64 / seconds, "roofline": bytes / seconds / (gigabytes * 1e9)})
        });
        println!(
            "{}",
            line.unwrap_or_else(
                |error| json!({"program": "docent", "sequences": count, "error": error.to_string()})
            )
        );
    }
    Ok(())
}

/// From the sizes of a directory; of a GGUF file they are not known, and shares are 0.
fn costs(model: &Path) -> Result<Costs, Box<dyn Error>> {
    if !model.is_dir() {
        return Ok(Costs { layers: 0.0, head: 0.0, pair: 0.0, kv: 0.0 });
    }
    let sizes: Sizes = serde_json::from_slice(&std::fs::read(model.join("config.json"))?)?;
    let Sizes { hidden_size: hidden, intermediate_size: inner, num_hidden_layers: layers, .. } = sizes;
    let heads = sizes.num_attention_heads;
    let kv_heads = sizes.num_key_value_heads.unwrap_or(heads);
    let head = sizes.head_dim.unwrap_or(hidden / heads);
    let layer = hidden * (2.0 * heads + 2.0 * kv_heads) * head + 3.0 * hidden * inner;
    Ok(Costs {
        layers: layers * layer,
        head: sizes.vocab_size * hidden,
        pair: layers * heads * head * 4.0,
        kv: layers * kv_heads * head * 4.0,
    })
}

impl Costs {
    /// How many tokens the cache can have in so many bytes, besides the weights (twice the head: the table too) and what
    /// steps are computed in.
    fn tokens_in(&self, bytes: f64) -> usize {
        let left = bytes - 2.0 * (self.layers + 2.0 * self.head) - 4e9;
        (left / self.kv).max(0.0) as usize
    }
}

/// The first GPU: its peaks by its name, infinite where that is not known, and bytes of free memory.
struct Gpu {
    tflops: f64,
    gigabytes: f64,
    free: f64,
}

fn gpu() -> Gpu {
    let arguments = ["--query-gpu=name,memory.free", "--format=csv,noheader,nounits", "--id=0"];
    let output = Command::new("nvidia-smi").args(arguments).output();
    let line = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let (name, free) = line.trim().split_once(", ").unwrap_or_default();
    let known = PEAKS.iter().find(|(part, ..)| name.contains(part));
    let (tflops, gigabytes) =
        known.map_or((f64::INFINITY, f64::INFINITY), |(_, tflops, gigabytes)| (*tflops, *gigabytes));
    let free = free.parse::<f64>().map_or(f64::INFINITY, |mebibytes| mebibytes * f64::from(1 << 20));
    Gpu { tflops, gigabytes, free }
}
