//! Products with weights of `Q6_K`. Knows no matrix.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64;

use super::activations::Input256;
#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::ggml::SUPER;
use super::ggml::Six;
use super::half::from_f16;
use super::instructions::Instructions;
use super::panels::Block;
use super::panels::LANES;
use super::panels::Lanes;
use super::panels::Run;
#[cfg(target_arch = "x86_64")]
use super::panels::nth;

/// A super-block of 16 rows. Four bits of each weight lie as in [`super::q4k::Q4K`]; the two highest bits of eight
/// columns share a byte: from its lowest bits up, of the rows 0 to 7 and 8 to 15 of the first four columns, then of
/// the same rows of the other four.
#[derive(Debug, Clone)]
#[repr(C, align(32))]
pub(super) struct Q6K {
    /// Binary16.
    scale: [u16; LANES],
    /// `[8][16][2]`: two sub-blocks of 16 columns for each row.
    scales: [[i8; 2 * LANES]; 8],
    /// `[columns / 4][8][4]`.
    low: [[u8; 32]; SUPER / 4],
    /// `[columns / 8][8][4]`.
    high: [[u8; 32]; SUPER / 8],
}

impl Block for Q6K {
    type Input = Input256;
    const COLUMNS: usize = SUPER;
    const ROW_BYTES: usize = 210;
    const AHEAD: usize = 2;

    fn pack(rows: &[&[u8]]) -> Self {
        let scales = [[0; 2 * LANES]; 8];
        let (low, high) = ([[0; 32]; SUPER / 4], [[0; 32]; SUPER / 8]);
        let mut block = Self { scale: [0; LANES], scales, low, high };
        for (lane, row) in rows.iter().enumerate() {
            let row = Six::read(row);
            block.scale[lane] = row.scale;
            for (part, scale) in row.scales.into_iter().enumerate() {
                block.scales[part / 2][lane * 2 + part % 2] = scale;
            }
            let (at, shift) = (lane % 8 * 4, lane / 8);
            for (group, quants) in row.quants.as_chunks::<4>().0.iter().enumerate() {
                let low = &mut block.low[group][at..at + 4];
                let high = &mut block.high[group / 2][at..at + 4];
                for ((low, high), quant) in low.iter_mut().zip(high).zip(quants) {
                    *low |= (quant & 15) << (shift * 4);
                    *high |= quant >> 4 << (group % 2 * 4 + shift * 2);
                }
            }
        }
        block
    }

    fn unpack(&self, lane: usize, out: &mut [f32]) {
        let row = Six {
            scale: self.scale[lane],
            scales: std::array::from_fn(|part| self.scales[part / 2][lane * 2 + part % 2]),
            quants: std::array::from_fn(|column| self.quant(lane, column)),
        };
        row.values(out);
    }

    fn multiply<const N: usize>(
        instructions: Instructions,
        run: Run<'_, Self>,
        inputs: [&[Input256]; N],
        sums: &mut [Lanes; N],
    ) {
        match instructions {
            Instructions::Portable => portable(run.blocks, &inputs, sums),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => {
                // SAFETY: the proof in this arm can only be had where these features were seen.
                unsafe { avx2(&run, inputs, sums) }
            }
        }
    }
}

impl Q6K {
    /// From 0 to 63.
    #[inline(always)]
    fn quant(&self, lane: usize, column: usize) -> u8 {
        let (group, at, shift) = (column / 4, lane % 8 * 4 + column % 4, lane / 8);
        let high = self.high[group / 2][at] >> (group % 2 * 4 + shift * 2) & 3;
        self.low[group][at] >> (shift * 4) & 15 | high << 4
    }
}

/// `sum + input scale · scale · Σ scales · (dot − 32 · sum)`, dots and sums over 16 columns.
fn portable(blocks: &[Q6K], inputs: &[&[Input256]], sums: &mut [Lanes]) {
    for (inputs, sums) in inputs.iter().zip(sums) {
        for (block, input) in blocks.iter().zip(*inputs) {
            let quants = input.quants.as_flattened();
            for (lane, sum) in sums.0.iter_mut().enumerate() {
                let mut total = 0;
                for part in 0..16 {
                    let mut dot = -32 * i32::from(input.sums[part / 2][part % 2]);
                    for (column, quant) in quants.iter().enumerate().skip(part * 16).take(16) {
                        dot += i32::from(block.quant(lane, column)) * i32::from(*quant);
                    }
                    total += dot * i32::from(block.scales[part / 2][lane * 2 + part % 2]);
                }
                *sum = input.scale.mul_add(from_f16(block.scale[lane]) * total as f32, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<const N: usize>(run: &Run<'_, Q6K>, inputs: [&[Input256]; N], sums: &mut [Lanes; N]) {
    let mut totals = [[x86_64::_mm256_setzero_ps(); 2]; N];
    for (total, sum) in totals.iter_mut().zip(&*sums) {
        *total = avx2::load_sums(sum);
    }
    for (index, block) in run.blocks.iter().enumerate() {
        let inputs = nth(inputs, index);
        let next = run.ahead.get(index).unwrap_or(block);
        let mut dots = offsets(block, inputs);
        for pair in 0..8 {
            let scales = block.scales[pair].as_chunks().0;
            let scales = [avx2::widen_signed(&scales[0]), avx2::widen_signed(&scales[1])];
            let firsts = [avx2::firsts(scales[0]), avx2::firsts(scales[1])];
            let seconds = [avx2::seconds(scales[0]), avx2::seconds(scales[1])];
            for (eight, scales) in [firsts, firsts, seconds, seconds].into_iter().enumerate() {
                let eight = pair * 4 + eight;
                avx2::prefetch(&next.low[eight * 2]);
                avx2::prefetch(&next.high[eight]);
                let quants = eight_columns(block, eight);
                for row in 0..N {
                    let input = &inputs[row].quants;
                    let (first, second) =
                        (avx2::broadcast(input[eight * 2]), avx2::broadcast(input[eight * 2 + 1]));
                    for half in 0..2 {
                        // twice at most 63 · 127 · 2: below 2^15
                        let mut short = x86_64::_mm256_maddubs_epi16(quants[0][half], first);
                        avx2::add_short_products(&mut short, quants[1][half], second);
                        avx2::add_products(&mut dots[row][half], short, scales[half]);
                    }
                }
            }
        }
        for half in 0..2 {
            let scale = avx2::halves(&block.scale, half);
            for row in 0..N {
                let product = x86_64::_mm256_mul_ps(scale, x86_64::_mm256_cvtepi32_ps(dots[row][half]));
                let input = x86_64::_mm256_set1_ps(inputs[row].scale);
                totals[row][half] = x86_64::_mm256_fmadd_ps(input, product, totals[row][half]);
            }
        }
    }
    for (total, sum) in totals.into_iter().zip(sums) {
        avx2::store_sums(sum, total);
    }
}

/// What the quants are too great by, `−32 · Σ scales · sum`.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn offsets<const N: usize>(block: &Q6K, inputs: [&Input256; N]) -> [[x86_64::__m256i; 2]; N] {
    let zero = x86_64::_mm256_setzero_si256();
    let mut offsets = [[zero; 2]; N];
    for (pair, scales) in block.scales.iter().enumerate() {
        let scales = scales.as_chunks().0;
        for half in 0..2 {
            let scales = avx2::widen_signed(&scales[half]);
            for row in 0..N {
                avx2::add_products(
                    &mut offsets[row][half],
                    scales,
                    avx2::broadcast_pair(inputs[row].sums[pair]),
                );
            }
        }
    }
    for offset in offsets.as_flattened_mut() {
        *offset = x86_64::_mm256_sub_epi32(zero, x86_64::_mm256_slli_epi32(*offset, 5));
    }
    offsets
}

/// Quants of eight columns: of the first four in the rows 0 to 7 and 8 to 15, then of the others.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn eight_columns(block: &Q6K, eight: usize) -> [[x86_64::__m256i; 2]; 2] {
    let (first, second) = (avx2::load(&block.low[eight * 2]), avx2::load(&block.low[eight * 2 + 1]));
    let high = avx2::load(&block.high[eight]);
    let (low_mask, high_mask) = (x86_64::_mm256_set1_epi8(15), x86_64::_mm256_set1_epi8(48));
    let low = [
        x86_64::_mm256_and_si256(first, low_mask),
        x86_64::_mm256_and_si256(x86_64::_mm256_srli_epi16(first, 4), low_mask),
        x86_64::_mm256_and_si256(second, low_mask),
        x86_64::_mm256_and_si256(x86_64::_mm256_srli_epi16(second, 4), low_mask),
    ];
    let high = [
        x86_64::_mm256_and_si256(x86_64::_mm256_slli_epi16(high, 4), high_mask),
        x86_64::_mm256_and_si256(x86_64::_mm256_slli_epi16(high, 2), high_mask),
        x86_64::_mm256_and_si256(high, high_mask),
        x86_64::_mm256_and_si256(x86_64::_mm256_srli_epi16(high, 2), high_mask),
    ];
    [
        [x86_64::_mm256_or_si256(low[0], high[0]), x86_64::_mm256_or_si256(low[1], high[1])],
        [x86_64::_mm256_or_si256(low[2], high[2]), x86_64::_mm256_or_si256(low[3], high[3])],
    ]
}
