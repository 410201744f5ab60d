//! From a span of the text to boxes on the page. Knows no citations and no pictures.

use crate::parsed::Page;
use crate::parsed::Rect;
use crate::parsed::Span;
use crate::parsed::Word;

/// Words of one line are merged across gaps up to this many times their height.
const MERGE_GAP: f32 = 2.0;

/// Returns the boxes of a span on its page, one for each line, in the order of the text.
///
/// A word that the span covers in part is cut in proportion to its characters. A span outside the page, or on a page
/// without positions, has no boxes.
pub fn rects_for(page: &Page, span: Span) -> Vec<Rect> {
    let first = page.words.partition_point(|word| word.span.end <= span.start);
    let mut rects: Vec<Rect> = Vec::new();
    for word in &page.words[first..] {
        let Some(covered) = word.span.intersection(span) else { break };
        let rect = part_of(word, covered);
        match rects.last_mut().filter(|last| same_line(**last, rect)) {
            Some(last) => *last = last.union(rect),
            None => rects.push(rect),
        }
    }
    rects
}

/// Cuts a word's box to some of its characters, along the direction in which the word runs.
fn part_of(word: &Word, covered: Span) -> Rect {
    let rect = word.rect;
    if covered == word.span {
        return rect;
    }
    let fraction = |at: u32| (at - word.span.start) as f32 / word.span.len() as f32;
    let (from, to) = (fraction(covered.start), fraction(covered.end));
    // Only a vertical run of several characters is much taller than wide.
    if rect.height() > 1.5 * rect.width() {
        Rect { y0: rect.y0 + from * rect.height(), y1: rect.y0 + to * rect.height(), ..rect }
    } else {
        Rect { x0: rect.x0 + from * rect.width(), x1: rect.x0 + to * rect.width(), ..rect }
    }
}

/// Says whether two boxes that follow each other in the text stand beside each other on one line.
fn same_line(left: Rect, right: Rect) -> bool {
    let overlap =
        |a0: f32, a1: f32, b0: f32, b1: f32| (a1.min(b1) - a0.max(b0)) / (a1 - a0).min(b1 - b0).max(0.1);
    let distance = |a0: f32, a1: f32, b0: f32, b1: f32| (b0 - a1).max(a0 - b1);
    let beside = overlap(left.y0, left.y1, right.y0, right.y1) > 0.5
        && distance(left.x0, left.x1, right.x0, right.x1) < MERGE_GAP * left.height().max(right.height());
    let below = overlap(left.x0, left.x1, right.x0, right.x1) > 0.9
        && left.height() > 1.5 * left.width()
        && distance(left.y0, left.y1, right.y0, right.y1) < MERGE_GAP * left.width().max(right.width());
    beside || below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(words: &[(u32, u32, [f32; 4])]) -> Page {
        let words = words
            .iter()
            .map(|&(start, end, [x0, y0, x1, y1])| Word {
                span: Span { start, end },
                rect: Rect { x0, y0, x1, y1 },
            })
            .collect();
        Page {
            number: 1,
            label: None,
            width: 100.0,
            height: 100.0,
            span: Span { start: 0, end: 99 },
            words,
            undecodable: 0,
            running: Vec::new(),
            recognised: None,
            hidden: Vec::new(),
        }
    }

    #[track_caller]
    fn check(page: &Page, start: u32, end: u32, expected: &[[f32; 4]]) {
        let rects: Vec<[f32; 4]> =
            rects_for(page, Span { start, end }).iter().map(|r| [r.x0, r.y0, r.x1, r.y1]).collect();

        assert_eq!(rects, expected);
    }

    #[test]
    fn each_line_has_one_box() {
        let page = page(&[
            (0, 3, [10.0, 10.0, 25.0, 20.0]),
            (4, 8, [28.0, 10.0, 50.0, 20.0]),
            (9, 12, [10.0, 24.0, 25.0, 34.0]),
        ]);

        check(&page, 0, 12, &[[10.0, 10.0, 50.0, 20.0], [10.0, 24.0, 25.0, 34.0]]);
        check(&page, 4, 8, &[[28.0, 10.0, 50.0, 20.0]]);
        check(&page, 3, 4, &[]);
        check(&page, 50, 60, &[]);
    }

    #[test]
    fn a_part_of_a_run_is_placed_by_counting() {
        let horizontal = page(&[(0, 10, [0.0, 0.0, 100.0, 10.0])]);
        let vertical = page(&[(0, 10, [0.0, 0.0, 10.0, 100.0])]);

        check(&horizontal, 2, 5, &[[20.0, 0.0, 50.0, 10.0]]);
        check(&vertical, 2, 5, &[[0.0, 20.0, 10.0, 50.0]]);
    }

    #[test]
    fn columns_are_not_merged() {
        let page = page(&[(0, 3, [10.0, 10.0, 25.0, 20.0]), (4, 8, [70.0, 10.0, 90.0, 20.0])]);

        check(&page, 0, 8, &[[10.0, 10.0, 25.0, 20.0], [70.0, 10.0, 90.0, 20.0]]);
    }
}
