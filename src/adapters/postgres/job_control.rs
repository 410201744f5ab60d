//! What people do to jobs: listed, stopped, begun again. Locks are taken in the order jobs, documents, versions. Knows no
//! worker.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::collections::page;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::jobs::JobRow;
use crate::adapters::postgres::text::json;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::readable;
use crate::adapters::postgres::text::storable;
use crate::domain::AclFilter;
use crate::domain::Begin;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::JobState;
use crate::domain::Page;
use crate::domain::UserId;
use crate::domain::Warning;
use crate::ports::JobControl;
use crate::ports::JobQuery;
use crate::ports::Jobs;
use crate::ports::Retry;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::types::Json;

/// A job to be inserted.
pub(super) struct NewJob {
    pub(super) id: JobId,
    pub(super) document: DocumentId,
    pub(super) version: i32,
    pub(super) collection: CollectionId,
    pub(super) max_attempts: i32,
    pub(super) requested_by: UserId,
    pub(super) begins: Begin,
    pub(super) redo: bool,
}

#[async_trait]
impl JobControl for Postgres {
    async fn list(&self, query: &JobQuery, filter: &AclFilter) -> Result<Page<Job>, StoreError> {
        let wanted: &[JobState] = if query.states.is_empty() { &JobState::ALL } else { &query.states };
        let states: Vec<String> = wanted.iter().map(|state| state.as_str().to_owned()).collect();
        let rows = sqlx::query_file_as!(
            JobRow,
            "src/adapters/postgres/queries/list_jobs.sql",
            &readable(filter),
            &states,
            query.collection.map(CollectionId::uuid),
            query.document.map(DocumentId::uuid),
            query.before.map(JobId::uuid),
            query.limit.saturating_add(1)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let jobs = rows.into_iter().map(Job::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(page(jobs, query.limit, |last| last.id.to_string()))
    }

    async fn before(&self, id: JobId) -> Result<Option<i64>, StoreError> {
        sqlx::query_file_scalar!("src/adapters/postgres/queries/count_before.sql", id.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(store_error)
    }

    async fn stop(&self, id: JobId, filter: &AclFilter, reason: &Warning) -> Result<(), StoreError> {
        let reason = Warning { detail: storable(&reason.detail).into_owned(), ..reason.clone() };
        let stopped = sqlx::query_file!(
            "src/adapters/postgres/queries/stop_job.sql",
            id.uuid(),
            &readable(filter),
            json(&reason)?
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        match stopped {
            Some(_) => Ok(()),
            None if Jobs::find(self, id, filter).await?.is_some() => {
                Err(conflict(format!("the end of job `{id}`")))
            }
            None => Err(missing(format!("job `{id}`"))),
        }
    }

    async fn retry(&self, id: JobId, filter: &AclFilter, retry: &Retry) -> Result<JobId, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        let over = sqlx::query_file!(
            "src/adapters/postgres/queries/find_job_over.sql",
            id.uuid(),
            &readable(filter)
        )
        .fetch_optional(&mut *transaction)
        .await
        .map_err(store_error)?
        .ok_or_else(|| missing(format!("job `{id}`")))?;
        if over.job_id != id.uuid() || !known::<JobState>(&over.state)?.is_over() {
            return Err(conflict(format!("a newer or unfinished attempt than job `{id}`")));
        }
        let job = NewJob {
            id: JobId::new(),
            document: DocumentId::from_uuid(over.document_id),
            version: over.version,
            collection: CollectionId::from_uuid(over.collection_id),
            max_attempts: retry.max_attempts,
            requested_by: retry.requested_by,
            begins: retry.begins,
            redo: over.whole,
        };
        insert_job(&mut transaction, &job).await?;
        make_newest(&mut transaction, &job).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(job.id)
    }
}

/// Puts a job into the queue, and its user among those who take turns.
pub(super) async fn insert_job(connection: &mut PgConnection, job: &NewJob) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_job.sql",
        job.id.uuid(),
        job.document.uuid(),
        job.version,
        job.collection.uuid(),
        job.max_attempts,
        job.requested_by.uuid(),
        job.begins.as_str(),
        job.redo
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(|error| match violated(&error) {
        Some("jobs_alive_key") => conflict("another job of this version"),
        Some(_) | None => store_error(error),
    })
}

/// The version's newest job is this one; unless it is whole, it waits again.
async fn make_newest(connection: &mut PgConnection, job: &NewJob) -> Result<(), StoreError> {
    sqlx::query!(
        "update versions
         set job_id = $3, status = case when $4 then status else 'queued' end, error = null
         where document_id = $1 and number = $2",
        job.document.uuid(),
        job.version,
        job.id.uuid(),
        job.redo
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}
