//! Products of activations with quantised weights, ours and candle's in turn on the same weights:
//! `cargo bench -p engine --bench kernels [-- <format> <threads>]`. candle takes the number of its threads from
//! `CANDLE_NUM_THREADS` and `RAYON_NUM_THREADS`.
#![expect(clippy::print_stdout, reason = "a table for a person")]

use std::borrow::Cow;
use std::time::Duration;
use std::time::Instant;

use candle_core::Device;
use candle_core::Module;
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::QMatMul;
use candle_core::quantized::QStorage;
use candle_core::quantized::QTensor;
use engine::bench::Bench;

/// `[rows, columns]` of a model of 1.5 B parameters: its MLP, its attention, its head.
const SHAPES: [[usize; 2]; 4] = [[8960, 1536], [1536, 8960], [1536, 1536], [151_936, 1536]];
const BATCHES: [usize; 5] = [1, 4, 8, 64, 256];
/// Time for the products of one row of the table, ours and candle's.
const BUDGET: Duration = Duration::from_millis(600);

fn main() -> candle_core::Result<()> {
    // cargo adds `--bench`
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let wanted = arguments.first().map(String::as_str);
    let threads = arguments.get(1).and_then(|it| it.parse().ok());
    let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    println!("{threads} threads; the shortest time of each");
    println!("format  rows × columns    n |     ours: GB/s  GMAC/s |   candle: GB/s  GMAC/s | times as fast");
    let formats = [("Q4_K", GgmlDType::Q4K), ("Q6_K", GgmlDType::Q6K), ("Q8_0", GgmlDType::Q8_0)];
    for (name, format) in formats.into_iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name))
    {
        for shape in SHAPES {
            compare(name, format, shape, threads)?;
        }
    }
    Ok(())
}

fn compare(
    name: &str,
    format: GgmlDType,
    [rows, columns]: [usize; 2],
    threads: usize,
) -> candle_core::Result<()> {
    let bytes = weights(name, format, rows * columns);
    let ours = Bench::new(name, &bytes, [rows, columns], threads).map_err(candle_core::Error::msg)?;
    let storage = QStorage::from_data(Cow::Borrowed(&bytes), &Device::Cpu, format)?;
    let theirs = QMatMul::from_qtensor(QTensor::new(storage, (rows, columns))?)?;
    for n in BATCHES {
        let x: Vec<f32> = (0..n * columns).map(|index| (index * 7919 % 1000) as f32 / 1000.0 - 0.5).collect();
        let tensor = Tensor::from_slice(&x, (n, columns), &Device::Cpu)?;
        let mut out = vec![0.0; n * rows];
        let (mut our_best, mut their_best) = (Duration::MAX, Duration::MAX);
        let begin = Instant::now();
        let mut rounds = 0;
        while rounds < 3 || begin.elapsed() < BUDGET {
            let start = Instant::now();
            ours.product(&x, &mut out);
            our_best = our_best.min(start.elapsed());
            let start = Instant::now();
            std::hint::black_box(theirs.forward(&tensor)?);
            their_best = their_best.min(start.elapsed());
            rounds += 1;
        }
        let rates = |best: Duration| {
            let seconds = best.as_secs_f64() * 1e9;
            (bytes.len() as f64 / seconds, (n * rows * columns) as f64 / seconds)
        };
        let ((our_bytes, our_products), (their_bytes, their_products)) = (rates(our_best), rates(their_best));
        println!(
            "{name} {rows:>8} × {columns:<6} {n:>4} | {our_bytes:>15.1} {our_products:>7.1} | \
             {their_bytes:>15.1} {their_products:>7.1} | {:>5.2}",
            their_best.as_secs_f64() / our_best.as_secs_f64()
        );
    }
    Ok(())
}

/// Bytes as they come, with scales of 1/128.
fn weights(name: &str, format: GgmlDType, count: usize) -> Vec<u8> {
    let (mut state, block) = (1_u64, format.type_size());
    let scales: &[usize] = match name {
        "Q4_K" => &[0, 2],
        "Q6_K" => &[208],
        _ => &[0],
    };
    let mut bytes = vec![0; count / format.block_size() * block];
    for byte in &mut bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    for block in bytes.chunks_exact_mut(block) {
        for at in scales {
            block[*at..at + 2].copy_from_slice(&[0, 0x20]);
        }
    }
    bytes
}
