//! Wakes the idle workers of this process. Knows no job.

use crate::domain::Lane;
use tokio::sync::Notify;

/// Says that something may wait.
#[derive(Default)]
pub(super) struct Arrivals {
    words: Notify,
    long: Notify,
    vectors: Notify,
}

impl Arrivals {
    /// Wakes an idle worker of each lane, or the next one that is.
    pub(super) fn announce(&self) {
        self.words.notify_one();
        self.long.notify_one();
        self.vectors.notify_one();
    }

    /// Waits until something may wait in the lane.
    pub(super) async fn announced(&self, lane: Lane) {
        match lane {
            Lane::Words => self.words.notified().await,
            Lane::Long => self.long.notified().await,
            Lane::Vectors => self.vectors.notified().await,
        }
    }
}
