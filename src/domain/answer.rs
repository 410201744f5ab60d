//! An answer as it leaves: sentences with verdicts and citations. Knows no model and no transport.

use crate::domain::AnswerId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::PassageId;
use crate::domain::Rect;
use crate::domain::ScoredPassage;
use crate::domain::Span;
use serde::{Deserialize, Serialize};

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every sentence is quoted or supported.
    Answered,
    /// Some sentences are.
    PartlyAnswered,
    /// Nothing in the documents answers it.
    NotInDocuments,
}

impl Outcome {
    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::PartlyAnswered => "partly_answered",
            Self::NotInDocuments => "not_in_documents",
        }
    }
}

/// What checking a sentence against its sources found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentenceVerdict {
    /// Its words stand in a cited passage.
    Quoted,
    /// A cited passage has its terms and all its numbers in one place.
    Supported,
    /// Neither.
    Unsupported,
}

impl SentenceVerdict {
    /// The name in JSON and in the audit record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Supported => "supported",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Where in the documents a sentence stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Citation {
    /// The passage the model was shown.
    pub passage_id: PassageId,
    /// Whose.
    pub document_id: DocumentId,
    /// Which version.
    pub version: i32,
    /// The document's title.
    pub title: String,
    /// Where the quote begins, from 1.
    pub page: u32,
    /// Which characters of `content`.
    pub span: Span,
    /// Where the quote stands on `page`.
    pub boxes: Vec<Rect>,
    /// Exactly the characters of `span`.
    pub quote: String,
}

/// A sentence that was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sentence {
    /// Without citation marks.
    pub text: String,
    /// What checking found.
    pub verdict: SentenceVerdict,
    /// Where it stands; empty when unsupported.
    pub citations: Vec<Citation>,
}

/// Tokens counted by the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: u32,
    /// Made.
    pub completion_tokens: u32,
    /// Of the prompt, taken from a cache.
    pub cached_tokens: u32,
}

/// Milliseconds by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timings {
    /// Intent committed.
    pub admit: u64,
    /// Search done.
    pub retrieve: u64,
    /// Passages confirmed.
    pub rerank: u64,
    /// Prompt built.
    pub prompt: u64,
    /// Waiting for the model.
    pub queue: u64,
    /// From the model's start to the first sentence sent.
    pub first_sentence: u64,
    /// Generating, checking and recording.
    pub generate: u64,
    /// All.
    pub total: u64,
}

/// Where an entry stands in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The entry.
    pub event_id: EventId,
    /// Its position in the log, from 0.
    pub leaf_index: i64,
    /// SHA-256(0x00 ‖ leaf), hex (RFC 6962).
    pub leaf_hash: String,
    /// That the log holds it; the file with the entry's own text is at `/api/v1/answers/{id}/receipt`. None where it could
    /// not be made in time, and for answers of earlier versions.
    #[serde(default)]
    pub proof: Option<InclusionProof>,
}

/// That an entry is in the log (RFC 6962 §2.1.1), as docs/audit-format.md §5 has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InclusionProof {
    /// From the leaf's sibling upwards, base64.
    pub hashes: Vec<String>,
    /// What the log signed: its name, size and root as a C2SP `tlog-checkpoint`.
    pub checkpoint: String,
}

/// An answer whole, as JSON clients get it and as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Answer {
    /// Its id.
    pub id: AnswerId,
    /// What was asked.
    pub question: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The sentences joined; for a refusal, the refusal.
    pub text: String,
    /// One by one.
    pub sentences: Vec<Sentence>,
    /// What the model was shown, or for a refusal what was searched.
    pub passages: Vec<ScoredPassage>,
    /// Tokens.
    pub usage: Usage,
    /// The name in the manifest.
    pub model: String,
    /// Ask with it again for the same answer.
    pub seed: u64,
    /// Why the model stopped; none when it was not asked.
    pub finish_reason: Option<String>,
    /// Milliseconds by stage.
    pub timings_ms: Timings,
    /// Of the outcome's entry.
    pub receipt: Receipt,
}

/// What a listener of a running question hears, in order. The name is the SSE event's.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum AnswerEvent {
    /// The intent is in the log.
    Accepted {
        /// The answer's id.
        id: AnswerId,
        /// Of the intent's entry.
        receipt: Receipt,
    },
    /// A stage is over.
    Stage {
        /// Its name.
        name: &'static str,
        /// How long it took.
        ms: u64,
    },
    /// What the model is shown.
    Sources {
        /// In the order of their marks, from 1.
        passages: Vec<ScoredPassage>,
    },
    /// The engine has the prompt; requests before it.
    Waiting {
        /// 0 when it is next.
        position: usize,
        /// How long those should take, in milliseconds, as far as can be told.
        wait_ms: u64,
    },
    /// One checked and recorded sentence.
    Sentence {
        /// From 0.
        index: u32,
        /// The sentence.
        #[serde(flatten)]
        sentence: Sentence,
    },
    /// There is no answer in the documents.
    Refusal {
        /// For a person, in the language of the question.
        text: String,
        /// Stable code.
        reason: &'static str,
    },
    /// Tokens.
    Usage(Usage),
    /// The outcome is in the log; the answer whole.
    Done(Box<Answer>),
}
