//! Carries out the content of a page as far as it places text (ISO 32000-1, 8.10 and 9.4).
//!
//! Work is counted in steps against bounds, since a form drawn from forms can ask for any amount of it.
//! Knows no reading order and no words.

use super::content::Operand;
use super::content::Operations;
use super::file::PageObject;
use super::font::Characters;
use super::font::Fonts;
use super::font::Shown;
use super::geometry::Matrix;
use super::geometry::Point;
use super::glyph::Glyph;
use super::glyph::PageGlyphs;
use super::hidden;
use super::layers::Layers;
use super::marked::Mark;
use super::marked::MarkedContent;
use super::objects;
use super::paint::Canvas;
use super::state;
use super::state::State;
use super::structure::Structure;
use crate::parsed::Rect;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use lopdf::Stream;
use std::collections::HashMap;
use std::rc::Rc;

/// Steps for one page: operations, glyphs, and 64 bytes of content each count as one.
const MAX_PAGE_STEPS: u64 = 4_000_000;
/// Glyphs kept for one page.
const MAX_PAGE_GLYPHS: usize = 500_000;
const MAX_FORM_DEPTH: usize = 12;
const MAX_SAVED_STATES: usize = 512;
/// Comparisons that finding out what lies under and over text may take on one page.
const MAX_GROUND_TESTS: u64 = 20_000_000;

/// What is shared by the pages of a document.
pub(super) struct Interpreter<'a> {
    pub(super) document: &'a Document,
    pub(super) fonts: Fonts<'a>,
    pub(super) layers: Layers,
    pub(super) structure: Structure,
    pub(super) stream_limit: usize,
    /// Steps left for the whole document.
    pub(super) steps_left: u64,
}

/// One page being carried out.
pub(super) struct PageRun<'a, 'i> {
    interpreter: &'i mut Interpreter<'a>,
    steps_left: u64,
    /// Unpacked forms, as the same one is often drawn many times.
    forms: HashMap<ObjectId, Rc<Vec<u8>>>,
    shown: Vec<Shown>,
    pub(super) size: (f64, f64),
    /// Points that a unit of the page's space is long.
    pub(super) user_unit: f64,
    id: Option<ObjectId>,
    pub(super) canvas: Canvas,
    /// Glyphs placed so far.
    pub(super) placed: u32,
    pub(super) result: PageGlyphs,
}

/// One content stream being carried out.
pub(super) struct Scope<'a> {
    /// The stream's own resources, then those around it, which careless producers rely on.
    resources: Vec<&'a Dictionary>,
    pub(super) state: State<'a>,
    saved: Vec<State<'a>>,
    text: Matrix,
    line: Matrix,
    pub(super) marked: MarkedContent,
    depth: usize,
}

impl<'a> Interpreter<'a> {
    /// Places the glyphs of a page: its content, then the appearances of its form fields and comments.
    pub(super) fn run(&mut self, page: &PageObject<'a>) -> PageGlyphs {
        let Some(dictionary) = page.dictionary else {
            return PageGlyphs {
                incomplete: Some("the page is missing from the file"),
                ..PageGlyphs::default()
            };
        };
        let steps = MAX_PAGE_STEPS.min(self.steps_left);
        let user_unit = objects::number(self.document, dictionary, b"UserUnit");
        let mut run = PageRun {
            interpreter: self,
            steps_left: steps,
            forms: HashMap::new(),
            shown: Vec::new(),
            size: page.shown.size(),
            id: page.id,
            user_unit: user_unit.filter(|unit| *unit > 1.0).unwrap_or(1.0),
            canvas: Canvas::new(page.shown.size(), MAX_GROUND_TESTS),
            placed: 0,
            result: PageGlyphs::default(),
        };
        let content = run.page_content(dictionary);
        let state = State::new(page.shown.to_shown());
        run.content(&content, page.resources.into_iter().collect(), state.clone(), 0);
        run.annotations(dictionary, &state);
        let (used, mut result) = (steps - run.steps_left, run.result);
        hidden::set_apart(&mut result, &run.canvas);
        self.steps_left -= used;
        result
    }
}

impl<'a> PageRun<'a, '_> {
    pub(super) fn document(&self) -> &'a Document {
        self.interpreter.document
    }

    fn incomplete(&mut self, reason: &'static str) {
        self.result.incomplete.get_or_insert(reason);
    }

    /// Takes steps from what is left; `false` once nothing is.
    pub(super) fn spend(&mut self, steps: u64) -> bool {
        if let Some(left) = self.steps_left.checked_sub(steps) {
            self.steps_left = left;
            return true;
        }
        self.steps_left = 0;
        self.incomplete("the page takes more work than is allowed");
        false
    }

    /// Joins the streams of a page's content.
    fn page_content(&mut self, dictionary: &'a Dictionary) -> Vec<u8> {
        let (document, limit) = (self.document(), self.interpreter.stream_limit);
        let mut content = Vec::new();
        let streams: Vec<&Stream> = match objects::array(document, dictionary, b"Contents") {
            Some(parts) => {
                parts.iter().filter_map(|part| objects::resolve(document, part).as_stream().ok()).collect()
            }
            None => objects::stream(document, dictionary, b"Contents").into_iter().collect(),
        };
        for stream in streams {
            match objects::unpack(stream, limit.saturating_sub(content.len())) {
                Some(part) => content.extend(part),
                None => self.incomplete("a part of the page is damaged or unpacks to more than is allowed"),
            }
            content.push(b'\n');
        }
        content
    }

    fn content(&mut self, bytes: &[u8], resources: Vec<&'a Dictionary>, state: State<'a>, depth: usize) {
        if !self.spend(1 + bytes.len() as u64 / 64) {
            return;
        }
        let mut scope = Scope {
            resources,
            state,
            saved: Vec::new(),
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            marked: MarkedContent::default(),
            depth,
        };
        let (mut operations, mut operands) = (Operations::new(bytes), Vec::new());
        while let Some(operator) = operations.next(&mut operands) {
            if !self.spend(1) {
                return;
            }
            self.execute(&mut scope, operator, &operands);
        }
    }

    fn execute(&mut self, scope: &mut Scope<'a>, operator: &[u8], operands: &[Operand<'_>]) {
        let number = |index: usize| operands.get(index).and_then(Operand::as_number).unwrap_or(0.0);
        match operator {
            b"q" if scope.saved.len() < MAX_SAVED_STATES => scope.saved.push(scope.state.clone()),
            b"Q" => scope.state = scope.saved.pop().unwrap_or_else(|| scope.state.clone()),
            b"cm" => scope.state.to_page = state::matrix(operands).then(&scope.state.to_page),
            b"BT" => scope.move_to(Matrix::IDENTITY),
            b"Td" => scope.next_line(number(0), number(1)),
            b"TD" => {
                scope.state.leading = -number(1);
                scope.next_line(number(0), number(1));
            }
            b"Tm" => scope.move_to(state::matrix(operands)),
            b"T*" => scope.next_line(0.0, -scope.state.leading),
            b"Tf" => self.set_font(scope, operands),
            b"gs" => {
                self.set_font_by_state(scope, operands);
                self.set_transparency(scope, operands);
            }
            b"Tj" => self.show_last(scope, operands),
            b"'" => {
                scope.next_line(0.0, -scope.state.leading);
                self.show_last(scope, operands);
            }
            b"\"" => {
                scope.state.word_spacing = number(0);
                scope.state.character_spacing = number(1);
                scope.next_line(0.0, -scope.state.leading);
                self.show_last(scope, operands);
            }
            b"TJ" => self.show_adjusted(scope, operands),
            b"Do" => self.draw(scope, operands),
            b"BMC" => scope.marked.begin(Mark::default(), self.result.glyphs.len()),
            b"BDC" => {
                let mark = self.mark(scope, operands);
                scope.marked.begin(mark, self.result.glyphs.len());
            }
            b"EMC" => {
                let ended = scope.marked.end(&mut self.result.glyphs).filter(|_| scope.depth == 0);
                self.tag(ended.as_ref());
            }
            b"BI" => self.picture(scope),
            b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"S" | b"s" | b"sh" => {
                self.result.drawings += 1;
                self.paint(scope, operator);
            }
            _ => {
                if !scope.state.set(operator, operands) {
                    self.trace(scope, operator, operands);
                }
            }
        }
    }

    fn set_font(&mut self, scope: &mut Scope<'a>, operands: &[Operand<'_>]) {
        let Some(name) = operands.first().and_then(Operand::as_name) else { return };
        let found = self.resource(scope, b"Font", name).and_then(objects::as_dictionary);
        let fonts = &mut self.interpreter.fonts;
        scope.state.font = Some(match found {
            Some(dictionary) => fonts.get(dictionary),
            None => fonts.fallback(),
        });
        scope.state.size = operands.get(1).and_then(Operand::as_number).unwrap_or(1.0);
    }

    fn set_font_by_state(&mut self, scope: &mut Scope<'a>, operands: &[Operand<'_>]) {
        let Some(name) = operands.first().and_then(Operand::as_name) else { return };
        let document = self.document();
        let parameters = self.resource(scope, b"ExtGState", name).and_then(objects::as_dictionary);
        let Some([font, size, ..]) =
            parameters.and_then(|parameters| objects::array(document, parameters, b"Font"))
        else {
            return;
        };
        if let Some(dictionary) = objects::as_dictionary(objects::resolve(document, font)) {
            scope.state.font = Some(self.interpreter.fonts.get(dictionary));
            scope.state.size = objects::as_number(objects::resolve(document, size)).unwrap_or(1.0);
        }
    }

    /// Looks a resource up by category and name, nearest first.
    pub(super) fn resource(&self, scope: &Scope<'a>, category: &[u8], name: &[u8]) -> Option<&'a Object> {
        self.unresolved(scope, category, name).map(|object| objects::resolve(self.document(), object))
    }

    /// Looks a resource up and returns what stands there, which may be a reference.
    pub(super) fn unresolved(&self, scope: &Scope<'a>, category: &[u8], name: &[u8]) -> Option<&'a Object> {
        let found = |resources: &&'a Dictionary| {
            objects::dictionary(self.document(), resources, category)?.get(name).ok()
        };
        scope.resources.iter().find_map(found)
    }

    fn show_last(&mut self, scope: &mut Scope<'a>, operands: &[Operand<'_>]) {
        if let Some(text) = operands.last().and_then(Operand::as_text) {
            self.show(scope, text);
        }
    }

    fn show_adjusted(&mut self, scope: &mut Scope<'a>, operands: &[Operand<'_>]) {
        let Some(Operand::Array(items)) = operands.last() else { return };
        for item in items {
            if let Some(text) = item.as_text() {
                self.show(scope, text);
            } else if let Some(thousandths) = item.as_number() {
                scope.skip(-thousandths / 1000.0 * scope.state.size);
            }
        }
    }

    /// Places the glyphs of a string and moves on.
    fn show(&mut self, scope: &mut Scope<'a>, bytes: &[u8]) {
        if !self.spend(bytes.len() as u64) {
            return;
        }
        let fonts = &mut self.interpreter.fonts;
        let font = Rc::clone(scope.state.font.get_or_insert_with(|| fonts.fallback()));
        let mut shown = std::mem::take(&mut self.shown);
        font.decode(bytes, &mut shown);
        let State { size, stretch, rise, .. } = scope.state;
        let to_page = scope.text.then(&scope.state.to_page);
        let origin = to_page.apply(0.0, 0.0);
        let vector = |x: f64, y: f64| {
            let tip = to_page.apply(x, y);
            Point { x: tip.x - origin.x, y: tip.y - origin.y }
        };
        let (along, across) = if font.vertical {
            (vector(0.0, -size), vector(size * stretch * font.em, 0.0))
        } else {
            (vector(size * stretch, 0.0), vector(0.0, size * font.em))
        };
        let height = across.x.hypot(across.y).clamp(0.1, 10_000.0);
        let (ascent, descent) = if font.vertical { (0.5, -0.5) } else { (font.ascent, font.descent) };
        let direction = (along.y.atan2(along.x).to_degrees() / 5.0).round().rem_euclid(72.0) as u16 * 5;
        let look = self.look(scope, &font, height, along.x.hypot(along.y));
        let mut offset = 0.0;
        for glyph in shown.drain(..) {
            let spacing = scope.state.character_spacing
                + if glyph.is_word_space { scope.state.word_spacing } else { 0.0 };
            let (end, next) = if font.vertical {
                (offset - glyph.advance * size, offset - glyph.advance * size + spacing)
            } else {
                let end = offset + glyph.advance * size * stretch;
                (end, end + spacing * stretch)
            };
            let at = |offset: f64| {
                let Point { x, y } = if font.vertical {
                    to_page.apply(0.0, offset + rise)
                } else {
                    to_page.apply(offset, rise)
                };
                Point { x: sane(x), y: sane(y) }
            };
            let mut glyph = Glyph {
                text: glyph.text.unwrap_or(Characters::One(char::REPLACEMENT_CHARACTER)),
                start: at(offset),
                end: at(end),
                size: height as f32,
                ascent: (ascent * height) as f32,
                descent: (descent * height) as f32,
                direction,
                bold: font.bold,
                look,
            };
            self.look_at(&mut glyph, &mut scope.state);
            self.place(glyph);
            offset = next;
        }
        self.shown = shown;
        scope.advance(offset, font.vertical);
    }

    pub(super) fn place(&mut self, mut glyph: Glyph) {
        if self.result.glyphs.len() >= MAX_PAGE_GLYPHS {
            self.incomplete("the page holds more characters than is allowed");
            return;
        }
        glyph.look.order = self.placed;
        self.placed += 1;
        self.result.glyphs.push(glyph);
    }

    /// Notes a picture: it fills the unit square (ISO 32000-1, 8.9.5.1).
    fn picture(&mut self, scope: &Scope<'a>) {
        if scope.is_hidden() {
            return;
        }
        let corners =
            [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(x, y)| scope.state.to_page.apply(x, y));
        let reach = |along: fn(&Point) -> f64, end: f64| {
            let within = corners.iter().map(|corner| sane(along(corner)).clamp(0.0, end));
            (within.clone().fold(end, f64::min), within.fold(0.0, f64::max))
        };
        let (width, height) = self.size;
        let ((x0, x1), (y0, y1)) = (reach(|corner| corner.x, width), reach(|corner| corner.y, height));
        self.result.images += 1;
        self.result.image_area += (x1 - x0) * (y1 - y0);
        let bounds = Rect { x0: x0 as f32, y0: y0 as f32, x1: x1 as f32, y1: y1 as f32 };
        self.cover_by_picture(&scope.state, bounds);
    }

    /// Draws a form; a picture is only counted.
    fn draw(&mut self, scope: &Scope<'a>, operands: &[Operand<'_>]) {
        let Some(name) = operands.last().and_then(Operand::as_name) else { return };
        let document = self.document();
        // The reference itself is wanted, as the key under which the unpacked form is kept.
        let Some(object) = self.unresolved(scope, b"XObject", name) else { return };
        let Ok(stream) = objects::resolve(document, object).as_stream() else { return };
        let in_hidden_layer = scope.is_hidden() || self.is_in_hidden_layer(&stream.dict);
        match objects::name(document, &stream.dict, b"Subtype") {
            Some(b"Image") if in_hidden_layer => {}
            Some(b"Image") => self.picture(scope),
            _ => {
                let mut state = scope.state.clone();
                state.in_hidden_layer = in_hidden_layer;
                self.form(stream, object.as_reference().ok(), state, &scope.resources, scope.depth + 1);
            }
        }
    }

    /// Says whether something drawn belongs to a layer that is off.
    pub(super) fn is_in_hidden_layer(&self, drawn: &Dictionary) -> bool {
        drawn.get(b"OC").is_ok_and(|owner| self.is_hidden_layer(owner))
    }

    /// Says whether marked content of this page belongs to a heading.
    pub(super) fn is_heading(&self, number: u32) -> bool {
        self.id.is_some_and(|id| self.interpreter.structure.holds(id, number))
    }

    /// Says whether a layer, or a membership in several, is off.
    pub(super) fn is_hidden_layer(&self, owner: &Object) -> bool {
        self.interpreter.layers.hide(self.document(), owner)
    }

    /// Carries out the content of a form in the space that `state` describes.
    pub(super) fn form(
        &mut self,
        stream: &'a Stream,
        id: Option<ObjectId>,
        mut state: State<'a>,
        around: &[&'a Dictionary],
        depth: usize,
    ) {
        if depth > MAX_FORM_DEPTH {
            self.incomplete("forms are drawn within forms too deeply");
            return;
        }
        let Some(bytes) = self.form_content(stream, id) else {
            self.incomplete("a form on the page is damaged or unpacks to more than is allowed");
            return;
        };
        let document = self.document();
        if let Some(matrix) = objects::numbers::<6>(document, &stream.dict, b"Matrix") {
            state.to_page = Matrix::new(matrix).then(&state.to_page);
        }
        self.enter_form(&stream.dict, &mut state);
        let own = objects::dictionary(document, &stream.dict, b"Resources");
        // Only the nearest matter; a chain of forms must not copy ever longer lists.
        let resources = own.into_iter().chain(around.iter().copied()).take(4).collect();
        self.content(&bytes, resources, state, depth);
    }

    fn form_content(&mut self, stream: &Stream, id: Option<ObjectId>) -> Option<Rc<Vec<u8>>> {
        if let Some(known) = id.and_then(|id| self.forms.get(&id)) {
            return Some(Rc::clone(known));
        }
        let bytes = Rc::new(objects::unpack(stream, self.interpreter.stream_limit)?);
        self.spend(bytes.len() as u64 / 64);
        let kept: usize = self.forms.values().map(|form| form.len()).sum();
        if let (Some(id), true) = (id, kept + bytes.len() <= self.interpreter.stream_limit) {
            self.forms.insert(id, Rc::clone(&bytes));
        }
        Some(bytes)
    }
}

impl Scope<'_> {
    /// Says whether a layer that is off holds what comes next.
    pub(super) fn is_hidden(&self) -> bool {
        self.state.in_hidden_layer || self.marked.is_hidden()
    }

    fn move_to(&mut self, matrix: Matrix) {
        self.line = matrix;
        self.text = matrix;
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.move_to(Matrix::translation(x, y).then(&self.line));
    }

    /// Moves by a distance along the writing direction, in unscaled text space.
    fn skip(&mut self, distance: f64) {
        let vertical = self.state.font.as_ref().is_some_and(|font| font.vertical);
        self.advance(if vertical { distance } else { distance * self.state.stretch }, vertical);
    }

    fn advance(&mut self, offset: f64, vertical: bool) {
        let (x, y) = if vertical { (0.0, offset) } else { (offset, 0.0) };
        self.text = Matrix::translation(x, y).then(&self.text);
    }
}

/// Keeps a coordinate within what layout can count with.
pub(super) fn sane(coordinate: f64) -> f64 {
    if coordinate.is_finite() { coordinate.clamp(-1e5, 1e5) } else { 0.0 }
}
