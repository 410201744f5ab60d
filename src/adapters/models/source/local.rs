//! Files that an operator brought along: `<models.local_source>/<model>/<file>`. Knows no network.

use crate::adapters::models::ModelsError;
use crate::adapters::models::source::Fetched;
use crate::adapters::models::source::Wanted;
use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Where an operator puts the files of a model.
pub(in crate::adapters::models) fn folder_of(root: &Path, model: &str) -> PathBuf {
    root.join(model)
}

pub(super) async fn fetch(root: &Path, wanted: &Wanted<'_>) -> Result<Option<Fetched>, ModelsError> {
    let file = wanted.file;
    let path = folder_of(root, wanted.model).join(&file.path);
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
    if file.bytes.is_some_and(|bytes| bytes != metadata.len()) {
        let detail = format!("has {} bytes, not {}", metadata.len(), file.bytes.unwrap_or_default());
        return Err(ModelsError::source(path.display().to_string(), detail));
    }
    wanted.place.needs(metadata.len())?;
    let part = wanted.place.work().join(format!("{}.local.part", file.path));
    let mut meter =
        wanted.progress.meter(&format!("{} from {}", file.path, root.display()), Some(metadata.len()));
    let (from, to) = (path.clone(), part.clone());
    let copy = tokio::task::spawn_blocking(move || {
        let mut source = File::open(&from).map_err(ModelsError::disk("open", &from))?;
        let mut target = File::create(&to).map_err(ModelsError::disk("create", &to))?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = source.read(&mut buffer).map_err(ModelsError::disk("read", &from))?;
            if read == 0 {
                return Ok(());
            }
            target.write_all(&buffer[..read]).map_err(ModelsError::disk("write", &to))?;
            meter.add(read as u64);
        }
    });
    copy.await.expect("copying does not panic")?;
    Ok(Some(Fetched { part, origin: path.display().to_string(), announced_sha256: None }))
}
