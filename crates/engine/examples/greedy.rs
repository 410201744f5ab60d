//! Continues prompts greedily for `eval/decoder.py`:
//!
//! ```text
//! cargo run --release -p engine --example greedy -- MODEL TOKENIZER CONTEXT_TOKENS
//! ```
//!
//! Each line of the input is JSON and is answered with a line of JSON. `{"prompt": [ids], "max_tokens": n}` gives the
//! tokens, whether the model ended the answer, and the seconds of both phases; `{"prompt": [ids], "candidates":
//! [ids]}` gives the logarithms of the chances of the candidates to come next. No prompt uses anything of another.
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;
use std::io::BufRead;
use std::io::Write;
use std::path::PathBuf;

use engine::DecoderOptions;
use engine::DeviceChoice;
use engine::Event;
use engine::FinishReason;
use engine::Handle;
use engine::LoadFormat;
use engine::Priority;
use engine::Request;
use engine::Sampling;
use engine::ScoreRequest;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

#[derive(Deserialize)]
#[serde(untagged)]
enum Command {
    Continue { prompt: Vec<u32>, max_tokens: u32 },
    Score { prompt: Vec<u32>, candidates: Vec<u32> },
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, tokenizer, context] = arguments.as_slice() else {
        return Err("see the head of examples/greedy.rs".into());
    };
    let handle = Handle::start(DecoderOptions {
        load_format: LoadFormat::Auto,
        model: PathBuf::from(model),
        tokenizer: PathBuf::from(tokenizer),
        device: if cfg!(feature = "cuda") { DeviceChoice::Cuda(0) } else { DeviceChoice::Cpu },
        max_context_tokens: context.parse()?,
        kv_tokens: context.parse()?,
        vault: None,
        max_sequences: 1,
        queue_depth: 4,
        threads: None,
        weights_sha256: String::new(),
    })?;
    for (line, number) in std::io::stdin().lock().lines().zip(1_u128..) {
        // another salt each time, so that every prompt is read from its beginning
        let answer = match serde_json::from_str(&line?)? {
            Command::Continue { prompt, max_tokens } => generate(&handle, prompt, max_tokens, number)?,
            Command::Score { prompt, candidates } => score(&handle, prompt, candidates, number)?,
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    handle.stop();
    Ok(())
}

fn generate(
    handle: &Handle,
    prompt: Vec<u32>,
    max_tokens: u32,
    number: u128,
) -> Result<Value, Box<dyn Error>> {
    let sampling = Sampling { max_tokens, temperature: 0.0, ..Sampling::default() };
    let request = Request { cache_salt: number.to_le_bytes(), ..Request::new(prompt, sampling) };
    let mut generation = handle.submit(request)?;
    while let Some(event) = generation.blocking_next() {
        match event {
            Event::Finished(finish) => {
                return Ok(json!({
                    "tokens": finish.tokens,
                    "ended": finish.reason == FinishReason::Stop,
                    "prefill_seconds": finish.prefill.as_secs_f64(),
                    "decode_seconds": finish.decode.as_secs_f64(),
                }));
            }
            Event::Failed(error) => return Err(error.into()),
            Event::Queued { .. } | Event::Started { .. } | Event::Text { .. } | Event::Thought { .. } => {}
        }
    }
    Err("the generation did not finish".into())
}

fn score(
    handle: &Handle,
    prompt: Vec<u32>,
    candidates: Vec<u32>,
    number: u128,
) -> Result<Value, Box<dyn Error>> {
    let (cache_salt, priority) = (number.to_le_bytes(), Priority::Interactive);
    let request = ScoreRequest { prompt, candidates, cache_salt, priority, user: 0, deadline: None };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(json!({ "scores": runtime.block_on(handle.score(request))? }))
}
