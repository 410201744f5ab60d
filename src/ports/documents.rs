//! Collections, documents, what the pipeline writes, and its queue. Knows no adapter.

use crate::domain::AclFilter;
use crate::domain::ClaimedJob;
use crate::domain::Collection;
use crate::domain::CollectionId;
use crate::domain::Coverage;
use crate::domain::Document;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::Lane;
use crate::domain::Page;
use crate::domain::PageLayout;
use crate::domain::PageSummary;
use crate::domain::Passage;
use crate::domain::PassageId;
use crate::domain::Progress;
use crate::domain::Similar;
use crate::domain::Sketch;
use crate::domain::Structure;
use crate::domain::UserId;
use crate::domain::Version;
use crate::domain::VersionState;
use crate::domain::Warning;
use crate::domain::clause::Clause;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::time::Duration;
use time::OffsetDateTime;

/// An upload whose blob is stored.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Where it goes.
    pub collection: CollectionId,
    /// Whose new version it is; none makes a document.
    pub document: Option<DocumentId>,
    /// Given at upload.
    pub title: Option<String>,
    /// The name it was uploaded under.
    pub file_name: String,
    /// Of the bytes, hex.
    pub sha256: String,
    /// Size.
    pub bytes: i64,
    /// Who uploads.
    pub uploaded_by: UserId,
    /// Claims allowed for its job.
    pub max_attempts: i32,
    /// Opens the file, sealed.
    pub password: Option<Vec<u8>>,
}

/// A file that is stored, and how it is opened.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Where it lies.
    pub collection: CollectionId,
    /// What it is.
    pub version: Version,
    /// Opens it, sealed.
    pub password: Option<Vec<u8>>,
}

/// Collections and what may be seen in them.
#[async_trait]
pub trait Collections: Send + Sync {
    /// Makes one and grants its maker writing, in one transaction. `Conflict` when the name is taken.
    async fn create(&self, name: &str, creator: UserId) -> Result<Collection, StoreError>;
    /// The readable ones by name.
    async fn list(
        &self,
        filter: &AclFilter,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Page<Collection>, StoreError>;
    /// One, if it is readable.
    async fn find(&self, id: CollectionId, filter: &AclFilter) -> Result<Option<Collection>, StoreError>;
}

/// When a version was the visible one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is now.
    Now,
    /// It was then.
    At(OffsetDateTime),
    /// Whether it ever was does not matter.
    Ever,
}

/// What readers of documents ask.
#[async_trait]
pub trait Documents: Send + Sync {
    /// One, if it is readable.
    async fn find(&self, id: DocumentId, filter: &AclFilter) -> Result<Option<Document>, StoreError>;
    /// Those of a collection, newest first; none if it is not readable.
    async fn list(
        &self,
        collection: CollectionId,
        filter: &AclFilter,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Page<Document>, StoreError>;
    /// The text of a version, if readable; the newest visible one when none is named.
    async fn content(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<String>, StoreError>;
    /// Where the file of a version lies and what it is, if readable; the shown version's when none is named.
    async fn file(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<StoredFile>, StoreError>;
    /// A page of a version with its text, if readable; pages count from 1.
    async fn page(
        &self,
        id: DocumentId,
        version: Option<i32>,
        number: u32,
        filter: &AclFilter,
    ) -> Result<Option<(PageLayout, String)>, StoreError>;
    /// The pages of a version in order, if readable; none where it is not, and where its text is not there yet.
    async fn pages(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Vec<PageSummary>, StoreError>;
    /// The passages among `ids` that are readable now and of a version that was visible then; any order.
    async fn passages(
        &self,
        ids: &[PassageId],
        filter: &AclFilter,
        visible: Moment,
    ) -> Result<Vec<Passage>, StoreError>;
}

/// A document through time and beside others.
#[async_trait]
pub trait Histories: Send + Sync {
    /// Its versions, newest first, if readable.
    async fn versions(&self, id: DocumentId, filter: &AclFilter) -> Result<Vec<VersionState>, StoreError>;
    /// Other readable documents of its collection whose visible text is nearly that of its visible one, most alike first.
    async fn similar(&self, id: DocumentId, filter: &AclFilter) -> Result<Vec<Similar>, StoreError>;
}

/// The clauses of documents, and where headings and tables stand.
#[async_trait]
pub trait Outlines: Send + Sync {
    /// Those of a version in the order of the text, with its number, if readable; the visible one's when none is named.
    async fn outline(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<(i32, Vec<Clause>)>, StoreError>;
    /// Headings and tables of a version, if readable; the visible one's when none is named.
    async fn structure(
        &self,
        id: DocumentId,
        version: Option<i32>,
        filter: &AclFilter,
    ) -> Result<Option<Structure>, StoreError>;
}

/// What a version's text became; all that `publish` makes visible.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// By content.
    pub media_type: String,
    /// From the file, if it says one.
    pub title: Option<String>,
    /// The whole text.
    pub content: String,
    /// Its pages in order.
    pub pages: Vec<PageLayout>,
    /// Its passages in order.
    pub passages: Vec<Passage>,
    /// SHA-256 over what is embedded of each passage and the model that does it.
    pub embedded_sha256: Vec<[u8; 32]>,
    /// Where headings and tables stand.
    pub structure: Structure,
    /// What near-duplicates are found by.
    pub sketch: Sketch,
    /// Its clauses in order.
    pub clauses: Vec<Clause>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
    /// What became of the text so far.
    pub coverage: Coverage,
    /// How all this was made.
    pub made: Made,
}

/// What has to be the same for a later attempt to go on from what an earlier one stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Names all that the text depends on beside the file.
    pub read_with: String,
    /// Names all that the passages and their vectors depend on beside the file.
    pub cut_with: String,
    /// JSON: what else of the reader's findings cutting needs.
    pub reading: String,
}

/// What the pipeline writes. Every write of a job is fenced by its claim: `Conflict` when another worker has it.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Row and job in one transaction; the same bytes in the same collection give what is already there. A failed or
    /// deleted version with the same bytes gets a new job.
    async fn accept(&self, upload: &NewVersion) -> Result<crate::domain::Accepted, StoreError>;
    /// Replaces what a version's text became; invisible until `publish`.
    async fn store_extracted(&self, job: &ClaimedJob, extracted: &Extracted) -> Result<(), StoreError>;
    /// Passages of any version of the job's document of which the same was embedded, with what that was.
    async fn embedded(
        &self,
        job: &ClaimedJob,
        sha256: &[[u8; 32]],
    ) -> Result<Vec<(PassageId, [u8; 32])>, StoreError>;
    /// Makes the version the visible one while it is still being embedded, if none is visible yet; says whether this
    /// version is the visible one now. A failure for good takes it back.
    async fn reveal(&self, job: &ClaimedJob) -> Result<bool, StoreError>;
    /// Makes the version the visible one and finishes the job, in one transaction. Gives the number of the version
    /// that was visible before, if another was.
    async fn publish(&self, job: &ClaimedJob, coverage: &Coverage) -> Result<Option<i32>, StoreError>;
    /// Deletes a document's rows, if writable by the filter's owner, and notes what is to be erased elsewhere, in one
    /// transaction; `request` is the entry of the log that asked for it. Idempotent.
    async fn delete(
        &self,
        id: DocumentId,
        filter: &AclFilter,
        request: EventId,
    ) -> Result<Option<Erasure>, StoreError>;
}

/// What of a deleted document lies outside of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Whose vectors.
    pub document: DocumentId,
    /// Where its files lie.
    pub collection: CollectionId,
    /// SHA-256 of the files that nobody else needs, hex.
    pub files: Vec<String>,
    /// The entry of the log that asked for it.
    pub request: EventId,
    /// Vectors and files were seen to be gone once; what a worker wrote after that may be there.
    pub erased: bool,
}

/// Erasures that are not known to be over.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Those asked for longer ago than `after`, oldest first.
    async fn pending(&self, after: Duration, limit: u32) -> Result<Vec<Erasure>, StoreError>;
    /// Notes that vectors and files were seen to be gone. Idempotent.
    async fn erased(&self, document: DocumentId) -> Result<(), StoreError>;
    /// Nothing can come any more. Idempotent.
    async fn forget(&self, document: DocumentId) -> Result<(), StoreError>;
}

/// The queue of the pipeline.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Takes the next job of the lane for `lease`, if one may run; first puts expired leases back.
    async fn claim(
        &self,
        lane: Lane,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>, StoreError>;
    /// Says how far it is and keeps the lease; `Conflict` when another worker has it or the document is gone.
    async fn progress(&self, job: &ClaimedJob, progress: Progress, lease: Duration)
    -> Result<(), StoreError>;
    /// Puts it back for a lane, with all its attempts, where it goes on from there.
    async fn pass_on(&self, job: &ClaimedJob, to: Lane, from: Progress) -> Result<(), StoreError>;
    /// Puts it back as if this attempt had not been.
    async fn give_back(&self, job: &ClaimedJob, reason: &Warning) -> Result<(), StoreError>;
    /// Says whether a job of another user waits in its lane.
    async fn others_wait(&self, job: &ClaimedJob) -> Result<bool, StoreError>;
    /// Ends this attempt: again at `retry_at`, or for good when none. The document fails with it for good.
    async fn fail(
        &self,
        job: &ClaimedJob,
        error: &Warning,
        retry_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError>;
    /// One, if its collection is readable.
    async fn find(&self, id: JobId, filter: &AclFilter) -> Result<Option<Job>, StoreError>;
    /// Jobs waiting and running.
    async fn depth(&self) -> Result<(i64, i64), StoreError>;
    /// Puts back what workers whose names begin with `place` left running: an earlier run of this place is dead.
    async fn put_back(&self, place: &str) -> Result<u64, StoreError>;
}
