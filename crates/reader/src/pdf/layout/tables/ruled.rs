//! Tables whose cells are divided by lines: fragments go into the cells of a grid. Knows no reading order.

use super::super::columns::rows;
use super::super::fragments::Fragment;
use super::super::fragments::is_cjk;
use super::super::frame::Frame;
use super::super::frame::Placed;
use super::Cell;
use super::Place;
use super::Table;
use super::accept;
use super::grid::Grid;
use super::header;
use super::lines::Lines;

/// Grids of a page that are looked at, the smallest first.
const MAX_GRIDS: usize = 200;
/// Glyphs and grids looked at on a page, multiplied.
const MAX_LOOKS: usize = 4_000_000;
/// A word stands out of its cell where more than this, in em, lies beyond the edge.
const MAX_BEYOND: f32 = 0.6;
/// Words on both sides of a border are at least this far apart, in em.
const MIN_ROOM: f32 = 0.33;

/// Finds tables, and gives them with the fragments that lie in none.
pub(super) fn find(
    mut fragments: Vec<Fragment>,
    frame: &Frame,
    lines: &Lines,
) -> (Vec<Fragment>, Vec<Table>) {
    let mut grids: Vec<Grid> = lines.groups().iter().filter_map(Grid::of).collect();
    let area = |grid: &Grid| {
        let Place { u0, top, u1, bottom } = grid.place();
        (u1 - u0) * (bottom - top)
    };
    grids.sort_by(|a, b| area(a).total_cmp(&area(b)));
    grids.truncate(MAX_GRIDS.min(MAX_LOOKS / frame.glyphs.len().max(1)));
    let mut tables: Vec<Table> = Vec::new();
    for grid in grids {
        let place = grid.place();
        let holds_table = tables.iter().any(|table| place.holds(table.place.u0 + 1.0, table.place.top + 1.0));
        if holds_table {
            continue;
        }
        let (inside, outside): (Vec<Fragment>, Vec<Fragment>) =
            fragments.into_iter().partition(|fragment| touches(fragment, &place));
        let filled = Filled::of(&inside, &grid, frame);
        fragments = outside;
        if let Some((table, rest)) = filled.table(&grid, frame, lines) {
            tables.push(table);
            fragments.extend(rest);
        } else {
            // The order of the content is lost, which nothing after this asks for.
            fragments.extend(inside);
        }
    }
    (fragments, tables)
}

fn touches(fragment: &Fragment, place: &Place) -> bool {
    let v = middle(fragment.v, fragment.size);
    fragment.u0 < place.u1 && fragment.u1 > place.u0 && (place.top..=place.bottom).contains(&v)
}

/// The height of a line's middle.
fn middle(v: f32, size: f32) -> f32 {
    v - 0.3 * size
}

/// A grid with the fragments in its cells.
struct Filled {
    cells: Vec<Vec<Fragment>>,
    /// What reaches into the grid and lies in no cell.
    rest: Vec<Fragment>,
    glyphs: usize,
    /// Glyphs of words that lie across a border.
    crossing: usize,
}

impl Filled {
    fn of(fragments: &[Fragment], grid: &Grid, frame: &Frame) -> Self {
        let mut filled =
            Self { cells: vec![Vec::new(); grid.cells.len()], rest: Vec::new(), glyphs: 0, crossing: 0 };
        for fragment in fragments {
            let parts = cut(fragment, grid, frame);
            // A line of prose that runs through a border leaves no more room there than between its other words.
            let close =
                |pair: &[(Option<usize>, Fragment)]| pair[1].1.u0 - pair[0].1.u1 < MIN_ROOM * fragment.size;
            if parts.windows(2).any(close) {
                filled.crossing += fragment.glyphs.len();
            }
            for (cell, part) in parts {
                match cell {
                    Some(cell) => filled.put(cell, part, grid),
                    None => filled.rest.push(part),
                }
            }
        }
        filled
    }

    fn put(&mut self, cell: usize, part: Fragment, grid: &Grid) {
        let Place { u0, u1, .. } = grid.place_of(cell);
        let beyond = MAX_BEYOND * part.size;
        self.glyphs += part.glyphs.len();
        if part.u0 < u0 - beyond || part.u1 > u1 + beyond {
            self.crossing += part.glyphs.len();
        }
        self.cells[cell].push(part);
    }

    /// Makes a table of it, if it is one: rows and columns in which nothing begins are left out.
    fn table(self, grid: &Grid, frame: &Frame, lines: &Lines) -> Option<(Table, Vec<Fragment>)> {
        if !accept::lies_in_cells(self.glyphs, self.crossing) {
            return None;
        }
        let begins = |index: &usize| !self.cells[*index].is_empty();
        let own = |row: usize| {
            let cells = (0..grid.column_count()).map(move |column| grid.at(row, column));
            cells.filter(move |cell| grid.cells[*cell].row == row)
        };
        let kept: Vec<usize> =
            (0..grid.row_count()).filter(|row| own(*row).any(|cell| begins(&cell))).collect();
        let mut used = vec![false; grid.column_count()];
        for (_, cell) in grid.cells.iter().enumerate().filter(|(index, _)| begins(index)) {
            used[cell.column] = true;
        }
        let is_used = |cell: &usize| {
            let cell = &grid.cells[*cell];
            used[cell.column..cell.column + cell.column_span].contains(&true)
        };
        let row = |row: &usize| -> Vec<usize> {
            let mut cells: Vec<usize> =
                (0..grid.column_count()).map(|column| grid.at(*row, column)).collect();
            cells.dedup();
            cells.retain(is_used);
            cells
        };
        let rows_kept: Vec<Vec<usize>> = kept.iter().map(row).collect();
        let columns = used.iter().filter(|used| **used).count();
        let cells = self.cells.into_iter().map(|fragments| Cell { lines: rows(fragments) }).collect();
        let mut table = Table { cells, rows: rows_kept, header_rows: 0, place: grid.place() };
        if !accept::is_ruled_table(&table, columns, frame) {
            return None;
        }
        table.header_rows = header::rows(&table, frame, lines);
        Some((table, self.rest))
    }
}

/// Cuts a fragment where it passes from one cell into another: between words, or between Chinese characters.
fn cut(fragment: &Fragment, grid: &Grid, frame: &Frame) -> Vec<(Option<usize>, Fragment)> {
    let mut parts: Vec<(Option<usize>, Fragment)> = Vec::new();
    let mut from = 0;
    for to in 1..=fragment.glyphs.len() {
        if fragment.glyphs.get(to).is_some_and(|_| !may_part(fragment, to, frame)) {
            continue;
        }
        let word = part(fragment, from..to, frame);
        let cell = grid.find(f32::midpoint(word.u0, word.u1), middle(fragment.v, fragment.size));
        match parts.last_mut().filter(|(last, _)| *last == cell) {
            Some((_, open)) => open.extend(&word),
            None => parts.push((cell, word)),
        }
        from = to;
    }
    parts
}

fn may_part(fragment: &Fragment, at: usize, frame: &Frame) -> bool {
    let glyph = |index: usize| -> &Placed { &frame.glyphs[fragment.glyphs[index].glyph] };
    fragment.glyphs[at].after_space || is_cjk(glyph(at - 1).text.last()) || is_cjk(glyph(at).text.first())
}

fn part(fragment: &Fragment, range: std::ops::Range<usize>, frame: &Frame) -> Fragment {
    let pieces = &fragment.glyphs[range];
    let mut part = Fragment::new(pieces[0], &frame.glyphs[pieces[0].glyph]);
    for piece in &pieces[1..] {
        part.push(*piece, &frame.glyphs[piece.glyph]);
    }
    // Raised small print stays on the line that it belongs to.
    (part.v, part.size) = (fragment.v, fragment.size);
    part
}
