//! A model's files to weights as a CPU computes with them. Knows no forward pass.

use std::collections::BTreeMap;

use candle_core::DType;
use candle_core::Device;
use candle_core::quantized::GgmlDType;

use super::CpuDecoder;
use super::kv::KvPool;
use super::layer::Buffers;
use super::layer::Layer;
use crate::blocks::BLOCK_TOKENS;
use crate::decoder::About;
use crate::decoder::LoadOptions;
use crate::decoder::Names;
use crate::decoder::Shape;
use crate::decoder::gguf;
use crate::decoder::gguf::Gguf;
use crate::decoder::rope::Rope;
use crate::decoder::safetensors;
use crate::decoder::safetensors::Mapped;
use crate::error::EngineError;
use crate::kernels::Kind;
use crate::kernels::Matrix;
use crate::kernels::Team;
use crate::lanes::Instructions;

/// Bytes of a number in the cache.
const KV_NUMBER_BYTES: usize = 2;

/// Named tensors of a model.
trait Source {
    /// A weight `[rows, columns]`.
    fn matrix(&mut self, name: &str, shape: (usize, usize)) -> Result<Matrix, EngineError>;
    /// A vector of `length`.
    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, EngineError>;
    /// Whether the files have it.
    fn has(&self, name: &str) -> bool;
}

/// Reads a `.gguf` file, or a directory with `config.json` and `*.safetensors`.
pub(in super::super) fn load(options: &LoadOptions<'_>) -> Result<CpuDecoder, EngineError> {
    if options.model.is_dir() {
        let mut source = Mapped::open(options.model, options.format)?;
        let (shape, about) = source.describe(DType::F32, KV_NUMBER_BYTES)?;
        assemble(&mut source, &safetensors::NAMES, shape, about, options)
    } else {
        let mut source = Quantised { file: Gguf::open(options.model)?, options, kinds: BTreeMap::new() };
        let (shape, about) = source.file.describe(KV_NUMBER_BYTES)?;
        let mut decoder = assemble(&mut source, &gguf::NAMES, shape, about, options)?;
        for (kind, matrices) in &source.kinds {
            tracing::info!(matrices, kind, "weights are computed with as");
        }
        decoder.about.quantization = source.kinds.into_keys().collect::<Vec<_>>().join(", ");
        Ok(decoder)
    }
}

fn assemble(
    source: &mut dyn Source,
    names: &Names,
    shape: Shape,
    about: About,
    options: &LoadOptions<'_>,
) -> Result<CpuDecoder, EngineError> {
    let Shape { layers, hidden, vocabulary, kv_heads, head, .. } = shape;
    let weight = |name: &str| format!("{name}.weight");
    let own_head = source.has(&weight(names.head)) && !shape.tied;
    let original = shape.stretch.map_or(shape.context, |stretch| stretch.original);
    Ok(CpuDecoder {
        embedding: source.matrix(&weight(names.embedding), (vocabulary, hidden))?,
        layers: (0..layers).map(|index| layer(source, names, &shape, index)).collect::<Result<_, _>>()?,
        norm: source.vector(&weight(names.norm), hidden)?,
        head: own_head.then(|| source.matrix(&weight(names.head), (vocabulary, hidden))).transpose()?,
        rope: Rope::new(head, shape.rope_base, original),
        cache: KvPool::new(layers, kv_heads, head, options.kv_tokens.div_ceil(BLOCK_TOKENS))?,
        buffers: Buffers::default(),
        team: Team::new(options.threads),
        instructions: Instructions::detect(),
        shape,
        about,
    })
}

fn layer(source: &mut dyn Source, names: &Names, shape: &Shape, index: usize) -> Result<Layer, EngineError> {
    let Shape { hidden, inner, heads, kv_heads, head, .. } = *shape;
    let name = |part: &str, what: &str| format!("{}{index}.{part}.{what}", names.layer);
    let parts = [(names.query, heads * head), (names.key, kv_heads * head), (names.value, kv_heads * head)];
    let mut qkv = Vec::new();
    for (part, rows) in parts {
        qkv.push(source.matrix(&name(part, "weight"), (rows, hidden))?);
    }
    let qkv_bias = if source.has(&name(names.query, "bias")) {
        let mut bias = Vec::new();
        for (part, rows) in parts {
            bias.extend(source.vector(&name(part, "bias"), rows)?);
        }
        Some(bias)
    } else {
        None
    };
    let head_norm = |source: &mut dyn Source, part: &str| {
        let name = name(part, "weight");
        source.has(&name).then(|| source.vector(&name, head)).transpose()
    };
    Ok(Layer {
        attention_norm: source.vector(&name(names.attention_norm, "weight"), hidden)?,
        qkv: Matrix::stack(qkv),
        qkv_bias,
        query_norm: head_norm(source, names.query_norm)?,
        key_norm: head_norm(source, names.key_norm)?,
        output: source.matrix(&name(names.output, "weight"), (hidden, heads * head))?,
        mlp_norm: source.vector(&name(names.mlp_norm, "weight"), hidden)?,
        gate_up: Matrix::stack(vec![
            source.matrix(&name(names.gate, "weight"), (inner, hidden))?,
            source.matrix(&name(names.up, "weight"), (inner, hidden))?,
        ]),
        down: source.matrix(&name(names.down, "weight"), (hidden, inner))?,
    })
}

impl Source for Mapped<'_> {
    fn matrix(&mut self, name: &str, shape: (usize, usize)) -> Result<Matrix, EngineError> {
        let tensor = self.tensor(name, &[shape.0, shape.1], (&Device::Cpu, DType::F32))?;
        Ok(Matrix::from_f32(&tensor.flatten_all()?.to_vec1::<f32>()?, shape.0, shape.1))
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        Ok(self.tensor(name, &[length], (&Device::Cpu, DType::F32))?.to_vec1()?)
    }

    fn has(&self, name: &str) -> bool {
        Self::has(self, name)
    }
}

/// A GGUF file, and what its matrices are and are computed as.
struct Quantised<'a> {
    file: Gguf<'a>,
    options: &'a LoadOptions<'a>,
    kinds: BTreeMap<String, usize>,
}

impl Source for Quantised<'_> {
    fn matrix(&mut self, name: &str, shape: (usize, usize)) -> Result<Matrix, EngineError> {
        let (dtype, bytes) = self.file.bytes(name, &[shape.0, shape.1])?;
        let failed = |detail: String| EngineError::model(self.options.model, format!("`{name}`: {detail}"));
        let kind = kind_of(dtype).ok_or_else(|| failed(format!("the type {dtype:?} is not supported")))?;
        let matrix = Matrix::from_ggml(kind, &bytes, shape.0, shape.1).map_err(failed)?;
        let packed = kind.packed();
        let name = if packed == kind { format!("{dtype:?}") } else { format!("{packed:?} (from {dtype:?})") };
        *self.kinds.entry(name).or_default() += 1;
        Ok(matrix)
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        let tensor = self.file.tensor(name, &[length], &Device::Cpu)?;
        Ok(tensor.dequantize(&Device::Cpu)?.to_dtype(DType::F32)?.to_vec1()?)
    }

    fn has(&self, name: &str) -> bool {
        self.file.has(name)
    }
}

fn kind_of(dtype: GgmlDType) -> Option<Kind> {
    match dtype {
        GgmlDType::F32 => Some(Kind::F32),
        GgmlDType::F16 => Some(Kind::F16),
        GgmlDType::BF16 => Some(Kind::Bf16),
        GgmlDType::Q4_0 => Some(Kind::Q4_0),
        GgmlDType::Q4_1 => Some(Kind::Q4_1),
        GgmlDType::Q5_0 => Some(Kind::Q5_0),
        GgmlDType::Q5_1 => Some(Kind::Q5_1),
        GgmlDType::Q8_0 => Some(Kind::Q8_0),
        GgmlDType::Q4K => Some(Kind::Q4K),
        GgmlDType::Q5K => Some(Kind::Q5K),
        GgmlDType::Q6K => Some(Kind::Q6K),
        GgmlDType::Q8_1 | GgmlDType::Q2K | GgmlDType::Q3K | GgmlDType::Q8K => None,
    }
}
