//! The activation of BERT (Hendrycks and Gimpel 2016, arXiv 1606.08415, with the error function itself). Knows no layer.

use crate::lanes::Arithmetic;
use crate::lanes::Lanes;

/// Replaces `x` by `x · Φ(x)`, where Φ is the normal distribution; off by less than 5e-7 · max(1, |x|).
#[inline(always)]
pub(super) fn gelu<A: Arithmetic>(lanes: &mut Lanes) {
    for x in &mut lanes.0 {
        *x = 0.5 * *x * (1.0 + erf::<A>(*x * std::f32::consts::FRAC_1_SQRT_2));
    }
}

/// The error function as a quotient of polynomials in `x²`, exact to 5e-7: Eigen, `SpecialFunctionsImpl.h`,
/// `generic_fast_erf`.
#[inline(always)]
fn erf<A: Arithmetic>(x: f32) -> f32 {
    // beyond, it is 1 in this type; a comparison with what is no number is false and keeps it
    let x = if x < -4.0 { -4.0 } else { x };
    let x = if x > 4.0 { 4.0 } else { x };
    let square = x * x;
    let mut above = -2.726_142_3e-10;
    for coefficient in ABOVE {
        above = A::mul_add(above, square, coefficient);
    }
    let mut below = -1.456_607_2e-5;
    for coefficient in BELOW {
        below = A::mul_add(below, square, coefficient);
    }
    x * above / below
}

const ABOVE: [f32; 6] =
    [2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2];
const BELOW: [f32; 4] = [-2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_474e-2];
