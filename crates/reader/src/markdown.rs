//! Markdown: the file's own text, with its headings and tables located in it. Knows nothing of how Markdown looks.

use crate::error::ReadError;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Heading;
use crate::parsed::Parsed;
use crate::parsed::Span;
use crate::parsed::Table;
use crate::text;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;
use std::ops::Range;

/// Reads a Markdown file as text and finds its ATX and setext headings, and its tables.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let plain = text::read(bytes, options)?;
    let Found { headings, tables } = find(&plain.content);
    let title = headings.iter().find(|heading| heading.level == 1).map(|heading| heading.title.clone());
    Ok(Parsed { format: Format::Markdown, title, headings, tables, ..plain })
}

/// What is located in a text, in its order.
#[derive(Default)]
struct Found {
    headings: Vec<Heading>,
    tables: Vec<Table>,
}

/// Finds headings and rows of tables; a span covers the source lines without the line break that ends them.
fn find(content: &str) -> Found {
    // Metadata blocks are recognised because their closing `---` would make a setext heading of the last line.
    let syntax = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_TABLES;
    let mut found = Found::default();
    let mut open: Option<(u8, String)> = None;
    let mut position = Position::default();
    for (event, range) in Parser::new_ext(content, syntax).into_offset_iter() {
        if let Event::Start(Tag::Heading { level, .. }) = event {
            open = Some((level as u8, String::new()));
        } else if let Event::End(TagEnd::Heading(_)) = event {
            let Some((level, title)) = open.take() else { continue };
            let span = position.span(content, range);
            let title = title.trim().to_owned();
            if !title.is_empty() {
                found.headings.push(Heading { level, title, span });
            }
        } else if let Event::Start(Tag::Table(_)) = event {
            found.tables.push(Table { page: 1, rows: Vec::new(), header_rows: 0 });
        } else if let Event::Start(tag @ (Tag::TableHead | Tag::TableRow)) = &event
            && let Some(table) = found.tables.last_mut()
        {
            table.header_rows += u32::from(*tag == Tag::TableHead);
            table.rows.push(position.span(content, range));
        } else if let Some((_, title)) = &mut open {
            if let Event::Text(piece) | Event::Code(piece) = event {
                title.push_str(&piece);
            } else if let Event::SoftBreak | Event::HardBreak = event {
                title.push(' ');
            }
        }
    }
    found
}

/// Turns rising byte offsets into character offsets in one pass over the text.
#[derive(Default)]
struct Position {
    byte: usize,
    character: u32,
}

impl Position {
    /// The characters of a stretch without the white space at its end.
    fn span(&mut self, content: &str, range: Range<usize>) -> Span {
        let end = range.start + content[range.clone()].trim_end().len();
        Span { start: self.advance(content, range.start), end: self.advance(content, end) }
    }

    fn advance(&mut self, content: &str, byte: usize) -> u32 {
        if byte > self.byte {
            self.character += content[self.byte..byte].chars().count() as u32;
            self.byte = byte;
        }
        self.character
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, expected: &[(u8, &str, &str)]) {
        let parsed = read(content.as_bytes(), &ReadOptions::default()).unwrap();

        let characters: Vec<char> = parsed.content.chars().collect();
        let found: Vec<(u8, String, String)> = parsed
            .headings
            .into_iter()
            .map(|heading| {
                let source =
                    characters[heading.span.start as usize..heading.span.end as usize].iter().collect();
                (heading.level, heading.title, source)
            })
            .collect();
        let expected: Vec<(u8, String, String)> = expected
            .iter()
            .map(|(level, title, source)| (*level, (*title).into(), (*source).into()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(parsed.content, content);
    }

    #[test]
    fn headings_stand_where_they_say() {
        check("# One\n\ntext\n\n## *Two* `x`\n", &[(1, "One", "# One"), (2, "Two x", "## *Two* `x`")]);
        check(
            "标题\n====\n\n内容\n\n小节\r\n----\r\n",
            &[(1, "标题", "标题\n===="), (2, "小节", "小节\r\n----")],
        );
        check("```\n# not a heading\n```\n", &[]);
        check("---\ntitle: x\n---\n\n# 甲 #\n", &[(1, "甲", "# 甲 #")]);
        check("> # Quoted\n", &[(1, "Quoted", "# Quoted")]);
        check("#\n\ntext\n", &[]);
    }

    #[test]
    fn rows_of_tables_stand_where_they_say() {
        let content = "价格\n\n| Item | Price |\n|---|--:|\n| Rent | 2400 |\n| 仓库 | 900\n\nend\n";

        let parsed = read(content.as_bytes(), &ReadOptions::default()).unwrap();

        let characters: Vec<char> = content.chars().collect();
        let rows: Vec<String> = parsed.tables[0]
            .rows
            .iter()
            .map(|row| characters[row.start as usize..row.end as usize].iter().collect())
            .collect();
        assert_eq!(rows, ["| Item | Price |", "| Rent | 2400 |", "| 仓库 | 900"]);
        assert_eq!((parsed.tables.len(), parsed.tables[0].header_rows), (1, 1));
    }

    #[test]
    fn the_first_top_heading_is_the_title() {
        let parsed = read(b"## Preface\n\n# Manual\n", &ReadOptions::default()).unwrap();

        assert_eq!(parsed.title.as_deref(), Some("Manual"));
    }
}
