//! Products with weights in f32. Knows no matrix.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64;

#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::instructions::Instructions;
use super::panels::Block;
use super::panels::Lanes;
use super::panels::Run;

/// One column of 16 rows.
impl Block for Lanes {
    type Input = f32;
    const COLUMNS: usize = 1;
    const ROW_BYTES: usize = 4;
    const AHEAD: usize = 64;

    fn pack(rows: &[&[u8]]) -> Self {
        let mut block = Self::ZERO;
        for (value, row) in block.0.iter_mut().zip(rows) {
            *value = f32::from_le_bytes([row[0], row[1], row[2], row[3]]);
        }
        block
    }

    fn unpack(&self, lane: usize, out: &mut [f32]) {
        out[0] = self.0[lane];
    }

    fn multiply<const N: usize>(
        instructions: Instructions,
        run: Run<'_, Self>,
        inputs: [&[f32]; N],
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

/// `sum + input · weight`. Where the processor has no fused operation this is slow, and right.
fn portable(blocks: &[Lanes], inputs: &[&[f32]], sums: &mut [Lanes]) {
    for (inputs, sums) in inputs.iter().zip(sums) {
        for (weights, input) in blocks.iter().zip(*inputs) {
            for (sum, weight) in sums.0.iter_mut().zip(&weights.0) {
                *sum = input.mul_add(*weight, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<const N: usize>(run: &Run<'_, Lanes>, inputs: [&[f32]; N], sums: &mut [Lanes; N]) {
    let mut totals = [[x86_64::_mm256_setzero_ps(); 2]; N];
    for (total, sum) in totals.iter_mut().zip(&*sums) {
        *total = avx2::load_sums(sum);
    }
    // one check for all
    let mut trimmed = [&inputs[0][..run.blocks.len()]; N];
    for (trimmed, input) in trimmed.iter_mut().zip(inputs) {
        *trimmed = &input[..run.blocks.len()];
    }
    for (index, weights) in run.blocks.iter().enumerate() {
        avx2::prefetch(run.ahead.get(index).unwrap_or(weights));
        let weights = avx2::load_sums(weights);
        for row in 0..N {
            let input = x86_64::_mm256_set1_ps(trimmed[row][index]);
            for half in 0..2 {
                totals[row][half] = x86_64::_mm256_fmadd_ps(input, weights[half], totals[row][half]);
            }
        }
    }
    for (total, sum) in totals.into_iter().zip(sums) {
        avx2::store_sums(sum, total);
    }
}
