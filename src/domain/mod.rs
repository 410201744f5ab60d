//! What is true with no machine running. No I/O, no async, nothing of the other modules.

mod answer;
pub mod clause;
mod document;
mod fault;
mod fusion;
mod id;
mod job;
mod layout;
mod model;
pub mod number_words;
mod passage;
mod principal;
mod question;
mod retention;
mod review;
pub mod revision;
mod sketch;
mod terms;
mod webhook;

pub use answer::{
    Answer, AnswerEvent, Citation, InclusionProof, Outcome, Receipt, Sentence, SentenceVerdict, Timings,
    Usage,
};
pub use document::{
    Accepted, Collection, Coverage, Document, DocumentStatus, Page, Searchable, Similar, Version,
    VersionState, Warning,
};
pub use fault::{Fault, Faulty};
pub use fusion::{FUSION, fuse};
pub use id::{
    AnswerId, ApiKeyId, BootId, CollectionId, ConversationId, DeliveryId, DocumentId, EventId, HolderId,
    JobId, PassageId, SessionId, UploadId, UserId, WebhookId,
};
pub use job::{Begin, ClaimedJob, Job, JobState, Lane, Progress, Stage};
pub use layout::{
    HiddenReason, HiddenText, PageLayout, PageSummary, Recognised, Rect, Span, Structure, TableRows, Word,
};
pub use model::{FinishReason, ModelFingerprint, Sampling, TextKind};
pub use passage::{Passage, PassageScores, ScoredPassage, SparseVector};
pub use principal::{AclFilter, AuthMethod, Grant, Permission, Principal, Role};
pub use question::Question;
pub use retention::{ErasureReason, ErasureRequest, ErasureState, Hold, RetentionClass, Scope};
pub use review::ReviewState;
pub use sketch::Sketch;
pub use terms::{content_terms, sparse_document, sparse_query, terms};
pub use webhook::{DeliveryState, WebhookEvent};
