//! One attempt at a job: says how far it is, keeps the lease alive while a stage is silent, and tells work on other
//! threads when to stop. Knows no stage.

use crate::domain::ClaimedJob;
use crate::domain::Lane;
use crate::domain::Progress;
use crate::domain::Stage;
use crate::ingest::IngestError;
use crate::ingest::error::fenced;
use crate::ports::Jobs;
use crate::ports::StoreError;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest time until an attempt hears that its job was stopped elsewhere.
const MAX_BEAT: Duration = Duration::from_secs(5);

/// A claimed job in this worker's hands.
pub(super) struct Run {
    job: ClaimedJob,
    jobs: Arc<dyn Jobs>,
    lease: Duration,
    progress: Mutex<Progress>,
    /// What each finished stage took, in milliseconds.
    took: Mutex<Vec<(Stage, u64)>>,
    over: CancellationToken,
}

impl Run {
    /// Begins an attempt at a job that was just claimed for `lease`.
    pub(super) fn new(job: ClaimedJob, jobs: Arc<dyn Jobs>, lease: Duration) -> Self {
        let progress = Mutex::new(job.progress);
        Self { job, jobs, lease, progress, took: Mutex::default(), over: CancellationToken::new() }
    }

    /// The job.
    pub(super) const fn job(&self) -> &ClaimedJob {
        &self.job
    }

    /// Which stage it is in.
    pub(super) fn stage(&self) -> Stage {
        self.now().stage
    }

    /// Cancelled when this attempt is over, for threads that outlive the future they were started by.
    pub(super) const fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Says how far the attempt is, which also keeps the lease.
    ///
    /// # Errors
    /// [`IngestError::LeaseLost`] when another worker has the job or its document is gone. A database that does not
    /// answer is not an error yet: the heart-beat counts how long that lasts.
    pub(super) async fn advance(&self, stage: Stage, done: usize, total: usize) -> Result<(), IngestError> {
        let progress = Progress { stage, done: done as i64, total: total as i64 };
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
        match self.say(progress).await {
            Ok(()) | Err(StoreError::Unavailable { .. }) => Ok(()),
            Err(StoreError::Conflict { .. } | StoreError::Missing { .. }) => Err(IngestError::LeaseLost),
            Err(error @ StoreError::Corrupt { .. }) => Err(error.into()),
        }
    }

    /// Gives the job back for a lane, where it goes on with a stage that is so far.
    ///
    /// # Errors
    /// As [`Run::advance`], but a database that does not answer ends the attempt.
    pub(super) async fn pass_on(&self, to: Lane, from: Progress) -> Result<(), IngestError> {
        self.jobs.pass_on(&self.job, to, from).await.map_err(fenced)
    }

    /// Says whether the job has had its turn: jobs of other users wait in its lane.
    pub(super) async fn others_wait(&self) -> bool {
        self.jobs.others_wait(&self.job).await.unwrap_or(false)
    }

    /// A stage is over that began then.
    pub(super) fn took(&self, stage: Stage, began: Instant) {
        let took = began.elapsed();
        metrics::histogram!("docent_ingest_stage_seconds", "stage" => stage.as_str())
            .record(took.as_secs_f64());
        self.took.lock().unwrap_or_else(PoisonError::into_inner).push((stage, took.as_millis() as u64));
    }

    /// What a finished stage took, in milliseconds.
    pub(super) fn stage_ms(&self, of: Stage) -> Option<u64> {
        let took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        took.iter().find(|(stage, _)| *stage == of).map(|(_, ms)| *ms)
    }

    /// Keeps the lease while stages are silent; returns when it is lost.
    pub(super) async fn beat(&self) -> IngestError {
        let mut kept = Instant::now();
        loop {
            tokio::time::sleep((self.lease / 3).min(MAX_BEAT)).await;
            match self.say(self.now()).await {
                Ok(()) => kept = Instant::now(),
                Err(StoreError::Conflict { .. } | StoreError::Missing { .. }) => {
                    return IngestError::LeaseLost;
                }
                Err(error @ (StoreError::Unavailable { .. } | StoreError::Corrupt { .. })) => {
                    tracing::warn!(job.id = %self.job.id, %error, "the job's lease could not be renewed");
                    if kept.elapsed() >= self.lease {
                        return IngestError::LeaseLost;
                    }
                }
            }
        }
    }

    fn now(&self) -> Progress {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn say(&self, progress: Progress) -> Result<(), StoreError> {
        self.jobs.progress(&self.job, progress, self.lease).await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.over.cancel();
    }
}
