//! The whole decoder on a GPU against that on the CPU, with weights that are the same on both. Skips with a line where no
//! GPU is at hand; `REQUIRE_GPU=1` makes that a failure.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::decoder::LoadFormat;
use crate::decoder::LoadOptions;
use crate::decoder::Model;
use crate::decoder::Outcome;
use crate::decoder::Part;
use crate::decoder::RopeProfile;
use crate::decoder::Wanted;
use crate::decoder::cpu;
use crate::device::DeviceChoice;
use crate::kernels::cuda::gpu_or_skip;
use crate::shortlist::LONGEST;
use crate::shortlist::likeliest;

/// What logits of size 1 may differ by after three layers in bf16: some ten roundings of 2^-9 each that add up at random, and
/// the largest of hundreds of logits. Reckoned, not measured yet.
const TOLERANCE: f32 = 0.08;
const VOCABULARY: usize = 320;
const BLOCKS: usize = 24;

fn directory(architecture: &str, heads: usize, kv_heads: usize, head: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = json!({
        "model_type": architecture, "vocab_size": VOCABULARY, "hidden_size": 256, "intermediate_size": 512,
        "num_hidden_layers": 3, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head,
        "max_position_embeddings": 1024, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": false,
        "hidden_act": "silu", "eos_token_id": 1,
    });
    std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    directory
}

fn options(model: &Path, device: DeviceChoice) -> LoadOptions<'_> {
    LoadOptions { model, format: LoadFormat::Dummy, device, kv_tokens: BLOCKS * BLOCK_TOKENS, threads: 2 }
}

fn both(model: &Path) -> [Box<dyn Model>; 2] {
    let cpu = cpu::load(&options(model, DeviceChoice::Cpu)).unwrap();
    let cuda = super::load(&options(model, DeviceChoice::Cuda(0))).unwrap();
    [Box::new(cpu), Box::new(cuda)]
}

fn tokens(seed: usize, count: usize) -> Vec<u32> {
    (0..count).map(|index| ((index + seed) * 7919 % VOCABULARY) as u32).collect()
}

fn assert_near(what: &str, computed: &[Vec<f32>], expected: &[Vec<f32>]) {
    assert_eq!(computed.len(), expected.len());
    for (computed, expected) in computed.iter().zip(expected) {
        let pairs = computed.iter().zip(expected);
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(computed.iter().all(|logit| logit.is_finite()), "{what}: not numbers");
        assert!(worst <= TOLERANCE, "{what}: logits differ by {worst}");
    }
}

#[test]
fn prompts_in_steps_and_answers_in_company_are_those_of_the_cpu() {
    if gpu_or_skip().is_none() {
        return;
    }
    for (architecture, heads, kv_heads, head) in [
        ("qwen3", 8, 2, 64),
        ("qwen3", 16, 2, 128),
        ("qwen2", 4, 2, 64),
        ("qwen2", 7, 1, 128),
        ("llama", 5, 5, 64),
    ] {
        let directory = directory(architecture, heads, kv_heads, head);
        let prompts: Vec<Vec<u32>> =
            [70, 3, 200].iter().enumerate().map(|(seed, count)| tokens(seed, *count)).collect();
        let tables: Vec<Vec<BlockId>> =
            (0..3).map(|index| (index * 5..(index + 1) * 5).map(BlockId::at).collect()).collect();
        let part = |index: usize, from: usize, to: usize| Part {
            tokens: &prompts[index][from..to],
            position: from,
            table: &tables[index],
            rope: RopeProfile::X1,
            wanted: Wanted::Logits,
        };
        // beginnings together, the middle of one, then single tokens of one, two and three sequences
        let steps: [Vec<Part<'_>>; 5] = [
            vec![part(0, 0, 64), part(1, 0, 1), part(2, 0, 130)],
            vec![part(2, 130, 197)],
            vec![part(0, 64, 65)],
            vec![part(0, 65, 66), part(2, 197, 198)],
            vec![part(0, 66, 67), part(1, 1, 2), part(2, 198, 199)],
        ];
        let [mut cpu, mut cuda] = both(directory.path());

        for (index, step) in steps.iter().enumerate() {
            let (expected, computed) = (cpu.forward(step).unwrap(), cuda.forward(step).unwrap());
            assert_near(
                &format!("{architecture} {heads}/{kv_heads} of {head}, step {index}"),
                &computed,
                &expected,
            );
        }
    }
}

#[test]
fn the_same_step_gives_the_same_bits_by_graph_and_again() {
    if gpu_or_skip().is_none() {
        return;
    }
    let directory = directory("qwen3", 8, 2, 128);
    let [_, mut model] = both(directory.path());
    let (prompt, table) = (tokens(0, 150), [3, 1, 2].map(BlockId::at));
    let part =
        |tokens, position, wanted| Part { tokens, position, table: &table, rope: RopeProfile::X1, wanted };
    model.forward(&[part(&prompt, 0, Wanted::Nothing)]).unwrap();

    // the first is asked for kernel by kernel, the others are launched
    let runs: Vec<_> = (0..20).map(|_| model.forward(&[part(&[7], 150, Wanted::Logits)]).unwrap()).collect();

    assert!(runs.iter().all(|run| *run == runs[0]));
}

#[test]
fn the_likeliest_are_those_of_the_logits() {
    if gpu_or_skip().is_none() {
        return;
    }
    let directory = directory("qwen3", 8, 2, 64);
    let [_, mut model] = both(directory.path());
    let (prompt, tables) = (tokens(0, 70), [[0, 1].map(BlockId::at), [2, 3].map(BlockId::at)]);
    let below = VOCABULARY - 10;
    let part = |index: usize, tokens, position, wanted| Part {
        tokens,
        position,
        table: &tables[index],
        rope: RopeProfile::X1,
        wanted,
    };
    // beginnings kernel by kernel, then single tokens by a graph; one part wants its logits whole
    for (tokens, position) in [(&prompt[..], 0), (&prompt[..1], 70), (&prompt[1..2], 71)] {
        let parts = [
            part(0, tokens, position, Wanted::Likeliest { below }),
            part(1, tokens, position, Wanted::Logits),
        ];
        let logits = model.forward(&parts).unwrap();

        let [few, all]: [Outcome; 2] = model.forward_to_sample(&parts).unwrap().try_into().unwrap();

        assert_eq!(few, Outcome::Likeliest(likeliest(&logits[0][..below], LONGEST)));
        assert_eq!(all, Outcome::All(logits[1].clone()));
    }
}

#[test]
fn what_was_saved_comes_back_elsewhere() {
    if gpu_or_skip().is_none() {
        return;
    }
    let directory = directory("qwen3", 8, 2, 64);
    let [_, mut model] = both(directory.path());
    let (prompt, table, other) = (tokens(0, 150), [0, 1, 2].map(BlockId::at), [9, 8, 7].map(BlockId::at));
    let part =
        |tokens, position, table, wanted| Part { tokens, position, table, rope: RopeProfile::X1, wanted };
    model.forward(&[part(&prompt, 0, &table, Wanted::Nothing)]).unwrap();
    let there = model.forward(&[part(&[7], 150, &table, Wanted::Logits)]).unwrap();

    let saved = model.save(&table).unwrap();
    model.restore(0, &other, &saved).unwrap();

    assert_eq!(model.forward(&[part(&[7], 150, &other, Wanted::Logits)]).unwrap(), there);
}

#[test]
fn states_are_those_of_the_cpu() {
    if gpu_or_skip().is_none() {
        return;
    }
    let directory = directory("qwen3", 8, 2, 64);
    let (prompt, table) = (tokens(0, 90), [0, 1].map(BlockId::at));
    let part =
        Part { tokens: &prompt, position: 0, table: &table, rope: RopeProfile::X1, wanted: Wanted::State };
    let [mut cpu, mut cuda] = both(directory.path());

    assert_near("states", &cuda.forward(&[part]).unwrap(), &cpu.forward(&[part]).unwrap());
}
