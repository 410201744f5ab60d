//! The queue of the pipeline: leases, fences, retries. A job's state and its version's status change in one statement.
//! Knows no stage's work.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::text::json;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::readable;
use crate::adapters::postgres::text::storable;
use crate::domain::AclFilter;
use crate::domain::ClaimedJob;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::Lane;
use crate::domain::Progress;
use crate::domain::Warning;
use crate::ports::Jobs;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::types::Json;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Tries at a job while other workers are just serving the users that wait.
const CLAIM_TRIES: usize = 8;
/// A claim takes about a millisecond.
const CLAIM_PAUSE: Duration = Duration::from_millis(2);

#[async_trait]
impl Jobs for Postgres {
    async fn claim(
        &self,
        lane: Lane,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>, StoreError> {
        self.expire_leases().await?;
        for _ in 0..CLAIM_TRIES {
            if let Some(job) = self.claim_next(lane, worker, lease, false).await? {
                return Ok(Some(job));
            }
            if !self.anything_waits(lane).await? {
                return Ok(None);
            }
            tokio::time::sleep(CLAIM_PAUSE).await;
        }
        // Others serve those who wait all the time: any job is better than none.
        self.claim_next(lane, worker, lease, true).await
    }

    async fn progress(
        &self,
        job: &ClaimedJob,
        progress: Progress,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let updated = sqlx::query_file!(
            "src/adapters/postgres/queries/report_progress.sql",
            job.id.uuid(),
            job.worker,
            job.attempt,
            progress.stage.as_str(),
            progress.done,
            progress.total,
            lease.as_secs_f64()
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_ours(job, updated.rows_affected())
    }

    async fn pass_on(&self, job: &ClaimedJob, to: Lane, from: Progress) -> Result<(), StoreError> {
        let updated = sqlx::query_file!(
            "src/adapters/postgres/queries/pass_job_on.sql",
            job.id.uuid(),
            job.worker,
            job.attempt,
            to.as_str(),
            from.stage.as_str(),
            from.done,
            from.total
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        still_ours(job, updated.rows_affected())
    }

    async fn others_wait(&self, job: &ClaimedJob) -> Result<bool, StoreError> {
        sqlx::query_file_scalar!("src/adapters/postgres/queries/others_wait.sql", job.id.uuid())
            .fetch_one(&self.pool)
            .await
            .map_err(store_error)
    }

    async fn fail(
        &self,
        job: &ClaimedJob,
        error: &Warning,
        retry_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        self.end_attempt(job, error, retry_at, true).await
    }

    async fn give_back(&self, job: &ClaimedJob, reason: &Warning) -> Result<(), StoreError> {
        self.end_attempt(job, reason, Some(OffsetDateTime::now_utc()), false).await
    }

    async fn find(&self, id: JobId, filter: &AclFilter) -> Result<Option<Job>, StoreError> {
        sqlx::query_file_as!(
            JobRow,
            "src/adapters/postgres/queries/find_job.sql",
            id.uuid(),
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?
        .map(Job::try_from)
        .transpose()
    }

    async fn depth(&self) -> Result<(i64, i64), StoreError> {
        sqlx::query_file!("src/adapters/postgres/queries/count_jobs.sql")
            .fetch_one(&self.pool)
            .await
            .map(|row| (row.ready, row.running))
            .map_err(store_error)
    }

    async fn put_back(&self, place: &str) -> Result<u64, StoreError> {
        let died = Warning {
            code: "worker_died".to_owned(),
            page: None,
            detail: "the service ended while it had this document".to_owned(),
        };
        self.take_back(&died, Some(place)).await
    }
}

impl Postgres {
    /// The next job of whose turn it is, or of `anybody`.
    async fn claim_next(
        &self,
        lane: Lane,
        worker: &str,
        lease: Duration,
        anybody: bool,
    ) -> Result<Option<ClaimedJob>, StoreError> {
        let row = sqlx::query_file!(
            "src/adapters/postgres/queries/claim_job.sql",
            worker,
            lease.as_secs_f64(),
            anybody,
            lane.as_str()
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(ClaimedJob {
            id: JobId::from_uuid(row.id),
            document: DocumentId::from_uuid(row.document_id),
            collection: CollectionId::from_uuid(row.collection_id),
            version: row.version,
            sha256: row.sha256,
            file_name: row.file_name,
            title: row.given_title,
            password: row.password,
            attempt: row.attempts,
            max_attempts: row.max_attempts,
            worker: worker.to_owned(),
            lane,
            progress: Progress { stage: known(&row.stage)?, done: row.done, total: row.total },
            begins: known(&row.begins)?,
            redo: row.redo,
            visible_since: row.visible_since,
        }))
    }

    async fn end_attempt(
        &self,
        job: &ClaimedJob,
        error: &Warning,
        retry_at: Option<OffsetDateTime>,
        counts: bool,
    ) -> Result<(), StoreError> {
        let error = Warning { detail: storable(&error.detail).into_owned(), ..error.clone() };
        let updated = sqlx::query_file!(
            "src/adapters/postgres/queries/fail_job.sql",
            job.id.uuid(),
            job.worker,
            job.attempt,
            json(&error)?,
            retry_at,
            counts
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        still_ours(job, updated.len() as u64)
    }

    async fn anything_waits(&self, lane: Lane) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"select exists (
                 select 1 from jobs where state = 'ready' and lane = $1 and run_at <= now()
             ) as "waits!""#,
            lane.as_str()
        )
        .fetch_one(&self.pool)
        .await
        .map_err(store_error)
    }

    async fn expire_leases(&self) -> Result<(), StoreError> {
        let silent = Warning {
            code: "lease_expired".to_owned(),
            page: None,
            detail: "the worker that had this document fell silent".to_owned(),
        };
        let expired = self.take_back(&silent, None).await?;
        if expired > 0 {
            tracing::warn!(jobs = expired, "took back jobs of workers that fell silent");
        }
        Ok(())
    }

    /// Takes jobs back from workers that fell silent, or from all of a place that ended; a hundred at most.
    async fn take_back(&self, why: &Warning, place: Option<&str>) -> Result<u64, StoreError> {
        sqlx::query_file!("src/adapters/postgres/queries/take_back_jobs.sql", json(why)?, place)
            .fetch_all(&self.pool)
            .await
            .map(|taken| taken.len() as u64)
            .map_err(store_error)
    }
}

/// A job with the name of its file.
pub(super) struct JobRow {
    pub(super) id: Uuid,
    pub(super) document_id: Uuid,
    pub(super) collection_id: Uuid,
    pub(super) version: i32,
    pub(super) file_name: String,
    pub(super) state: String,
    pub(super) begins: String,
    pub(super) stage: String,
    pub(super) done: i64,
    pub(super) total: i64,
    pub(super) attempts: i32,
    pub(super) max_attempts: i32,
    pub(super) run_at: OffsetDateTime,
    pub(super) created_at: OffsetDateTime,
    pub(super) finished_at: Option<OffsetDateTime>,
    pub(super) failed_stage: Option<String>,
    pub(super) error: Option<Json<Warning>>,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId::from_uuid(row.id),
            document_id: DocumentId::from_uuid(row.document_id),
            collection_id: CollectionId::from_uuid(row.collection_id),
            version: row.version,
            file_name: row.file_name,
            state: known(&row.state)?,
            from: known(&row.begins)?,
            progress: Progress { stage: known(&row.stage)?, done: row.done, total: row.total },
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            before: None,
            failed_stage: row.failed_stage.as_deref().map(known).transpose()?,
            error: row.error.map(|error| error.0),
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
    }
}

/// A fenced write that met no row came from a worker that had lost the job.
pub(super) fn still_ours(job: &ClaimedJob, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(conflict(format!("another holder of job `{}`", job.id))) } else { Ok(()) }
}
