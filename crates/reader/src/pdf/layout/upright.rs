//! Vertical writing that is set glyph by glyph: each stands upright, drawn under the one before. Knows no rows.

use super::super::geometry::Point;
use super::super::glyph::Glyph;
use super::fragments::is_cjk;
use std::ops::Range;

/// Distance from one glyph down to the next, in em.
const PITCH: std::ops::RangeInclusive<f64> = 0.8..=1.3;
/// How far, in em, the next may stand to the side.
const MAX_SHIFT: f64 = 0.25;
/// Fewer glyphs under each other are a narrow cell.
const MIN_RUN: usize = 4;

/// Lets glyphs that stand under each other run downwards, if most of the page is written so.
pub(super) fn turn(glyphs: &mut [Glyph]) {
    let written: Vec<usize> = (0..glyphs.len()).filter(|&index| !glyphs[index].text.is_space()).collect();
    let runs = runs(glyphs, &written);
    let upright: usize = runs.iter().map(|run| run.len()).sum();
    if upright * 2 < written.len() || upright == 0 {
        return;
    }
    for &index in runs.into_iter().flat_map(|run| &written[run]) {
        let glyph = &mut glyphs[index];
        let bounds = glyph.bounds();
        let x = f64::from(f32::midpoint(bounds.x0, bounds.x1));
        (glyph.start, glyph.end) =
            (Point { x, y: f64::from(bounds.y0) }, Point { x, y: f64::from(bounds.y1) });
        (glyph.ascent, glyph.descent) = (glyph.size / 2.0, -glyph.size / 2.0);
        glyph.direction = 90;
    }
}

fn runs(glyphs: &[Glyph], written: &[usize]) -> Vec<Range<usize>> {
    let (mut runs, mut start) = (Vec::new(), 0);
    for at in 1..=written.len() {
        let goes_on = at < written.len() && follows(&glyphs[written[at - 1]], &glyphs[written[at]]);
        if !goes_on {
            let east_asian = |&index: &usize| is_upright(glyphs[index].text.first());
            let counted = written[start..at].iter().copied().filter(|index| east_asian(index)).count();
            if at - start >= MIN_RUN && counted * 2 > at - start {
                runs.push(start..at);
            }
            start = at;
        }
    }
    runs
}

/// Says whether a glyph stands right under another of its size.
fn follows(above: &Glyph, below: &Glyph) -> bool {
    let size = f64::from(above.size);
    let middle = |glyph: &Glyph| f64::midpoint(glyph.start.x, glyph.end.x);
    above.direction == 0
        && below.direction == 0
        && (f64::from(below.size) - size).abs() < 0.1 * size
        && (middle(below) - middle(above)).abs() < MAX_SHIFT * size
        && PITCH.contains(&((below.start.y - above.start.y) / size))
}

/// Scripts that are written downwards: Chinese, Japanese, and Korean syllables.
fn is_upright(character: char) -> bool {
    is_cjk(character) || matches!(character, '\u{ac00}'..='\u{d7a3}')
}
