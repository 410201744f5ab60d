//! Text that a reader of the page does not see, set apart from what they do see: it is how instructions to a machine, or
//! words that nobody agreed to, are put into a document. Where it cannot be known, text counts as seen.
//! Knows no operators.

use super::font::Font;
use super::geometry::Point;
use super::glyph::Glyph;
use super::glyph::Look;
use super::glyph::PageGlyphs;
use super::interpret::PageRun;
use super::interpret::Scope;
use super::layout;
use super::paint::Canvas;
use super::paint::Under;
use super::paint::intersection;
use super::state::State;
use crate::merge;
use crate::parsed::HiddenReason;
use crate::parsed::HiddenText;
use crate::parsed::Page;
use crate::parsed::Rect;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use std::collections::BTreeMap;
use std::collections::HashSet;

/// Glyphs whose middle is further than this outside of the page, in points, are not on it.
const PAGE_MARGIN: f64 = 5.0;
/// Smaller text, in points, is no text to a reader; nor is one squeezed to less than the other.
const MIN_SIZE: f64 = 1.0;
const MIN_ADVANCE: f64 = 0.3;
/// A clip may cut so much, in points, before a glyph is gone.
const CLIP_TOLERANCE: f32 = 0.5;
/// Invisible text is the text of pictures if at least this part of it lies over them.
const LAYER_PART: f64 = 0.8;
/// Among so many pictures is looked for the one under a glyph.
const MAX_PICTURES: usize = 256;
/// A glyph drawn before may be the ground of one drawn so many later: a disc under a number.
const SYMBOL_DISTANCE: usize = 64;
/// The same characters stand in squares of this side, in points, if one is the shadow of the other.
const SHADOW: f32 = 3.0;
/// Of a line at least so many glyphs are seen for each one that is cut off, if its end is to be read;
const SEEN_TO_CUT: usize = 4;
/// so few glyphs say nothing by themselves;
const FEW_CUT: usize = 3;
/// and its words stand no further apart, in em.
const LINE_GAP: f64 = 1.5;
/// Fewer characters of a kind in the whole file are worth no warning.
const MIN_WARNED: u32 = 4;
/// Characters kept of each kind of hidden text on a page.
const MAX_KEPT: usize = 2_000;
/// Glyphs of a kind that are put in order for them: any number may stand on one line, and ordering a line takes the square
/// of what stands on it.
const MAX_LAID_OUT: usize = 10_000;

impl<'a> PageRun<'a, '_> {
    /// Says how the glyphs of a string will come out, as far as it is the same for all.
    pub(super) fn look(&self, scope: &Scope<'a>, font: &Font<'_>, height: f64, advance: f64) -> Look {
        let State { mode, ink, .. } = &scope.state;
        let size = MIN_SIZE / self.user_unit;
        let hidden = if scope.is_hidden() {
            Some(HiddenReason::Layer)
        } else if font.draws_itself {
            None
        } else if ink.leaves_no_trace(*mode) {
            Some(HiddenReason::Invisible)
        } else if height < size || advance < size * MIN_ADVANCE {
            Some(HiddenReason::Tiny)
        } else {
            None
        };
        Look {
            order: 0,
            colour: ink.text_colour(*mode).filter(|_| !font.draws_itself),
            hidden,
            only_clips: *mode == 7 && hidden == Some(HiddenReason::Invisible),
            is_artifact: scope.marked.is_artifact(),
        }
    }

    /// Says of one glyph what its place decides.
    pub(super) fn look_at(&mut self, glyph: &mut Glyph, state: &mut State<'a>) {
        if glyph.look.only_clips {
            state.text_clip.get_or_insert(self.placed);
        }
        let bounds = glyph.bounds();
        let middle = middle(bounds);
        let (width, height) = self.size;
        let beyond = |value: f64, end: f64| !(-PAGE_MARGIN..=end + PAGE_MARGIN).contains(&value);
        if glyph.look.hidden.is_none() {
            if beyond(middle.x, width) || beyond(middle.y, height) {
                glyph.look.hidden = Some(HiddenReason::OffPage);
            } else if state.ink.clip.misses(bounds, CLIP_TOLERANCE) {
                glyph.look.hidden = Some(HiddenReason::Clipped);
            }
        }
    }
}

/// Takes the text that is not seen out of the glyphs of a page.
pub(super) fn set_apart(page: &mut PageGlyphs, canvas: &Canvas) {
    // Where a part of the page is missing, the ground may be missing too.
    if page.incomplete.is_none() && !canvas.ground.is_unknown() {
        judge_by_ground(&mut page.glyphs, canvas);
    }
    keep_ends_of_lines(&mut page.glyphs);
    keep_text_of_pictures(&mut page.glyphs, &canvas.pictures);
    let is_hidden = |glyph: &Glyph| glyph.look.hidden.is_some();
    if !page.glyphs.iter().any(is_hidden) {
        return;
    }
    let (hidden, seen): (Vec<Glyph>, Vec<Glyph>) =
        std::mem::take(&mut page.glyphs).into_iter().partition(is_hidden);
    page.hidden = by_reason(hidden, &seen);
    page.glyphs = seen;
}

/// Finds text in the colour of what lies under it, and text that something lies over.
fn judge_by_ground(glyphs: &mut [Glyph], canvas: &Canvas) {
    let mut verdicts: Vec<Option<HiddenReason>> = Vec::with_capacity(glyphs.len());
    for (index, glyph) in glyphs.iter().enumerate() {
        let verdict = if glyph.look.hidden.is_some() {
            None
        } else if glyph.text.is_space() {
            // A space has no colour: it belongs to the word before it.
            verdicts.last().copied().flatten()
        } else {
            let bounds = glyph.bounds();
            let is_lost = glyph.look.colour.is_some_and(|colour| {
                match canvas.ground.under(middle(bounds), glyph.look.order) {
                    Under::Colour(ground) => ground.is_like(colour),
                    Under::Unknown => false,
                }
            });
            let before = &glyphs[index.saturating_sub(SYMBOL_DISTANCE)..index];
            if is_lost && !stands_on_symbol(glyph, bounds, before) {
                Some(HiddenReason::Background)
            } else {
                canvas.ground.covers(&places(bounds), glyph.look.order).then_some(HiddenReason::Covered)
            }
        };
        verdicts.push(verdict);
    }
    for (glyph, verdict) in glyphs.iter_mut().zip(verdicts) {
        glyph.look.hidden = glyph.look.hidden.or(verdict);
    }
}

/// Says whether a glyph of another colour, and no smaller, was drawn under this one.
fn stands_on_symbol(glyph: &Glyph, bounds: Rect, before: &[Glyph]) -> bool {
    let middle = middle(bounds);
    before.iter().any(|other| {
        let differs = match (glyph.look.colour, other.look.colour) {
            (Some(own), Some(ground)) => !own.is_like(ground),
            (None, _) | (_, None) => true,
        };
        if !differs || other.look.hidden.is_some() || other.size < glyph.size {
            return false;
        }
        let Rect { x0, y0, x1, y1 } = other.bounds();
        (f64::from(x0)..=f64::from(x1)).contains(&middle.x)
            && (f64::from(y0)..=f64::from(y1)).contains(&middle.y)
    })
}

/// A line that runs a little over the edge of the page, or of its box, is read to its end.
fn keep_ends_of_lines(glyphs: &mut [Glyph]) {
    let is_cut =
        |glyph: &Glyph| matches!(glyph.look.hidden, Some(HiddenReason::OffPage | HiddenReason::Clipped));
    if !glyphs.iter().any(is_cut) {
        return;
    }
    for line in glyphs.chunk_by_mut(goes_on) {
        let count = |which: &dyn Fn(&Glyph) -> bool| {
            line.iter().filter(|glyph| !glyph.text.is_space() && which(glyph)).count()
        };
        let (cut, seen) = (count(&is_cut), count(&|glyph| glyph.look.hidden.is_none()));
        if cut * SEEN_TO_CUT <= seen || cut <= FEW_CUT && seen > 0 {
            line.iter_mut().filter(|glyph| is_cut(glyph)).for_each(|glyph| glyph.look.hidden = None);
        }
    }
}

/// Says whether a glyph carries on the line of the one drawn before.
fn goes_on(before: &Glyph, after: &Glyph) -> bool {
    let gap = (after.start.x - before.end.x).hypot(after.start.y - before.end.y);
    before.direction == after.direction && gap < LINE_GAP * f64::from(before.size.max(after.size))
}

/// Scans with recognised text are pictures under invisible text: that text is what the page shows.
fn keep_text_of_pictures(glyphs: &mut [Glyph], pictures: &[Rect]) {
    let (mut invisible, mut over_pictures, mut seen) = (0_u64, 0_u64, 0_u64);
    let mut latest = 0;
    for glyph in glyphs.iter().filter(|glyph| !glyph.text.is_space()) {
        match glyph.look.hidden {
            None => seen += 1,
            Some(HiddenReason::Invisible) => {
                invisible += 1;
                over_pictures += u64::from(is_over(glyph, pictures, &mut latest));
            }
            Some(
                HiddenReason::Background
                | HiddenReason::Tiny
                | HiddenReason::OffPage
                | HiddenReason::Clipped
                | HiddenReason::Covered
                | HiddenReason::Layer,
            ) => {}
        }
    }
    if invisible < seen || (over_pictures as f64) < LAYER_PART * invisible as f64 {
        return;
    }
    for glyph in glyphs.iter_mut().filter(|glyph| glyph.look.hidden == Some(HiddenReason::Invisible)) {
        glyph.look.hidden = None;
    }
}

/// Says whether a glyph lies over a picture; `latest` is where one was found before.
fn is_over(glyph: &Glyph, pictures: &[Rect], latest: &mut usize) -> bool {
    let bounds = glyph.bounds();
    let holds = |picture: &Rect| intersection(*picture, bounds).is_some();
    if pictures.get(*latest).is_some_and(holds) {
        return true;
    }
    // One page-sized picture is the usual case, strips of one the other.
    let found = pictures.iter().take(MAX_PICTURES).position(holds);
    *latest = found.unwrap_or(*latest);
    found.is_some()
}

/// Puts hidden text in reading order, one piece for each reason; what is only the shadow of a seen glyph is dropped.
fn by_reason(hidden: Vec<Glyph>, seen: &[Glyph]) -> Vec<HiddenText> {
    let shadow = |glyph: &Glyph, x: i32, y: i32| {
        let square = |at: f64| (at as f32 / SHADOW).round() as i32;
        (glyph.text.first(), square(glyph.start.x) + x, square(glyph.start.y) + y)
    };
    let known: HashSet<(char, i32, i32)> = seen.iter().map(|glyph| shadow(glyph, 0, 0)).collect();
    let has_twin = |glyph: &Glyph| {
        let around = (-1..=1).flat_map(|x| (-1..=1).map(move |y| (x, y)));
        around.into_iter().any(|(x, y)| known.contains(&shadow(glyph, x, y)))
    };
    let mut kinds: BTreeMap<HiddenReason, Vec<Glyph>> = BTreeMap::new();
    for glyph in hidden {
        let reason = glyph.look.hidden.unwrap_or(HiddenReason::Invisible);
        if !matches!(reason, HiddenReason::Background | HiddenReason::Covered) || !has_twin(&glyph) {
            kinds.entry(reason).or_default().push(glyph);
        }
    }
    kinds.into_iter().filter_map(|(reason, glyphs)| piece(reason, glyphs)).collect()
}

fn piece(reason: HiddenReason, mut glyphs: Vec<Glyph>) -> Option<HiddenText> {
    let rest = glyphs.split_off(glyphs.len().min(MAX_LAID_OUT));
    let text = layout::lay_out(glyphs, None).text;
    let laid_out = text.chars().filter(|character| !character.is_whitespace()).count();
    let only_counted = rest.iter().filter(|glyph| !glyph.text.is_space()).map(|glyph| glyph.text.count());
    let characters = u32::try_from(laid_out + only_counted.sum::<usize>()).unwrap_or(u32::MAX);
    let kept = text.chars().take(MAX_KEPT).collect::<String>().trim_end().to_owned();
    (characters > 0).then_some(HiddenText { reason, characters, text: kept })
}

/// Tells of each kind of hidden text on which pages it is.
pub(super) fn warnings(pages: &[Page]) -> Vec<Warning> {
    let mut kinds: BTreeMap<HiddenReason, (Vec<u32>, u32)> = BTreeMap::new();
    for page in pages {
        for HiddenText { reason, characters, .. } in &page.hidden {
            let (numbers, sum) = kinds.entry(*reason).or_default();
            numbers.push(page.number);
            *sum = sum.saturating_add(*characters);
        }
    }
    kinds.retain(|_, (_, characters)| *characters >= MIN_WARNED);
    let warning = |(reason, (numbers, characters)): (HiddenReason, (Vec<u32>, u32))| {
        let detail = format!(
            "{characters} characters on {} that nobody sees are left out: text that {}",
            merge::page_list(&numbers),
            reason.phrase()
        );
        merge::about(&numbers, WarningCode::HiddenText, detail)
    };
    kinds.into_iter().filter_map(warning).collect()
}

fn middle(bounds: Rect) -> Point {
    Point {
        x: f64::from(f32::midpoint(bounds.x0, bounds.x1)),
        y: f64::from(f32::midpoint(bounds.y0, bounds.y1)),
    }
}

/// The middle of a glyph, and four places around it that its strokes do not reach beyond.
fn places(bounds: Rect) -> [Point; 5] {
    let Point { x, y } = middle(bounds);
    let (right, down) = (f64::from(bounds.width()) * 0.3, f64::from(bounds.height()) * 0.3);
    [(0.0, 0.0), (-right, -down), (right, -down), (-right, down), (right, down)]
        .map(|(u, v)| Point { x: x + u, y: y + v })
}
