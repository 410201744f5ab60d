//! Each kernel against a twin on the CPU that computes in f32 from the same bf16 numbers. Where no GPU is at hand the tests
//! say so and pass; with `REQUIRE_GPU=1` that is a failure.
//!
//! Tolerances: results are rounded to bf16, 8 bits, so a number of size 1 may be off by 2^-9 for its rounding alone and by
//! as much again for each bf16 number that it is made of; sums of many products err by far less.

use candle_core::Device;
use half::bf16;

use super::*;
use crate::blocks::BLOCK_TOKENS;
use crate::shortlist;
use crate::tiny::Random;

const RELATIVE: f32 = 1.0 / 128.0;
const ABSOLUTE: f32 = 1.0 / 256.0;

/// The first GPU, or nothing and a line that says so.
pub(crate) fn gpu_or_skip() -> Option<Gpu> {
    match Device::new_cuda_with_stream(0) {
        Ok(device) => Some(Gpu::new(&device).unwrap()),
        Err(error) => {
            let required = std::env::var_os("REQUIRE_GPU").is_some_and(|value| value == "1");
            assert!(!required, "REQUIRE_GPU=1, but there is no GPU: {error}");
            println!("skipped: there is no GPU ({error})");
            None
        }
    }
}

/// Numbers as they are after rounding to bf16.
fn numbers(seed: u64, count: usize) -> Vec<bf16> {
    let mut random = Random(seed);
    (0..count).map(|_| bf16::from_f32(2.0 * random.next())).collect()
}

fn floats(numbers: &[bf16]) -> Vec<f32> {
    numbers.iter().map(|number| number.to_f32()).collect()
}

fn on(gpu: &Gpu, numbers: &[bf16], columns: usize) -> Array<bf16> {
    Array::copy_of(gpu, numbers, columns).unwrap()
}

fn back(gpu: &Gpu, array: &Array<bf16>) -> Vec<f32> {
    let mut numbers = vec![bf16::ZERO; array.rows() * array.columns()];
    array.read(gpu, 0..array.rows(), &mut numbers).unwrap();
    floats(&numbers)
}

fn indices(gpu: &Gpu, values: &[i32], bound: usize) -> Indices {
    let mut indices = Indices::zeros(gpu, values.len(), bound).unwrap();
    indices.set(gpu, values).unwrap();
    indices
}

fn assert_near(what: &str, computed: &[f32], expected: &[f32]) {
    assert_eq!(computed.len(), expected.len());
    for (index, (a, b)) in computed.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= ABSOLUTE + RELATIVE * b.abs(), "{what}: {a} for {b} at {index}");
    }
}

fn normed(row: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
    let mean = row.iter().map(|x| x * x).sum::<f32>() / row.len() as f32;
    let scale = (mean + epsilon).sqrt().recip();
    row.iter().zip(weight).map(|(x, weight)| x * scale * weight).collect()
}

#[test]
fn rows_are_taken_by_their_indices() {
    let Some(gpu) = gpu_or_skip() else { return };
    let table = numbers(1, 7 * 72);
    let mut out = Array::zeros(&gpu, 3, 72).unwrap();

    gpu.take_rows(&on(&gpu, &table, 72), &indices(&gpu, &[6, 0, 6], 7), 3, &mut out).unwrap();

    let table = floats(&table);
    let expected = [&table[6 * 72..], &table[..72], &table[6 * 72..]].concat();
    assert_eq!(back(&gpu, &out), expected);
}

#[test]
fn indices_out_of_bounds_do_not_reach_the_device() {
    let Some(gpu) = gpu_or_skip() else { return };
    let mut indices = Indices::zeros(&gpu, 2, 7).unwrap();

    assert!(indices.set(&gpu, &[7]).is_err());
    assert!(indices.set(&gpu, &[-1]).is_err());
    assert!(indices.set(&gpu, &[1, 2, 3]).is_err());
    assert!(indices.set(&gpu, &[6, 0]).is_ok());
}

#[test]
fn norms_are_those_of_the_cpu() {
    let Some(gpu) = gpu_or_skip() else { return };
    for columns in [64, 1000, 5120] {
        let (x, sum, weight) = (numbers(1, 3 * columns), numbers(2, 3 * columns), numbers(3, columns));
        let weight_on = on(&gpu, &weight, columns);
        let weight = floats(&weight);
        let mut out = Array::zeros(&gpu, 3, columns).unwrap();

        gpu.norm(&on(&gpu, &x, columns), (&weight_on, 1e-6), 3, &mut out).unwrap();

        let expected: Vec<f32> =
            floats(&x).chunks(columns).flat_map(|row| normed(row, &weight, 1e-6)).collect();
        assert_near("norm", &back(&gpu, &out), &expected);

        let (mut x_on, mut sum_on) = (on(&gpu, &x, columns), on(&gpu, &sum, columns));
        gpu.add_norm(&mut x_on, &mut sum_on, (&weight_on, 1e-6), 3).unwrap();

        let sums: Vec<f32> = floats(&x).iter().zip(floats(&sum)).map(|(x, sum)| x + sum).collect();
        assert_near("sum", &back(&gpu, &sum_on), &sums);
        let expected: Vec<f32> = sums.chunks(columns).flat_map(|row| normed(row, &weight, 1e-6)).collect();
        assert_near("norm of the sum", &back(&gpu, &x_on), &expected);
    }
}

#[test]
fn gates_are_those_of_the_cpu() {
    let Some(gpu) = gpu_or_skip() else { return };
    for inner in [96, 25_600] {
        let gate_up = numbers(1, 2 * 2 * inner);
        let mut out = Array::zeros(&gpu, 2, inner).unwrap();

        gpu.gate(&on(&gpu, &gate_up, 2 * inner), 2, &mut out).unwrap();

        let silu = |x: f32| x / (1.0 + (-x).exp());
        let row = |row: &[f32]| (0..inner).map(|i| silu(row[i]) * row[inner + i]).collect::<Vec<_>>();
        let expected: Vec<f32> = floats(&gate_up).chunks(2 * inner).flat_map(row).collect();
        assert_near("gate", &back(&gpu, &out), &expected);
    }
}

#[test]
fn the_likeliest_are_those_of_the_cpu() {
    let Some(gpu) = gpu_or_skip() else { return };
    let (columns, below, count) = (151_936, 151_669, 64);
    let mut random = Random(5);
    let mut rows: Vec<Vec<f32>> =
        (0..3).map(|_| (0..columns).map(|_| 20.0 * random.next()).collect()).collect();
    // all alike; steps of a half, so that many are equal; some that cannot come
    rows.push(vec![-1.5; columns]);
    rows.push((0..columns).map(|_| (16.0 * random.next()).round() / 2.0).collect());
    rows[1][..1000].fill(f32::NEG_INFINITY);
    rows[2][below] = 99.0;
    let expected: Vec<_> = rows.iter().map(|row| shortlist::likeliest(&row[..below], count)).collect();
    rows.push(vec![f32::NAN; columns]);
    let mut out = Likeliest::new(&gpu, rows.len(), count).unwrap();
    let logits = Array::copy_of(&gpu, &rows.concat(), columns).unwrap();

    gpu.likeliest(&logits, rows.len(), below, &mut out).unwrap();

    let mut found = out.read(&gpu, rows.len()).unwrap();
    assert_eq!(found.pop(), Some(Vec::new()), "nothing of a row that is not numbers");
    assert_eq!(found, expected);
}

#[test]
fn products_are_those_of_the_cpu() {
    let Some(gpu) = gpu_or_skip() else { return };
    for (tokens, rows, columns) in [(1, 40, 64), (5, 136, 256), (70, 64, 1000)] {
        let (x, weight) = (numbers(1, tokens * columns), numbers(2, rows * columns));
        let mut out = Array::<f32>::zeros(&gpu, tokens, rows).unwrap();

        gpu.product(&on(&gpu, &x, columns), &on(&gpu, &weight, columns), tokens, &mut out).unwrap();

        let (x, weight) = (floats(&x), floats(&weight));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let expected: Vec<f32> =
            x.chunks(columns).flat_map(|x| weight.chunks(columns).map(move |row| dot(x, row))).collect();
        let mut computed = vec![0.0; tokens * rows];
        out.read(&gpu, 0..tokens, &mut computed).unwrap();
        assert_near("product", &computed, &expected);
    }
}

#[test]
fn heads_are_placed_as_on_the_cpu() {
    let Some(gpu) = gpu_or_skip() else { return };
    for (head, interleaved, with) in
        [(64, false, true), (128, false, true), (64, true, false), (128, true, true), (128, false, false)]
    {
        check_place(&gpu, HeadCounts { heads: 6, kv_heads: 2, head }, interleaved, with);
    }
}

/// With or without biases and norms.
fn check_place(gpu: &Gpu, counts: HeadCounts, interleaved: bool, complete: bool) {
    let HeadCounts { heads, kv_heads, head } = counts;
    let (width, tokens, rows) = ((heads + 2 * kv_heads) * head, 3, 2 * BLOCK_TOKENS);
    let (qkv, bias) = (numbers(1, tokens * width), numbers(2, width));
    let (query_norm, key_norm) = (numbers(3, head), numbers(4, head));
    let angles: Vec<f32> = (0..9).flat_map(|row| table_row(row, head)).collect();
    let (angle_rows, slots) = ([8, 0, 3], [127, 3, 64]);
    let biases = on(gpu, &bias, width);
    let norms = [on(gpu, &query_norm, head), on(gpu, &key_norm, head)];
    let placement = Placement {
        qkv: &on(gpu, &qkv, width),
        bias: complete.then_some(&biases),
        query_norm: complete.then_some(&norms[0]),
        key_norm: complete.then_some(&norms[1]),
        angles: &Array::copy_of(gpu, &angles, head).unwrap(),
        angle_rows: &indices(gpu, &angle_rows, 9),
        slots: &indices(gpu, &slots, rows),
        epsilon: 1e-6,
        interleaved,
    };
    let mut queries = Array::zeros(gpu, tokens, heads * head).unwrap();
    let pool = || Array::zeros(gpu, rows, kv_heads * head).unwrap();
    let mut cache = [pool(), pool()];

    gpu.place(&placement, counts, tokens, &mut queries, &mut cache).unwrap();

    let (mut expected, mut pools) =
        (Vec::new(), [vec![0.0; rows * kv_heads * head], vec![0.0; rows * kv_heads * head]]);
    for (token, row) in floats(&qkv).chunks(width).enumerate() {
        for (index, numbers) in row.chunks(head).enumerate() {
            let biases = floats(&bias[index * head..(index + 1) * head]);
            let mut numbers: Vec<f32> = if complete {
                numbers.iter().zip(biases).map(|(number, bias)| number + bias).collect()
            } else {
                numbers.to_vec()
            };
            if index < heads + kv_heads {
                let norm = if index < heads { &query_norm } else { &key_norm };
                if complete {
                    numbers = normed(&numbers, &floats(norm), 1e-6);
                }
                rotate(&mut numbers, &table_row(angle_rows[token] as usize, head), interleaved);
            }
            match index.checked_sub(heads) {
                None => expected.extend(numbers),
                Some(kv_head) => {
                    let start = (slots[token] as usize * kv_heads + kv_head % kv_heads) * head;
                    pools[kv_head / kv_heads][start..start + head].copy_from_slice(&numbers);
                }
            }
        }
    }
    assert_near("queries", &back(gpu, &queries), &expected);
    assert_near("keys", &back(gpu, &cache[0]), &pools[0]);
    assert_near("values", &back(gpu, &cache[1]), &pools[1]);
}

/// Cosines and sines of a position.
fn table_row(position: usize, head: usize) -> Vec<f32> {
    let angle = |pair: usize| position as f32 * 0.9_f32.powi(pair as i32);
    let angles = || (0..head / 2).map(angle);
    angles().map(f32::cos).chain(angles().map(f32::sin)).collect()
}

fn rotate(numbers: &mut [f32], angles: &[f32], interleaved: bool) {
    let half = numbers.len() / 2;
    for pair in 0..half {
        let (a, b) = if interleaved { (2 * pair, 2 * pair + 1) } else { (pair, pair + half) };
        let (cosine, sine) = (angles[pair], angles[half + pair]);
        let (x, y) = (numbers[a], numbers[b]);
        (numbers[a], numbers[b]) = (x * cosine - y * sine, y * cosine + x * sine);
    }
}

#[test]
fn attention_is_that_of_the_cpu_for_prompts_and_answers() {
    let Some(gpu) = gpu_or_skip() else { return };
    for head in HEADS {
        for (heads, kv_heads) in [(8, 1), (4, 2), (6, 2), (5, 1), (7, 1), (3, 3)] {
            let counts = HeadCounts { heads, kv_heads, head };
            // (tokens before, tokens of the step)
            check_attention(&gpu, counts, &[(0, 1), (63, 3), (0, 130), (500, 20)], false);
            check_attention(&gpu, counts, &[(0, 1), (63, 1), (64, 1), (2000, 1)], false);
            check_attention(&gpu, counts, &[(0, 1), (63, 1), (64, 1), (2000, 1)], true);
        }
    }
}

fn check_attention(gpu: &Gpu, counts: HeadCounts, lengths: &[(usize, usize)], fixed: bool) {
    let HeadCounts { heads, kv_heads, head } = counts;
    let (mut row_starts, mut block_starts, mut last_tokens) = (vec![0], vec![0], Vec::new());
    for (before, tokens) in lengths {
        let all = before + tokens;
        row_starts.push(row_starts[row_starts.len() - 1] + *tokens as i32);
        block_starts.push(block_starts[block_starts.len() - 1] + all.div_ceil(BLOCK_TOKENS) as i32);
        last_tokens.push(((all - 1) % BLOCK_TOKENS + 1) as i32);
    }
    let (rows, count) = (row_starts[lengths.len()] as usize, block_starts[lengths.len()] as usize);
    // from the end of the cache to its beginning
    let blocks: Vec<i32> = (0..count as i32).rev().collect();
    let queries = numbers(1, rows * heads * head);
    let size = count * BLOCK_TOKENS * kv_heads * head;
    let (keys, values) = (numbers(2, size), numbers(3, size));
    let cache = [on(gpu, &keys, kv_heads * head), on(gpu, &values, kv_heads * head)];
    let sequences = Sequences {
        row_starts: &indices(gpu, &row_starts, rows + 1),
        block_starts: &indices(gpu, &block_starts, count + 1),
        blocks: &indices(gpu, &blocks, count),
        last_tokens: &indices(gpu, &last_tokens, BLOCK_TOKENS + 1),
    };
    let mut attention = Attention::new(gpu, counts).unwrap();
    let mut out = Array::zeros(gpu, rows, heads * head).unwrap();

    let plan = attention.plan(gpu, Starts { rows: &row_starts, blocks: &block_starts }, fixed).unwrap();
    attention.attend(gpu, &plan, &sequences, (&on(gpu, &queries, heads * head), &cache), &mut out).unwrap();

    let (queries, keys, values) = (floats(&queries), floats(&keys), floats(&values));
    let mut expected = Vec::new();
    for (index, (before, tokens)) in lengths.iter().enumerate() {
        let table = &blocks[block_starts[index] as usize..block_starts[index + 1] as usize];
        let slot = |position: usize| {
            table[position / BLOCK_TOKENS] as usize * BLOCK_TOKENS + position % BLOCK_TOKENS
        };
        for token in 0..*tokens {
            for query_head in 0..heads {
                let start = ((row_starts[index] as usize + token) * heads + query_head) * head;
                let kv_head = query_head / (heads / kv_heads);
                let at = |position: usize| (slot(position) * kv_heads + kv_head) * head;
                let seen = before + token + 1;
                expected.extend(attended(&queries[start..start + head], seen, |position| {
                    let at = at(position);
                    (&keys[at..at + head], &values[at..at + head])
                }));
            }
        }
    }
    assert_near("attention", &back(gpu, &out), &expected);
}

/// One query over the keys and values of the first `seen` positions.
fn attended<'a>(query: &[f32], seen: usize, cache: impl Fn(usize) -> (&'a [f32], &'a [f32])) -> Vec<f32> {
    let scale = (query.len() as f32).sqrt().recip();
    let score = |key: &[f32]| query.iter().zip(key).map(|(q, k)| q * k).sum::<f32>() * scale;
    let scores: Vec<f32> = (0..seen).map(|position| score(cache(position).0)).collect();
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = scores.iter().map(|score| (score - highest).exp()).collect();
    let total: f32 = weights.iter().sum();
    let mut out = vec![0.0; query.len()];
    for (position, weight) in weights.iter().enumerate() {
        for (out, value) in out.iter_mut().zip(cache(position).1) {
            *out += weight / total * value;
        }
    }
    out
}

#[test]
fn captured_work_is_done_again_with_what_lies_there_then() {
    let Some(gpu) = gpu_or_skip() else { return };
    let table = on(&gpu, &numbers(1, 4 * 64), 64);
    let mut rows = indices(&gpu, &[1, 2], 4);
    let mut out = Array::zeros(&gpu, 2, 64).unwrap();
    gpu.take_rows(&table, &rows, 2, &mut out).unwrap();
    gpu.finish().unwrap();

    let mut graph = gpu.capture(|| gpu.take_rows(&table, &rows, 2, &mut out)).unwrap();
    rows.set(&gpu, &[3, 0]).unwrap();
    graph.launch().unwrap();

    let table = floats(&numbers(1, 4 * 64));
    assert_eq!(back(&gpu, &out), [&table[3 * 64..], &table[..64]].concat());
}
