//! The model hub: what it says of a file, then the file by ranged requests that go on where the last one was cut. Knows
//! no lock and no other source.
//!
//! The hub answers `<endpoint>/<repository>/resolve/<revision>/<file>` with a redirect to its store; on the way
//! `X-Linked-Etag` gives the SHA-256 of a large file, `X-Linked-Size` its size and `X-Repo-Commit` the commit, which is
//! then asked for so that all files of a model are of one commit. Plain mirrors without these headers work too. The
//! `hf-hub` crate is not used: it has no timeouts, and appends a whole body to a part when a server ignores the range.

mod announcement;
mod client;

use crate::adapters::models::ModelsError;
use crate::adapters::models::place::length;
use crate::adapters::models::place::remove;
use crate::adapters::models::progress::Meter;
use crate::adapters::models::source::Fetched;
use crate::adapters::models::source::Wanted;
use crate::config::Secrets;
use announcement::Announcement;
use client::Client;
use reqwest::StatusCode;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::io::BufWriter;

/// A connection that was cut without giving a byte is tried again this often.
const FRUITLESS_TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// A file whose size nobody knows may have so many bytes.
const UNKNOWN_SIZE_LIMIT: u64 = 64 << 20;

/// The hub, or why there is none.
pub(in crate::adapters::models) struct Hub {
    client: Result<Client, String>,
    /// Set once it does not answer, so that a pull waits for that only once.
    down: Mutex<Option<String>>,
    /// The commit of each repository, as first heard.
    commits: Mutex<BTreeMap<String, String>>,
}

/// How one request for the rest of a file ended.
enum Stretch {
    /// The body ended as announced.
    Ended,
    /// The part does not belong to this file; begin again.
    Stale,
    /// Cut off; what came is kept.
    Cut(String),
}

impl Hub {
    pub(in crate::adapters::models) fn new(secrets: &Secrets) -> Self {
        let client = Client::new(secrets);
        Self { client, down: Mutex::new(None), commits: Mutex::new(BTreeMap::new()) }
    }

    /// Fetches one file of a repository.
    ///
    /// # Errors
    /// `Source` with what the hub said; what came until then is kept for the next try.
    pub(super) async fn fetch(&self, repository: &str, wanted: &Wanted<'_>) -> Result<Fetched, ModelsError> {
        let failed =
            |detail: String| ModelsError::source(format!("hub, {repository}/{}", wanted.file.path), detail);
        let client = self.client.as_ref().map_err(|reason| failed(reason.clone()))?;
        if let Some(reason) = self.down.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(failed(reason));
        }
        let revision = self.commit(repository).unwrap_or_else(|| "main".to_owned());
        let announced = client.announcement(&client.url(repository, &revision, &wanted.file.path)).await;
        let announced = announced.map_err(|refusal| {
            if refusal.unreachable {
                *self.down.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal.detail.clone());
            }
            failed(refusal.detail)
        })?;
        announced.agrees_with(wanted.file).map_err(failed)?;
        let commit = self.commit(repository).or_else(|| announced.commit.clone());
        if let Some(commit) = &commit {
            self.remember(repository, commit);
        }
        let revision = commit.unwrap_or(revision);
        let url = client.url(repository, &revision, &wanted.file.path);
        let part = wanted.place.work().join(format!("{}.{}.part", wanted.file.path, announced.tag()));
        download(client, &url, &announced, wanted, &part).await?;
        let origin = format!("hub {repository}@{revision}");
        Ok(Fetched { part, origin, announced_sha256: announced.sha256 })
    }

    /// Files of the repository are of this commit from now on.
    pub(in crate::adapters::models) fn remember(&self, repository: &str, commit: &str) {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        commits.insert(repository.to_owned(), commit.to_owned());
    }

    fn commit(&self, repository: &str) -> Option<String> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned()
    }
}

/// The repository and commit that an origin in a lock names.
pub(super) fn commit_of(origin: &str) -> Option<(&str, &str)> {
    let (repository, commit) = origin.strip_prefix("hub ")?.split_once('@')?;
    (commit != "main").then_some((repository, commit))
}

/// Asks for the rest until there is none, as long as each request brings something.
async fn download(
    client: &Client,
    url: &str,
    announced: &Announcement,
    wanted: &Wanted<'_>,
    part: &Path,
) -> Result<(), ModelsError> {
    let failed = |detail: String| ModelsError::source(format!("hub, {url}"), detail);
    let bytes = announced.bytes.or(wanted.file.bytes);
    if bytes.is_none_or(|bytes| length(part) > bytes) || !announced.has_tag() {
        remove(part)?;
    }
    wanted.place.needs(bytes.unwrap_or(UNKNOWN_SIZE_LIMIT).saturating_sub(length(part)))?;
    let mut meter = wanted.progress.meter(&format!("{} from the hub", wanted.file.path), bytes);
    let mut fruitless = 0;
    loop {
        let before = length(part);
        if bytes == Some(before) {
            return Ok(());
        }
        meter.set(before);
        let stretch = stretch(client, url, part, bytes.unwrap_or(UNKNOWN_SIZE_LIMIT), &mut meter).await?;
        let reason = match stretch {
            Stretch::Ended if bytes.is_none_or(|bytes| bytes == length(part)) => return Ok(()),
            Stretch::Ended => format!("ended after {} bytes", length(part)),
            Stretch::Stale => {
                remove(part)?;
                "has another file than before".to_owned()
            }
            Stretch::Cut(reason) => reason,
        };
        fruitless = if length(part) > before { 0 } else { fruitless + 1 };
        if fruitless >= FRUITLESS_TRIES {
            return Err(failed(format!("{reason}; {} bytes are kept for the next try", length(part))));
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(fruitless)).await;
    }
}

/// One request for the bytes that the part lacks.
///
/// # Errors
/// `Source` when asking again cannot help, `Disk`.
async fn stretch(
    client: &Client,
    url: &str,
    part: &Path,
    limit: u64,
    meter: &mut Meter,
) -> Result<Stretch, ModelsError> {
    let have = length(part);
    let mut response = match client.get(url, have).await {
        Ok(response) => response,
        Err(refusal) if refusal.lasting => {
            return Err(ModelsError::source(format!("hub, {url}"), refusal.detail));
        }
        Err(refusal) => return Ok(Stretch::Cut(refusal.detail)),
    };
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(Stretch::Stale);
    }
    let resumes =
        response.status() == StatusCode::PARTIAL_CONTENT && client::begins_at(&response) == Some(have);
    if response.status() == StatusCode::PARTIAL_CONTENT && !resumes {
        return Ok(Stretch::Stale);
    }
    let mut options = File::options();
    let options = if resumes { options.append(true) } else { options.write(true).truncate(true) };
    let file = options.create(true).open(part).await.map_err(ModelsError::disk("open", part))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let mut done = if resumes { have } else { 0 };
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                done += chunk.len() as u64;
                if done > limit {
                    let detail = format!("sends more than {limit} bytes");
                    remove(part)?;
                    return Err(ModelsError::source(format!("hub, {url}"), detail));
                }
                file.write_all(&chunk).await.map_err(ModelsError::disk("write", part))?;
                meter.set(done);
            }
            Ok(None) => break Stretch::Ended,
            Err(error) => break Stretch::Cut(client::root_cause(&error)),
        }
    };
    file.flush().await.map_err(ModelsError::disk("write", part))?;
    Ok(end)
}
