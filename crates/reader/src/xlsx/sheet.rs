//! The cells of a sheet, each as the text that it shows. Knows no other sheet and writes no lines.

use super::format::Format;
use super::strings::unescape;
use super::styles::Styles;
use crate::error::ReadError;
use crate::office::xml::Element;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::collections::HashSet;

/// The largest sheet that spreadsheets make.
const MAX_ROWS: u32 = 1 << 20;
const MAX_COLUMNS: u32 = 1 << 14;
/// Ranges of hidden columns that are heeded.
const MAX_HIDDEN: usize = 1_000;

/// What cells refer to in other parts.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) strings: Vec<String>,
    pub(super) styles: Styles,
    pub(super) from_1904: bool,
}

/// What all sheets together may hold.
pub(super) struct Budget {
    pub(super) cells: usize,
    /// Bytes of text; one shared text may stand in every cell.
    pub(super) text: u64,
}

/// A cell that shows something. Rows and columns count from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) row: u32,
    pub(super) column: u32,
    pub(super) text: String,
}

/// The cells of a sheet and what of it is not seen.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) cells: Vec<Cell>,
    /// Cells with text in rows and columns that are not shown.
    pub(super) hidden: u32,
    /// These rows, and ranges of these columns.
    pub(super) hidden_rows: HashSet<u32>,
    pub(super) hidden_columns: Vec<(u32, u32)>,
    /// Cells of which the file does not keep the value.
    pub(super) without_value: u32,
}

/// Reads the part of a sheet.
pub(super) fn read(part: &[u8], parts: &Parts, budget: &mut Budget) -> Result<Sheet, ReadError> {
    let mut reading = Reading {
        parts,
        budget,
        sheet: Sheet::default(),
        hidden_row: false,
        row: 0,
        column: 0,
        cell: None,
        in_value: false,
        spoken: 0,
    };
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => reading.open(element),
            Node::Close(name) => reading.close(name)?,
            Node::Text(text) => reading.text(text),
        }
        Ok(())
    })?;
    Ok(reading.sheet)
}

/// A cell as it stands in the file.
#[derive(Default)]
struct Raw {
    kind: String,
    style: usize,
    value: String,
    has_formula: bool,
}

struct Reading<'r> {
    parts: &'r Parts,
    budget: &'r mut Budget,
    sheet: Sheet,
    hidden_row: bool,
    /// Where the next cell stands if it does not say.
    row: u32,
    column: u32,
    cell: Option<Raw>,
    in_value: bool,
    /// Open `rPh`: how characters are pronounced.
    spoken: usize,
}

impl Reading<'_> {
    fn open(&mut self, element: &Element<'_>) {
        match element.name.as_str() {
            "col" if is_true(element, "hidden") => {
                let bound = |name: &str| element.attribute(name)?.parse::<u32>().ok()?.checked_sub(1);
                let hidden = &mut self.sheet.hidden_columns;
                hidden.extend(bound("min").zip(bound("max")).filter(|_| hidden.len() < MAX_HIDDEN));
            }
            "row" => {
                let number = element.attribute("r").and_then(|number| number.parse::<u32>().ok());
                self.row = number.and_then(|number| number.checked_sub(1)).unwrap_or(self.row);
                self.column = 0;
                self.hidden_row = is_true(element, "hidden");
            }
            "c" => {
                if let Some((row, column)) = element.attribute("r").and_then(|name| position(&name)) {
                    (self.row, self.column) = (row, column);
                }
                self.cell = Some(Raw {
                    kind: element.attribute("t").unwrap_or_default(),
                    style: element.attribute("s").and_then(|style| style.parse().ok()).unwrap_or(0),
                    ..Raw::default()
                });
            }
            "f" => {
                if let Some(cell) = &mut self.cell {
                    cell.has_formula = true;
                }
            }
            "rPh" => self.spoken += 1,
            "v" | "t" if self.spoken == 0 => self.in_value = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ReadError> {
        match name {
            "row" => self.row = self.row.saturating_add(1),
            "c" => self.end_cell()?,
            "rPh" => self.spoken = self.spoken.saturating_sub(1),
            "v" | "t" => self.in_value = false,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = self.cell.as_mut().filter(|_| self.in_value) {
            cell.value.push_str(text);
        }
    }

    fn end_cell(&mut self) -> Result<(), ReadError> {
        let Some(cell) = self.cell.take() else { return Ok(()) };
        let (row, column) = (self.row, self.column);
        self.column = self.column.saturating_add(1);
        let text = shown(&cell, self.parts);
        if text.is_empty() {
            let lost = if cell.kind == "s" { !cell.value.is_empty() } else { cell.has_formula };
            self.sheet.without_value += u32::from(lost && !holds_nothing(&cell, self.parts));
            return Ok(());
        }
        let bounds = "its cells are more than are read";
        let left = self.budget.cells.checked_sub(1).filter(|_| row < MAX_ROWS && column < MAX_COLUMNS);
        self.budget.cells = left.ok_or(ReadError::OutOfBudget { detail: bounds.into() })?;
        let left = self.budget.text.checked_sub(text.len() as u64);
        self.budget.text = left.ok_or(ReadError::OutOfBudget { detail: bounds.into() })?;
        if self.hidden_row {
            self.sheet.hidden_rows.insert(row);
        }
        let in_hidden = |(first, last): &(u32, u32)| (*first..=*last).contains(&column);
        let hidden = self.hidden_row || self.sheet.hidden_columns.iter().any(in_hidden);
        self.sheet.hidden += u32::from(hidden);
        self.sheet.cells.push(Cell { row, column, text });
        Ok(())
    }
}

/// Says whether an empty text is the value.
fn holds_nothing(cell: &Raw, parts: &Parts) -> bool {
    match cell.kind.as_str() {
        "s" => cell.value.trim().parse().is_ok_and(|at: usize| at < parts.strings.len()),
        kind => kind == "str",
    }
}

/// The text of a cell on one line.
fn shown(cell: &Raw, parts: &Parts) -> String {
    let value = cell.value.trim();
    let text = match cell.kind.as_str() {
        "s" => {
            value.parse().ok().and_then(|at: usize| parts.strings.get(at)).map_or("", String::as_str).into()
        }
        "b" => String::from(if matches!(value, "1" | "true") { "TRUE" } else { "FALSE" }),
        "str" | "inlineStr" => unescape(&cell.value).into_owned(),
        // An error, such as `#DIV/0!`, or a date in ISO 8601.
        "e" | "d" => value.to_owned(),
        _ => number(value, parts.styles.format(cell.style), parts.from_1904),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number(value: &str, format: &Format, from_1904: bool) -> String {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => format.show(number, from_1904),
        _ => value.to_owned(),
    }
}

fn is_true(element: &Element<'_>, name: &str) -> bool {
    element.attribute(name).is_some_and(|value| value == "1" || value == "true")
}

/// Row and column of a cell's name, such as `AB12`.
pub(super) fn position(name: &str) -> Option<(u32, u32)> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = name.split_at(letters);
    let mut column = 0_u32;
    for letter in letters.bytes() {
        let value = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(value)?;
    }
    Some((digits.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}
