//! The rules of a page as they lie in a frame: pieces of one line joined, and those that touch each other gathered.
//! Knows no text.

use super::super::frame::Frame;
use super::Place;
use crate::pdf::rules::Rules;

/// Lines closer together than this, in points, are one line, drawn twice or as the edges of two cells.
pub(super) const SNAP: f32 = 2.2;
/// Pieces of one line that are this near to each other belong together.
const MAX_GAP: f32 = 2.5;
/// Shorter lines are marks, not rules.
const MIN_LENGTH: f32 = 4.0;
/// Lines in either direction; pages with more are maps and drawings.
const MAX_LINES: usize = 800;
/// Areas that are looked at.
const MAX_AREAS: usize = 4_000;

/// A line across or down the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    /// Its height, or its distance from the left.
    pub(super) at: f32,
    pub(super) from: f32,
    pub(super) to: f32,
    /// It is only the edge of a filled area.
    edge: bool,
}

/// The lines of a frame.
#[derive(Default)]
pub(super) struct Lines {
    /// From top to bottom.
    pub(super) across: Vec<Line>,
    /// From left to right.
    pub(super) down: Vec<Line>,
    pub(super) areas: Vec<Place>,
}

impl Lines {
    /// Turns the rules of a page into a frame; none where its lines run aslant, or where there are too many.
    pub(super) fn of(rules: &Rules, frame: &Frame) -> Self {
        if rules.overflow || !frame.is_straight() {
            return Self::default();
        }
        let (mut across, mut down) = (Vec::new(), Vec::new());
        for rule in &rules.lines {
            let place = place(frame, rule.x0, rule.y0, rule.x1, rule.y1);
            let Place { u0, top, u1, bottom } = place;
            let edge = rule.edge;
            if u1 - u0 > bottom - top {
                across.push(Line { at: f32::midpoint(top, bottom), from: u0, to: u1, edge });
            } else {
                down.push(Line { at: f32::midpoint(u0, u1), from: top, to: bottom, edge });
            }
        }
        let (across, down) = (join(across), join(down));
        if across.len() > MAX_LINES || down.len() > MAX_LINES {
            return Self::default();
        }
        let areas = rules.areas.iter().take(MAX_AREAS);
        let areas = areas.map(|area| place(frame, area.x0, area.y0, area.x1, area.y1)).collect();
        Self { across, down, areas }
    }

    /// Gathers lines that touch each other, directly or through others.
    pub(super) fn groups(&self) -> Vec<Lines> {
        let count = self.across.len();
        let mut leader: Vec<usize> = (0..count + self.down.len()).collect();
        for (index, across) in self.across.iter().enumerate() {
            let first = self.down.partition_point(|down| down.at < across.from - MAX_GAP);
            for (other, down) in self.down.iter().enumerate().skip(first) {
                if down.at > across.to + MAX_GAP {
                    break;
                }
                if (down.from - MAX_GAP..=down.to + MAX_GAP).contains(&across.at) {
                    let (one, two) = (find(&mut leader, index), find(&mut leader, count + other));
                    leader[one.max(two)] = one.min(two);
                }
            }
        }
        let mut groups: Vec<Lines> = Vec::new();
        groups.resize_with(leader.len(), Lines::default);
        for (index, line) in self.across.iter().enumerate() {
            groups[find(&mut leader, index)].across.push(*line);
        }
        for (index, line) in self.down.iter().enumerate() {
            groups[find(&mut leader, count + index)].down.push(*line);
        }
        groups.retain(|group| group.across.len() + group.down.len() > 3);
        groups
    }

    /// The heights of the lines that reach across most of a place, in order.
    pub(super) fn between(&self, place: &Place) -> impl Iterator<Item = f32> {
        self.lying_in(place).map(|line| line.at)
    }

    /// The lines that reach across most of a place, in order.
    pub(super) fn lying_in(&self, place: &Place) -> impl Iterator<Item = &Line> {
        let Place { u0, top, u1, bottom } = *place;
        let long = move |line: &&Line| (line.to.min(u1) - line.from.max(u0)) >= 0.8 * (u1 - u0);
        let inside = move |line: &&Line| (top..=bottom).contains(&line.at);
        self.across.iter().filter(inside).filter(long)
    }
}

fn place(frame: &Frame, x0: f64, y0: f64, x1: f64, y1: f64) -> Place {
    let ((ua, va), (ub, vb)) = (frame.of_page(x0, y0), frame.of_page(x1, y1));
    Place { u0: ua.min(ub), top: va.min(vb), u1: ua.max(ub), bottom: va.max(vb) }
}

/// The first of a group; paths are halved on the way (union-find).
fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}

/// Joins pieces of one line. Edges of areas count only where something else lies along them: a highlighted word ends
/// anywhere, a shaded cell where others end too.
fn join(mut pieces: Vec<Line>) -> Vec<Line> {
    pieces.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut lines: Vec<Line> = Vec::new();
    let mut rest = pieces.as_mut_slice();
    while let Some(first) = rest.first().map(|line| line.at) {
        let count = rest.partition_point(|line| line.at <= first + SNAP);
        let (near, later) = rest.split_at_mut(count);
        rest = later;
        if near.len() == 1 && near[0].edge {
            continue;
        }
        near.sort_by(|a, b| a.from.total_cmp(&b.from));
        lines.extend(join_along(near));
    }
    lines.retain(|line| line.to - line.from >= MIN_LENGTH);
    lines.sort_by(|a, b| a.at.total_cmp(&b.at));
    lines
}

/// Joins pieces that lie along each other, in the order of where they begin.
fn join_along(pieces: &[Line]) -> Vec<Line> {
    let mut lines: Vec<(Line, f32)> = Vec::new();
    for piece in pieces {
        let length = piece.to - piece.from;
        match lines.last_mut().filter(|(line, _)| piece.from <= line.to + MAX_GAP) {
            Some((line, weight)) => {
                line.to = line.to.max(piece.to);
                line.at = (line.at * *weight + piece.at * length) / (*weight + length).max(1e-3);
                line.edge &= piece.edge;
                *weight += length;
            }
            None => lines.push((*piece, length)),
        }
    }
    lines.into_iter().map(|(line, _)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: f32, from: f32, to: f32) -> Line {
        Line { at, from, to, edge: false }
    }

    #[test]
    fn pieces_of_a_line_become_one() {
        let joined = join(vec![line(10.0, 50.0, 90.0), line(10.8, 0.0, 49.0), line(30.0, 0.0, 90.0)]);

        assert_eq!(joined.len(), 2);
        assert_eq!((joined[0].from, joined[0].to), (0.0, 90.0));
        assert!((10.0..10.8).contains(&joined[0].at));
        assert_eq!(join(vec![line(10.0, 0.0, 40.0), line(10.0, 60.0, 90.0)]).len(), 2);
        assert_eq!(join(vec![line(10.0, 0.0, 2.0)]).len(), 0);
    }

    #[test]
    fn an_edge_counts_where_another_line_lies_along_it() {
        let edge = |at: f32| Line { edge: true, ..line(at, 0.0, 90.0) };

        assert_eq!(join(vec![edge(10.0), edge(30.0), line(30.5, 0.0, 50.0)]).len(), 1);
        assert_eq!(join(vec![edge(10.0), edge(10.0)]).len(), 1);
    }

    #[test]
    fn lines_that_touch_are_gathered() {
        let table = |u: f32| {
            let across = [0.0, 20.0].map(|at| line(at, u, u + 100.0)).to_vec();
            let down = [u, u + 50.0, u + 100.0].map(|at| line(at, 0.0, 20.0)).to_vec();
            (across, down)
        };
        let ((mut across, mut down), (more_across, more_down)) = (table(0.0), table(200.0));
        across.extend(more_across);
        across.push(line(90.0, 0.0, 300.0));
        down.extend(more_down);
        let lines = Lines { across: join(across), down, areas: Vec::new() };

        let groups = lines.groups();

        let counts: Vec<_> = groups.iter().map(|group| (group.across.len(), group.down.len())).collect();
        assert_eq!(counts, [(2, 3), (2, 3)]);
    }
}
