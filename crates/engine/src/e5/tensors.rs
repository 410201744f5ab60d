//! The tensors under their Hugging Face names, and the safetensors file: a length, a JSON header, the data.
//! Knows no vocabulary.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::source::BLOCK;
use super::source::BLOCK_BYTES;
use super::source::Source;
use super::source::Stored;
use crate::float::from_half;
use crate::float::to_half;

/// A tensor to write, in f16.
pub(super) struct Planned<'a> {
    shape: Vec<usize>,
    data: Stored<'a>,
}

impl Planned<'_> {
    fn values(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Parts of a layer: our name, theirs, and whether a matrix is `inner` wide or high.
const LINEARS: [(&str, &str); 6] = [
    ("attention.self.query", "q"),
    ("attention.self.key", "k"),
    ("attention.self.value", "v"),
    ("attention.output.dense", "ao"),
    ("intermediate.dense", "fi"),
    ("output.dense", "fo"),
];
const NORMS: [(&str, &str); 2] = [("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")];

/// All tensors in the order of their names, each checked to have the data that its shape takes.
pub(super) fn plan<'a>(source: &Source<'a>) -> Result<BTreeMap<String, Planned<'a>>, String> {
    let Source { hidden, layers, inner, vocabulary, positions, types, .. } = *source;
    let mut planned = BTreeMap::new();
    let mut add = |name: String, from: String, shape: &[usize]| {
        let data = *source.tensors.get(&from).ok_or_else(|| format!("no tensor `{from}`"))?;
        let tensor = Planned { shape: shape.to_vec(), data };
        let (bytes, expected) = match data {
            Stored::Float(bytes) => (bytes.len(), tensor.values() * 4),
            Stored::Blocks(bytes) => (bytes.len(), tensor.values() / BLOCK * BLOCK_BYTES),
        };
        if bytes != expected || !tensor.values().is_multiple_of(BLOCK) {
            return Err(format!("`{from}` has {bytes} bytes, expected {expected}"));
        }
        planned.insert(name, tensor);
        Ok(())
    };
    add("embeddings.word_embeddings.weight".into(), "emb.word".into(), &[vocabulary, hidden])?;
    add("embeddings.position_embeddings.weight".into(), "emb.pos".into(), &[positions, hidden])?;
    add("embeddings.token_type_embeddings.weight".into(), "emb.type".into(), &[types, hidden])?;
    add("embeddings.LayerNorm.weight".into(), "emb.ln.w".into(), &[hidden])?;
    add("embeddings.LayerNorm.bias".into(), "emb.ln.b".into(), &[hidden])?;
    for layer in 0..layers {
        for (ours, theirs) in LINEARS {
            let (rows, columns) = match theirs {
                "fi" => (inner, hidden),
                "fo" => (hidden, inner),
                _ => (hidden, hidden),
            };
            let (name, from) = (format!("encoder.layer.{layer}.{ours}"), format!("l{layer}.{theirs}"));
            add(format!("{name}.weight"), format!("{from}.w"), &[rows, columns])?;
            add(format!("{name}.bias"), format!("{from}.b"), &[rows])?;
        }
        for (ours, theirs) in NORMS {
            let (name, from) = (format!("encoder.layer.{layer}.{ours}"), format!("l{layer}.{theirs}"));
            add(format!("{name}.weight"), format!("{from}.w"), &[hidden])?;
            add(format!("{name}.bias"), format!("{from}.b"), &[hidden])?;
        }
    }
    Ok(planned)
}

#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, &'static str>,
    #[serde(flatten)]
    tensors: BTreeMap<&'a str, Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    dtype: &'static str,
    shape: &'a [usize],
    data_offsets: [usize; 2],
}

/// Writes the file (huggingface/safetensors, "Format"); the header is filled up with spaces to a multiple of 8.
pub(super) fn write(tensors: &BTreeMap<String, Planned<'_>>, file: &mut impl Write) -> std::io::Result<()> {
    let mut end = 0;
    let entries = tensors.iter().map(|(name, tensor)| {
        let start = end;
        end += tensor.values() * 2;
        (name.as_str(), Entry { dtype: "F16", shape: &tensor.shape, data_offsets: [start, end] })
    });
    let header = Header { metadata: BTreeMap::from([("format", "pt")]), tensors: entries.collect() };
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for tensor in tensors.values() {
        match tensor.data {
            Stored::Float(bytes) => write_floats(bytes, file)?,
            Stored::Blocks(bytes) => write_blocks(bytes, file)?,
        }
    }
    Ok(())
}

fn write_floats(bytes: &[u8], file: &mut impl Write) -> std::io::Result<()> {
    for value in bytes.as_chunks::<4>().0 {
        file.write_all(&to_half(f32::from_le_bytes(*value)).to_le_bytes())?;
    }
    Ok(())
}

/// Q4_0 as in ggml: the low four bits of the bytes are the first half of a block, the high ones the second, and 8
/// is zero.
fn write_blocks(bytes: &[u8], file: &mut impl Write) -> std::io::Result<()> {
    for block in bytes.as_chunks::<BLOCK_BYTES>().0 {
        let scale = from_half(u16::from_le_bytes([block[0], block[1]]));
        let quants = &block[2..];
        let values = quants.iter().map(|byte| byte & 0xF).chain(quants.iter().map(|byte| byte >> 4));
        for value in values {
            let value = (f32::from(value) - 8.0) * scale;
            file.write_all(&to_half(value).to_le_bytes())?;
        }
    }
    Ok(())
}
