//! A table as rows of text, `| Item | Price |`; a cell that goes on downwards is repeated in every row. Knows no file
//! format.

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
    cell: Option<Cell>,
    column: usize,
    /// What goes on downwards, by column.
    hanging: BTreeMap<usize, Hanging>,
    /// Bytes of text that cells hold themselves, and that they repeat.
    own: usize,
    repeated: usize,
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
            let cells: Vec<String> = row.into_iter().map(|cell| cell.replace('|', "¦")).collect();
            self.rows.push(format!("| {} |", cells.join(" | ")));
        }
    }

    pub(crate) fn rows(mut self) -> Vec<String> {
        self.end_row();
        self.rows
    }
}
