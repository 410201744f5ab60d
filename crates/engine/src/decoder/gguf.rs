//! Reads decoders from GGUF files. Knows no forward pass.

use std::fs::File;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;

use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::Content;

use super::About;
use super::Names;
use super::Shape;
use super::config::Metadata;
use crate::error::EngineError;

pub(super) const NAMES: Names = Names {
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

/// An open file whose beginning was read.
pub(super) struct Gguf<'a> {
    path: &'a Path,
    content: Content,
    file: BufReader<File>,
}

impl<'a> Gguf<'a> {
    /// Opens a file and reads what its tensors are.
    ///
    /// # Errors
    /// `Model` when it cannot be read.
    pub(super) fn open(path: &'a Path) -> Result<Self, EngineError> {
        let failed = |error: &dyn std::fmt::Display| EngineError::model(path, error);
        let mut file = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
        let content = Content::read(&mut file).map_err(|error| failed(&error))?;
        Ok(Self { path, content, file })
    }

    /// The sizes of the model and what it is, but for its types; a token's KV takes numbers of so many bytes.
    pub(super) fn describe(&self, kv_number_bytes: usize) -> Result<(Shape, About), EngineError> {
        let metadata = Metadata::new(self.path, &self.content)?;
        let shape = metadata.shape()?;
        let about = About {
            architecture: metadata.architecture.clone(),
            quantization: String::new(),
            context: shape.context,
            stretch: shape.stretch,
            vocabulary: shape.vocabulary,
            end: metadata.end_tokens(),
            kv_bytes: shape.kv_bytes(kv_number_bytes),
        };
        Ok((shape, about))
    }

    /// Whether the file has this tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A tensor's type and bytes.
    pub(super) fn bytes(&mut self, name: &str, dims: &[usize]) -> Result<(GgmlDType, Vec<u8>), EngineError> {
        let failed =
            |error: &dyn std::fmt::Display| EngineError::model(self.path, format!("`{name}`: {error}"));
        let info = self.content.tensor_infos.get(name).ok_or_else(|| failed(&"it is not there"))?;
        if info.shape.dims() != dims {
            return Err(failed(&format!("it is {:?}, expected {dims:?}", info.shape)));
        }
        let (elements, kind) = (info.shape.elem_count(), info.ggml_dtype);
        if !elements.is_multiple_of(kind.block_size()) {
            return Err(failed(&"it ends within a block"));
        }
        let mut bytes = vec![0; elements / kind.block_size() * kind.type_size()];
        let start = SeekFrom::Start(self.content.tensor_data_offset + info.offset);
        self.file.seek(start).map_err(|error| failed(&error))?;
        self.file.read_exact(&mut bytes).map_err(|error| failed(&error))?;
        Ok((kind, bytes))
    }

    /// The same as candle holds it, on a device.
    pub(super) fn tensor(
        &mut self,
        name: &str,
        dims: &[usize],
        device: &Device,
    ) -> Result<QTensor, EngineError> {
        let failed =
            |error: &dyn std::fmt::Display| EngineError::model(self.path, format!("`{name}`: {error}"));
        let tensor = self.content.tensor(&mut self.file, name, device).map_err(|error| failed(&error))?;
        if tensor.shape().dims() != dims {
            return Err(failed(&format!("it is {:?}, expected {dims:?}", tensor.shape())));
        }
        Ok(tensor)
    }
}
