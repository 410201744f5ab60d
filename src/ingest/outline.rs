//! The headings of a text as a tree: where to cut, and which headings stand above a passage. Knows no token.

use crate::domain::PageLayout;
use crate::domain::Span;
use crate::domain::TableRows;
use crate::ingest::split::Mark;
use crate::ingest::split::ends_sentence;
use reader::Heading;

/// Deepest path that is kept.
const MAX_DEPTH: usize = 8;
/// A table begins: a pause wherever it stands.
const TABLE: u8 = Mark::PAUSE - 1;
/// Longest heading that is kept in a path, in characters.
const MAX_HEADING: usize = 160;

/// Headings in the order of the text, each with the path down to it.
pub(super) struct Outline {
    headings: Vec<(Span, Vec<String>)>,
}

impl Outline {
    /// Builds the tree: a heading stands under the last one before it of a lower level.
    pub(super) fn new(headings: &[Heading]) -> Self {
        let mut sorted: Vec<&Heading> = headings.iter().collect();
        sorted.sort_by_key(|heading| heading.span.start);
        let mut above: Vec<(u8, String)> = Vec::new();
        let mut placed = Vec::with_capacity(sorted.len());
        for heading in sorted {
            above.retain(|(level, _)| *level < heading.level);
            above.truncate(MAX_DEPTH - 1);
            above.push((heading.level, shown(&heading.title)));
            let path = above.iter().map(|(_, title)| title.clone()).collect();
            placed.push((Span { start: heading.span.start, end: heading.span.end }, path));
        }
        Self { headings: placed }
    }

    /// The headings above a passage, outermost first: those above its first character that is not itself part of a
    /// heading; where it holds several sections, what they have in common. `characters` are the passage's.
    pub(super) fn path(&self, span: Span, characters: &str) -> Vec<String> {
        let body = self.first_of_body(span, characters);
        let Some(above) = self.at(body) else { return Vec::new() };
        let mut path: &[String] = &self.headings[above].1;
        for (heading, other) in &self.headings[above + 1..] {
            if heading.start >= span.end {
                break;
            }
            let common = path.iter().zip(other).take_while(|(one, two)| one == two).count();
            path = &path[..common];
        }
        path.to_vec()
    }

    /// Index of the last heading that begins at or before a character.
    fn at(&self, character: u32) -> Option<usize> {
        self.headings.partition_point(|(heading, _)| heading.start <= character).checked_sub(1)
    }

    fn first_of_body(&self, span: Span, characters: &str) -> u32 {
        let visible = (span.start..span.end).zip(characters.chars()).filter(|(_, c)| !c.is_whitespace());
        let mut first = None;
        for (position, _) in visible {
            first = first.or(Some(position));
            if self.at(position).is_none_or(|index| position >= self.headings[index].0.end) {
                return position;
            }
        }
        first.unwrap_or(span.start)
    }
}

fn shown(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_HEADING).collect()
}

/// Where cuts are welcome: where a heading stands in the text, where a table begins, and where a page ends with a
/// sentence. In bytes, sorted.
pub(super) fn marks(
    text: &str,
    headings: &[Heading],
    tables: &[TableRows],
    pages: &[PageLayout],
) -> Vec<Mark> {
    // A heading that was not found in the text has an empty span: it belongs to paths, but is no place to cut.
    let found = headings.iter().filter(|heading| heading.span.end > heading.span.start);
    let mut marks: Vec<(u32, u8)> = found.map(|heading| (heading.span.start, heading.level)).collect();
    let first_rows = tables.iter().filter_map(|table| table.rows.first());
    marks.extend(first_rows.map(|row| (row.start, TABLE)));
    marks.extend(pages.iter().skip(1).map(|page| (page.span.start, Mark::PAUSE)));
    marks.sort_unstable();
    marks.dedup_by_key(|(character, _)| *character);

    let mut bytes = ByteOffsets::new(text);
    let marks = marks.into_iter().map(|(character, level)| Mark { at: bytes.of(character), level });
    let welcome = marks.filter(|mark| mark.level != Mark::PAUSE || page_ends_sentence(&text[..mark.at]));
    welcome.map(|mark| if mark.level == TABLE { Mark { level: Mark::PAUSE, ..mark } } else { mark }).collect()
}

/// Says whether a page ends with a sentence, a page number at its foot aside.
fn page_ends_sentence(text: &str) -> bool {
    // Three lines are enough to know; a page without lines must not be searched as a whole for each page.
    let mut lines = text.trim_end().rsplitn(4, '\n').take(3).map(str::trim).filter(|line| !line.is_empty());
    match lines.next() {
        Some(foot) if is_page_number(foot) => lines.next().is_none_or(ends_sentence),
        Some(last) => ends_sentence(last),
        None => true,
    }
}

/// Recognises `12`, `- 12 -`, `Page 3 of 10`, `第 3 页 共 10 页`.
fn is_page_number(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    line.chars().count() <= 24 && line.chars().any(|c| c.is_ascii_digit()) && letters <= 8
}

/// Turns rising character offsets into byte offsets in one pass over the text.
pub(super) struct ByteOffsets<'a> {
    left: std::str::Chars<'a>,
    length: usize,
    character: u32,
}

impl<'a> ByteOffsets<'a> {
    /// Begins at the start of the text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { left: text.chars(), length: text.len(), character: 0 }
    }

    /// The byte at which a character begins; never call it with a lower one than before.
    pub(super) fn of(&mut self, character: u32) -> usize {
        while self.character < character && self.left.next().is_some() {
            self.character += 1;
        }
        self.length - self.left.as_str().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(text: &str, title: &str, level: u8) -> Heading {
        let start = text[..text.find(title).unwrap()].chars().count() as u32;
        let span = reader::Span { start, end: start + title.chars().count() as u32 };
        Heading { level, title: title.to_owned(), span }
    }

    fn path(text: &str, headings: &[Heading], part: &str) -> Vec<String> {
        let start = text[..text.find(part).unwrap()].chars().count() as u32;
        let span = Span { start, end: start + part.chars().count() as u32 };
        Outline::new(headings).path(span, part)
    }

    #[test]
    fn a_passage_has_the_headings_above_it() {
        let text = "租赁合同\n第一章 租金\n每月支付。\n第二章 期限\n两年。\n";
        let headings =
            [heading(text, "租赁合同", 1), heading(text, "第一章 租金", 2), heading(text, "第二章 期限", 2)];
        let check = |part: &str, expected: &[&str]| assert_eq!(path(text, &headings, part), expected);

        check("每月支付。", &["租赁合同", "第一章 租金"]);
        check("两年。", &["租赁合同", "第二章 期限"]);
        check("租赁合同\n第一章 租金\n每月支付。", &["租赁合同", "第一章 租金"]);
        check("每月支付。\n第二章 期限\n两年。", &["租赁合同"]);
        check("第一章 租金\n", &["租赁合同", "第一章 租金"]);
    }

    #[test]
    fn text_before_the_first_heading_has_no_path() {
        let text = "preamble\n# One\nbody";

        assert!(path(text, &[heading(text, "# One", 1)], "preamble").is_empty());
        assert!(path(text, &[], "body").is_empty());
    }

    #[test]
    fn a_page_is_a_place_to_cut_only_where_a_sentence_ends() {
        let check = |end: &str, expected: bool| assert_eq!(page_ends_sentence(end), expected, "{end:?}");

        check("The term is two years.\n", true);
        check("the tenant pays the\n", false);
        check("The term is two years.\n\n- 12 -\n", true);
        check("the tenant pays the\nPage 3 of 10\n", false);
        check("承租人应当支付租金。\n第 3 页 共 10 页\n", true);
        check("", true);
    }

    #[test]
    fn marks_are_bytes_in_order() {
        let text = "合同。\n第一条\n正文。\n";
        let page = |number, start, end| PageLayout {
            number,
            label: None,
            width: 0.0,
            height: 0.0,
            span: Span { start, end },
            words: Vec::new(),
            undecodable: 0,
            running: Vec::new(),
            recognised: None,
            hidden: Vec::new(),
        };

        let marks =
            marks(text, &[heading(text, "第一条", 2)], &[], &[page(1, 0, 4), page(2, 4, 8), page(3, 8, 12)]);

        assert_eq!(marks, [Mark { at: 10, level: 2 }]);
    }
}
