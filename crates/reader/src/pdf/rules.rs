//! Lines and areas that a page paints, as far as they can be the rules of tables: level or upright strokes, thin
//! rectangles, and the edges of filled ones (ISO 32000-1, 8.5). Knows no text, no colours and no tables.

use super::content::Operand;
use super::geometry::Matrix;
use super::geometry::Point;

/// Rules kept for one page; a page that paints more is a map or a drawing, and none of them counts.
const MAX_RULES: usize = 40_000;
/// Points kept of one path.
const MAX_POINTS: usize = 20_000;
/// What is no thicker than this, in points, is a line; what is thicker is an area.
const MAX_THICKNESS: f64 = 3.0;
/// How far, in points, the ends of a level line may differ in height.
const MAX_SLANT: f64 = 0.6;
/// Shorter lines, in points, are dots.
const MIN_LENGTH: f64 = 1.5;

/// A level or upright line in points from the top left of the page as shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) x0: f64,
    pub(super) y0: f64,
    pub(super) x1: f64,
    pub(super) y1: f64,
    /// It is where a filled area ends, not a line of its own.
    pub(super) edge: bool,
}

/// A filled rectangle in points from the top left of the page as shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) x0: f64,
    pub(super) y0: f64,
    pub(super) x1: f64,
    pub(super) y1: f64,
}

/// What a page paints.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) lines: Vec<Rule>,
    pub(super) areas: Vec<Area>,
    /// There was more than is kept.
    pub(super) overflow: bool,
}

/// Whether lines and areas are painted so that they are seen on paper, and how wide lines are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    /// In user space.
    pub(super) width: f64,
    pub(super) strokes: bool,
    pub(super) fills: bool,
}

/// A path under construction.
#[derive(Default)]
pub(super) struct Path {
    parts: Vec<Part>,
    points: usize,
}

/// A part of a path that is drawn without lifting the pen.
struct Part {
    points: Vec<Point>,
    /// Which of its points are reached by a curve.
    curved: bool,
}

impl Path {
    /// Carries out an operator that builds the path; others are passed over.
    pub(super) fn build(&mut self, operator: &[u8], operands: &[Operand<'_>], to_page: &Matrix) {
        let number = |index: usize| operands.get(index).and_then(Operand::as_number).unwrap_or(0.0);
        let at = |index: usize| to_page.apply(number(index), number(index + 1));
        match operator {
            b"m" => self.begin(at(0)),
            b"l" => self.line_to(at(0), false),
            b"c" => self.line_to(at(4), true),
            b"v" | b"y" => self.line_to(at(2), true),
            b"h" => self.close(),
            b"re" => {
                let (x, y, width, height) = (number(0), number(1), number(2), number(3));
                self.begin(to_page.apply(x, y));
                for (x, y) in [(x + width, y), (x + width, y + height), (x, y + height), (x, y)] {
                    self.line_to(to_page.apply(x, y), false);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, at: Point) {
        if self.points < MAX_POINTS {
            self.points += 1;
            self.parts.push(Part { points: vec![at], curved: false });
        }
    }

    fn line_to(&mut self, at: Point, curved: bool) {
        if self.points < MAX_POINTS
            && let Some(part) = self.parts.last_mut()
        {
            self.points += 1;
            part.points.push(at);
            part.curved |= curved;
        }
    }

    fn close(&mut self) {
        if let Some(first) = self.parts.last().and_then(|part| part.points.first().copied()) {
            self.line_to(first, false);
        }
    }

    /// Carries out an operator that paints, and ends the path.
    pub(super) fn paint(&mut self, operator: &[u8], pen: Pen, to_page: &Matrix, rules: &mut Rules) {
        if matches!(operator, b"s" | b"b" | b"b*") {
            self.close();
        }
        let strokes = matches!(operator, b"S" | b"s" | b"B" | b"B*" | b"b" | b"b*") && pen.strokes;
        let fills = matches!(operator, b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*") && pen.fills;
        let scale = (to_page.a * to_page.d - to_page.b * to_page.c).abs().sqrt();
        rules.overflow |= self.points >= MAX_POINTS;
        for part in std::mem::take(self).parts {
            if let Some(area) = part.rectangle().filter(|_| fills) {
                rules.fill(area);
            }
            // Where curves begin and end is no line, but what lies between them may be.
            if strokes && !part.curved {
                for pair in part.points.windows(2) {
                    rules.stroke(pair[0], pair[1], pen.width * scale);
                }
            }
        }
    }
}

impl Part {
    /// The rectangle that the part goes around, if it is an upright one.
    fn rectangle(&self) -> Option<Area> {
        let points = self.points.as_slice();
        let corners = match points {
            [corners @ .., again] if corners.len() == 4 => {
                let closes = near(corners[0].x, again.x) && near(corners[0].y, again.y);
                closes.then_some(corners)?
            }
            corners => corners,
        };
        let [a, b, c, d] = corners else { return None };
        let level_first = near(a.y, b.y) && near(b.x, c.x) && near(c.y, d.y) && near(d.x, a.x);
        let upright_first = near(a.x, b.x) && near(b.y, c.y) && near(c.x, d.x) && near(d.y, a.y);
        (!self.curved && (level_first || upright_first)).then(|| Area {
            x0: a.x.min(c.x),
            y0: a.y.min(c.y),
            x1: a.x.max(c.x),
            y1: a.y.max(c.y),
        })
    }
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= MAX_SLANT
}

impl Rules {
    fn fill(&mut self, area: Area) {
        let Area { x0, y0, x1, y1 } = area;
        let (width, height) = (x1 - x0, y1 - y0);
        if ![x0, y0, x1, y1].into_iter().all(is_sane) {
            return;
        }
        if height <= MAX_THICKNESS && width > height {
            let y = f64::midpoint(y0, y1);
            self.line(Rule { x0, y0: y, x1, y1: y, edge: false });
        } else if width <= MAX_THICKNESS {
            let x = f64::midpoint(x0, x1);
            self.line(Rule { x0: x, y0, x1: x, y1, edge: false });
        } else if height > MAX_THICKNESS {
            if self.areas.len() >= MAX_RULES {
                self.overflow = true;
                return;
            }
            self.areas.push(area);
            for (x0, y0, x1, y1) in [(x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)] {
                self.line(Rule { x0, y0, x1, y1, edge: true });
            }
        }
    }

    fn stroke(&mut self, from: Point, to: Point, width: f64) {
        let (x0, x1) = (from.x.min(to.x), from.x.max(to.x));
        let (y0, y1) = (from.y.min(to.y), from.y.max(to.y));
        if y1 - y0 <= MAX_SLANT && x1 - x0 > y1 - y0 {
            if width > MAX_THICKNESS {
                let y = f64::midpoint(y0, y1);
                return self.fill(Area { x0, y0: y - width / 2.0, x1, y1: y + width / 2.0 });
            }
            let y = f64::midpoint(y0, y1);
            self.line(Rule { x0, y0: y, x1, y1: y, edge: false });
        } else if x1 - x0 <= MAX_SLANT {
            let x = f64::midpoint(x0, x1);
            if width > MAX_THICKNESS {
                return self.fill(Area { x0: x - width / 2.0, y0, x1: x + width / 2.0, y1 });
            }
            self.line(Rule { x0: x, y0, x1: x, y1, edge: false });
        }
    }

    fn line(&mut self, rule: Rule) {
        let length = (rule.x1 - rule.x0).max(rule.y1 - rule.y0);
        if length < MIN_LENGTH || ![rule.x0, rule.y0, rule.x1, rule.y1].into_iter().all(is_sane) {
            return;
        }
        if self.lines.len() >= MAX_RULES {
            self.overflow = true;
        } else {
            self.lines.push(rule);
        }
    }
}

/// Says whether layout can count with a coordinate.
fn is_sane(coordinate: f64) -> bool {
    coordinate.is_finite() && coordinate.abs() < 1e5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::content::Operations;

    const PEN: Pen = Pen { width: 1.0, strokes: true, fills: true };

    /// What content paints on a page whose points are its units.
    fn rules(content: &str, pen: Pen) -> Rules {
        let (mut rules, mut path) = (Rules::default(), Path::default());
        let (mut operations, mut operands) = (Operations::new(content.as_bytes()), Vec::new());
        while let Some(operator) = operations.next(&mut operands) {
            path.build(operator, &operands, &Matrix::IDENTITY);
            if matches!(operator, b"S" | b"s" | b"f" | b"f*" | b"B") {
                path.paint(operator, pen, &Matrix::IDENTITY, &mut rules);
            }
        }
        rules
    }

    #[track_caller]
    fn check(content: &str, lines: usize, areas: usize) {
        let found = rules(content, PEN);
        assert_eq!((found.lines.len(), found.areas.len()), (lines, areas), "{content}: {found:?}");
    }

    #[test]
    fn what_can_be_a_rule_is_kept() {
        check("10 10 m 90 10 l S", 1, 0);
        check("10 10 m 90 10 l 90 50 l s", 2, 0);
        check("10 10 80 40 re S", 4, 0);
        check("10 10 80 0.5 re f 10 10 0.5 40 re f*", 2, 0);
        check("10 10 80 40 re f", 4, 1);
        check("10 10 m 90 10 l 90 50 l 10 50 l h B", 8, 1);
        assert_eq!(rules("10 10 m 90 10 l S", Pen { width: 12.0, ..PEN }).areas.len(), 1);
    }

    #[test]
    fn what_is_slanted_curved_short_or_unseen_is_not() {
        check("10 10 m 90 60 l S", 0, 0);
        check("10 10 m 20 20 30 30 40 40 c S", 0, 0);
        check("10 10 1 1 re f", 0, 0);
        let unseen = rules("10 10 80 40 re B", Pen { strokes: false, fills: false, ..PEN });
        assert_eq!((unseen.lines.len(), unseen.areas.len()), (0, 0));
    }

    #[test]
    fn drawings_without_end_are_cut() {
        let found = rules(&"10 10 m 90 10 l S ".repeat(MAX_RULES + 1), PEN);
        assert_eq!((found.lines.len(), found.overflow), (MAX_RULES, true));
        assert!(rules(&format!("10 10 m {}S", "90 10 l ".repeat(MAX_POINTS)), PEN).overflow);
    }
}
