//! Which column names a passage needs when it goes on with a table that began before it. Knows no passage.

use crate::domain::Span;
use crate::domain::TableRows;
use crate::ingest::outline::ByteOffsets;

/// Longest header that is repeated, in characters: names of columns, not a page of text.
const MAX_HEADER: usize = 400;

/// The tables of a text that have a header.
pub(super) struct TableHeaders {
    /// What lies below the header, and the header's rows.
    bodies: Vec<(Span, String)>,
}

impl TableHeaders {
    /// Takes the headers out of the text; `tables` in its order.
    pub(super) fn new(content: &str, tables: &[TableRows]) -> Self {
        let mut bytes = ByteOffsets::new(content);
        let mut bodies = Vec::new();
        for table in tables {
            let (header, body) = table.rows.split_at((table.header_rows as usize).min(table.rows.len()));
            let (Some(last), Some(end)) = (header.last(), body.last()) else { continue };
            let rows: Vec<&str> =
                header.iter().map(|row| &content[bytes.of(row.start)..bytes.of(row.end)]).collect();
            let rows = rows.join("\n");
            if rows.chars().count() <= MAX_HEADER {
                bodies.push((Span { start: last.end, end: end.end }, rows));
            }
        }
        Self { bodies }
    }

    /// The header of the table that the stretch begins in the body of.
    pub(super) fn above(&self, span: Span) -> Option<String> {
        let index = self.bodies.partition_point(|(body, _)| body.end <= span.start);
        let (body, header) = self.bodies.get(index)?;
        (body.start < span.start).then(|| header.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stretch_that_begins_in_the_body_gets_the_header() {
        let content = "价格\n| 项目 | 租金 |\n| 办公室 | 2400 |\n| 仓库 | 900 |\n完\n";
        let lines: Vec<Span> = content
            .split_inclusive('\n')
            .scan(0, |at, line| {
                let start = *at;
                *at += line.chars().count() as u32;
                Some(Span { start, end: *at - 1 })
            })
            .collect();
        let table = TableRows { rows: lines[1..4].to_vec(), header_rows: 1 };
        let headers = TableHeaders::new(content, &[table]);
        let check = |line: usize, expected: Option<&str>| {
            let from = Span { start: lines[line].start, end: lines[4].end };
            assert_eq!(headers.above(from).as_deref(), expected, "{line}");
        };

        check(0, None);
        check(1, None);
        check(2, Some("| 项目 | 租金 |"));
        check(3, Some("| 项目 | 租金 |"));
        check(4, None);
    }

    #[test]
    fn a_table_without_a_header_repeats_nothing() {
        let rows = vec![Span { start: 0, end: 5 }, Span { start: 6, end: 11 }];
        let headers = TableHeaders::new("| a |\n| b |\n", &[TableRows { rows, header_rows: 0 }]);

        assert_eq!(headers.above(Span { start: 6, end: 11 }), None);
    }
}
