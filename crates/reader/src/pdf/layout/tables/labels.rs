//! What stands beside a grid and names its rows, as in forms where only the amounts are boxed: cells of the row, for written
//! after the table it would name nothing. Knows no lines.

use super::super::columns::Flow;
use super::super::columns::Row;
use super::super::fragments::Fragment;
use super::super::frame::Frame;
use super::Cell;
use super::Place;
use super::Table;
use super::cells::is_value;
use super::cells::text;

/// Part of the lines of a grid with something beside them: fewer are remarks.
const MIN_LABELLED: f32 = 0.5;
/// Lines of a grid that labels are looked for at.
const MIN_LINES: usize = 2;
/// Text of a label on average, a Chinese character counting as two letters; more is a column of text beside a table.
const MAX_WEIGHT: usize = 40;

/// Takes the labels of tables out of a flow, into their rows: those on the left, and with them what stands on the right.
pub(super) fn take(flow: &mut Flow, tables: &mut [Option<Table>], frame: &Frame) {
    let mut held: Vec<usize> = flow.iter().filter_map(only_table).collect();
    held.dedup();
    for index in held {
        let Some(table) = tables.get_mut(index).and_then(Option::as_mut) else { continue };
        let place = table.place;
        let mut rows: Vec<&mut Row> = flow.iter_mut().filter(|row| only_table(row) == Some(index)).collect();
        let left = Beside::of(&rows, Side::Left, place, frame);
        let right = Beside::of(&rows, Side::Right, place, frame);
        if !left.names_rows() || left.of_values || right.labelled > 0 && !right.names_rows() {
            continue;
        }
        table.put(Side::Left, take_side(&mut rows, Side::Left, place));
        if right.labelled > 0 {
            table.put(Side::Right, take_side(&mut rows, Side::Right, place));
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn holds(self, fragment: &Fragment, place: Place) -> bool {
        let beside = match self {
            Self::Left => fragment.u1 <= place.u0,
            Self::Right => fragment.u0 >= place.u1,
        };
        fragment.table.is_none() && beside
    }
}

/// What stands on one side of a table.
struct Beside {
    lines: usize,
    labelled: usize,
    weight: usize,
    /// Most of it are values, which name nothing.
    of_values: bool,
}

impl Beside {
    fn of(rows: &[&mut Row], side: Side, place: Place, frame: &Frame) -> Self {
        let mut beside = Self { lines: rows.len(), labelled: 0, weight: 0, of_values: false };
        let mut values = 0;
        for row in rows {
            let labels = || row.fragments.iter().filter(|fragment| side.holds(fragment, place));
            if labels().next().is_some() {
                beside.labelled += 1;
                beside.weight += labels().map(|fragment| fragment.weight(frame)).sum::<usize>();
                values += usize::from(is_value(&text(labels(), frame)));
            }
        }
        beside.of_values = 2 * values > beside.labelled;
        beside
    }

    fn names_rows(&self) -> bool {
        self.lines >= MIN_LINES
            && self.labelled as f32 >= MIN_LABELLED * self.lines as f32
            && self.weight <= MAX_WEIGHT * self.labelled
    }
}

/// Takes what stands on a side out of the lines of a table.
fn take_side(rows: &mut [&mut Row], side: Side, place: Place) -> Vec<Row> {
    let taken = rows.iter_mut().map(|row| {
        let fragments = std::mem::take(&mut row.fragments).into_iter();
        let (labels, rest) = fragments.partition(|fragment| side.holds(fragment, place));
        row.fragments = rest;
        Row { fragments: labels, v: row.v, size: row.size }
    });
    taken.filter(|label| !label.fragments.is_empty()).collect()
}

/// The table of a line, if there is one alone.
fn only_table(row: &Row) -> Option<usize> {
    let mut tables = row.fragments.iter().filter_map(|fragment| fragment.table);
    tables.next().filter(|_| tables.next().is_none())
}

impl Table {
    /// Gives each row a first or a last cell with the labels that stand on its lines.
    fn put(&mut self, side: Side, labels: Vec<Row>) {
        let mut cells: Vec<Cell> = self.rows.iter().map(|_| Cell::default()).collect();
        for label in labels {
            let distance = |row: &[usize]| {
                let lines = row.iter().flat_map(|cell| &self.cells[*cell].lines);
                lines.map(|line| (line.v - label.v).abs()).fold(f32::INFINITY, f32::min)
            };
            let distances = self.rows.iter().map(|row| distance(row)).enumerate();
            let Some((nearest, _)) = distances.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
            for fragment in &label.fragments {
                self.place.u0 = self.place.u0.min(fragment.u0);
                self.place.u1 = self.place.u1.max(fragment.u1);
            }
            cells[nearest].lines.push(label);
        }
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            let at = match side {
                Side::Left => 0,
                Side::Right => row.len(),
            };
            row.insert(at, self.cells.len());
            self.cells.push(cell);
        }
    }
}
