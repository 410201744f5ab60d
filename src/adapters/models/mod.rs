//! Models: which there are, how they come onto this machine, and the two ports that run them.
//!
//! A name in the manifest becomes a folder (`pull`), the folder a checked set of files (`resolve`), the files a running
//! model (`start`). A digest is pinned by the manifest where it is known for certain. Where it is not, the hub's own
//! announcement pins it (SHA-256 of large files), and for the hub's small files nothing but the first download does;
//! the lock beside the files records which of the three it was, and everything after is checked against the lock. Knows
//! no HTTP route, no SQL and no prompt.

mod activity;
mod chat;
mod embedder;
mod error;
mod generator;
mod lock;
mod manifest;
mod obtain;
mod place;
mod progress;
mod pull;
mod resolve;
mod shards;
mod source;
mod start;
#[cfg(test)]
mod tests;
mod threads;

pub use embedder::EngineEmbedder;
pub use error::ModelsError;
pub use generator::EngineGenerator;
pub use lock::Lock;
pub use lock::LockedFile;
pub use lock::PinnedBy;
pub use manifest::Family;
pub use manifest::Kind;
pub use manifest::Manifest;
pub use manifest::manifest;
pub use progress::PullProgress;
pub use pull::pull;
pub use resolve::ModelStatus;
pub use resolve::Presence;
pub use resolve::ResolvedModel;
pub use resolve::list;
pub use resolve::resolve;
pub use resolve::table;
pub use resolve::verify;
pub use start::Models;
pub use start::recogniser;
pub use start::start;
pub use threads::take_threads;
