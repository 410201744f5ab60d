//! Paths on the page as shown: what a filled one covers, what a clipping one leaves (ISO 32000-1, 8.5).
//! Knows no colours and no operators.

use super::super::geometry::Point;
use crate::parsed::Rect;
use std::rc::Rc;

/// Longer paths, as of drawings, are known by the box around them alone.
const MAX_POINTS: usize = 512;
/// Pieces that a curve is made of.
const CURVE_PIECES: u8 = 6;

/// A path under construction.
#[derive(Default)]
pub(super) struct Path {
    outlines: Vec<Vec<Point>>,
    bounds: Option<Rect>,
    points: usize,
}

/// What a filled path covers within its box.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// All of it.
    Box,
    /// What lies within the outlines, by the even-odd or the non-zero rule.
    Outlines { outlines: Rc<Vec<Vec<Point>>>, even_odd: bool },
    /// Some of it.
    Vague,
}

impl Path {
    /// Returns the box around all points.
    pub(super) fn bounds(&self) -> Option<Rect> {
        self.bounds
    }

    pub(super) fn move_to(&mut self, to: Point) {
        self.outlines.push(Vec::new());
        self.line_to(to);
    }

    pub(super) fn line_to(&mut self, to: Point) {
        let (x, y) = (to.x as f32, to.y as f32);
        let point = Rect { x0: x, y0: y, x1: x, y1: y };
        self.bounds = Some(self.bounds.map_or(point, |bounds| bounds.union(point)));
        self.points += 1;
        if self.points > MAX_POINTS {
            self.outlines.clear();
            return;
        }
        match self.outlines.last_mut() {
            Some(outline) => outline.push(to),
            None => self.outlines.push(vec![to]),
        }
    }

    /// Adds a Bézier curve from where the path ends, in straight pieces.
    pub(super) fn curve_to(&mut self, first: Point, second: Point, to: Point) {
        let from = self.end().unwrap_or(first);
        for piece in 1..=CURVE_PIECES {
            let t = f64::from(piece) / f64::from(CURVE_PIECES);
            let at = |pick: fn(&Point) -> f64| {
                let u = 1.0 - t;
                u * u * u * pick(&from)
                    + 3.0 * u * u * t * pick(&first)
                    + 3.0 * u * t * t * pick(&second)
                    + t * t * t * pick(&to)
            };
            self.line_to(Point { x: at(|point| point.x), y: at(|point| point.y) });
        }
    }

    /// Draws a line back to where the last outline begins.
    pub(super) fn close(&mut self) {
        if let Some(&first) = self.outlines.last().and_then(|outline| outline.first()) {
            self.line_to(first);
        }
    }

    /// Returns where the path ends.
    pub(super) fn end(&self) -> Option<Point> {
        self.outlines.last()?.last().copied()
    }

    /// Returns the lines of the path, unless it is too long.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Point, Point)> {
        self.outlines.iter().flat_map(|outline| outline.windows(2).map(|pair| (pair[0], pair[1])))
    }

    /// Returns what the path covers when it is filled.
    pub(super) fn shape(&self, even_odd: bool) -> Shape {
        if self.points > MAX_POINTS {
            return Shape::Vague;
        }
        match self.outlines.as_slice() {
            [outline] if is_box(outline) => Shape::Box,
            outlines => Shape::Outlines { outlines: Rc::new(outlines.to_vec()), even_odd },
        }
    }
}

impl Shape {
    /// Says whether the shape in this box covers a point; `None` if that is not known.
    pub(super) fn covers(&self, bounds: Rect, at: Point) -> Option<bool> {
        let (x, y) = (at.x as f32, at.y as f32);
        let inside = (bounds.x0..=bounds.x1).contains(&x) && (bounds.y0..=bounds.y1).contains(&y);
        match (inside, self) {
            (false, _) => Some(false),
            (true, Shape::Box) => Some(true),
            (true, Shape::Vague) => None,
            (true, Shape::Outlines { outlines, even_odd }) => {
                let winding: i32 = outlines.iter().map(|outline| winding(outline, at)).sum();
                Some(if *even_odd { winding % 2 != 0 } else { winding != 0 })
            }
        }
    }

    /// Returns how many comparisons a look at the shape takes.
    pub(super) fn cost(&self) -> u64 {
        match self {
            Shape::Box | Shape::Vague => 1,
            Shape::Outlines { outlines, .. } => outlines.iter().map(|outline| outline.len() as u64).sum(),
        }
    }
}

/// Recognises a rectangle whose sides are level and upright.
fn is_box(outline: &[Point]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < 0.01;
    let corners = match outline {
        [corners @ .., last]
            if corners.len() == 4 && near(last.x, corners[0].x) && near(last.y, corners[0].y) =>
        {
            corners
        }
        corners => corners,
    };
    let [a, b, c, d] = corners else { return false };
    let level_first = near(a.y, b.y) && near(b.x, c.x) && near(c.y, d.y) && near(d.x, a.x);
    let upright_first = near(a.x, b.x) && near(b.y, c.y) && near(c.x, d.x) && near(d.y, a.y);
    level_first || upright_first
}

/// Counts how often an outline, closed, winds around a point.
fn winding(outline: &[Point], at: Point) -> i32 {
    let ends = outline.iter().cycle().skip(1);
    let crossing = |(from, to): (&Point, &Point)| {
        let side = (to.x - from.x) * (at.y - from.y) - (at.x - from.x) * (to.y - from.y);
        match (from.y <= at.y, to.y <= at.y) {
            (true, false) if side > 0.0 => 1,
            (false, true) if side < 0.0 => -1,
            _ => 0,
        }
    };
    outline.iter().zip(ends).map(crossing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(outlines: &[&[(f64, f64)]]) -> Path {
        let mut path = Path::default();
        for outline in outlines {
            for (index, &(x, y)) in outline.iter().enumerate() {
                if index == 0 { path.move_to(Point { x, y }) } else { path.line_to(Point { x, y }) }
            }
        }
        path
    }

    const OUTER: &[(f64, f64)] = &[(0.0, 0.0), (30.0, 0.0), (30.0, 30.0), (0.0, 30.0)];
    const INNER: &[(f64, f64)] = &[(10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0)];

    #[track_caller]
    fn check(path: &Path, even_odd: bool, (x, y): (f64, f64), expected: Option<bool>) {
        assert_eq!(path.shape(even_odd).covers(path.bounds().unwrap(), Point { x, y }), expected);
    }

    #[test]
    fn a_fill_covers_what_lies_within_it() {
        let triangle = path(&[&[(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)]]);

        check(&path(&[OUTER]), false, (15.0, 15.0), Some(true));
        check(&path(&[OUTER]), false, (31.0, 15.0), Some(false));
        check(&triangle, false, (2.0, 2.0), Some(true));
        check(&triangle, false, (8.0, 8.0), Some(false));
        check(&path(&[OUTER, INNER]), true, (15.0, 15.0), Some(false));
        check(&path(&[OUTER, INNER]), false, (15.0, 15.0), Some(true));
    }

    #[test]
    fn a_curve_bulges_and_a_drawing_is_vague() {
        let mut round = path(&[&[(0.0, 0.0)]]);
        let [first, second, to] = [(0.0, 20.0), (20.0, 20.0), (20.0, 0.0)].map(|(x, y)| Point { x, y });
        round.curve_to(first, second, to);
        let mut drawing = path(&[&[(0.0, 0.0)]]);
        (0..1_000).for_each(|step| drawing.line_to(Point { x: f64::from(step % 50), y: 10.0 }));

        check(&round, false, (10.0, 12.0), Some(true));
        check(&round, false, (1.0, 14.0), Some(false));
        check(&drawing, false, (10.0, 5.0), None);
    }
}
