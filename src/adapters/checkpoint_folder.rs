//! Checkpoints in a folder: `checkpoints.jsonl` only ever grows, a line for each; `checkpoint` is the newest alone, for
//! programs that want one file. Knows no key.

use crate::ports::CheckpointShelf;
use crate::ports::StoreError;
use async_trait::async_trait;
use serde::Deserialize;
use serde::Serialize;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

const HISTORY: &str = "checkpoints.jsonl";
const NEWEST: &str = "checkpoint";
/// The last line of the history lies within its last so many bytes: a note has a few lines of some hundred bytes.
const LAST_LINE_WITHIN: u64 = 256 * 1024;

/// A folder, best on another volume than the database.
pub struct CheckpointFolder {
    path: PathBuf,
}

/// A line of the history (docs/audit-format.md §3).
#[derive(Deserialize, Serialize)]
struct Line {
    checkpoint: String,
}

impl CheckpointFolder {
    /// Makes the folder if it is not there; others may read it.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(path)
            .map_err(|error| unavailable(path, &error))?;
        Ok(Self { path: path.to_owned() })
    }
}

#[async_trait]
impl CheckpointShelf for CheckpointFolder {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    async fn newest(&self) -> Result<Option<String>, StoreError> {
        let path = self.path.clone();
        off_runtime(move || last(&path.join(HISTORY)).map_err(|error| unavailable(&path, &error))).await
    }

    async fn put(&self, _size: i64, note: &str) -> Result<(), StoreError> {
        let (path, note) = (self.path.clone(), note.to_owned());
        off_runtime(move || keep(&path, &note).map_err(|error| unavailable(&path, &error))).await
    }
}

async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Unavailable { store: "checkpoints", detail: error.to_string() })?
}

fn keep(folder: &Path, note: &str) -> io::Result<()> {
    let history = folder.join(HISTORY);
    if last(&history)?.as_deref() != Some(note) {
        let mut line = serde_json::to_vec(&Line { checkpoint: note.to_owned() })?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).mode(0o644).open(&history)?;
        if !ends_with_line(&history)? {
            // A write that broke off: its piece stays, as a line that is none.
            file.write_all(b"\n")?;
        }
        file.write_all(&line)?;
        file.sync_all()?;
    }
    let partial = folder.join("checkpoint.new");
    let mut file = File::create(&partial)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, folder.join(NEWEST))
}

/// The note of the last whole line; none where there is none yet.
fn last(history: &Path) -> io::Result<Option<String>> {
    let text = match tail(history) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    Ok(lines.map(|line| line.checkpoint).next())
}

fn ends_with_line(history: &Path) -> io::Result<bool> {
    Ok(tail(history)?.last().is_none_or(|byte| *byte == b'\n'))
}

fn tail(history: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(history)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE_WITHIN)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable { store: "checkpoints", detail: format!("`{}`: {error}", path.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_history_grows_and_its_last_line_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checkpoints");
        let shelf = CheckpointFolder::open(&path).unwrap();

        let before = shelf.newest().await.unwrap();
        shelf.put(1, "a\n1\nx\n").await.unwrap();
        shelf.put(1, "a\n1\nx\n").await.unwrap();
        shelf.put(2, "a\n2\ny\n").await.unwrap();

        let history = std::fs::read_to_string(path.join(HISTORY)).unwrap();
        assert_eq!(before, None);
        assert_eq!(shelf.newest().await.unwrap().as_deref(), Some("a\n2\ny\n"));
        assert_eq!(history.lines().count(), 2);
        assert_eq!(std::fs::read_to_string(path.join(NEWEST)).unwrap(), "a\n2\ny\n");
    }

    #[tokio::test]
    async fn a_line_that_broke_off_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = CheckpointFolder::open(directory.path()).unwrap();
        shelf.put(1, "one").await.unwrap();
        let history = directory.path().join(HISTORY);
        OpenOptions::new().append(true).open(&history).unwrap().write_all(b"{\"checkp").unwrap();

        let newest = shelf.newest().await.unwrap();
        shelf.put(2, "two").await.unwrap();

        assert_eq!(newest.as_deref(), Some("one"));
        assert_eq!(shelf.newest().await.unwrap().as_deref(), Some("two"));
    }
}
