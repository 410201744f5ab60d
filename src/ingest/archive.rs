//! An upload that is an archive: each file in it that can be read becomes a document of its own, as if it had been sent
//! alone; each that cannot is named with the reason. The archive itself is not kept. Knows no format.

use crate::domain::Accepted;
use crate::domain::Fault;
use crate::domain::Faulty;
use crate::domain::Principal;
use crate::ingest::Ingest;
use crate::ingest::IngestError;
use crate::ingest::Upload;
use crate::ingest::accept;
use crate::ingest::child::Call;
use crate::ingest::unpack::Unpacked;
use crate::ingest::unpack::Unpacking;
use reader::ReadError;
use reader::UnpackOptions;
use std::time::Duration;

/// What became of the files of one upload.
#[derive(Default)]
pub struct Admitted {
    /// Those that were taken, in order.
    pub taken: Vec<Taken>,
    /// Those that were refused: path in the archive, or name, and why.
    pub refused: Vec<(String, IngestError)>,
}

/// A file that was taken.
pub struct Taken {
    /// Its path in the archive, or its name.
    pub file_name: String,
    /// The document it became.
    pub accepted: Accepted,
}

/// Takes a file, or all files of an archive.
///
/// # Errors
/// Why nothing of it was taken, where it is one file, or an archive of which nothing can be had.
#[tracing::instrument(name = "admit", skip_all, fields(collection.id = %upload.collection))]
pub(super) async fn admit(ingest: &Ingest, who: &Principal, upload: Upload) -> Result<Admitted, IngestError> {
    let (is_archive, upload) = examine(upload).await?;
    // A version is one file: an archive of it is a file of a format that cannot be read.
    if !is_archive || upload.document.is_some() {
        let file_name = upload.file_name.clone();
        let accepted = ingest.accept(who, upload).await?;
        return Ok(Admitted { taken: vec![Taken { file_name, accepted }], refused: Vec::new() });
    }
    accept::check_writable(who, upload.collection)?;
    unpack(ingest, who, upload).await
}

/// Off the runtime's threads: to find an archive's directory takes a look at much of it.
async fn examine(upload: Upload) -> Result<(bool, Upload), IngestError> {
    let examined = tokio::task::spawn_blocking(move || (reader::is_archive(&upload.bytes), upload));
    examined.await.map_err(|_| IngestError::Panicked("admit"))
}

async fn unpack(ingest: &Ingest, who: &Principal, archive: Upload) -> Result<Admitted, IngestError> {
    let (parts, limits) = (&ingest.parts, &ingest.parts.reader);
    let options = UnpackOptions {
        max_members: limits.max_archive_members,
        max_member_bytes: parts.max_upload_bytes as u64,
        max_total_bytes: limits.max_archive_bytes,
        max_ratio: limits.max_archive_ratio,
    };
    let call = Call {
        program: &parts.reader_program,
        limits,
        // For each file: what is done with it meanwhile does not count.
        deadline: Duration::from_millis(limits.timeout_ms),
        max_reply: 0,
        models: None,
    };
    let Upload { collection, file_name, bytes, password, .. } = archive;
    let mut unpacking = Unpacking::start(&call, options, bytes)?;
    let mut admitted = Admitted::default();
    loop {
        let Unpacked { path, content } = match unpacking.next().await {
            Ok(Some(member)) => member,
            Ok(None) => break,
            Err(error) if admitted.taken.is_empty() && admitted.refused.is_empty() => return Err(error),
            // What was taken stays; the rest of the archive is refused in its name.
            Err(error) => {
                admitted.refused.push((file_name, error));
                break;
            }
        };
        let path = accept::shown_path(&path);
        let upload = |bytes| Upload {
            collection,
            document: None,
            // A title names one document, not all of them.
            title: None,
            file_name: path.clone(),
            bytes,
            password: password.clone(),
        };
        match member(ingest, who, content.map(upload)).await {
            Ok(accepted) => admitted.taken.push(Taken { file_name: path, accepted }),
            Err(error) => {
                if concerns_one(&error) {
                    admitted.refused.push((path, error));
                    continue;
                }
                // From here on nothing was taken: sending the archive again is harmless and goes on with it.
                admitted.refused.push((format!("{file_name}, from {path} on"), error));
                break;
            }
        }
    }
    let (taken, refused) = (admitted.taken.len(), admitted.refused.len());
    tracing::info!(taken, refused, "an archive is unpacked");
    Ok(admitted)
}

/// A store that does not answer would keep every other file of the archive waiting too.
fn concerns_one(error: &IngestError) -> bool {
    !matches!(error.fault(), Fault::Ours | Fault::Unavailable { .. } | Fault::Overload { .. })
}

async fn member(
    ingest: &Ingest,
    who: &Principal,
    upload: Result<Upload, ReadError>,
) -> Result<Accepted, IngestError> {
    let (is_archive, upload) = examine(upload?).await?;
    if is_archive { Err(ReadError::NestedArchive.into()) } else { ingest.accept(who, upload).await }
}
