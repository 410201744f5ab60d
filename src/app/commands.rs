//! What each command of the command line does.

use crate::adapters::models;
use crate::adapters::postgres::Postgres;
use crate::app;
use crate::app::Models;
use crate::app::Plan;
use crate::app::Running;
use crate::app::auditing;
use crate::app::auditing::Desk;
use crate::app::auditing::Wanted;
use crate::app::bulk;
use crate::app::bulk::Access;
use crate::app::witness::Watch;
use crate::config::BlobsKind;
use crate::config::Config;
use crate::config::VectorsKind;
use crate::domain::clause::Clause;
use crate::http::identity::FirstAdmin;
use crate::ingest::clauses_of;
use anyhow::Context;
use anyhow::bail;
use reader::OcrModels;
use secrecy::ExposeSecret;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Serves until it is told to stop.
///
/// # Errors
/// Whatever kept it from starting, or made it stop.
pub fn serve(config: Config) -> anyhow::Result<()> {
    models::take_threads(&config.engine).context("cannot start again with `engine.threads`")?;
    runtime()?.block_on(until_stopped(config, true))
}

/// Works on uploads until it is told to stop.
///
/// # Errors
/// As [`serve`]; also when nothing of the configuration can be shared with the process that serves.
pub fn work(config: Config) -> anyhow::Result<()> {
    let shared = !config.database.url.is_empty()
        && config.vectors.kind == VectorsKind::Server
        && config.blobs.kind == BlobsKind::S3;
    if !shared {
        bail!(
            "`docent work` needs `database.url`, `vectors.kind = \"server\"` and `blobs.kind = \"s3\"`, shared with \
             `docent serve`, and a `data.dir` of its own"
        );
    }
    if config.ingest.workers == 0 {
        bail!("`docent work` with `ingest.workers = 0` would do nothing");
    }
    models::take_threads(&config.engine).context("cannot start again with `engine.threads`")?;
    runtime()?.block_on(until_stopped(config, false))
}

/// Witnesses logs until it is told to stop.
///
/// # Errors
/// Whatever kept it from starting, or made it stop.
pub fn witness(watch: Watch) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let witness = app::witness::start(watch).await?;
        let (address, key) = (witness.address, &witness.key);
        say(&format!(
            "The witness listens on http://{address}. Those who run the log add it to their configuration:\n\n  \
             [audit]\n  witnesses = [\"http://{address} {key}\"]\n\n\
             Those who check the log name its key in their policy file (docs/audit-format.md, section 4)."
        ));
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        witness.serve(stop).await
    })
}

/// Sends a folder to a running service and says what became of each file that failed.
///
/// # Errors
/// When the service or the collection is not there, or a file failed.
pub fn ingest(access: Access, collection: &str, paths: &[PathBuf]) -> anyhow::Result<()> {
    let report = runtime()?.block_on(bulk::ingest(access, collection, paths))?;
    say(&format!("{} searchable, {} of them known before", report.ready, report.known));
    for (file, reason) in &report.failed {
        say(&format!("failed: {}: {reason}", file.display()));
    }
    match report.failed.len() {
        0 => Ok(()),
        failed => bail!("{failed} files are not searchable"),
    }
}

/// Looks at a running service's log as an auditor.
///
/// # Errors
/// When the service refuses or does not answer, or something is not as it should be.
pub fn audit(desk: &Desk, wanted: Wanted) -> anyhow::Result<()> {
    runtime()?.block_on(auditing::audit(desk, wanted, &mut std::io::stdout()))
}

/// Prints the clauses of files, a line of JSON each; why a file cannot be read goes to standard error.
///
/// # Errors
/// When a file is not there.
pub fn outline(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        match clauses_of(&bytes) {
            Ok(clauses) => clauses.iter().for_each(|clause| say(&line(file, clause))),
            Err(error) => eprintln!("docent: {}: {error}", file.display()),
        }
    }
    Ok(())
}

fn line(file: &Path, clause: &Clause) -> String {
    let Clause { label, title, depth, page, span, .. } = clause;
    json!({
        "file": file, "address": clause.address(), "label": label, "title": title, "depth": depth, "page": page, "span": span,
    })
    .to_string()
}

/// Brings the named database up to date.
///
/// # Errors
/// When none is named, or it does not take the migrations.
pub fn migrate(config: &Config) -> anyhow::Result<()> {
    if config.database.url.is_empty() {
        bail!(
            "`database.url` is not set: the managed Postgres is brought up to date by `docent serve` itself"
        );
    }
    runtime()?.block_on(Postgres::migrate(&config.database.url))?;
    say("the database is up to date");
    Ok(())
}

/// Fetches models.
///
/// # Errors
/// Which model, which source, why.
pub fn pull_models(config: &Config, names: &[String]) -> anyhow::Result<()> {
    let progress = models::PullProgress::on_stderr();
    runtime()?.block_on(models::pull(names, config, &progress))?;
    Ok(())
}

/// Lists models.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_models(config: &Config) -> anyhow::Result<()> {
    say(&models::table(&models::list(config)?));
    Ok(())
}

/// Hashes models again.
///
/// # Errors
/// Which file is not what it was.
pub fn verify_models(config: &Config, names: &[String]) -> anyhow::Result<()> {
    models::verify(names, config, &models::PullProgress::on_stderr())?;
    Ok(())
}

/// Prints the effective configuration.
///
/// # Errors
/// None.
pub fn show_config(config: &Config) -> anyhow::Result<()> {
    say(&config.show());
    Ok(())
}

/// Is the child that reads one hostile file; `limits` is JSON, `models` the folder of those that recognise pages.
pub fn read(limits: &str, models: Option<&Path>) -> ExitCode {
    let Ok(limits) = serde_json::from_str(limits) else { return ExitCode::from(2) };
    let Some(folder) = models else { return reader::child::serve(&limits) };
    match OcrModels::open(folder, 1) {
        Ok(models) => reader::child::serve_with_models(&limits, models),
        Err(error) => {
            eprintln!("reader: {error}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

async fn until_stopped(config: Config, serve: bool) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let url = config.http.public_url.clone();
    let models = Models::load(&config);
    let starting = app::start(Plan { config: config.clone(), serve, program }, models);
    let mut running = tokio::select! {
        started = starting => started?,
        _ = interrupt.recv() => bail!("interrupted while starting"),
        _ = terminate.recv() => bail!("terminated while starting"),
    };
    greet(&running, &url);
    let fault = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        fault = running.broken() => Some(fault),
    };
    tracing::info!("stopping: requests under way get their time");
    tokio::select! {
        () = running.stop() => {}
        _ = interrupt.recv() => bail!("stopped at once, on the second signal"),
    }
    match fault {
        None => Ok(()),
        Some(fault) => bail!(fault),
    }
}

/// What a person who just started it wants to know.
fn greet(running: &Running, url: &str) {
    let Some(address) = running.address else {
        tracing::info!("working on uploads");
        return;
    };
    tracing::info!(%address, "serving");
    say(&format!("\nDocent is ready: {url}"));
    if let Some(FirstAdmin { name, password, key }) = &running.first_admin {
        let (password, key) = (password.expose_secret(), key.expose_secret());
        say(&format!(
            "\nThis is the first start. Keep these, they are shown only now:\n  name      {name}\n  password  {password}\n  API key   {key}\n"
        ));
    }
    say(&format!(
        "The first question, on the page: sign in, make a collection, drop a file on it, ask.\n\
         Or from a shell, with KEY set to the API key (README.md has the whole walk):\n\
         \x20 curl -s {url}/api/v1/collections -H \"Authorization: Bearer $KEY\" --json '{{\"name\":\"contracts\"}}'\n\
         \x20 curl -s {url}/api/v1/collections/ID/documents -H \"Authorization: Bearer $KEY\" -F file=@contract.pdf\n\
         \x20 curl -s {url}/api/v1/answers -H \"Authorization: Bearer $KEY\" --json '{{\"question\":\"What is the notice period?\"}}'\n"
    ));
}

/// Writes a line for a person to standard output; a closed pipe is no fault.
fn say(text: &str) {
    let _closed_pipe = writeln!(std::io::stdout(), "{text}");
}
