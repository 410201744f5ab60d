//! The pipeline's jobs: one job reads, chunks, embeds and indexes one version. Knows no store.

use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::JobId;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use time::OffsetDateTime;

/// What a job is doing, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not begun.
    Queued,
    /// The reader extracts text; counted in bytes.
    Read,
    /// Pages that are pictures are recognised; counted in pages. Passed over where there are none.
    Recognise,
    /// Text becomes passages; counted in characters.
    Chunk,
    /// Passages become vectors; counted in passages.
    Embed,
    /// Vectors become searchable; counted in passages.
    Index,
    /// Over.
    Done,
}

impl Stage {
    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Read => "read",
            Self::Recognise => "recognise",
            Self::Chunk => "chunk",
            Self::Embed => "embed",
            Self::Index => "index",
            Self::Done => "done",
        }
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "queued" => Ok(Self::Queued),
            "read" => Ok(Self::Read),
            "recognise" => Ok(Self::Recognise),
            "chunk" => Ok(Self::Chunk),
            "embed" => Ok(Self::Embed),
            "index" => Ok(Self::Index),
            "done" => Ok(Self::Done),
            other => Err(format!("no stage `{other}`")),
        }
    }
}

/// Which workers a job waits for. It passes from one to the next, so that no text waits to be found for the work of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Read, cut, found by its words.
    Words,
    /// The same for what takes long and cannot be parted: pages that are pictures are recognised, a version that is whole is
    /// made anew.
    Long,
    /// Embedded, which takes a hundred times as long, in turns.
    Vectors,
}

impl Lane {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Words, Self::Long, Self::Vectors];

    /// The name in SQL, logs and names of workers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Long => "long",
            Self::Vectors => "vectors",
        }
    }
}

/// With which stage a job begins, where what is stored of its version allows it; else with an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Begin {
    /// With the file.
    Read,
    /// With the stored text, which is cut anew.
    Chunk,
    /// With the stored passages.
    Embed,
}

impl Begin {
    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Chunk => "chunk",
            Self::Embed => "embed",
        }
    }
}

impl FromStr for Begin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "read" => Ok(Self::Read),
            "chunk" => Ok(Self::Chunk),
            "embed" => Ok(Self::Embed),
            other => Err(format!("no stage to begin with is called `{other}`")),
        }
    }
}

/// Whether a job waits, runs or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker, also between retries.
    Ready,
    /// Leased by a worker.
    Running,
    /// Over, well.
    Succeeded,
    /// Over; `error` says why.
    Failed,
    /// Over; `error` says who ended it.
    Stopped,
}

impl JobState {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Running, Self::Succeeded, Self::Failed, Self::Stopped];

    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Says whether nothing more happens to the job.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Ready | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Stopped => true,
        }
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ready" => Ok(Self::Ready),
            "running" => Ok(Self::Running),
            "succeeded" => Ok(Self::Succeeded),
            "failed" => Ok(Self::Failed),
            "stopped" => Ok(Self::Stopped),
            other => Err(format!("no job state `{other}`")),
        }
    }
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// Which stage.
    pub stage: Stage,
    /// Units done.
    pub done: i64,
    /// Units in all; 0 while unknown.
    pub total: i64,
}

/// A job as its watchers see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose.
    pub document_id: DocumentId,
    /// Where it lies.
    pub collection_id: CollectionId,
    /// Which version.
    pub version: i32,
    /// The name its file was uploaded under.
    pub file_name: String,
    /// Waits, runs or is over.
    pub state: JobState,
    /// With which stage it begins, where what is stored allows it.
    pub from: Begin,
    /// How far.
    #[serde(flatten)]
    pub progress: Progress,
    /// Claims so far, since it was found by its words or went on from a part of its vectors.
    pub attempts: i32,
    /// Claims allowed.
    pub max_attempts: i32,
    /// When the next attempt may begin, while it waits.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub run_at: OffsetDateTime,
    /// While it waits: how many jobs are taken before it at most. Only where one job is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// In which stage the last attempt ended that did not come to its end.
    pub failed_stage: Option<Stage>,
    /// Why the last attempt failed: stable code and sentence.
    pub error: Option<crate::domain::Warning>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
    /// When it was over.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub finished_at: Option<OffsetDateTime>,
}

/// A job in a worker's hands. `attempt` fences: an older holder can no longer write.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// The job.
    pub id: JobId,
    /// Whose.
    pub document: DocumentId,
    /// Where it lies.
    pub collection: CollectionId,
    /// Which version.
    pub version: i32,
    /// Of the file's bytes, hex; the blob's name.
    pub sha256: String,
    /// The name it was uploaded under.
    pub file_name: String,
    /// The title given at upload, if any.
    pub title: Option<String>,
    /// Opens the file, sealed.
    pub password: Option<Vec<u8>>,
    /// This claim's number, from 1.
    pub attempt: i32,
    /// Claims allowed.
    pub max_attempts: i32,
    /// Who holds it.
    pub worker: String,
    /// In which lane it was claimed.
    pub lane: Lane,
    /// How far it was when it was claimed.
    pub progress: Progress,
    /// With which stage it begins, where what is stored allows it.
    pub begins: Begin,
    /// Its version is whole already, and stays as it is until all is there that takes its place.
    pub redo: bool,
    /// Since when the version can be found, if it can.
    pub visible_since: Option<OffsetDateTime>,
}
