use proptest::prelude::*;

use super::super::Kind;
use super::super::Matrix;
use super::super::Team;
use super::super::instructions::Instructions;
use super::KINDS;
use super::numbers;
use super::weights;

fn matrix(kind: Kind, seed: u64, rows: usize, columns: usize) -> Matrix {
    Matrix::from_ggml(kind, &weights(kind, seed, rows, columns), rows, columns).unwrap()
}

fn product(matrix: &Matrix, team: &Team, x: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; x.len() / matrix.columns() * matrix.rows()];
    matrix.product(team, x, &mut out);
    out
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Weights of a row of `matrix`.
fn row(matrix: &Matrix, index: usize) -> Vec<f32> {
    let mut row = vec![f32::NAN; matrix.columns()];
    matrix.row(index, &mut row);
    row
}

/// The product in f64 of the very weights, and how far ours may be from it: half a step of each input, and the rounding
/// of sums of f32.
fn naive(matrix: &Matrix, kind: Kind, index: usize, x: &[f32]) -> (f64, f64) {
    let (mut sum, mut bound) = (0.0, 1e-6);
    let run = if matches!(kind.packed(), Kind::Q4K | Kind::Q6K) { 256 } else { 32 };
    for (weights, inputs) in row(matrix, index).chunks(run).zip(x.chunks(run)) {
        let greatest = inputs.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let step = if kind.packed() == Kind::F32 { 0.0 } else { f64::from(greatest) / 127.0 };
        for (weight, input) in weights.iter().zip(inputs) {
            sum += f64::from(*weight) * f64::from(*input);
            bound += f64::from(weight.abs()) * (step * 0.5001 + f64::from(input.abs()) * 1e-5);
        }
    }
    (sum, bound)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_product_is_that_of_its_naive_twin(seed: u64, rows in 1_usize..40, blocks in 1_usize..7, n in 1_usize..4) {
        let team = Team::new(2);
        for kind in KINDS {
            let columns = blocks * kind.block().max(32);
            let matrix = matrix(kind, seed, rows, columns);
            let x = numbers(seed ^ 1, n * columns);

            let out = product(&matrix, &team, &x);

            for (x, out) in x.chunks(columns).zip(out.chunks(rows)) {
                for (index, ours) in out.iter().enumerate() {
                    let (naive, bound) = naive(&matrix, kind, index, x);
                    prop_assert!((f64::from(*ours) - naive).abs() <= bound, "{:?} {ours} {naive} {bound}", kind);
                }
            }
        }
    }

    #[test]
    fn a_number_has_the_same_bits_in_every_batch_and_for_every_team(
        seed: u64,
        rows in 1_usize..70,
        blocks in 1_usize..7,
        n in 1_usize..14,
        threads in 1_usize..5,
    ) {
        let (alone, team) = (Team::new(1), Team::new(threads));
        for kind in [Kind::F32, Kind::Q8_0, Kind::Q4K, Kind::Q6K] {
            let columns = blocks * kind.block().max(32);
            let matrix = matrix(kind, seed, rows, columns);
            let x = numbers(seed ^ 1, n * columns);

            let out = product(&matrix, &team, &x);

            for (x, out) in x.chunks(columns).zip(out.chunks(rows)) {
                prop_assert_eq!(bits(&product(&matrix, &alone, x)), bits(out), "{:?}", kind);
            }
        }
    }

    #[test]
    fn all_instructions_give_the_same_bits(seed: u64, rows in 1_usize..40, blocks in 1_usize..7, n in 1_usize..10) {
        let team = Team::new(1);
        for kind in KINDS {
            let columns = blocks * kind.block().max(32);
            let matrix = matrix(kind, seed, rows, columns);
            let x = numbers(seed ^ 1, n * columns);

            let outs = Instructions::available().into_iter().map(|instructions| {
                let mut out = vec![f32::NAN; n * rows];
                matrix.product_with(instructions, &team, &x, &mut out);
                bits(&out)
            });
            let outs: Vec<Vec<u32>> = outs.collect();

            prop_assert!(outs.windows(2).all(|two| two[0] == two[1]), "{:?}", kind);
        }
    }

    #[test]
    fn a_stack_gives_what_its_parts_give(seed: u64, sizes in [1_usize..40, 1_usize..40, 1_usize..40], n in 1_usize..6) {
        let team = Team::new(2);
        let kinds = [Kind::Q4K, Kind::Q8_0, Kind::Q6K];
        let parts = || (0..3).map(|part| matrix(kinds[part], seed ^ part as u64, sizes[part], 512));
        let x = numbers(seed ^ 9, n * 512);

        let stack = Matrix::stack(parts().collect());

        let out = product(&stack, &team, &x);
        prop_assert_eq!(stack.rows(), sizes.iter().sum::<usize>());
        prop_assert_eq!(stack.kinds(), kinds);
        let mut first = 0;
        for part in parts() {
            let alone = product(&part, &team, &x);
            for (out, alone) in out.chunks(stack.rows()).zip(alone.chunks(part.rows())) {
                prop_assert_eq!(bits(&out[first..first + part.rows()]), bits(alone));
            }
            prop_assert_eq!(bits(&row(&stack, first + part.rows() - 1)), bits(&row(&part, part.rows() - 1)));
            first += part.rows();
        }
    }
}

/// The sums of 16 bits are as great as they can be.
#[test]
fn the_greatest_weights_and_inputs_do_not_overflow() {
    let team = Team::new(1);
    for kind in [Kind::Q8_0, Kind::Q4K, Kind::Q6K] {
        for (byte, sign) in [(0xff, 1.0), (0x80, 1.0), (0x7f, 1.0), (0xff, -1.0), (0x80, -1.0), (0x7f, -1.0)]
        {
            let mut bytes = vec![byte; kind.block_bytes()];
            let one = 0x3c00_u16.to_le_bytes();
            let at = if kind == Kind::Q6K { 208 } else { 0 };
            bytes[at..at + 2].copy_from_slice(&one);
            if kind == Kind::Q4K {
                bytes[2..4].copy_from_slice(&one);
            }
            let matrix = Matrix::from_ggml(kind, &bytes, 1, kind.block()).unwrap();
            let x = vec![sign * 127.0; kind.block()];

            let out = product(&matrix, &team, &x);

            let naive: f64 = row(&matrix, 0).iter().map(|weight| f64::from(*weight) * f64::from(x[0])).sum();
            // one rounding each of a sum of 31 bits and of its product
            assert!(
                (f64::from(out[0]) - naive).abs() <= naive.abs() * 2e-7,
                "{kind:?} {byte} {} {naive}",
                out[0]
            );
        }
    }
}

#[test]
fn what_is_no_number_stays_none_in_its_own_row() {
    let team = Team::new(1);
    for kind in [Kind::F32, Kind::Q8_0, Kind::Q4K, Kind::Q6K] {
        let matrix = matrix(kind, 5, 20, 512);
        let mut x = numbers(6, 3 * 512);
        let whole = product(&matrix, &team, &x);
        x[512 + 300] = f32::NAN;

        let out = product(&matrix, &team, &x);

        assert_eq!(bits(&out[..20]), bits(&whole[..20]));
        assert!(out[20..40].iter().all(|value| value.is_nan()));
        assert_eq!(bits(&out[40..]), bits(&whole[40..]));
    }
}

#[test]
fn a_matrix_of_floats_is_that_of_their_bytes() {
    let values = numbers(3, 20 * 50);
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let (team, x) = (Team::new(1), numbers(4, 50));

    let matrix = Matrix::from_f32(&values, 20, 50);

    let of_bytes = Matrix::from_ggml(Kind::F32, &bytes, 20, 50).unwrap();
    assert_eq!(bits(&product(&matrix, &team, &x)), bits(&product(&of_bytes, &team, &x)));
}

#[test]
fn a_matrix_takes_the_memory_of_its_bytes() {
    for (kind, share) in [(Kind::Q8_0, 1.0), (Kind::Q6K, 1.0), (Kind::Q4K, 148.0 / 144.0), (Kind::F32, 1.0)] {
        let bytes = weights(kind, 1, 64, 512);
        let matrix = Matrix::from_ggml(kind, &bytes, 64, 512).unwrap();
        assert_eq!(matrix.bytes(), (bytes.len() as f64 * share) as usize);
    }
}
