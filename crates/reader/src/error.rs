//! Why a file cannot be read, in words for the person who uploaded it. Knows no status codes.

use crate::parsed::Format;
use serde::Deserialize;
use serde::Serialize;

/// Why nothing of a file can be used. All but [`ReadError::RecognitionFailed`] are faults of the file or the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReadError {
    /// The file has no bytes, or only white space.
    #[error("the file is empty")]
    #[serde(rename = "empty_file")]
    Empty,
    /// The bytes are of no format that can be read.
    #[error(
        "this is {found}, which cannot be read; upload a PDF, a Word document (DOCX), an Excel workbook (XLSX), a PowerPoint presentation (PPTX), a web page (HTML), an e-mail (EML), Markdown or plain text"
    )]
    UnknownFormat {
        /// What the bytes look like, with its article.
        found: String,
    },
    /// A password is needed and none was given.
    #[error("the PDF is protected by a password; give the password or upload a copy without one")]
    Encrypted,
    /// The password does not open the file.
    #[error("the password does not open this PDF")]
    WrongPassword,
    /// The file is broken beyond repair.
    #[error("the file is damaged and could not be repaired: {detail}")]
    Damaged {
        /// What could not be read.
        detail: String,
    },
    /// No page holds text.
    #[error("no text was found on any of the {pages} pages; the file is probably a scan")]
    NoText {
        /// How many pages were looked at.
        pages: u32,
    },
    /// The file has more pages than allowed.
    #[error("the file has {pages} pages, more than the {limit} allowed")]
    TooManyPages {
        /// How many it has.
        pages: u32,
        /// How many are allowed.
        limit: u32,
    },
    /// The file, or its text, is larger than allowed.
    #[error("the file holds more than the {limit} {unit} allowed")]
    TooLarge {
        /// How much is allowed.
        limit: u64,
        /// What is counted: `characters` or `bytes`.
        unit: String,
    },
    /// The page to paint does not exist.
    #[error("there is no page {page}: the file has {pages}")]
    NoSuchPage {
        /// The page asked for.
        page: u32,
        /// How many there are.
        pages: u32,
    },
    /// Only PDF pages can be painted.
    #[error("only pages of a PDF can be shown as images, and this file is {}", .format.media_type())]
    NotRenderable {
        /// What the file is.
        format: Format,
    },
    /// The models that recognise text are missing or failed; no fault of the file.
    #[error("the text of the pages could not be recognised: {detail}")]
    RecognitionFailed {
        /// What is missing or failed.
        detail: String,
    },
    /// A file of an archive has a password of its own.
    #[error("this file is locked in the archive; upload it on its own, unlocked")]
    EncryptedMember,
    /// A file of an archive is packed in a way that is not read.
    #[error(
        "this file is packed by {method}, which is not read; pack the archive anew, or upload the file on its own"
    )]
    UnsupportedMember {
        /// The way's name.
        method: String,
    },
    /// An archive in an archive.
    #[error("this is an archive within an archive, which is not unpacked; upload it on its own")]
    NestedArchive,
    /// An archive holds more files than allowed.
    #[error("the archive holds more than the {limit} files allowed")]
    TooManyMembers {
        /// How many are allowed.
        limit: usize,
    },
    /// The files of an archive are more bytes than allowed; this one was beyond.
    #[error("the archive unpacks to more than the {limit} bytes allowed, and this file was left out")]
    ArchiveTooLarge {
        /// How many are allowed.
        limit: u64,
    },
    /// An archive holds no files.
    #[error("the archive holds no files")]
    EmptyArchive,
    /// Reading takes more work than any honest file of its size.
    #[error("reading the file takes more work than is allowed: {detail}")]
    OutOfBudget {
        /// Which bound was reached.
        detail: String,
    },
}

impl ReadError {
    /// Returns the stable name of the error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ReadError::Empty => "empty_file",
            ReadError::UnknownFormat { .. } => "unknown_format",
            ReadError::Encrypted => "encrypted",
            ReadError::WrongPassword => "wrong_password",
            ReadError::Damaged { .. } => "damaged",
            ReadError::NoText { .. } => "no_text",
            ReadError::TooManyPages { .. } => "too_many_pages",
            ReadError::TooLarge { .. } => "too_large",
            ReadError::NoSuchPage { .. } => "no_such_page",
            ReadError::NotRenderable { .. } => "not_renderable",
            ReadError::RecognitionFailed { .. } => "recognition_failed",
            ReadError::EncryptedMember => "encrypted_member",
            ReadError::UnsupportedMember { .. } => "unsupported_member",
            ReadError::NestedArchive => "nested_archive",
            ReadError::TooManyMembers { .. } => "too_many_members",
            ReadError::ArchiveTooLarge { .. } => "archive_too_large",
            ReadError::EmptyArchive => "empty_archive",
            ReadError::OutOfBudget { .. } => "out_of_budget",
        }
    }
}
