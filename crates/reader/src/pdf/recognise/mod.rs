//! Text of pages in their pictures: `hayro` paints a page, [`crate::ocr`] reads it, [`layout`] puts it in order.
//!
//! Recognised characters are laid out as glyphs are, on the page turned upright with its lines level; their boxes then
//! go back to the page as shown. Knows no models.

use super::font::Characters;
use super::geometry::Point;
use super::glyph::Glyph;
use super::glyph::Look;
use super::layout;
use super::render;
use crate::error::ReadError;
use crate::ocr;
use crate::ocr::Direction;
use crate::ocr::Line;
use crate::ocr::OcrModels;
use crate::ocr::Picture;
use crate::ocr::Posture;
use crate::ocr::Reading;
use crate::options::RecogniseRequest;
use crate::parsed::Recognised;
use crate::parsed::RecognisedPage;
use crate::parsed::Rect;
use crate::parsed::Span;
use crate::parsed::Word;

/// Pages are painted at this many dots an inch,
const DOTS_PER_INCH: f32 = 200.0;
/// with no more pixels than this,
const MAX_PIXELS: f32 = 8_000_000.0;
/// and no longer than this.
const MAX_SIDE: f32 = 8_000.0;
/// A line's box is this many times higher than its em.
const BOX_TO_EM: f32 = 1.25;
/// Heights of boxes differ with the letters in them: sizes are rounded to steps of this ratio from the usual one.
const SIZE_STEP: f32 = 1.5;
/// The baseline lies so far below the middle of a line, in em.
const BASELINE: f32 = 0.35;
/// The box of a leaning word is at most higher by this part of the word's height.
const MAX_LEAN: f32 = 0.5;
/// From here on most characters are of scripts without spaces between words.
const FIRST_EAST_ASIAN: char = '\u{2e80}';

/// Recognises the text of pages.
pub(crate) fn recognise(
    bytes: &[u8],
    request: &RecogniseRequest,
    models: &OcrModels,
) -> Result<Vec<RecognisedPage>, ReadError> {
    let pdf = render::open(bytes, request.password.as_deref())?;
    let recognise = |&number: &u32| {
        let page = render::page(&pdf, number)?;
        let (width, height) = page.render_dimensions();
        let scale = scale(width, height);
        let render::Image { width, height, pixels } = render::paint(page, scale);
        let reading = ocr::read(models, Picture { width, height, pixels })
            .map_err(|error| ReadError::RecognitionFailed { detail: error.to_string() })?;
        Ok(assemble(number, &reading, scale))
    };
    request.pages.iter().map(recognise).collect()
}

/// Returns how many pixels a point is painted with.
fn scale(width: f32, height: f32) -> f32 {
    let by_area = (MAX_PIXELS / (width * height).max(1.0)).sqrt();
    let by_side = MAX_SIDE / width.max(height).max(1.0);
    (DOTS_PER_INCH / 72.0).min(by_area).min(by_side)
}

/// Puts what was read in a picture of `scale` pixels a point in reading order.
fn assemble(number: u32, reading: &Reading, scale: f32) -> RecognisedPage {
    let Reading { lines, posture } = reading;
    let usual = usual_height(lines);
    let mut placed: Vec<(&Line, (f32, f32))> =
        lines.iter().map(|line| (line, posture.levelled(line.place.x, line.place.y))).collect();
    placed.sort_by(|(_, a), (_, b)| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
    let glyphs = placed.iter().flat_map(|(line, middle)| glyphs(line, *middle, usual, scale)).collect();
    let text = layout::lay_out(glyphs, None);
    let mut characters = text.text.chars().enumerate();
    let mut begins_east_asian = |word: &Word| {
        let first = characters.find(|(index, _)| *index == word.span.start as usize);
        first.is_some_and(|(_, character)| character >= FIRST_EAST_ASIAN)
    };
    let words = text.words.iter().flat_map(|word| {
        let runs_on = begins_east_asian(word);
        on_page(*word, runs_on, posture, scale)
    });
    let words = words.collect();
    let quarter_turns = posture.quarter_turns;
    let skew_degrees = posture.skew.to_degrees();
    let recognised = Recognised { confidence: confidence(lines), quarter_turns, skew_degrees };
    RecognisedPage { number, text: text.text, words, recognised }
}

/// Returns the mean probability of all characters.
fn confidence(lines: &[Line]) -> f32 {
    let characters = || lines.iter().flat_map(|line| &line.characters);
    let sum: f32 = characters().map(|character| character.probability).sum();
    sum / characters().count().max(1) as f32
}

/// Returns the median height of lines, weighted by their characters.
fn usual_height(lines: &[Line]) -> f32 {
    let mut heights: Vec<(f32, usize)> =
        lines.iter().map(|line| (line.place.height, line.characters.len())).collect();
    heights.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: usize = heights.iter().map(|(_, count)| count).sum();
    let mut passed = 0;
    let median = heights.iter().find(|(_, count)| {
        passed += count;
        passed * 2 >= total
    });
    median.map_or(1.0, |(height, _)| *height)
}

/// Turns a line into glyphs of the levelled page, in points.
fn glyphs(line: &Line, (x, y): (f32, f32), usual_height: f32, scale: f32) -> Vec<Glyph> {
    let steps = (line.place.height / usual_height).max(1e-3).ln() / SIZE_STEP.ln();
    let size = usual_height * SIZE_STEP.powf(steps.round()) / BOX_TO_EM / scale;
    let (height, below) = (line.place.height / scale, BASELINE * size);
    let (degrees, (along, across)) = match line.direction {
        Direction::Level => (0, ((1.0, 0.0), (0.0, 1.0))),
        Direction::Down => (90, ((0.0, 1.0), (-1.0, 0.0))),
        Direction::Up => (270, ((0.0, -1.0), (1.0, 0.0))),
    };
    let at = |pixels: f32| {
        let from_middle = (pixels - line.place.width / 2.0) / scale;
        Point {
            x: f64::from(x / scale + from_middle * along.0 + below * across.0),
            y: f64::from(y / scale + from_middle * along.1 + below * across.1),
        }
    };
    line.characters
        .iter()
        .map(|character| Glyph {
            text: Characters::of(character.read),
            start: at(character.from),
            end: at(character.to),
            size,
            ascent: height / 2.0 + below,
            descent: below - height / 2.0,
            direction: degrees,
            bold: false,
            look: Look::default(),
        })
        .collect()
}

/// Returns a word with its box on the page as shown.
///
/// A part of a word is placed by counting its characters rightwards or downwards. Where text runs otherwise, a run of
/// text without spaces becomes a word for each character; where it leans, words are cut so short that their boxes do not
/// reach into other lines.
fn on_page(word: Word, runs_on: bool, posture: &Posture, scale: f32) -> Vec<Word> {
    let characters = word.span.len().max(1);
    let (width, height) = (word.rect.width(), word.rect.height());
    let backwards = runs_on && matches!(posture.quarter_turns, 1 | 2);
    let longest = MAX_LEAN * height / posture.skew.sin().abs().max(1e-6);
    let parts =
        if backwards { characters } else { (width / longest).ceil().clamp(1.0, characters as f32) as u32 };
    let pixels = |points: f32| points * scale;
    (0..parts)
        .map(|part| {
            let (from, to) = (characters * part / parts, characters * (part + 1) / parts);
            let edge = |at: u32| pixels(word.rect.x0 + width * at as f32 / characters as f32);
            let level =
                Rect { x0: edge(from), y0: pixels(word.rect.y0), x1: edge(to), y1: pixels(word.rect.y1) };
            let Rect { x0, y0, x1, y1 } = posture.as_it_lay(level);
            let points = |pixels: f32| (pixels / scale * 100.0).round() / 100.0;
            Word {
                span: Span { start: word.span.start + from, end: word.span.start + to },
                rect: Rect { x0: points(x0), y0: points(y0), x1: points(x1), y1: points(y1) },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
