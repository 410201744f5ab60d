//! File bytes in; pages, positioned text, headings, warnings and page images out.
//!
//! [`read`] turns one file into [`Parsed`]: the text, the pages as spans of it, and for PDF a box for every word.
//! [`render`] paints one PDF page with highlights, [`recognise`] reads pages that are pictures, [`unpack`] takes an
//! archive of files apart. All work on hostile bytes within stated bounds, and are meant
//! to run in the child process of [`child`], whose limits hold where bounds in this code cannot.
//!
//! This crate knows no database, no collection, no network and no file names.

mod archive;
pub mod child;
mod detect;
mod docx;
mod email;
mod error;
mod highlight;
mod html;
mod manuscript;
mod markdown;
mod merge;
mod numerals;
mod ocr;
mod office;
mod options;
mod parsed;
mod pdf;
mod pptx;
mod table;
mod text;
mod xlsx;

pub use archive::Member;
pub use archive::unpack;
pub use detect::detect;
pub use detect::is_archive;
pub use error::ReadError;
pub use highlight::rects_for;
pub use ocr::OcrError;
pub use ocr::OcrModels;
pub use options::ReadOptions;
pub use options::RecogniseRequest;
pub use options::RenderRequest;
pub use options::UnpackOptions;
pub use parsed::Format;
pub use parsed::Heading;
pub use parsed::HiddenReason;
pub use parsed::HiddenText;
pub use parsed::Page;
pub use parsed::Parsed;
pub use parsed::Recognised;
pub use parsed::RecognisedPage;
pub use parsed::Rect;
pub use parsed::Span;
pub use parsed::Table;
pub use parsed::Warning;
pub use parsed::WarningCode;
pub use parsed::Word;

/// Reads a file of any known format.
///
/// # Errors
/// Says in [`ReadError`] why nothing of the file can be used; faults that cost only a part are warnings.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    match detect(bytes)? {
        Format::Pdf => pdf::read(bytes, options),
        Format::Markdown => markdown::read(bytes, options),
        Format::Text => text::read(bytes, options),
        Format::Docx => docx::read(bytes, options),
        Format::Xlsx => xlsx::read(bytes, options),
        Format::Pptx => pptx::read(bytes, options),
        Format::Html => html::read(bytes, options),
        Format::Email => email::read(bytes, options),
    }
}

/// Paints one page of a PDF as a PNG, with the requested boxes marked in yellow.
///
/// # Errors
/// [`ReadError::NotRenderable`] for other formats, [`ReadError::NoSuchPage`], and the faults of opening the file.
pub fn render(bytes: &[u8], request: &RenderRequest) -> Result<Vec<u8>, ReadError> {
    match detect(bytes)? {
        Format::Pdf => pdf::render(bytes, request),
        format @ (Format::Markdown
        | Format::Text
        | Format::Docx
        | Format::Xlsx
        | Format::Pptx
        | Format::Html
        | Format::Email) => Err(ReadError::NotRenderable { format }),
    }
}

/// Recognises the text of pages of a PDF in their pictures; one page is returned for each asked for, in that order.
///
/// [`Parsed::with_recognised`] puts them in their places. Takes some ten seconds of CPU time a page.
///
/// # Errors
/// [`ReadError::NotRenderable`] for other formats, [`ReadError::NoSuchPage`], [`ReadError::RecognitionFailed`], and the
/// faults of opening the file.
pub fn recognise(
    bytes: &[u8],
    request: &RecogniseRequest,
    models: &OcrModels,
) -> Result<Vec<RecognisedPage>, ReadError> {
    match detect(bytes)? {
        Format::Pdf => pdf::recognise(bytes, request, models),
        format @ (Format::Markdown
        | Format::Text
        | Format::Docx
        | Format::Xlsx
        | Format::Pptx
        | Format::Html
        | Format::Email) => Err(ReadError::NotRenderable { format }),
    }
}
