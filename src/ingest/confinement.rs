//! What keeps the children that read from the rest of this machine, as one of them found it by trying: said once, at
//! the start. A kernel without Landlock or seccomp is no reason not to serve, but one to be told. Knows no file.

use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::child;
use crate::ingest::child::Call;
use reader::child::Confinement;
use reader::child::Job;
use reader::child::Reply;
use std::time::Duration;

/// Longest reply.
const MAX_REPLY: u64 = 64 << 10;

/// Asks a child and says what it found.
pub(super) async fn report(parts: &IngestParts) {
    match ask(parts).await {
        Ok(confinement) => say(&confinement),
        Err(error) => {
            tracing::error!(%error, "a child that reads files could not be started: no file can be read");
        }
    }
}

async fn ask(parts: &IngestParts) -> Result<Confinement, IngestError> {
    let call = Call {
        program: &parts.reader_program,
        limits: &parts.reader,
        deadline: Duration::from_millis(parts.reader.timeout_ms),
        max_reply: MAX_REPLY,
        models: None,
    };
    match child::ask(&call, Job::Probe, &[]).await? {
        Reply::Confined(confinement) => Ok(confinement),
        Reply::Failed(error) => Err(error.into()),
        Reply::Parsed(_) | Reply::Rendered(_) | Reply::Recognised(_) | Reply::Unpacked => {
            Err(IngestError::ReaderBroken { detail: "another thing than what binds it".to_owned() })
        }
    }
}

fn say(found: &Confinement) {
    let gauge = |by, value: f64| metrics::gauge!("docent_reader_confined", "by" => by).set(value);
    gauge("limits", 1.0);
    gauge("landlock", f64::from(found.landlock));
    gauge("seccomp", f64::from(u8::from(found.seccomp)));
    let (landlock, seccomp) = (found.landlock, found.seccomp);
    if !found.possible.is_empty() {
        let possible = found.possible.join(", ");
        tracing::error!(landlock, seccomp, possible, "a reader can do what none should");
    } else if landlock > 0 && seccomp {
        tracing::info!(landlock, "readers are confined by resource limits, Landlock and seccomp");
    } else {
        let by = match (landlock > 0, seccomp) {
            (true, _) => "resource limits and Landlock",
            (_, true) => "resource limits and seccomp",
            (false, false) => "resource limits alone",
        };
        tracing::warn!(landlock, seccomp, "readers are confined by {by}: this kernel has no more");
    }
}
