//! Documents as their readers see them: status, text, pages, passages. Reads only; what it reads is written by
//! `intake`. Knows no index.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::collections::page;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::text::int;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::readable;
use crate::adapters::postgres::text::unsigned;
use crate::domain::AclFilter;
use crate::domain::CollectionId;
use crate::domain::Coverage;
use crate::domain::Document;
use crate::domain::DocumentId;
use crate::domain::JobId;
use crate::domain::Page;
use crate::domain::PageLayout;
use crate::domain::PageSummary;
use crate::domain::Passage;
use crate::domain::PassageId;
use crate::domain::Rect;
use crate::domain::Searchable;
use crate::domain::Span;
use crate::domain::Version;
use crate::domain::Warning;
use crate::ports::Documents;
use crate::ports::Moment;
use crate::ports::StoreError;
use crate::ports::StoredFile;
use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

#[async_trait]
impl Documents for Postgres {
    async fn find(&self, id: DocumentId, filter: &AclFilter) -> Result<Option<Document>, StoreError> {
        sqlx::query_file_as!(
            DocumentRow,
            "src/adapters/postgres/queries/find_document.sql",
            id.uuid(),
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?
        .map(Document::try_from)
        .transpose()
    }

    async fn file(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<StoredFile>, StoreError> {
        let row = sqlx::query_file!(
            "src/adapters/postgres/queries/find_file.sql",
            id.uuid(),
            &readable(filter),
            version
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(row.map(|row| StoredFile {
            collection: CollectionId::from_uuid(row.collection_id),
            version: Version {
                number: row.number,
                sha256: row.sha256,
                media_type: row.media_type,
                bytes: row.bytes,
                file_name: row.file_name,
                uploaded_at: row.uploaded_at,
            },
            password: row.password,
        }))
    }

    async fn list(
        &self,
        collection: CollectionId,
        filter: &AclFilter,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Page<Document>, StoreError> {
        let before = cursor
            .map(|cursor| cursor.parse::<Uuid>().map_err(|_| missing(format!("page `{cursor}`"))))
            .transpose()?;
        let rows = sqlx::query_file_as!(
            DocumentRow,
            "src/adapters/postgres/queries/list_documents.sql",
            collection.uuid(),
            &readable(filter),
            before,
            limit.saturating_add(1)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let documents = rows.into_iter().map(Document::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(page(documents, limit, |last| last.id.to_string()))
    }

    async fn content(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<String>, StoreError> {
        sqlx::query_file_scalar!(
            "src/adapters/postgres/queries/read_content.sql",
            id.uuid(),
            version,
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)
    }

    async fn page(
        &self,
        id: DocumentId,
        version: Option<i32>,
        number: u32,
        filter: &AclFilter,
    ) -> Result<Option<(PageLayout, String)>, StoreError> {
        let row = sqlx::query_file!(
            "src/adapters/postgres/queries/read_page.sql",
            id.uuid(),
            version,
            int(number)?,
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(row.map(|row| (row.layout.0, row.text)))
    }

    async fn pages(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Vec<PageSummary>, StoreError> {
        let layouts = sqlx::query_file_scalar!(
            "src/adapters/postgres/queries/list_pages.sql",
            id.uuid(),
            version,
            &readable(filter)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(layouts.into_iter().map(|layout| layout.0).collect())
    }

    async fn passages(
        &self,
        ids: &[PassageId],
        filter: &AclFilter,
        visible: Moment,
    ) -> Result<Vec<Passage>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let (ever, at) = match visible {
            Moment::Now => (false, None),
            Moment::At(at) => (false, Some(at)),
            Moment::Ever => (true, None),
        };
        sqlx::query_file_as!(
            PassageRow,
            "src/adapters/postgres/queries/find_passages.sql",
            &ids,
            &readable(filter),
            ever,
            at
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?
        .into_iter()
        .map(Passage::try_from)
        .collect()
    }
}

/// A version that is visible before it is whole can be found by its words.
const fn searchable(visible: bool, whole: bool) -> Searchable {
    match (visible, whole) {
        (false, _) => Searchable::No,
        (true, false) => Searchable::Words,
        (true, true) => Searchable::Whole,
    }
}

struct DocumentRow {
    id: Uuid,
    visible: bool,
    whole: bool,
    collection_id: Uuid,
    title: String,
    status: String,
    version: i32,
    sha256: String,
    media_type: String,
    bytes: i64,
    file_name: String,
    uploaded_at: OffsetDateTime,
    pages: i32,
    passages: i32,
    coverage: Option<Json<Coverage>>,
    warnings: Json<Vec<Warning>>,
    error: Option<Json<Warning>>,
    job_id: Uuid,
    created_at: OffsetDateTime,
}

impl TryFrom<DocumentRow> for Document {
    type Error = StoreError;

    fn try_from(row: DocumentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: DocumentId::from_uuid(row.id),
            collection_id: CollectionId::from_uuid(row.collection_id),
            title: row.title,
            status: known(&row.status)?,
            searchable: searchable(row.visible, row.whole),
            version: row.version,
            file: Version {
                number: row.version,
                sha256: row.sha256,
                media_type: row.media_type,
                bytes: row.bytes,
                file_name: row.file_name,
                uploaded_at: row.uploaded_at,
            },
            pages: row.pages,
            chunks: row.passages,
            coverage: row.coverage.map(|coverage| coverage.0),
            warnings: row.warnings.0,
            error: row.error.map(|error| error.0),
            job_id: Some(JobId::from_uuid(row.job_id)),
            created_at: row.created_at,
        })
    }
}

struct PassageRow {
    id: Uuid,
    document_id: Uuid,
    collection_id: Uuid,
    version: i32,
    ordinal: i32,
    title: String,
    page: i32,
    first: i32,
    past: i32,
    boxes: Json<Vec<Rect>>,
    heading_path: Json<Vec<String>>,
    table_header: Option<String>,
    content: String,
}

impl TryFrom<PassageRow> for Passage {
    type Error = StoreError;

    fn try_from(row: PassageRow) -> Result<Self, StoreError> {
        Ok(Self {
            passage_id: PassageId::from_uuid(row.id),
            document_id: DocumentId::from_uuid(row.document_id),
            collection_id: CollectionId::from_uuid(row.collection_id),
            version: row.version,
            ordinal: unsigned(row.ordinal)?,
            title: row.title,
            page: unsigned(row.page)?,
            span: Span { start: unsigned(row.first)?, end: unsigned(row.past)? },
            boxes: row.boxes.0,
            heading_path: row.heading_path.0,
            table_header: row.table_header,
            text: row.content,
        })
    }
}
