//! A question as it was asked, before anything is known about it. Knows no transport.

use crate::domain::AnswerId;
use crate::domain::CollectionId;
use crate::domain::ConversationId;
use crate::domain::DocumentId;
use crate::domain::Sampling;
use time::OffsetDateTime;

/// A question with its scope and sampling, already within the limits of the configuration.
#[derive(Clone, Debug)]
pub struct Question {
    /// Also the id of the answer and of the intent in the log.
    pub id: AnswerId,
    /// What is asked; not empty, at most `answer.max_question_characters`.
    pub text: String,
    /// Only these collections; empty means all that may be read.
    pub collections: Vec<CollectionId>,
    /// Only these documents; empty means all in the collections.
    pub documents: Vec<DocumentId>,
    /// From the versions that were the searched ones then; none: from those that are now.
    pub as_of: Option<OffsetDateTime>,
    /// Which conversation it belongs to.
    pub conversation: Option<ConversationId>,
    /// How to choose tokens.
    pub sampling: Sampling,
}
