//! Rows of a table: which lines they are, and their cells. Knows no highlight.

use super::section;
use super::tree::Node;
use super::tree::Tag;
use std::ops::Range;

/// Longest header that is repeated in another section, in characters.
const MAX_HEADER: usize = 400;

/// A table that the reader told of, as far as it stands in a section.
#[derive(Debug)]
pub(super) struct Known {
    /// Its rows there; each counts from the section's start.
    pub(super) rows: Vec<Range<usize>>,
    /// How many of these name the columns.
    pub(super) header_rows: usize,
    /// Those that name the columns and stand in a section before, as they are written.
    pub(super) above: Vec<String>,
}

impl Known {
    /// Takes the rows of a table on the page, whose text is `text`.
    pub(super) fn new(rows: &[Range<usize>], header_rows: usize, section: &Range<usize>, text: &str) -> Self {
        let before = rows.iter().take_while(|row| row.start < section.start).count();
        let header = &rows[..before.min(header_rows)];
        let stretch = header.first().map_or(0, |row| row.start)..header.last().map_or(0, |row| row.end);
        // Names of columns, not a page of text.
        let header = if stretch.len() <= MAX_HEADER { header } else { &[] };
        let characters: Vec<char> =
            if header.is_empty() { Vec::new() } else { section::cut(text, &stretch).chars().collect() };
        let name = |row: &Range<usize>| {
            characters[row.start - stretch.start..row.end - stretch.start].iter().collect::<String>()
        };
        Self {
            rows: rows[before..].iter().filter_map(|row| section::within(row, section)).collect(),
            header_rows: header_rows.saturating_sub(before),
            above: header.iter().map(name).collect(),
        }
    }
}

/// The line that names the columns of a workbook's rows that go on after `start`.
pub(super) fn columns_above(text: &str, start: usize) -> Option<String> {
    let before = section::cut(text, &(0..start));
    before.lines().rev().find(|line| line.starts_with("# |")).map(str::to_owned)
}

/// A table of rows; the first `header_rows` name the columns.
pub(super) fn table(
    text: &[char],
    rows: &[Range<usize>],
    header_rows: usize,
    above: &[String],
    inline: &dyn Fn(Range<usize>) -> Vec<Node>,
) -> Node {
    let mut head: Vec<Node> = above.iter().map(|row| repeated(row)).collect();
    let mut body = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let names = at < header_rows || text.get(row.start) == Some(&'#');
        let cells = cells(&text[row.clone()]).into_iter().map(|(tag, cell)| {
            let tag = if names { Tag::HeadCell } else { tag };
            Node::Element(tag, inline(row.start + cell.start..row.start + cell.end))
        });
        let row = Node::Element(Tag::Row, cells.collect());
        if names && body.is_empty() { head.push(row) } else { body.push(row) }
    }
    let head = (!head.is_empty()).then_some(Node::Element(Tag::Head, head));
    Node::Element(Tag::Table, head.into_iter().chain(body).collect())
}

fn repeated(row: &str) -> Node {
    let text: Vec<char> = row.chars().collect();
    let cells = cells(&text)
        .into_iter()
        .map(|(_, cell)| Node::Element(Tag::HeadCell, vec![Node::Repeated(text[cell].iter().collect())]));
    Node::Element(Tag::Row, cells.collect())
}

/// The cells of a row without the white space around them; what stands before the first `|` is the row's place.
fn cells(row: &[char]) -> Vec<(Tag, Range<usize>)> {
    let mut cells = Vec::new();
    let mut start = 0;
    for end in (0..row.len()).filter(|at| row[*at] == '|').chain([row.len()]) {
        let inner = &row[start..end];
        let begin = inner.iter().take_while(|character| character.is_whitespace()).count();
        let trailing = inner[begin..].iter().rev().take_while(|character| character.is_whitespace()).count();
        let is_edge = (start == 0 || end == row.len()) && begin == inner.len();
        if !is_edge {
            let is_place = start == 0 && end < row.len();
            let tag = if is_place { Tag::Place } else { Tag::Cell };
            cells.push((tag, start + begin..end - trailing));
        }
        start = end + 1;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_cut_at_its_bars() {
        let check = |row: &str, expected: &[(Tag, &str)]| {
            let text: Vec<char> = row.chars().collect();
            let cells: Vec<(Tag, String)> =
                cells(&text).into_iter().map(|(tag, cell)| (tag, text[cell].iter().collect())).collect();
            let expected: Vec<(Tag, String)> =
                expected.iter().map(|(tag, text)| (*tag, (*text).to_owned())).collect();
            assert_eq!(cells, expected, "{row}");
        };

        check("| Item |  | 5 |", &[(Tag::Cell, "Item"), (Tag::Cell, ""), (Tag::Cell, "5")]);
        check("3 | 租金 |  |", &[(Tag::Place, "3"), (Tag::Cell, "租金"), (Tag::Cell, "")]);
        check("no bar", &[(Tag::Cell, "no bar")]);
        check("| a | b", &[(Tag::Cell, "a"), (Tag::Cell, "b")]);
    }

    #[test]
    fn a_table_that_goes_on_repeats_its_header() {
        let text = "| A |\n| 1 |\n| 2 |\n";
        let rows = [0..5, 6..11, 12..17];

        let known = Known::new(&rows, 1, &(6..18), text);

        assert_eq!((known.rows.as_slice(), known.header_rows), ([0..5, 6..11].as_slice(), 0));
        assert_eq!(known.above, ["| A |"]);
        assert_eq!(columns_above("S\n\n# | A |\n1 | x |\n2 | y |\n", 18).as_deref(), Some("# | A |"));
    }
}
