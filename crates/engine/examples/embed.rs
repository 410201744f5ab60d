//! Measures an encoder for `eval/embedding.py`:
//!
//! ```text
//! cargo run --release -p engine --example embed -- DIRECTORY FAMILY VECTORS < TEXTS
//! ```
//!
//! `TEXTS` holds a passage a line as a JSON string. For each line `go` it then reads, it embeds them all, writes the
//! vectors to the file `VECTORS` (little-endian f32) and prints a line of JSON: seconds of the clock and of processors, tokens, what tokenizing took,
//! the longest wait of a query that came in between, and memory.
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;
use std::io::BufRead;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use engine::DeviceChoice;
use engine::Encoder;
use engine::EncoderOptions;
use engine::TextKind;

/// Texts of a call, as the service hands them over.
const TEXTS_AT_ONCE: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, family, vectors] = arguments.as_slice() else {
        return Err("see the head of examples/embed.rs".into());
    };
    let encoder = Encoder::start(EncoderOptions {
        directory: PathBuf::from(directory),
        family: family.parse()?,
        dimensions: None,
        device: DeviceChoice::Cpu,
        queue_depth: 8,
        weights_sha256: String::new(),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut texts: Vec<String> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "go" => runtime.block_on(measure(&encoder, &texts, vectors))?,
            text => texts.push(serde_json::from_str(text)?),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

async fn measure(encoder: &Encoder, texts: &[String], vectors: &str) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let tokens: usize = texts.iter().map(|text| encoder.tokenizer().count(text)).sum();
    let tokenizing = started.elapsed();
    let (started, before) = (Instant::now(), processor_seconds());
    let mut all = Vec::new();
    for texts in texts.chunks(TEXTS_AT_ONCE) {
        all.extend(encoder.embed(texts.to_vec(), TextKind::Passage).await?);
    }
    let (elapsed, processor) = (started.elapsed(), processor_seconds() - before);
    let query = longest_wait(encoder, texts).await?;
    let bytes: Vec<u8> = all.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
    std::fs::write(vectors, bytes)?;
    println!(
        "{}",
        serde_json::json!({
            "seconds": elapsed.as_secs_f64(),
            "processor_seconds": processor,
            "texts": texts.len(),
            "tokens": tokens,
            "tokenizing_seconds": tokenizing.as_secs_f64(),
            "query_seconds": query.as_secs_f64(),
            "memory": memory(),
        })
    );
    Ok(())
}

/// The longest that a query took while passages were embedded.
async fn longest_wait(encoder: &Encoder, texts: &[String]) -> Result<Duration, Box<dyn Error>> {
    let (passages, bulk) = (texts.iter().take(128).cloned().collect(), encoder.clone());
    let bulk = tokio::spawn(async move { bulk.embed(passages, TextKind::Passage).await });
    let mut longest = Duration::ZERO;
    while !bulk.is_finished() {
        tokio::time::sleep(Duration::from_millis(37)).await;
        let started = Instant::now();
        encoder.embed(vec!["How long is the notice period?".to_owned()], TextKind::Query).await?;
        longest = longest.max(started.elapsed());
    }
    bulk.await??;
    Ok(longest)
}

/// Processor time of all threads so far, from the kernel, in its ticks of a hundredth of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Resident memory now and at its highest, and how much of it is files', from the kernel.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let wanted = |line: &&str| ["VmRSS", "VmHWM", "RssFile"].iter().any(|name| line.starts_with(name));
    let lines = status.lines().filter(wanted);
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
