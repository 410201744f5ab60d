//! Files and environment, layered and validated at once. The only reader of the environment (style 43). Knows no
//! adapter.
//!
//! Layers: `config/default.toml` (embedded, holds every key), the file given, `DOCENT__SECTION__KEY`; later wins. A
//! key that the default file does not hold is an error.

mod layers;
mod sections;

pub use layers::ConfigError;
pub use sections::{
    Answer, Audit, Blobs, BlobsKind, Config, Data, Database, Engine, Http, Ingest, Log, LogFormat, Models,
    Reader, Retention, Secrets, Uploads, Vectors, VectorsKind, Webhooks,
};
