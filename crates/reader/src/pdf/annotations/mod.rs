//! Text that lies beside the page's content: form fields, free text, stamps and comments (ISO 32000-1, 12.5 and 12.7).
//! Knows no actions and no links.

mod comments;
mod fields;
mod typeset;

pub(super) use comments::Comment;
pub(super) use comments::append;

use super::geometry::Matrix;
use super::geometry::Point;
use super::interpret::PageRun;
use super::interpret::sane;
use super::objects;
use super::state::State;
use super::strings;
use crate::parsed::Rect;
use fields::Field;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;

/// More than any honest page has.
const MAX_ANNOTATIONS: usize = 5_000;
/// Bits of the flags entry: hidden, and not to be viewed.
const NOT_SHOWN: i64 = 2 | 32;

impl<'a> PageRun<'a, '_> {
    /// Reads what a page's annotations show, and what they say.
    pub(super) fn annotations(&mut self, page: &'a Dictionary, state: &State<'a>) {
        let document = self.document();
        let annotations = objects::array(document, page, b"Annots").unwrap_or_default();
        for annotation in annotations.iter().take(MAX_ANNOTATIONS) {
            let annotation = objects::as_dictionary(objects::resolve(document, annotation));
            let Some(annotation) = annotation.filter(|annotation| self.is_shown(annotation)) else {
                continue;
            };
            match objects::name(document, annotation, b"Subtype") {
                Some(b"Widget") => self.widget(annotation, state),
                Some(b"FreeText") => {
                    if !self.appearance(annotation, state) {
                        self.typeset(
                            &text(document, annotation, b"Contents"),
                            place(document, annotation, state),
                            true,
                        );
                    }
                }
                Some(b"Stamp") => {
                    self.appearance(annotation, state);
                }
                Some(kind) => self.comment(kind, annotation, state),
                None => {}
            }
        }
    }

    fn is_shown(&self, annotation: &Dictionary) -> bool {
        let flags = objects::number(self.document(), annotation, b"F").unwrap_or(0.0) as i64;
        flags & NOT_SHOWN == 0 && !self.is_in_hidden_layer(annotation)
    }

    /// Reads a form field where it stands on the page.
    fn widget(&mut self, annotation: &'a Dictionary, state: &State<'a>) {
        let field = Field::new(self.document(), annotation);
        let place = place(self.document(), annotation, state);
        if let Some(sign) = field.mark() {
            let label = place.filter(|place| self.is_alone(*place)).and_then(|_| field.label());
            let text = label.map_or_else(|| sign.to_owned(), |label| format!("{sign} {label}"));
            return self.typeset(&text, place, false);
        }
        self.canvas.is_field = true;
        let drawn = self.appearance(annotation, state);
        self.canvas.is_field = false;
        if drawn {
            return;
        }
        let Some(value) = field.value() else { return };
        let label =
            place.filter(|place| !field.names_itself() && self.is_alone(*place)).and_then(|_| field.label());
        let text = label.map_or_else(|| value.clone(), |label| format!("{label}: {value}"));
        self.typeset(&text, place, !field.names_itself());
    }

    /// Draws the appearance that an annotation has; says whether it holds text.
    fn appearance(&mut self, annotation: &'a Dictionary, state: &State<'a>) -> bool {
        let document = self.document();
        let Some(appearance) = appearance(document, annotation) else { return false };
        let Ok(stream) = objects::resolve(document, appearance).as_stream() else { return false };
        let Some(placement) = placement(document, annotation, &stream.dict) else { return false };
        let before = self.result.glyphs.len();
        let state = State::new(placement.then(&state.to_page));
        self.form(stream, appearance.as_reference().ok(), state, &[], 1);
        self.result.glyphs[before.min(self.result.glyphs.len())..].iter().any(|glyph| !glyph.text.is_space())
    }
}

/// Returns an entry that is text, on as many lines as it has.
fn text(document: &Document, dictionary: &Dictionary, key: &[u8]) -> String {
    match objects::entry(document, dictionary, key) {
        Some(Object::Stream(stream)) => {
            strings::text_string(&objects::unpack(stream, typeset::MAX_CHARACTERS * 4).unwrap_or_default())
        }
        Some(other) => other.as_str().map(strings::text_string).unwrap_or_default(),
        None => String::new(),
    }
}

/// Returns where an annotation lies on the page as shown.
fn place(document: &Document, annotation: &Dictionary, state: &State<'_>) -> Option<Rect> {
    let [left, bottom, right, top] = objects::numbers::<4>(document, annotation, b"Rect")?;
    let at = |x: f64, y: f64| {
        let Point { x, y } = state.to_page.apply(x, y);
        (sane(x) as f32, sane(y) as f32)
    };
    let ((xa, ya), (xb, yb)) = (at(left, bottom), at(right, top));
    Some(Rect { x0: xa.min(xb), y0: ya.min(yb), x1: xa.max(xb), y1: ya.max(yb) })
}

/// Finds the normal appearance, of the current state where there are several.
fn appearance<'a>(document: &'a Document, annotation: &'a Dictionary) -> Option<&'a Object> {
    let normal = objects::dictionary(document, annotation, b"AP")?.get(b"N").ok()?;
    if objects::resolve(document, normal).as_stream().is_ok() {
        return Some(normal);
    }
    let states = objects::resolve(document, normal).as_dict().ok()?;
    states.get(objects::name(document, annotation, b"AS")?).ok()
}

/// Works out the map that fits the appearance's box, after its own matrix, into the annotation's rectangle
/// (ISO 32000-1, algorithm 8.1).
fn placement(document: &Document, annotation: &Dictionary, form: &Dictionary) -> Option<Matrix> {
    let [left, bottom, right, top] = objects::numbers::<4>(document, annotation, b"Rect")?;
    let bounds = objects::numbers::<4>(document, form, b"BBox")?;
    let own = objects::numbers::<6>(document, form, b"Matrix").map_or(Matrix::IDENTITY, Matrix::new);
    let corners = [(0, 1), (2, 1), (2, 3), (0, 3)].map(|(x, y)| own.apply(bounds[x], bounds[y]));
    let (mut low, mut high) = (corners[0], corners[0]);
    for corner in corners {
        (low.x, low.y) = (low.x.min(corner.x), low.y.min(corner.y));
        (high.x, high.y) = (high.x.max(corner.x), high.y.max(corner.y));
    }
    let ratio = |target: f64, source: f64| if source > 1e-6 { target / source } else { 1.0 };
    let (x_scale, y_scale) =
        (ratio((right - left).abs(), high.x - low.x), ratio((top - bottom).abs(), high.y - low.y));
    Some(Matrix::new([
        x_scale,
        0.0,
        0.0,
        y_scale,
        left.min(right) - low.x * x_scale,
        bottom.min(top) - low.y * y_scale,
    ]))
}
