//! Scores to weights that add up to 1. Knows no head.

use crate::lanes::Arithmetic;
use crate::lanes::LANES;
use crate::lanes::Lanes;
use crate::lanes::exp;

/// Replaces scores, `[keys][16]`, by their powers of e, each lane over its greatest, and gives one over each lane's sum.
#[inline(always)]
pub(super) fn exponentials<A: Arithmetic>(scores: &mut [Lanes]) -> Lanes {
    let mut greatest = [f32::NEG_INFINITY; LANES];
    for score in &*scores {
        for (greatest, score) in greatest.iter_mut().zip(score.0) {
            *greatest = if score > *greatest { score } else { *greatest };
        }
    }
    let mut sums = Lanes::ZERO;
    for score in scores {
        let mut powers = *score;
        for (power, greatest) in powers.0.iter_mut().zip(greatest) {
            *power = exp::<A>(*power - greatest);
        }
        for lane in 0..LANES {
            sums.0[lane] += powers.0[lane];
        }
        *score = powers;
    }
    for lane in 0..LANES {
        sums.0[lane] = 1.0 / sums.0[lane];
    }
    sums
}
