//! Documents through time, beside others and by their structure. Reads only. Knows no index.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::readable;
use crate::domain::AclFilter;
use crate::domain::DocumentId;
use crate::domain::Similar;
use crate::domain::Sketch;
use crate::domain::Structure;
use crate::domain::Version;
use crate::domain::VersionState;
use crate::domain::clause::Clause;
use crate::ports::Histories;
use crate::ports::Outlines;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::types::Json;

/// Documents with a band in common that are compared.
const CANDIDATES: i64 = 1_000;
/// Documents that are named.
const NAMED: usize = 10;
/// Two texts with at least this share in common are nearly the same.
const NEARLY_THE_SAME: f64 = 0.8;

#[async_trait]
impl Histories for Postgres {
    async fn versions(&self, id: DocumentId, filter: &AclFilter) -> Result<Vec<VersionState>, StoreError> {
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/list_versions.sql",
            id.uuid(),
            &readable(filter)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(VersionState {
                    status: known(&row.status)?,
                    visible_since: row.visible_since,
                    visible_until: row.visible_until,
                    file: Version {
                        number: row.number,
                        sha256: row.sha256,
                        media_type: row.media_type,
                        bytes: row.bytes,
                        file_name: row.file_name,
                        uploaded_at: row.uploaded_at,
                    },
                })
            })
            .collect()
    }

    async fn similar(&self, id: DocumentId, filter: &AclFilter) -> Result<Vec<Similar>, StoreError> {
        let rows = sqlx::query_file!(
            "src/adapters/postgres/queries/find_similar.sql",
            id.uuid(),
            &readable(filter),
            CANDIDATES
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let sketch = |bytes: &[u8]| {
            Sketch::from_bytes(bytes).ok_or_else(|| corrupt("a signature of another length".to_owned()))
        };
        let mut found = Vec::new();
        for row in rows {
            let similarity = sketch(&row.wanted)?.similarity(&sketch(&row.signature)?);
            if similarity >= NEARLY_THE_SAME {
                let document_id = DocumentId::from_uuid(row.id);
                found.push(Similar { document_id, title: row.title, similarity });
            }
        }
        found.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
        found.truncate(NAMED);
        Ok(found)
    }
}

#[async_trait]
impl Outlines for Postgres {
    async fn outline(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<(i32, Vec<Clause>)>, StoreError> {
        let row = sqlx::query_file!(
            "src/adapters/postgres/queries/read_outline.sql",
            id.uuid(),
            version,
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(row.map(|row| (row.version, row.clauses.0)))
    }

    async fn structure(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<Structure>, StoreError> {
        sqlx::query_file!(
            "src/adapters/postgres/queries/read_structure.sql",
            id.uuid(),
            version,
            &readable(filter)
        )
        .fetch_optional(&self.pool)
        .await
        .map(|row| row.map(|row| row.structure.0))
        .map_err(store_error)
    }
}
