//! A model's files to tensors on a device. Knows no forward pass.

use std::collections::BTreeSet;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::QMatMul;

use super::TensorDecoder;
use super::cache::KvPool;
use super::layer::Layer;
use super::layer::Linear;
use super::layer::Norm;
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

/// Named tensors of a model.
pub(super) trait Tensors {
    /// A weight `[rows, columns]`, with its bias `[rows]` where the file has one.
    fn linear(&mut self, name: &str, shape: (usize, usize)) -> Result<Linear, EngineError>;
    /// A vector of `length`, in the type of the activations.
    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError>;
    /// Whether the file has this tensor.
    fn has(&self, name: &str) -> bool;
}

/// Reads a `.gguf` file, or a directory with `config.json` and `*.safetensors`.
pub(in super::super) fn load(options: &LoadOptions<'_>) -> Result<TensorDecoder, EngineError> {
    let device = options.device.open()?;
    if options.model.is_dir() {
        let float = options.device.float();
        let source = Mapped::open(options.model, options.format)?;
        let (shape, about) = source.describe(float, float.size_in_bytes())?;
        let mut source = OnDevice { source, device: device.clone(), float };
        assemble(&mut source, &safetensors::NAMES, &shape, about, (device, float, options.kv_tokens))
    } else {
        // the kernels of quantised products take f32
        let float = DType::F32;
        let source = Gguf::open(options.model)?;
        let (shape, about) = source.describe(float.size_in_bytes())?;
        let mut source = Quantised { source, device: device.clone(), types: BTreeSet::new() };
        let place = (device, float, options.kv_tokens);
        let mut decoder = assemble(&mut source, &gguf::NAMES, &shape, about, place)?;
        decoder.about.quantization = source.types.into_iter().collect::<Vec<_>>().join(", ");
        Ok(decoder)
    }
}

fn assemble(
    tensors: &mut dyn Tensors,
    names: &Names,
    shape: &Shape,
    about: About,
    (device, float, kv_tokens): (Device, DType, usize),
) -> Result<TensorDecoder, EngineError> {
    let embedding = tensors.linear(names.embedding, (shape.vocabulary, shape.hidden))?;
    let head = if tensors.has(&format!("{}.weight", names.head)) && !shape.tied {
        tensors.linear(names.head, (shape.vocabulary, shape.hidden))?
    } else {
        embedding.clone()
    };
    let layers = (0..shape.layers).map(|index| Layer::load(tensors, names, shape, index));
    let layers = layers.collect::<Result<_, _>>()?;
    let original = shape.stretch.map_or(shape.context, |stretch| stretch.original);
    let sizes = (shape.layers, shape.kv_heads, shape.head);
    Ok(TensorDecoder {
        layers,
        norm: Norm::new(tensors.vector(names.norm, shape.hidden)?, shape.norm_epsilon),
        rope: Rope::new(shape.head, shape.rope_base, original),
        rope_interleaved: shape.rope_interleaved,
        cache: KvPool::new(sizes, kv_tokens.div_ceil(BLOCK_TOKENS), float, &device)?,
        embedding: embedding.weight,
        head,
        device,
        float,
        about,
    })
}

struct OnDevice<'a> {
    source: Mapped<'a>,
    device: Device,
    float: DType,
}

impl Tensors for OnDevice<'_> {
    fn linear(&mut self, name: &str, shape: (usize, usize)) -> Result<Linear, EngineError> {
        let place = (&self.device, self.float);
        let weight = self.source.tensor(&format!("{name}.weight"), &[shape.0, shape.1], place)?;
        let bias = format!("{name}.bias");
        let bias = self.has(&bias).then(|| self.source.tensor(&bias, &[shape.0], place)).transpose()?;
        Ok(Linear { weight: QMatMul::Tensor(weight), bias })
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError> {
        self.source.tensor(&format!("{name}.weight"), &[length], (&self.device, self.float))
    }

    fn has(&self, name: &str) -> bool {
        self.source.has(name)
    }
}

struct Quantised<'a> {
    source: Gguf<'a>,
    device: Device,
    types: BTreeSet<String>,
}

impl Tensors for Quantised<'_> {
    fn linear(&mut self, name: &str, shape: (usize, usize)) -> Result<Linear, EngineError> {
        let weight = self.source.tensor(&format!("{name}.weight"), &[shape.0, shape.1], &self.device)?;
        self.types.insert(format!("{:?}", weight.dtype()));
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) {
            Some(self.source.tensor(&bias, &[shape.0], &self.device)?.dequantize(&self.device)?)
        } else {
            None
        };
        Ok(Linear { weight: QMatMul::from_qtensor(weight)?, bias })
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError> {
        let vector = self.source.tensor(&format!("{name}.weight"), &[length], &self.device)?;
        Ok(vector.dequantize(&self.device)?.to_dtype(DType::F32)?)
    }

    fn has(&self, name: &str) -> bool {
        self.source.has(name)
    }
}
