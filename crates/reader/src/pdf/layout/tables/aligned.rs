//! Tables without lines between their cells: rows that stand in the same columns. Knows no grids.

use super::super::columns::Row;
use super::super::frame::Frame;
use super::Block;
use super::Cell;
use super::Place;
use super::Table;
use super::cells::is_value;
use super::header;
use super::lines::Lines;
use super::listing;
use super::listing::Verdict;
use super::stretch::Chunk;
use super::stretch::Stretch;
use super::stretch::chunks;
use std::ops::Range;

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
        match listing::judge(&stretch, ruled, frame) {
            Verdict::Table => {}
            // A title with two parts may stand before a table, but not half of a long one.
            Verdict::Text => {
                from += (count / 2).max(1);
                continue;
            }
            // The end of a list alone may look like a table.
            Verdict::List => {
                from += count;
                continue;
            }
        }
        let later = rows.split_off(from + count);
        let body = rows.split_off(from);
        let heads = rows.split_off(from - count_heads(&rows, &body[0], &stretch, lines));
        if !rows.is_empty() {
            blocks.push(Block::Lines(rows));
        }
        let mut table = table(&stretch, &body, place, lines, frame);
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
fn table(stretch: &Stretch, rows: &[Row], place: Place, lines: &Lines, frame: &Frame) -> Table {
    let width = stretch.columns.len();
    let dividers: Vec<f32> = lines.between(&place).collect();
    let band = |row: &Row| dividers.partition_point(|at| *at < row.v - 0.3 * row.size);
    let bands: Vec<usize> = rows.iter().map(band).collect();
    let banded = hold_a_row_each(&bands, stretch, frame);
    let mut table = Table { cells: Vec::new(), rows: Vec::new(), header_rows: 0, place };
    for (index, (chunks, row)) in stretch.lines.iter().zip(rows).enumerate() {
        let same =
            if banded { bands[index.saturating_sub(1)] == bands[index] } else { stretch.goes_on(chunks) };
        if index == 0 || !same {
            let first = table.cells.len();
            table.cells.resize_with(first + width, Cell::default);
            table.rows.push((first..first + width).collect());
        }
        let first = table.cells.len() - width;
        for chunk in chunks {
            table.cells[first + stretch.column_of(chunk)].add(chunk, row);
        }
    }
    table
}

/// Says whether what lies between two lines is one row. Where it holds values under each other, or only whole rows, lines
/// divide groups of rows: a head, what is summed up, the sum. `bands` has for each row the lines above it.
fn hold_a_row_each(bands: &[usize], stretch: &Stretch, frame: &Frame) -> bool {
    let mut rest = stretch.lines.as_slice();
    let (mut count, mut of_several, mut of_whole_rows) = (0, 0, 0);
    for band in bands.chunk_by(|one, other| one == other) {
        let (lines, later) = rest.split_at(band.len());
        rest = later;
        if stacks_values(lines, stretch, frame) {
            return false;
        }
        count += 1;
        of_several += usize::from(lines.len() > 1);
        let is_whole = |line: &Vec<Chunk>| line.len() == stretch.columns.len();
        of_whole_rows += usize::from(lines.len() > 1 && lines.iter().all(is_whole));
    }
    let divides_groups = of_several > 0 && 2 * of_whole_rows >= of_several;
    count > MIN_BANDS && bands.len() <= MAX_BAND_LINES * count && !divides_groups
}

/// Says whether a column holds several values in these lines, but for those that only go on with the line above.
fn stacks_values(lines: &[Vec<Chunk>], stretch: &Stretch, frame: &Frame) -> bool {
    let mut values = vec![0; stretch.columns.len()];
    let whole = lines.iter().filter(|line| line.len() > 1).flatten();
    for chunk in whole.filter(|chunk| is_value(&chunk.text(frame))) {
        values[stretch.column_of(chunk)] += 1;
    }
    values.iter().any(|count| *count > 1)
}

/// How many of the rows above name columns, several of them at once: `2024 (audited)` over two columns of values. A title
/// over several columns counts only with a rule of its own, or below such a row.
fn count_heads(above: &[Row], first: &Row, stretch: &Stretch, lines: &Lines) -> usize {
    let (mut below, mut count) = (first, 0);
    for (index, row) in above.iter().rev().take(MAX_HEADS).enumerate() {
        let chunks = chunks(row);
        let under: Vec<Vec<usize>> =
            chunks.iter().map(|chunk| stretch.columns_under(chunk).collect()).collect();
        let near = below.v - row.v <= HEAD_DISTANCE * row.size;
        let names = chunks.len() > 1 && !under.contains(&Vec::new());
        let spans = matches!(under.as_slice(), [one] if one.len() > 1 && one[0] > 0);
        if !near || !names && !spans {
            break;
        }
        if names || has_rule(&chunks[0], &under[0], row.v..below.v, stretch, lines) {
            count = index + 1;
        }
        below = row;
    }
    count
}

/// Says whether a rule as long as an entry over several columns, which leaves the first one free, sets it off from what is
/// below.
fn has_rule(chunk: &Chunk, under: &[usize], between: Range<f32>, stretch: &Stretch, lines: &Lines) -> bool {
    let [first, .., last] = under else { return false };
    let (u0, u1) = (chunk.u0.max(stretch.columns[*first].0), chunk.u1.min(stretch.columns[*last].1));
    let place = Place { u0, u1, top: between.start, bottom: between.end };
    lines.lying_in(&place).any(|line| line.from > stretch.columns[0].1)
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
                if let Some(cell) = cells.last().filter(|_| first < next) {
                    // Two names of one column.
                    self.cells[*cell].add(chunk, row);
                    next = next.max(last + 1);
                    continue;
                }
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
