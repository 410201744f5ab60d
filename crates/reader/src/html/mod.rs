//! Web pages: the text that a reader of the page sees, with its headings, lists and tables. Knows no style sheets, runs no
//! scripts and fetches nothing.

mod decode;
mod flow;
mod layout;
mod tree;
mod visibility;

pub(crate) use decode::decode;

use crate::error::ReadError;
use crate::html::flow::Flow;
use crate::html::flow::List;
use crate::html::flow::Numbering;
use crate::html::tree::Element;
use crate::html::tree::Kind;
use crate::html::tree::Node;
use crate::manuscript::Manuscript;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use std::collections::HashSet;

/// Elements whose content is no text of the page: programs, the second telling of what is shown already, what is
/// chosen from, and how characters are pronounced.
const LEFT_OUT: &[&str] = &[
    "head",
    "title",
    "script",
    "style",
    "template",
    "noscript",
    "noframes",
    "noembed",
    "iframe",
    "object",
    "audio",
    "video",
    "canvas",
    "select",
    "datalist",
    "textarea",
    "rt",
    "rp",
    "annotation",
];
/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "main",
    "nav",
    "p",
    "search",
    "section",
    "summary",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
];
/// Rows that a cell may go on for.
const MAX_ROWS: usize = 65_534;

/// What a page says beside its text.
#[derive(Default)]
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
    let mut walk = Walk {
        nodes: &nodes,
        data_tables: layout::data_tables(&nodes),
        flow: Flow::new(manuscript),
        beside: Beside { title: title(&nodes), ..Beside::default() },
    };
    walk.walk()?;
    walk.flow.finish()?;
    Ok(walk.beside)
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

/// A walk over a tree, one step at a time: a tree may be deeper than the stack.
struct Walk<'w, 'o> {
    nodes: &'w [Node],
    data_tables: HashSet<usize>,
    flow: Flow<'w, 'o>,
    beside: Beside,
}

impl Walk<'_, '_> {
    fn walk(&mut self) -> Result<(), ReadError> {
        // A node and how many of its children have been seen.
        let mut open: Vec<(usize, usize)> = vec![(0, 0)];
        while let Some((at, seen)) = open.last_mut() {
            let node = &self.nodes[*at];
            let Some(child) = node.children.get(*seen).copied() else {
                let at = *at;
                open.pop();
                if let Kind::Element(element) = &self.nodes[at].kind {
                    self.leave(at, element)?;
                }
                continue;
            };
            *seen += 1;
            match &self.nodes[child].kind {
                Kind::Text(text) => self.flow.text(text),
                Kind::Element(element) => {
                    if self.enter(child, element)? {
                        open.push((child, 0));
                    }
                }
                Kind::Other => {}
            }
        }
        Ok(())
    }

    /// Enters an element; says whether its content is text of the page.
    fn enter(&mut self, at: usize, element: &Element) -> Result<bool, ReadError> {
        let name = &*element.name.local;
        if LEFT_OUT.contains(&name) {
            return Ok(false);
        }
        if visibility::is_hidden(element) {
            self.beside.hidden += u32::from(self.holds_text(at));
            return Ok(false);
        }
        match name {
            "svg" => {
                self.beside.pictures += 1;
                return Ok(false);
            }
            "img" => {
                self.beside.pictures += 1;
                self.flow.text(element.attribute("alt").unwrap_or_default());
            }
            "br" => self.flow.line_break(),
            "pre" | "listing" | "xmp" => self.flow.preserve(true)?,
            "ul" | "ol" | "menu" | "dir" => self.flow.begin_list(list(element))?,
            "li" => self.flow.begin_item(number(element, "value"))?,
            "table" if self.data_tables.contains(&at) => self.flow.begin_table()?,
            _ => match heading(name) {
                Some(level) => self.flow.begin_heading(level)?,
                None => self.enter_block(name, element)?,
            },
        }
        Ok(true)
    }

    fn enter_block(&mut self, name: &str, element: &Element) -> Result<(), ReadError> {
        if !BLOCKS.contains(&name) && name != "table" {
            return Ok(());
        }
        self.flow.end_paragraph()?;
        let Some(table) = self.flow.table() else { return Ok(()) };
        match name {
            "tr" => table.begin_row(),
            "td" | "th" => {
                table.begin_cell();
                let number = |name: &str| number(element, name).map(|number| number as usize);
                table.span(number("colspan").unwrap_or(1));
                table.down_for(
                    number("rowspan").map_or(1, |rows| if rows == 0 { MAX_ROWS } else { rows.min(MAX_ROWS) }),
                );
            }
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, at: usize, element: &Element) -> Result<(), ReadError> {
        let name = &*element.name.local;
        match name {
            "pre" | "listing" | "xmp" => self.flow.preserve(false),
            "ul" | "ol" | "menu" | "dir" => self.flow.end_list(),
            "li" => self.flow.end_item(),
            "table" if self.data_tables.contains(&at) => self.flow.end_table(),
            "tr" | "td" | "th" => {
                self.flow.end_paragraph()?;
                if let Some(table) = self.flow.table() {
                    if name == "tr" { table.end_row() } else { table.end_cell() }
                }
                Ok(())
            }
            _ if heading(name).is_some() => self.flow.end_heading(),
            _ if BLOCKS.contains(&name) || name == "table" => self.flow.end_paragraph(),
            _ => Ok(()),
        }
    }

    /// Says whether something is written in an element.
    fn holds_text(&self, at: usize) -> bool {
        let mut left = vec![at];
        while let Some(at) = left.pop() {
            match &self.nodes[at].kind {
                Kind::Text(text) if !text.trim().is_empty() => return true,
                Kind::Element(element) if LEFT_OUT.contains(&&*element.name.local) => {}
                Kind::Text(_) | Kind::Element(_) | Kind::Other => left.extend(&self.nodes[at].children),
            }
        }
        false
    }
}

/// The level of a heading.
fn heading(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn list(element: &Element) -> List {
    let numbering = (&*element.name.local == "ol").then(|| match element.attribute("type") {
        Some("A") => Numbering::UpperLetters,
        Some("a") => Numbering::LowerLetters,
        Some("I") => Numbering::UpperRoman,
        Some("i") => Numbering::LowerRoman,
        Some(_) | None => Numbering::Digits,
    });
    List { numbering, next: number(element, "start").unwrap_or(1) }
}

fn number(element: &Element, name: &str) -> Option<u32> {
    element.attribute(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
