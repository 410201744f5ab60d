//! A model's folder on disk: parts come in under `.work`, are hashed, synced and renamed into place. Knows no source.

use crate::adapters::models::ModelsError;
use crate::adapters::models::progress::Meter;
use sha2::Digest;
use sha2::Sha256;
use std::fs::File;
use std::fs::TryLockError;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

const WORK: &str = ".work";
/// Left free for everything else on the disk.
const RESERVE_BYTES: u64 = 256 << 20;

/// A model's folder, held by this process alone for as long as this lives.
pub(super) struct Place {
    directory: PathBuf,
    work: PathBuf,
    _held: File,
}

/// What a file turned out to be.
pub(super) struct Measured {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Place {
    /// Makes the folder and holds it, unless another pull of the same model does.
    pub(super) fn try_hold(models: &Path, name: &str) -> Result<Option<Self>, ModelsError> {
        let (directory, path, held) = Self::handle(models, name)?;
        match held.try_lock() {
            Ok(()) => Self::made(directory, held).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ModelsError::disk("lock", &path)(error)),
        }
    }

    /// The same, waiting for other pulls of the same model to end.
    pub(super) fn hold(models: &Path, name: &str) -> Result<Self, ModelsError> {
        let (directory, path, held) = Self::handle(models, name)?;
        held.lock().map_err(ModelsError::disk("lock", &path))?;
        Self::made(directory, held)
    }

    fn handle(models: &Path, name: &str) -> Result<(PathBuf, PathBuf, File), ModelsError> {
        let directory = models.join(name);
        std::fs::create_dir_all(&directory).map_err(ModelsError::disk("create", &directory))?;
        let path = directory.join(".pull");
        let held = File::create(&path).map_err(ModelsError::disk("create", &path))?;
        Ok((directory, path, held))
    }

    fn made(directory: PathBuf, held: File) -> Result<Self, ModelsError> {
        let work = directory.join(WORK);
        std::fs::create_dir_all(&work).map_err(ModelsError::disk("create", &work))?;
        Ok(Self { directory, work, _held: held })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where half-fetched files are.
    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    /// Where a file is once it is whole.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// Bytes of files that an earlier pull began.
    pub(super) fn half_fetched(&self) -> u64 {
        let entries = std::fs::read_dir(&self.work).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| length(&entry.path())).sum()
    }

    /// Refuses when `needed` bytes would fill the disk.
    pub(super) fn needs(&self, needed: u64) -> Result<(), ModelsError> {
        let disk = rustix::fs::statvfs(&self.directory);
        let disk =
            disk.map_err(|error| ModelsError::disk("ask the size of", &self.directory)(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = needed.saturating_add(RESERVE_BYTES);
        if needed > free {
            return Err(ModelsError::NoSpace { directory: self.directory.clone(), needed, free });
        }
        Ok(())
    }

    /// Puts a whole part in its place, durably.
    pub(super) fn settle(&self, part: &Path, path: &str) -> Result<(), ModelsError> {
        let target = self.file(path);
        let settle = || {
            File::open(part)?.sync_all()?;
            std::fs::rename(part, &target)?;
            File::open(&self.directory)?.sync_all()
        };
        settle().map_err(ModelsError::disk("write", &target))
    }

    /// Throws away what is half-fetched.
    pub(super) fn clear_work(&self) -> Result<(), ModelsError> {
        match std::fs::remove_dir_all(&self.work) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ModelsError::disk("remove", &self.work)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Bytes of a file; 0 when there is none.
pub(super) fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), ModelsError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ModelsError::disk("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Reads a file whole. Blocking, about a second a gigabyte.
pub(super) fn measure(path: &Path, meter: &mut Meter) -> Result<Measured, ModelsError> {
    let mut file = File::open(path).map_err(ModelsError::disk("open", path))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(ModelsError::disk("read", path))?;
        if read == 0 {
            return Ok(Measured { bytes, sha256: hex::encode(digest.finalize()) });
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
        meter.set(bytes);
    }
}
