//! Cells as lines that say where each stands: `3 | Rent | 2400 |` under `# | A | B |`. Columns and rows without text are
//! left out, for what remains names its place. Knows no file.

use super::sheet::Cell;
use crate::error::ReadError;
use crate::numerals::alphabetic;
use crate::table::could_name_columns;

/// Places of a sheet that are written, empty ones between others included.
const MAX_PLACES: usize = 5_000_000;

/// The lines of a sheet.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) text: String,
    /// The first row looks as if it named the columns: a text over each, and no value.
    pub(super) names_columns: bool,
}

/// Writes the lines of a sheet; none where no cell shows anything.
///
/// # Errors
/// [`ReadError::OutOfBudget`] where cells stand so far apart that the lines would be mostly empty.
pub(super) fn lines(mut cells: Vec<Cell>) -> Result<Option<Lines>, ReadError> {
    // Stable: of two cells in one place the last one counts, as it does for spreadsheets.
    cells.sort_by_key(|cell| (cell.row, cell.column));
    let mut columns: Vec<u32> = cells.iter().map(|cell| cell.column).collect();
    columns.sort_unstable();
    columns.dedup();
    let rows = cells.chunk_by(|one, other| one.row == other.row);
    // A row ends with its last cell.
    let width =
        |row: &[Cell]| row.last().map_or(0, |last| columns.partition_point(|column| *column <= last.column));
    if rows.clone().map(width).sum::<usize>() > MAX_PLACES {
        let (count, wide) = (rows.count(), columns.len());
        let detail = format!("a sheet spreads over {count} rows and {wide} columns");
        return Err(ReadError::OutOfBudget { detail });
    }
    if cells.is_empty() {
        return Ok(None);
    }
    let mut text = String::from("#");
    for column in &columns {
        text.push_str(" | ");
        text.push_str(&letters(*column));
    }
    text.push_str(" |");
    let mut names_columns = false;
    for (number, row) in rows.enumerate() {
        if number == 0 {
            names_columns =
                row.len() == columns.len() && could_name_columns(row.iter().map(|cell| cell.text.as_str()));
        }
        text.extend(["\n", &(row[0].row + 1).to_string(), " |"]);
        let mut left = columns.iter();
        for (at, cell) in row.iter().enumerate() {
            if row.get(at + 1).is_some_and(|next| next.column == cell.column) {
                continue;
            }
            for _ in left.by_ref().take_while(|column| **column < cell.column) {
                text.push_str("  |");
            }
            text.extend([" ", &cell.text.replace('|', "¦"), " |"]);
        }
    }
    Ok(Some(Lines { text, names_columns }))
}

/// The letters of a column that is counted from 0.
pub(super) fn letters(column: u32) -> String {
    alphabetic(column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xlsx::sheet::position;
    use proptest::prelude::ProptestConfig;
    use proptest::prop_assert_eq;
    use proptest::proptest;

    fn cell(name: &str, text: &str) -> Cell {
        let (row, column) = position(name).unwrap();
        Cell { row, column, text: text.into() }
    }

    fn check(cells: &[(&str, &str)], expected: &str) {
        let cells = cells.iter().map(|(name, text)| cell(name, text)).collect();

        assert_eq!(lines(cells).unwrap().map_or_else(String::new, |lines| lines.text), expected);
    }

    #[test]
    fn each_line_says_where_its_cells_stand() {
        check(
            &[("A1", "Item"), ("B1", "Price"), ("A2", "Rent"), ("B2", "2400")],
            "# | A | B |\n1 | Item | Price |\n2 | Rent | 2400 |",
        );
        check(
            &[("C9", "x"), ("AA9", "a|b"), ("XFD1048576", "end")],
            "# | C | AA | XFD |\n9 | x | a¦b |\n1048576 |  |  | end |",
        );
        check(
            &[("B2", "late"), ("A1", "first"), ("B2", "later")],
            "# | A | B |\n1 | first |\n2 |  | later |",
        );
        check(&[], "");
    }

    #[test]
    fn a_first_row_of_texts_names_the_columns() {
        let check = |cells: &[(&str, &str)], expected: bool| {
            let lines = lines(cells.iter().map(|(name, text)| cell(name, text)).collect()).unwrap().unwrap();
            assert_eq!(lines.names_columns, expected, "{cells:?}");
        };

        check(&[("A1", "项目"), ("B1", "租金"), ("A2", "x"), ("B2", "2400")], true);
        check(&[("A1", "项目"), ("A2", "x"), ("B2", "2400")], false);
        check(&[("A1", "Rent"), ("B1", "2400"), ("A2", "x")], false);
    }

    #[test]
    fn one_wide_row_makes_no_other_row_wide() {
        let wide = (0..200).map(|at| Cell { row: 0, column: at, text: "x".into() });
        let long = (1..100_000).map(|at| Cell { row: at, column: 0, text: "x".into() });

        assert!(lines(wide.chain(long).collect()).is_ok());
    }

    #[test]
    fn cells_far_apart_are_refused() {
        let cells = (0..4_000).map(|at| Cell { row: at, column: at, text: "x".into() }).collect();

        assert_eq!(lines(cells).unwrap_err().code(), "out_of_budget");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn letters_name_the_column_they_came_from(column in 0_u32..1 << 14) {
            prop_assert_eq!(position(&format!("{}1", letters(column))), Some((0, column)));
        }
    }
}
