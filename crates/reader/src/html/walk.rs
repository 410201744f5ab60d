//! From the tree of a page to its text, element by element. Knows no encoding and no bounds on the tree.

use super::flow::Flow;
use super::flow::List;
use super::flow::Numbering;
use super::layout;
use super::tree::Element;
use super::tree::Kind;
use super::tree::Node;
use super::visibility;
use super::visibility::Hiding;
use crate::error::ReadError;
use crate::manuscript::Manuscript;
use crate::table::Names;
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

/// What a walk met that is no text.
#[derive(Default)]
pub(super) struct Seen {
    /// Stretches of text that are not shown.
    pub(super) hidden: u32,
    pub(super) pictures: u32,
}

/// Writes the text of a tree.
pub(super) fn walk(nodes: &[Node], manuscript: &mut Manuscript<'_>) -> Result<Seen, ReadError> {
    let data_tables = layout::data_tables(nodes);
    let mut walk = Walk { nodes, data_tables, flow: Flow::new(manuscript), seen: Seen::default() };
    walk.walk()?;
    walk.flow.finish()?;
    Ok(walk.seen)
}

/// A walk, one step at a time: a tree may be deeper than the stack.
struct Walk<'w, 'o> {
    nodes: &'w [Node],
    data_tables: HashSet<usize>,
    flow: Flow<'w, 'o>,
    seen: Seen,
}

impl Walk<'_, '_> {
    fn walk(&mut self) -> Result<(), ReadError> {
        // A node, how many of its children have been seen, and what it hides.
        let mut open: Vec<(usize, usize, Hiding)> = vec![(0, 0, Hiding::default())];
        while let Some((at, seen, hiding)) = open.last_mut() {
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
            let hiding = *hiding;
            match &self.nodes[child].kind {
                Kind::Text(text) if hiding.hides_text() => {
                    self.seen.hidden += u32::from(!text.trim().is_empty());
                }
                Kind::Text(text) => self.flow.text(text),
                Kind::Element(element) => {
                    let hiding = hiding.within(element);
                    if self.enter(child, element, hiding)? {
                        open.push((child, 0, hiding));
                    }
                }
                Kind::Other => {}
            }
        }
        Ok(())
    }

    /// Enters an element; says whether its content is text of the page.
    fn enter(&mut self, at: usize, element: &Element, hiding: Hiding) -> Result<bool, ReadError> {
        let name = &*element.name.local;
        if LEFT_OUT.contains(&name) {
            return Ok(false);
        }
        if visibility::is_hidden(element) {
            self.seen.hidden += u32::from(self.holds_text(at));
            return Ok(false);
        }
        match name {
            "svg" | "img" if hiding.hides_pictures() => return Ok(false),
            "svg" => {
                self.seen.pictures += 1;
                return Ok(false);
            }
            "img" => {
                self.seen.pictures += 1;
                self.flow.text(element.attribute("alt").unwrap_or_default());
            }
            "br" => self.flow.line_break(),
            "pre" | "listing" | "xmp" | "textarea" => self.flow.preserve(true)?,
            "ul" | "ol" | "menu" | "dir" => self.flow.begin_list(list(element))?,
            "li" => self.flow.begin_item(number(element, "value"))?,
            "table" if self.data_tables.contains(&at) => self.flow.begin_table()?,
            _ => match heading(name) {
                Some(level) => self.flow.begin_heading(level)?,
                None => self.enter_block(at, name, element)?,
            },
        }
        Ok(true)
    }

    fn enter_block(&mut self, at: usize, name: &str, element: &Element) -> Result<(), ReadError> {
        if !BLOCKS.contains(&name) && name != "table" {
            return Ok(());
        }
        self.flow.end_paragraph()?;
        let names_columns = name == "tr" && layout::names_columns(self.nodes, at);
        let Some(table) = self.flow.table() else { return Ok(()) };
        match name {
            "tr" => {
                table.begin_row();
                table.names_columns(if names_columns { Names::Yes } else { Names::No });
            }
            "thead" | "tbody" | "tfoot" => table.begin_part(),
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
            "pre" | "listing" | "xmp" | "textarea" => self.flow.preserve(false),
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
