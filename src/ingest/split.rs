//! Where a text is cut into passages: along headings, at paragraphs and sentences, within a size in tokens, without
//! losing a character. Knows no page and no document.
//!
//! ```text
//! text     ├──────────────────────────────────────────────────────┤
//! groups   ├── § 1 ───────────┤├── § 2, § 3 (short) ─┤├── § 4 ────┤   whole sections; short ones go together
//! blocks   ├──────────┤├─────┤├─────────────────────┤├───────────┤   of bounded length: splitting is quadratic
//! cuts     ├───┤├───┤├┤├─────┤├─────────┤├──────────┤├────┤├─────┤   by `text-splitter`, of even size
//! ```

use crate::ingest::token_weights::TokenWeights;
use std::ops::Range;
use text_splitter::ChunkCapacity;
use text_splitter::ChunkConfig;
use text_splitter::ChunkSizer;
use text_splitter::MarkdownSplitter;
use text_splitter::TextSplitter;
use tokio_util::sync::CancellationToken;

/// Longest text that is split in one go, in bytes.
const BLOCK: usize = 64 << 10;
/// White space up to so many bytes goes with the passage beside it; more holds nothing to find and is left out.
const MAX_BLANK: usize = 1_000;
/// What cutting a stretch out of its line may add to its tokens.
const EDGE_TOKENS: usize = 16;

/// A place where a cut is welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// In bytes.
    pub(super) at: usize,
    /// Of the heading that stands here; [`Mark::PAUSE`] where only a page ends.
    pub(super) level: u8,
}

impl Mark {
    /// A place to cut that begins nothing.
    pub(super) const PAUSE: u8 = u8::MAX;
}

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Lines that may be broken anywhere, as on a page.
    Lines,
    /// Markdown.
    Markdown,
}

/// Sizes in tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// A passage is not longer than this, give or take a word.
    pub(super) wanted: usize,
    /// A passage is never longer than this.
    pub(super) most: usize,
}

/// Cuts a text: ranges of bytes in order, each with something in it, that cover all but long white space. None when
/// `over` was cancelled meanwhile.
pub(super) fn split(
    text: &str,
    shape: Shape,
    marks: &[Mark],
    sizes: Sizes,
    count_tokens: &dyn Fn(&str) -> usize,
    over: &CancellationToken,
) -> Option<Vec<Range<usize>>> {
    let weights = TokenWeights::new(text, |piece| if over.is_cancelled() { 0 } else { count_tokens(piece) });
    let flowing = match shape {
        Shape::Lines => flow(text),
        Shape::Markdown => text.to_owned(),
    };
    let mut cuts = Vec::new();
    for group in groups(text.len(), marks, &weights, sizes.wanted) {
        for block in blocks(text, group) {
            if over.is_cancelled() {
                return None;
            }
            cut(&flowing, shape, block, sizes.wanted, &weights, &mut cuts);
        }
    }
    let mut short = Vec::with_capacity(cuts.len());
    for range in cuts {
        shorten(text, range, sizes.most, &weights, count_tokens, &mut short);
    }
    Some(without_blanks(text, short))
}

/// Whole sections; one under a quarter of the wanted size goes with what follows, unless a higher heading does.
fn groups(length: usize, marks: &[Mark], weights: &TokenWeights, wanted: usize) -> Vec<Range<usize>> {
    let (few, very_few) = (wanted / 4, wanted / 8);
    let mut groups = Vec::new();
    let (mut start, mut level) = (0, Mark::PAUSE);
    for mark in marks.iter().filter(|mark| mark.at < length) {
        let size = weights.between(&(start..mark.at));
        if mark.at > start && (size >= few || (mark.level < level && size >= very_few)) {
            groups.push(start..mark.at);
            start = mark.at;
        }
        // The section that was begun last counts: a chapter does not join the end of the chapter before.
        level = if mark.level == Mark::PAUSE { level } else { mark.level };
    }
    if start < length {
        groups.push(start..length);
    }
    groups
}

/// Parts of bounded length, cut at the end of a paragraph, a line or a word.
fn blocks(text: &str, group: Range<usize>) -> Vec<Range<usize>> {
    let (mut blocks, mut start) = (Vec::new(), group.start);
    while group.end - start > BLOCK {
        let half = text.floor_char_boundary(start + BLOCK / 2);
        let window = &text[half..text.floor_char_boundary(start + BLOCK)];
        let ends = [window.rfind("\n\n").map(|at| at + 2), window.rfind('\n').map(|at| at + 1)];
        let word =
            window.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
        let end = half + ends.into_iter().flatten().next().or(word).unwrap_or(window.len());
        blocks.push(start..end);
        start = end;
    }
    blocks.push(start..group.end);
    blocks
}

/// Counts by sums: a stretch is recognised by where it lies in the text that is split.
struct Sizer<'a> {
    text: &'a str,
    offset: usize,
    weights: &'a TokenWeights,
}

impl ChunkSizer for Sizer<'_> {
    fn size(&self, chunk: &str) -> usize {
        let start = chunk.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let start = start.filter(|start| start + chunk.len() <= self.text.len());
        let start = self.offset + start.expect("a splitter sizes parts of its text");
        self.weights.between(&(start..start + chunk.len()))
    }
}

/// Cuts a block into passages of about the same size: three of 230 tokens rather than two of 320 and a rest.
fn cut(
    text: &str,
    shape: Shape,
    block: Range<usize>,
    wanted: usize,
    weights: &TokenWeights,
    cuts: &mut Vec<Range<usize>>,
) {
    let size = weights.between(&block);
    let even = size.div_ceil(size.div_ceil(wanted).max(1));
    if size <= wanted {
        cuts.push(block);
        return;
    }
    let part = &text[block.clone()];
    let sizer = Sizer { text: part, offset: block.start, weights };
    let capacity =
        ChunkCapacity::new(even).with_max(wanted).expect("an even share is at most the whole share");
    let config = ChunkConfig::new(capacity).with_sizer(sizer).with_trim(false);
    let starts: Vec<usize> = match shape {
        Shape::Lines => TextSplitter::new(config).chunk_indices(part).map(|(at, _)| at).collect(),
        Shape::Markdown => MarkdownSplitter::new(config).chunk_indices(part).map(|(at, _)| at).collect(),
    };
    // Only where passages begin is taken from the splitter, so that nothing between two of them can be lost.
    let begins = std::iter::once(0).chain(starts.into_iter().filter(|&at| at > 0));
    let begins: Vec<usize> = begins.chain([part.len()]).map(|at| block.start + at).collect();
    cuts.extend(begins.windows(2).map(|pair| pair[0]..pair[1]));
}

/// Halves what is longer than the model takes, until it is not.
fn shorten(
    text: &str,
    range: Range<usize>,
    most: usize,
    weights: &TokenWeights,
    count_tokens: &dyn Fn(&str) -> usize,
    short: &mut Vec<Range<usize>>,
) {
    let mut left = vec![range];
    while let Some(range) = left.pop() {
        let stretch = &text[range.clone()];
        let surely_short = weights.touching(&range) + EDGE_TOKENS <= most;
        let middle = range.start + middle(stretch);
        if surely_short
            || count_tokens(stretch.trim()) <= most
            || middle == range.start
            || middle == range.end
        {
            short.push(range);
        } else {
            left.push(middle..range.end);
            left.push(range.start..middle);
        }
    }
}

/// A place near the middle, after white space or a mark if there is one in the middle half.
fn middle(text: &str) -> usize {
    let (quarter, half) = (text.floor_char_boundary(text.len() / 4), text.ceil_char_boundary(text.len() / 2));
    let pause = |(_, c): &(usize, char)| c.is_whitespace() || matches!(c, '。' | '，' | '；' | '、' | '：');
    let found = text[quarter..half].char_indices().rev().find(pause);
    found.map_or(half, |(at, c)| quarter + at + c.len_utf8())
}

/// White space alone is no passage: it goes with the one before it, at the start with the one after.
fn without_blanks(text: &str, ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut kept: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    let mut pending: Option<usize> = None;
    for range in ranges {
        let blank = text[range.clone()].trim().is_empty();
        match kept.last_mut().filter(|last| last.end == range.start) {
            _ if blank && range.len() > MAX_BLANK => pending = None,
            Some(last) if blank => last.end = range.end,
            None if blank => pending = pending.or(Some(range.start)),
            _ => kept.push(pending.take().unwrap_or(range.start)..range.end),
        }
    }
    kept
}

/// The text with the line breaks inside of sentences as spaces, byte for byte as long: in text from a page a line ends
/// where the paper does, and a splitter takes a line's end for a better place to cut than a sentence's.
fn flow(text: &str) -> String {
    let widths: Vec<usize> = text.lines().map(width).filter(|&width| width > 0).collect();
    let full = full_line(widths);
    let mut flowing = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let body = line.trim_end_matches(['\n', '\r']);
        let goes_on = width(body) >= full && !ends_sentence(body);
        flowing.push_str(body);
        if goes_on && lines.peek().is_some_and(|next| continues(next)) {
            flowing.extend(std::iter::repeat_n(' ', line.len() - body.len()));
        } else {
            flowing.push_str(&line[body.len()..]);
        }
    }
    flowing
}

/// From this width on a line counts as filled: 70 % of the width that one line in five reaches.
fn full_line(mut widths: Vec<usize>) -> usize {
    let fifth = widths.len() * 4 / 5;
    if widths.is_empty() {
        return usize::MAX;
    }
    let (_, wide, _) = widths.select_nth_unstable(fifth);
    if *wide < 20 { usize::MAX } else { *wide * 7 / 10 }
}

/// Columns of a line: Chinese characters are twice as wide.
fn width(line: &str) -> usize {
    line.trim().chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum()
}

/// Says whether a line may be the rest of a sentence: not blank, no list item, no clause.
fn continues(line: &str) -> bool {
    let mut characters = line.trim_start().chars();
    match characters.next() {
        None
        | Some('第' | '-' | '–' | '•' | '·' | '●' | '■' | '*' | '#' | '|' | '(' | '（' | '[' | '【' | '§') => {
            false
        }
        Some(c) if c.is_numeric() => false,
        Some('一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十') => {
            !matches!(characters.next(), Some('、' | '．' | '.'))
        }
        Some(_) => true,
    }
}

/// Says whether a stretch ends like a sentence, closing quotes and brackets aside.
pub(super) fn ends_sentence(text: &str) -> bool {
    let text =
        text.trim_end().trim_end_matches(['"', '\'', '”', '’', '」', '』', ')', '）', ']', '】', '》']);
    text.is_empty() || text.ends_with(['.', '。', '!', '！', '?', '？', ';', '；', ':', '：', '…'])
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
