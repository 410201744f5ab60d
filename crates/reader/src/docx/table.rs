//! A table as rows of text, `| Item | Price |`; a cell that is merged downwards is repeated in every row. Knows no
//! paragraph.

use crate::office::xml::Element;
use std::collections::HashMap;

/// Columns that are counted; a span beyond it is an attack.
const MAX_COLUMNS: usize = 1_000;

/// A table that is being read.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<String>,
    row: Vec<Cell>,
    cell: Option<Cell>,
    column: usize,
    /// What goes on downwards, by column.
    merged: HashMap<usize, String>,
}

#[derive(Default)]
struct Cell {
    text: String,
    span: usize,
    merge: Merge,
}

#[derive(Default, PartialEq, Eq)]
enum Merge {
    #[default]
    None,
    Begins,
    GoesOn,
}

impl Table {
    pub(super) fn open(&mut self, element: &Element<'_>) {
        match (element.name.as_str(), &mut self.cell) {
            ("tr", _) => (self.row, self.column) = (Vec::new(), 0),
            ("tc", cell) => *cell = Some(Cell { span: 1, ..Cell::default() }),
            ("gridSpan", Some(cell)) => cell.span = element.number().unwrap_or(1).clamp(1, MAX_COLUMNS),
            ("vMerge", Some(cell)) => {
                let begins = element.value().as_deref() == Some("restart");
                cell.merge = if begins { Merge::Begins } else { Merge::GoesOn };
            }
            _ => {}
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        match name {
            "tc" => self.end_cell(),
            "tr" => self.end_row(),
            _ => {}
        }
    }

    /// Adds to the open cell.
    pub(super) fn text(&mut self, text: &str) {
        let Some(cell) = &mut self.cell else { return };
        for word in text.split_whitespace() {
            if !cell.text.is_empty() {
                cell.text.push(' ');
            }
            cell.text.push_str(word);
        }
    }

    fn end_cell(&mut self) {
        let Some(mut cell) = self.cell.take() else { return };
        match cell.merge {
            Merge::Begins => drop(self.merged.insert(self.column, cell.text.clone())),
            Merge::GoesOn => cell.text = self.merged.get(&self.column).cloned().unwrap_or_default(),
            Merge::None => drop(self.merged.remove(&self.column)),
        }
        self.column = (self.column + cell.span).min(MAX_COLUMNS);
        self.row.push(cell);
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if row.iter().any(|cell| !cell.text.is_empty()) {
            let cells: Vec<String> = row.into_iter().map(|cell| cell.text.replace('|', "¦")).collect();
            self.rows.push(format!("| {} |", cells.join(" | ")));
        }
    }

    pub(super) fn rows(self) -> Vec<String> {
        self.rows
    }
}
