//! The retrieval of an answer, alone: recorded like a question. Knows no model but the embedder.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::SearchRequest;
use crate::answer::admit::Admitted;
use crate::answer::admit::Purpose;
use crate::answer::admit::Request;
use crate::answer::admit::admit;
use crate::answer::record;
use crate::answer::rerank::Passages;
use crate::answer::rerank::rerank;
use crate::answer::retrieve::retrieve;
use crate::domain::AnswerId;
use crate::domain::Faulty;
use crate::domain::Principal;
use crate::domain::ScoredPassage;
use futures::FutureExt;
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

/// Passages one search may give.
const MAX_LIMIT: usize = 100;

/// Searches; what is given is in the log.
pub(super) async fn search(
    parts: &AnsweringParts,
    who: Principal,
    request: SearchRequest,
) -> Result<Vec<ScoredPassage>, AnswerError> {
    let limit = request.limit;
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(AnswerError::OutOfRange { field: "limit", range: format!("from 1 to {MAX_LIMIT}") });
    }
    let request = Request {
        purpose: Purpose::Search,
        id: AnswerId::new(),
        text: request.query,
        collections: request.collections,
        documents: request.documents,
        as_of: request.as_of,
        facts: json!({"limit": limit}),
    };
    let admitted = admit(parts, who, request.checked(parts.config.max_question_characters)?).await?;
    let deadline = Duration::from_millis(parts.config.deadline_ms);
    let stages = AssertUnwindSafe(timeout(deadline, stages(parts, &admitted, limit))).catch_unwind();
    let found = tokio::select! {
        biased;
        () = parts.stop.cancelled() => Err(AnswerError::Stopping),
        ended = stages => match ended {
            Ok(Ok(found)) => found,
            Ok(Err(_elapsed)) => Err(AnswerError::Deadline),
            Err(_panic) => Err(AnswerError::Internal),
        },
    };
    close(parts, &admitted, found).await
}

async fn stages(parts: &AnsweringParts, admitted: &Admitted, limit: usize) -> Result<Passages, AnswerError> {
    admitted.check_scope(parts).await?;
    let candidates = retrieve(admitted, admitted.filter(), parts, limit).await?;
    rerank(admitted, &candidates, admitted.filter(), parts.documents.as_ref(), limit).await
}

async fn close(
    parts: &AnsweringParts,
    admitted: &Admitted,
    found: Result<Passages, AnswerError>,
) -> Result<Vec<ScoredPassage>, AnswerError> {
    let purpose = admitted.purpose();
    match found {
        Ok(passages) => {
            let outcome = (purpose.completed(), "found");
            record::plain_outcome(parts, admitted, outcome, Some(&passages), json!({})).await?;
            Ok(passages.into_kept())
        }
        Err(AnswerError::Stopping) => {
            let ending = json!({"reason": "stopping"});
            record::plain_outcome(parts, admitted, (purpose.abandoned(), "abandoned"), None, ending).await?;
            Err(AnswerError::Stopping)
        }
        Err(error) => {
            let ending = json!({"code": error.code()});
            record::plain_outcome(parts, admitted, (purpose.failed(), "failed"), None, ending).await?;
            Err(error)
        }
    }
}
