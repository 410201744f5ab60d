//! What is a table and what only looks like one. Knows no lines.

use super::super::frame::Frame;
use super::Table;
use super::cells::is_leader;
use super::cells::is_value;
use super::cells::page_number;
use super::cells::text;
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
        // A dash between a name and what it is for is no value.
        let any = column.iter().any(|entry| entry.text.contains(|c: char| c.is_ascii_digit()));
        any && values >= 2 && values as f32 >= MIN_VALUES * (column.len().max(2) - 1) as f32
    };
    let of_values = entries.iter().skip(1).filter(|column| values(column)).count();
    let held = stretch.lines.iter().filter(|line| line.len() > 1).map(Vec::len).sum::<usize>() as f32;
    let filled = held / (several * columns) as f32;
    let straight = entries.iter().all(|column| stretch.is_straight(column, MIN_STRAIGHT));
    if filled < MIN_ALIGNED_FILLED || !straight || lists_pages(&entries) {
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

fn lists_pages(entries: &[Vec<super::stretch::Entry>]) -> bool {
    let texts = |column: Option<&Vec<super::stretch::Entry>>| -> Vec<String> {
        column.into_iter().flatten().map(|entry| entry.text.clone()).collect()
    };
    is_contents(&texts(entries.first()), &texts(entries.last()), false)
}

/// Says whether the last column counts pages upwards. Where many titles stand on one page, or lines make it look like
/// a table, the first column must number them.
fn is_contents(first: &[String], last: &[String], ruled: bool) -> bool {
    let pages: Vec<u32> = last.iter().filter_map(|text| page_number(text)).collect();
    // Pages before the first and after the last have numbers of their own.
    let counted: Vec<u32> = pages.iter().copied().filter(|page| *page > 0).collect();
    let steps = counted.len().max(2) - 1;
    let rising = counted.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let span = counted.last().zip(counted.first()).map_or(0, |(last, first)| last.saturating_sub(*first));
    let numbered = 3 * first.iter().filter(|text| is_clause_number(text)).count() >= 2 * first.len();
    pages.len() + 1 >= last.len()
        && counted.is_sorted()
        && (numbered || 2 * rising >= steps && !ruled)
        && span as f32 <= MAX_PAGE_STEP * steps as f32
}

/// `4.1`, `9.`, `Section5.1`, `ScheduleA`, `第三条`: begins the number of a clause or an annex.
fn is_clause_number(text: &str) -> bool {
    const WORDS: [&str; 10] =
        ["section", "article", "schedule", "exhibit", "appendix", "annex", "chapter", "part", "第", "附件"];
    let lower = text.to_lowercase();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    WORDS.iter().any(|word| lower.starts_with(word)) || digits > 0 && text[digits..].starts_with('.')
}
