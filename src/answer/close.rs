//! The one place where a question ends: its outcome is recorded, then the answer is stored, then its asker is told.
//! Knows no stage.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::admit::Admitted;
use crate::answer::language::Language;
use crate::answer::listener::Listener;
use crate::answer::record;
use crate::answer::record::Ending;
use crate::answer::record::Trace;
use crate::answer::refuse;
use crate::answer::refuse::Refusal;
use crate::domain::Answer;
use crate::domain::Fault;
use crate::domain::Faulty;
use crate::domain::Outcome;
use crate::domain::Receipt;
use crate::domain::Sentence;
use crate::domain::SentenceVerdict;
use serde_json::json;

/// How a question ended.
pub(super) enum Ended {
    Answered(Outcome),
    Refused(Refusal),
    Failed(AnswerError),
    /// Nobody waits for it any more.
    Abandoned {
        reason: &'static str,
    },
}

/// Records the outcome and tells the asker. If it cannot be recorded, nothing follows but the error; the auditor closes
/// the intent when the log is back.
pub(super) async fn close(
    parts: &AnsweringParts,
    admitted: &Admitted,
    listener: &Listener,
    trace: Trace,
    ended: Ended,
) {
    let ending = ending(admitted, &trace, &ended);
    metrics::counter!("docent_questions_total", "outcome" => ending.outcome).increment(1);
    let receipt = match record::outcome(parts, admitted, &trace, &ending).await {
        Ok(receipt) => receipt,
        Err(error) => return listener.error(error.into()).await,
    };
    match ended {
        Ended::Answered(outcome) => {
            deliver(parts, admitted, listener, answer(parts, admitted, trace, outcome, ending.text, receipt))
                .await;
        }
        Ended::Refused(refusal) => {
            listener.refusal(ending.text.clone(), refusal.reason()).await;
            let outcome = Outcome::NotInDocuments;
            deliver(parts, admitted, listener, answer(parts, admitted, trace, outcome, ending.text, receipt))
                .await;
        }
        Ended::Failed(error) => {
            log(&error);
            listener.error(error).await;
        }
        Ended::Abandoned { .. } => listener.error(AnswerError::Stopping).await,
    }
}

fn ending(admitted: &Admitted, trace: &Trace, ended: &Ended) -> Ending {
    let purpose = admitted.purpose();
    let sentences = || trace.released.iter().map(record::Recorded::sentence);
    match ended {
        Ended::Answered(outcome) => Ending {
            kind: purpose.completed(),
            outcome: outcome.as_str(),
            facts: json!({}),
            text: checked_text(sentences()),
        },
        Ended::Refused(refusal) => Ending {
            kind: "chat.refused",
            outcome: Outcome::NotInDocuments.as_str(),
            facts: json!({"reason": refusal.reason(), "decided_by": refusal.decided_by()}),
            text: refuse::text(*refusal, admitted.language(), &trace.searched()),
        },
        Ended::Failed(error) => Ending {
            kind: purpose.failed(),
            outcome: "failed",
            facts: json!({"code": error.code(), "released_sentences": trace.released.len()}),
            text: checked_text(sentences()),
        },
        Ended::Abandoned { reason } => Ending {
            kind: purpose.abandoned(),
            outcome: "abandoned",
            facts: json!({"reason": reason, "released_sentences": trace.released.len()}),
            text: checked_text(sentences()),
        },
    }
}

/// The sentences that checking bears out, as one text.
fn checked_text<'a>(sentences: impl Iterator<Item = &'a Sentence>) -> String {
    let mut text = String::new();
    for sentence in sentences.filter(|sentence| sentence.verdict != SentenceVerdict::Unsupported) {
        let joins = text.chars().last().is_none_or(|last| !last.is_ascii());
        if !joins || (!text.is_empty() && Language::of(&sentence.text) == Language::English) {
            text.push(' ');
        }
        text.push_str(&sentence.text);
    }
    text
}

fn answer(
    parts: &AnsweringParts,
    admitted: &Admitted,
    trace: Trace,
    outcome: Outcome,
    text: String,
    receipt: Receipt,
) -> Answer {
    Answer {
        id: admitted.id(),
        question: admitted.text().to_owned(),
        outcome,
        text,
        passages: trace.searched(),
        sentences: trace.released.into_iter().map(record::Recorded::into_sentence).collect(),
        usage: trace.usage,
        model: parts.generator.fingerprint().model.clone(),
        seed: trace.sampling.seed,
        finish_reason: trace.finish.map(|reason| reason.as_str().to_owned()),
        timings_ms: trace.timings,
        receipt,
    }
}

async fn deliver(parts: &AnsweringParts, admitted: &Admitted, listener: &Listener, answer: Answer) {
    if let Err(error) = parts.answers.store(&answer, admitted.who().user()).await {
        // It is in the log and may be shown; only reading it again by its id is lost.
        log(&AnswerError::from(error));
    }
    listener.usage(answer.usage).await;
    listener.done(answer).await;
}

/// What the caller did is no news to an operator.
fn log(error: &AnswerError) {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match error.fault() {
        Fault::Ours | Fault::Unavailable { .. } => tracing::error!(%error, cause, "a question failed"),
        Fault::Overload { .. } => tracing::warn!(%error, "a question was turned away"),
        Fault::Invalid
        | Fault::Unauthenticated
        | Fault::Denied
        | Fault::Missing
        | Fault::Conflict
        | Fault::TooLarge
        | Fault::Unsupported
        | Fault::Locked { .. }
        | Fault::TooMany { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str, verdict: SentenceVerdict) -> Sentence {
        Sentence { text: text.into(), verdict, citations: vec![] }
    }

    #[test]
    fn the_text_holds_what_was_borne_out_joined_as_its_language_does() {
        let check =
            |sentences: &[Sentence], expected: &str| assert_eq!(checked_text(sentences.iter()), expected);

        check(
            &[
                sentence("Pay now.", SentenceVerdict::Quoted),
                sentence("Trust me.", SentenceVerdict::Unsupported),
                sentence("Deliver later.", SentenceVerdict::Supported),
            ],
            "Pay now. Deliver later.",
        );
        check(
            &[
                sentence("甲方付款。", SentenceVerdict::Quoted),
                sentence("乙方交货。", SentenceVerdict::Supported),
            ],
            "甲方付款。乙方交货。",
        );
    }
}
