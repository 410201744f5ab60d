//! What the log says of a question: its sources before they are shown, each sentence before it is sent, one outcome.
//! Leaves hold ids, hashes, scores as decimal strings and verdicts; words go sealed. Knows no store.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::admit::Admitted;
use crate::answer::admit::fingerprint;
use crate::answer::cite::Verified;
use crate::answer::prompt::Prompt;
use crate::answer::prompt::Template;
use crate::answer::refuse::Evidence;
use crate::answer::rerank::Decision;
use crate::answer::rerank::Passages;
use crate::answer::tokens;
use crate::audit::Actor;
use crate::audit::AuditError;
use crate::audit::Event;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::FinishReason;
use crate::domain::Receipt;
use crate::domain::Sampling;
use crate::domain::ScoredPassage;
use crate::domain::Sentence;
use crate::domain::Timings;
use crate::domain::Usage;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeSet;

/// Candidates listed one by one; a leaf has less than 64 KiB.
const MAX_CANDIDATES: usize = 50;

/// A sentence that is in the log; only [`release`] makes one, and only these are sent.
pub(super) struct Recorded {
    index: u32,
    sentence: Sentence,
}

impl Recorded {
    pub(super) const fn index(&self) -> u32 {
        self.index
    }

    pub(super) const fn sentence(&self) -> &Sentence {
        &self.sentence
    }

    pub(super) fn into_sentence(self) -> Sentence {
        self.sentence
    }
}

/// What has happened to a question so far: kept apart from the flow, so that whatever ends the flow, the outcome says
/// how far it came.
pub(super) struct Trace {
    pub(super) sampling: Sampling,
    pub(super) timings: Timings,
    pub(super) passages: Option<Passages>,
    pub(super) evidence: Option<Evidence>,
    pub(super) prompt: Option<Prompt>,
    pub(super) usage: Usage,
    /// What the model wrote, token by token, as far as it came.
    pub(super) output: Vec<u32>,
    pub(super) finish: Option<FinishReason>,
    pub(super) released: Vec<Recorded>,
    /// Checked and not sent.
    pub(super) held: Vec<Verified>,
    /// Not sent, since the same words were.
    pub(super) repeated: Vec<Verified>,
}

impl Trace {
    pub(super) fn new(sampling: Sampling) -> Self {
        Self {
            sampling,
            timings: Timings::default(),
            passages: None,
            evidence: None,
            prompt: None,
            usage: Usage::default(),
            output: Vec::new(),
            finish: None,
            released: Vec::new(),
            held: Vec::new(),
            repeated: Vec::new(),
        }
    }

    /// What the model was shown, or what was found when it was not asked.
    pub(super) fn searched(&self) -> Vec<ScoredPassage> {
        match (&self.prompt, &self.passages) {
            (Some(prompt), _) => prompt.sources().iter().map(|source| source.scored().clone()).collect(),
            (None, Some(passages)) => passages.kept().to_vec(),
            (None, None) => Vec::new(),
        }
    }
}

/// Records which passages the asker and the model are shown.
pub(super) async fn sources(
    parts: &AnsweringParts,
    admitted: &Admitted,
    prompt: &Prompt,
) -> Result<(), AnswerError> {
    let shown: Vec<Value> = prompt
        .sources()
        .iter()
        .map(|source| {
            let mut facts = passage_facts(source.scored());
            facts["shown_characters"] = json!(source.shown_characters());
            facts
        })
        .collect();
    let documents = documents(prompt.sources().iter().map(|source| source.passage().document_id));
    let event = event(admitted, "chat.sources", documents, json!({"sources": shown}), None);
    parts.auditor.record(event).await?;
    Ok(())
}

/// Records a checked sentence; after that it may be sent.
///
/// # Errors
/// When the log does not take it; then it must not be shown.
pub(super) async fn release(
    parts: &AnsweringParts,
    admitted: &Admitted,
    index: u32,
    verified: &Verified,
) -> Result<Recorded, AnswerError> {
    let (sentence, check) = (verified.sentence(), verified.check());
    let citations: Vec<Value> = sentence
        .citations
        .iter()
        .map(|citation| {
            json!({
                "passage": citation.passage_id,
                "document": citation.document_id,
                "version": citation.version,
                "page": citation.page,
                "span": citation.span,
                "quote_sha256": sha256(&citation.quote),
            })
        })
        .collect();
    let facts = json!({
        "index": index,
        "verdict": sentence.verdict.as_str(),
        "marks": check.marks,
        "reattached": check.reattached,
        "own_words": check.own_words,
        "citations": citations,
    });
    let quotes: Vec<&str> = sentence.citations.iter().map(|citation| citation.quote.as_str()).collect();
    let content = json!({"text": sentence.text, "quotes": quotes, "drafted": check.drafted});
    let documents = documents(sentence.citations.iter().map(|citation| citation.document_id));
    parts.auditor.record(event(admitted, "chat.sentence", documents, facts, Some(content))).await?;
    Ok(Recorded { index, sentence: sentence.clone() })
}

/// How a question ended, as its outcome says it.
pub(super) struct Ending {
    pub(super) kind: &'static str,
    pub(super) outcome: &'static str,
    /// Reason, code or who decided.
    pub(super) facts: Value,
    /// The words that the asker gets or got.
    pub(super) text: String,
}

/// Records the one outcome of a question.
pub(super) async fn outcome(
    parts: &AnsweringParts,
    admitted: &Admitted,
    trace: &Trace,
    ending: &Ending,
) -> Result<Receipt, AuditError> {
    let searched = trace.searched();
    let facts = json!({
        "ending": ending.facts,
        "retrieval": trace.passages.as_ref().map(retrieval_facts),
        "evidence": trace.evidence.map(|evidence| evidence_facts(parts, evidence)),
        "prompt": trace.prompt.as_ref().map(|prompt| prompt_facts(admitted, prompt)),
        "model": fingerprint(parts.generator.fingerprint()),
        "output": trace.prompt.as_ref().map(|_| json!({"tokens_sha256": tokens::sha256(&trace.output)})),
        "verdicts": trace.released.iter().map(|sentence| sentence.sentence.verdict.as_str()).collect::<Vec<_>>(),
        "withheld_sentences": trace.held.len(),
        "repeated_sentences": trace.repeated.len(),
        "timings_ms": trace.timings,
        "shown": shown(&searched),
    });
    let facts = both(facts, gen_ai(parts, trace));
    let content = json!({
        "answer": ending.text,
        "sentences": trace.released.iter().map(|sentence| &sentence.sentence.text).collect::<Vec<_>>(),
        "withheld": trace.held.iter().map(|held| &held.check().drafted).collect::<Vec<_>>(),
        "repeated": trace.repeated.iter().map(|held| &held.check().drafted).collect::<Vec<_>>(),
        "prompt": trace.prompt.as_ref().map(Prompt::text),
        "prompt_tokens": trace.prompt.as_ref().map(|prompt| tokens::write(prompt.tokens())),
        "output_tokens": trace.prompt.as_ref().map(|_| tokens::write(&trace.output)),
        "passages": searched
            .iter()
            .map(|found| json!({"passage": found.passage.passage_id, "text": found.passage.text}))
            .collect::<Vec<_>>(),
    });
    let documents = documents(searched.iter().map(|found| found.passage.document_id));
    let event = Event {
        outcome: Some(ending.outcome),
        ..event(admitted, ending.kind, documents, facts, Some(content))
    };
    parts.auditor.record_proved(event).await
}

/// Records the outcome of a search alone, or of a question that was refused before it began.
pub(super) async fn plain_outcome(
    parts: &AnsweringParts,
    admitted: &Admitted,
    (kind, outcome): (&'static str, &'static str),
    passages: Option<&Passages>,
    ending: Value,
) -> Result<Receipt, AuditError> {
    let kept = passages.map(Passages::kept).unwrap_or_default();
    let facts = json!({
        "ending": ending,
        "retrieval": passages.map(retrieval_facts),
        "sources": kept.iter().map(passage_facts).collect::<Vec<_>>(),
        "shown": shown(kept),
    });
    let documents = documents(kept.iter().map(|found| found.passage.document_id));
    parts
        .auditor
        .record(Event { outcome: Some(outcome), ..event(admitted, kind, documents, facts, None) })
        .await
}

fn event(
    admitted: &Admitted,
    kind: &'static str,
    documents: Vec<DocumentId>,
    facts: Value,
    content: Option<Value>,
) -> Event {
    Event {
        id: EventId::new(),
        kind,
        reference: Some(admitted.event()),
        actor: Some(Actor::from(admitted.who())),
        documents,
        outcome: None,
        facts,
        content,
    }
}

fn documents(of: impl Iterator<Item = DocumentId>) -> Vec<DocumentId> {
    of.collect::<BTreeSet<_>>().into_iter().collect()
}

fn retrieval_facts(passages: &Passages) -> Value {
    let decided = passages.decided();
    let count =
        |decision: Decision| decided.iter().filter(|candidate| candidate.decision == decision).count();
    let candidates: Vec<Value> = decided
        .iter()
        .take(MAX_CANDIDATES)
        .map(|candidate| {
            json!({
                "passage": candidate.hit.passage,
                "dense": candidate.hit.scores.dense.map(decimal),
                "sparse": candidate.hit.scores.sparse.map(decimal),
                "fused": decimal(candidate.hit.scores.fused),
                "decision": candidate.decision.as_str(),
                "only_names": candidate.only_names,
                "text_sha256": candidate.text_sha256,
                "document": candidate.place.map(|place| place.document),
                "version": candidate.place.map(|place| place.version),
                "page": candidate.place.map(|place| place.page),
            })
        })
        .collect();
    json!({
        "found": decided.len(),
        "kept": count(Decision::Kept),
        "not_confirmed": count(Decision::NotConfirmed),
        "duplicate": count(Decision::Duplicate),
        "beyond_limit": count(Decision::BeyondLimit),
        "candidates": candidates,
    })
}

fn passage_facts(found: &ScoredPassage) -> Value {
    let passage = &found.passage;
    json!({
        "passage": passage.passage_id,
        "collection": passage.collection_id,
        "document": passage.document_id,
        "version": passage.version,
        "page": passage.page,
        "span": passage.span,
        "text_sha256": sha256(&passage.text),
    })
}

/// Which versions of which documents the passages are of.
fn shown(found: &[ScoredPassage]) -> Vec<Value> {
    let versions: BTreeSet<_> = found
        .iter()
        .map(|found| &found.passage)
        .map(|passage| (passage.collection_id, passage.document_id, passage.version))
        .collect();
    let said = |(collection, document, version)| json!({"collection": collection, "document": document, "version": version});
    versions.into_iter().map(said).collect()
}

fn evidence_facts(parts: &AnsweringParts, evidence: Evidence) -> Value {
    json!({
        "best_dense": evidence.best_dense.map(decimal),
        "min_dense": decimal(parts.config.min_dense),
        "term_coverage": decimal(evidence.term_coverage),
        "min_term_coverage": decimal(parts.config.min_term_coverage),
        "enough": evidence.enough,
    })
}

fn prompt_facts(admitted: &Admitted, prompt: &Prompt) -> Value {
    let template = Template::of(admitted.language());
    json!({
        "template": template.id,
        "template_sha256": template.sha256(),
        "tokens": prompt.tokens().len(),
        "tokens_sha256": tokens::sha256(prompt.tokens()),
        "sources": prompt.sources().iter().map(|source| source.passage().passage_id).collect::<Vec<_>>(),
    })
}

/// What was asked of the model and what it used, under the names of the OpenTelemetry semantic conventions for generative
/// AI.
fn gen_ai(parts: &AnsweringParts, trace: &Trace) -> Value {
    let model = &parts.generator.fingerprint().model;
    let reasons: Vec<&str> = trace.finish.iter().map(|reason| reason.as_str()).collect();
    let said = json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "docent",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.response.finish_reasons": reasons,
        "gen_ai.usage.input_tokens": trace.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": trace.usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": trace.usage.cached_tokens,
    });
    both(said, sampling_facts(&trace.sampling))
}

/// How tokens are chosen, under the same names; fractions as the shortest decimals that give the same number back.
pub(super) fn sampling_facts(sampling: &Sampling) -> Value {
    json!({
        "gen_ai.request.temperature": sampling.temperature.to_string(),
        "gen_ai.request.top_p": sampling.top_p.to_string(),
        "gen_ai.request.top_k": sampling.top_k,
        "gen_ai.request.seed": sampling.seed,
        "gen_ai.request.max_tokens": sampling.max_tokens,
    })
}

/// The sampling that [`sampling_facts`] wrote.
pub(super) fn sampling_of(facts: &Value) -> Option<Sampling> {
    let fraction = |name: &str| facts[name].as_str()?.parse().ok();
    let count = |name: &str| facts[name].as_u64()?.try_into().ok();
    Some(Sampling {
        temperature: fraction("gen_ai.request.temperature")?,
        top_p: fraction("gen_ai.request.top_p")?,
        top_k: count("gen_ai.request.top_k")?,
        seed: facts["gen_ai.request.seed"].as_u64()?,
        max_tokens: count("gen_ai.request.max_tokens")?,
    })
}

/// The fields of two objects.
pub(super) fn both(mut first: Value, second: Value) -> Value {
    if let (Value::Object(first), Value::Object(second)) = (&mut first, second) {
        first.extend(second);
    }
    first
}

fn decimal(value: f32) -> String {
    format!("{value:.6}")
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::prelude::proptest;
    use proptest::prop_assert_eq;

    proptest! {
        #[test]
        fn recorded_sampling_comes_back_bit_for_bit(
            temperature in 0.0f32..=2.0, top_p in 0.0f32..=1.0, top_k in any::<u32>(), seed in 0..1u64 << 53,
        ) {
            let sampling = Sampling { temperature, top_p, top_k, seed, max_tokens: 7 };
            let read: Value = serde_json::from_str(&sampling_facts(&sampling).to_string()).unwrap();

            prop_assert_eq!(sampling_of(&read), Some(sampling));
        }
    }

    #[test]
    fn a_record_without_a_number_is_no_sampling() {
        let mut facts =
            sampling_facts(&Sampling { temperature: 0.0, top_p: 1.0, top_k: 0, seed: 1, max_tokens: 9 });
        facts["gen_ai.request.seed"] = Value::Null;

        assert_eq!(sampling_of(&facts), None);
    }
}
