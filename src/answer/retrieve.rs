//! What the index finds for a question within what the asker may read. Knows no text of a passage.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::admit::Admitted;
use crate::domain::AclFilter;
use crate::domain::TextKind;
use crate::domain::sparse_query;
use crate::ports::Hit;
use crate::ports::HybridQuery;
use crate::ports::ModelError;
use crate::ports::Moment;
use time::OffsetDateTime;

/// What the index found, best first, unconfirmed; only [`retrieve`] makes it.
pub(super) struct Candidates {
    hits: Vec<Hit>,
}

impl Candidates {
    pub(super) fn hits(&self) -> &[Hit] {
        &self.hits
    }
}

/// Embeds the question and searches both legs. More is asked for than is shown: some candidates will be duplicates or
/// no longer readable.
///
/// # Errors
/// When embedder or index do not answer.
#[tracing::instrument(name = "retrieve", skip_all, fields(answer.id = %admitted.id()))]
pub(super) async fn retrieve(
    admitted: &Admitted,
    filter: &AclFilter,
    parts: &AnsweringParts,
    limit: usize,
) -> Result<Candidates, AnswerError> {
    if filter.is_empty() {
        return Ok(Candidates { hits: Vec::new() });
    }
    let mut vectors = parts.embedder.embed(vec![admitted.text().to_owned()], TextKind::Query).await?;
    let dense = vectors.pop().ok_or_else(|| ModelError::Failed("no vector for the question".to_owned()))?;
    let candidates = parts.config.candidates.max(limit);
    let query = HybridQuery {
        dense,
        sparse: sparse_query(admitted.text()),
        documents: admitted.documents().to_vec(),
        at: match admitted.moment() {
            Moment::At(at) => at,
            Moment::Now | Moment::Ever => OffsetDateTime::now_utc(),
        },
        candidates,
        limit: candidates,
    };
    Ok(Candidates { hits: parts.index.search(&query, filter).await? })
}
