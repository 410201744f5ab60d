//! What the pipeline writes about a version: taken in, read, published, deleted. Locks are taken in the order jobs,
//! documents, versions. Knows no parser and no vector.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::erasures;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::extracted;
use crate::adapters::postgres::job_control::NewJob;
use crate::adapters::postgres::job_control::insert_job;
use crate::adapters::postgres::jobs::still_ours;
use crate::adapters::postgres::text::json;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::readable;
use crate::adapters::postgres::text::storable;
use crate::adapters::postgres::text::storable_title;
use crate::domain::Accepted;
use crate::domain::AclFilter;
use crate::domain::Begin;
use crate::domain::ClaimedJob;
use crate::domain::CollectionId;
use crate::domain::Coverage;
use crate::domain::DocumentId;
use crate::domain::DocumentStatus;
use crate::domain::EventId;
use crate::domain::JobId;
use crate::domain::PassageId;
use crate::ports::Erasure;
use crate::ports::Extracted;
use crate::ports::Intake;
use crate::ports::NewVersion;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::PgConnection;

/// Tries of an upload that meets another one of the same bytes at the same moment; the second try finds its row.
const ACCEPT_TRIES: usize = 3;

#[async_trait]
impl Intake for Postgres {
    async fn accept(&self, upload: &NewVersion) -> Result<Accepted, StoreError> {
        for _ in 0..ACCEPT_TRIES {
            let mut transaction = self.pool.begin().await.map_err(store_error)?;
            if let Some(accepted) = accept_once(&mut transaction, upload).await? {
                transaction.commit().await.map_err(store_error)?;
                return Ok(accepted);
            }
        }
        Err(conflict("an upload of the same file"))
    }

    async fn store_extracted(&self, job: &ClaimedJob, extracted: &Extracted) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        // A weak lock while the rows are written: heart-beats go on, and so does a reaper. Whether the job was lost
        // meanwhile is asked again before the commit, with a lock that holds until it.
        weakly_fenced(&mut transaction, job).await?;
        extracted::replace(&mut transaction, job, extracted).await?;
        fenced(&mut transaction, job).await?;
        transaction.commit().await.map_err(store_error)
    }

    async fn embedded(
        &self,
        job: &ClaimedJob,
        sha256: &[[u8; 32]],
    ) -> Result<Vec<(PassageId, [u8; 32])>, StoreError> {
        let wanted: Vec<Vec<u8>> = sha256.iter().map(|sha256| sha256.to_vec()).collect();
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/find_embedded.sql",
            job.document.uuid(),
            &wanted
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let found = |id, sha256: Vec<u8>| Some((PassageId::from_uuid(id), sha256.try_into().ok()?));
        Ok(rows.into_iter().filter_map(|row| found(row.id, row.embedded_sha256)).collect())
    }

    async fn reveal(&self, job: &ClaimedJob) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        fenced(&mut transaction, job).await?;
        let revealed = sqlx::query_file!(
            "src/adapters/postgres/queries/reveal_version.sql",
            job.document.uuid(),
            job.version
        )
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(revealed.rows_affected() == 1)
    }

    async fn publish(&self, job: &ClaimedJob, coverage: &Coverage) -> Result<Option<i32>, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        finish_job(&mut transaction, job).await?;
        let superseded = make_visible(&mut transaction, job).await?;
        mark_ready(&mut transaction, job, coverage).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(superseded)
    }

    async fn delete(
        &self,
        id: DocumentId,
        filter: &AclFilter,
        request: EventId,
    ) -> Result<Option<Erasure>, StoreError> {
        let writable = readable(filter);
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        sqlx::query_file!("src/adapters/postgres/queries/lock_document_jobs.sql", id.uuid(), &writable)
            .fetch_all(&mut *transaction)
            .await
            .map_err(store_error)?;
        let blobs = sqlx::query_file!("src/adapters/postgres/queries/list_blobs.sql", id.uuid(), &writable)
            .fetch_all(&mut *transaction)
            .await
            .map_err(store_error)?;
        let Some(first) = blobs.first() else { return Ok(None) };
        let collection = CollectionId::from_uuid(first.collection_id);
        // The same bytes are one version in a collection, so nobody else needs them.
        let files = blobs.into_iter().map(|row| row.sha256).collect();
        let erasure = Erasure { document: id, collection, files, request, erased: false };
        erasures::note(&mut transaction, &erasure).await?;
        // Answers show its text.
        sqlx::query!("delete from answers where documents @> array[$1::uuid]", id.uuid())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        sqlx::query!("delete from documents where id = $1", id.uuid())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(Some(erasure))
    }
}

/// One try; none when another upload of the same bytes came first and is not to be seen yet.
async fn accept_once(
    connection: &mut PgConnection,
    upload: &NewVersion,
) -> Result<Option<Accepted>, StoreError> {
    let newest = match upload.document {
        Some(document) => Some((document, lock_newest(connection, upload, document).await?)),
        None => None,
    };
    if let Some(accepted) = find_same_bytes(connection, upload).await? {
        // Silently taking them for the newest version would show its readers another text than was uploaded.
        return match newest {
            Some(wanted) if wanted != (accepted.document_id, accepted.version) => Err(conflict(format!(
                "this file, as version {} of document `{}`,",
                accepted.version, accepted.document_id
            ))),
            Some(_) | None => Ok(Some(accepted)),
        };
    }
    let (document, number) = match newest {
        Some((document, newest)) => (document, next_version(connection, document, newest).await?),
        None => (insert_document(connection, upload).await?, 1),
    };
    let job = JobId::new();
    if !insert_version(connection, upload, document, number, job).await? {
        return Ok(None);
    }
    insert_job(connection, &new_job(upload, document, number, job)).await?;
    let status = status_of(connection, document).await?;
    Ok(Some(Accepted { document_id: document, version: number, job_id: job, status, existing: false }))
}

async fn lock_newest(
    connection: &mut PgConnection,
    upload: &NewVersion,
    document: DocumentId,
) -> Result<i32, StoreError> {
    sqlx::query_scalar!(
        "select newest_version from documents where id = $1 and collection_id = $2 for update",
        document.uuid(),
        upload.collection.uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(store_error)?
    .ok_or_else(|| missing(format!("document `{document}`")))
}

/// The version that has these bytes already; one that failed gets a new job.
async fn find_same_bytes(
    connection: &mut PgConnection,
    upload: &NewVersion,
) -> Result<Option<Accepted>, StoreError> {
    let same = sqlx::query_file!(
        "src/adapters/postgres/queries/find_same_bytes.sql",
        upload.collection.uuid(),
        upload.sha256
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(store_error)?;
    let Some(same) = same else { return Ok(None) };
    let document = DocumentId::from_uuid(same.document_id);
    let mut job = JobId::from_uuid(same.job_id);
    if known::<DocumentStatus>(&same.status)? == DocumentStatus::Failed {
        job = JobId::new();
        sqlx::query!(
            "update versions set status = 'queued', error = null, job_id = $3, password = coalesce($4, password)
             where document_id = $1 and number = $2",
            same.document_id,
            same.number,
            job.uuid(),
            upload.password
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        insert_job(connection, &new_job(upload, document, same.number, job)).await?;
    }
    let status = status_of(connection, document).await?;
    Ok(Some(Accepted { document_id: document, version: same.number, job_id: job, status, existing: true }))
}

async fn next_version(
    connection: &mut PgConnection,
    document: DocumentId,
    newest: i32,
) -> Result<i32, StoreError> {
    let number = newest.checked_add(1).ok_or_else(|| corrupt("too many versions".to_owned()))?;
    sqlx::query!("update documents set newest_version = $2 where id = $1", document.uuid(), number)
        .execute(connection)
        .await
        .map_err(store_error)?;
    Ok(number)
}

async fn insert_document(
    connection: &mut PgConnection,
    upload: &NewVersion,
) -> Result<DocumentId, StoreError> {
    let document = DocumentId::new();
    sqlx::query!(
        "insert into documents (id, collection_id) values ($1, $2)",
        document.uuid(),
        upload.collection.uuid()
    )
    .execute(connection)
    .await
    .map_err(|error| match violated(&error) {
        Some("documents_collection_id_fkey") => missing(format!("collection `{}`", upload.collection)),
        Some(_) | None => store_error(error),
    })?;
    Ok(document)
}

/// Says whether the row went in; not, when these bytes came in meanwhile.
async fn insert_version(
    connection: &mut PgConnection,
    upload: &NewVersion,
    document: DocumentId,
    number: i32,
    job: JobId,
) -> Result<bool, StoreError> {
    let file_name = storable(&upload.file_name);
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_version.sql",
        document.uuid(),
        number,
        upload.collection.uuid(),
        upload.sha256,
        upload.bytes,
        &*file_name,
        storable_title(upload.title.as_deref()),
        job.uuid(),
        upload.uploaded_by.uuid(),
        upload.password
    )
    .execute(connection)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(|error| match violated(&error) {
        Some("versions_uploaded_by_fkey") => missing(format!("user `{}`", upload.uploaded_by)),
        Some(_) | None => store_error(error),
    })
}

const fn new_job(upload: &NewVersion, document: DocumentId, version: i32, id: JobId) -> NewJob {
    NewJob {
        id,
        document,
        version,
        collection: upload.collection,
        max_attempts: upload.max_attempts,
        requested_by: upload.uploaded_by,
        begins: Begin::Read,
        redo: false,
    }
}

async fn status_of(
    connection: &mut PgConnection,
    document: DocumentId,
) -> Result<DocumentStatus, StoreError> {
    let status = sqlx::query_scalar!(
        r#"select status as "status!" from shown_documents where id = $1"#,
        document.uuid()
    )
    .fetch_one(connection)
    .await
    .map_err(store_error)?;
    known(&status)
}

async fn weakly_fenced(connection: &mut PgConnection, job: &ClaimedJob) -> Result<(), StoreError> {
    sqlx::query!(
        "select id from jobs where id = $1 and worker = $2 and attempts = $3 and state = 'running' for key share",
        job.id.uuid(),
        job.worker,
        job.attempt
    )
    .fetch_optional(connection)
    .await
    .map_err(store_error)
    .and_then(|row| still_ours(job, u64::from(row.is_some())))
}

async fn fenced(connection: &mut PgConnection, job: &ClaimedJob) -> Result<(), StoreError> {
    sqlx::query!(
        "select id from jobs where id = $1 and worker = $2 and attempts = $3 and state = 'running' for share",
        job.id.uuid(),
        job.worker,
        job.attempt
    )
    .fetch_optional(connection)
    .await
    .map_err(store_error)
    .and_then(|row| still_ours(job, u64::from(row.is_some())))
}

async fn finish_job(connection: &mut PgConnection, job: &ClaimedJob) -> Result<(), StoreError> {
    sqlx::query_file!("src/adapters/postgres/queries/finish_job.sql", job.id.uuid(), job.worker, job.attempt)
        .execute(connection)
        .await
        .map_err(store_error)
        .and_then(|done| still_ours(job, done.rows_affected()))
}

/// Switches readers over; gives the version that is no longer searched. That is this very one when a newer version
/// was ready first: an old file that took long must not take the place of a new one.
async fn make_visible(connection: &mut PgConnection, job: &ClaimedJob) -> Result<Option<i32>, StoreError> {
    let before = sqlx::query_scalar!(
        "select visible_version from documents where id = $1 for no key update",
        job.document.uuid()
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(store_error)?;
    let overtaken = before.is_some_and(|visible| visible > job.version);
    set_times(connection, job.document, job.version, overtaken).await?;
    if overtaken {
        return Ok(Some(job.version));
    }
    sqlx::query!("update documents set visible_version = $2 where id = $1", job.document.uuid(), job.version)
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    let superseded = before.filter(|visible| *visible != job.version);
    if let Some(superseded) = superseded {
        sqlx::query!(
            "update versions set visible_until = now() where document_id = $1 and number = $2",
            job.document.uuid(),
            superseded
        )
        .execute(connection)
        .await
        .map_err(store_error)?;
    }
    Ok(superseded)
}

/// Begins the time in which a version is seen, and ends it at once where a newer one was ready first.
async fn set_times(
    connection: &mut PgConnection,
    document: DocumentId,
    version: i32,
    overtaken: bool,
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/adapters/postgres/queries/begin_visibility.sql",
        document.uuid(),
        version,
        overtaken
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

async fn mark_ready(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    coverage: &Coverage,
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/adapters/postgres/queries/mark_ready.sql",
        job.document.uuid(),
        job.version,
        json(coverage)?
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}
