//! `docent audit`: an auditor's look at a running service from a shell. What it says of the log it finds out itself, from an
//! export, by the code of `docent-verify`. Knows no table.

use crate::audit::PieceReader;
use anyhow::Context;
use anyhow::bail;
use ledger::Policy;
use ledger::SignedCheckpoint;
use ledger::VerifierKey;
use ledger::export::Held;
use ledger::export::Outcome;
use reqwest::Response;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde_json::Value;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence in the middle of a response.
const READ_TIMEOUT: Duration = Duration::from_mins(2);
/// Pieces of an export that wait to be checked.
const WAITING: usize = 16;

/// Where the service is, and the key of an auditor.
#[derive(Debug)]
pub struct Desk {
    /// Such as `http://127.0.0.1:8080`.
    pub url: String,
    /// `dk_…`.
    pub key: SecretString,
}

/// What is wanted of it.
#[derive(Debug)]
pub enum Wanted {
    /// Check the whole log.
    Verify {
        /// The log's key, or a file that holds it.
        log_key: Option<String>,
        /// A checkpoint that was kept.
        checkpoint: Option<PathBuf>,
    },
    /// Write it to a file.
    Export {
        /// Where to.
        file: PathBuf,
        /// The position of its first record.
        first: u64,
    },
    /// Print the newest checkpoint.
    Checkpoint,
    /// Say how the log is doing.
    Doctor,
}

/// Does it; what it found is printed to `out`.
///
/// # Errors
/// When the service refuses or does not answer, the log does not hold, or something is not as it should be.
pub(super) async fn audit(desk: &Desk, wanted: Wanted, out: &mut impl Write) -> anyhow::Result<()> {
    if desk.key.expose_secret().is_empty() {
        bail!("an auditor's API key is needed: set DOCENT_KEY, or give --key");
    }
    match wanted {
        Wanted::Verify { log_key, checkpoint } => {
            verify(desk, log_key.as_deref(), checkpoint.as_deref(), out).await
        }
        Wanted::Export { file, first } => {
            let bytes = export(desk, &file, first).await?;
            writeln!(out, "{bytes} bytes in {}: check them with docent-verify export", file.display())?;
            Ok(())
        }
        Wanted::Checkpoint => {
            write!(out, "{}", text(desk, "/api/v1/audit/checkpoint").await?)?;
            Ok(())
        }
        Wanted::Doctor => doctor(desk, out).await,
    }
}

async fn get(desk: &Desk, path: &str) -> anyhow::Result<Response> {
    let client = reqwest::Client::builder()
        .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let request = client.get(format!("{}{path}", desk.url.trim_end_matches('/')));
    let response = request.bearer_auth(desk.key.expose_secret()).send().await;
    let response = response.map_err(reqwest::Error::without_url).context("the service cannot be reached")?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let problem: Value = response.json().await.unwrap_or_default();
    bail!("{} ({status})", problem["detail"].as_str().unwrap_or("the service refuses"))
}

async fn text(desk: &Desk, path: &str) -> anyhow::Result<String> {
    Ok(get(desk, path).await?.text().await?)
}

async fn export(desk: &Desk, file: &Path, first: u64) -> anyhow::Result<u64> {
    let mut response = get(desk, &format!("/api/v1/audit/export?first={first}")).await?;
    let partial = file.with_added_extension("part");
    let mut to =
        std::fs::File::create(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
    let mut bytes = 0;
    while let Some(piece) = response.chunk().await.context("the export broke off")? {
        to.write_all(&piece)?;
        bytes += piece.len() as u64;
    }
    to.sync_all()?;
    std::fs::rename(&partial, file)?;
    Ok(bytes)
}

async fn verify(
    desk: &Desk,
    log_key: Option<&str>,
    checkpoint: Option<&Path>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let key = match log_key {
        Some(key) if Path::new(key).is_file() => std::fs::read_to_string(key)?,
        Some(key) => key.to_owned(),
        None => {
            writeln!(
                out,
                "The log's key comes from the service that is checked: that shows damage, not a log that was made anew. \
                 Keep the key elsewhere and name it with --log-key."
            )?;
            text(desk, "/api/v1/audit/key").await?
        }
    };
    let key = VerifierKey::parse(key.trim()).context("that is no key of a log")?;
    let policy = Policy::of_log(key).context("that is no key of a log")?;
    let held = checkpoint.map(|file| kept(file, &policy)).transpose()?;
    let response = get(desk, "/api/v1/audit/export").await?;
    let (pieces, taken) = mpsc::channel(WAITING);
    let checking = tokio::task::spawn_blocking(move || {
        ledger::export::verify(PieceReader::new(taken), &policy, held.into_iter().collect(), |_bytes| ())
    });
    feed(response, &pieces).await;
    drop(pieces);
    say(&checking.await??, out)
}

fn kept(file: &Path, policy: &Policy) -> anyhow::Result<Held> {
    let note = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let signed =
        SignedCheckpoint::parse(&note).with_context(|| format!("{} is no checkpoint", file.display()))?;
    let trusted = policy.check(&signed).with_context(|| format!("{} is not this log's", file.display()))?;
    Ok(Held { head: *trusted.head(), source_name: file.display().to_string() })
}

/// Hands the body on until it ends, breaks off or nobody takes it any more.
async fn feed(mut response: Response, pieces: &mpsc::Sender<io::Result<Vec<u8>>>) {
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => Ok(piece.to_vec()),
            Ok(None) => return,
            Err(error) => Err(io::Error::other(error.without_url())),
        };
        let last = piece.is_err();
        if pieces.send(piece).await.is_err() || last {
            return;
        }
    }
}

fn say(outcome: &Outcome, out: &mut impl Write) -> anyhow::Result<()> {
    let report = &outcome.report;
    writeln!(
        out,
        "{} records and {} checkpoints of `{}`; {} intents, {} without an outcome; {} kept checkpoints agree",
        report.records, report.checkpoints, report.origin, report.intents, report.open_count, report.held
    )?;
    if let Some(flaw) = &outcome.flaw {
        let place = flaw.position.map_or_else(String::new, |position| format!(" (record {position})"));
        bail!("the log does not hold: {}{place}", flaw.problem);
    }
    writeln!(out, "everything that was checked holds")?;
    Ok(())
}

async fn doctor(desk: &Desk, out: &mut impl Write) -> anyhow::Result<()> {
    let status: Value = serde_json::from_str(&text(desk, "/api/v1/audit/status").await?)?;
    let mut faults = 0;
    for (fine, line) in findings(&status) {
        faults += usize::from(!fine);
        writeln!(out, "{} {line}", if fine { "ok  " } else { "BAD " })?;
    }
    if faults > 0 {
        bail!("{faults} things are not as they should be");
    }
    Ok(())
}

/// What a status says, line by line, and whether that is as it should be.
fn findings(status: &Value) -> Vec<(bool, String)> {
    let number = |name: &str| status[name].as_i64().unwrap_or_default();
    let (entries, signed) = (number("entries"), number("signed"));
    let doubt = status["doubt"].as_str();
    let mut lines = vec![
        (doubt.is_none(), doubt.map_or_else(|| "the log is what it signed".to_owned(), str::to_owned)),
        (
            status["writable"] == true,
            format!("entries are taken; {} of {} wait", number("queue"), number("queue_limit")),
        ),
        (entries == signed, format!("{entries} entries, {signed} of them signed")),
        outside(status),
        durable(status),
        (true, format!("{} questions under way", number("open_intents"))),
        (
            true,
            format!(
                "{} erasures wait for somebody, {} holds stand",
                number("erasures_waiting"),
                number("holds")
            ),
        ),
    ];
    lines.extend(witnessed(status, signed));
    lines
}

fn outside(status: &Value) -> (bool, String) {
    let Some(handed) = status["handed_out"].as_i64() else {
        return (false, "no checkpoint has left the database yet".to_owned());
    };
    let shelves = words(&status["shelves"]).join(", ");
    let at = status["handed_out_at"].as_str().unwrap_or_default();
    (true, format!("the newest checkpoint outside speaks of {handed} entries, since {at}, in: {shelves}"))
}

fn durable(status: &Value) -> (bool, String) {
    let off = words(&status["unsafe_settings"]);
    if off.is_empty() {
        return (true, "the database keeps what it acknowledged through a crash".to_owned());
    }
    let off = off.join(", ");
    (false, format!("off in the database, so that a crash may lose acknowledged entries: {off}"))
}

fn witnessed(status: &Value, entries: i64) -> Vec<(bool, String)> {
    let witnesses = status["witnesses"].as_array().map(Vec::as_slice).unwrap_or_default();
    if witnesses.is_empty() {
        let alone = "no witness: only this service's operators could say that the log is whole";
        return vec![(true, alone.to_owned())];
    }
    let line = |witness: &Value| {
        let name = witness["name"].as_str().unwrap_or_default();
        let seen = witness["signed"].as_i64().unwrap_or_default();
        (seen > 0, format!("the witness `{name}` signed {seen} entries, {} behind", entries - seen))
    };
    witnesses.iter().map(line).collect()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_healthy_log_has_no_fault_and_each_fault_is_named() {
        let healthy = json!({
            "entries": 5, "signed": 5, "handed_out": 4, "writable": true, "doubt": null, "shelves": ["checkpoints"],
            "unsafe_settings": [], "witnesses": [{"name": "w", "signed": 4}],
        });
        assert!(findings(&healthy).iter().all(|(fine, _)| *fine), "{:?}", findings(&healthy));

        for (field, value, word) in [
            ("doubt", json!("the log is behind"), "behind"),
            ("writable", json!(false), "taken"),
            ("signed", json!(4), "signed"),
            ("handed_out", Value::Null, "left the database"),
            ("unsafe_settings", json!(["fsync"]), "fsync"),
            ("witnesses", json!([{"name": "w", "signed": 0}]), "witness"),
        ] {
            let mut ill = healthy.clone();
            ill[field] = value;
            let faults: Vec<String> =
                findings(&ill).into_iter().filter(|(fine, _)| !fine).map(|(_, line)| line).collect();
            assert!(faults.len() == 1 && faults[0].contains(word), "{field}: {faults:?}");
        }
    }
}
