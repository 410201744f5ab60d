//! Sentence by sentence: drafted, checked, recorded, sent. Sentences that nothing bears out wait until another one is
//! borne out. Knows no outcome's record.

use crate::answer::AnswerError;
use crate::answer::AnsweringParts;
use crate::answer::admit::Admitted;
use crate::answer::cite::Pages;
use crate::answer::cite::Verified;
use crate::answer::cite::verify;
use crate::answer::close::Ended;
use crate::answer::generate::Draft;
use crate::answer::generate::Drafts;
use crate::answer::generate::Finish;
use crate::answer::generate::Piece;
use crate::answer::listener::Listener;
use crate::answer::record;
use crate::answer::record::Recorded;
use crate::answer::record::Trace;
use crate::answer::refuse::Refusal;
use crate::answer::refuse::is_refusal;
use crate::domain::FinishReason;
use crate::domain::Outcome;
use crate::domain::Sentence;
use crate::domain::SentenceVerdict;
use crate::ports::ModelError;
use std::sync::Arc;
use std::time::Instant;

/// Sends what the model writes, as far as it can be recorded, until it has finished.
///
/// # Errors
/// When model, documents or log fail; what was sent before stays sent, and the outcome says so.
#[tracing::instrument(name = "generate", skip_all, fields(answer.id = %admitted.id()))]
pub(super) async fn release(
    parts: &AnsweringParts,
    admitted: &Admitted,
    mut drafts: Drafts,
    listener: &Listener,
    trace: &mut Trace,
) -> Result<Ended, AnswerError> {
    let mut pages = Pages::new(Arc::clone(&parts.documents), admitted.filter().clone());
    let submitted = Instant::now();
    let mut begun = submitted;
    loop {
        match drafts.next().await? {
            Piece::Waiting { position, wait } => listener.waiting(position, wait).await,
            Piece::Started { prompt_tokens, cached_tokens } => {
                trace.usage.prompt_tokens = prompt_tokens;
                trace.usage.cached_tokens = cached_tokens;
                trace.timings.queue = listener.stage("queue", submitted).await;
                begun = Instant::now();
            }
            Piece::Sentence(draft) => {
                let refuses = opens_with_refusal(&draft, trace);
                hold(draft, &mut pages, trace).await?;
                // "No information may be disclosed" is a refusal only if no source says it.
                if refuses && !trace.held.last().is_some_and(Verified::states) {
                    return Ok(Ended::Refused(Refusal::ModelFoundNothing));
                }
                send_held(parts, admitted, listener, trace, begun).await?;
            }
            Piece::Tokens(tokens) => {
                trace.output.extend(tokens);
                trace.usage.completion_tokens = trace.output.len() as u32;
            }
            Piece::Finished(Finish { reason, tokens }) => {
                trace.usage.completion_tokens = tokens.len() as u32;
                trace.output = tokens;
                trace.timings.generate = listener.stage("generate", begun).await;
                trace.finish = Some(reason);
                return ended(reason, trace);
            }
        }
    }
}

/// A refusal after other sentences is one more sentence: it speaks of the rest of the question.
fn opens_with_refusal(draft: &Draft, trace: &Trace) -> bool {
    trace.released.is_empty() && trace.held.is_empty() && is_refusal(draft.text())
}

async fn hold(draft: Draft, pages: &mut Pages, trace: &mut Trace) -> Result<(), AnswerError> {
    let prompt = trace.prompt.as_ref().ok_or(AnswerError::Internal)?;
    let verified = verify(draft, prompt, pages).await?;
    metrics::counter!("docent_sentences_total", "verdict" => verified.sentence().verdict.as_str())
        .increment(1);
    // Two drafts may give way to the same words of a passage, or one of them copy what the other gave way to.
    let said = |other: &Sentence| other.text == verified.sentence().text;
    let again = trace
        .held
        .iter()
        .map(Verified::sentence)
        .chain(trace.released.iter().map(Recorded::sentence))
        .any(said);
    if verified.check().verdict == SentenceVerdict::Quoted && again {
        trace.repeated.push(verified);
    } else {
        trace.held.push(verified);
    }
    Ok(())
}

async fn send_held(
    parts: &AnsweringParts,
    admitted: &Admitted,
    listener: &Listener,
    trace: &mut Trace,
    begun: Instant,
) -> Result<(), AnswerError> {
    let borne_out = trace.held.iter().any(|held| !held.is_unsupported());
    if !borne_out && trace.released.is_empty() {
        return Ok(());
    }
    // One by one, so that what ends this in between leaves the rest to be recorded as withheld.
    while let Some(verified) = trace.held.first() {
        let recorded = record::release(parts, admitted, trace.released.len() as u32, verified).await?;
        trace.held.remove(0);
        if trace.released.is_empty() {
            trace.timings.first_sentence = begun.elapsed().as_millis() as u64;
        }
        trace.released.push(recorded);
        if let Some(recorded) = trace.released.last() {
            listener.sentence(recorded).await;
        }
    }
    Ok(())
}

fn ended(reason: FinishReason, trace: &Trace) -> Result<Ended, AnswerError> {
    match reason {
        FinishReason::Cancelled => return Err(ModelError::Stopped.into()),
        FinishReason::Deadline => return Err(AnswerError::Deadline),
        FinishReason::Stop | FinishReason::Length => {}
    }
    if trace.released.is_empty() {
        let refusal =
            if trace.held.is_empty() { Refusal::ModelFoundNothing } else { Refusal::NothingVerified };
        return Ok(Ended::Refused(refusal));
    }
    let all = trace.released.iter().all(|sent| sent.sentence().verdict != SentenceVerdict::Unsupported);
    let whole = reason == FinishReason::Stop;
    Ok(Ended::Answered(if all && whole { Outcome::Answered } else { Outcome::PartlyAnswered }))
}
