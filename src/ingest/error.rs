//! Why a file was not taken, not read or not shown; and what the worker does about it. Knows no status code.

use crate::audit::AuditError;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Fault;
use crate::domain::Faulty;
use crate::domain::JobId;
use crate::domain::UploadId;
use crate::domain::Warning;
use crate::ports::ModelError;
use crate::ports::StoreError;
use reader::ReadError;
use std::time::Duration;

/// When to try again a store that does not answer.
const STORE_RETRY: Duration = Duration::from_secs(5);
/// When to try again an upload that another request writes to.
const HELD_RETRY: Duration = Duration::from_secs(3);
/// When to try again an upload when there are too many.
const OPEN_RETRY: Duration = Duration::from_mins(1);
/// When to try again a page image.
const RENDER_RETRY: Duration = Duration::from_secs(2);

/// Why a document did not come in, go out or show a page.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Not there, or not readable.
    #[error("there is no collection `{0}`")]
    NoCollection(CollectionId),
    /// Readable, but not writable.
    #[error("you may read this collection, but not add to it or delete from it")]
    NotWritable,
    /// Not there, or not readable.
    #[error("there is no document `{0}`")]
    NoDocument(DocumentId),
    /// The document is there, the page or version is not.
    #[error("this version of the document has no page {0}")]
    NoSuchPage(u32),
    /// Its format has no pages to paint.
    #[error(
        "only a PDF has page images; the page's `view` shows this document: `/api/v1/documents/{{id}}/pages/{{n}}/view`"
    )]
    NoPageImage,
    /// Larger than `http.max_upload_bytes`.
    #[error("the file has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Of the file.
        bytes: usize,
        /// Allowed.
        limit: usize,
    },
    /// Not there, or another's.
    #[error("there is no upload `{0}`; it may have expired")]
    NoUpload(UploadId),
    /// Another request writes to it.
    #[error("another request writes to this upload; try again soon")]
    UploadHeld,
    /// This user has too many open ones.
    #[error(
        "you have {most} uploads that are not finished; finish one, delete one, or wait until one expires"
    )]
    TooManyUploads {
        /// Allowed.
        most: u32,
    },
    /// It came in too many pieces.
    #[error("an upload takes at most {most} pieces; send larger ones")]
    TooManyPieces {
        /// Allowed.
        most: i64,
    },
    /// Empty once trimmed, or too long.
    #[error("a title has 1 to {limit} characters")]
    InvalidTitle {
        /// Allowed.
        limit: usize,
    },
    /// The file's own fault.
    #[error(transparent)]
    File(#[from] ReadError),
    /// It holds text, but nothing to find.
    #[error("the file holds no text, only white space")]
    OnlyWhiteSpace,
    /// The reader did not end in time, by the clock.
    #[error("reading the file took too long (at most {seconds} s are allowed)")]
    ReaderTimeout {
        /// Allowed.
        seconds: u64,
    },
    /// The reader used up its CPU time.
    #[error("reading the file takes more than the {seconds} s of CPU time allowed")]
    ReaderOutOfCpu {
        /// Allowed.
        seconds: u64,
    },
    /// The reader wanted more memory than it may have.
    #[error("reading the file needs more memory than is allowed")]
    ReaderOutOfMemory,
    /// The reader died of the file.
    #[error("the reader crashed on the file")]
    ReaderCrashed {
        /// Signal or exit code; for the log.
        detail: String,
    },
    /// The reader could not be started or said nonsense.
    #[error("the reader could not be run: {detail}")]
    ReaderBroken {
        /// For the log.
        detail: String,
    },
    /// Too many page images are being painted.
    #[error("too many page images are being painted at the moment")]
    RenderBusy,
    /// The row is there, its file is not.
    #[error("the stored file is missing; upload it again")]
    FileLost,
    /// Rows are gone and nobody can see it, but something of it could not be erased yet.
    #[error("the document is deleted and cannot be found any more, but erasing its data is not finished")]
    NotErased,
    /// Not there, or not readable.
    #[error("there is no job `{0}`")]
    NoJob(JobId),
    /// It came to its end.
    #[error("the job is over")]
    JobOver,
    /// It waits or runs.
    #[error("the job is not over yet; stop it first")]
    JobNotOver,
    /// A newer one is there.
    #[error("the job was begun again before, or a newer one of its version is there")]
    JobReplaced,
    /// A user ended the job.
    #[error("the job was stopped")]
    Stopped,
    /// Another worker has the job, or the document was deleted.
    #[error("the job is in other hands or its document was deleted")]
    LeaseLost,
    /// The service stops.
    #[error("the service was stopped meanwhile")]
    Interrupted,
    /// A part of the pipeline panicked.
    #[error("the pipeline failed at {0}")]
    Panicked(&'static str),
    /// Postgres, the index or the blobs.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The embedder.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The log.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl Faulty for IngestError {
    fn fault(&self) -> Fault {
        match self {
            Self::NoCollection(_)
            | Self::NoDocument(_)
            | Self::NoJob(_)
            | Self::NoUpload(_)
            | Self::NoSuchPage(_)
            | Self::FileLost => Fault::Missing,
            Self::UploadHeld => Fault::Locked { retry_after: HELD_RETRY },
            Self::TooManyUploads { .. } => Fault::TooMany { retry_after: OPEN_RETRY },
            Self::NotWritable => Fault::Denied,
            Self::NoPageImage => Fault::Unsupported,
            Self::TooLarge { .. } => Fault::TooLarge,
            Self::File(error) => file_fault(error),
            Self::InvalidTitle { .. }
            | Self::OnlyWhiteSpace
            | Self::TooManyPieces { .. }
            | Self::ReaderTimeout { .. }
            | Self::ReaderOutOfCpu { .. }
            | Self::ReaderOutOfMemory
            | Self::ReaderCrashed { .. } => Fault::Invalid,
            Self::RenderBusy => Fault::Overload { retry_after: RENDER_RETRY },
            Self::JobOver | Self::JobNotOver | Self::JobReplaced | Self::Stopped | Self::LeaseLost => {
                Fault::Conflict
            }
            Self::NotErased | Self::Interrupted => Fault::Unavailable { retry_after: STORE_RETRY },
            Self::ReaderBroken { .. } | Self::Panicked(_) => Fault::Ours,
            Self::Store(error) => store_fault(error),
            Self::Model(error) => model_fault(error),
            Self::Audit(error) => error.fault(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoCollection(_) => "collection_not_found",
            Self::NotWritable => "not_writable",
            Self::NoDocument(_) => "document_not_found",
            Self::NoUpload(_) => "upload_not_found",
            Self::UploadHeld => "upload_in_use",
            Self::TooManyUploads { .. } => "too_many_uploads",
            Self::TooManyPieces { .. } => "too_many_pieces",
            Self::NoSuchPage(_) => "page_not_found",
            Self::NoPageImage => "no_page_image",
            Self::TooLarge { .. } => "too_large",
            Self::InvalidTitle { .. } => "invalid_title",
            Self::File(error) => error.code(),
            Self::OnlyWhiteSpace => "no_text",
            Self::ReaderTimeout { .. } => "reader_timeout",
            Self::ReaderOutOfCpu { .. } => "reader_out_of_cpu",
            Self::ReaderOutOfMemory => "reader_out_of_memory",
            Self::ReaderCrashed { .. } => "reader_crashed",
            Self::ReaderBroken { .. } => "reader_broken",
            Self::RenderBusy => "render_busy",
            Self::FileLost => "file_lost",
            Self::NotErased => "not_erased",
            Self::NoJob(_) => "job_not_found",
            Self::JobOver => "job_over",
            Self::JobNotOver => "job_not_over",
            Self::JobReplaced => "job_replaced",
            Self::Stopped => "stopped",
            Self::LeaseLost => "lease_lost",
            Self::Interrupted => "interrupted",
            Self::Panicked(_) => "internal",
            Self::Store(error) => store_code(error),
            Self::Model(error) => model_code(error),
            Self::Audit(error) => error.code(),
        }
    }
}

fn file_fault(error: &ReadError) -> Fault {
    match error.code() {
        "unknown_format" | "not_renderable" | "nested_archive" | "unsupported_member" => Fault::Unsupported,
        "too_large" | "too_many_pages" | "too_many_members" | "archive_too_large" => Fault::TooLarge,
        "no_such_page" => Fault::Missing,
        _ => Fault::Invalid,
    }
}

fn store_fault(error: &StoreError) -> Fault {
    match error {
        StoreError::Unavailable { .. } => Fault::Unavailable { retry_after: STORE_RETRY },
        StoreError::Conflict { .. } => Fault::Conflict,
        StoreError::Missing { .. } => Fault::Missing,
        StoreError::Corrupt { .. } => Fault::Ours,
    }
}

const fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { .. } => "store_unavailable",
        StoreError::Conflict { .. } => "conflict",
        StoreError::Missing { .. } => "not_found",
        StoreError::Corrupt { .. } => "internal",
    }
}

fn model_fault(error: &ModelError) -> Fault {
    match error {
        ModelError::TooLong { .. } | ModelError::Failed(_) => Fault::Ours,
        ModelError::Busy { retry_after, .. } => Fault::Overload { retry_after: *retry_after },
        ModelError::Stopped => Fault::Unavailable { retry_after: STORE_RETRY },
    }
}

const fn model_code(error: &ModelError) -> &'static str {
    match error {
        ModelError::TooLong { .. } => "model_too_long",
        ModelError::Busy { .. } => "model_busy",
        ModelError::Stopped => "model_stopped",
        ModelError::Failed(_) => "model_failed",
    }
}

/// What the worker does after an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The file will never do: fail for good.
    GiveUp,
    /// Try once more, then it counts as the file's fault.
    RetryOnce,
    /// Try again later, as often as the job allows.
    Retry,
    /// Give the job back for another worker to take at once.
    GiveBack,
    /// The job is not ours any more: touch nothing.
    LetGo,
}

impl IngestError {
    /// Says what the worker does about it.
    pub(super) const fn remedy(&self) -> Remedy {
        match self {
            Self::File(_)
            | Self::OnlyWhiteSpace
            | Self::NoCollection(_)
            | Self::NotWritable
            | Self::NoDocument(_)
            | Self::NoUpload(_)
            | Self::UploadHeld
            | Self::TooManyUploads { .. }
            | Self::TooManyPieces { .. }
            | Self::NoSuchPage(_)
            | Self::NoPageImage
            | Self::TooLarge { .. }
            | Self::InvalidTitle { .. }
            | Self::NoJob(_)
            | Self::JobOver
            | Self::JobNotOver
            | Self::JobReplaced
            | Self::FileLost => Remedy::GiveUp,
            Self::ReaderTimeout { .. }
            | Self::ReaderOutOfCpu { .. }
            | Self::ReaderOutOfMemory
            | Self::ReaderCrashed { .. } => Remedy::RetryOnce,
            Self::ReaderBroken { .. }
            | Self::RenderBusy
            | Self::NotErased
            | Self::Panicked(_)
            | Self::Store(_)
            | Self::Model(_)
            | Self::Audit(_) => Remedy::Retry,
            Self::Interrupted => Remedy::GiveBack,
            Self::Stopped | Self::LeaseLost => Remedy::LetGo,
        }
    }

    /// The reason as the uploader reads it: a stable code and a sentence, without anything of our insides.
    pub(super) fn reason(&self) -> Warning {
        let detail = match self {
            Self::Store(_) => "a database of the service did not answer as it should".to_owned(),
            Self::Model(_) => "the embedding model did not answer as it should".to_owned(),
            Self::Audit(_) => "the audit log did not take the record of this document".to_owned(),
            Self::ReaderBroken { .. } | Self::Panicked(_) => {
                "the service failed to process the file".to_owned()
            }
            Self::NoCollection(_)
            | Self::NotWritable
            | Self::NoDocument(_)
            | Self::NoUpload(_)
            | Self::UploadHeld
            | Self::TooManyUploads { .. }
            | Self::TooManyPieces { .. }
            | Self::NoSuchPage(_)
            | Self::NoPageImage
            | Self::TooLarge { .. }
            | Self::InvalidTitle { .. }
            | Self::File(_)
            | Self::OnlyWhiteSpace
            | Self::ReaderTimeout { .. }
            | Self::ReaderOutOfCpu { .. }
            | Self::ReaderOutOfMemory
            | Self::ReaderCrashed { .. }
            | Self::RenderBusy
            | Self::FileLost
            | Self::NotErased
            | Self::NoJob(_)
            | Self::JobOver
            | Self::JobNotOver
            | Self::JobReplaced
            | Self::Stopped
            | Self::LeaseLost
            | Self::Interrupted => self.to_string(),
        };
        Warning { code: self.code().to_owned(), page: None, detail }
    }
}

/// A write that the claim fenced off.
pub(super) fn fenced(error: StoreError) -> IngestError {
    match error {
        StoreError::Conflict { .. } | StoreError::Missing { .. } => IngestError::LeaseLost,
        StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => IngestError::Store(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_shows_nothing_of_our_insides() {
        let error = IngestError::from(StoreError::Unavailable {
            store: "postgres",
            detail: "connect /var/lib/docent/run/.s.PGSQL.5432".to_owned(),
        });

        let reason = error.reason();

        assert_eq!(reason.code, "store_unavailable");
        assert!(!reason.detail.contains("/var"), "{}", reason.detail);
    }

    #[test]
    fn the_files_own_fault_is_never_tried_again() {
        assert_eq!(IngestError::from(ReadError::Empty).remedy(), Remedy::GiveUp);
        assert_eq!(IngestError::ReaderOutOfMemory.remedy(), Remedy::RetryOnce);
        assert_eq!(IngestError::from(ModelError::Stopped).remedy(), Remedy::Retry);
        assert_eq!(IngestError::LeaseLost.remedy(), Remedy::LetGo);
    }
}
