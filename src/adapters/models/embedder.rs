//! The port `Embedder` over the engine's encoder. Knows no file and no passage.

use crate::adapters::models::activity::Activity;
use crate::adapters::models::generator::model_error;
use crate::domain::ModelFingerprint;
use crate::domain::TextKind;
use crate::ports::Embedder;
use crate::ports::ModelError;
use async_trait::async_trait;
use engine::Encoder;

/// An encoder on its own thread, which ends after this is dropped.
pub struct EngineEmbedder {
    encoder: Encoder,
    fingerprint: ModelFingerprint,
    activity: Activity,
}

impl EngineEmbedder {
    pub(super) fn new(encoder: Encoder, fingerprint: ModelFingerprint, activity: Activity) -> Self {
        Self { encoder, fingerprint, activity }
    }
}

/// What the model puts around a passage: `[CLS] passage: … [SEP]`, with room to spare.
const FRAME_TOKENS: usize = 8;

#[async_trait]
impl Embedder for EngineEmbedder {
    fn dimensions(&self) -> usize {
        self.encoder.dimensions()
    }

    fn max_tokens(&self) -> usize {
        self.encoder.max_tokens().saturating_sub(FRAME_TOKENS)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.encoder.tokenizer().count(text)
    }

    fn fingerprint(&self) -> &ModelFingerprint {
        &self.fingerprint
    }

    async fn embed(&self, texts: Vec<String>, kind: TextKind) -> Result<Vec<Vec<f32>>, ModelError> {
        let kind = match kind {
            TextKind::Query => engine::TextKind::Query,
            TextKind::Passage => {
                self.activity.pause().await;
                engine::TextKind::Passage
            }
        };
        self.encoder.embed(texts, kind).await.map_err(model_error)
    }
}
