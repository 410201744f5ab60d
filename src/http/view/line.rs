//! What a line of a text is by itself: a row, an item of a list, a line of a message's header. Knows no other line.

use super::Kind;
use std::ops::Range;

/// Steps that items are set in.
const DEEPEST: usize = 6;
/// The marks of items that have no number.
const BULLETS: &[char] = &['-', '•', '*', '●', '·'];
/// The lines before a message.
const FIELDS: [&str; 4] = ["From: ", "To: ", "Cc: ", "Date: "];

/// The lines of a text without their line breaks.
pub(super) fn lines(text: &[char]) -> Vec<Range<usize>> {
    let (mut lines, mut start) = (Vec::new(), 0);
    for (at, character) in text.iter().enumerate() {
        if *character == '\n' {
            lines.push(start..at);
            start = at + 1;
        }
    }
    lines.push(start..text.len());
    lines
}

pub(super) fn is_blank(line: &[char]) -> bool {
    line.iter().all(|character| character.is_whitespace())
}

/// Says whether our readers wrote the line as a row of a table.
pub(super) fn is_row(line: &[char], kind: Kind) -> bool {
    let ends = line.len() >= 3 && line.last() == Some(&'|');
    match kind {
        Kind::Workbook => ends && is_place(line),
        Kind::Written | Kind::Message => ends && line.first() == Some(&'|'),
        Kind::Plain | Kind::Markdown => false,
    }
}

/// `3 |`, `3 (hidden) |`, `# |`.
fn is_place(line: &[char]) -> bool {
    let place: String = line.iter().take(24).take_while(|character| **character != '|').collect();
    let number = place.trim_end().trim_end_matches(" (hidden)");
    place.chars().count() < 24
        && (number == "#" || (!number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit())))
}

/// An item of a list.
pub(super) struct Item {
    /// How far it is set in, from 0.
    pub(super) depth: u8,
    /// Its mark, where that is a number.
    pub(super) number: Option<Range<usize>>,
    /// Where its words begin.
    pub(super) words: usize,
}

/// Reads a line as an item: `- one`, `  • two`, `3. three`, `(b) four`.
pub(super) fn item(text: &[char], line: &Range<usize>) -> Option<Item> {
    let inner = &text[line.clone()];
    let indent = inner.iter().take_while(|character| matches!(character, ' ' | '\t')).count();
    let mark = inner[indent..].iter().take_while(|character| !character.is_whitespace()).count();
    let (begin, end) = (line.start + indent, line.start + indent + mark);
    if end >= line.end || mark == 0 {
        return None;
    }
    let mark: Vec<char> = text[begin..end].to_vec();
    let is_bullet = mark.len() == 1 && BULLETS.contains(&mark[0]);
    let number = (!is_bullet).then_some(begin..end).filter(|_| is_number(&mark));
    let depth = (indent / 2).min(DEEPEST) as u8;
    (is_bullet || number.is_some()).then_some(Item { depth, number, words: end + 1 })
}

/// `3.`, `b)`, `(iv)`, `（二）`, `②`.
fn is_number(mark: &[char]) -> bool {
    if let [only] = mark {
        return ('①'..='⑳').contains(only);
    }
    let inner: String = mark.iter().filter(|character| !".)(（）、".contains(**character)).collect();
    let closes = mark.last().is_some_and(|last| ".)）、".contains(*last));
    let short = inner.chars().count() <= 4 && !inner.is_empty();
    let one_kind = inner.chars().all(|c| c.is_ascii_digit())
        || (inner.len() == 1 && inner.chars().all(|c| c.is_ascii_alphabetic()))
        || inner.to_ascii_lowercase().chars().all(|c| "ivxlcdm".contains(c))
        || inner.chars().all(|c| "一二三四五六七八九十百".contains(c));
    closes && short && one_kind
}

/// The name of a message's header line, and where its words begin.
pub(super) fn field(text: &[char], line: &Range<usize>) -> Option<(Range<usize>, usize)> {
    let inner = &text[line.clone()];
    let name = FIELDS.iter().find(|name| name.chars().eq(inner.iter().copied().take(name.len())))?;
    Some((line.start..line.start + name.len() - 2, line.start + name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_that_readers_write() {
        let check = |line: &str, kind: Kind, expected: bool| {
            assert_eq!(is_row(&line.chars().collect::<Vec<_>>(), kind), expected, "{line}");
        };

        check("| Item | Price |", Kind::Written, true);
        check("| Item | Price |", Kind::Plain, false);
        check("3 | Rent |", Kind::Workbook, true);
        check("# | A | B (hidden) |", Kind::Workbook, true);
        check("12 (hidden) |  | x |", Kind::Workbook, true);
        check("Rent | 3 |", Kind::Workbook, false);
        check("||", Kind::Written, false);
    }

    #[test]
    fn items_have_a_mark_and_words() {
        let check = |line: &str, expected: Option<(u8, &str, &str)>| {
            let text: Vec<char> = line.chars().collect();
            let found = item(&text, &(0..text.len())).map(|item| {
                let number: String =
                    item.number.map(|range| text[range].iter().collect()).unwrap_or_default();
                (item.depth, number, text[item.words..].iter().collect::<String>())
            });
            let expected =
                expected.map(|(depth, number, words)| (depth, number.to_owned(), words.to_owned()));
            assert_eq!(found, expected, "{line}");
        };

        check("- one", Some((0, "", "one")));
        check("    • two", Some((2, "", "two")));
        check("  b) three", Some((1, "b)", "three")));
        check("（二） 四", Some((0, "（二）", "四")));
        check("12. five", Some((0, "12.", "five")));
        check("Mr. Smith", None);
        check("2024 was", None);
        check("-", None);
        check("-5 degrees", None);
    }
}
