//! Which Postgres, which vector index, which blobs: by configuration, behind ports.

use crate::adapters::blobs::ObjectBlobs;
use crate::adapters::checkpoint_folder::CheckpointFolder;
use crate::adapters::postgres::ManagedPostgres;
use crate::adapters::postgres::Postgres;
use crate::adapters::qdrant_server::QdrantServer;
use crate::config::Config;
use crate::config::VectorsKind;
use crate::ports::Blobs;
use crate::ports::CheckpointShelf;
use crate::ports::UploadParts;
use crate::ports::VectorIndex;
use std::path::PathBuf;
use std::sync::Arc;

/// A migrated database and, if we started it, its server.
pub(super) struct Database {
    postgres: Postgres,
    managed: Option<ManagedPostgres>,
}

/// Everything that holds state.
pub(super) struct Stores {
    pub(super) postgres: Postgres,
    pub(super) index: Arc<dyn VectorIndex>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) parts: Arc<dyn UploadParts>,
    /// Where the log's checkpoints go.
    pub(super) shelves: Vec<Arc<dyn CheckpointShelf>>,
    managed: Option<ManagedPostgres>,
}

/// Starts the managed Postgres unless the configuration names one, brings it up to date and connects.
pub(super) async fn database(config: &Config) -> anyhow::Result<Database> {
    let (url, managed) = if config.database.url.is_empty() {
        let (dir, database) = (config.data.dir.clone(), config.database.clone());
        let managed = tokio::task::spawn_blocking(move || ManagedPostgres::start(&dir, &database)).await??;
        (managed.url(), Some(managed))
    } else {
        (config.database.url.clone(), None)
    };
    Postgres::migrate(&url).await?;
    let postgres = Postgres::connect(&url, &config.database).await?;
    Ok(Database { postgres, managed })
}

impl Stores {
    /// Opens index and blobs beside a database. `dimensions` is the embedder's.
    pub(super) async fn open(config: &Config, database: Database, dimensions: usize) -> anyhow::Result<Self> {
        let blobs = Arc::new(ObjectBlobs::open(&config.blobs, &config.secrets, &config.data.dir)?);
        let index = index(config, dimensions).await?;
        let mut shelves: Vec<Arc<dyn CheckpointShelf>> =
            vec![Arc::new(CheckpointFolder::open(&checkpoint_folder(config))?)];
        if config.audit.checkpoints_with_blobs {
            shelves.push(blobs.clone());
        }
        Ok(Self {
            postgres: database.postgres,
            index,
            parts: blobs.clone(),
            blobs,
            shelves,
            managed: database.managed,
        })
    }

    /// Waits until the managed Postgres is gone for good; for ever with one of the user's own.
    pub(super) async fn broken(&mut self) -> String {
        match &mut self.managed {
            Some(managed) => managed.died().await,
            None => std::future::pending().await,
        }
    }

    /// Closes connections and stops the managed Postgres.
    pub(super) async fn stop(self) {
        self.postgres.close().await;
        if let Some(managed) = self.managed
            && let Err(error) = tokio::task::spawn_blocking(move || managed.stop()).await
        {
            tracing::error!(%error, "the managed Postgres did not stop in order");
        }
    }
}

fn checkpoint_folder(config: &Config) -> PathBuf {
    let folder = &config.audit.checkpoint_folder;
    if folder.as_os_str().is_empty() { config.data.dir.join("checkpoints") } else { folder.clone() }
}

async fn index(config: &Config, dimensions: usize) -> anyhow::Result<Arc<dyn VectorIndex>> {
    match config.vectors.kind {
        VectorsKind::Embedded => embedded(config, dimensions).await,
        VectorsKind::Server => {
            let key = config.secrets.qdrant_api_key.as_ref();
            Ok(Arc::new(QdrantServer::connect(&config.vectors, key, dimensions).await?))
        }
    }
}

#[cfg(feature = "embedded-qdrant")]
async fn embedded(config: &Config, dimensions: usize) -> anyhow::Result<Arc<dyn VectorIndex>> {
    use crate::adapters::qdrant_edge::QdrantEdge;
    let directory = config.data.dir.join("vectors");
    Ok(Arc::new(QdrantEdge::open(&directory, &config.vectors, dimensions).await?))
}

#[cfg(not(feature = "embedded-qdrant"))]
#[expect(clippy::unused_async, reason = "the other build's is async")]
async fn embedded(_config: &Config, _dimensions: usize) -> anyhow::Result<Arc<dyn VectorIndex>> {
    anyhow::bail!("this build has no embedded Qdrant: set `vectors.kind = \"server\"`")
}
