//! Products with weights of `Q4_K`. Knows no matrix.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64;

use super::activations::Input256;
#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::ggml::Four;
use super::ggml::SUPER;
use super::half::from_f16;
use super::instructions::Instructions;
use super::panels::Block;
use super::panels::LANES;
use super::panels::Lanes;
use super::panels::Run;
#[cfg(target_arch = "x86_64")]
use super::panels::nth;

/// A super-block of 16 rows. A byte holds the weights of one column in two rows: in its low half those of the rows 0 to
/// 7, in its high half those of the rows 8 to 15.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Q4K {
    /// Binary16, and so is `least`.
    scale: [u16; LANES],
    least: [u16; LANES],
    /// `[4][16][2]`: two sub-blocks of 32 columns for each row, and so are `leasts`.
    scales: [[u8; 2 * LANES]; 4],
    leasts: [[u8; 2 * LANES]; 4],
    /// `[columns / 4][8][4]`.
    quants: [[u8; 32]; SUPER / 4],
}

impl Block for Q4K {
    type Input = Input256;
    const COLUMNS: usize = SUPER;
    const ROW_BYTES: usize = 144;
    const AHEAD: usize = 3;

    fn pack(rows: &[&[u8]]) -> Self {
        let (numbers, pairs) = ([0; LANES], [[0; 2 * LANES]; 4]);
        let mut block = Self {
            scale: numbers,
            least: numbers,
            scales: pairs,
            leasts: pairs,
            quants: [[0; 32]; SUPER / 4],
        };
        for (lane, row) in rows.iter().enumerate() {
            let row = Four::read(row);
            (block.scale[lane], block.least[lane]) = (row.scale, row.least);
            for part in 0..8 {
                block.scales[part / 2][lane * 2 + part % 2] = row.scales[part];
                block.leasts[part / 2][lane * 2 + part % 2] = row.leasts[part];
            }
            let (at, shift) = (lane % 8 * 4, lane / 8 * 4);
            for (packed, quants) in block.quants.iter_mut().zip(row.quants.as_chunks::<4>().0) {
                for (packed, quant) in packed[at..at + 4].iter_mut().zip(quants) {
                    *packed |= quant << shift;
                }
            }
        }
        block
    }

    fn unpack(&self, lane: usize, out: &mut [f32]) {
        let (at, shift) = (lane % 8 * 4, lane / 8 * 4);
        let part = |parts: &[[u8; 2 * LANES]; 4], part: usize| parts[part / 2][lane * 2 + part % 2];
        let row = Four {
            scale: self.scale[lane],
            least: self.least[lane],
            scales: std::array::from_fn(|index| part(&self.scales, index)),
            leasts: std::array::from_fn(|index| part(&self.leasts, index)),
            quants: std::array::from_fn(|column| self.quants[column / 4][at + column % 4] >> shift & 15),
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

/// `sum + input scale · (scale · Σ scales·dot − least · Σ leasts·sum)`, dots and sums over 32 columns.
fn portable(blocks: &[Q4K], inputs: &[&[Input256]], sums: &mut [Lanes]) {
    for (inputs, sums) in inputs.iter().zip(sums) {
        for (block, input) in blocks.iter().zip(*inputs) {
            let (mut dots, mut least) = ([0; LANES], [0; LANES]);
            for part in 0..8 {
                let dot = dot(&block.quants[part * 8..][..8], &input.quants[part * 8..][..8]);
                let sum = i32::from(input.wide_sums[part / 2][part % 2]);
                for lane in 0..LANES {
                    let at = lane * 2 + part % 2;
                    dots[lane] += dot[lane] * i32::from(block.scales[part / 2][at]);
                    least[lane] += sum * i32::from(block.leasts[part / 2][at]);
                }
            }
            for (lane, sum) in sums.0.iter_mut().enumerate() {
                let product = from_f16(block.scale[lane]) * dots[lane] as f32;
                let product = (-from_f16(block.least[lane])).mul_add(least[lane] as f32, product);
                *sum = input.scale.mul_add(product, *sum);
            }
        }
    }
}

/// Products over 32 columns.
fn dot(quants: &[[u8; 32]], inputs: &[[i8; 4]]) -> [i32; LANES] {
    let mut dots = [0; LANES];
    for (packed, input) in quants.iter().zip(inputs) {
        for (index, byte) in packed.iter().enumerate() {
            let input = i32::from(input[index % 4]);
            dots[index / 4] += i32::from(byte & 15) * input;
            dots[index / 4 + 8] += i32::from(byte >> 4) * input;
        }
    }
    dots
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<const N: usize>(run: &Run<'_, Q4K>, inputs: [&[Input256]; N], sums: &mut [Lanes; N]) {
    let mut totals = [[x86_64::_mm256_setzero_ps(); 2]; N];
    for (total, sum) in totals.iter_mut().zip(&*sums) {
        *total = avx2::load_sums(sum);
    }
    for (index, block) in run.blocks.iter().enumerate() {
        let inputs = nth(inputs, index);
        let next = run.ahead.get(index).unwrap_or(block);
        let mut dots = [[x86_64::_mm256_setzero_si256(); 2]; N];
        for pair in 0..4 {
            let scales = block.scales[pair].as_chunks().0;
            let scales = [avx2::widen(&scales[0]), avx2::widen(&scales[1])];
            let firsts = [avx2::firsts(scales[0]), avx2::firsts(scales[1])];
            let seconds = [avx2::seconds(scales[0]), avx2::seconds(scales[1])];
            for (part, scales) in [firsts, seconds].into_iter().enumerate() {
                let short = thirty_two_columns((block, next), pair * 2 + part, inputs);
                for row in 0..N {
                    for half in 0..2 {
                        avx2::add_products(&mut dots[row][half], short[row][half], scales[half]);
                    }
                }
            }
        }
        for half in 0..2 {
            let (scale, least_scale) = (avx2::halves(&block.scale, half), avx2::halves(&block.least, half));
            let least = leasts(block, half, inputs);
            for row in 0..N {
                let product = x86_64::_mm256_mul_ps(scale, x86_64::_mm256_cvtepi32_ps(dots[row][half]));
                let least = x86_64::_mm256_cvtepi32_ps(least[row]);
                let product = x86_64::_mm256_fnmadd_ps(least_scale, least, product);
                let input = x86_64::_mm256_set1_ps(inputs[row].scale);
                totals[row][half] = x86_64::_mm256_fmadd_ps(input, product, totals[row][half]);
            }
        }
    }
    for (total, sum) in totals.into_iter().zip(sums) {
        avx2::store_sums(sum, total);
    }
}

/// Products over the sub-block `part`, two numbers of 16 bits for each row of weights.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn thirty_two_columns<const N: usize>(
    (block, next): (&Q4K, &Q4K),
    part: usize,
    inputs: [&Input256; N],
) -> [[x86_64::__m256i; 2]; N] {
    let mask = x86_64::_mm256_set1_epi8(15);
    // 8 times at most 15 · 127 · 2: below 2^15
    let mut short = [[x86_64::_mm256_setzero_si256(); 2]; N];
    // the compiler would unroll this and add up in another order, for which the registers do not suffice (Rust 1.96)
    let groups = std::hint::black_box(8);
    for group in part * 8..part * 8 + groups {
        avx2::prefetch(&next.quants[group]);
        let packed = avx2::load(&block.quants[group]);
        let low = x86_64::_mm256_and_si256(packed, mask);
        let high = x86_64::_mm256_and_si256(x86_64::_mm256_srli_epi16(packed, 4), mask);
        for row in 0..N {
            let input = avx2::broadcast(inputs[row].quants[group]);
            avx2::add_short_products(&mut short[row][0], low, input);
            avx2::add_short_products(&mut short[row][1], high, input);
        }
    }
    short
}

/// `Σ leasts · sum` of 8 rows of weights.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn leasts<const N: usize>(block: &Q4K, half: usize, inputs: [&Input256; N]) -> [x86_64::__m256i; N] {
    let mut least = [x86_64::_mm256_setzero_si256(); N];
    for (pair, leasts) in block.leasts.iter().enumerate() {
        let leasts = avx2::widen(&leasts.as_chunks().0[half]);
        for row in 0..N {
            avx2::add_products(&mut least[row], leasts, avx2::broadcast_pair(inputs[row].wide_sums[pair]));
        }
    }
    least
}
