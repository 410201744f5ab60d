//! Word documents (ISO/IEC 29500-1, `WordprocessingML`): the text with the numbers that Word prints before paragraphs,
//! which most readers lose and every citation of a clause needs. Knows no page: where pages break is only known to
//! whoever lays the text out.

mod body;
mod control;
mod notes;
mod numbering;
mod revision;
mod run;
mod running;
mod seen;
mod styles;
mod table;

use crate::docx::body::Block;
use crate::docx::body::Parts;
use crate::docx::numbering::Numbering;
use crate::docx::seen::Seen;
use crate::docx::styles::Styles;
use crate::error::ReadError;
use crate::manuscript::Manuscript;
use crate::office::package::Package;
use crate::office::properties;
use crate::office::relationships;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use std::collections::HashMap;

/// Where the main part is when no relationship says.
const MAIN: &str = "word/document.xml";

/// Reads a Word document as text on one page.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let mut package = Package::open(bytes, options)?;
    let main = relationships::main_part(&mut package, MAIN)?;
    let text = package.part(&main)?.ok_or_else(|| ReadError::Damaged { detail: format!("no `{main}`") })?;
    let mut seen = Seen::default();
    let mut parts = parts(&mut package, &main, &mut seen)?;
    let running = running::read(&mut package, &main, &mut parts, &mut seen)?;
    let title = properties::title(&mut package);
    let blocks = body::read(&text, &mut parts, &mut seen)?;
    assemble(&running, blocks, &seen, title, options)
}

fn parts(package: &mut Package<'_>, main: &str, seen: &mut Seen) -> Result<Parts, ReadError> {
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut beside = |name: &str| package.part(&format!("{folder}/{name}"));
    let (styles, numbering) = (beside("styles.xml")?, beside("numbering.xml")?);
    let mut notes = |name: &str| match beside(name)? {
        Some(part) => notes::read(&part, seen),
        None => Ok(HashMap::new()),
    };
    Ok(Parts {
        footnotes: notes("footnotes.xml")?,
        endnotes: notes("endnotes.xml")?,
        comments: notes("comments.xml")?,
        styles: styles.map(|part| Styles::read(&part)).transpose()?.unwrap_or_default(),
        numbering: numbering.map(|part| Numbering::read(&part)).transpose()?.unwrap_or_default(),
    })
}

/// Joins blocks by empty lines; what pages repeat stands once, before them.
fn assemble(
    running: &[String],
    blocks: Vec<Block>,
    seen: &Seen,
    title: Option<String>,
    options: &ReadOptions,
) -> Result<Parsed, ReadError> {
    let printed = blocks.iter().find(|block| block.is_title).map(|block| block.title.clone());
    let mut manuscript = Manuscript::new(options);
    manuscript.page(None);
    for line in running {
        manuscript.block(line, None)?;
    }
    for block in blocks {
        if let Some(rows) = &block.table {
            manuscript.table(rows)?;
            continue;
        }
        let heading = block.heading.map(|level| (level, block.title.as_str()));
        manuscript.titled(&block.text, heading)?;
    }
    manuscript.finish(Format::Docx, title.or(printed), seen.warnings())
}

#[cfg(test)]
mod tests;
