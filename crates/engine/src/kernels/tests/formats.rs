use proptest::prelude::*;

use super::super::Matrix;
use super::super::activations::Input32;
use super::super::activations::Input256;
use super::super::activations::Quantise;
use super::super::half::from_bf16;
use super::super::half::from_f16;
use super::super::half::to_f16;
use super::super::kind::Kind;
use super::KINDS;
use super::numbers;
use super::weights;

/// One weight of a block, read by itself: the place of each bit worked out from the format's description.
fn naive(kind: Kind, block: &[u8], column: usize) -> f32 {
    let half = |at: usize| from_f16(u16::from_le_bytes([block[at], block[at + 1]]));
    let bits = |at: usize, shift: usize, count: u32| u32::from(block[at]) >> shift & ((1 << count) - 1);
    let nibble = |at: usize| bits(at + column % 16, column / 16 * 4, 4) as f32;
    let fifth = |at: usize| (bits(at + column / 8, column % 8, 1) << 4) as f32;
    // of the super-blocks with 12 bytes of scales
    let part = column / 32;
    let six_bits = |first: usize| {
        if part < 4 {
            bits(4 + first + part, 0, 6) as f32
        } else {
            let shift = first;
            (bits(8 + part, shift, 4) | bits(first + part, 6, 2) << 4) as f32
        }
    };
    let (scale, least) = (|| half(0) * six_bits(0), || half(2) * six_bits(4));
    let four = |at: usize| bits(at + column / 64 * 32 + column % 32, part % 2 * 4, 4);
    match kind {
        Kind::F32 => f32::from_le_bytes(*block.first_chunk().unwrap()),
        Kind::F16 => half(0),
        Kind::Bf16 => f32::from_le_bytes([0, 0, block[0], block[1]]),
        Kind::Q4_0 => (nibble(2) - 8.0) * half(0),
        Kind::Q4_1 => nibble(4) * half(0) + half(2),
        Kind::Q5_0 => (nibble(6) + fifth(2) - 16.0) * half(0),
        Kind::Q5_1 => (nibble(8) + fifth(4)) * half(0) + half(2),
        Kind::Q8_0 => f32::from(block[2 + column].cast_signed()) * half(0),
        Kind::Q4K => scale() * four(16) as f32 - least(),
        Kind::Q5K => scale() * (four(48) | bits(16 + column % 32, part, 1) << 4) as f32 - least(),
        Kind::Q6K => {
            let (half_block, column_of) = (column / 128, column % 128);
            let low = bits(half_block * 64 + column_of % 64, column_of / 64 * 4, 4);
            let high = bits(128 + half_block * 32 + column % 32, column_of / 32 * 2, 2);
            let scale = half(208) * f32::from(block[192 + column / 16].cast_signed());
            scale * ((low | high << 4) as f32 - 32.0)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_row_is_what_its_format_defines(seed: u64, rows in 1_usize..40, blocks in 1_usize..4) {
        for kind in KINDS {
            let columns = blocks * kind.block().max(32);
            let bytes = weights(kind, seed, rows, columns);
            let matrix = Matrix::from_ggml(kind, &bytes, rows, columns).unwrap();
            let mut row = vec![f32::NAN; columns];
            for (index, bytes) in bytes.chunks(bytes.len() / rows).enumerate() {

                matrix.row(index, &mut row);

                for (column, value) in row.iter().enumerate() {
                    let block = &bytes[column / kind.block() * kind.block_bytes()..];
                    let naive = naive(kind, block, column % kind.block());
                    if matches!(kind.packed(), Kind::Q8_0) && kind != Kind::Q8_0 {
                        // half a step of 1/127 of the greatest of 32, and what rounding its scale to 11 bits or to
                        // whole 2^-24 does to 127 of them
                        let around = &row[column / 32 * 32..][..32];
                        let greatest = around.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                        let bound = greatest / 127.0 * 0.57 + 4e-6;
                        prop_assert!((value - naive).abs() <= bound, "{:?} {value} {naive}", kind);
                    } else {
                        prop_assert_eq!(value.to_bits(), naive.to_bits(), "{:?}", kind);
                    }
                }
            }
        }
    }

    #[test]
    fn inputs_are_rounded_to_the_nearest_step(seed: u64, size in -30_i32..30) {
        let values: Vec<f32> = numbers(seed, 256).into_iter().map(|value| value * 2.0_f32.powi(size)).collect();
        let greatest = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));

        let block = Input256::quantise(&values);

        prop_assert_eq!(block.scale.to_bits(), (greatest / 127.0).to_bits());
        for (value, quant) in values.iter().zip(block.quants.as_flattened()) {
            prop_assert!((value - block.scale * f32::from(*quant)).abs() <= block.scale * 0.5001);
        }
        for (sum, quants) in block.sums.as_flattened().iter().zip(block.quants.as_flattened().chunks(16)) {
            prop_assert_eq!(i32::from(*sum), quants.iter().map(|quant| i32::from(*quant)).sum::<i32>());
        }
        let narrow = Input32::quantise(&values[..32]);
        let wide = Input256::quantise(&[&values[..32], &[0.0; 224]].concat());
        prop_assert_eq!(narrow.quants.as_flattened(), &wide.quants.as_flattened()[..32]);
        prop_assert_eq!(wide.wide_sums[0][0], wide.sums[0][0] + wide.sums[0][1]);
    }
}

#[test]
fn of_two_steps_as_near_an_input_takes_the_even_one() {
    let mut values = [0.0; 32];
    values[..6].copy_from_slice(&[127.0, 0.5, 1.5, 2.5, -0.5, -1.5]);

    let block = Input32::quantise(&values);

    assert_eq!(block.quants.as_flattened()[..6], [127, 0, 2, 2, 0, -2]);
}

#[test]
fn inputs_that_are_no_numbers_or_next_to_nothing_have_a_scale_that_says_so() {
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = [1.0; 32];
        values[7] = odd;
        assert!(Input32::quantise(&values).scale.is_nan());
    }

    assert_eq!(Input32::quantise(&[0.0; 32]), Input32::ZERO);
    assert_eq!(Input32::quantise(&[1e-39; 32]), Input32::ZERO);
    assert_eq!(Input32::quantise(&[f32::MAX; 32]).quants[0], [127; 4]);
}

#[test]
fn halves_go_there_and_back() {
    for bits in 0..=u16::MAX {
        let value = from_f16(bits);
        if value.is_nan() {
            assert!(bits & 0x7fff > 0x7c00 && from_f16(to_f16(value)).is_nan());
        } else {
            assert_eq!(to_f16(value), bits);
        }
    }
    let nearest = [(1.0 + 2.0_f32.powi(-11), 1.0), (1.0 + 3.0 * 2.0_f32.powi(-11), 1.0 + 2.0_f32.powi(-9))];
    for (value, half) in
        nearest.into_iter().chain([(65519.0, 65504.0), (65520.0, f32::INFINITY), (2e-8, 0.0)])
    {
        assert_eq!(from_f16(to_f16(value)).to_bits(), half.to_bits(), "{value}");
    }
    assert_eq!(from_bf16(0x3fc0).to_bits(), 1.5_f32.to_bits());
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    for kind in KINDS {
        let columns = kind.block() * 2;
        let bytes = weights(kind, 1, 3, columns);
        let refused =
            |bytes: &[u8], rows, columns| Matrix::from_ggml(kind, bytes, rows, columns).unwrap_err();
        refused(&bytes[1..], 3, columns);
        refused(&[], 3, columns);
        refused(&bytes, 4, columns);
        refused(&bytes, 3, columns + kind.block());
        refused(&bytes, usize::MAX / 2, columns);
        refused(&[], 0, columns);
        refused(&[], 3, 0);
        if kind.block() > 1 {
            refused(&bytes, 3, columns + 1);
        }
    }
    assert_eq!(
        Matrix::from_ggml(Kind::Q4K, &[0; 143], 1, 256).unwrap_err(),
        "143 bytes for Q4K [1, 256], expected 144"
    );
}
