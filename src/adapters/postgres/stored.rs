//! What an earlier attempt stored of a version, read back in batches that each end well within the deadline of a
//! statement. Knows no reader.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::jobs::still_ours;
use crate::adapters::postgres::text::unsigned;
use crate::domain::ClaimedJob;
use crate::domain::Coverage;
use crate::domain::JobId;
use crate::domain::PageLayout;
use crate::domain::Passage;
use crate::domain::PassageId;
use crate::domain::Rect;
use crate::domain::Span;
use crate::domain::Structure;
use crate::domain::Warning;
use crate::ports::Made;
use crate::ports::StoreError;
use crate::ports::Stored;
use crate::ports::StoredText;
use crate::ports::StoredVersion;
use async_trait::async_trait;
use sqlx::types::Json;

/// Pieces of text of one statement; at most 4 MiB of ASCII, 16 MiB at worst.
const PIECES: i64 = 64;
/// Pages of one statement; a page's layout is about 50 KiB.
const PAGES: i64 = 64;
/// Passages of one statement; one is a few KiB.
const PASSAGES: i64 = 512;

#[async_trait]
impl Stored for Postgres {
    async fn version(&self, job: &ClaimedJob) -> Result<Option<StoredVersion>, StoreError> {
        let row = sqlx::query_file!(
            "src/adapters/postgres/queries/find_stored.sql",
            job.document.uuid(),
            job.version
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(row.map(|row| StoredVersion {
            worded: row.worded,
            stored_by: JobId::from_uuid(row.stored_by),
            made: Made { read_with: row.read_with, cut_with: row.cut_with, reading: row.reading },
            media_type: row.media_type,
            title: row.read_title,
            tables: row.structure.0.tables,
            warnings: row.warnings.0,
            coverage: row.coverage.0,
        }))
    }

    async fn text(&self, job: &ClaimedJob) -> Result<StoredText, StoreError> {
        Ok(StoredText { content: self.stored_content(job).await?, pages: self.stored_pages(job).await? })
    }

    async fn passages(&self, job: &ClaimedJob, title: &str) -> Result<Vec<(Passage, [u8; 32])>, StoreError> {
        let mut passages = Vec::new();
        loop {
            let rows = sqlx::query_file_as!(
                StoredPassage,
                "src/adapters/postgres/queries/read_stored_passages.sql",
                job.document.uuid(),
                job.version,
                passages.len() as i32,
                PASSAGES
            )
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
            let last = rows.len() < PASSAGES as usize;
            for row in rows {
                passages.push(row.into_passage(job, title)?);
            }
            if last {
                return Ok(passages);
            }
        }
    }

    async fn conceal(&self, job: &ClaimedJob) -> Result<(), StoreError> {
        sqlx::query_file!(
            "src/adapters/postgres/queries/conceal_version.sql",
            job.id.uuid(),
            job.worker,
            job.attempt
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)
        .and_then(|done| still_ours(job, done.rows_affected()))
    }
}

impl Postgres {
    async fn stored_content(&self, job: &ClaimedJob) -> Result<String, StoreError> {
        let (mut content, mut from) = (String::new(), 0);
        loop {
            let pieces = sqlx::query_file!(
                "src/adapters/postgres/queries/read_stored_texts.sql",
                job.document.uuid(),
                job.version,
                from,
                PIECES
            )
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
            let last = pieces.len() < PIECES as usize;
            for piece in pieces {
                content.push_str(&piece.content);
                from = piece.first + 1;
            }
            if last {
                return Ok(content);
            }
        }
    }

    async fn stored_pages(&self, job: &ClaimedJob) -> Result<Vec<PageLayout>, StoreError> {
        let (mut pages, mut from) = (Vec::new(), 0);
        loop {
            let rows = sqlx::query_file!(
                "src/adapters/postgres/queries/read_stored_pages.sql",
                job.document.uuid(),
                job.version,
                from,
                PAGES
            )
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
            let last = rows.len() < PAGES as usize;
            for row in rows {
                from = row.number + 1;
                pages.push(row.layout.0);
            }
            if last {
                return Ok(pages);
            }
        }
    }
}

struct StoredPassage {
    ordinal: i32,
    page: i32,
    first: i32,
    past: i32,
    boxes: Json<Vec<Rect>>,
    heading_path: Json<Vec<String>>,
    table_header: Option<String>,
    content: String,
    embedded_sha256: Option<Vec<u8>>,
}

impl StoredPassage {
    fn into_passage(self, job: &ClaimedJob, title: &str) -> Result<(Passage, [u8; 32]), StoreError> {
        let ordinal = unsigned(self.ordinal)?;
        let sha256 = self.embedded_sha256.and_then(|sha256| sha256.try_into().ok());
        let sha256 = sha256.ok_or_else(|| corrupt(format!("passage {ordinal} has no digest")))?;
        let passage = Passage {
            passage_id: PassageId::derive(job.document, job.version, ordinal),
            document_id: job.document,
            collection_id: job.collection,
            version: job.version,
            ordinal,
            title: title.to_owned(),
            page: unsigned(self.page)?,
            span: Span { start: unsigned(self.first)?, end: unsigned(self.past)? },
            boxes: self.boxes.0,
            heading_path: self.heading_path.0,
            table_header: self.table_header,
            text: self.content,
        };
        Ok((passage, sha256))
    }
}
