//! What is a table and what only looks like one. Knows no lines.

use super::super::frame::Frame;
use super::Table;
use super::cells::is_leader;
use super::cells::is_value;
use super::cells::page_number;
use super::stretch::Stretch;

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
    total <= MAX_MEAN_WEIGHT * filled.len() && !table.cells.iter().any(frames)
}

/// Rows with several cells that a table without lines has at least.
const MIN_ROWS: usize = 3;
/// Part of the places between its gutters that hold something.
const MIN_ALIGNED_FILLED: f32 = 0.55;
/// The same where nothing is a value.
const MIN_WORDS_FILLED: f32 = 0.75;
/// Part of a column's entries that begin, end or have their middle on one line.
const MIN_STRAIGHT: f32 = 0.65;
/// Text in an entry on average; more is prose.
const MAX_ENTRY: f32 = 60.0;
const MAX_WORDS_ENTRY: f32 = 26.0;
/// Part of the entries of a column of values that are values.
const MIN_VALUES: f32 = 0.7;
/// Part of the entries that may be labels before blanks, `Name:`, `By: ____`.
const MAX_LABELS: f32 = 0.2;
/// From entry to entry of a contents page it is not further than this, in pages, on average.
const MAX_PAGE_STEP: f32 = 30.0;

/// Says whether lines that stand in columns are a table. `ruled` says that a line closes it above and below.
pub(super) fn is_aligned_table(stretch: &Stretch, ruled: bool, frame: &Frame) -> bool {
    let columns = stretch.columns.len();
    let several = stretch.lines.iter().filter(|line| line.len() > 1).count();
    let entries = stretch.entries(frame);
    let texts = || entries.iter().flatten();
    let count = texts().count() as f32;
    if several < MIN_ROWS || columns < 2 || texts().any(|entry| is_leader(&entry.text)) {
        return false;
    }
    let labels = texts().filter(|entry| is_label(&entry.text)).count() as f32;
    let mean = |column: &Vec<super::stretch::Entry>| {
        column.iter().map(|entry| entry.weight).sum::<usize>() as f32 / column.len().max(1) as f32
    };
    if labels > MAX_LABELS * count || entries.iter().any(|column| mean(column) > MAX_ENTRY) {
        return false;
    }
    let values = |column: &Vec<super::stretch::Entry>| {
        let values = column.iter().filter(|entry| is_value(&entry.text)).count();
        values >= 2 && values as f32 >= MIN_VALUES * (column.len().max(2) - 1) as f32
    };
    let of_values = entries.iter().skip(1).filter(|column| values(column)).count();
    let held = stretch.lines.iter().filter(|line| line.len() > 1).map(Vec::len).sum::<usize>() as f32;
    let filled = held / (several * columns) as f32;
    let straight = entries.iter().all(|column| stretch.is_straight(column, MIN_STRAIGHT));
    if filled < MIN_ALIGNED_FILLED || !straight || is_contents(&entries) {
        return false;
    }
    let weight = texts().map(|entry| entry.weight).sum::<usize>() as f32 / count;
    match columns {
        2 => ruled || of_values == 1 && !values(&entries[0]),
        _ if of_values > 0 => true,
        _ => ruled || several > MIN_ROWS && filled >= MIN_WORDS_FILLED && weight <= MAX_WORDS_ENTRY,
    }
}

fn is_label(text: &str) -> bool {
    text.ends_with([':', '：']) || text.contains("__")
}

/// Says whether the last column counts pages upwards.
fn is_contents(entries: &[Vec<super::stretch::Entry>]) -> bool {
    let Some(last) = entries.last() else { return false };
    let pages: Vec<u32> = last.iter().filter_map(|entry| page_number(&entry.text)).collect();
    let (Some(first), Some(end)) = (pages.first(), pages.last()) else { return false };
    let steps = pages.len().max(2) - 1;
    let rising = pages.windows(2).filter(|pair| pair[0] < pair[1]).count();
    pages.len() + 1 >= last.len()
        && pages.is_sorted()
        && 2 * rising >= steps
        && (end - first) as f32 <= MAX_PAGE_STEP * steps as f32
}
