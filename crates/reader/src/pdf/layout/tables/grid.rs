//! From lines that touch each other to the cells between them. Knows no text.

use super::Place;
use super::lines::Line;
use super::lines::Lines;
use super::lines::SNAP;

/// Places between lines; a drawing has any number of them.
const MAX_PLACES: usize = 20_000;
/// A border is drawn where lines cover this part of it.
const MIN_COVER: f32 = 0.6;
/// So many lines that end together make an edge that is not drawn.
const MIN_ENDS: usize = 2;

/// A table's lines and the cells between them.
pub(super) struct Grid {
    /// Edges of columns from left to right, and of rows from top to bottom.
    columns: Vec<f32>,
    rows: Vec<f32>,
    pub(super) cells: Vec<GridCell>,
    /// The cell of each place, row by row.
    cell_at: Vec<usize>,
}

/// A cell; it covers more than one place where no line divides them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GridCell {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) row_span: usize,
    pub(super) column_span: usize,
}

impl Grid {
    /// Finds the cells; `None` if there are not two rows and two columns, or far too many.
    pub(super) fn of(lines: &Lines) -> Option<Self> {
        let columns = edges(&lines.down, &lines.across);
        let rows = edges(&lines.across, &lines.down);
        let (width, height) = (columns.len().checked_sub(1)?, rows.len().checked_sub(1)?);
        if width < 2 || height < 2 || width * height > MAX_PLACES {
            return None;
        }
        let beside = borders(&columns, &rows, &lines.down);
        let below = borders(&rows, &columns, &lines.across);
        let mut leader: Vec<usize> = (0..width * height).collect();
        for row in 0..height {
            for column in 0..width {
                let place = row * width + column;
                if column + 1 < width && !beside[(column + 1) * height + row] {
                    unite(&mut leader, place, place + 1);
                }
                if row + 1 < height && !below[(row + 1) * width + column] {
                    unite(&mut leader, place, place + width);
                }
            }
        }
        let mut grid = Self { columns, rows, cells: Vec::new(), cell_at: vec![0; width * height] };
        grid.make_cells(&mut leader, width);
        Some(grid)
    }

    /// Makes a cell of each group of places; of one that is no rectangle, a cell of each of its rows.
    fn make_cells(&mut self, leader: &mut [usize], width: usize) {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); leader.len()];
        for place in 0..leader.len() {
            groups[find(leader, place)].push(place);
        }
        for group in groups.into_iter().filter(|group| !group.is_empty()) {
            let (first, last) = (group[0] / width, group[group.len() - 1] / width);
            let left = group.iter().map(|place| place % width).min().unwrap_or(0);
            let right = group.iter().map(|place| place % width).max().unwrap_or(0);
            if (last - first + 1) * (right - left + 1) == group.len() {
                self.cell(&group, width);
            } else {
                let next_to = |a: &usize, b: &usize| a + 1 == *b && !b.is_multiple_of(width);
                for run in group.chunk_by(next_to) {
                    self.cell(run, width);
                }
            }
        }
    }

    /// Adds a cell that covers a rectangle of places, in their order.
    fn cell(&mut self, places: &[usize], width: usize) {
        let (first, last) = (places[0], places[places.len() - 1]);
        for place in places {
            self.cell_at[*place] = self.cells.len();
        }
        self.cells.push(GridCell {
            row: first / width,
            column: first % width,
            row_span: last / width - first / width + 1,
            column_span: last % width - first % width + 1,
        });
    }

    pub(super) fn row_count(&self) -> usize {
        self.rows.len() - 1
    }

    pub(super) fn column_count(&self) -> usize {
        self.columns.len() - 1
    }

    pub(super) fn place(&self) -> Place {
        let (last_column, last_row) = (self.columns.len() - 1, self.rows.len() - 1);
        Place {
            u0: self.columns[0],
            top: self.rows[0],
            u1: self.columns[last_column],
            bottom: self.rows[last_row],
        }
    }

    /// The box of a cell.
    pub(super) fn place_of(&self, cell: usize) -> Place {
        let GridCell { row, column, row_span, column_span } = self.cells[cell];
        Place {
            u0: self.columns[column],
            top: self.rows[row],
            u1: self.columns[column + column_span],
            bottom: self.rows[row + row_span],
        }
    }

    /// The cell that covers a place of the grid.
    pub(super) fn at(&self, row: usize, column: usize) -> usize {
        self.cell_at[row * self.column_count() + column]
    }

    /// The cell around a point.
    pub(super) fn find(&self, u: f32, v: f32) -> Option<usize> {
        let between = |edges: &[f32], at: f32| {
            let index = edges.partition_point(|edge| *edge <= at);
            (index > 0 && index < edges.len()).then(|| index - 1)
        };
        Some(self.at(between(&self.rows, v)?, between(&self.columns, u)?))
    }
}

/// Where lines stand, and where those that cross them end together beyond the outermost: many tables are open at the sides.
fn edges(lines: &[Line], crossing: &[Line]) -> Vec<f32> {
    let mut edges: Vec<f32> = Vec::new();
    for line in lines {
        if edges.last().is_none_or(|last| line.at > last + SNAP) {
            edges.push(line.at);
        }
    }
    let (Some(&first), Some(&last)) = (edges.first(), edges.last()) else { return edges };
    let ends = |near: &dyn Fn(f32) -> bool, pick: fn(&Line) -> f32| {
        crossing.iter().filter(|line| near(pick(line))).count() >= MIN_ENDS
    };
    let leftmost = crossing.iter().map(|line| line.from).fold(f32::INFINITY, f32::min);
    let rightmost = crossing.iter().map(|line| line.to).fold(f32::NEG_INFINITY, f32::max);
    if leftmost < first - 3.0 * SNAP && ends(&|at| at <= leftmost + SNAP, |line| line.from) {
        edges.insert(0, leftmost);
    }
    if rightmost > last + 3.0 * SNAP && ends(&|at| at >= rightmost - SNAP, |line| line.to) {
        edges.push(rightmost);
    }
    edges
}

/// Says of each piece of each edge whether it is drawn: piece `i` of edge `e` at `e * pieces + i`.
fn borders(edges: &[f32], across: &[f32], lines: &[Line]) -> Vec<bool> {
    let pieces = across.len() - 1;
    let mut covered = vec![0.0_f32; edges.len() * pieces];
    for line in lines {
        let edge = edges.partition_point(|edge| *edge < line.at - SNAP);
        let nearest = [edge, edge + 1].into_iter().filter(|index| *index < edges.len());
        let distance = |index: &usize| (edges[*index] - line.at).abs();
        let Some(edge) = nearest.min_by(|a, b| distance(a).total_cmp(&distance(b))) else { continue };
        for piece in 0..pieces {
            let (from, to) = (across[piece].max(line.from), across[piece + 1].min(line.to));
            covered[edge * pieces + piece] += (to - from).max(0.0);
        }
    }
    let length = |index: usize| across[index % pieces + 1] - across[index % pieces];
    covered.iter().enumerate().map(|(index, covered)| *covered >= MIN_COVER * length(index)).collect()
}

fn unite(leader: &mut [usize], one: usize, two: usize) {
    let (one, two) = (find(leader, one), find(leader, two));
    leader[one.max(two)] = one.min(two);
}

fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}
