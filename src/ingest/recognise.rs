//! Pages that are pictures: each is recognised in a child process of its own, several at once, and put in the place of
//! what reading found. A page that cannot be recognised stays as it was read. Knows no model and no passage.

use crate::domain::Stage;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::child;
use crate::ingest::child::Call;
use crate::ingest::read::password;
use crate::ingest::run::Run;
use futures::StreamExt;
use futures::stream;
use reader::Parsed;
use reader::RecogniseRequest;
use reader::RecognisedPage;
use reader::Warning;
use reader::WarningCode;
use reader::child::Job;
use reader::child::Reply;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;
use std::time::Instant;

/// Longest reply for one page: ten thousand words with their boxes.
const MAX_REPLY: u64 = 4 << 20;

/// Recognises the pages that reading asks for, where there is a model that can.
///
/// # Errors
/// [`IngestError::LeaseLost`]; the reader's `NoText` when no page holds text even then; faults of this machine.
#[tracing::instrument(name = "recognise", skip_all)]
pub(super) async fn recognise(
    parts: &IngestParts,
    run: &Run,
    mut parsed: Parsed,
    file: &[u8],
) -> Result<Parsed, IngestError> {
    let Some(models) = parts.recogniser.as_deref().filter(|_| !parsed.unread.is_empty()) else {
        return Ok(parsed);
    };
    let (began, job) = (Instant::now(), run.job());
    let password = password(parts, &job.sha256, job.password.as_deref());
    let wanted = &parsed.unread[..parsed.unread.len().min(parts.reader.max_recognised_pages)];
    run.advance(Stage::Recognise, 0, wanted.len()).await?;
    let one = |&page: &u32| one(parts, models, page, password.clone(), file);
    let mut arriving = stream::iter(wanted).map(one).buffered(at_once(parts.reader.recognise_at_once));
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    while let Some(outcome) = arriving.next().await {
        match outcome? {
            Ok(page) => found.extend(page),
            Err((page, reason)) => failed.push((page, reason)),
        }
        run.advance(Stage::Recognise, found.len() + failed.len(), wanted.len()).await?;
    }
    drop(arriving);
    tracing::info!(pages = found.len(), failed = failed.len(), "pages are recognised in their pictures");
    let passed_over = parsed.unread.len() - wanted.len();
    parsed.warnings.extend(failed.into_iter().map(failure));
    parsed.warnings.extend((passed_over > 0).then(|| too_many(passed_over)));
    let merged = tokio::task::spawn_blocking(move || parsed.with_recognised(found));
    let merged = merged.await.map_err(|_| IngestError::Panicked("recognise"))??;
    run.took(Stage::Recognise, began);
    Ok(merged)
}

/// How many children run side by side.
fn at_once(configured: usize) -> usize {
    let processors = || available_parallelism().map_or(1, usize::from);
    if configured > 0 { configured } else { (processors() / 2).max(1) }
}

/// A page that came back, or which one did not and why. An error is a fault of this machine, not of the page.
type Outcome = Result<Vec<RecognisedPage>, (u32, String)>;

async fn one(
    parts: &IngestParts,
    models: &Path,
    page: u32,
    password: Option<String>,
    file: &[u8],
) -> Result<Outcome, IngestError> {
    let limits = &parts.reader;
    let call = Call {
        program: &parts.reader_program,
        limits,
        deadline: Duration::from_millis(limits.timeout_ms),
        max_reply: MAX_REPLY,
        models: Some(models),
    };
    let job = Job::Recognise(RecogniseRequest { pages: vec![page], password });
    match child::ask(&call, job, file).await {
        Ok(Reply::Recognised(pages)) => Ok(Ok(pages)),
        Ok(Reply::Failed(error)) => Ok(Err((page, error.to_string()))),
        Ok(Reply::Parsed(_) | Reply::Rendered(_) | Reply::Unpacked | Reply::Confined(_)) => {
            Err(IngestError::ReaderBroken { detail: "another thing than pages".to_owned() })
        }
        Err(
            error @ (IngestError::ReaderTimeout { .. }
            | IngestError::ReaderOutOfCpu { .. }
            | IngestError::ReaderOutOfMemory
            | IngestError::ReaderCrashed { .. }),
        ) => Ok(Err((page, error.to_string()))),
        Err(error) => Err(error),
    }
}

fn failure((page, reason): (u32, String)) -> Warning {
    let detail = format!("its picture could not be recognised: {reason}");
    Warning { code: WarningCode::NotRecognised, page: Some(page), detail }
}

fn too_many(passed_over: usize) -> Warning {
    let detail = format!("{passed_over} more pages are pictures; so many are not recognised in one file");
    Warning { code: WarningCode::NotRecognised, page: None, detail }
}
