//! Measures a decoder on a CPU by itself; prints lines of a Markdown table.
//!
//! ```text
//! cargo run --release -p engine --example measure -- batches MODEL
//! cargo run --release -p engine --example measure -- long    MODEL TOKENIZER TEXT TOKENS QUESTION
//! cargo run --release -p engine --example measure -- vault   MODEL TOKENIZER TEXT TOKENS DIRECTORY
//! ```
//!
//! - batches: a token for each of 1, 2, 4 and 8 sequences of 200 tokens at a time, 24 times, from few to many and back;
//!   the decoder alone, so that no prompt is read meanwhile.
//! - long: a question about the first so many tokens of the text; how long, how much memory.
//! - vault: the time to the first token of an answer to so many tokens that were never read, that left the cache for
//!   memory, and that left it for the directory.
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use engine::DecoderOptions;
use engine::DeviceChoice;
use engine::Event;
use engine::Finish;
use engine::Generation;
use engine::Handle;
use engine::LoadFormat;
use engine::Request;
use engine::Sampling;
use engine::Stopwatch;
use engine::Tokenizer;
use engine::VaultOptions;

type Outcome<T> = Result<T, Box<dyn Error>>;

const CONTEXT_TOKENS: usize = 200;
const STEPS: usize = 24;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["batches", model] => batches(model),
        ["long", model, tokenizer, text, tokens, question] => {
            long([model, tokenizer], &std::fs::read_to_string(text)?, tokens.parse()?, question)
        }
        ["vault", model, tokenizer, text, tokens, directory] => {
            vault([model, tokenizer], &std::fs::read_to_string(text)?, tokens.parse()?, directory)
        }
        _ => Err("see the head of examples/measure.rs".into()),
    }
}

fn batches(model: &str) -> Outcome<()> {
    let mut stopwatch = Stopwatch::load(Path::new(model), LoadFormat::Auto, DeviceChoice::Cpu, 4096)?;
    println!("| at a time | answer tokens/s, all together |");
    for count in [1, 2, 4, 8, 8, 4, 2, 1] {
        let took = stopwatch.answers(count, CONTEXT_TOKENS, STEPS)?;
        println!("| {count} | {:.1} |", rate((count * STEPS) as u32, took));
    }
    Ok(())
}

fn long(files: [&str; 2], text: &str, tokens: usize, question: &str) -> Outcome<()> {
    let handle = start(files, tokens + 1024, None)?;
    let prompt = about(handle.tokenizer(), text, tokens, question)?;
    let finish = finish(handle.submit(Request::new(prompt, greedy(64)))?)?;
    println!(
        "| {} | {:.0} s | {:.1} | {:.1} | {} |\n{}",
        finish.prompt_tokens,
        finish.prefill.as_secs_f64(),
        rate(finish.prompt_tokens, finish.prefill),
        rate(finish.completion_tokens, finish.decode),
        memory(),
        handle.tokenizer().decode(&finish.tokens)
    );
    Ok(())
}

fn vault(files: [&str; 2], text: &str, tokens: usize, directory: &str) -> Outcome<()> {
    println!("| prompt tokens | where they were | time to the first token | of them cached |");
    for (place, memory_bytes) in [("memory", 4_usize << 30), ("disk", 64 << 20)] {
        let vault =
            VaultOptions { memory_bytes, directory: Some(PathBuf::from(directory)), disk_bytes: 16 << 30 };
        let handle = start(files, tokens + 1024, Some(vault))?;
        let prompt = about(handle.tokenizer(), text, tokens, "What is this about?")?;
        let one = || -> Outcome<Finish> { finish(handle.submit(Request::new(prompt.clone(), greedy(1)))?) };
        let say = |place: &str, finish: &Finish| {
            let (all, cached) = (finish.prompt_tokens, finish.cached_tokens);
            println!("| {all} | {place} | {:.2} s | {cached} |", finish.prefill.as_secs_f64());
        };
        say("nowhere", &one()?);
        say("cache", &one()?);
        // others take its places, little by little, as they would in a day
        let mut other = handle.tokenizer().encode_text(text)?;
        other.reverse();
        let blocks = handle.load().total_blocks;
        for piece in other
            .chunks_exact(70)
            .cycle()
            .take(blocks + 16)
            .enumerate()
            .map(|(number, piece)| [&[number as u32 % 1000][..], piece].concat())
        {
            finish(handle.submit(Request::new(piece, greedy(1)))?)?;
        }
        std::thread::sleep(Duration::from_secs(2));
        say(place, &one()?);
        handle.stop();
    }
    Ok(())
}

fn start([model, tokenizer]: [&str; 2], tokens: usize, vault: Option<VaultOptions>) -> Outcome<Handle> {
    Ok(Handle::start(DecoderOptions {
        model: PathBuf::from(model),
        load_format: LoadFormat::Auto,
        tokenizer: PathBuf::from(tokenizer),
        device: DeviceChoice::Cpu,
        max_context_tokens: tokens,
        kv_tokens: tokens,
        vault,
        max_sequences: 8,
        queue_depth: 16,
        threads: None,
        weights_sha256: String::new(),
    })?)
}

fn greedy(max_tokens: u32) -> Sampling {
    Sampling { max_tokens, ..Sampling::default() }
}

/// A question about the first so many tokens of a text, in the chat format of the Qwen family.
fn about(tokenizer: &Tokenizer, text: &str, tokens: usize, question: &str) -> Outcome<Vec<u32>> {
    let start = tokenizer.special("<|im_start|>").ok_or("no <|im_start|>")?;
    let end = tokenizer.special("<|im_end|>").ok_or("no <|im_end|>")?;
    let mut text = tokenizer.encode_text(text)?;
    if text.len() < tokens {
        return Err(format!("the text has {} tokens", text.len()).into());
    }
    text.truncate(tokens);
    let mut prompt = vec![start];
    prompt.extend(tokenizer.encode_text("user\n")?);
    prompt.extend(text);
    prompt.extend(tokenizer.encode_text(&format!("\n\n{question}"))?);
    prompt.extend([end]);
    prompt.extend(tokenizer.encode_text("\n")?);
    prompt.push(start);
    prompt.extend(tokenizer.encode_text("assistant\n")?);
    Ok(prompt)
}

fn finish(mut generation: Generation) -> Outcome<Finish> {
    while let Some(event) = generation.blocking_next() {
        match event {
            Event::Finished(finish) => return Ok(finish),
            Event::Failed(error) => return Err(error.into()),
            Event::Queued { .. } | Event::Started { .. } | Event::Text { .. } | Event::Thought { .. } => {}
        }
    }
    Err("the generation did not finish".into())
}

fn rate(tokens: u32, took: Duration) -> f64 {
    f64::from(tokens) / took.as_secs_f64()
}

/// The most memory so far, from the kernel.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}
