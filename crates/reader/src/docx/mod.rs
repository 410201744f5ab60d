//! Word documents (ISO/IEC 29500-1, `WordprocessingML`): the text with the numbers that Word prints before paragraphs,
//! which most readers lose and every citation of a clause needs. Knows no page: where pages break is only known to
//! whoever lays the text out.

mod body;
mod notes;
mod numbering;
mod styles;
mod table;

use crate::docx::body::Block;
use crate::docx::body::Lost;
use crate::docx::body::Parts;
use crate::docx::numbering::Numbering;
use crate::docx::styles::Styles;
use crate::error::ReadError;
use crate::manuscript::Manuscript;
use crate::office::package::Package;
use crate::office::properties;
use crate::office::relationships;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use crate::parsed::Warning;
use crate::parsed::WarningCode;

/// Where the main part is when no relationship says.
const MAIN: &str = "word/document.xml";

/// Reads a Word document as text on one page.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let mut package = Package::open(bytes, options)?;
    let main = relationships::main_part(&mut package, MAIN)?;
    let text = package.part(&main)?.ok_or_else(|| ReadError::Damaged { detail: format!("no `{main}`") })?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut beside = |name: &str| package.part(&format!("{folder}/{name}"));
    let parts = Parts {
        styles: beside("styles.xml")?.map(|part| Styles::read(&part)).transpose()?.unwrap_or_default(),
        numbering: beside("numbering.xml")?
            .map(|part| Numbering::read(&part))
            .transpose()?
            .unwrap_or_default(),
        footnotes: beside("footnotes.xml")?.map(|part| notes::read(&part)).transpose()?.unwrap_or_default(),
        endnotes: beside("endnotes.xml")?.map(|part| notes::read(&part)).transpose()?.unwrap_or_default(),
        comments: beside("comments.xml")?.map(|part| notes::read(&part)).transpose()?.unwrap_or_default(),
    };
    let title = properties::title(&mut package);
    let (blocks, lost) = body::read(&text, parts)?;
    assemble(blocks, &lost, title, options)
}

/// Joins blocks by empty lines.
fn assemble(
    blocks: Vec<Block>,
    lost: &Lost,
    title: Option<String>,
    options: &ReadOptions,
) -> Result<Parsed, ReadError> {
    let printed = blocks.iter().find(|block| block.is_title).map(|block| block.text.clone());
    let mut manuscript = Manuscript::new(options);
    manuscript.page(None);
    for block in blocks {
        manuscript.block(&block.text, block.heading)?;
    }
    manuscript.finish(Format::Docx, title.or(printed), warnings(lost))
}

fn warnings(lost: &Lost) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let Lost { deletions, insertions, pictures } = lost;
    if deletions + insertions > 0 {
        let detail = format!(
            "the file has tracked changes: {insertions} insertions are part of the text, {deletions} deletions are not"
        );
        warnings.push(Warning { code: WarningCode::TrackedChanges, page: None, detail });
    }
    if *pictures > 0 {
        let detail = format!("{pictures} pictures are not read; text in them cannot be found");
        warnings.push(Warning { code: WarningCode::PicturesNotRead, page: None, detail });
    }
    warnings
}

#[cfg(test)]
mod tests;
