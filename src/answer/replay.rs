//! An answer once more, from its record: the recorded tokens are the prompt, the recorded sampling chooses, and what comes
//! out is compared token by token. Nothing is searched and nothing is built anew. Knows no question.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::admit::fingerprint;
use crate::answer::record::sampling_of;
use crate::answer::tokens;
use crate::audit::Actor;
use crate::audit::Entry;
use crate::audit::Event;
use crate::domain::AnswerId;
use crate::domain::EventId;
use crate::domain::FinishReason;
use crate::domain::Principal;
use crate::domain::Receipt;
use crate::domain::Role;
use crate::domain::Sampling;
use crate::ports::GenerationEvent;
use crate::ports::Turn;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// What came of asking the model once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayVerdict {
    /// Token by token what is recorded.
    Identical,
    /// Other tokens.
    Different,
    /// It could not be asked.
    NotReplayable,
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Output {
    /// How many tokens.
    pub tokens: u32,
    /// SHA-256 of their ids as little-endian u32, hex.
    pub tokens_sha256: String,
    /// The draft: what the answer's sentences were taken from, before they were checked. For auditors alone: an asker is
    /// not shown what nothing bears out.
    pub text: Option<String>,
}

/// An answer compared with what the model writes now.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Replay {
    /// Which answer.
    pub answer_id: AnswerId,
    /// What came of it.
    pub verdict: ReplayVerdict,
    /// Why it could not be asked: `model_not_asked`, `erased`, `record_changed`, `not_recorded` (by a version that kept no
    /// tokens), `other_tokenizer` or `too_long` for this model.
    pub reason: Option<&'static str>,
    /// The first token that differs, from 0.
    pub first_difference: Option<u32>,
    /// Parts of the fingerprint that are not what they were, such as `weights_sha256`, `engine` or `device`. On a CPU equal
    /// fingerprints give equal tokens; on a GPU the company a request was computed in matters, too.
    pub differs: Vec<String>,
    /// False when the model was interrupted then (the client left, or the answer was a refusal from its first words on):
    /// only what it had written is compared.
    pub whole: bool,
    /// What is recorded.
    pub recorded: Option<Output>,
    /// What it writes now.
    pub replayed: Option<Output>,
    /// Of `chat.replayed`: the replay is an event itself.
    pub receipt: Receipt,
}

/// What a record holds of a generation.
struct Recorded {
    prompt: Vec<u32>,
    sampling: Sampling,
    output: Vec<u32>,
    /// The model had ended by itself.
    whole: bool,
}

/// What is found out before it is recorded.
struct Finding {
    verdict: ReplayVerdict,
    reason: Option<&'static str>,
    first_difference: Option<usize>,
    differs: Vec<String>,
    whole: bool,
    recorded: Option<Vec<u32>>,
    replayed: Option<Vec<u32>>,
}

/// Asks the model once more; none when there is no such answer, or it has no outcome yet. The result is recorded before it
/// is given.
///
/// # Errors
/// When model or log do not take it.
pub(super) async fn replay(
    parts: &AnsweringParts,
    who: &Principal,
    id: AnswerId,
) -> Result<Option<Replay>, AnswerError> {
    let Some(outcome) = parts.auditor.outcome_of(id.into()).await? else { return Ok(None) };
    let now = fingerprint(parts.generator.fingerprint());
    let differs = differences(&outcome.leaf["facts"]["model"], &now);
    let finding = match recorded(&outcome) {
        Ok(_) if differs.iter().any(|part| part == "tokenizer_sha256") => {
            Finding { differs, ..not_replayable("other_tokenizer") }
        }
        Ok(recorded) if recorded.too_long_for(parts.generator.max_context_tokens()) => {
            Finding { differs, ..not_replayable("too_long") }
        }
        Ok(recorded) => {
            let replayed = generate(parts, who, &recorded).await?;
            compare(recorded, replayed, differs)
        }
        Err(reason) => Finding { differs, ..not_replayable(reason) },
    };
    let receipt = parts.auditor.record(event(who, id, &outcome, &finding, &now)).await?;
    let audits = who.has(Role::Auditor);
    let output = |ids: &Vec<u32>| Output {
        tokens: ids.len() as u32,
        tokens_sha256: tokens::sha256(ids),
        text: audits.then(|| parts.generator.decode(ids)),
    };
    Ok(Some(Replay {
        answer_id: id,
        verdict: finding.verdict,
        reason: finding.reason,
        first_difference: finding.first_difference.map(|at| at as u32),
        differs: finding.differs,
        whole: finding.whole,
        recorded: finding.recorded.as_ref().map(output),
        replayed: finding.replayed.as_ref().map(output),
        receipt,
    }))
}

impl Recorded {
    fn too_long_for(&self, context: usize) -> bool {
        self.prompt.len() + self.sampling.max_tokens as usize > context
    }
}

/// What the record of an outcome holds, or why it does not.
fn recorded(outcome: &Entry) -> Result<Recorded, &'static str> {
    if !outcome.verified {
        return Err("record_changed");
    }
    let facts = &outcome.leaf["facts"];
    if facts["prompt"].is_null() {
        return Err("model_not_asked");
    }
    let content = outcome.content.as_ref().map(|content| &content["content"]).ok_or("erased")?;
    let ids = |name: &str| content[name].as_str().and_then(tokens::read).ok_or("not_recorded");
    let (prompt, output) = (ids("prompt_tokens")?, ids("output_tokens")?);
    let reasons = facts["gen_ai.response.finish_reasons"].as_array().ok_or("not_recorded")?;
    let ended = [FinishReason::Stop.as_str(), FinishReason::Length.as_str()];
    Ok(Recorded {
        prompt,
        sampling: sampling_of(facts).ok_or("not_recorded")?,
        output,
        whole: reasons.iter().any(|reason| ended.iter().any(|ended| reason == ended)),
    })
}

async fn generate(
    parts: &AnsweringParts,
    who: &Principal,
    recorded: &Recorded,
) -> Result<Vec<u32>, AnswerError> {
    let turn = Turn {
        // Shared with nobody: the prompt is read anew.
        salt: rand::random(),
        user: who.user(),
        deadline: Duration::from_millis(parts.config.deadline_ms),
    };
    let mut generation = parts.generator.generate(recorded.prompt.clone(), recorded.sampling, turn).await?;
    loop {
        let event = tokio::select! {
            biased;
            () = parts.stop.cancelled() => return Err(AnswerError::Stopping),
            event = generation.next() => event,
        };
        match event {
            Some(GenerationEvent::Finished { reason, tokens }) => match reason {
                FinishReason::Stop | FinishReason::Length => return Ok(tokens),
                FinishReason::Deadline => return Err(AnswerError::Deadline),
                FinishReason::Cancelled => return Err(AnswerError::Stopping),
            },
            Some(GenerationEvent::Failed(error)) => return Err(error.into()),
            Some(
                GenerationEvent::Queued { .. }
                | GenerationEvent::Started { .. }
                | GenerationEvent::Text { .. },
            ) => {}
            None => return Err(AnswerError::Internal),
        }
    }
}

fn compare(recorded: Recorded, replayed: Vec<u32>, differs: Vec<String>) -> Finding {
    let Recorded { output, whole, .. } = recorded;
    let same = output.iter().zip(&replayed).take_while(|(then, now)| then == now).count();
    let identical = same == output.len() && (!whole || same == replayed.len());
    Finding {
        verdict: if identical { ReplayVerdict::Identical } else { ReplayVerdict::Different },
        reason: None,
        first_difference: (!identical).then_some(same),
        differs,
        whole,
        recorded: Some(output),
        replayed: Some(replayed),
    }
}

const fn not_replayable(reason: &'static str) -> Finding {
    Finding {
        verdict: ReplayVerdict::NotReplayable,
        reason: Some(reason),
        first_difference: None,
        differs: Vec::new(),
        whole: false,
        recorded: None,
        replayed: None,
    }
}

/// Names of the fields that differ, of those that were recorded, in their order.
fn differences(then: &Value, now: &Value) -> Vec<String> {
    let fields = then.as_object().into_iter().flatten();
    let other = fields.filter(|(name, value)| now[name.as_str()] != **value).map(|(name, _)| name.clone());
    let other: BTreeSet<String> = other.collect();
    other.into_iter().collect()
}

/// Tokens that differ are kept, sealed; equal ones are in the record of the answer.
fn event(who: &Principal, id: AnswerId, outcome: &Entry, finding: &Finding, now: &Value) -> Event {
    let different = finding.verdict == ReplayVerdict::Different;
    Event {
        id: EventId::new(),
        kind: "chat.replayed",
        reference: Some(outcome.event_id),
        actor: Some(Actor::from(who)),
        documents: outcome.documents.clone(),
        outcome: Some(match finding.verdict {
            ReplayVerdict::Identical => "identical",
            ReplayVerdict::Different => "different",
            ReplayVerdict::NotReplayable => "not_replayable",
        }),
        facts: json!({
            "answer": id,
            "reason": finding.reason,
            "first_difference": finding.first_difference,
            "differs": finding.differs,
            "whole": finding.whole,
            "model": now,
            "tokens_sha256": finding.replayed.as_deref().map(tokens::sha256),
        }),
        content: finding
            .replayed
            .as_deref()
            .filter(|_| different)
            .map(|ids| json!({ "output_tokens": tokens::write(ids) })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(then: &[u32], whole: bool, now: &[u32], verdict: ReplayVerdict, first: Option<usize>) {
        let sampling = Sampling { temperature: 0.0, top_p: 1.0, top_k: 0, seed: 1, max_tokens: 9 };
        let recorded = Recorded { prompt: vec![1], sampling, output: then.to_vec(), whole };
        let finding = compare(recorded, now.to_vec(), Vec::new());

        assert_eq!((finding.verdict, finding.first_difference), (verdict, first), "{then:?} {now:?}");
    }

    #[test]
    fn outputs_are_compared_to_the_first_token_that_differs() {
        check(&[1, 2, 3], true, &[1, 2, 3], ReplayVerdict::Identical, None);
        check(&[1, 2, 3], true, &[1, 9, 3], ReplayVerdict::Different, Some(1));
        check(&[1, 2], true, &[1, 2, 3], ReplayVerdict::Different, Some(2));
        check(&[1, 2, 3], true, &[1, 2], ReplayVerdict::Different, Some(2));
    }

    #[test]
    fn of_an_interrupted_output_only_what_was_written_is_compared() {
        check(&[1, 2], false, &[1, 2, 3], ReplayVerdict::Identical, None);
        check(&[], false, &[1], ReplayVerdict::Identical, None);
        check(&[1, 2, 3], false, &[1, 2], ReplayVerdict::Different, Some(2));
    }

    #[test]
    fn what_differs_is_named_by_the_recorded_fields() {
        let then = json!({"weights_sha256": "ab", "engine": "docent 1", "device": "cpu"});
        let now = json!({"weights_sha256": "ab", "engine": "docent 2", "device": "cuda", "kernels": "x"});

        assert_eq!(differences(&then, &now), ["device", "engine"]);
    }
}
