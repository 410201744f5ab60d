//! The thread that moves blocks between memory and disk, so that the engine never waits for a file. Knows no cache.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;

use super::disk::Disk;
use super::shelf::Shelf;
use crate::blocks::Name;
use crate::error::EngineError;

/// What the thread is asked to do; it ends with the last sender.
pub(super) enum Command {
    /// There is too much in memory.
    Tidy,
    /// These blocks are wanted in memory, as far as the first of them are there; not if everything was forgotten since: until
    /// this thread hears of that, the files are still there.
    Read { names: Box<[Name]>, generation: u64 },
    /// Everything was forgotten.
    Forget,
}

struct Keeper {
    disk: Disk,
    shelf: Arc<Mutex<Shelf>>,
}

/// Starts the thread, with room for `depth` commands.
pub(super) fn start(
    directory: &Path,
    disk_bytes: u64,
    shelf: Arc<Mutex<Shelf>>,
    depth: usize,
) -> Result<SyncSender<Command>, EngineError> {
    let internal = |error: io::Error| {
        EngineError::Internal(format!("the directory `{}` cannot keep KV: {error}", directory.display()))
    };
    let mut keeper = Keeper { disk: Disk::open(directory, disk_bytes).map_err(internal)?, shelf };
    let (sender, commands) = sync_channel(depth);
    let thread = std::thread::Builder::new().name("engine-vault".into());
    let run = move || {
        for command in commands {
            if let Err(error) = keeper.obey(command) {
                tracing::warn!(%error, "the engine's vault cannot use its directory");
            }
        }
    };
    thread.spawn(run).map_err(|error| EngineError::Internal(format!("no thread: {error}")))?;
    Ok(sender)
}

impl Keeper {
    fn obey(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Tidy => self.tidy(),
            Command::Read { names, generation } => self.read(&names, generation),
            Command::Forget => self.disk.forget(),
        }
    }

    fn tidy(&mut self) -> io::Result<()> {
        loop {
            let (generation, surplus) = self.with(|shelf| (shelf.generation(), shelf.surplus()));
            let Some((label, kv)) = surplus else { return Ok(()) };
            let written = self.disk.write(&label, &kv);
            self.with(|shelf| {
                // forgotten meanwhile: the file goes with the next command
                if shelf.generation() == generation {
                    shelf.remove(label.name);
                    shelf.note_disk(label.name, written.is_ok());
                    for gone in written.iter().flatten() {
                        shelf.note_disk(*gone, false);
                    }
                }
            });
            written?;
        }
    }

    fn read(&mut self, names: &[Name], generation: u64) -> io::Result<()> {
        let mut left = self.with(|shelf| shelf.bound());
        for name in names {
            let (now, there) = self.with(|shelf| (shelf.generation(), shelf.has(*name)));
            if now != generation {
                return Ok(());
            }
            if there {
                continue;
            }
            let read = self.disk.read(*name);
            let Ok(Some((label, kv))) = read else {
                self.with(|shelf| shelf.note_disk(*name, false));
                return read.map(|_| ());
            };
            if kv.len() > left {
                break;
            }
            left -= kv.len();
            self.with(|shelf| shelf.put(generation, label, kv));
        }
        self.with(|shelf| shelf.touch(names));
        self.tidy()
    }

    fn with<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        look(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
