//! The attempts under way in this process, so that one that is stopped lets go at once. Knows no job's work.

use crate::domain::JobId;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;

/// The attempts under way, by job.
#[derive(Default)]
pub(super) struct Running {
    stops: Mutex<HashMap<JobId, (u64, CancellationToken)>>,
    /// How many attempts have begun.
    begun: AtomicU64,
}

/// An attempt that is under way until this is dropped.
pub(super) struct Underway<'a> {
    running: &'a Running,
    job: JobId,
    number: u64,
    stop: CancellationToken,
}

impl Running {
    /// An attempt at the job begins.
    pub(super) fn begin(&self, job: JobId) -> Underway<'_> {
        let (stop, number) = (CancellationToken::new(), self.begun.fetch_add(1, Ordering::Relaxed));
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).insert(job, (number, stop.clone()));
        Underway { running: self, job, number, stop }
    }

    /// Lets the attempt at the job, if it is one of this process, know that it was stopped.
    pub(super) fn stop(&self, job: JobId) {
        if let Some((_, stop)) = self.stops.lock().unwrap_or_else(PoisonError::into_inner).get(&job) {
            stop.cancel();
        }
    }
}

impl Underway<'_> {
    /// Waits until the attempt is stopped.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let mut stops = self.running.stops.lock().unwrap_or_else(PoisonError::into_inner);
        // A job that was passed on may have begun its next attempt already.
        if stops.get(&self.job).is_some_and(|(number, _)| *number == self.number) {
            stops.remove(&self.job);
        }
    }
}
