//! All that the result of the pipeline depends on beside the file, as two digests: what the text depends on, and what the
//! passages and their vectors depend on. Where they are the same, what was stored is what would come out again. Rather too
//! much goes in than too little: it only costs reading again. Knows no document.

use crate::ingest::IngestParts;
use crate::ports::Made;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

/// What a version made now would be made with, its pages that are pictures recognised or not yet; the findings of the
/// reader are added by who has them.
pub(super) fn recipe(parts: &IngestParts, with_pictures: bool) -> Made {
    let recogniser =
        parts.recogniser.as_deref().filter(|_| with_pictures).and_then(|folder| folder.file_name());
    let read_with = digest(&json!({
        "pipeline": env!("DOCENT_PIPELINE"),
        "limits": parts.reader,
        "recogniser": recogniser.map(|name| name.to_string_lossy()),
    }));
    let embedder = parts.embedder.fingerprint();
    let cut_with = digest(&json!({
        "read_with": read_with,
        "chunk_tokens": parts.config.chunk_tokens,
        "min_coverage": parts.config.min_coverage,
        "max_tokens": parts.embedder.max_tokens(),
        "tokenizer_sha256": embedder.tokenizer_sha256,
        "weights_sha256": embedder.weights_sha256,
    }));
    Made { read_with, cut_with, reading: String::new() }
}

fn digest(value: &Value) -> String {
    hex::encode(Sha256::digest(value.to_string()))
}
