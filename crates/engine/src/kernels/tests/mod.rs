//! Weights for the tests below.

mod formats;
mod products;
mod reference;
mod team;

use super::half::to_f16;
use super::kind::Kind;
use crate::tiny::Random;

const KINDS: [Kind; 11] = [
    Kind::F32,
    Kind::F16,
    Kind::Bf16,
    Kind::Q4_0,
    Kind::Q4_1,
    Kind::Q5_0,
    Kind::Q5_1,
    Kind::Q8_0,
    Kind::Q4K,
    Kind::Q5K,
    Kind::Q6K,
];

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut random = Random(seed);
    (0..count).map(|_| random.next()).collect()
}

/// The bytes of a matrix in which every quant and every scale occurs.
fn weights(kind: Kind, seed: u64, rows: usize, columns: usize) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = Vec::new();
    for _ in 0..rows * columns / kind.block() {
        let mut block: Vec<u8> =
            (0..kind.block_bytes()).map(|_| (random.next() * 256.0) as i32 as u8).collect();
        let mut put =
            |at: usize| block[at..at + 2].copy_from_slice(&to_f16(random.next() / 16.0).to_le_bytes());
        match kind {
            Kind::F32 => block = random.next().to_le_bytes().to_vec(),
            Kind::Bf16 => block = random.next().to_le_bytes()[2..].to_vec(),
            Kind::F16 | Kind::Q4_0 | Kind::Q5_0 | Kind::Q8_0 => put(0),
            Kind::Q4_1 | Kind::Q5_1 | Kind::Q4K | Kind::Q5K => [0, 2].map(put).into_iter().collect(),
            Kind::Q6K => put(208),
        }
        bytes.extend(block);
    }
    bytes
}
