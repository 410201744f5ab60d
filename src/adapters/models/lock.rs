//! `docent.lock.toml` beside a model's files: what was fetched, from where, with which digests. It is written after each
//! file, so that an interrupted pull goes on, and says `complete` after the last. Knows no source.

use crate::adapters::models::ModelsError;
use serde::Deserialize;
use serde::Serialize;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;

const NAME: &str = "docent.lock.toml";

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// In the manifest.
    pub model: String,
    /// SPDX, of the weights.
    pub licence: String,
    /// Nothing is lacking.
    pub complete: bool,
    /// In the model's folder.
    #[serde(rename = "file", default)]
    pub files: Vec<LockedFile>,
}

/// One file as it was when it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// A plain name.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its digest, in hex.
    pub sha256: String,
    /// Where it came from.
    pub origin: String,
    /// Who vouched for the digest.
    pub pinned_by: PinnedBy,
    /// `docent models verify` found something else; the next pull fetches it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
}

/// Who vouched for a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinnedBy {
    /// The manifest in the binary.
    Manifest,
    /// The hub, as it announced the file.
    Hub,
    /// Nobody: it is what came the first time.
    FirstUse,
}

impl Lock {
    /// The lock in a model's folder; none when there is none or it cannot be read as one.
    ///
    /// # Errors
    /// `Disk`.
    pub fn read(directory: &Path) -> Result<Option<Self>, ModelsError> {
        let path = directory.join(NAME);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(toml::from_str(&text).ok()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(None),
            Err(error) => Err(ModelsError::disk("read", &path)(error)),
        }
    }

    /// Replaces the lock in a model's folder, durably.
    ///
    /// # Errors
    /// `Disk`.
    pub fn write(&self, directory: &Path) -> Result<(), ModelsError> {
        let body = toml::to_string_pretty(self).expect("a lock is a plain table");
        let (path, part) = (directory.join(NAME), directory.join(format!("{NAME}.part")));
        let write = || {
            let mut file = std::fs::File::create(&part)?;
            file.write_all(
                b"# Written by `docent models pull`; `docent models verify` checks the files against it.\n",
            )?;
            file.write_all(body.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&part, &path)?;
            std::fs::File::open(directory)?.sync_all()
        };
        write().map_err(ModelsError::disk("write", &path))
    }

    /// One of nothing.
    pub fn empty(model: &str, licence: &str) -> Self {
        Self { model: model.to_owned(), licence: licence.to_owned(), complete: false, files: Vec::new() }
    }

    /// Says something of one file, instead of what it said before.
    pub fn set(&mut self, file: LockedFile) {
        self.files.retain(|known| known.path != file.path);
        self.files.push(file);
    }

    /// The next pull fetches the file again.
    pub fn mark_damaged(&mut self, path: &str) {
        self.files.iter_mut().filter(|file| file.path == path).for_each(|file| file.damaged = true);
    }

    /// What it says of one file.
    pub fn file(&self, path: &str) -> Option<&LockedFile> {
        self.files.iter().find(|file| file.path == path)
    }
}
