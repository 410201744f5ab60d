//! Nothing is retrieved before its intent is in the log. Knows no model.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::language::Language;
use crate::audit::Actor;
use crate::audit::Event;
use crate::domain::AclFilter;
use crate::domain::AnswerId;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::FUSION;
use crate::domain::ModelFingerprint;
use crate::domain::Principal;
use crate::domain::Receipt;
use crate::ports::Moment;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Collections listed in a leaf; the hash beside them is over all.
const MAX_LISTED: usize = 200;
/// Collections and documents one request may name.
const MAX_NAMED: usize = 100;

/// What is done with the passages found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Answer,
    Search,
}

impl Purpose {
    pub(super) const fn intent(self) -> &'static str {
        match self {
            Self::Answer => "chat.intent",
            Self::Search => "search.intent",
        }
    }

    pub(super) const fn completed(self) -> &'static str {
        match self {
            Self::Answer => "chat.completed",
            Self::Search => "search.completed",
        }
    }

    pub(super) const fn failed(self) -> &'static str {
        match self {
            Self::Answer => "chat.failed",
            Self::Search => "search.failed",
        }
    }

    pub(super) const fn abandoned(self) -> &'static str {
        match self {
            Self::Answer => "chat.abandoned",
            Self::Search => "search.abandoned",
        }
    }
}

/// What is asked, of which documents.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) purpose: Purpose,
    pub(super) id: AnswerId,
    pub(super) text: String,
    pub(super) collections: Vec<CollectionId>,
    pub(super) documents: Vec<DocumentId>,
    /// Versions of then; none: of now.
    pub(super) as_of: Option<OffsetDateTime>,
    /// What else belongs into the leaf: sampling, template, conversation.
    pub(super) facts: Value,
}

impl Request {
    /// Checks what needs no look at the documents, before anything is recorded.
    pub(super) fn checked(self, max_characters: usize) -> Result<Self, AnswerError> {
        let characters = self.text.chars().count();
        if self.text.trim().is_empty() {
            return Err(AnswerError::Empty);
        }
        if characters > max_characters {
            return Err(AnswerError::TooLong { characters, limit: max_characters });
        }
        for (field, named) in
            [("collection_ids", self.collections.len()), ("document_ids", self.documents.len())]
        {
            if named > MAX_NAMED {
                return Err(AnswerError::OutOfRange { field, range: format!("at most {MAX_NAMED} ids") });
            }
        }
        if self.as_of.is_some_and(|at| at > OffsetDateTime::now_utc() || at < OffsetDateTime::UNIX_EPOCH) {
            return Err(AnswerError::OutOfRange { field: "as_of", range: "a time in the past".to_owned() });
        }
        Ok(self)
    }
}

/// A request whose intent is in the log; only [`admit`] makes one.
#[derive(Debug)]
pub(super) struct Admitted {
    request: Request,
    who: Principal,
    filter: AclFilter,
    language: Language,
    receipt: Receipt,
}

impl Admitted {
    pub(super) const fn id(&self) -> AnswerId {
        self.request.id
    }

    pub(super) const fn purpose(&self) -> Purpose {
        self.request.purpose
    }

    pub(super) fn text(&self) -> &str {
        &self.request.text
    }

    pub(super) fn documents(&self) -> &[DocumentId] {
        &self.request.documents
    }

    /// When the versions were visible that may be shown.
    pub(super) fn moment(&self) -> Moment {
        self.request.as_of.map_or(Moment::Now, Moment::At)
    }

    pub(super) const fn who(&self) -> &Principal {
        &self.who
    }

    /// What the asker may read, of what they asked for.
    pub(super) const fn filter(&self) -> &AclFilter {
        &self.filter
    }

    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// Of the intent.
    pub(super) const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    pub(super) fn event(&self) -> EventId {
        self.request.id.into()
    }

    /// Says which named collection or document is not there, or not for this asker: the two look the same.
    ///
    /// # Errors
    /// The first one missing, or a store that does not answer.
    pub(super) async fn check_scope(&self, parts: &AnsweringParts) -> Result<(), AnswerError> {
        if let Some(missing) = self.request.collections.iter().find(|id| !self.filter.allows(**id)) {
            return Err(AnswerError::NoCollection(*missing));
        }
        for document in &self.request.documents {
            if parts.documents.find(*document, &self.filter).await?.is_none() {
                return Err(AnswerError::NoDocument(*document));
            }
        }
        Ok(())
    }
}

/// Commits the intent.
///
/// # Errors
/// When the log does not take it; then nothing was done.
#[tracing::instrument(name = "admit", skip_all, fields(answer.id = %request.id))]
pub(super) async fn admit(
    parts: &AnsweringParts,
    who: Principal,
    request: Request,
) -> Result<Admitted, AnswerError> {
    let filter = who.acl_filter().narrowed_to(&request.collections);
    let language = Language::of(&request.text);
    let receipt = parts
        .auditor
        .record(Event {
            id: request.id.into(),
            kind: request.purpose.intent(),
            reference: None,
            actor: Some(Actor::from(&who)),
            documents: request.documents.clone(),
            outcome: None,
            facts: facts(parts, &request, &filter, language),
            content: Some(json!({"question": request.text})),
        })
        .await?;
    Ok(Admitted { request, who, filter, language, receipt })
}

fn facts(parts: &AnsweringParts, request: &Request, filter: &AclFilter, language: Language) -> Value {
    let readable: Vec<String> = filter.collections().map(|id| id.to_string()).collect();
    json!({
        "characters": request.text.chars().count(),
        "language": language.as_str(),
        "requested": {
            "collections": request.collections,
            "documents": request.documents,
            "as_of": request.as_of.and_then(|at| at.format(&Rfc3339).ok()),
        },
        "filter": {
            "collections": readable.iter().take(MAX_LISTED).collect::<Vec<_>>(),
            "count": readable.len(),
            "sha256": hex::encode(Sha256::digest(readable.join("\n"))),
        },
        "embedder": fingerprint(parts.embedder.fingerprint()),
        "retrieval": {
            "legs": ["dense", "bm25"],
            "fusion": FUSION,
            "candidates": parts.config.candidates,
            "passages": parts.config.passages,
        },
        "deadline_ms": parts.config.deadline_ms,
        "request": request.facts,
    })
}

/// What has to be the same for a replay, as the leaf says it.
pub(super) fn fingerprint(of: &ModelFingerprint) -> Value {
    json!({
        "model": of.model,
        "weights_sha256": of.weights_sha256,
        "tokenizer_sha256": of.tokenizer_sha256,
        "quantization": of.quantization,
        "engine": of.engine,
        "device": of.device,
        "kernels": of.kernels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Fault;
    use crate::domain::Faulty;

    fn check(text: &str, documents: usize, expected: Option<&str>) {
        let request = Request {
            purpose: Purpose::Answer,
            id: AnswerId::new(),
            text: text.to_owned(),
            collections: vec![],
            documents: (0..documents).map(|_| DocumentId::new()).collect(),
            as_of: None,
            facts: Value::Null,
        };
        let error = request.checked(20).err();
        assert_eq!(error.as_ref().map(Faulty::code), expected, "{text}");
        assert!(error.is_none_or(|error| error.fault() == Fault::Invalid));
    }

    #[test]
    fn a_question_is_neither_empty_nor_too_long_nor_about_too_much() {
        check("期限多长？", 0, None);
        check(" \n\t　", 0, Some("question_empty"));
        check(&"长".repeat(20), 0, None);
        check(&"长".repeat(21), 0, Some("question_too_long"));
        check("期限多长？", 101, Some("out_of_range"));
    }
}
