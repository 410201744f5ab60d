//! All this service asks of the world: small `dyn` traits over domain types. Which crate answers is said in `app` and
//! nowhere else. Knows no adapter.

mod answers;
mod blobs;
mod documents;
mod errors;
mod identity;
mod index;
mod log;
mod models;

pub use answers::Answers;
pub use blobs::Blobs;
pub use documents::Collections;
pub use documents::Documents;
pub use documents::Erasure;
pub use documents::Erasures;
pub use documents::Extracted;
pub use documents::Histories;
pub use documents::Intake;
pub use documents::Jobs;
pub use documents::Moment;
pub use documents::NewVersion;
pub use documents::Outlines;
pub use errors::ModelError;
pub use errors::StoreError;
pub use identity::ApiKey;
pub use identity::Credentials;
pub use identity::User;
pub use identity::Users;
pub use index::Hit;
pub use index::HybridQuery;
pub use index::Point;
pub use index::StoredVectors;
pub use index::VectorIndex;
pub use log::LogEntry;
pub use log::LogQuery;
pub use log::LogStore;
pub use log::OpenIntent;
pub use log::Sealed;
pub use log::StoredEntry;
pub use models::ChatRole;
pub use models::ChatTurn;
pub use models::Embedder;
pub use models::Generation;
pub use models::GenerationEvent;
pub use models::Generator;
pub use models::PrefixCache;
