//! What a page paints besides its text, as far as it decides whether text is seen: colours, transparency, clipping,
//! filled areas and pictures (ISO 32000-1, 8.4 to 8.7 and 11). Where it cannot be known, text counts as seen.

mod colour;
mod ground;
mod ink;
mod path;

pub(super) use colour::Colour;
pub(super) use ground::Ground;
pub(super) use ground::Under;
pub(super) use ink::Ink;

use super::content::Operand;
use super::geometry::Matrix;
use super::geometry::Point;
use super::interpret::PageRun;
use super::interpret::Scope;
use super::interpret::sane;
use super::objects;
use super::rules;
use super::state::State;
use crate::parsed::Rect;
use colour::Space;
use ground::Area;
use lopdf::Dictionary;
use path::Path;
use path::Shape;

/// Thinner lines, in points, are no ground that text could stand on.
const MIN_BAR: f32 = 1.5;
/// What is painted with less than this part of its colour does not show; with more than the other, nothing shows under it.
const UNSEEN: f32 = 0.08;
const OPAQUE: f32 = 0.98;
/// Pictures whose places are kept.
const MAX_PICTURES: usize = 10_000;

/// The page being painted.
pub(super) struct Canvas {
    pub(super) ground: Ground,
    /// Where pictures are.
    pub(super) pictures: Vec<Rect>,
    /// Appearances of form fields are being drawn, which viewers do as they like.
    pub(super) is_field: bool,
    path: Path,
    /// The same path, for the lines of tables.
    ruling: rules::Path,
    /// The path at hand is to clip, by the even-odd rule or not.
    clips: Option<bool>,
}

impl Canvas {
    /// Returns an empty page; `max_tests` bounds the work of telling what lies where.
    pub(super) fn new(size: (f64, f64), max_tests: u64) -> Self {
        Self {
            ground: Ground::new(size, max_tests),
            pictures: Vec::new(),
            is_field: false,
            path: Path::default(),
            ruling: rules::Path::default(),
            clips: None,
        }
    }
}

impl<'a> PageRun<'a, '_> {
    /// Carries out an operator of colours, paths or clipping; others are passed over.
    pub(super) fn trace(&mut self, scope: &mut Scope<'a>, operator: &[u8], operands: &[Operand<'_>]) {
        let ink = &mut scope.state.ink;
        match operator {
            b"g" => ink.fill.set(Space::Gray, operands),
            b"G" => ink.stroke.set(Space::Gray, operands),
            b"rg" => ink.fill.set(Space::Rgb, operands),
            b"RG" => ink.stroke.set(Space::Rgb, operands),
            b"k" => ink.fill.set(Space::Cmyk, operands),
            b"K" => ink.stroke.set(Space::Cmyk, operands),
            b"sc" | b"scn" => ink.fill.set(ink.fill.space, operands),
            b"SC" | b"SCN" => ink.stroke.set(ink.stroke.space, operands),
            b"cs" => {
                let space = self.space(scope, operands);
                scope.state.ink.fill.choose(space);
            }
            b"CS" => {
                let space = self.space(scope, operands);
                scope.state.ink.stroke.choose(space);
            }
            b"w" => ink.line_width = operands.last().and_then(Operand::as_number).unwrap_or(1.0) as f32,
            b"W" => self.canvas.clips = Some(false),
            b"W*" => self.canvas.clips = Some(true),
            b"n" => self.end_path(&mut scope.state),
            _ => self.build(&scope.state.to_page, operator, operands),
        }
    }

    fn space(&self, scope: &Scope<'a>, operands: &[Operand<'_>]) -> Space {
        let Some(name) = operands.last().and_then(Operand::as_name) else { return Space::Unknown };
        Space::named(self.document(), name, self.resource(scope, b"ColorSpace", name))
    }

    fn build(&mut self, to_page: &Matrix, operator: &[u8], operands: &[Operand<'_>]) {
        let number = |index: usize| operands.get(index).and_then(Operand::as_number).unwrap_or(0.0);
        let at = |x: f64, y: f64| {
            let Point { x, y } = to_page.apply(x, y);
            Point { x: sane(x), y: sane(y) }
        };
        let point = |index: usize| at(number(index), number(index + 1));
        self.canvas.ruling.build(operator, operands, to_page);
        let path = &mut self.canvas.path;
        match operator {
            b"m" => path.move_to(point(0)),
            b"l" => path.line_to(point(0)),
            b"c" => path.curve_to(point(0), point(2), point(4)),
            b"v" => path.curve_to(path.end().unwrap_or_else(|| point(0)), point(0), point(2)),
            b"y" => path.curve_to(point(0), point(2), point(2)),
            b"h" => path.close(),
            b"re" => {
                let (x, y, width, height) = (number(0), number(1), number(2), number(3));
                path.move_to(at(x, y));
                for (x, y) in [(x + width, y), (x + width, y + height), (x, y + height), (x, y)] {
                    path.line_to(at(x, y));
                }
            }
            _ => {}
        }
    }

    /// Paints the path at hand, or a shading.
    pub(super) fn paint(&mut self, scope: &mut Scope<'a>, operator: &[u8]) {
        let (fills, strokes, even_odd) = match operator {
            b"f" | b"F" => (true, false, false),
            b"f*" => (true, false, true),
            b"B" | b"b" => (true, true, false),
            b"B*" | b"b*" => (true, true, true),
            b"S" | b"s" => (false, true, false),
            _ => (false, false, false),
        };
        if matches!(operator, b"s" | b"b" | b"b*") {
            self.canvas.path.close();
        }
        if !scope.is_hidden() {
            self.reveal(&scope.state);
            let State { ink, to_page, .. } = &scope.state;
            self.canvas.ruling.paint(operator, ink.pen(), to_page, &mut self.result.rules);
            if operator == b"sh" {
                self.cover(&scope.state, scope.state.ink.clip.bounds, Shape::Vague, None);
            }
            if let (true, Some(bounds)) = (fills, self.canvas.path.bounds()) {
                let (shape, fill) = (self.canvas.path.shape(even_odd), scope.state.ink.fill);
                self.cover(&scope.state, bounds, shape, Some(fill));
            }
            if strokes {
                self.stroke(&scope.state);
            }
        }
        if operator != b"sh" {
            self.end_path(&mut scope.state);
        }
    }

    /// Ends the path at hand; it clips what follows if that was asked for.
    fn end_path(&mut self, state: &mut State<'a>) {
        let path = std::mem::take(&mut self.canvas.path);
        self.canvas.ruling = rules::Path::default();
        if let (Some(even_odd), Some(bounds)) = (self.canvas.clips.take(), path.bounds()) {
            state.ink.clip.narrow(bounds, matches!(path.shape(even_odd), Shape::Box));
        }
    }

    fn stroke(&mut self, state: &State<'a>) {
        let to_page = &state.to_page;
        let scale = (to_page.a * to_page.d - to_page.b * to_page.c).abs().sqrt();
        let width = state.ink.line_width * sane(scale) as f32;
        if width < MIN_BAR {
            return;
        }
        let bars: Vec<(Rect, Shape)> =
            self.canvas.path.lines().map(|(from, to)| bar(from, to, width)).collect();
        if let (true, Some(bounds)) = (bars.is_empty(), self.canvas.path.bounds()) {
            self.cover(state, bounds, Shape::Vague, None);
        }
        for (bounds, shape) in bars {
            self.cover(state, bounds, shape, Some(state.ink.stroke));
        }
    }

    /// Notes what a picture lies on.
    pub(super) fn cover_by_picture(&mut self, state: &State<'a>, bounds: Rect) {
        self.reveal(state);
        let shown = intersection(bounds, state.ink.clip.bounds);
        if self.canvas.pictures.len() < MAX_PICTURES {
            self.canvas.pictures.extend(shown);
        }
        self.cover(state, bounds, Shape::Vague, None);
    }

    fn cover(&mut self, state: &State<'a>, bounds: Rect, shape: Shape, tone: Option<ink::Tone>) {
        let ink = &state.ink;
        let alpha = tone.map_or(1.0, |tone| tone.alpha) * ink.group_alpha;
        let Some(bounds) = intersection(bounds, ink.clip.bounds).filter(|_| alpha >= UNSEEN / 4.0) else {
            return;
        };
        let certain = alpha >= OPAQUE && !ink.is_blended() && ink.clip.exact;
        let colour = tone.filter(|_| certain).and_then(|tone| tone.colour);
        let hides = colour.is_some() && !self.canvas.is_field;
        self.canvas.ground.paint(Area { bounds, shape, colour, hides, order: self.placed });
    }

    /// Text that was only to clip shows once something is painted through it.
    fn reveal(&mut self, state: &State<'a>) {
        let Some(first) = state.text_clip else { return };
        let since = self.result.glyphs.iter_mut().rev().take_while(|glyph| glyph.look.order >= first);
        let mut count = 0;
        for glyph in since {
            glyph.look.reveal();
            count += 1;
        }
        self.spend(count);
    }

    /// Takes the transparency out of a graphics state dictionary.
    pub(super) fn set_transparency(&mut self, scope: &mut Scope<'a>, operands: &[Operand<'_>]) {
        let document = self.document();
        let found = operands.last().and_then(Operand::as_name);
        let dictionary = found.and_then(|name| self.resource(scope, b"ExtGState", name));
        let Some(dictionary) = dictionary.and_then(objects::as_dictionary) else { return };
        let number = |key: &[u8]| objects::number(document, dictionary, key).map(|number| number as f32);
        let ink = &mut scope.state.ink;
        ink.fill.alpha = number(b"ca").unwrap_or(ink.fill.alpha);
        ink.stroke.alpha = number(b"CA").unwrap_or(ink.stroke.alpha);
        ink.line_width = number(b"LW").unwrap_or(ink.line_width);
        if let Some(mode) = objects::entry(document, dictionary, b"BM") {
            let first = mode.as_array().ok().and_then(|modes| modes.first()).unwrap_or(mode);
            ink.blends = !matches!(first.as_name(), Ok(b"Normal" | b"Compatible"));
        }
        if let Some(mask) = objects::entry(document, dictionary, b"SMask") {
            ink.is_masked = mask.as_name().is_err();
        }
    }

    /// Sets the state that a form begins with, its own matrix being in force: it is clipped to its box, and may be
    /// painted as a whole.
    pub(super) fn enter_form(&self, form: &Dictionary, state: &mut State<'a>) {
        let document = self.document();
        state.text_clip = None;
        if form.has(b"Group") {
            state.ink.enter_group();
        }
        if let Some([left, bottom, right, top]) = objects::numbers::<4>(document, form, b"BBox") {
            let corners = [(left, bottom), (right, bottom), (right, top), (left, top)].map(|(x, y)| {
                let Point { x, y } = state.to_page.apply(x, y);
                (sane(x) as f32, sane(y) as f32)
            });
            let point = |(x, y): (f32, f32)| Rect { x0: x, y0: y, x1: x, y1: y };
            let bounds = corners.map(point).into_iter().fold(point(corners[0]), Rect::union);
            let Matrix { a, b, c, d, .. } = state.to_page;
            state.ink.clip.narrow(bounds, b.abs() + c.abs() < 1e-6 || a.abs() + d.abs() < 1e-6);
        }
    }
}

/// The area of a straight line of some width.
fn bar(from: Point, to: Point, width: f32) -> (Rect, Shape) {
    let (x0, x1) = (from.x.min(to.x) as f32, from.x.max(to.x) as f32);
    let (y0, y1) = (from.y.min(to.y) as f32, from.y.max(to.y) as f32);
    let half = width / 2.0;
    if y1 - y0 < 0.1 {
        (Rect { x0, y0: y0 - half, x1, y1: y1 + half }, Shape::Box)
    } else if x1 - x0 < 0.1 {
        (Rect { x0: x0 - half, y0, x1: x1 + half, y1 }, Shape::Box)
    } else {
        (Rect { x0: x0 - half, y0: y0 - half, x1: x1 + half, y1: y1 + half }, Shape::Vague)
    }
}

/// Returns what two boxes share.
pub(super) fn intersection(a: Rect, b: Rect) -> Option<Rect> {
    let common = Rect { x0: a.x0.max(b.x0), y0: a.y0.max(b.y0), x1: a.x1.min(b.x1), y1: a.y1.min(b.y1) };
    (common.x0 <= common.x1 && common.y0 <= common.y1).then_some(common)
}
