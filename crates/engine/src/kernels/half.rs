//! Numbers of 16 bits: IEEE 754 binary16 and the upper half of an f32. Knows no block.

/// What the least binary16 is above 0: 2^-24.
const STEP: f32 = 5.960_464_5e-8;

/// The value of a binary16, exact.
#[inline(always)]
pub(super) fn from_f16(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff);
    match magnitude {
        0..0x400 => f32::from_bits(sign | (magnitude as f32 * STEP).to_bits()),
        0x400..0x7c00 => f32::from_bits(sign | ((magnitude << 13) + (112 << 23))),
        _ => f32::from_bits(sign | 0x7f80_0000 | (magnitude << 13)),
    }
}

/// The nearest binary16; of two, the even one.
pub(super) fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    let rounded = match magnitude {
        // below the least normal one, 2^-14, in steps of 2^-24: the addition rounds to whole numbers
        0..0x3880_0000 => {
            let steps = f32::from_bits(magnitude) / STEP;
            (steps + 8_388_608.0).to_bits() - 8_388_608.0_f32.to_bits()
        }
        0x3880_0000..=0x7f80_0000 => {
            let even = (magnitude >> 13) & 1;
            ((magnitude - (112 << 23) + 0xfff + even) >> 13).min(0x7c00)
        }
        _ => 0x7e00,
    };
    sign | rounded as u16
}

/// The value of a bfloat16, exact.
pub(super) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
