//! What is embedded, found and cited. Knows no index.

use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::PassageId;
use crate::domain::Rect;
use crate::domain::Span;
use serde::{Deserialize, Serialize};

/// A stretch of one version's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passage {
    /// Derived from document, version and ordinal.
    pub passage_id: PassageId,
    /// Whose.
    pub document_id: DocumentId,
    /// Where it lies.
    pub collection_id: CollectionId,
    /// Which version.
    pub version: i32,
    /// Position in the version, from 0.
    pub ordinal: u32,
    /// The document's title.
    pub title: String,
    /// Where it begins, from 1.
    pub page: u32,
    /// Which characters of `content`.
    pub span: Span,
    /// Where it stands on `page`, one rectangle for each line.
    pub boxes: Vec<Rect>,
    /// Headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// The rows that name the columns, where the passage goes on with a table that began before it.
    #[serde(default)]
    pub table_header: Option<String>,
    /// Exactly the characters of `span`.
    pub text: String,
}

/// Why a passage was found; a leg that did not find it has no score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PassageScores {
    /// Cosine of the dense vectors, -1 to 1.
    pub dense: Option<f32>,
    /// BM25.
    pub sparse: Option<f32>,
    /// Reciprocal rank fusion, k = 60.
    pub fused: f32,
    /// Of the cross-encoder, where one is configured.
    pub rerank: Option<f32>,
}

/// A passage that a search found and Postgres confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScoredPassage {
    /// What.
    #[serde(flatten)]
    pub passage: Passage,
    /// Why.
    pub scores: PassageScores,
}

/// Weights by term; indices are sorted and unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseVector {
    /// Hashes of terms.
    pub indices: Vec<u32>,
    /// As many weights.
    pub values: Vec<f32>,
}
