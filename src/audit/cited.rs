//! Where a recorded citation points, so that an auditor can open that page of that version. Knows no document.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::audit::read;
use crate::domain::AclFilter;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::PassageId;
use crate::domain::Principal;
use crate::domain::Span;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

/// A citation as the record of its sentence has it.
#[derive(Clone, Debug)]
pub struct Cited {
    sentence: EventId,
    number: usize,
    /// Where its document is, as the record of the passages shown to the model says.
    collection: CollectionId,
    /// Which document.
    pub document: DocumentId,
    /// Which version.
    pub version: i32,
    /// Where the quote begins, from 1.
    pub page: u32,
    /// Which characters of the version's text.
    pub span: Span,
}

impl Cited {
    /// Within what its page is read: empty for who is no auditor.
    pub fn filter(&self, reader: &Principal) -> AclFilter {
        reader.filter_for_evidence(self.collection)
    }
}

/// A citation in the leaf of its sentence.
#[derive(Deserialize)]
struct Recorded {
    passage: PassageId,
    document: DocumentId,
    version: i32,
    page: u32,
    span: Span,
}

/// A passage in the leaf of what was shown to the model.
#[derive(Deserialize)]
struct Shown {
    passage: PassageId,
    document: DocumentId,
    version: i32,
    collection: CollectionId,
}

impl Auditor {
    /// The citation of a recorded sentence, counted from 1. None when there is no such one, when the sentence's content was
    /// erased (what it pointed at is not opened by way of it any more), or when the log did not sign what the records say. Nothing
    /// is recorded of it: see [`Auditor::record_opened`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn cited(&self, sentence: EventId, number: usize) -> Result<Option<Cited>, AuditError> {
        let Some((stored, _)) = self.log.store.find(sentence).await? else { return Ok(None) };
        let said = read::opened(&self.log, &stored);
        if said.kind != "chat.sentence" || said.content.is_none() {
            return Ok(None);
        }
        let Some(intent) = said.reference else { return Ok(None) };
        let Some((_, related)) = self.log.store.find(intent).await? else { return Ok(None) };
        let sources = related.iter().find(|entry| entry.kind == "chat.sources").map(read::entry);
        let Some(sources) = sources.filter(|sources| sources.verified) else { return Ok(None) };
        if !(self.proved(&said).await? && self.proved(&sources).await?) {
            return Ok(None);
        }
        Ok(joined(&said.leaf, &sources.leaf, sentence, number))
    }

    /// Records that somebody opened the page of a citation, before they are shown it.
    ///
    /// # Errors
    /// When it cannot be recorded; then it must not be shown.
    pub async fn record_opened(&self, reader: &Principal, cited: &Cited) -> Result<(), AuditError> {
        let event = Event {
            id: EventId::new(),
            kind: "audit.source_viewed",
            reference: Some(cited.sentence),
            actor: Some(Actor::from(reader)),
            documents: vec![cited.document],
            outcome: None,
            facts: json!({"citation": cited.number, "version": cited.version, "page": cited.page}),
            content: None,
        };
        self.record(event).await.map(drop)
    }
}

/// A citation of a passage that the model was not shown is none.
fn joined(said: &Value, sources: &Value, sentence: EventId, number: usize) -> Option<Cited> {
    let cited = said["facts"]["citations"].get(number.checked_sub(1)?)?;
    let cited = Recorded::deserialize(cited).ok()?;
    let shown = sources["facts"]["sources"].as_array()?.iter().filter_map(|one| Shown::deserialize(one).ok());
    let of = (cited.passage, cited.document, cited.version);
    let shown = shown.into_iter().find(|shown| (shown.passage, shown.document, shown.version) == of)?;
    Some(Cited {
        sentence,
        number,
        collection: shown.collection,
        document: cited.document,
        version: cited.version,
        page: cited.page,
        span: cited.span,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_is_joined_with_the_passage_that_the_model_was_shown_and_with_no_other() {
        let (passage, document, collection) = (PassageId::new(), DocumentId::new(), CollectionId::new());
        let cited = json!({"passage": passage, "document": document, "version": 2, "page": 3, "span": [4, 9], "quote_sha256": "…"});
        let said = json!({"facts": {"citations": [cited]}});
        let shown = |version: i32| {
            json!({"facts": {"sources": [
                {"passage": passage, "document": document, "version": version, "collection": collection, "page": 3, "span": [0, 90]},
            ]}})
        };
        let id = EventId::new();

        let found = joined(&said, &shown(2), id, 1).unwrap();

        assert_eq!((found.collection, found.document, found.version), (collection, document, 2));
        assert_eq!((found.page, found.span), (3, Span { start: 4, end: 9 }));
        assert!(joined(&said, &shown(1), id, 1).is_none());
        assert!(joined(&said, &shown(2), id, 0).is_none() && joined(&said, &shown(2), id, 2).is_none());
    }
}
