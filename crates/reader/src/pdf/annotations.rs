//! Text in form fields, free text and stamps, which lies beside the page's content (ISO 32000-1, 12.5.5).
//! Knows no actions and no links.

use super::geometry::Matrix;
use super::interpret::PageRun;
use super::objects;
use super::state::State;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;

/// More than any honest page has.
const MAX_ANNOTATIONS: usize = 5_000;
/// Bits of the flags entry: hidden, and not to be viewed.
const NOT_SHOWN: i64 = 2 | 32;

impl<'a> PageRun<'a, '_> {
    /// Draws the appearances that a page shows.
    pub(super) fn annotations(&mut self, page: &'a Dictionary, state: &State<'a>) {
        let document = self.document();
        let annotations = objects::array(document, page, b"Annots").unwrap_or_default();
        for annotation in annotations.iter().take(MAX_ANNOTATIONS) {
            let annotation = objects::as_dictionary(objects::resolve(document, annotation));
            let Some(annotation) = annotation.filter(|annotation| has_text(document, annotation)) else {
                continue;
            };
            let Some(appearance) = appearance(document, annotation) else { continue };
            let Ok(stream) = objects::resolve(document, appearance).as_stream() else { continue };
            let Some(placement) = placement(document, annotation, &stream.dict) else { continue };
            let state = State::new(placement.then(&state.to_page));
            self.form(stream, appearance.as_reference().ok(), &state, &[], 1);
        }
    }
}

fn has_text(document: &Document, annotation: &Dictionary) -> bool {
    let flags = objects::number(document, annotation, b"F").unwrap_or(0.0) as i64;
    let kind = objects::name(document, annotation, b"Subtype");
    flags & NOT_SHOWN == 0 && matches!(kind, Some(b"Widget" | b"FreeText" | b"Stamp"))
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
