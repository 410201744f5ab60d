//! Half precision (IEEE 754 binary16) from and to f32, which stable Rust has no type for. Knows no file.

/// The value of a half: its bits moved to their place in f32, and the bias of its exponent made good by a product, which
/// is exact for the smallest, too.
pub(crate) fn from_half(bits: u16) -> f32 {
    let (sign, magnitude) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7FFF));
    let value = if magnitude < 0x7C00 {
        f32::from_bits(magnitude << 13) * 2.0_f32.powi(112)
    } else {
        f32::from_bits(magnitude << 13 | 0x7F80_0000)
    };
    f32::from_bits(value.to_bits() | sign)
}

/// The nearest half, the even one of two that are as near.
pub(crate) fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7FFF_FFFF;
    if magnitude > 0x7F80_0000 {
        return sign | 0x7E00;
    }
    // from the middle between the largest half and the next on, everything is infinite
    if magnitude >= 0x477F_F000 {
        return sign | 0x7C00;
    }
    if magnitude < 0x3880_0000 {
        // below the smallest normal half: whole multiples of 2⁻²⁴, rounded by the addition of 2²³ units
        let rounded = f32::from_bits(magnitude) * 2.0_f32.powi(24) + 8_388_608.0;
        return sign | (rounded.to_bits() & 0x7FF) as u16;
    }
    let odd = magnitude >> 13 & 1;
    sign | ((magnitude - 0x3800_0000 + 0xFFF + odd) >> 13) as u16
}

#[cfg(test)]
mod tests {
    use candle_core::DType;
    use candle_core::Device;
    use candle_core::Tensor;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_half_survives_the_way_through_f32() {
        for bits in 0..=u16::MAX {
            let value = from_half(bits);
            assert!(value.is_nan() || to_half(value) == bits, "{bits:#06x} is {value}");
        }
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_the_tensor_library(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(!value.is_nan());
            let tensor = Tensor::new(&[value], &Device::Cpu).unwrap().to_dtype(DType::F16).unwrap();
            let expected = tensor.to_dtype(DType::F32).unwrap().to_vec1::<f32>().unwrap()[0];

            prop_assert_eq!(from_half(to_half(value)).to_bits(), expected.to_bits());
        }
    }
}
