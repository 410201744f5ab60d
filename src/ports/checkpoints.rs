//! Where the log's checkpoints are kept outside its database, out of reach of whoever has that. Knows no adapter.

use crate::ports::StoreError;
use async_trait::async_trait;

/// One such place.
#[async_trait]
pub trait CheckpointShelf: Send + Sync {
    /// Names it for people, such as a folder's path.
    fn name(&self) -> String;
    /// The newest note that was put there; none before the first.
    async fn newest(&self) -> Result<Option<String>, StoreError>;
    /// Keeps a note that speaks of `size` leaves. The same again is no fault.
    async fn put(&self, size: i64, note: &str) -> Result<(), StoreError>;
}

/// The way to witnesses: programs of others that sign a checkpoint when its log only grew since they looked last.
#[async_trait]
pub trait WitnessClient: Send + Sync {
    /// Posts a submission (C2SP `tlog-witness`) below this address; gives status and body, or why there is none.
    async fn submit(&self, url: &str, submission: String) -> Result<(u16, String), String>;
}
