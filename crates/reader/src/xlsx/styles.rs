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
        let (mut styles, mut in_cells, mut in_formats) = (Self::default(), false, false);
        walk(part, &mut |node| {
            match node {
                Node::Open(element) => match element.name.as_str() {
                    "cellXfs" => in_cells = true,
                    "xf" if in_cells => styles.of_style.push(number(element, "numFmtId").unwrap_or(0)),
                    "numFmts" => in_formats = true,
                    // Rules for single cells (`dxfs`) have formats of their own under numbers that mean others here.
                    "numFmt" if in_formats => {
                        let code = element.attribute("formatCode").unwrap_or_default();
                        let id = number(element, "numFmtId");
                        styles.formats.extend(id.map(|id| (id, Format::new(&code))));
                    }
                    _ => {}
                },
                Node::Close("cellXfs") => in_cells = false,
                Node::Close("numFmts") => in_formats = false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_rules_are_none_of_cells() {
        let part = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="0.0"/></numFmts>
            <cellXfs><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs>
            <dxfs><dxf><numFmt numFmtId="14" formatCode="0.00%"/></dxf></dxfs></styleSheet>"#;

        let styles = Styles::read(part.as_bytes()).unwrap();

        assert_eq!(styles.format(0).show(45_292.0, false), "2024-01-01");
        assert_eq!(styles.format(1).show(2.0, false), "2.0");
    }
}
