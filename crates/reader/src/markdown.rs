//! Markdown: the file's own text, with its headings located in it. Knows nothing of how Markdown looks.

use crate::error::ReadError;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Heading;
use crate::parsed::Parsed;
use crate::parsed::Span;
use crate::text;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

/// Reads a Markdown file as text and finds its ATX and setext headings.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let plain = text::read(bytes, options)?;
    let headings = headings(&plain.content);
    let title = headings.iter().find(|heading| heading.level == 1).map(|heading| heading.title.clone());
    Ok(Parsed { format: Format::Markdown, title, headings, ..plain })
}

/// Finds the headings; a span covers the heading's source lines without the line break that ends them.
fn headings(content: &str) -> Vec<Heading> {
    // Metadata blocks are recognised because their closing `---` would make a setext heading of the last line.
    let syntax = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_TABLES;
    let mut found = Vec::new();
    let mut open: Option<(u8, String)> = None;
    let mut position = Position::default();
    for (event, range) in Parser::new_ext(content, syntax).into_offset_iter() {
        if let Event::Start(Tag::Heading { level, .. }) = event {
            open = Some((level as u8, String::new()));
        } else if let Event::End(TagEnd::Heading(_)) = event {
            let Some((level, title)) = open.take() else { continue };
            let end = range.start + content[range.clone()].trim_end().len();
            let span =
                Span { start: position.advance(content, range.start), end: position.advance(content, end) };
            let title = title.trim().to_owned();
            if !title.is_empty() {
                found.push(Heading { level, title, span });
            }
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
    fn the_first_top_heading_is_the_title() {
        let parsed = read(b"## Preface\n\n# Manual\n", &ReadOptions::default()).unwrap();

        assert_eq!(parsed.title.as_deref(), Some("Manual"));
    }
}
