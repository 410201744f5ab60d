//! Why there is no answer, in words that a client may see. Knows no status code.

use crate::audit::AuditError;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Fault;
use crate::domain::Faulty;
use crate::ports::ModelError;
use crate::ports::StoreError;
use std::time::Duration;

const RETRY_OVERLOAD: Duration = Duration::from_secs(2);
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Nothing but white space was asked.
    #[error("the question is empty")]
    Empty,
    /// More was asked than the configuration allows.
    #[error("the question has {characters} characters; at most {limit} are allowed")]
    TooLong {
        /// Of the question.
        characters: usize,
        /// `answer.max_question_characters`.
        limit: usize,
    },
    /// A number of the request is out of its range.
    #[error("`{field}` must be {range}")]
    OutOfRange {
        /// As the API calls it.
        field: &'static str,
        /// For a person.
        range: String,
    },
    /// A collection that is not there, or not for this caller.
    #[error("no collection `{0}`")]
    NoCollection(CollectionId),
    /// A document that is not there, or not for this caller.
    #[error("no document `{0}`")]
    NoDocument(DocumentId),
    /// As many questions run as may.
    #[error("too many questions are being answered")]
    Busy,
    /// The answer was not there in time.
    #[error("the question was not answered in time")]
    Deadline,
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// What is not recorded is not shown.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Documents, passages or answers cannot be read or written.
    #[error("the documents cannot be searched now")]
    Store(#[from] StoreError),
    /// The model or the embedder does not take the question.
    #[error("{}", model_message(.0))]
    Model(#[source] ModelError),
    /// A bug.
    #[error("the question could not be answered because of an error of ours")]
    Internal,
}

/// What the model says in failing may hold paths and shapes: that stays in the log.
fn model_message(error: &ModelError) -> String {
    match error {
        ModelError::Failed(_) => "the model failed".to_owned(),
        ModelError::TooLong { .. } | ModelError::Busy { .. } | ModelError::Stopped => error.to_string(),
    }
}

impl From<ModelError> for AnswerError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl Faulty for AnswerError {
    fn fault(&self) -> Fault {
        let unavailable = Fault::Unavailable { retry_after: RETRY_UNAVAILABLE };
        match self {
            Self::Empty
            | Self::TooLong { .. }
            | Self::OutOfRange { .. }
            | Self::Model(ModelError::TooLong { .. }) => Fault::Invalid,
            Self::NoCollection(_) | Self::NoDocument(_) => Fault::Missing,
            Self::Busy => Fault::Overload { retry_after: RETRY_OVERLOAD },
            Self::Model(ModelError::Busy { retry_after, .. }) => {
                Fault::Overload { retry_after: *retry_after }
            }
            Self::Deadline
            | Self::Stopping
            | Self::Store(StoreError::Unavailable { .. })
            | Self::Model(ModelError::Stopped) => unavailable,
            Self::Audit(error) => error.fault(),
            Self::Store(
                StoreError::Conflict { .. } | StoreError::Missing { .. } | StoreError::Corrupt { .. },
            )
            | Self::Model(ModelError::Failed(_))
            | Self::Internal => Fault::Ours,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "question_empty",
            Self::TooLong { .. } => "question_too_long",
            Self::OutOfRange { .. } => "out_of_range",
            Self::NoCollection(_) => "collection_not_found",
            Self::NoDocument(_) => "document_not_found",
            Self::Busy => "too_many_questions",
            Self::Deadline => "deadline_exceeded",
            Self::Stopping => "stopping",
            Self::Audit(error) => error.code(),
            Self::Store(StoreError::Unavailable { .. }) => "store_unavailable",
            Self::Store(
                StoreError::Conflict { .. } | StoreError::Missing { .. } | StoreError::Corrupt { .. },
            ) => "store_failed",
            Self::Model(ModelError::TooLong { .. }) => "prompt_too_long",
            Self::Model(ModelError::Busy { .. }) => "model_busy",
            Self::Model(ModelError::Stopped) => "model_stopped",
            Self::Model(ModelError::Failed(_)) => "model_failed",
            Self::Internal => "internal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_sees_no_inner_detail() {
        let store = StoreError::Unavailable { store: "postgres", detail: "select secret from t".into() };
        let model = ModelError::Failed("/models/secret.gguf: shape mismatch".into());

        assert_eq!(AnswerError::from(store).to_string(), "the documents cannot be searched now");
        assert_eq!(AnswerError::from(model).to_string(), "the model failed");
    }
}
