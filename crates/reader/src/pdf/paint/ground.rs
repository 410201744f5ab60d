//! What has been painted on a page, in order, and what of it lies under or over a place. Knows no operators and no text.

use super::super::geometry::Point;
use super::colour::Colour;
use super::path::Shape;
use crate::parsed::Rect;
use std::cell::Cell;
use std::ops::Range;

/// Areas kept for one page. Where there are more, nothing is said of colours.
const MAX_AREAS: usize = 100_000;
/// The page is divided into so many squares across and down.
const SIDE: usize = 32;
/// An area over more squares than this is looked at for every place instead.
const MAX_SQUARES: usize = 64;

/// A painted area.
pub(super) struct Area {
    pub(super) bounds: Rect,
    pub(super) shape: Shape,
    /// `None` where it is not known: a picture, a pattern, a mixture with what lies under it.
    pub(super) colour: Option<Colour>,
    /// Nothing under it shows.
    pub(super) hides: bool,
    /// Glyphs placed before it.
    pub(super) order: u32,
}

/// What lies under a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Under {
    Colour(Colour),
    Unknown,
}

/// The areas of a page.
pub(in super::super) struct Ground {
    areas: Vec<Area>,
    squares: Vec<Vec<u32>>,
    large: Vec<u32>,
    size: (f32, f32),
    overflowed: bool,
    tests_left: Cell<u64>,
}

impl Ground {
    /// Returns the bare page; `max_tests` bounds the comparisons of all later questions together.
    pub(in super::super) fn new((width, height): (f64, f64), max_tests: u64) -> Self {
        Self {
            areas: Vec::new(),
            squares: vec![Vec::new(); SIDE * SIDE],
            large: Vec::new(),
            size: (width as f32, height as f32),
            overflowed: false,
            tests_left: Cell::new(max_tests),
        }
    }

    /// Says whether there was too much to say anything of it.
    pub(in super::super) fn is_unknown(&self) -> bool {
        self.overflowed
    }

    pub(super) fn paint(&mut self, area: Area) {
        if self.areas.len() >= MAX_AREAS {
            self.overflowed = true;
            return;
        }
        let index = self.areas.len() as u32;
        let (columns, rows) = self.squares_of(area.bounds);
        if columns.len() * rows.len() > MAX_SQUARES {
            self.large.push(index);
        } else {
            for row in rows {
                for column in columns.clone() {
                    self.squares[row * SIDE + column].push(index);
                }
            }
        }
        self.areas.push(area);
    }

    fn squares_of(&self, bounds: Rect) -> (Range<usize>, Range<usize>) {
        let square =
            |at: f32, size: f32| ((at / size.max(1.0) * SIDE as f32).max(0.0) as usize).min(SIDE - 1);
        let past = |at: f32, size: f32| square(at, size) + 1;
        let (width, height) = self.size;
        (square(bounds.x0, width)..past(bounds.x1, width), square(bounds.y0, height)..past(bounds.y1, height))
    }

    /// Returns what lies under a glyph that was placed as the `order`th.
    pub(in super::super) fn under(&self, at: Point, order: u32) -> Under {
        let top = self.lists(at).map(|list| self.topmost(list, at, order));
        match top.into_iter().flatten().max_by_key(|(index, _)| *index) {
            Some((_, under)) => under,
            None => Under::Colour(Colour::WHITE),
        }
    }

    /// Says whether an area that was painted later, and lets nothing through, hides all of these places.
    pub(in super::super) fn covers(&self, places: &[Point], order: u32) -> bool {
        let Some(&first) = places.first() else { return false };
        for list in self.lists(first) {
            let painted_later = list.partition_point(|index| self.area(*index).order <= order);
            for area in list[painted_later..].iter().map(|index| self.area(*index)) {
                // What lets something through is work too: a page may have any number of it over every glyph.
                if !self.spend(if area.hides { area.shape.cost() } else { 1 }) {
                    return false;
                }
                let hides = |place: &Point| area.shape.covers(area.bounds, *place) == Some(true);
                if area.hides && places.iter().all(hides) {
                    return true;
                }
            }
        }
        false
    }

    /// The indices of the areas that may reach a place, in order: those of its square, and the large ones.
    fn lists(&self, at: Point) -> [&[u32]; 2] {
        let point = Rect { x0: at.x as f32, y0: at.y as f32, x1: at.x as f32, y1: at.y as f32 };
        let (columns, rows) = self.squares_of(point);
        [&self.squares[rows.start * SIDE + columns.start], &self.large]
    }

    fn area(&self, index: u32) -> &Area {
        &self.areas[index as usize]
    }

    /// Takes the comparisons of looking at an area from what is left; `false` once nothing is.
    fn spend(&self, comparisons: u64) -> bool {
        let left = self.tests_left.get().checked_sub(comparisons.max(1));
        self.tests_left.set(left.unwrap_or(0));
        left.is_some()
    }

    fn topmost(&self, list: &[u32], at: Point, order: u32) -> Option<(u32, Under)> {
        let painted_before = list.partition_point(|index| self.area(*index).order <= order);
        for &index in list[..painted_before].iter().rev() {
            let area = self.area(index);
            if !self.spend(area.shape.cost()) {
                return Some((u32::MAX, Under::Unknown));
            }
            match (area.shape.covers(area.bounds, at), area.colour) {
                (Some(false), _) => {}
                (Some(true), Some(colour)) => return Some((index, Under::Colour(colour))),
                (Some(true), None) | (None, _) => return Some((index, Under::Unknown)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x0: f32, x1: f32, colour: Option<Colour>, order: u32) -> Area {
        let bounds = Rect { x0, y0: 0.0, x1, y1: 100.0 };
        Area { bounds, shape: Shape::Box, colour, hides: colour.is_some(), order }
    }

    fn ground(max_tests: u64) -> Ground {
        let mut ground = Ground::new((600.0, 800.0), max_tests);
        ground.paint(area(0.0, 600.0, Some(Colour::BLACK), 1));
        ground.paint(area(100.0, 110.0, None, 2));
        ground.paint(area(200.0, 210.0, Some(Colour::WHITE), 3));
        ground
    }

    #[test]
    fn what_was_painted_last_before_a_glyph_lies_under_it() {
        let ground = ground(1_000);
        let under = |x: f64, order: u32| ground.under(Point { x, y: 50.0 }, order);

        assert_eq!(under(50.0, 0), Under::Colour(Colour::WHITE));
        assert_eq!(under(50.0, 1), Under::Colour(Colour::BLACK));
        assert_eq!(under(105.0, 2), Under::Unknown);
        assert_eq!(under(205.0, 2), Under::Colour(Colour::BLACK));
        assert_eq!(under(205.0, 3), Under::Colour(Colour::WHITE));
    }

    #[test]
    fn only_what_is_opaque_and_painted_later_covers() {
        let ground = ground(1_000);
        let at = |x: f64| [Point { x, y: 50.0 }];

        assert!(ground.covers(&at(50.0), 0));
        assert!(!ground.covers(&at(50.0), 1));
        assert!(!ground.covers(&at(105.0), 1));
        assert!(ground.covers(&at(205.0), 2));
        assert!(!ground.covers(&[Point { x: 205.0, y: 50.0 }, Point { x: 215.0, y: 50.0 }], 2));
    }

    #[test]
    fn when_the_work_is_used_up_nothing_is_claimed() {
        let ground = ground(1);

        assert_eq!(ground.under(Point { x: 50.0, y: 50.0 }, 1), Under::Colour(Colour::BLACK));
        assert_eq!(ground.under(Point { x: 50.0, y: 50.0 }, 1), Under::Unknown);
        assert!(!ground.covers(&[Point { x: 50.0, y: 50.0 }], 0));
    }

    #[test]
    fn looking_at_what_hides_nothing_is_work_too() {
        let mut ground = Ground::new((600.0, 800.0), 2);
        (0..3).for_each(|_| ground.paint(area(0.0, 600.0, None, 1)));
        ground.paint(area(0.0, 600.0, Some(Colour::BLACK), 1));

        assert!(!ground.covers(&[Point { x: 50.0, y: 50.0 }], 0));
        assert_eq!(ground.tests_left.get(), 0);
    }
}
