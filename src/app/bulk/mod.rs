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
use std::time::Duration;
use tokio::sync::Semaphore;

/// Files that are sent at a time; each small one is held in memory here, of a large one a piece.
const UPLOADS: usize = 3;
/// Files that are sent or waited for at a time: each is asked after every two seconds at most.
const UNDER_WAY: usize = 8;

/// What became of the files.
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
    let (bar, sending) = (bar(files.len()), Semaphore::new(UPLOADS));
    let one = |file: PathBuf| {
        let (service, collection, sending) = (&service, &collection, &sending);
        async move {
            let ended = one(service, collection, &file, sending).await;
            (file, ended)
        }
    };
    let mut under_way = futures::stream::iter(files).map(one).buffer_unordered(UNDER_WAY);
    let mut report = Report::default();
    while let Some((file, ended)) = under_way.next().await {
        match ended {
            Ok(known) => (report.ready, report.known) = (report.ready + 1, report.known + usize::from(known)),
            Err(reason) => {
                bar.println(format!("failed: {}: {reason}", file.display()));
                report.failed.push((file, reason));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.failed.sort();
    Ok(report)
}

/// Sends a file and waits until it is searchable; says whether it was known before.
async fn one(service: &Service, collection: &str, file: &Path, sending: &Semaphore) -> Result<bool, String> {
    let taken = {
        let _one_of_few = sending.acquire().await;
        service.upload(collection, file).await?
    };
    service.ready(&taken).await?;
    Ok(taken.existing)
}

fn bar(files: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len}, {elapsed}, left {eta}  {wide_msg}");
    let bar = ProgressBar::new(files as u64);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
