//! Inputs of products as integers of 8 bits: quantised once a product, each run of columns by itself, so that they are
//! the same whatever stands beside them. Knows no weights.

use super::instructions::Instructions;
use super::team::Team;

/// 256 columns of one input row, for weights in super-blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(32))]
pub(super) struct Input256 {
    /// From −127 to 127.
    pub quants: [[i8; 4]; 64],
    /// Of 16 columns each.
    pub sums: [[i16; 2]; 8],
    /// Of 32 columns each.
    pub wide_sums: [[i16; 2]; 4],
    /// `value = scale · quant`.
    pub scale: f32,
}

/// 32 columns of one input row.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub(super) struct Input32 {
    /// From −127 to 127.
    pub quants: [[i8; 4]; 8],
    /// `value = scale · quant`.
    pub scale: f32,
}

/// What inputs become for a product.
pub(super) trait Quantise: Clone + Send + Sync {
    const COLUMNS: usize;
    const ZERO: Self;
    /// From `COLUMNS` values.
    fn quantise(values: &[f32]) -> Self;
}

impl Quantise for Input256 {
    const COLUMNS: usize = 256;
    const ZERO: Self = Self { quants: [[0; 4]; 64], sums: [[0; 2]; 8], wide_sums: [[0; 2]; 4], scale: 0.0 };

    #[inline(always)]
    fn quantise(values: &[f32]) -> Self {
        let mut block = Self::ZERO;
        block.scale = quantise(values, block.quants.as_flattened_mut());
        let sums = block.sums.as_flattened_mut();
        for (sum, quants) in sums.iter_mut().zip(block.quants.as_flattened().as_chunks::<16>().0) {
            for quant in quants {
                *sum += i16::from(*quant);
            }
        }
        for (wide, [first, second]) in block.wide_sums.as_flattened_mut().iter_mut().zip(block.sums) {
            *wide = first + second;
        }
        block
    }
}

impl Quantise for Input32 {
    const COLUMNS: usize = 32;
    const ZERO: Self = Self { quants: [[0; 4]; 8], scale: 0.0 };

    #[inline(always)]
    fn quantise(values: &[f32]) -> Self {
        let mut block = Self::ZERO;
        block.scale = quantise(values, block.quants.as_flattened_mut());
        block
    }
}

/// Added to a number below 2^22 it leaves the whole number nearest to it in the lowest bits, of two the even one.
const WHOLE: f32 = 12_582_912.0;

/// Writes `round(value · 127 / max |value|)` and says what one is worth. Where a value is no number or infinite, that
/// is no number; values so small that their scale had lost bits are 0.
#[inline(always)]
fn quantise(values: &[f32], quants: &mut [i8]) -> f32 {
    // as whole numbers, magnitudes are in the order of their values, and infinities and what is no number above them
    let mut greatest = 0;
    for value in values {
        greatest = greatest.max(value.to_bits() & 0x7fff_ffff);
    }
    let greatest = f32::from_bits(greatest);
    let scale = greatest / 127.0;
    if !greatest.is_finite() {
        return f32::NAN;
    }
    if scale < f32::MIN_POSITIVE {
        return 0.0;
    }
    let inverse = 127.0 / greatest;
    for (quant, value) in quants.iter_mut().zip(values) {
        *quant = (value * inverse + WHOLE).to_bits() as i8;
    }
    scale
}

/// The input `[n, columns]` as `[n, columns / COLUMNS]` blocks.
pub(super) fn quantised<Q: Quantise>(team: &Team, instructions: Instructions, input: &[f32]) -> Vec<Q> {
    // a task worth the hand-over
    let run = 16_384 / Q::COLUMNS;
    let mut blocks = vec![Q::ZERO; input.len() / Q::COLUMNS];
    let runs = blocks.chunks_mut(run).zip(input.chunks(run * Q::COLUMNS)).collect();
    team.each(runs, |(blocks, values): (&mut [Q], &[f32])| match instructions {
        Instructions::Portable => quantise_all(values, blocks),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2(_) => {
            // SAFETY: the proof in this arm can only be had where these features were seen.
            unsafe { quantise_all_avx2(values, blocks) }
        }
    });
    blocks
}

#[inline(always)]
fn quantise_all<Q: Quantise>(values: &[f32], blocks: &mut [Q]) {
    for (block, values) in blocks.iter_mut().zip(values.chunks_exact(Q::COLUMNS)) {
        *block = Q::quantise(values);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn quantise_all_avx2<Q: Quantise>(values: &[f32], blocks: &mut [Q]) {
    quantise_all(values, blocks);
}
