//! A model's files to weights on the device. Knows no forward pass.

use std::collections::BTreeSet;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::QMatMul;
use half::bf16;

use super::BUCKETS;
use super::CudaDecoder;
use super::Graphs;
use super::buffers::Bounds;
use super::buffers::Buffers;
use super::buffers::Inputs;
use super::cache::KvPool;
use super::layer::Layer;
use super::layer::Weights;
use super::weight::Weight;
use crate::blocks::BLOCK_TOKENS;
use crate::decoder::About;
use crate::decoder::LoadOptions;
use crate::decoder::Names;
use crate::decoder::RopeProfile;
use crate::decoder::Shape;
use crate::decoder::flat::AngleRows;
use crate::decoder::gguf;
use crate::decoder::gguf::Gguf;
use crate::decoder::rope::Rope;
use crate::decoder::safetensors;
use crate::decoder::safetensors::Mapped;
use crate::error::EngineError;
use crate::kernels::cuda::Array;
use crate::kernels::cuda::Attention;
use crate::kernels::cuda::Gpu;
use crate::kernels::cuda::HeadCounts;

/// The largest of [`BUCKETS`].
const SEQUENCES: usize = BUCKETS[BUCKETS.len() - 1];

/// Named tensors of a model, on the device.
trait Source {
    /// Matrices of `rows` each, below each other, all with as many columns.
    fn weight(&mut self, parts: &[(String, usize)], columns: usize) -> Result<Weight, EngineError>;
    /// A vector of `length`, bf16.
    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError>;
    /// Whether the files have it.
    fn has(&self, name: &str) -> bool;
}

/// Reads a `.gguf` file, or a directory with `config.json` and `*.safetensors`, of a model that [`super::suits`] the kernels.
pub(in super::super) fn load(options: &LoadOptions<'_>) -> Result<CudaDecoder, EngineError> {
    let device = options.device.open()?;
    let gpu = Gpu::new(&device)?;
    gpu.enter()?;
    let kv_number_bytes = size_of::<bf16>();
    if options.model.is_dir() {
        let source = Mapped::open(options.model, options.format)?;
        let (shape, about) = source.describe(DType::BF16, kv_number_bytes)?;
        let mut source = Floats { source, device, gpu: &gpu };
        let weights = Parts { source: &mut source, names: &safetensors::NAMES, shape: &shape, gpu: &gpu };
        let weights = weights.load(&about, options)?;
        assemble(gpu, weights, &shape, about, options)
    } else {
        let source = Gguf::open(options.model)?;
        let (shape, about) = source.describe(kv_number_bytes)?;
        let mut source = Quantised { source, device, types: BTreeSet::new() };
        let parts = Parts { source: &mut source, names: &gguf::NAMES, shape: &shape, gpu: &gpu };
        let weights = parts.load(&about, options)?;
        let quantization = source.types.into_iter().collect::<Vec<_>>().join(", ");
        let mut decoder = assemble(gpu, weights, &shape, About { quantization, ..about }, options)?;
        decoder.graphs = Graphs::Off;
        Ok(decoder)
    }
}

fn assemble(
    gpu: Gpu,
    weights: Weights,
    shape: &Shape,
    about: About,
    options: &LoadOptions<'_>,
) -> Result<CudaDecoder, EngineError> {
    let blocks = options.kv_tokens.div_ceil(BLOCK_TOKENS);
    let angles = AngleRows::new(&about, blocks * BLOCK_TOKENS);
    let bounds = Bounds { vocabulary: shape.vocabulary, angle_rows: angles.count(), blocks: blocks + 1 };
    let tokens = options.device.step_tokens();
    Ok(CudaDecoder {
        cache: KvPool::new(&gpu, shape, blocks)?,
        attention: Attention::new(&gpu, weights.counts)?,
        // sequences may share blocks, and so name more than there are
        inputs: Inputs::new(&gpu, bounds, (tokens, SEQUENCES, 4 * blocks + SEQUENCES))?,
        buffers: Buffers::new(&gpu, shape, tokens, SEQUENCES)?,
        graphs: Graphs::On(Box::new([const { None }; BUCKETS.len()])),
        gpu,
        about,
        weights,
        angles,
    })
}

/// What is read from where.
struct Parts<'a> {
    source: &'a mut dyn Source,
    names: &'a Names,
    shape: &'a Shape,
    gpu: &'a Gpu,
}

impl Parts<'_> {
    fn load(mut self, about: &About, options: &LoadOptions<'_>) -> Result<Weights, EngineError> {
        let Self { names, shape, gpu, .. } = self;
        let Shape { layers, hidden, heads, kv_heads, head, vocabulary, .. } = *shape;
        let weight = |name: &str| format!("{name}.weight");
        let own_head = self.source.has(&weight(names.head)) && !shape.tied;
        let table = |name: &str| [(weight(name), vocabulary)];
        Ok(Weights {
            embedding: self.source.weight(&table(names.embedding), hidden)?,
            head: own_head.then(|| self.source.weight(&table(names.head), hidden)).transpose()?,
            norm: self.vectors(&[(weight(names.norm), hidden)])?,
            layers: (0..layers).map(|index| self.layer(index)).collect::<Result<_, _>>()?,
            angles: angles(gpu, shape, about, options)?,
            interleaved: shape.rope_interleaved,
            epsilon: shape.norm_epsilon,
            counts: HeadCounts { heads, kv_heads, head },
        })
    }

    fn layer(&mut self, index: usize) -> Result<Layer, EngineError> {
        let Shape { hidden, inner, heads, kv_heads, head, .. } = *self.shape;
        let names = self.names;
        let full = |part: &str, what: &str| format!("{}{index}.{part}.{what}", names.layer);
        let rows =
            [(names.query, heads * head), (names.key, kv_heads * head), (names.value, kv_heads * head)];
        let qkv = |what: &str| rows.map(|(part, rows)| (full(part, what), rows));
        let one = |part: &str, rows: usize| [(full(part, "weight"), rows)];
        let biased = self.source.has(&full(names.query, "bias"));
        let normed = self.source.has(&full(names.query_norm, "weight"));
        let gate_up = [(full(names.gate, "weight"), inner), (full(names.up, "weight"), inner)];
        Ok(Layer {
            attention_norm: self.vectors(&one(names.attention_norm, hidden))?,
            qkv: self.source.weight(&qkv("weight"), hidden)?,
            qkv_bias: biased.then(|| self.vectors(&qkv("bias"))).transpose()?,
            query_norm: normed.then(|| self.vectors(&one(names.query_norm, head))).transpose()?,
            key_norm: normed.then(|| self.vectors(&one(names.key_norm, head))).transpose()?,
            output: self.source.weight(&one(names.output, hidden), heads * head)?,
            mlp_norm: self.vectors(&one(names.mlp_norm, hidden))?,
            gate_up: self.source.weight(&gate_up, hidden)?,
            down: self.source.weight(&one(names.down, hidden), inner)?,
        })
    }

    /// Vectors one after another, `[1, length]`.
    fn vectors(&mut self, parts: &[(String, usize)]) -> Result<Array<bf16>, EngineError> {
        let vectors = parts.iter().map(|(name, length)| self.source.vector(name, *length));
        let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
        Array::stack(self.gpu, &[Tensor::cat(&vectors, 0)?])
    }
}

/// The table of angles of all positions that a sequence can reach.
fn angles(
    gpu: &Gpu,
    shape: &Shape,
    about: &About,
    options: &LoadOptions<'_>,
) -> Result<Array<f32>, EngineError> {
    let original = shape.stretch.map_or(shape.context, |stretch| stretch.original);
    let rope = Rope::new(shape.head, shape.rope_base, original);
    let rows = AngleRows::new(about, options.kv_tokens.div_ceil(BLOCK_TOKENS) * BLOCK_TOKENS);
    let tables = RopeProfile::ALL.map(|profile| rope.table(profile, rows.positions(profile)));
    Array::copy_of(gpu, &tables.concat(), shape.head)
}

/// A directory, read as bf16.
struct Floats<'a> {
    source: Mapped<'a>,
    device: Device,
    gpu: &'a Gpu,
}

impl Source for Floats<'_> {
    fn weight(&mut self, parts: &[(String, usize)], columns: usize) -> Result<Weight, EngineError> {
        let place = (&self.device, DType::BF16);
        let tensors = parts.iter().map(|(name, rows)| self.source.tensor(name, &[*rows, columns], place));
        let stacked = Array::stack(self.gpu, &tensors.collect::<Result<Vec<_>, _>>()?)?;
        Ok(Weight::Dense(stacked))
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError> {
        self.source.tensor(name, &[length], (&self.device, DType::BF16))
    }

    fn has(&self, name: &str) -> bool {
        self.source.has(name)
    }
}

/// A GGUF file, kept as it is.
struct Quantised<'a> {
    source: Gguf<'a>,
    device: Device,
    types: BTreeSet<String>,
}

impl Source for Quantised<'_> {
    fn weight(&mut self, parts: &[(String, usize)], columns: usize) -> Result<Weight, EngineError> {
        let mut pieces = Vec::new();
        for (name, rows) in parts {
            let piece = self.source.tensor(name, &[*rows, columns], &self.device)?;
            self.types.insert(format!("{:?}", piece.dtype()));
            pieces.push(QMatMul::from_qtensor(piece)?);
        }
        Ok(Weight::Quantised(pieces))
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError> {
        let vector = self.source.tensor(name, &[length], &self.device)?;
        Ok(vector.dequantize(&self.device)?.to_dtype(DType::BF16)?)
    }

    fn has(&self, name: &str) -> bool {
        self.source.has(name)
    }
}
