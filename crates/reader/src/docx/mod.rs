//! Word documents (ISO/IEC 29500-1, `WordprocessingML`): the text with the numbers that Word prints before paragraphs,
//! which most readers lose and every citation of a clause needs. Knows no page: where pages break is only known to
//! whoever lays the text out.

mod body;
mod notes;
mod numbering;
mod package;
mod styles;
mod table;
mod xml;

use crate::docx::body::Block;
use crate::docx::body::Lost;
use crate::docx::body::Parts;
use crate::docx::numbering::Numbering;
use crate::docx::package::Package;
use crate::docx::styles::Styles;
use crate::docx::xml::Node;
use crate::error::ReadError;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Heading;
use crate::parsed::Page;
use crate::parsed::Parsed;
use crate::parsed::Span;
use crate::parsed::Warning;
use crate::parsed::WarningCode;

/// Where the main part is when no relationship says.
const MAIN: &str = "word/document.xml";

/// Reads a Word document as text on one page.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let mut package = Package::open(bytes, options)?;
    let main = main_part(&mut package)?;
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
    let title = match package.part("docProps/core.xml")? {
        Some(part) => own_title(&part)?,
        None => None,
    };
    let (blocks, lost) = body::read(&text, parts)?;
    assemble(blocks, &lost, title, options)
}

/// The part that the archive's relationships name as the document.
fn main_part(package: &mut Package<'_>) -> Result<String, ReadError> {
    let mut main = None;
    if let Some(part) = package.part("_rels/.rels")? {
        xml::walk(&part, &mut |node| {
            if let Node::Open(element) = node
                && element.attribute("Type").is_some_and(|kind| kind.ends_with("/officeDocument"))
            {
                main = element.attribute("Target");
            }
            Ok(())
        })?;
    }
    Ok(main.map_or_else(|| MAIN.to_owned(), |target| target.trim_start_matches('/').to_owned()))
}

/// `dc:title` of the file's properties.
fn own_title(part: &[u8]) -> Result<Option<String>, ReadError> {
    let (mut title, mut open) = (String::new(), false);
    xml::walk(part, &mut |node| {
        match node {
            Node::Open(element) => open = element.name == "title",
            Node::Text(text) if open => title.push_str(text),
            Node::Close(_) => open = false,
            Node::Text(_) => {}
        }
        Ok(())
    })?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((!title.is_empty()).then_some(title))
}

/// Joins blocks by empty lines.
fn assemble(
    blocks: Vec<Block>,
    lost: &Lost,
    title: Option<String>,
    options: &ReadOptions,
) -> Result<Parsed, ReadError> {
    let printed = blocks.iter().find(|block| block.is_title).map(|block| block.text.clone());
    let (mut content, mut characters, mut headings) = (String::new(), 0_u64, Vec::new());
    for block in blocks {
        if !content.is_empty() {
            content.push_str("\n\n");
            characters += 2;
        }
        let start = characters;
        characters += block.text.chars().count() as u64;
        if characters >= options.max_characters.min(u64::from(u32::MAX)) {
            return Err(ReadError::TooLarge { limit: options.max_characters, unit: "characters".into() });
        }
        content.push_str(&block.text);
        if let Some(level) = block.heading {
            let span = Span { start: start as u32, end: characters as u32 };
            let title = block.text.split_whitespace().collect::<Vec<_>>().join(" ");
            headings.push(Heading { level, title, span });
        }
    }
    if content.is_empty() {
        return Err(ReadError::Empty);
    }
    content.push('\n');
    let page = Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        span: Span { start: 0, end: characters as u32 + 1 },
        words: Vec::new(),
        undecodable: 0,
        running: Vec::new(),
    };
    Ok(Parsed {
        format: Format::Docx,
        title: title.or(printed),
        content,
        pages: vec![page],
        headings,
        warnings: warnings(lost),
    })
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
