//! Lines that follow each other and leave the same gutters free. Knows no rules.

use super::super::columns::Row;
use super::super::fragments::Fragment;
use super::super::frame::Frame;
use super::cells::text;

/// Fragments nearer to each other than this, in em, are one entry.
const ENTRY_GAP: f32 = 0.9;
/// A gutter is at least this wide, in em.
const MIN_GUTTER: f32 = 0.7;
/// Rows further apart than this, in em, do not go on with a table,
const MAX_DISTANCE: f32 = 3.2;
/// and lines of a cell not further than this.
const MAX_LINE_DISTANCE: f32 = 1.8;
/// So many lines in a row that have only one entry end a table.
const MAX_SINGLES: usize = 3;
/// Rows that one table has at most.
const MAX_ROWS: usize = 500;
/// Rows with more entries are a drawing's: looking at them takes the cube of their number.
const MAX_COLUMNS: usize = 100;
/// Neighbours that never stand on one line are one column if they are nearer than this, in em.
const MAX_SPLIT: f32 = 2.5;
/// Lines of running text have so much text, a Chinese character counting as two letters,
const MIN_TEXT: usize = 30;
/// fill their column to this part,
const MIN_FULL: f32 = 0.75;
/// and are as many as this.
const MIN_FULL_LINES: usize = 4;
/// How far entries may be from the line that they stand on, in em.
const STRAIGHT: f32 = 0.35;

/// Fragments of a line that stand together.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) u0: f32,
    pub(super) u1: f32,
    pub(super) fragments: Vec<Fragment>,
}

/// Lines in columns.
pub(super) struct Stretch {
    pub(super) lines: Vec<Vec<Chunk>>,
    /// From left to right.
    pub(super) columns: Vec<(f32, f32)>,
    pub(super) size: f32,
}

/// What an entry says.
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) weight: usize,
    u0: f32,
    u1: f32,
}

impl Stretch {
    /// Takes rows as long as they stand in the columns of those before; the first has at least two entries.
    pub(super) fn grow(rows: &[Row]) -> Option<Self> {
        let first = rows.first()?;
        let chunks = chunks(first);
        if !(2..=MAX_COLUMNS).contains(&chunks.len()) {
            return None;
        }
        let columns = chunks.iter().map(|chunk| (chunk.u0, chunk.u1)).collect();
        let mut stretch = Self { lines: vec![chunks], columns, size: first.size };
        let (mut previous, mut singles) = (first, 0);
        for row in rows.iter().take(MAX_ROWS).skip(1) {
            let chunks = self::chunks(row);
            let most = if chunks.len() == 1 { MAX_LINE_DISTANCE } else { MAX_DISTANCE };
            let near = row.v - previous.v <= most * row.size.max(previous.size);
            let even = (0.7..=1.45).contains(&(row.size / stretch.size.max(0.1)));
            let Some(columns) = stretch.with(&chunks).filter(|_| near && even) else { break };
            singles = if chunks.len() == 1 { singles + 1 } else { 0 };
            if singles > MAX_SINGLES {
                break;
            }
            stretch.columns = columns;
            stretch.lines.push(chunks);
            previous = row;
        }
        stretch.end(rows);
        stretch.unite();
        Some(stretch)
    }

    /// The columns with the entries of another line in them; `None` if it does not fit.
    fn with(&self, chunks: &[Chunk]) -> Option<Vec<(f32, f32)>> {
        if chunks.len() > MAX_COLUMNS {
            return None;
        }
        let mut columns = self.columns.clone();
        let mut taken: Vec<(f32, f32)> = Vec::new();
        for chunk in chunks {
            let mut over =
                self.columns.iter().enumerate().filter(|(_, (u0, u1))| chunk.u0 < *u1 && chunk.u1 > *u0);
            match (over.next(), over.next()) {
                (None, _) if chunks.len() > 1 => columns.push((chunk.u0, chunk.u1)),
                (Some((index, column)), None) if !taken.contains(column) => {
                    taken.push(*column);
                    columns[index] = (column.0.min(chunk.u0), column.1.max(chunk.u1));
                }
                _ => return None,
            }
        }
        columns.sort_by(|a, b| a.0.total_cmp(&b.0));
        let gutter = MIN_GUTTER * self.size;
        let apart = columns.windows(2).all(|pair| pair[1].0 - pair[0].1 >= gutter);
        (apart && columns.len() <= MAX_COLUMNS).then_some(columns)
    }

    /// Gives back lines at the end that do not belong to the last row.
    fn end(&mut self, rows: &[Row]) {
        let last = self.lines.iter().rposition(|line| line.len() > 1).unwrap_or(0);
        let goes_on = |index: usize| {
            let (line, row) = (&self.lines[index], &rows[index]);
            let near = row.v - rows[index - 1].v <= 1.4 * row.size;
            near && line[0].u0 > self.columns[0].1
        };
        let kept = (last + 1..self.lines.len()).take_while(|index| goes_on(*index)).count();
        self.lines.truncate(last + 1 + kept);
    }

    /// Makes one column of neighbours that never stand on one line: entries set to the left and to the right.
    fn unite(&mut self) {
        let held = |line: &Vec<Chunk>| -> Vec<bool> {
            let mut held = vec![false; self.columns.len()];
            for chunk in line {
                held[self.column_of(chunk)] = true;
            }
            held
        };
        let mut held: Vec<Vec<bool>> = self.lines.iter().map(held).collect();
        let mut index = 0;
        while index + 1 < self.columns.len() {
            let (left, right) = (self.columns[index], self.columns[index + 1]);
            let both = held.iter().any(|line| line[index] && line[index + 1]);
            if !both && right.0 - left.1 <= MAX_SPLIT * self.size {
                self.columns[index].1 = right.1;
                self.columns.remove(index + 1);
                for line in &mut held {
                    let right = line.remove(index + 1);
                    line[index] |= right;
                }
            } else {
                index += 1;
            }
        }
    }

    pub(super) fn column_of(&self, chunk: &Chunk) -> usize {
        column_of(&self.columns, chunk)
    }

    /// The columns that something stands over, if only in part.
    pub(super) fn columns_under(&self, chunk: &Chunk) -> impl Iterator<Item = usize> {
        let (u0, u1) = (chunk.u0, chunk.u1);
        let columns = self.columns.iter().enumerate();
        columns.filter(move |(_, column)| u0 < column.1 && u1 > column.0).map(|(index, _)| index)
    }

    /// Says whether a line goes on with the row above: it has one entry, not in the first column.
    pub(super) fn goes_on(&self, line: &[Chunk]) -> bool {
        line.len() == 1 && self.column_of(&line[0]) > 0
    }

    /// How much text the entries hold, column by column, with the lines on which they go on.
    pub(super) fn weights(&self, frame: &Frame) -> Vec<Vec<usize>> {
        let mut weights: Vec<Vec<usize>> = vec![Vec::new(); self.columns.len()];
        for line in &self.lines {
            for chunk in line {
                let weight = chunk.weight(frame);
                let column = &mut weights[self.column_of(chunk)];
                match column.last_mut().filter(|_| self.goes_on(line)) {
                    Some(above) => *above += weight,
                    None => column.push(weight),
                }
            }
        }
        weights
    }

    /// Says whether a column reads as running text: most of its lines are long, and filled to its edges.
    pub(super) fn reads_as_text(&self, column: usize, entries: &[Entry]) -> bool {
        let (left, right) = self.columns[column];
        let is_full =
            |entry: &&Entry| entry.weight >= MIN_TEXT && entry.u1 - entry.u0 >= MIN_FULL * (right - left);
        let full = entries.iter().filter(is_full).count();
        full >= MIN_FULL_LINES && 2 * full >= entries.len()
    }

    /// The entries column by column.
    pub(super) fn entries(&self, frame: &Frame) -> Vec<Vec<Entry>> {
        let mut entries: Vec<Vec<Entry>> = Vec::new();
        entries.resize_with(self.columns.len(), Vec::new);
        for chunk in self.lines.iter().flatten() {
            let (text, weight) = (chunk.text(frame), chunk.weight(frame));
            entries[self.column_of(chunk)].push(Entry { text, weight, u0: chunk.u0, u1: chunk.u1 });
        }
        entries
    }

    /// Says whether a part of a column's entries begin, end or have their middle on one line.
    pub(super) fn is_straight(&self, entries: &[Entry], part: f32) -> bool {
        let sides: [fn(&Entry) -> f32; 3] =
            [|entry| entry.u0, |entry| entry.u1, |entry| f32::midpoint(entry.u0, entry.u1)];
        let reach = STRAIGHT * self.size;
        sides.iter().any(|side| {
            let mut at: Vec<f32> = entries.iter().map(side).collect();
            at.sort_by(f32::total_cmp);
            let near = |from: usize| at[from..].partition_point(|value| *value <= at[from] + 2.0 * reach);
            let most = (0..at.len()).map(near).max().unwrap_or(0);
            most as f32 >= part * at.len() as f32
        })
    }
}

impl Chunk {
    /// The characters without white space.
    pub(super) fn text(&self, frame: &Frame) -> String {
        text(self.fragments.iter(), frame)
    }

    fn weight(&self, frame: &Frame) -> usize {
        self.fragments.iter().map(|fragment| fragment.weight(frame)).sum()
    }
}

fn column_of(columns: &[(f32, f32)], chunk: &Chunk) -> usize {
    let middle = f32::midpoint(chunk.u0, chunk.u1);
    columns.iter().take_while(|column| column.1 < middle).count().min(columns.len() - 1)
}

/// The entries of a line.
pub(super) fn chunks(row: &Row) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for fragment in &row.fragments {
        let near = |chunk: &&mut Chunk| fragment.u0 - chunk.u1 < ENTRY_GAP * row.size;
        if let Some(chunk) = chunks.last_mut().filter(near) {
            chunk.u1 = chunk.u1.max(fragment.u1);
            chunk.fragments.push(fragment.clone());
        } else {
            let fragments = vec![fragment.clone()];
            chunks.push(Chunk { u0: fragment.u0, u1: fragment.u1, fragments });
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_entries_without_end_are_a_drawings() {
        let row = |entries: usize, v: f32| {
            let fragment = |at: usize| {
                let u0 = 30.0 * at as f32;
                Fragment { glyphs: Vec::new(), u0, u1: u0 + 5.0, v, size: 10.0, table: None }
            };
            Row { fragments: (0..entries).map(fragment).collect(), v, size: 10.0 }
        };
        let lines = |rows: &[Row]| Stretch::grow(rows).map_or(0, |stretch| stretch.lines.len());

        assert_eq!(lines(&[row(100, 0.0), row(100, 12.0)]), 2);
        assert_eq!(lines(&[row(101, 0.0), row(100, 12.0)]), 0);
        assert_eq!(lines(&[row(100, 0.0), row(101, 12.0)]), 1);
        assert_eq!(lines(&[row(100, 0.0), row(100_000, 12.0)]), 1);
    }
}
