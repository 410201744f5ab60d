//! Running heads and feet: lines at a page's edge that come again on the pages around it, or that the file calls such.
//! The first of each stays in the text, so that nothing is lost; the others are set apart, or they would cut every sentence
//! that runs over a page and stand in every passage. Knows no glyph.

use super::layout::PageText;
use crate::parsed::Span;
use crate::parsed::Word;
use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::Range;

/// The part of a page's height, at its top and at its bottom, in which running lines stand.
const EDGE: f32 = 0.09;
/// How far, of the page's height, a running line may move from page to page.
const DRIFT: f32 = 0.02;
/// A line that comes so often is a running line,
const MIN_PAGES: usize = 3;
/// if it is never missing on more pages than this: left and right pages have their own.
const MAX_GAP: usize = 2;
/// Shortest and longest running line without a number; a Chinese character counts as two.
const MIN_COLUMNS: usize = 4;
const MAX_COLUMNS: usize = 240;

/// Takes running lines out of the pages, all but the first of each; gives them page by page. `heights` are in points.
pub(super) fn set_apart(pages: &mut [PageText], heights: &[f32]) -> Vec<Vec<String>> {
    let mut seen: HashMap<(Edge, String), Vec<Seen>> = HashMap::new();
    for (page, (text, height)) in pages.iter().zip(heights).enumerate() {
        for line in edge_lines(text, *height) {
            let place = Seen { page, at: line.at, range: line.range };
            seen.entry((line.edge, line.key)).or_default().push(place);
        }
    }
    let mut repeated: Vec<Vec<Range<u32>>> = vec![Vec::new(); pages.len()];
    let mut named: HashSet<String> = HashSet::new();
    for (text, lines) in pages.iter().zip(&mut repeated) {
        for (line, range) in artifact_lines(text) {
            if !named.insert(key(&line)) {
                lines.push(range);
            }
        }
    }
    for places in seen.values() {
        for run in runs(places) {
            for place in run.iter().skip(1) {
                repeated[place.page].push(place.range.clone());
            }
        }
    }
    pages.iter_mut().zip(repeated).map(|(page, lines)| take_out(page, lines)).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Edge {
    Top,
    Bottom,
}

/// A line at an edge.
struct Line {
    edge: Edge,
    /// Its text with page numbers as `#`.
    key: String,
    /// Its height on the page, 0 to 1.
    at: f32,
    range: Range<u32>,
}

struct Seen {
    page: usize,
    at: f32,
    range: Range<u32>,
}

/// Stretches of pages on which a line comes again at about the same height; each page counts once.
fn runs(places: &[Seen]) -> Vec<Vec<&Seen>> {
    let mut runs: Vec<Vec<&Seen>> = Vec::new();
    for place in places {
        let goes_on = runs.last_mut().filter(|run| {
            run.last().is_some_and(|last| {
                let pages = place.page - last.page;
                (1..=MAX_GAP).contains(&pages) && (place.at - last.at).abs() <= DRIFT
            })
        });
        match goes_on {
            Some(run) => run.push(place),
            None => runs.push(vec![place]),
        }
    }
    runs.retain(|run| run.len() >= MIN_PAGES);
    runs
}

/// Lines of which every word is furniture of the page, as the file says.
fn artifact_lines(page: &PageText) -> Vec<(String, Range<u32>)> {
    if !page.artifacts.contains(&true) {
        return Vec::new();
    }
    let (mut lines, mut start, mut next) = (Vec::new(), 0, 0);
    for text in page.text.split('\n') {
        let end = start + text.chars().count() as u32;
        let own = page.words[next..].iter().take_while(|word| word.span.start < end).count();
        let flags = page.artifacts.get(next..next + own).unwrap_or_default();
        if own > 0 && flags.len() == own && flags.iter().all(|is_artifact| *is_artifact) {
            lines.push((text.to_owned(), start..end));
        }
        (next, start) = (next + own, end + 1);
    }
    lines
}

fn edge_lines(page: &PageText, height: f32) -> Vec<Line> {
    let (mut lines, mut start, mut words) = (Vec::new(), 0, page.words.iter().peekable());
    for text in page.text.split('\n') {
        let end = start + text.chars().count() as u32;
        let mut own: Vec<&Word> = Vec::new();
        while let Some(word) = words.next_if(|word| word.span.start < end) {
            own.push(word);
        }
        let top = own.iter().map(|word| word.rect.y0).fold(f32::INFINITY, f32::min);
        let bottom = own.iter().map(|word| word.rect.y1).fold(f32::NEG_INFINITY, f32::max);
        let edge = match (bottom <= EDGE * height, top >= (1.0 - EDGE) * height) {
            (true, false) => Some(Edge::Top),
            (false, true) => Some(Edge::Bottom),
            // In both stand no words at all, or all of a page without height.
            (true, true) | (false, false) => None,
        };
        let edge = edge.filter(|_| !is_row_of_body(page, start, height));
        if let Some((edge, key)) = edge.map(|edge| (edge, key(text))).filter(|(_, key)| may_run(key, text)) {
            lines.push(Line { edge, key, at: top / height, range: start..end });
        }
        start = end + 1;
    }
    lines
}

/// Says whether a line is the row of a table that reaches beyond the edge: the rows below need it.
fn is_row_of_body(page: &PageText, start: u32, height: f32) -> bool {
    let table = page.tables.iter().find(|table| table.rows.iter().any(|row| row.start == start));
    table.is_some_and(|table| table.rect.y1 > EDGE * height && table.rect.y0 < (1.0 - EDGE) * height)
}

/// A few letters are the end of a sentence, and what has three cells is the head of a table, which its rows need.
fn may_run(key: &str, line: &str) -> bool {
    let columns: usize = key.chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum();
    let long = columns >= MIN_COLUMNS || key.contains('#');
    long && columns <= MAX_COLUMNS && line.matches('\t').count() < 2
}

/// The line with page numbers as `#`: a number that changes means something else unless nothing but a word for a page
/// stands beside it in its cell. `Invoice No. 1001` and `Schedule 2` are facts.
fn key(line: &str) -> String {
    let cells = line.split(['\t', '|']).map(|cell| {
        let words = cell.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_page_number(&words) { "#".to_owned() } else { words }
    });
    cells.collect::<Vec<_>>().join("\t")
}

/// `12`, `- 12 -`, `iv`, `Page 3 of 10`, `第 3 页 共 10 页`.
fn is_page_number(cell: &str) -> bool {
    const WORDS: &[&str] =
        &["", "page", "pageof", "p", "pp", "of", "seite", "seitevon", "第页", "第页共页", "共页第页", "页"];
    let bare = cell.trim_matches(|c: char| !c.is_alphanumeric());
    let roman = !bare.is_empty() && bare.len() <= 8 && bare.chars().all(|c| "ivxlcIVXLC".contains(c));
    let letters: String = cell.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    roman || (cell.chars().any(char::is_numeric) && WORDS.contains(&letters.as_str()))
}

/// Takes lines out of a page's text with their breaks; gives them in order.
fn take_out(page: &mut PageText, mut lines: Vec<Range<u32>>) -> Vec<String> {
    if lines.is_empty() {
        return Vec::new();
    }
    lines.sort_by_key(|line| line.start);
    lines.dedup();
    let characters: Vec<char> = page.text.chars().collect();
    let mut taken = vec![false; characters.len()];
    let mut texts = Vec::with_capacity(lines.len());
    for line in &lines {
        let (from, past) = (line.start as usize, line.end as usize);
        texts.push(characters[from..past].iter().collect());
        let breaks = characters[past..].iter().take_while(|c| **c == '\n').count();
        taken[from..past + breaks].fill(true);
    }
    let mut left: Vec<u32> = Vec::with_capacity(characters.len() + 1);
    let mut text = String::with_capacity(page.text.len());
    let mut count = 0;
    for (character, taken) in characters.iter().zip(&taken) {
        left.push(count);
        if !taken {
            text.push(*character);
            count += 1;
        }
    }
    left.push(count);
    page.words.retain(|word| !taken[word.span.start as usize]);
    for word in &mut page.words {
        word.span.start = left[word.span.start as usize];
        word.span.end = left[word.span.end as usize];
    }
    for table in &mut page.tables {
        let before = table.rows.len();
        table.rows.retain(|row| !taken[row.start as usize]);
        table.header_rows = table.header_rows.saturating_sub((before - table.rows.len()) as u32);
        for row in &mut table.rows {
            *row = Span { start: left[row.start as usize], end: left[row.end as usize] };
        }
    }
    page.tables.retain(|table| !table.rows.is_empty());
    page.artifacts.clear();
    let kept = text.trim_end().chars().count() as u32;
    text.truncate(text.trim_end().len());
    (page.text, page.characters) = (text, kept);
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::Rect;

    /// Lines 20 points apart down a page of 800, each a word.
    fn page(lines: &[(&str, f32)]) -> PageText {
        let mut page = PageText::default();
        for (line, y0) in lines {
            if !page.text.is_empty() {
                page.text.push('\n');
                page.characters += 1;
            }
            let start = page.characters;
            page.text.push_str(line);
            page.characters += line.chars().count() as u32;
            let rect = Rect { x0: 50.0, y0: *y0, x1: 500.0, y1: y0 + 10.0 };
            page.words.push(Word { span: Span { start, end: page.characters }, rect });
        }
        page
    }

    #[test]
    fn all_but_the_first_of_a_running_line_are_set_apart() {
        let mut pages: Vec<PageText> = (1..=5)
            .map(|number| {
                let foot = format!("第{number}页");
                page(&[("租赁合同", 30.0), (&format!("正文{number}"), 400.0), (&foot, 780.0)])
            })
            .collect();

        let apart = set_apart(&mut pages, &[800.0; 5]);

        assert_eq!(pages[0].text, "租赁合同\n正文1\n第1页");
        assert_eq!(pages[3].text, "正文4");
        assert_eq!((pages[3].words.len(), pages[3].words[0].span), (1, Span { start: 0, end: 3 }));
        assert_eq!(apart[0], Vec::<String>::new());
        assert_eq!(apart[3], ["租赁合同", "第4页"]);
    }

    #[test]
    fn left_and_right_pages_have_their_own() {
        let mut pages: Vec<PageText> = (0..6)
            .map(|number| page(&[(if number % 2 == 0 { "Lease" } else { "Aurora" }, 30.0), ("body", 400.0)]))
            .collect();

        set_apart(&mut pages, &[800.0; 6]);

        let texts: Vec<&str> = pages.iter().map(|page| page.text.as_str()).collect();
        assert_eq!(texts, ["Lease\nbody", "Aurora\nbody", "body", "body", "body", "body"]);
    }

    #[test]
    fn numbers_that_say_something_stay() {
        for heads in [
            ["Schedule 1", "Schedule 2", "Schedule 3"],
            ["Invoice No. 1001", "Invoice No. 1002", "Invoice No. 1003"],
        ] {
            let mut pages: Vec<PageText> =
                heads.iter().map(|head| page(&[(head, 30.0), ("body", 400.0)])).collect();

            let apart = set_apart(&mut pages, &[800.0; 3]);

            assert!(apart.iter().all(Vec::is_empty), "{apart:?}");
        }
        for (line, expected) in
            [("Page 3 of 10", true), ("- iv -", true), ("第 3 页 共 10 页", true), ("3 EUR", false)]
        {
            assert_eq!(is_page_number(line), expected, "{line}");
        }
    }

    #[test]
    fn what_comes_rarely_or_in_the_middle_stays() {
        let mut pages: Vec<PageText> = (0..4)
            .map(|number| page(&[(if number < 2 { "Draft" } else { "Final" }, 30.0), ("Total", 400.0)]))
            .collect();

        let apart = set_apart(&mut pages, &[800.0; 4]);

        assert!(apart.iter().all(Vec::is_empty));
        assert!(pages.iter().all(|page| page.text.ends_with("\nTotal")));
    }
}
