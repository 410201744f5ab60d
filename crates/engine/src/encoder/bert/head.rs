//! What makes a score of the first token's state: a layer with tanh and one number from it. BERT names the layer its
//! pooler (Devlin et al. 2018, section 3), RoBERTa its classifier's; both are the same arithmetic. Knows no text.

use std::path::Path;

use serde::Deserialize;

use super::config;
use super::config::Architecture;
use super::kernels::Panels;
use super::kernels::Product;
use super::kernels::Then;
use super::load::Source;
use crate::error::EngineError;
use crate::lanes::Instructions;
use crate::weights;

/// A classifier with one class.
pub(crate) struct Head {
    dense: Panels,
    /// `[hidden]`.
    output: Vec<f32>,
    bias: f32,
    instructions: Instructions,
}

/// What a file says of its classifier.
#[derive(Deserialize)]
struct Config {
    model_type: Architecture,
    architectures: [String; 1],
    hidden_size: usize,
}

impl Head {
    /// Reads the classifier of a directory with a sequence classifier.
    ///
    /// # Errors
    /// `Model` when it is another kind of model, or gives another number of scores than one.
    pub(crate) fn load(directory: &Path) -> Result<Self, EngineError> {
        let config: Config = config::read(directory)?;
        let (expected, layer, output) = match config.model_type {
            Architecture::Bert => ("BertForSequenceClassification", "bert.pooler.dense", "classifier"),
            Architecture::XlmRoberta => {
                ("XLMRobertaForSequenceClassification", "classifier.dense", "classifier.out_proj")
            }
        };
        let [architecture] = &config.architectures;
        if architecture != expected {
            let detail = format!("it is a `{architecture}`, expected a `{expected}`");
            return Err(EngineError::model(directory, detail));
        }
        let file = weights::map_safetensors(directory)?;
        let source = Source { file: &file, prefix: "", directory };
        let hidden = config.hidden_size;
        let bias = source.values(&[format!("{output}.bias")], &[1])?;
        Ok(Self {
            dense: source.linear(&[layer.to_owned()], hidden, hidden)?,
            output: source.values(&[format!("{output}.weight")], &[1, hidden])?,
            bias: bias[0],
            instructions: Instructions::detect(),
        })
    }

    /// The logits of states, `[pairs][hidden]` to `[pairs]`. Each has the same bits in whatever company.
    pub(crate) fn logits(&self, states: &[Vec<f32>]) -> Vec<f32> {
        let states = states.concat();
        let mut pooled = vec![0.0; states.len()];
        self.instructions.run(Product::whole(&states, &self.dense, Then::Nothing, &mut pooled));
        let logit = |pooled: &[f32]| {
            let terms = pooled.iter().zip(&self.output).map(|(pooled, weight)| pooled.tanh() * weight);
            terms.sum::<f32>() + self.bias
        };
        pooled.chunks_exact(self.output.len()).map(logit).collect()
    }
}
