//! Tables without lines between their cells: rows that stand in the same columns. Knows no grids.

use super::super::columns::Row;
use super::super::frame::Frame;
use super::Block;
use super::Cell;
use super::Place;
use super::Table;
use super::accept;
use super::header;
use super::lines::Lines;
use super::stretch::Chunk;
use super::stretch::Stretch;
use super::stretch::chunks;

/// A line closes a table if it is not further away than this, in em.
const REACH: f32 = 1.6;
/// Lines between rows mark all rows only if so many of them do,
const MIN_BANDS: usize = 3;
/// and if no more lines of text, on average, lie between two of them.
const MAX_BAND_LINES: usize = 4;
/// Rows above a table that may name several columns at once,
const MAX_HEADS: usize = 3;
/// each not further from the one below than this, in em.
const HEAD_DISTANCE: f32 = 2.2;

/// Parts rows into tables and what lies between.
pub(super) fn blocks(mut rows: Vec<Row>, frame: &Frame, lines: &Lines) -> Vec<Block> {
    let (mut blocks, mut from) = (Vec::new(), 0);
    while from < rows.len() {
        let stretch = Stretch::grow(&rows[from..]);
        let Some(stretch) = stretch else {
            from += 1;
            continue;
        };
        let count = stretch.lines.len();
        let place = place(&stretch, &rows[from..from + count]);
        let ruled = is_ruled(&place, stretch.size, lines);
        if !accept::is_aligned_table(&stretch, ruled, frame) {
            // A title with two parts may stand before a table, but not half of a long one.
            from += (count / 2).max(1);
            continue;
        }
        let later = rows.split_off(from + count);
        let body = rows.split_off(from);
        let heads = rows.split_off(from - count_heads(&rows, &body[0], &stretch));
        if !rows.is_empty() {
            blocks.push(Block::Lines(rows));
        }
        let mut table = table(&stretch, &body, place, lines);
        table.put_above(&heads, &stretch);
        table.header_rows = header::rows(&table, frame, lines);
        blocks.push(Block::Table(table));
        (rows, from) = (later, 0);
    }
    if !rows.is_empty() {
        blocks.push(Block::Lines(rows));
    }
    blocks
}

fn place(stretch: &Stretch, rows: &[Row]) -> Place {
    let (first, last) = (&rows[0], &rows[rows.len() - 1]);
    let right = stretch.columns[stretch.columns.len() - 1].1;
    Place { u0: stretch.columns[0].0, top: first.v - first.size, u1: right, bottom: last.v + 0.3 * last.size }
}

/// Says whether lines close the table above and below.
fn is_ruled(place: &Place, size: f32, lines: &Lines) -> bool {
    let reach = REACH * size;
    let above = Place { top: place.top - reach, bottom: place.top + 0.3 * size, ..*place };
    let below = Place { top: place.bottom - 0.3 * size, bottom: place.bottom + reach, ..*place };
    lines.between(&above).next().is_some() && lines.between(&below).next().is_some()
}

/// Puts the entries into cells. A line with one entry, not in the first column, goes on with the row above; where rows
/// have lines between them, all that lies between two is one row.
fn table(stretch: &Stretch, rows: &[Row], place: Place, lines: &Lines) -> Table {
    let width = stretch.columns.len();
    let dividers: Vec<f32> = lines.between(&place).collect();
    let band = |row: &Row| dividers.partition_point(|at| *at < row.v - 0.3 * row.size);
    let bands = dividers.len() + 1;
    let banded = bands > MIN_BANDS && rows.len() <= MAX_BAND_LINES * bands;
    let mut table = Table { cells: Vec::new(), rows: Vec::new(), header_rows: 0, place };
    let mut previous: Option<&Row> = None;
    for (chunks, row) in stretch.lines.iter().zip(rows) {
        let single = chunks.len() == 1 && stretch.column_of(&chunks[0]) > 0;
        let goes_on = previous.is_some_and(|above| if banded { band(above) == band(row) } else { single });
        if !goes_on {
            let first = table.cells.len();
            table.cells.resize_with(first + width, Cell::default);
            table.rows.push((first..first + width).collect());
        }
        let first = table.cells.len() - width;
        for chunk in chunks {
            table.cells[first + stretch.column_of(chunk)].add(chunk, row);
        }
        previous = Some(row);
    }
    table
}

/// How many of the rows above name columns, several of them at once: `2024 (audited)` over two columns of values.
fn count_heads(above: &[Row], first: &Row, stretch: &Stretch) -> usize {
    let (mut below, mut count) = (first, 0);
    for row in above.iter().rev().take(MAX_HEADS) {
        let chunks = chunks(row);
        let near = below.v - row.v <= HEAD_DISTANCE * row.size;
        let over: Vec<usize> = chunks.iter().map(|chunk| stretch.columns_under(chunk).count()).collect();
        let named = chunks.len() > 1 && !over.contains(&0);
        let spans = over.iter().any(|count| *count > 1)
            && chunks.iter().all(|chunk| stretch.columns_under(chunk).all(|column| column > 0));
        if !near || !(named || spans) {
            break;
        }
        (below, count) = (row, count + 1);
    }
    count
}

impl Table {
    /// Puts rows above the others; what stands over several columns is one cell.
    fn put_above(&mut self, heads: &[Row], stretch: &Stretch) {
        for (index, row) in heads.iter().enumerate() {
            let chunks = chunks(row);
            let mut cells: Vec<usize> = Vec::new();
            let mut next = 0;
            for chunk in &chunks {
                let under = stretch.columns_under(chunk);
                let (first, last) = under.fold((usize::MAX, 0), |(first, _), at| (first.min(at), at));
                let empty = first.min(stretch.columns.len()).saturating_sub(next);
                for content in (0..empty).map(|_| None).chain([Some(chunk)]) {
                    let mut cell = Cell::default();
                    if let Some(chunk) = content {
                        cell.add(chunk, row);
                    }
                    cells.push(self.cells.len());
                    self.cells.push(cell);
                }
                next = next.max(last + 1);
            }
            self.rows.insert(index, cells);
            self.place.top = self.place.top.min(row.v - row.size);
        }
    }
}

impl Cell {
    fn add(&mut self, chunk: &Chunk, row: &Row) {
        match self.lines.last_mut().filter(|line| line.v >= row.v) {
            Some(line) => line.fragments.extend(chunk.fragments.iter().cloned()),
            None => self.lines.push(Row { fragments: chunk.fragments.clone(), v: row.v, size: row.size }),
        }
    }
}
