//! Which of the first rows of a table name its columns. Knows no lines.

use super::super::frame::Frame;
use super::Table;
use super::cells::is_value;
use super::lines::Lines;

/// No header has more rows.
const MAX_ROWS: usize = 4;
/// A column holds values if this part of its cells does.
const MIN_VALUES: f32 = 0.6;

/// Counts the rows that stand out from those below by bold print or shading, or that name what are values below.
pub(super) fn rows(table: &Table, frame: &Frame, lines: &Lines) -> usize {
    let bold = |row: &[usize]| row.iter().all(|cell| table.cells[*cell].is_bold(frame));
    let shaded = |row: &[usize]| {
        let cells = row.iter().filter(|cell| !table.cells[**cell].is_empty());
        let (mut shaded, mut count) = (0, 0);
        for cell in cells {
            count += 1;
            shaded += usize::from(is_shaded(table, *cell, lines));
        }
        2 * shaded > count
    };
    let stands_out = leading(table, bold).or_else(|| {
        let named = |rows: &usize| table.rows[..*rows].iter().all(|row| names(table, row, frame));
        leading(table, shaded).filter(named)
    });
    let rows = stands_out.unwrap_or_else(|| usize::from(heads_values(table, frame)));
    if rows > 0 { with_spans(table, rows) } else { 0 }
}

/// How many of the first rows are of a kind that the next one is not.
fn leading(table: &Table, is: impl Fn(&[usize]) -> bool) -> Option<usize> {
    let count = table.rows.iter().take(MAX_ROWS).take_while(|row| is(row)).count();
    (count > 0 && count < table.rows.len().min(MAX_ROWS)).then_some(count)
}

fn is_shaded(table: &Table, cell: usize, lines: &Lines) -> bool {
    let Some(line) = table.cells[cell].lines.first() else { return false };
    let Some(fragment) = line.fragments.first() else { return false };
    let (u, v) = (f32::midpoint(fragment.u0, fragment.u1), line.v - 0.3 * line.size);
    // What lies behind the whole table sets no row apart.
    let most = 0.7 * (table.place.bottom - table.place.top);
    lines.areas.iter().any(|area| area.holds(u, v) && area.bottom - area.top < most)
}

fn names(table: &Table, row: &[usize], frame: &Frame) -> bool {
    row.iter().all(|cell| !is_value(&table.cells[*cell].text(frame)))
}

/// Says whether the first row has names only, and at least one column values below.
fn heads_values(table: &Table, frame: &Frame) -> bool {
    let [first, below @ ..] = table.rows.as_slice() else { return false };
    let held = first.iter().filter(|cell| !table.cells[**cell].is_empty()).count();
    if held < 2 || below.is_empty() || !names(table, first, frame) {
        return false;
    }
    (0..first.len()).any(|column| {
        let texts = below.iter().filter(|row| row.len() == first.len()).map(|row| row[column]);
        let texts: Vec<String> =
            texts.map(|cell| table.cells[cell].text(frame)).filter(|text| !text.is_empty()).collect();
        let values = texts.iter().filter(|text| is_value(text)).count();
        values > 0 && values as f32 >= MIN_VALUES * texts.len() as f32
    })
}

/// Takes in the rows that cells of the header reach down into.
fn with_spans(table: &Table, mut rows: usize) -> usize {
    while rows < table.rows.len().min(MAX_ROWS)
        && table.rows[rows].iter().any(|cell| table.rows[rows - 1].contains(cell))
    {
        rows += 1;
    }
    if rows < table.rows.len() { rows } else { 0 }
}
