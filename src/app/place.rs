//! The data directory as one process's own: a lock, the node's name, the master key of sealed content.

use crate::app::master_key;
use crate::config::Config;
use anyhow::Context;
use anyhow::bail;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

/// How long a start waits for the directory.
const PATIENCE: Duration = Duration::from_secs(5);

/// A data directory that this process holds.
pub(super) struct Place {
    /// Names this place in the log and in leases; the same after a restart.
    pub(super) node: String,
    /// Wraps the keys of sealed content.
    pub(super) master_key: [u8; 32],
    _lock: File,
}

impl Place {
    /// Makes the directory if needed and takes it for this process.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be used.
    pub(super) fn take(config: &Config) -> anyhow::Result<Self> {
        let directory = &config.data.dir;
        let keys = directory.join("keys");
        // Others may pass through to the database's folder, whose owner is another user; only ours may look.
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(directory)?;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&keys)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(directory.join("lock"))?;
        if !hold(&lock) {
            bail!("another docent uses `{}`: stop it, or set DOCENT__DATA__DIR", directory.display());
        }
        let master_key = master_key::find(config, |fresh| kept(&keys.join("master"), fresh))?;
        Ok(Self { node: node(&keys)?, master_key, _lock: lock })
    }
}

/// Locks the file. A process that was just killed may leave a child that has not become another program yet, and holds the
/// lock so long: a start right after `kill -9` waits for it.
fn hold(lock: &File) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        if rustix::fs::flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn node(keys: &Path) -> anyhow::Result<String> {
    let made = uuid::Uuid::new_v4().to_string();
    kept(&keys.join("node"), &made)
}

/// What the file holds; `fresh` is written first when there is none.
fn kept(path: &Path, fresh: &str) -> anyhow::Result<String> {
    if !path.exists() {
        let partial = path.with_extension("new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&partial)?;
        writeln!(file, "{fresh}")?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_while_held(held: &str) -> anyhow::Result<Place> {
        let directory = tempfile::tempdir().unwrap();
        let lock = directory.path().join("lock");
        let mut holder = std::process::Command::new("flock")
            .arg("--no-fork")
            .arg(&lock)
            .args(["sleep", held])
            .spawn()
            .unwrap();
        let is_held = || {
            let file = File::open(&lock).ok();
            file.is_some_and(|file| {
                rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
            })
        };
        while !is_held() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut config = Config::from_layers(None, &std::collections::BTreeMap::new()).unwrap();
        config.data.dir = directory.path().to_owned();
        let taken = Place::take(&config);
        holder.kill().unwrap();
        holder.wait().unwrap();
        taken
    }

    #[test]
    fn a_directory_is_waited_for_but_not_for_long() {
        assert!(take_while_held("1").is_ok());
        let refused = take_while_held("60").err().unwrap().to_string();
        assert!(refused.starts_with("another docent uses"), "{refused}");
    }
}
