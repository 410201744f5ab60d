//! The lines of a text as far as marks need them: where their words begin, and whether they only go on. Knows no mark.

use crate::ingest::split::ends_sentence;

/// A line this long may have been broken by the paper's edge; a shorter one ends where its writer ended it. In columns.
const BROKEN: usize = 40;

/// A line that is not empty.
pub(super) struct Line {
    /// Its first character that is not white space, a `#`, `*` or `>`.
    pub(super) body: usize,
    /// One past its last character, the line break aside.
    pub(super) past: usize,
    /// The line before goes on here: it is long and ends in the middle of a sentence.
    pub(super) goes_on: bool,
}

/// The lines in which clauses may begin: no rows of tables, no entries of a contents page.
pub(super) fn lines(text: &[char]) -> impl Iterator<Item = Line> + '_ {
    let (mut start, mut previous, mut tabbed) = (0, String::new(), false);
    std::iter::from_fn(move || {
        while start < text.len() {
            let length = text[start..].iter().position(|c| *c == '\n');
            let past = length.map_or(text.len(), |length| start + length);
            let body = body(text, start, past);
            start = past + 1;
            if body == past {
                previous.clear();
                continue;
            }
            let words: String = text[body..past].iter().collect();
            let goes_on = is_broken(&previous);
            previous.clone_from(&words);
            // A tab before a number is a table's as well; two such lines are a contents page.
            let after_tabbed = std::mem::replace(&mut tabbed, ends_with_cell(&words));
            let is_entry = has_leader(&words) || (after_tabbed && tabbed);
            if text[body] != '|' && !is_entry {
                return Some(Line { body, past, goes_on });
            }
        }
        None
    })
}

/// The first character at or after `at` that may begin a mark.
pub(super) fn body(text: &[char], at: usize, past: usize) -> usize {
    let skipped = text[at..past].iter().take_while(|c| c.is_whitespace() || "#*>\u{feff}".contains(**c));
    at + skipped.count()
}

/// Says whether a mark is written in Chinese.
pub(super) fn is_chinese_mark(mark: &[char]) -> bool {
    mark.iter().any(|c| ('\u{4e00}'..='\u{9fff}').contains(c))
}

fn is_broken(line: &str) -> bool {
    let columns: usize = line.trim().chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum();
    let ends = line.trim_end();
    let pauses = ends.ends_with([',', '，', '、', '-', '—', '|'])
        || [" and", " or", " and/or", "及", "和", "或"].iter().any(|word| ends.ends_with(word));
    columns >= BROKEN && !ends_sentence(line) && !pauses
}

/// `Term .......... 12`, `第一章 总则……3`.
fn has_leader(line: &str) -> bool {
    let entry = without_number(line);
    let leader = entry.trim_end();
    entry.len() < line.trim_end().len()
        && (leader.ends_with("....") || leader.ends_with(". . .") || leader.ends_with('…'))
}

/// `Term`, a tab, `12`.
fn ends_with_cell(line: &str) -> bool {
    let entry = without_number(line);
    entry.len() < line.trim_end().len() && entry.ends_with('\t')
}

fn without_number(line: &str) -> &str {
    line.trim_end().trim_end_matches(|c: char| c.is_ascii_digit())
}
