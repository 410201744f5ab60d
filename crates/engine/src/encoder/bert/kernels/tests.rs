use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::lanes::Fused;
use crate::lanes::Instructions;
use crate::lanes::LANES;
use crate::lanes::Lanes;
use crate::tiny::Random;

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut random = Random(seed);
    (0..count).map(|_| random.next()).collect()
}

/// What a kernel gives with each set of instructions that this processor has; all that fuse give the same bits.
fn with_all(compute: impl Fn(Instructions) -> Vec<f32>) -> Vec<f32> {
    let mut outcomes: Vec<Vec<f32>> = Instructions::available().into_iter().map(compute).collect();
    let widest = outcomes.pop().unwrap();
    for outcome in outcomes.iter().skip(1) {
        assert!(outcome.iter().zip(&widest).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    for (a, b) in outcomes.iter().flatten().zip(outcomes.iter().flat_map(|_| &widest)) {
        // two roundings a product instead of one
        assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{a} {b}");
    }
    widest
}

fn near(ours: &[f32], naive: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), naive.len());
    for (ours, naive) in ours.iter().zip(naive) {
        assert!((f64::from(*ours) - naive).abs() < tolerance * naive.abs().max(1.0), "{ours} {naive}");
    }
}

/// `[rows, columns]`, in f64.
fn naive_product(input: &[f32], weights: &[f32], bias: &[f32], depth: usize) -> Vec<f64> {
    let dot = |row: &[f32], weights: &[f32], bias: f32| {
        let products = row.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b));
        f64::from(bias) + products.sum::<f64>()
    };
    let row = |row| bias.iter().zip(weights.chunks(depth)).map(move |(bias, w)| dot(row, w, *bias));
    input.chunks(depth).flat_map(row).collect()
}

fn naive_gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + candle_core::cpu::erf::erf_f64(x / std::f64::consts::SQRT_2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_product_is_that_of_its_naive_twin(
        seed: u64,
        rows in 1_usize..30,
        depth in prop_oneof![1_usize..40, 380_usize..800],
        panels in 1_usize..4,
    ) {
        let columns = panels * LANES;
        let (input, weights) = (numbers(seed, rows * depth), numbers(seed ^ 1, columns * depth));
        let bias = numbers(seed ^ 2, columns);
        let packed = Panels::pack(&weights, &bias);

        let whole = |then| with_all(|instructions| {
            let mut output = vec![f32::NAN; rows * columns];
            instructions.run(Product::whole(&input, &packed, then, &mut output));
            output
        });

        let naive = naive_product(&input, &weights, &bias, depth);
        // sums of up to 800 products below 1/4
        near(&whole(Then::Nothing), &naive, 1e-4);
        let naive: Vec<f64> = naive.into_iter().map(naive_gelu).collect();
        near(&whole(Then::Gelu), &naive, 1e-4);
    }

    #[test]
    fn a_product_in_parts_is_the_whole(seed: u64, rows in 1_usize..20, depth in 2_usize..60, cut in 1_usize..60) {
        let cut = cut.min(depth - 1);
        let (input, bias) = (numbers(seed, rows * depth), numbers(seed ^ 2, 2 * LANES));
        let packed = Panels::pack(&numbers(seed ^ 1, 2 * LANES * depth), &bias);
        let instructions = Instructions::detect();
        let mut whole = vec![f32::NAN; rows * 2 * LANES];
        instructions.run(Product::whole(&input, &packed, Then::Nothing, &mut whole));

        let mut half = vec![f32::NAN; rows * LANES];
        for (part, start) in [(0..cut, Start::Bias), (cut..depth, Start::Output)] {
            let input: Vec<f32> =
                input.chunks(depth).flat_map(|row| &row[part.clone()]).copied().collect();
            let (columns, then) = (LANES..2 * LANES, Then::Nothing);
            let (input, output) = (input.as_slice(), half.as_mut_slice());
            instructions.run(Product { input, weights: &packed, depth: part, columns, start, then, output });
        }

        for (half, whole) in half.chunks(LANES).zip(whole.chunks(2 * LANES)) {
            prop_assert_eq!(half, &whole[LANES..]);
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_every_company(seed: u64, rows in 1_usize..30, row in 0_usize..30) {
        let (depth, row) = (50, row % rows);
        let input = numbers(seed, rows * depth);
        let packed = Panels::pack(&numbers(seed ^ 1, LANES * depth), &numbers(seed ^ 2, LANES));
        for instructions in Instructions::available() {
            let (mut all, mut alone) = (vec![0.0; rows * LANES], vec![0.0; LANES]);

            instructions.run(Product::whole(&input, &packed, Then::Gelu, &mut all));
            let own = &input[row * depth..][..depth];
            instructions.run(Product::whole(own, &packed, Then::Gelu, &mut alone));

            prop_assert_eq!(&all[row * LANES..][..LANES], alone.as_slice());
        }
    }

    #[test]
    fn attention_is_that_of_its_naive_twin(
        seed: u64,
        tokens in 1_usize..70,
        first in 0_usize..70,
        heads in 1_usize..4,
        wide: bool,
    ) {
        let (head_width, first) = (if wide { 32 } else { 16 }, first % tokens);
        let hidden = heads * head_width;
        let qkv: Vec<f32> = numbers(seed, tokens * hidden * 3).into_iter().map(|x| x * 8.0).collect();

        let ours = with_all(|instructions| {
            let (mut scratch, queries) = (AttentionScratch::default(), first..tokens);
            let mut output = vec![f32::NAN; queries.len() * hidden];
            let (scratch, output_of) = (&mut scratch, output.as_mut_slice());
            let qkv = qkv.as_slice();
            instructions.run(Attention { qkv, queries, heads, head_width, scratch, output: output_of });
            output
        });

        near(&ours, &naive_attention(&qkv, first..tokens, heads, head_width), 2e-5);
    }

    #[test]
    fn adding_and_norming_is_that_of_its_naive_twin(seed: u64, rows in 1_usize..5, groups in 1_usize..5) {
        let width = groups * LANES;
        let (x, y) = (numbers(seed, rows * width), numbers(seed ^ 1, rows * width));
        let (weight, bias) = (numbers(seed ^ 2, width), numbers(seed ^ 3, width));

        let ours = with_all(|instructions| {
            let mut x = x.clone();
            let kernel = AddAndNorm { x: &mut x, y: &y, weight: &weight, bias: &bias, epsilon: 1e-5 };
            instructions.run(kernel);
            x
        });

        let mut naive: Vec<f64> = x.iter().zip(&y).map(|(x, y)| f64::from(*x) + f64::from(*y)).collect();
        for row in naive.chunks_mut(width) {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            for ((x, weight), bias) in row.iter_mut().zip(&weight).zip(&bias) {
                *x = (*x - mean) / (variance + 1e-5).sqrt() * f64::from(*weight) + f64::from(*bias);
            }
        }
        near(&ours, &naive, 1e-5);
    }

    #[test]
    fn gelu_is_as_exact_as_it_says(inputs in vec(-12.0_f32..12.0, LANES)) {
        let mut lanes = Lanes(*inputs.first_chunk().unwrap());

        gelu::gelu::<Fused>(&mut lanes);

        for (x, ours) in inputs.iter().zip(lanes.0) {
            let error = (f64::from(ours) - naive_gelu(f64::from(*x))).abs();
            prop_assert!(error < 5e-7 * f64::from(x.abs().max(1.0)), "{x} {ours} {error}");
        }
    }

    #[test]
    fn powers_are_as_exact_as_they_say(x in -87.0_f32..=0.0) {
        let mut scores = [Lanes([x; LANES]), Lanes::ZERO];

        softmax::exponentials::<Fused>(&mut scores);

        let exact = f64::from(x).exp();
        // two units in the last place
        prop_assert!((f64::from(scores[0].0[3]) / exact - 1.0).abs() < 2.4e-7);
        prop_assert_eq!(scores[1], Lanes([1.0; LANES]));
    }
}

fn naive_attention(
    qkv: &[f32],
    queries: std::ops::Range<usize>,
    heads: usize,
    head_width: usize,
) -> Vec<f64> {
    let hidden = heads * head_width;
    let tokens = qkv.len() / hidden / 3;
    let part = |token: usize, which: usize, head: usize| {
        qkv[(token * 3 + which) * hidden + head * head_width..][..head_width].iter().map(|x| f64::from(*x))
    };
    let mut context = Vec::new();
    for query in queries {
        for head in 0..heads {
            let score = |key| part(query, 0, head).zip(part(key, 1, head)).map(|(q, k)| q * k).sum::<f64>();
            let powers = (0..tokens).map(|key| (score(key) / (head_width as f64).sqrt()).exp());
            let powers: Vec<f64> = powers.collect();
            let sum: f64 = powers.iter().sum();
            let mut gathered = vec![0.0; head_width];
            for (key, power) in powers.iter().enumerate() {
                for (gathered, value) in gathered.iter_mut().zip(part(key, 2, head)) {
                    *gathered += power / sum * value;
                }
            }
            context.extend(gathered);
        }
    }
    context
}

#[test]
fn what_is_no_number_stays_none() {
    let mut lanes = Lanes([f32::NAN; LANES]);
    gelu::gelu::<Fused>(&mut lanes);
    assert!(lanes.0[0].is_nan());

    let mut scores = [Lanes([f32::NAN; LANES]), Lanes::ZERO];
    softmax::exponentials::<Fused>(&mut scores);
    assert!(scores[0].0[0].is_nan());
}
