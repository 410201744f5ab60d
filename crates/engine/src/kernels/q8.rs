//! Products with weights of `Q8_0`, and making them of others. Knows no matrix.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64;

use super::activations::Input32;
#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::ggml::Eight;
use super::half::from_f16;
use super::half::to_f16;
use super::instructions::Instructions;
use super::panels::Block;
use super::panels::LANES;
use super::panels::Lanes;
use super::panels::Run;
#[cfg(target_arch = "x86_64")]
use super::panels::nth;

/// 32 columns of 16 rows.
#[derive(Debug, Clone)]
#[repr(C, align(32))]
pub(super) struct Q8 {
    /// Binary16.
    scale: [u16; LANES],
    /// `[columns / 4][16][4]`.
    quants: [[i8; 4 * LANES]; 8],
}

impl Block for Q8 {
    type Input = Input32;
    const COLUMNS: usize = 32;
    const ROW_BYTES: usize = 34;
    const AHEAD: usize = 14;

    fn pack(rows: &[&[u8]]) -> Self {
        let mut block = Self { scale: [0; LANES], quants: [[0; 4 * LANES]; 8] };
        for (lane, row) in rows.iter().enumerate() {
            let row = Eight::read(row);
            block.scale[lane] = row.scale;
            for (packed, quants) in block.quants.iter_mut().zip(row.quants.as_chunks::<4>().0) {
                packed[lane * 4..lane * 4 + 4].copy_from_slice(quants);
            }
        }
        block
    }

    fn unpack(&self, lane: usize, out: &mut [f32]) {
        let quants = std::array::from_fn(|column| self.quants[column / 4][lane * 4 + column % 4]);
        Eight { scale: self.scale[lane], quants }.values(out);
    }

    fn multiply<const N: usize>(
        instructions: Instructions,
        run: Run<'_, Self>,
        inputs: [&[Input32]; N],
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

/// One row as the bytes of `Q8_0`.
pub(super) fn requantise(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() / 32 * 34);
    for values in values.chunks_exact(32) {
        let mut greatest = 0.0_f32;
        for value in values {
            // what is no number stays none
            greatest = if value.abs() <= greatest { greatest } else { value.abs() };
        }
        let scale = to_f16(greatest / 127.0);
        bytes.extend(scale.to_le_bytes());
        let scale = from_f16(scale);
        bytes.extend(values.iter().map(|value| {
            let quant = if scale == 0.0 { 0.0 } else { (value / scale).round_ties_even() };
            (quant.clamp(-127.0, 127.0) as i8).cast_unsigned()
        }));
    }
    bytes
}

/// `sum + input scale · scale · dot`.
fn portable(blocks: &[Q8], inputs: &[&[Input32]], sums: &mut [Lanes]) {
    for (inputs, sums) in inputs.iter().zip(sums) {
        for (block, input) in blocks.iter().zip(*inputs) {
            let mut dots = [0; LANES];
            for (quants, input) in block.quants.iter().zip(input.quants) {
                for (index, quant) in quants.iter().enumerate() {
                    dots[index / 4] += i32::from(*quant) * i32::from(input[index % 4]);
                }
            }
            for (lane, sum) in sums.0.iter_mut().enumerate() {
                *sum = (input.scale * from_f16(block.scale[lane])).mul_add(dots[lane] as f32, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<const N: usize>(run: &Run<'_, Q8>, inputs: [&[Input32]; N], sums: &mut [Lanes; N]) {
    let ones = x86_64::_mm256_set1_epi16(1);
    let mut totals = [[x86_64::_mm256_setzero_ps(); 2]; N];
    for (total, sum) in totals.iter_mut().zip(&*sums) {
        *total = avx2::load_sums(sum);
    }
    for (index, block) in run.blocks.iter().enumerate() {
        let inputs = nth(inputs, index);
        let next = run.ahead.get(index).unwrap_or(block);
        let mut dots = [[x86_64::_mm256_setzero_si256(); 2]; N];
        for (group, quants) in block.quants.iter().enumerate() {
            avx2::prefetch(&next.quants[group]);
            let quants = quants.as_chunks().0;
            let quants = [avx2::load_signed(&quants[0]), avx2::load_signed(&quants[1])];
            let sizes = [x86_64::_mm256_abs_epi8(quants[0]), x86_64::_mm256_abs_epi8(quants[1])];
            for row in 0..N {
                let input = avx2::broadcast(inputs[row].quants[group]);
                for half in 0..2 {
                    // the sign of the weight goes to the input; at most 128 · 127 · 2, below 2^15
                    let signed = x86_64::_mm256_sign_epi8(input, quants[half]);
                    let short = x86_64::_mm256_maddubs_epi16(sizes[half], signed);
                    avx2::add_products(&mut dots[row][half], short, ones);
                }
            }
        }
        for half in 0..2 {
            let scale = avx2::halves(&block.scale, half);
            for row in 0..N {
                let scale = x86_64::_mm256_mul_ps(x86_64::_mm256_set1_ps(inputs[row].scale), scale);
                let dot = x86_64::_mm256_cvtepi32_ps(dots[row][half]);
                totals[row][half] = x86_64::_mm256_fmadd_ps(scale, dot, totals[row][half]);
            }
        }
    }
    for (total, sum) in totals.into_iter().zip(sums) {
        avx2::store_sums(sum, total);
    }
}
