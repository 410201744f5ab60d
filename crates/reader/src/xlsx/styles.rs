//! From the style of a cell to the format of its numbers. Knows no cell.

use super::format::Format;
use super::format::built_in;
use crate::error::ReadError;
use crate::office::xml::Element;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::collections::HashMap;

/// The formats of a workbook.
#[derive(Default)]
pub(super) struct Styles {
    /// The number of the format of each style.
    of_style: Vec<u32>,
    formats: HashMap<u32, Format>,
}

impl Styles {
    /// Reads `styles.xml`.
    pub(super) fn read(part: &[u8]) -> Result<Self, ReadError> {
        let (mut styles, mut in_cells) = (Self::default(), false);
        walk(part, &mut |node| {
            match node {
                Node::Open(element) => match element.name.as_str() {
                    "cellXfs" => in_cells = true,
                    "xf" if in_cells => styles.of_style.push(number(element, "numFmtId").unwrap_or(0)),
                    "numFmt" => {
                        let code = element.attribute("formatCode").unwrap_or_default();
                        let id = number(element, "numFmtId");
                        styles.formats.extend(id.map(|id| (id, Format::new(&code))));
                    }
                    _ => {}
                },
                Node::Close("cellXfs") => in_cells = false,
                Node::Close(_) | Node::Text(_) => {}
            }
            Ok(())
        })?;
        for id in &styles.of_style {
            if let Some(code) = built_in(*id) {
                styles.formats.entry(*id).or_insert_with(|| Format::new(code));
            }
        }
        Ok(styles)
    }

    /// The format of the numbers of cells of a style.
    pub(super) fn format(&self, style: usize) -> &Format {
        self.of_style.get(style).and_then(|id| self.formats.get(id)).unwrap_or(&Format::General)
    }
}

fn number(element: &Element<'_>, name: &str) -> Option<u32> {
    element.attribute(name)?.parse().ok()
}
