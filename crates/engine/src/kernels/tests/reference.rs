//! Against candle's reading of the same bytes.

use candle_core::Device;
use candle_core::Module;
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::QMatMul;
use candle_core::quantized::QTensor;

use super::super::Matrix;
use super::super::Team;
use super::super::ggml::dequantize;
use super::super::kind::Kind;
use super::numbers;

const ROWS: usize = 18;
const COLUMNS: usize = 512;

const FORMATS: [(Kind, GgmlDType); 11] = [
    (Kind::F32, GgmlDType::F32),
    (Kind::F16, GgmlDType::F16),
    (Kind::Bf16, GgmlDType::BF16),
    (Kind::Q4_0, GgmlDType::Q4_0),
    (Kind::Q4_1, GgmlDType::Q4_1),
    (Kind::Q5_0, GgmlDType::Q5_0),
    (Kind::Q5_1, GgmlDType::Q5_1),
    (Kind::Q8_0, GgmlDType::Q8_0),
    (Kind::Q4K, GgmlDType::Q4K),
    (Kind::Q5K, GgmlDType::Q5K),
    (Kind::Q6K, GgmlDType::Q6K),
];

fn quantised(format: GgmlDType) -> QTensor {
    let values = Tensor::from_vec(numbers(7, ROWS * COLUMNS), (ROWS, COLUMNS), &Device::Cpu).unwrap();
    QTensor::quantize(&values, format).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn values_are_those_that_candle_reads() {
    for (kind, format) in FORMATS {
        let tensor = quantised(format);
        let theirs = flat(&tensor.dequantize(&Device::Cpu).unwrap());
        let bytes = tensor.data().unwrap();
        assert_eq!((kind.block(), kind.block_bytes()), (format.block_size(), format.type_size()));
        let (mut ours, mut of_matrix) = (vec![f32::NAN; ROWS * COLUMNS], vec![f32::NAN; ROWS * COLUMNS]);

        dequantize(kind, &bytes, &mut ours);
        let matrix = Matrix::from_ggml(kind, &bytes, ROWS, COLUMNS).unwrap();
        for (index, row) in of_matrix.chunks_mut(COLUMNS).enumerate() {
            matrix.row(index, row);
        }

        assert!(
            ours.iter().zip(&theirs).all(|(ours, theirs)| ours.to_bits() == theirs.to_bits()),
            "{kind:?}"
        );
        // weights below 1/2 in steps of 1/127 of them, for those that become `Q8_0`
        let bound = if kind.packed() == Kind::Q8_0 && kind != Kind::Q8_0 { 0.5 / 127.0 } else { 0.0 };
        assert!(
            of_matrix.iter().zip(&theirs).all(|(ours, theirs)| (ours - theirs).abs() <= bound),
            "{kind:?}"
        );
    }
}

#[test]
fn products_are_near_those_of_candle() {
    let team = Team::new(2);
    let x = numbers(8, 5 * COLUMNS);
    for (kind, format) in FORMATS {
        let tensor = quantised(format);
        let matrix = Matrix::from_ggml(kind, &tensor.data().unwrap(), ROWS, COLUMNS).unwrap();
        let mut ours = vec![f32::NAN; 5 * ROWS];

        matrix.product(&team, &x, &mut ours);

        let input = Tensor::from_slice(&x, (5, COLUMNS), &Device::Cpu).unwrap();
        let theirs = flat(&QMatMul::from_qtensor(tensor).unwrap().forward(&input).unwrap());
        for (ours, theirs) in ours.iter().zip(theirs) {
            // 512 products below 1/4 of which each is off by up to 1/250, at random
            assert!((ours - theirs).abs() < 0.05, "{kind:?} {ours} {theirs}");
        }
    }
}
