//! Reads decoders from GGUF files. Knows no forward pass.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::QMatMul;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::Content;

use super::About;
use super::Decoder;
use super::LoadOptions;
use super::Names;
use super::Tensors;
use super::config::Metadata;
use super::layer::Linear;
use crate::error::EngineError;

const NAMES: Names = Names {
    embedding: "token_embd",
    norm: "output_norm",
    head: "output",
    layer: "blk.",
    attention_norm: "attn_norm",
    query: "attn_q",
    key: "attn_k",
    value: "attn_v",
    query_norm: "attn_q_norm",
    key_norm: "attn_k_norm",
    output: "attn_output",
    mlp_norm: "ffn_norm",
    gate: "ffn_gate",
    up: "ffn_up",
    down: "ffn_down",
};

/// Activations of quantised models are f32: the kernels quantise them block by block themselves.
const FLOAT: DType = DType::F32;

pub(super) fn load(options: &LoadOptions<'_>, device: &Device) -> Result<Decoder, EngineError> {
    let path = options.model;
    let mut file = BufReader::new(File::open(path).map_err(|error| EngineError::model(path, error))?);
    let content = Content::read(&mut file).map_err(|error| EngineError::model(path, error))?;
    let metadata = Metadata::new(path, &content)?;
    let shape = metadata.shape()?;
    let mut tensors = GgufTensors {
        path,
        content: &content,
        file,
        device,
        requantize_slow: options.requantize_slow && device.is_cpu(),
        requantized: BTreeMap::new(),
    };
    let about = About {
        architecture: metadata.architecture.clone(),
        quantization: String::new(),
        context: shape.context,
        vocabulary: shape.vocabulary,
        end: metadata.end_tokens(),
        kv_bytes: shape.kv_bytes(FLOAT.size_in_bytes()),
    };
    let positions = shape.context.min(options.max_context_tokens);
    let mut decoder = Decoder::assemble(&mut tensors, &NAMES, &shape, about, (device, FLOAT, positions))?;
    decoder.about.quantization = tensors.describe();
    Ok(decoder)
}

struct GgufTensors<'a> {
    path: &'a Path,
    content: &'a Content,
    file: BufReader<File>,
    device: &'a Device,
    requantize_slow: bool,
    /// How many tensors of which type were requantised.
    requantized: BTreeMap<String, usize>,
}

impl GgufTensors<'_> {
    fn read(&mut self, name: &str, dims: &[usize]) -> Result<QTensor, EngineError> {
        let tensor = self.content.tensor(&mut self.file, name, self.device);
        let tensor = tensor.map_err(|error| EngineError::model(self.path, format!("`{name}`: {error}")))?;
        if tensor.shape().dims() != dims {
            let detail = format!("`{name}` is {:?}, expected {dims:?}", tensor.shape());
            return Err(EngineError::model(self.path, detail));
        }
        Ok(tensor)
    }

    /// Types without a SIMD kernel in candle 0.11 are ten times slower than their neighbours; as `Q8_0` they lose
    /// nothing that matters (8 bits for 4 or 5) and take 1.5 to 2 times the memory.
    fn fast(&mut self, tensor: QTensor) -> Result<QTensor, EngineError> {
        let slow = matches!(tensor.dtype(), GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1);
        if !slow || !self.requantize_slow {
            return Ok(tensor);
        }
        *self.requantized.entry(format!("{:?}", tensor.dtype())).or_default() += 1;
        let values = tensor.dequantize(self.device)?;
        Ok(QTensor::quantize(&values, GgmlDType::Q8_0)?)
    }

    /// The types of all matrices, as computed with.
    fn describe(&self) -> String {
        let matrices = self.content.tensor_infos.values().filter(|tensor| tensor.shape.rank() > 1);
        let types: BTreeSet<String> = matrices.map(|tensor| format!("{:?}", tensor.ggml_dtype)).collect();
        let named = types.iter().map(|name| match self.requantized.get(name) {
            Some(count) => {
                tracing::info!(tensors = count, from = %name, to = "Q8_0", "requantised tensors that have no fast kernel");
                format!("Q8_0 (from {name})")
            }
            None => name.clone(),
        });
        named.collect::<Vec<_>>().join(", ")
    }
}

impl Tensors for GgufTensors<'_> {
    fn linear(&mut self, name: &str, shape: (usize, usize)) -> Result<Linear, EngineError> {
        let weight = self.read(&format!("{name}.weight"), &[shape.0, shape.1])?;
        let weight = QMatMul::from_qtensor(self.fast(weight)?)?;
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) {
            Some(self.read(&bias, &[shape.0])?.dequantize(self.device)?.to_dtype(FLOAT)?)
        } else {
            None
        };
        Ok(Linear { weight, bias })
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError> {
        let vector = self.read(&format!("{name}.weight"), &[length])?;
        Ok(vector.dequantize(self.device)?.to_dtype(FLOAT)?)
    }

    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }
}
