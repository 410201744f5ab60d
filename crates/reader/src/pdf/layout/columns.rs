//! Rows and columns: the order in which fragments are read.
//!
//! A stretch of rows is read as columns only where a gutter runs through all of it and each side looks like running
//! text: enough rows, mostly filled. Tables and forms do not, and are read row by row. Knows no characters but through
//! what tells the numbers of clauses.

use super::fragments::Fragment;
use super::frame::Frame;
use super::tables::enumerates;
use super::tables::text;

/// A gutter is at least this wide, in em of the usual size.
const MIN_GUTTER: f32 = 0.9;
/// A column has at least this many rows,
const MIN_ROWS: usize = 4;
/// filled to at least this part of its width on average,
const MIN_FILL: f32 = 0.55;
/// with this much text on average; a Chinese character counts as two letters.
const MIN_WEIGHT: usize = 16;
/// Where there are more columns, numbers do not hang in them.
const MAX_HANGING: usize = 8;
/// Glyphs of the number of a clause.
const MAX_NUMBER: usize = 12;
/// Columns within columns end here.
const MAX_DEPTH: usize = 4;
/// Pages with more rows are read row by row: looking for gutters takes the square of their number.
const MAX_ROWS: usize = 1_500;

/// Fragments on one baseline, from left to right.
pub(super) struct Row {
    pub(super) fragments: Vec<Fragment>,
    pub(super) v: f32,
    pub(super) size: f32,
}

/// Rows that follow each other down one column.
pub(super) type Flow = Vec<Row>;

/// Puts fragments in reading order.
pub(super) fn order(fragments: Vec<Fragment>, frame: &Frame) -> Vec<Flow> {
    let mut flows = Vec::new();
    arrange(fragments, frame, 0, &mut flows);
    flows
}

fn arrange(fragments: Vec<Fragment>, frame: &Frame, depth: usize, flows: &mut Vec<Flow>) {
    let rows = rows(fragments);
    let look = depth < MAX_DEPTH && rows.len() <= MAX_ROWS;
    let usual_size = usual_size(&rows);
    let mut flow: Flow = Vec::new();
    let mut rows = rows.into_iter().collect::<std::collections::VecDeque<_>>();
    while let Some(first) = rows.pop_front() {
        rows.push_front(first);
        let found = if look { find_columns(rows.make_contiguous(), usual_size, frame) } else { None };
        let Some(Columns { row_count, gutters }) = found else {
            flow.extend(rows.pop_front());
            continue;
        };
        flows.push(std::mem::take(&mut flow));
        for column in split(rows.drain(..row_count), &gutters) {
            arrange(column, frame, depth + 1, flows);
        }
    }
    flows.push(flow);
    flows.retain(|flow| !flow.is_empty());
}

/// Gathers fragments that stand on one baseline.
pub(super) fn rows(mut fragments: Vec<Fragment>) -> Vec<Row> {
    fragments.sort_by(|a, b| a.v.total_cmp(&b.v).then(a.u0.total_cmp(&b.u0)));
    let mut rows: Vec<Row> = Vec::new();
    for fragment in fragments {
        let recent = rows.len().saturating_sub(3);
        match rows[recent..].iter_mut().rev().find(|row| row.takes(&fragment)) {
            Some(row) => row.push(fragment),
            None => rows.push(Row { v: fragment.v, size: fragment.size, fragments: vec![fragment] }),
        }
    }
    for row in &mut rows {
        row.fragments.sort_by(|a, b| a.u0.total_cmp(&b.u0));
    }
    rows
}

impl Row {
    /// Says whether a fragment belongs on the baseline, beside what is there. Raised and lowered small print does.
    fn takes(&self, fragment: &Fragment) -> bool {
        let (small, large) = (self.size.min(fragment.size), self.size.max(fragment.size));
        let reach = if small < 0.8 * large { 0.5 * large } else { 0.35 * small };
        let overlaps = |other: &Fragment| {
            let common = other.u1.min(fragment.u1) - other.u0.max(fragment.u0);
            common > 0.4 * other.width().min(fragment.width()) && common > 0.2 * small
        };
        (fragment.v - self.v).abs() <= reach && !self.fragments.iter().any(overlaps)
    }

    fn push(&mut self, fragment: Fragment) {
        if fragment.size > self.size * 1.05 {
            (self.v, self.size) = (fragment.v, fragment.size);
        }
        self.fragments.push(fragment);
    }
}

/// Returns the median size of rows.
fn usual_size(rows: &[Row]) -> f32 {
    let mut sizes: Vec<f32> = rows.iter().map(|row| row.size).collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(10.0)
}

/// A stretch of rows, counted from the first, that is read column by column.
struct Columns {
    row_count: usize,
    /// Where one column ends and the next begins, from left to right.
    gutters: Vec<f32>,
}

/// Finds columns that begin with the first row.
fn find_columns(rows: &[Row], usual_size: f32, frame: &Frame) -> Option<Columns> {
    let least = MIN_GUTTER * usual_size;
    let (left, right) = extent(rows);
    let mut free: Vec<(f32, f32)> = vec![(left - 2.0 * least, right + 2.0 * least)];
    let mut row_count = 0;
    for row in rows {
        let narrowed = subtract(&free, row, least);
        // Only a gap inside of the text can be a gutter; the margins always stay free.
        if !narrowed.iter().any(|&(from, to)| from < right && to > left && (from > left || to < right)) {
            break;
        }
        free = narrowed;
        row_count += 1;
    }
    let rows = &rows[..row_count];
    let (left, right) = extent(rows);
    let gutters: Vec<f32> = free
        .iter()
        .filter(|&&(from, to)| from > left && to < right)
        .map(|&(from, to)| f32::midpoint(from, to))
        .collect();
    let gutters = without_numbers(rows, gutters, frame);
    let accepted =
        !gutters.is_empty() && (0..=gutters.len()).all(|column| reads_as_text(rows, &gutters, column, frame));
    accepted.then_some(Columns { row_count, gutters })
}

/// Leaves out the gutters between the numbers of clauses and their text: the numbers hang in the column of the text.
fn without_numbers(rows: &[Row], mut gutters: Vec<f32>, frame: &Frame) -> Vec<f32> {
    if gutters.len() < 2 || gutters.len() > MAX_HANGING {
        return gutters;
    }
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); gutters.len()];
    let mut long = vec![0; gutters.len()];
    for row in rows {
        let mut entries: Vec<Vec<&Fragment>> = vec![Vec::new(); gutters.len() + 1];
        for fragment in &row.fragments {
            entries[column_of(fragment, &gutters)].push(fragment);
        }
        for (column, entry) in
            entries[..gutters.len()].iter().enumerate().filter(|(_, entry)| !entry.is_empty())
        {
            if entry.iter().map(|fragment| fragment.glyphs.len()).sum::<usize>() > MAX_NUMBER {
                long[column] += 1;
            } else {
                columns[column].push(text(entry.iter().copied(), frame));
            }
        }
    }
    let mut number_columns = columns
        .iter()
        .zip(long)
        .map(|(texts, long)| long == 0 && enumerates(texts.iter().map(String::as_str)));
    gutters.retain(|_| !number_columns.next().unwrap_or(false));
    gutters
}

fn extent(rows: &[Row]) -> (f32, f32) {
    let fragments = || rows.iter().flat_map(|row| &row.fragments);
    let left = fragments().map(|fragment| fragment.u0).fold(f32::INFINITY, f32::min);
    (left, fragments().map(|fragment| fragment.u1).fold(f32::NEG_INFINITY, f32::max))
}

/// Takes the fragments of a row out of the free intervals, and drops what becomes too narrow.
fn subtract(free: &[(f32, f32)], row: &Row, least: f32) -> Vec<(f32, f32)> {
    let mut left: Vec<(f32, f32)> = Vec::with_capacity(free.len() + row.fragments.len());
    for &(mut from, to) in free {
        for fragment in &row.fragments {
            if fragment.u1 <= from || fragment.u0 >= to {
                continue;
            }
            left.push((from, fragment.u0));
            from = from.max(fragment.u1);
        }
        left.push((from, to));
    }
    left.retain(|(from, to)| to - from >= least);
    left
}

fn column_of(fragment: &Fragment, gutters: &[f32]) -> usize {
    let middle = f32::midpoint(fragment.u0, fragment.u1);
    gutters.iter().take_while(|&&gutter| gutter < middle).count()
}

/// Says whether one column of a stretch is running text.
fn reads_as_text(rows: &[Row], gutters: &[f32], column: usize, frame: &Frame) -> bool {
    let (mut count, mut weight, mut filled) = (0, 0, 0.0);
    let (mut left, mut right) = (f32::INFINITY, f32::NEG_INFINITY);
    for row in rows {
        let mut any = false;
        for fragment in row.fragments.iter().filter(|fragment| column_of(fragment, gutters) == column) {
            any = true;
            weight += fragment.weight(frame);
            filled += fragment.width();
            left = left.min(fragment.u0);
            right = right.max(fragment.u1);
        }
        count += usize::from(any);
    }
    count >= MIN_ROWS && weight >= MIN_WEIGHT * count && filled >= MIN_FILL * (right - left) * count as f32
}

fn split(rows: impl Iterator<Item = Row>, gutters: &[f32]) -> Vec<Vec<Fragment>> {
    let mut columns: Vec<Vec<Fragment>> = vec![Vec::new(); gutters.len() + 1];
    for fragment in rows.flat_map(|row| row.fragments) {
        columns[column_of(&fragment, gutters)].push(fragment);
    }
    columns
}
