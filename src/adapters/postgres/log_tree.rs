//! The hashes and checkpoints of the log's tree as rows. Knows neither what is hashed nor what is signed.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::corrupt;
use crate::adapters::postgres::error::store_error;
use crate::ports::Digest;
use crate::ports::Growing;
use crate::ports::Growth;
use crate::ports::LogHead;
use crate::ports::LogTree;
use crate::ports::StoreError;
use crate::ports::StoredCheckpoint;
use async_trait::async_trait;
use sqlx::PgConnection;

#[async_trait]
impl LogTree for Postgres {
    async fn head(&self) -> Result<LogHead, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        head(&mut connection).await
    }

    async fn cosigned(&self, above: i64) -> Result<Option<StoredCheckpoint>, StoreError> {
        let row =
            sqlx::query_file_as!(CheckpointRow, "src/adapters/postgres/queries/find_cosigned.sql", above)
                .fetch_optional(&self.pool)
                .await
                .map_err(store_error)?;
        row.map(StoredCheckpoint::try_from).transpose()
    }

    async fn keep_cosignature(&self, size: i64, witness: &str, line: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into audit.cosignature (size, witness, line) values ($1, $2, $3)
             on conflict on constraint cosignature_pkey do nothing",
            size,
            witness,
            line
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(store_error)
    }

    async fn checkpoints(
        &self,
        above: i64,
        to: i64,
        limit: i64,
    ) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let rows = sqlx::query_file_as!(
            CheckpointRow,
            "src/adapters/postgres/queries/list_checkpoints.sql",
            above,
            to,
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        rows.into_iter().map(StoredCheckpoint::try_from).collect()
    }

    async fn hashes(&self, positions: &[i64]) -> Result<Vec<Digest>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        read(&mut connection, positions).await
    }

    async fn leaves(&self, first: i64, end: i64) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let rows = sqlx::query!(
            "select leaf_index, leaf from audit.entry where leaf_index >= $1 and leaf_index < $2 order by leaf_index",
            first,
            end
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(rows.into_iter().map(|row| (row.leaf_index, row.leaf)).collect())
    }
}

/// Under the log's lock: what the tree says to store with these leaves, and the position of the first.
pub(super) async fn grow(
    connection: &mut PgConnection,
    tree: &dyn Growing,
    leaves: &[Digest],
) -> Result<(i64, Growth), StoreError> {
    let LogHead { entries, newest } = head(connection).await?;
    let needed = read(connection, &tree.needed(entries)).await?;
    Ok((entries, tree.grow(entries, &needed, newest.as_ref(), leaves)?))
}

async fn head(connection: &mut PgConnection) -> Result<LogHead, StoreError> {
    let row = sqlx::query_file!("src/adapters/postgres/queries/log_head.sql")
        .fetch_one(connection)
        .await
        .map_err(store_error)?;
    let newest = match (row.size, row.root, row.note) {
        (Some(size), Some(root), Some(note)) => Some(StoredCheckpoint { size, root: digest(root)?, note }),
        _ => None,
    };
    Ok(LogHead { entries: row.entries, newest })
}

/// Hashes turned on their side, as `unnest` takes them.
pub(super) fn columns(hashes: &[(i64, Digest)]) -> (Vec<i64>, Vec<Vec<u8>>) {
    hashes.iter().map(|(position, hash)| (*position, hash.to_vec())).unzip()
}

async fn read(connection: &mut PgConnection, positions: &[i64]) -> Result<Vec<Digest>, StoreError> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_file_scalar!("src/adapters/postgres/queries/read_nodes.sql", positions)
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
    let hashes = positions.iter().zip(rows).map(|(position, hash)| {
        digest(hash.ok_or_else(|| corrupt(format!("the log's tree has no hash {position}")))?)
    });
    hashes.collect()
}

struct CheckpointRow {
    size: i64,
    root: Vec<u8>,
    note: String,
}

impl TryFrom<CheckpointRow> for StoredCheckpoint {
    type Error = StoreError;

    fn try_from(row: CheckpointRow) -> Result<Self, StoreError> {
        Ok(Self { size: row.size, root: digest(row.root)?, note: row.note })
    }
}

fn digest(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    bytes.try_into().map_err(|_| corrupt("a hash of the log's tree has not 32 bytes".to_owned()))
}
