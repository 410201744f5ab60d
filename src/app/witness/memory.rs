//! What a witness saw: a file for each log with the newest checkpoint that it signed, and its own key. Knows no HTTP.

use anyhow::Context;
use anyhow::bail;
use ledger::Policy;
use ledger::Purpose;
use ledger::SignedCheckpoint;
use ledger::SignerKey;
use ledger::TreeHead;
use rustix::fs::FlockOperation;
use sha2::Digest;
use sha2::Sha256;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// A folder that one witness holds.
pub(super) struct Memory {
    folder: PathBuf,
    _lock: File,
}

impl Memory {
    /// Makes the folder if needed and takes it for this process.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot use `{}`", folder.display()))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another witness uses `{}`: stop it, or choose another --state", folder.display());
        }
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// The witness's own key, made at the first start.
    pub(super) fn key(&self, name: &str) -> anyhow::Result<SignerKey> {
        let path = self.folder.join("key");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let key = SignerKey::parse(text.trim()).with_context(|| format!("`{}`", path.display()))?;
                if key.verifier().name() != name {
                    bail!("this witness's key is named `{}`, not `{name}`", key.verifier().name());
                }
                Ok(key)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = SignerKey::generate(name, Purpose::Witness)
                    .context("--name is a name without white space and plus")?;
                write(&path, &format!("{}\n", key.to_secret_text()))?;
                Ok(key)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    /// The head of the newest checkpoint of this log that was signed here; none before the first.
    pub(super) fn seen(&self, origin: &str, logs: &Policy) -> anyhow::Result<Option<TreeHead>> {
        let path = self.path(origin);
        let note = match std::fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let signed = SignedCheckpoint::parse(&note).with_context(|| format!("`{}`", path.display()))?;
        let trusted = logs.check(&signed).with_context(|| format!("`{}`", path.display()))?;
        Ok(Some(*trusted.head()))
    }

    /// Keeps a checkpoint, durably.
    pub(super) fn keep(&self, origin: &str, note: &str) -> anyhow::Result<()> {
        write(&self.path(origin), note)
    }

    /// Origins have slashes and dots: the file is named after their digest.
    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", hex::encode(Sha256::digest(origin))))
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        let partial = path.with_extension("new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        // The name is durable when its folder is.
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().with_context(|| format!("cannot write `{}`", path.display()))
}
