//! Tries the engine on real files by hand:
//!
//! ```text
//! cargo run -p engine --example try -- generate MODEL TOKENIZER MAX_TOKENS SYSTEM USER
//! cargo run -p engine --example try -- embed DIRECTORY FAMILY QUERY PASSAGE...
//! cargo run -p engine --example try -- convert E5S1_FILE DIRECTORY
//! ```
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use engine::DecoderOptions;
use engine::DeviceChoice;
use engine::Encoder;
use engine::EncoderOptions;
use engine::Event;
use engine::Finish;
use engine::Handle;
use engine::LoadFormat;
use engine::Request;
use engine::Sampling;
use engine::TextKind;
use engine::Tokenizer;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["generate", model, tokenizer, max_tokens, system, user] => {
            generate(model, tokenizer, max_tokens.parse()?, [system, user])
        }
        ["embed", directory, family, query, passages @ ..] => embed(directory, family, query, passages),
        ["convert", source, target] => Ok(engine::e5::convert(Path::new(source), Path::new(target))?),
        _ => Err("see the head of examples/try.rs".into()),
    }
}

/// Answers twice, so that the second run shows what the prefix cache saves.
fn generate(model: &str, tokenizer: &str, max_tokens: u32, texts: [&str; 2]) -> Result<(), Box<dyn Error>> {
    let handle = Handle::start(DecoderOptions {
        load_format: LoadFormat::Auto,
        model: PathBuf::from(model),
        tokenizer: PathBuf::from(tokenizer),
        device: device(),
        max_context_tokens: 16_384,
        kv_tokens: 32_768,
        vault: None,
        max_sequences: 8,
        queue_depth: 4,
        threads: None,
        weights_sha256: String::new(),
    })?;
    println!("{:#?}\nmemory: {}", handle.fingerprint(), memory());
    for _ in 0..2 {
        let before = processor_seconds();
        let sampling = Sampling { max_tokens, ..Sampling::default() };
        let mut generation = handle.submit(Request::new(chat(handle.tokenizer(), texts)?, sampling))?;
        while let Some(event) = generation.blocking_next() {
            match event {
                Event::Text { text, .. } | Event::Thought { text, .. } => print!("{text}"),
                Event::Finished(finish) => report(&finish, processor_seconds() - before),
                Event::Failed(error) => return Err(error.into()),
                Event::Queued { .. } | Event::Started { .. } => {}
            }
            std::io::stdout().flush()?;
        }
    }
    println!("memory: {}", memory());
    handle.stop();
    Ok(())
}

fn report(finish: &Finish, processor: f64) {
    let rate = |tokens: u32, seconds: f64| f64::from(tokens) / seconds.max(1e-9);
    let (prefill, decode) = (finish.prefill.as_secs_f64(), finish.decode.as_secs_f64());
    println!(
        "\n[{:?}; prompt {} tokens, {} cached, {prefill:.2} s, {:.1}/s; answer {} tokens, {decode:.2} s, {:.1}/s; processor {processor:.2} s]",
        finish.reason,
        finish.prompt_tokens,
        finish.cached_tokens,
        rate(finish.prompt_tokens - finish.cached_tokens, prefill),
        finish.completion_tokens,
        rate(finish.completion_tokens, decode),
    );
}

/// A chat of one turn in the format of the Qwen family.
fn chat(tokenizer: &Tokenizer, [system, user]: [&str; 2]) -> Result<Vec<u32>, Box<dyn Error>> {
    let start = tokenizer.special("<|im_start|>").ok_or("no <|im_start|>")?;
    let end = tokenizer.special("<|im_end|>").ok_or("no <|im_end|>")?;
    let mut prompt = Vec::new();
    for (role, text) in [("system", system), ("user", user)] {
        prompt.push(start);
        prompt.extend(tokenizer.encode_text(&format!("{role}\n{text}"))?);
        prompt.push(end);
        prompt.extend(tokenizer.encode_text("\n")?);
    }
    prompt.push(start);
    prompt.extend(tokenizer.encode_text("assistant\n")?);
    Ok(prompt)
}

fn embed(directory: &str, family: &str, query: &str, passages: &[&str]) -> Result<(), Box<dyn Error>> {
    let (directory, family) = (PathBuf::from(directory), family.parse()?);
    let encoder = Encoder::start(EncoderOptions {
        directory,
        family,
        dimensions: None,
        device: device(),
        queue_depth: 4,
        weights_sha256: String::new(),
    })?;
    println!("{:#?}\nmemory: {}", encoder.fingerprint(), memory());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let query = runtime.block_on(encoder.embed(vec![query.to_owned()], TextKind::Query))?.remove(0);
    let started = std::time::Instant::now();
    let texts: Vec<String> = passages.iter().map(|text| (*text).to_owned()).collect();
    let tokens: usize = texts.iter().map(|text| encoder.tokenizer().count(text)).sum();
    let vectors = runtime.block_on(encoder.embed(texts, TextKind::Passage))?;
    println!("{tokens} tokens in {:.3} s", started.elapsed().as_secs_f64());
    for (text, vector) in passages.iter().zip(vectors) {
        let cosine: f32 = query.iter().zip(&vector).map(|(a, b)| a * b).sum();
        println!("{cosine:.4} {}", text.chars().take(60).collect::<String>());
    }
    println!("memory: {}", memory());
    Ok(())
}

fn device() -> DeviceChoice {
    if cfg!(feature = "cuda") { DeviceChoice::Cuda(0) } else { DeviceChoice::Cpu }
}

/// Processor time of all threads so far, from the kernel, in its ticks of a hundredth of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Resident memory now and at its highest, from the kernel.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
