//! A table as rows of text, `| Item | Price |`; a cell that goes on downwards is repeated in every row, and the first rows
//! may name the columns. Knows no file format.

use std::collections::BTreeMap;

/// Columns that are counted; a span beyond it is an attack.
const MAX_COLUMNS: usize = 1_000;
/// Repeated text may be so many times what the cells themselves hold, and a little for small tables.
const MAX_REPEATED: usize = 8;
const FREE_REPEATED: usize = 64 << 10;

/// A table that is being read.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<String>,
    row: Vec<String>,
    /// A row is open; how many ended before it, those without text too.
    in_row: bool,
    ended: usize,
    /// Whether the open row names the columns; so many before it do, and nothing stands between.
    names: Names,
    header_rows: usize,
    cell: Option<Cell>,
    column: usize,
    /// What goes on downwards, by column.
    hanging: BTreeMap<usize, Hanging>,
    /// Bytes of text that cells hold themselves, and that they repeat.
    own: usize,
    repeated: usize,
}

/// A table that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Each a line.
    pub(crate) lines: Vec<String>,
    /// How many of the first name the columns.
    pub(crate) header_rows: usize,
}

/// Whether a row names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Names {
    #[default]
    No,
    /// It is set off as such a row would be: it does if its text could.
    Perhaps,
    Yes,
}

struct Cell {
    text: String,
    span: usize,
    down: Down,
}

/// How a cell goes on into the next rows.
enum Down {
    No,
    /// As long as cells below say so.
    Begins,
    /// The cell repeats the one above.
    GoesOn,
    /// For so many rows more, which have no cell there.
    For(usize),
}

struct Hanging {
    text: String,
    span: usize,
    /// The last row that it covers, where the cell itself told.
    until: Option<usize>,
}

impl Table {
    pub(crate) fn begin_row(&mut self) {
        self.end_row();
        self.column = 0;
        self.in_row = true;
        self.names = Names::No;
    }

    /// Says whether the open row names the columns.
    pub(crate) const fn names_columns(&mut self, names: Names) {
        self.names = names;
    }

    /// Begins another part of the table: no cell goes on into it (WHATWG HTML, 4.9.12).
    pub(crate) fn begin_part(&mut self) {
        self.end_row();
        self.hanging.clear();
    }

    pub(crate) fn begin_cell(&mut self) {
        self.end_cell();
        self.fill();
        self.cell = Some(Cell { text: String::new(), span: 1, down: Down::No });
    }

    /// Lets the open cell cover several columns.
    pub(crate) fn span(&mut self, columns: usize) {
        if let Some(cell) = &mut self.cell {
            cell.span = columns.clamp(1, MAX_COLUMNS);
        }
    }

    /// Lets the open cell begin a merge downwards, or go on with it.
    pub(crate) fn merge(&mut self, begins: bool) {
        if let Some(cell) = &mut self.cell {
            cell.down = if begins { Down::Begins } else { Down::GoesOn };
        }
    }

    /// Lets the open cell cover several rows; those below have no cell in its place.
    pub(crate) fn down_for(&mut self, rows: usize) {
        if let Some(cell) = self.cell.as_mut().filter(|_| rows > 1) {
            cell.down = Down::For(rows - 1);
        }
    }

    pub(crate) fn is_in_cell(&self) -> bool {
        self.cell.is_some()
    }

    /// Adds to the open cell.
    pub(crate) fn text(&mut self, text: &str) {
        let Some(cell) = &mut self.cell else { return };
        for word in text.split_whitespace() {
            if !cell.text.is_empty() {
                cell.text.push(' ');
            }
            cell.text.push_str(word);
        }
    }

    /// Ends the open cell without a trace but its place: it belongs to the one before.
    pub(crate) fn skip_cell(&mut self) {
        self.column = (self.column + usize::from(self.cell.take().is_some())).min(MAX_COLUMNS);
    }

    pub(crate) fn end_cell(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        let Cell { text, span, down } = cell;
        let until = match down {
            // Where nothing hangs, a cell that says it goes on has only what it holds itself.
            Down::GoesOn if !self.hanging.contains_key(&self.column) => {
                self.own += text.len();
                return self.put(text, span);
            }
            Down::No => {
                self.own += text.len();
                self.hanging.remove(&self.column);
                return self.put(text, span);
            }
            Down::GoesOn => {
                let text = self.repeat(self.column).unwrap_or_default();
                return self.put(text, span);
            }
            Down::Begins => None,
            Down::For(rows) => Some(self.ended.saturating_add(rows)),
        };
        self.own += text.len();
        self.hanging.insert(self.column, Hanging { text: text.clone(), span, until });
        self.put(text, span);
    }

    fn put(&mut self, text: String, span: usize) {
        self.column = (self.column + span).min(MAX_COLUMNS);
        self.row.push(text);
    }

    /// Repeats cells from above that cover the place where the row has come to.
    fn fill(&mut self) {
        while self.column < MAX_COLUMNS
            && let Some(Hanging { span, until: Some(until), .. }) = self.hanging.get(&self.column)
            && *until >= self.ended
        {
            let span = *span;
            let Some(text) = self.repeat(self.column) else { return self.hanging.clear() };
            self.put(text, span);
        }
    }

    /// The text that hangs over a column. What repeats far more than there is does not come from a person.
    fn repeat(&mut self, column: usize) -> Option<String> {
        let hanging = self.hanging.get(&column)?;
        self.repeated += hanging.text.len() + 3;
        (self.repeated <= self.own * MAX_REPEATED + FREE_REPEATED).then(|| hanging.text.clone())
    }

    pub(crate) fn end_row(&mut self) {
        self.end_cell();
        if !self.row.is_empty() {
            self.fill();
        }
        self.ended += usize::from(std::mem::take(&mut self.in_row));
        let row = std::mem::take(&mut self.row);
        if row.iter().any(|cell| !cell.is_empty()) {
            let names = match self.names {
                Names::No => false,
                Names::Perhaps => could_name_columns(row.iter().map(String::as_str)),
                Names::Yes => true,
            };
            let cells: Vec<String> = row.into_iter().map(|cell| cell.replace('|', "¦")).collect();
            self.header_rows += usize::from(names && self.header_rows == self.rows.len());
            self.rows.push(format!("| {} |", cells.join(" | ")));
        }
    }

    /// Ends the table. A table of names alone has none: they say nothing of what is below them.
    pub(crate) fn rows(mut self) -> Rows {
        self.end_row();
        let header_rows = if self.header_rows < self.rows.len() { self.header_rows } else { 0 };
        Rows { lines: self.rows, header_rows }
    }
}

/// Says whether cells could name columns: several, none of them empty or a value.
pub(crate) fn could_name_columns<'a>(cells: impl IntoIterator<Item = &'a str>) -> bool {
    let mut count = 0;
    let mut cells = cells.into_iter().inspect(|_| count += 1);
    let all = cells.all(|cell| !cell.trim().is_empty() && !cell.contains(|sign: char| sign.is_numeric()));
    all && count > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &[(Names, &[&str])]) -> Rows {
        let mut read = Table::default();
        for (names, cells) in table {
            read.begin_row();
            read.names_columns(*names);
            for cell in *cells {
                read.begin_cell();
                read.text(cell);
                read.end_cell();
            }
            read.end_row();
        }
        read.rows()
    }

    #[test]
    fn only_the_first_rows_name_columns_and_only_of_something() {
        let check = |table: &[(Names, &[&str])], expected: usize| {
            assert_eq!(rows(table).header_rows, expected, "{table:?}");
        };
        let names: (Names, &[&str]) = (Names::Yes, &["Item", "Price"]);
        let row: (Names, &[&str]) = (Names::No, &["Rent", "2400"]);

        check(&[names, row], 1);
        check(&[names, names, row], 2);
        check(&[names, row, names], 1);
        check(&[row, names], 0);
        check(&[names], 0);
        check(&[(Names::Yes, &["", ""]), names, row], 1);
    }

    #[test]
    fn a_row_that_is_only_set_off_names_columns_where_it_could() {
        let check = |cells: &[&str], expected: usize| {
            assert_eq!(
                rows(&[(Names::Perhaps, cells), (Names::No, &["x", "y"])]).header_rows,
                expected,
                "{cells:?}"
            );
        };

        check(&["项目", "租金"], 1);
        check(&["Price list"], 0);
        check(&["Rent", "2400"], 0);
        check(&["Item", ""], 0);
    }
}
