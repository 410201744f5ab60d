//! An upload in pieces, before it is a file: announced, written to by one holder at a time, accepted when its last byte
//! has come. What has come is stored at once, so neither a broken line nor a kill loses more than a part. A holder that
//! falls silent loses its hold; whoever comes next goes on where the stored bytes end. Knows no HTTP.

use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::HolderId;
use crate::domain::Principal;
use crate::domain::UploadId;
use crate::ingest::Admitted;
use crate::ingest::Ingest;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::Upload;
use crate::ingest::accept;
use crate::ports::NewUpload;
use crate::ports::StoreError;
use crate::ports::StoredPart;
use crate::ports::StoredUpload;
use secrecy::SecretString;
use sha2::Digest;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// What the passwords of uploads are sealed as.
const PASSWORD: &str = "upload.password";
/// A holder that says nothing for this long has lost its hold.
const LEASE: Duration = Duration::from_secs(20);
/// A holder says this often that it is there.
const BEAT: Duration = Duration::from_secs(5);
/// Pieces of one upload; each costs a row and a blob, however small it is.
const MAX_PIECES: i64 = 4_096;
/// How often expired uploads are looked for.
const SWEEP: Duration = Duration::from_secs(15);
/// Expired uploads that one look takes on.
const SWEPT: u32 = 100;

/// What is said of a file before its bytes come.
pub struct UploadStart {
    /// Where it goes.
    pub collection: CollectionId,
    /// Whose new version it is; none makes a document.
    pub document: Option<DocumentId>,
    /// Given by the uploader; none: the file's own, else its name.
    pub title: Option<String>,
    /// As the uploader's machine called it; only for display.
    pub file_name: String,
    /// Opens it, where it is encrypted.
    pub password: Option<SecretString>,
    /// Of the whole file.
    pub bytes: usize,
}

impl Ingest {
    /// Announces an upload in pieces.
    ///
    /// # Errors
    /// The caller's fault (not writable, too large, a bad title, too many open uploads), or a store's.
    pub async fn begin_upload(
        &self,
        who: &Principal,
        start: UploadStart,
    ) -> Result<StoredUpload, IngestError> {
        let parts = &self.parts;
        accept::check_writable(who, start.collection)?;
        if start.bytes > parts.max_upload_bytes {
            return Err(IngestError::TooLarge { bytes: start.bytes, limit: parts.max_upload_bytes });
        }
        let id = UploadId::new();
        let seal = |password: SecretString| parts.vault.seal(PASSWORD, &id.to_string(), &password);
        let announced = NewUpload {
            id,
            owner: who.user(),
            collection: start.collection,
            document: start.document,
            title: start.title.as_deref().map(accept::title).transpose()?,
            file_name: accept::file_name(&start.file_name),
            password: start.password.map(seal).transpose()?,
            bytes: start.bytes as i64,
            expires_at: OffsetDateTime::now_utc()
                + time::Duration::hours(i64::from(parts.uploads_config.expiry_hours)),
        };
        let most = parts.uploads_config.max_open;
        parts.uploads.create(&announced, most).await.map_err(|error| match error {
            StoreError::Conflict { .. } => IngestError::TooManyUploads { most },
            error @ (StoreError::Missing { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Corrupt { .. }) => error.into(),
        })?;
        Ok(StoredUpload { announced, received: 0, parts: 0, outcome: None })
    }

    /// How far one of the caller's own uploads is.
    ///
    /// # Errors
    /// [`IngestError::NoUpload`], or the store's.
    pub async fn find_upload(&self, who: &Principal, id: UploadId) -> Result<StoredUpload, IngestError> {
        self.parts.uploads.find(id, who.user()).await?.ok_or(IngestError::NoUpload(id))
    }

    /// Takes one of the caller's own uploads, to write to it or to end it. Give it back with [`HeldUpload::release`].
    ///
    /// # Errors
    /// [`IngestError::UploadHeld`] while another request has it, [`IngestError::NoUpload`], or the store's.
    pub async fn hold_upload(&self, who: &Principal, id: UploadId) -> Result<HeldUpload<'_>, IngestError> {
        let holder = HolderId::new();
        let held = self.parts.uploads.hold(id, who.user(), holder, LEASE).await.map_err(lost)?;
        let stored = held.ok_or(IngestError::NoUpload(id))?;
        Ok(HeldUpload { ingest: self, stored, holder })
    }

    /// Erases expired uploads, until stopped.
    pub async fn sweep_uploads(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if let Err(error) = sweep_once(&self.parts, &stop).await {
                tracing::error!(%error, "expired uploads could not be erased");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }
}

/// An upload that nobody else writes to meanwhile.
pub struct HeldUpload<'a> {
    ingest: &'a Ingest,
    stored: StoredUpload,
    holder: HolderId,
}

impl HeldUpload<'_> {
    /// How far it is.
    pub const fn stored(&self) -> &StoredUpload {
        &self.stored
    }

    /// Bytes that have not come yet.
    pub const fn missing(&self) -> usize {
        (self.stored.announced.bytes - self.stored.received) as usize
    }

    /// Keeps the hold while something is under way.
    ///
    /// # Errors
    /// [`IngestError::UploadHeld`] when the hold was lost, or the store's; what was under way is dropped.
    pub async fn keeping<T>(&self, work: impl Future<Output = T>) -> Result<T, IngestError> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(BEAT) => {
                    self.parts().held.keep(self.id(), self.holder, LEASE).await.map_err(lost)?;
                }
            }
        }
    }

    /// Stores the next bytes; they count when this returns.
    ///
    /// # Errors
    /// [`IngestError::UploadHeld`] when the hold was lost, [`IngestError::TooManyPieces`], or a store's.
    pub async fn append(&mut self, bytes: Vec<u8>) -> Result<(), IngestError> {
        if self.stored.parts >= MAX_PIECES {
            return Err(IngestError::TooManyPieces { most: MAX_PIECES });
        }
        let (length, first) = (bytes.len() as i64, self.stored.received);
        let (sha256, bytes) = digested(bytes).await?;
        let name = format!("{}-{first}-{}", self.id(), self.holder);
        let part = StoredPart { name, first, bytes: None, sha256 };
        let parts = self.parts();
        parts.held.announce(self.id(), self.holder, &part).await.map_err(lost)?;
        self.keeping(parts.pieces.put_part(&part.name, bytes)).await??;
        parts.held.advance(self.id(), self.holder, &part, length).await.map_err(lost)?;
        self.stored.received += length;
        self.stored.parts += 1;
        Ok(())
    }

    /// Takes the whole file in, as if it had come at once. A second time gives what the first made.
    ///
    /// # Errors
    /// Those of [`Ingest::admit`].
    pub async fn admit(&self, who: &Principal) -> Result<Admitted, IngestError> {
        self.keeping(self.admit_whole(who)).await?
    }

    /// Says for good what became of it, and drops its bytes; what cannot be dropped now is dropped when it expires.
    ///
    /// # Errors
    /// [`IngestError::UploadHeld`] when the hold was lost, or the store's.
    pub async fn finish(&mut self, outcome: serde_json::Value) -> Result<(), IngestError> {
        self.parts().held.finish(self.id(), self.holder, &outcome).await.map_err(lost)?;
        self.stored.outcome = Some(outcome);
        self.drop_bytes().await;
        Ok(())
    }

    /// Ends it: nobody finds it any more.
    ///
    /// # Errors
    /// [`IngestError::UploadHeld`] when the hold was lost, or the store's.
    pub async fn end(&self) -> Result<(), IngestError> {
        self.parts().held.expire(self.id(), self.holder).await.map_err(lost)?;
        self.drop_bytes().await;
        Ok(())
    }

    /// Lets the next request have it.
    pub async fn release(self) {
        if let Err(error) = self.parts().held.release(self.id(), self.holder).await {
            tracing::warn!(upload.id = %self.id(), %error, "an upload stays held until its lease is over");
        }
    }

    async fn admit_whole(&self, who: &Principal) -> Result<Admitted, IngestError> {
        let (parts, announced) = (self.parts(), &self.stored.announced);
        let mut bytes = Vec::with_capacity(announced.bytes as usize);
        for part in parts.uploads.parts(self.id()).await? {
            // One that was announced and never stored has no bytes.
            let Some(length) = part.bytes else { continue };
            let piece = parts.pieces.part(&part.name, &part.sha256).await?;
            if part.first != bytes.len() as i64 || length != piece.len() as i64 {
                return Err(self.torn());
            }
            bytes.extend_from_slice(&piece);
        }
        if bytes.len() as i64 != announced.bytes {
            return Err(self.torn());
        }
        let id = self.id().to_string();
        let password = announced.password.as_deref();
        let upload = Upload {
            collection: announced.collection,
            document: announced.document,
            title: announced.title.clone(),
            file_name: announced.file_name.clone(),
            bytes,
            password: password.and_then(|sealed| parts.vault.open(PASSWORD, &id, sealed)),
        };
        self.ingest.admit(who, upload).await
    }

    fn torn(&self) -> IngestError {
        let detail = format!("the parts of upload `{}` do not make its bytes", self.id());
        StoreError::Corrupt { store: "blobs", detail }.into()
    }

    async fn drop_bytes(&self) {
        if let Err(error) = drop_bytes(self.parts(), self.id()).await {
            tracing::warn!(upload.id = %self.id(), %error, "the bytes of an upload stay until it expires");
        }
    }

    fn parts(&self) -> &IngestParts {
        &self.ingest.parts
    }

    const fn id(&self) -> UploadId {
        self.stored.announced.id
    }
}

/// Erases what expired, after a while: a holder that lost the database gives up somewhat after its lease, and the part
/// that it was storing is known by its row alone.
async fn sweep_once(parts: &IngestParts, stop: &CancellationToken) -> Result<(), StoreError> {
    for id in parts.uploads.expired(LEASE * 2, SWEPT).await? {
        if stop.is_cancelled() {
            break;
        }
        drop_bytes(parts, id).await?;
        parts.uploads.forget(id).await?;
        tracing::info!(upload.id = %id, "an expired upload is erased");
    }
    Ok(())
}

async fn drop_bytes(parts: &IngestParts, id: UploadId) -> Result<(), StoreError> {
    for part in parts.uploads.parts(id).await? {
        parts.pieces.delete_part(&part.name).await?;
    }
    Ok(())
}

/// Digest and bytes, off the runtime's threads.
async fn digested(bytes: Vec<u8>) -> Result<(String, Vec<u8>), IngestError> {
    let digesting = tokio::task::spawn_blocking(move || (hex::encode(Sha256::digest(&bytes)), bytes));
    digesting.await.map_err(|_| IngestError::Panicked("upload"))
}

/// A write that the hold fenced off.
fn lost(error: StoreError) -> IngestError {
    match error {
        StoreError::Conflict { .. } => IngestError::UploadHeld,
        StoreError::Missing { .. } | StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => {
            IngestError::Store(error)
        }
    }
}
