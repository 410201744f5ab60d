//! Web pages: the text that a reader of the page sees, with its headings, lists and tables. Knows no style sheets, runs no
//! scripts and fetches nothing.

mod decode;
mod flow;
mod layout;
mod tree;
mod visibility;
mod walk;

pub(crate) use decode::decode;

use crate::error::ReadError;
use crate::html::tree::Kind;
use crate::html::tree::Node;
use crate::manuscript::Manuscript;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use crate::parsed::Warning;
use crate::parsed::WarningCode;

/// What a page says beside its text.
pub(crate) struct Beside {
    pub(crate) title: Option<String>,
    /// Stretches of text that are not shown.
    hidden: u32,
    pictures: u32,
}

/// Reads a web page as text on one page.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let decoded = decode(bytes)?;
    let mut manuscript = Manuscript::new(options);
    manuscript.page(None);
    let beside = write(&decoded.content, &mut manuscript)?;
    manuscript.undecodable(decoded.faults);
    let mut warnings = decoded.warnings();
    warnings.extend(beside.warnings());
    let parsed = manuscript.finish(Format::Html, beside.title, warnings)?;
    let printed =
        parsed.headings.iter().find(|heading| heading.level == 1).map(|heading| heading.title.clone());
    Ok(Parsed { title: parsed.title.or(printed), ..parsed })
}

/// Writes the text of a page that has been decoded.
pub(crate) fn write(page: &str, manuscript: &mut Manuscript<'_>) -> Result<Beside, ReadError> {
    let nodes = tree::build(page)?;
    let seen = walk::walk(&nodes, manuscript)?;
    Ok(Beside { title: title(&nodes), hidden: seen.hidden, pictures: seen.pictures })
}

/// Counts the characters of a page's text; none where it cannot be read.
pub(crate) fn count_shown(page: &str, options: &ReadOptions) -> usize {
    let mut manuscript = Manuscript::new(options);
    write(page, &mut manuscript).map_or(0, |_| manuscript.characters() as usize)
}

impl Beside {
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.hidden > 0 {
            let detail = format!("{} parts that the page hides are not part of the text", self.hidden);
            warnings.push(Warning { code: WarningCode::HiddenText, page: Some(1), detail });
        }
        if self.pictures > 0 {
            let detail = format!(
                "{} pictures are not read but for the words that stand in for them; text in them cannot be found",
                self.pictures
            );
            warnings.push(Warning { code: WarningCode::PicturesNotRead, page: None, detail });
        }
        warnings
    }
}

/// The title of the page itself, not of a picture in it.
fn title(nodes: &[Node]) -> Option<String> {
    let is_title = |node: &&Node| match &node.kind {
        Kind::Element(element) => {
            &*element.name.local == "title" && &*element.name.ns == "http://www.w3.org/1999/xhtml"
        }
        Kind::Text(_) | Kind::Other => false,
    };
    let title = nodes.iter().find(is_title)?;
    let text = title.children.iter().filter_map(|child| match &nodes[*child].kind {
        Kind::Text(text) => Some(text.as_str()),
        Kind::Element(_) | Kind::Other => None,
    });
    let text = text.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
