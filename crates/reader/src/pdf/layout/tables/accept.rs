//! Which grids are a table, and which a form, a drawing or a frame around text. Knows no lines.

use super::super::frame::Frame;
use super::Table;
use super::cells::is_value;
use super::cells::text;
use super::contents::is_contents;

/// More of the glyphs in words across borders are a drawing's.
const MAX_CROSSING: f32 = 0.12;
/// More columns are a drawing's.
const MAX_COLUMNS: usize = 100;
/// Fewer of the cells with text are a form to fill in, a chart or a map.
const MIN_FILLED: f32 = 0.3;
/// More text in a cell, on average, is prose with lines around it.
const MAX_MEAN_WEIGHT: usize = 260;
/// A cell that holds most of the text, in so many lines, is a frame around a page.
const FRAME_SHARE: f32 = 0.6;
const FRAME_LINES: usize = 8;
/// So many values under each other in one cell are those of several rows,
const MIN_STACK: usize = 3;
/// and where more of the cells with text hold such, lines do not divide the rows.
const MAX_STACKS: f32 = 0.4;

/// Says whether the words of a grid stand between its lines.
pub(super) fn lies_in_cells(glyphs: usize, crossing: usize) -> bool {
    glyphs > 0 && crossing as f32 <= MAX_CROSSING * glyphs as f32
}

/// Says whether the text between lines is a table's.
pub(super) fn is_ruled_table(table: &Table, columns: usize, frame: &Frame) -> bool {
    if table.rows.len() < 2 || !(2..=MAX_COLUMNS).contains(&columns) {
        return false;
    }
    let filled: Vec<usize> =
        table.cells.iter().filter(|cell| !cell.is_empty()).map(|cell| cell.weight(frame)).collect();
    // Cells that cover several rows come several times.
    let places: usize = table.rows.iter().map(Vec::len).sum();
    let held = table.rows.iter().flatten().filter(|cell| !table.cells[**cell].is_empty()).count();
    if filled.len() < 3 || (held as f32) < MIN_FILLED * places as f32 {
        return false;
    }
    let total: usize = filled.iter().sum();
    let frames = |cell: &super::Cell| {
        cell.lines.len() >= FRAME_LINES && cell.weight(frame) as f32 >= FRAME_SHARE * total as f32
    };
    let column = |pick: fn(&[usize]) -> Option<&usize>| -> Vec<String> {
        let cells = table.rows.iter().filter_map(|row| pick(row));
        cells.map(|cell| table.cells[*cell].text(frame)).collect()
    };
    total <= MAX_MEAN_WEIGHT * filled.len()
        && !table.cells.iter().any(frames)
        && !is_stacked(table, frame)
        && !is_contents(&column(<[usize]>::first), &column(<[usize]>::last), true)
}

/// Says whether several rows stand between two lines: cells hold values under each other.
fn is_stacked(table: &Table, frame: &Frame) -> bool {
    let is_stack = |cell: &&super::Cell| {
        let values = cell.lines.iter().filter(|line| is_value(&text(line.fragments.iter(), frame))).count();
        values >= MIN_STACK && values == cell.lines.len()
    };
    let filled = table.cells.iter().filter(|cell| !cell.is_empty());
    let stacks = filled.clone().filter(is_stack).count();
    stacks as f32 > MAX_STACKS * filled.count() as f32
}
