//! Files in a directory or an S3 bucket. Knows no document.

use crate::config;
use crate::config::BlobsKind;
use crate::domain::CollectionId;
use crate::ports::Blobs;
use crate::ports::CheckpointShelf;
use crate::ports::StoreError;
use crate::ports::UploadParts;
use async_trait::async_trait;
use object_store::BackoffConfig;
use object_store::ClientOptions;
use object_store::ObjectStore;
use object_store::ObjectStoreExt;
use object_store::PutPayload;
use object_store::RetryConfig;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use secrecy::ExposeSecret;
use sha2::Digest;
use sha2::Sha256;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A bucket that does not even take the connection is gone sooner than `blobs.timeout_ms`.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Tries of one request to S3 within the deadline, the first not counted.
const RETRIES: usize = 3;

/// Files named by collection and digest, `{prefix}/{collection}/{first two digits}/{digest}`.
pub struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    timeout: Duration,
}

impl ObjectBlobs {
    /// Opens the directory `blobs` below `data_dir`, readable by this user alone, or the bucket. The bucket is not asked
    /// yet: [`Blobs::health`] does that.
    ///
    /// # Errors
    /// `Unavailable` if the directory cannot be used or the settings of the bucket make no client.
    pub fn open(
        blobs: &config::Blobs,
        secrets: &config::Secrets,
        data_dir: &Path,
    ) -> Result<Self, StoreError> {
        let timeout = Duration::from_millis(blobs.timeout_ms);
        let (store, prefix) = match blobs.kind {
            BlobsKind::Directory => (directory(&data_dir.join("blobs"))?, String::new()),
            BlobsKind::S3 => (bucket(blobs, secrets, timeout)?, blobs.prefix.clone()),
        };
        Ok(Self { store, prefix, timeout })
    }

    fn key(&self, collection: CollectionId, sha256: &str) -> Result<Key, StoreError> {
        let digest =
            sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digest {
            return Err(corrupt(format!("`{sha256}` is no SHA-256 in lower-case hex")));
        }
        Ok(Key::from(format!("{}/{collection}/{}/{sha256}", self.prefix, &sha256[..2])))
    }

    /// `{prefix}/uploads/{name}`: no collection is called so.
    fn part_key(&self, name: &str) -> Result<Key, StoreError> {
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if plain {
            Ok(Key::from(format!("{}/uploads/{name}", self.prefix)))
        } else {
            Err(corrupt(format!("`{name}` is no name of a part")))
        }
    }

    /// `{prefix}/checkpoints/{name}`: no collection is called so.
    fn checkpoint_key(&self, name: &str) -> Key {
        Key::from(format!("{}/checkpoints/{name}", self.prefix))
    }

    async fn write(&self, key: &Key, bytes: Vec<u8>) -> Result<(), StoreError> {
        let written = self.within(self.store.put(key, PutPayload::from(bytes))).await?;
        written.map(drop).map_err(refused)
    }

    /// Reads what is there, if it is what the digest says.
    async fn read(&self, key: &Key, sha256: &str) -> Result<Vec<u8>, StoreError> {
        let read = self.within(async { self.store.get(key).await?.bytes().await }).await?;
        match read {
            Ok(bytes) => checked(bytes.into(), sha256).await,
            Err(object_store::Error::NotFound { .. }) => {
                Err(StoreError::Missing { what: format!("file `{sha256}`") })
            }
            Err(error) => Err(refused(error)),
        }
    }

    async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<Result<T, object_store::Error>, StoreError> {
        let late = |_| unavailable(format!("no answer within {} ms", self.timeout.as_millis()));
        tokio::time::timeout(self.timeout, answer).await.map_err(late)
    }
}

#[async_trait]
impl Blobs for ObjectBlobs {
    async fn put(&self, collection: CollectionId, sha256: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let key = self.key(collection, sha256)?;
        let bytes = checked(bytes, sha256).await?;
        self.write(&key, bytes).await
    }

    async fn get(&self, collection: CollectionId, sha256: &str) -> Result<Vec<u8>, StoreError> {
        self.read(&self.key(collection, sha256)?, sha256).await
    }

    async fn delete(&self, collection: CollectionId, sha256: &str) -> Result<(), StoreError> {
        let key = self.key(collection, sha256)?;
        gone_is_fine(self.within(self.store.delete(&key)).await?)
    }

    async fn health(&self) -> Result<(), StoreError> {
        // A key that is never written: "not there" is the answer of a store that can answer.
        let probe = Key::from(format!("{}/health", self.prefix));
        gone_is_fine(self.within(self.store.head(&probe)).await?.map(drop))
    }
}

#[async_trait]
impl UploadParts for ObjectBlobs {
    async fn put_part(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.write(&self.part_key(name)?, bytes).await
    }

    async fn part(&self, name: &str, sha256: &str) -> Result<Vec<u8>, StoreError> {
        self.read(&self.part_key(name)?, sha256).await
    }

    async fn delete_part(&self, name: &str) -> Result<(), StoreError> {
        gone_is_fine(self.within(self.store.delete(&self.part_key(name)?)).await?)
    }
}

/// The log's checkpoints beside the files: `{prefix}/checkpoints/newest`, and each under its size, for a bucket that lets
/// nobody change or remove what was put there.
#[async_trait]
impl CheckpointShelf for ObjectBlobs {
    fn name(&self) -> String {
        "blobs".to_owned()
    }

    async fn newest(&self) -> Result<Option<String>, StoreError> {
        let key = self.checkpoint_key("newest");
        match self.within(async { self.store.get(&key).await?.bytes().await }).await? {
            Ok(bytes) => {
                String::from_utf8(bytes.into()).map(Some).map_err(|_| corrupt("a checkpoint is not text"))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    async fn put(&self, size: i64, note: &str) -> Result<(), StoreError> {
        let own = self.checkpoint_key(&format!("{size:019}"));
        let there = self.within(self.store.head(&own)).await?;
        if matches!(there, Err(object_store::Error::NotFound { .. })) {
            self.write(&own, note.as_bytes().to_vec()).await?;
        }
        self.write(&self.checkpoint_key("newest"), note.as_bytes().to_vec()).await
    }
}

fn directory(path: &Path) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let unusable =
        |error: &dyn std::fmt::Display| unavailable(format!("cannot use `{}`: {error}", path.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(&error))?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|error| unusable(&error))?;
    Ok(Arc::new(store.with_fsync(true)))
}

fn bucket(
    blobs: &config::Blobs,
    secrets: &config::Secrets,
    timeout: Duration,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    // The HTTP client takes the process's TLS provider and has none of its own; installing it again is refused, which
    // is as good.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let options = ClientOptions::new()
        .with_timeout(timeout)
        .with_connect_timeout(timeout.min(CONNECT_WITHIN))
        .with_allow_http(blobs.endpoint.starts_with("http://"));
    let retry =
        RetryConfig { max_retries: RETRIES, retry_timeout: timeout, backoff: BackoffConfig::default() };
    let region = if blobs.region.is_empty() { "us-east-1" } else { &blobs.region };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&blobs.bucket)
        .with_region(region)
        .with_client_options(options)
        .with_retry(retry)
        // One DELETE a file: not every S3 takes lists of files to delete.
        .with_disable_bulk_delete(true);
    if !blobs.endpoint.is_empty() {
        builder = builder.with_endpoint(blobs.endpoint.trim_end_matches('/'));
    }
    match (&secrets.s3_access_key_id, &secrets.s3_secret_access_key) {
        (Some(id), Some(key)) => {
            builder =
                builder.with_access_key_id(id.expose_secret()).with_secret_access_key(key.expose_secret());
        }
        // The machine's own role answers, where there is one.
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => {
            return Err(unavailable(
                "set both of DOCENT_S3_ACCESS_KEY_ID and DOCENT_S3_SECRET_ACCESS_KEY, or neither",
            ));
        }
    }
    Ok(Arc::new(
        builder.build().map_err(|error| unavailable(format!("the settings of the bucket: {error}")))?,
    ))
}

/// Gives the bytes back if they are what the digest says. Off the runtime: 256 MiB take a second.
async fn checked(bytes: Vec<u8>, sha256: &str) -> Result<Vec<u8>, StoreError> {
    let (bytes, digest) = tokio::task::spawn_blocking(move || {
        let digest = hex::encode(Sha256::digest(&bytes));
        (bytes, digest)
    })
    .await
    .map_err(|error| corrupt(format!("hashing failed: {error}")))?;
    if digest == sha256 {
        Ok(bytes)
    } else {
        Err(corrupt(format!("the bytes of `{sha256}` hash to `{digest}`")))
    }
}

fn gone_is_fine(result: Result<(), object_store::Error>) -> Result<(), StoreError> {
    match result {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

/// Whatever a store says about a key that is well formed, trying again later may help.
#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn refused(error: object_store::Error) -> StoreError {
    unavailable(error.to_string())
}

fn unavailable(detail: impl Into<String>) -> StoreError {
    StoreError::Unavailable { store: "blobs", detail: detail.into() }
}

fn corrupt(detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { store: "blobs", detail: detail.into() }
}
