//! Powers of e. Knows no softmax.

use super::Arithmetic;

/// `e^x` for `x` up to 0, exact to two units in the last place: `2^n · e^r` with `|r| ≤ ln 2 / 2` and a polynomial for
/// `e^r` (Moshier's Cephes, `single/expf.c`). Below -87 it gives `e^-87`, which is nothing.
#[inline(always)]
pub(crate) fn exp<A: Arithmetic>(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    // adding 1.5 · 2^23 leaves the nearest whole number in the lowest bits
    let shifted = A::mul_add(x, std::f32::consts::LOG2_E, ROUNDER);
    let whole = shifted - ROUNDER;
    let rest = A::mul_add(whole, -LN_2_HIGH, x);
    let rest = A::mul_add(whole, -LN_2_LOW, rest);
    let mut sum = 1.987_569_1e-4;
    for coefficient in COEFFICIENTS {
        sum = A::mul_add(sum, rest, coefficient);
    }
    let power = A::mul_add(sum, rest * rest, rest) + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127);
    power * f32::from_bits(exponent << 23)
}

const ROUNDER: f32 = 12_582_912.0;
/// ln 2 in two parts, the first of so few bits that its product with `n` is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;
const COEFFICIENTS: [f32; 5] = [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
