//! What people do to jobs, and what jobs find stored by earlier attempts. Knows no adapter.

use crate::domain::AclFilter;
use crate::domain::Begin;
use crate::domain::ClaimedJob;
use crate::domain::CollectionId;
use crate::domain::Coverage;
use crate::domain::DocumentId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::JobState;
use crate::domain::Page;
use crate::domain::PageLayout;
use crate::domain::Passage;
use crate::domain::TableRows;
use crate::domain::UserId;
use crate::domain::Warning;
use crate::ports::Made;
use crate::ports::StoreError;
use async_trait::async_trait;

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// In one of these states; none: in any.
    pub states: Vec<JobState>,
    /// Of this collection alone.
    pub collection: Option<CollectionId>,
    /// Of this document alone.
    pub document: Option<DocumentId>,
    /// Made before this one.
    pub before: Option<JobId>,
    /// At most so many.
    pub limit: i64,
}

/// How a job is begun again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Who asks; theirs is the turn.
    pub requested_by: UserId,
    /// With which stage.
    pub begins: Begin,
    /// Claims allowed.
    pub max_attempts: i32,
}

/// What people do to jobs.
#[async_trait]
pub trait JobControl: Send + Sync {
    /// The newest job of each readable version, newest first.
    async fn list(&self, query: &JobQuery, filter: &AclFilter) -> Result<Page<Job>, StoreError>;
    /// At most how many jobs are taken before one that waits; none when it does not wait.
    async fn before(&self, id: JobId) -> Result<Option<i64>, StoreError>;
    /// Ends a job that waits or runs, and with it what it left half done. `Conflict` when it is over, `Missing` when it is
    /// not in a collection of the filter.
    async fn stop(&self, id: JobId, filter: &AclFilter, reason: &Warning) -> Result<(), StoreError>;
    /// Makes a new job for the version of one that is over, as its newest; a version that is whole stays so meanwhile.
    /// `Conflict` when it is not over or not the newest, `Missing` as above.
    async fn retry(&self, id: JobId, filter: &AclFilter, retry: &Retry) -> Result<JobId, StoreError>;
}

/// What is stored of a job's version, without its text.
#[derive(Clone, Debug)]
pub struct StoredVersion {
    /// Its words are in the index.
    pub worded: bool,
    /// The job that stored it.
    pub stored_by: JobId,
    /// How it was made.
    pub made: Made,
    /// By content.
    pub media_type: String,
    /// From the file, if it says one.
    pub title: Option<String>,
    /// Tables in the order of the text.
    pub tables: Vec<TableRows>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
    /// What became of the text.
    pub coverage: Coverage,
}

/// The text of a version as it is stored.
#[derive(Clone, Debug)]
pub struct StoredText {
    /// The whole text.
    pub content: String,
    /// Its pages in order.
    pub pages: Vec<PageLayout>,
}

/// What earlier attempts at a job's version have stored.
#[async_trait]
pub trait Stored: Send + Sync {
    /// What is known of it; none where nothing is stored, or nothing of which it is known how it was made.
    async fn version(&self, job: &ClaimedJob) -> Result<Option<StoredVersion>, StoreError>;
    /// Its text.
    async fn text(&self, job: &ClaimedJob) -> Result<StoredText, StoreError>;
    /// Its passages in order under this title, each with the digest of what is embedded of it.
    async fn passages(&self, job: &ClaimedJob, title: &str) -> Result<Vec<(Passage, [u8; 32])>, StoreError>;
    /// Nobody sees the version until it is revealed or published: what it shows is about to be replaced. `Conflict` when
    /// another worker has the job.
    async fn conceal(&self, job: &ClaimedJob) -> Result<(), StoreError>;
}
