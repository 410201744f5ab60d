//! Collections, documents and their versions. Knows no store and no file format.

use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::JobId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use time::OffsetDateTime;

/// A set of documents; the unit of isolation.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// Unique among collections; 1 to 200 characters.
    pub name: String,
    /// How many documents it holds.
    pub documents: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
}

/// Where a document is on its way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Waiting for a worker.
    Queued,
    /// A worker has it.
    Processing,
    /// Searchable, whole.
    Ready,
    /// Searchable; what is missing is in `warnings`.
    ReadyWithWarnings,
    /// Not searchable; why is in `error`.
    Failed,
}

impl DocumentStatus {
    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::ReadyWithWarnings => "ready_with_warnings",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for DocumentStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for DocumentStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "queued" => Ok(Self::Queued),
            "processing" => Ok(Self::Processing),
            "ready" => Ok(Self::Ready),
            "ready_with_warnings" => Ok(Self::ReadyWithWarnings),
            "failed" => Ok(Self::Failed),
            other => Err(format!("no document status `{other}`")),
        }
    }
}

/// Something a reader of the document should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// Stable name, `snake_case`.
    pub code: String,
    /// Page from 1, where it concerns one.
    pub page: Option<u32>,
    /// For a person.
    pub detail: String,
}

/// What became of a version's text: nothing is lost silently.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Coverage {
    /// Pages of the file.
    pub pages: u32,
    /// Pages on which no text was found.
    pub pages_without_text: u32,
    /// Characters of the extracted text that are not white space.
    pub characters_extracted: u64,
    /// Of these, how many lie in a passage.
    pub characters_chunked: u64,
    /// Of these, how many lie in a passage with vectors.
    pub characters_embedded: u64,
    /// Glyphs that could not be decoded.
    pub undecodable_glyphs: u64,
    /// Pages whose text was recognised in their pictures.
    #[serde(default)]
    pub pages_recognised: u32,
    /// Mean of the confidences of those pages, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognition_confidence: Option<f64>,
    /// Passages whose vector was kept from an earlier version or attempt.
    #[serde(default)]
    pub vectors_kept: u64,
    /// `characters_embedded / (characters_extracted + undecodable)`, from 0 to 1.
    pub ratio: f64,
}

/// One file of a document; never changes once it is visible.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Version {
    /// From 1.
    pub number: i32,
    /// Of the file's bytes, hex.
    pub sha256: String,
    /// By content, such as `application/pdf`; empty until it was read.
    pub media_type: String,
    /// Size of the file.
    pub bytes: i64,
    /// The name it was uploaded under.
    pub file_name: String,
    /// When it was uploaded.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub uploaded_at: OffsetDateTime,
}

/// A version with what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VersionState {
    /// The file.
    #[serde(flatten)]
    pub file: Version,
    /// Where it is on its way in.
    pub status: DocumentStatus,
    /// Since when it was the one that is searched; none before it could be seen.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub visible_since: Option<OffsetDateTime>,
    /// When another took its place; none while it is the one that is searched.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub visible_until: Option<OffsetDateTime>,
}

/// A document whose text is nearly that of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Similar {
    /// Which.
    pub document_id: DocumentId,
    /// Its title.
    pub title: String,
    /// Estimated share of their common text in all of their text, 0 to 1.
    pub similarity: f64,
}

/// How a document can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Searchable {
    /// Not yet, or not at all.
    No,
    /// By its words; its meaning follows when all of it is embedded.
    Words,
    /// By words and meaning.
    Whole,
}

/// A document as its readers see it: the newest visible version, or the first one's progress.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Where it lies.
    pub collection_id: CollectionId,
    /// Given at upload, else from the file, else the file's name.
    pub title: String,
    /// Of the newest version.
    pub status: DocumentStatus,
    /// How the visible version can be found.
    pub searchable: Searchable,
    /// The version that is searched; the newest one while none is visible yet.
    pub version: i32,
    /// The file of that version.
    pub file: Version,
    /// Pages of that version.
    pub pages: i32,
    /// Passages of that version.
    pub chunks: i32,
    /// What became of its text; none before it was read.
    pub coverage: Option<Coverage>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
    /// Why the newest version failed: a stable code and a sentence.
    pub error: Option<Warning>,
    /// The newest version's job.
    pub job_id: Option<JobId>,
    /// When the document was first uploaded.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
}

/// An upload that was taken: the row, the blob and the job exist.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Accepted {
    /// New, or the one that already has these bytes.
    pub document_id: DocumentId,
    /// Which version these bytes are.
    pub version: i32,
    /// Follow it at `/api/v1/jobs/{id}`.
    pub job_id: JobId,
    /// Of the document now.
    pub status: DocumentStatus,
    /// Whether these bytes were already here.
    pub existing: bool,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Give it as `cursor` for the next page; none on the last.
    pub next_cursor: Option<String>,
}
