//! What was computed of earlier prompts and had to leave the cache, so that a prompt that begins alike need not be read
//! again.
//!
//! ```text
//! cache ── put, when its place is taken ──▶ memory ── the oldest, when it is full ──▶ disk ── the oldest ──▶ gone
//!       ◀──────────── take ────────────────        ◀─ want: a prompt that waits begins with it ─
//! ```
//!
//! A block is known by its [`Name`], which stands for salt and tokens up to its last; what it is said to be is compared
//! all the same before it is used. On disk it is encrypted under a key that only this process's memory holds: after
//! [`Vault::forget`], and after the process, nobody can read it. Knows no cache, no sequence and no device.

mod disk;
mod keeper;
mod shelf;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc::SyncSender;

use self::keeper::Command;
use self::shelf::Shelf;
use crate::blocks::Label;
use crate::blocks::Name;
use crate::error::EngineError;

/// How many commands may wait; what finds no room is left out, it would only have saved time.
const COMMANDS: usize = 64;

/// Where blocks that leave the cache are kept.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    /// Memory for them, in bytes.
    pub memory_bytes: usize,
    /// A directory for those that find no room there; its `*.kv` files are deleted at the start.
    pub directory: Option<PathBuf>,
    /// Room in the directory, in bytes.
    pub disk_bytes: u64,
}

/// The blocks that are kept, and the thread that reads and writes files.
pub(crate) struct Vault {
    shelf: Arc<Mutex<Shelf>>,
    /// To the thread, if there is a directory.
    commands: Option<SyncSender<Command>>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stock {
    pub memory_blocks: usize,
    pub disk_blocks: usize,
}

impl Vault {
    /// An empty vault; files of an earlier one in its directory are deleted.
    ///
    /// # Errors
    /// `Internal` when the directory cannot be used, or there is no thread or no randomness.
    pub(crate) fn open(options: VaultOptions) -> Result<Self, EngineError> {
        let VaultOptions { memory_bytes, directory, disk_bytes } = options;
        let shelf = Arc::new(Mutex::new(Shelf::new(memory_bytes, directory.is_some())));
        let commands = match directory {
            Some(directory) => Some(keeper::start(&directory, disk_bytes, shelf.clone(), COMMANDS)?),
            None => None,
        };
        Ok(Self { shelf, commands })
    }

    /// Keeps a block that leaves the cache.
    pub(crate) fn put(&self, label: Label, kv: Vec<u8>) {
        let mut kept = self.shelf();
        let generation = kept.generation();
        if kept.put(generation, label, kv) {
            drop(kept);
            self.send(Command::Tidy);
        }
    }

    /// Gives a block back that is in memory; a copy on disk stays there.
    pub(crate) fn take(&self, label: &Label) -> Option<Vec<u8>> {
        self.shelf().take(label)
    }

    /// Lets what a prompt begins with be in memory by the time it is read: the names of its blocks.
    pub(crate) fn want(&self, names: &[Name]) {
        let kept = self.shelf();
        let on_disk = names.iter().find(|name| !kept.has(**name)).is_some_and(|name| kept.is_on_disk(*name));
        let generation = kept.generation();
        drop(kept);
        if on_disk {
            self.send(Command::Read { names: names.into(), generation });
        }
    }

    /// Drops everything; what is on disk cannot be read from the keeper's next command on, and is deleted.
    pub(crate) fn forget(&self) {
        self.shelf().forget();
        if let Some(commands) = &self.commands {
            // waits for room: this one must not be left out
            let _ = commands.send(Command::Forget);
        }
    }

    pub(crate) fn stock(&self) -> Stock {
        self.shelf().stock()
    }

    fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            let _ = commands.try_send(command);
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
