//! `docent ingest`: a folder of files into a collection of a running service, through the same door as everybody. The
//! service knows files by their bytes, so a run that was broken off is simply run again. Knows no store.

mod files;
mod pieces;
mod service;

pub use service::Access;

use crate::app::bulk::service::Service;
use anyhow::Context;
use futures::StreamExt;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Files that are sent at a time; each small one is held in memory here, of a large one a piece.
const UPLOADS: usize = 3;
/// Documents that are asked after at a time, in the order in which they were sent: each every two seconds at most. All are
/// sent meanwhile: what the service has can be found long before it is whole.
const WATCHED: usize = 8;

/// What became of the files; those of an archive count each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Searchable now.
    pub ready: usize,
    /// Among them those that were there before.
    pub known: usize,
    /// File and reason.
    pub failed: Vec<(PathBuf, String)>,
}

/// Sends every file below `paths` and waits until each is searchable or has failed.
///
/// # Errors
/// When there is nothing to send, the service cannot be reached, or the collection is not there. What goes wrong with one
/// file is in the report.
pub async fn ingest(access: Access, collection: &str, paths: &[PathBuf]) -> anyhow::Result<Report> {
    let files = files::below(paths)?;
    anyhow::ensure!(!files.is_empty(), "there are no files below {}", paths[0].display());
    let service = Service::new(access).context("cannot call the service")?;
    let collection = service.collection(collection).await?;
    let (bar, count) = (bar(files.len()), files.len());
    let turns = Turns { sending: Semaphore::new(UPLOADS), watching: Semaphore::new(WATCHED) };
    let sent = AtomicUsize::new(0);
    let one = |file: PathBuf| {
        let (service, collection, turns, sent, bar) = (&service, &collection, &turns, &sent, &bar);
        async move {
            let sent = || bar.set_message(format!("{} sent", sent.fetch_add(1, Ordering::Relaxed) + 1));
            let ended = one(service, collection, &file, turns, sent).await;
            (file, ended)
        }
    };
    let mut under_way = futures::stream::iter(files).map(one).buffer_unordered(count);
    let mut report = Report::default();
    while let Some((file, ended)) = under_way.next().await {
        for (path, reason) in &ended.failed {
            bar.println(format!("failed: {}: {reason}", within(&file, path).display()));
        }
        report.ready += ended.ready;
        report.known += ended.known;
        report.failed.extend(ended.failed.into_iter().map(|(path, reason)| (within(&file, &path), reason)));
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.failed.sort();
    Ok(report)
}

/// What became of one file, or of each file of an archive, by its path there; empty: the file itself.
#[derive(Default)]
struct Ended {
    ready: usize,
    known: usize,
    failed: Vec<(String, String)>,
}

/// Who may send, and who may ask.
struct Turns {
    sending: Semaphore,
    watching: Semaphore,
}

/// Sends a file and waits until all that came of it is searchable or has failed.
async fn one(service: &Service, collection: &str, file: &Path, turns: &Turns, sent: impl FnOnce()) -> Ended {
    let uploaded = {
        let _one_of_few = turns.sending.acquire().await;
        match service.upload(collection, file).await {
            Ok(uploaded) => uploaded,
            Err(reason) => return Ended { failed: vec![(String::new(), reason)], ..Ended::default() },
        }
    };
    sent();
    let _one_of_few = turns.watching.acquire().await;
    let mut ended = Ended::default();
    ended.failed.extend(uploaded.refused().map(|(path, reason)| (path.to_owned(), reason)));
    let alone = uploaded.data.len() == 1 && ended.failed.is_empty();
    for taken in &uploaded.data {
        match service.ready(taken).await {
            Ok(()) => {
                ended.ready += 1;
                ended.known += usize::from(taken.existing);
            }
            Err(reason) => {
                let path = if alone { String::new() } else { taken.file_name.clone() };
                ended.failed.push((path, reason));
            }
        }
    }
    ended
}

/// A file of an archive by both names.
fn within(file: &Path, path: &str) -> PathBuf {
    if path.is_empty() { file.to_owned() } else { file.join(path) }
}

fn bar(files: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len}, {elapsed}, left {eta}  {wide_msg}");
    let bar = ProgressBar::new(files as u64);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
