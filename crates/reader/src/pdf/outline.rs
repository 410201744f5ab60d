//! Bookmarks as headings, found again in the text (ISO 32000-1, 12.3.3). Knows no layout of pages.

use super::file::PageObject;
use super::objects;
use super::strings;
use crate::parsed::Heading;
use crate::parsed::Page;
use crate::parsed::Parsed;
use crate::parsed::Span;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use std::collections::HashMap;
use std::collections::HashSet;

/// More bookmarks than any file needs.
const MAX_BOOKMARKS: usize = 20_000;
const MAX_DEPTH: usize = 32;
/// Nodes of the tree of named places that are visited.
const MAX_NAME_NODES: usize = 50_000;
/// Characters compared in search of titles; beyond it, titles are placed by their pointers alone.
const MAX_COMPARISONS: usize = 200_000_000;
/// Longer titles are cut.
const MAX_TITLE_CHARACTERS: usize = 500;

/// A heading that is to be found in the text.
pub(super) struct Title {
    pub(super) level: u8,
    pub(super) text: String,
    /// Index of the page.
    pub(super) page: usize,
    /// Where it stands at or under, in points from the top of the page as shown.
    pub(super) top: Option<f32>,
}

/// Returns the bookmarks in the order of the file.
pub(super) fn titles(document: &Document, pages: &[PageObject<'_>]) -> Vec<Title> {
    let bookmarks = bookmarks(document);
    if bookmarks.is_empty() {
        return Vec::new();
    }
    let places = Places::new(document, pages);
    let locate = |bookmark: Bookmark<'_>| {
        let place = bookmark.target.and_then(|target| places.find(target, 0))?;
        let page = pages.get(place.page)?;
        let top = place.top.map(|top| page.shown.to_shown().apply(0.0, top).y as f32);
        Some(Title { level: bookmark.level, text: bookmark.title, page: place.page, top })
    };
    bookmarks.into_iter().filter_map(locate).collect()
}

/// Finds titles in the text.
pub(super) fn headings(titles: Vec<Title>, parsed: &Parsed) -> Vec<Heading> {
    let mut text = Locator::new(&parsed.content, &parsed.pages);
    let locate = |title: Title| {
        let span = text.find(parsed.pages.get(title.page)?, &title.text, title.top);
        Some(Heading { level: title.level, title: title.text, span })
    };
    titles.into_iter().filter_map(locate).collect()
}

struct Bookmark<'a> {
    level: u8,
    title: String,
    target: Option<&'a Object>,
}

/// Walks the outline, depth first; items that come twice end their branch.
fn bookmarks(document: &Document) -> Vec<Bookmark<'_>> {
    let catalog = document.catalog().ok();
    let root = catalog.and_then(|catalog| objects::dictionary(document, catalog, b"Outlines"));
    let mut found = Vec::new();
    let mut seen: HashSet<ObjectId> = HashSet::new();
    let mut open: Vec<&Object> = root.and_then(|root| root.get(b"First").ok()).into_iter().collect();
    while let Some(item) = open.pop() {
        let unseen = item.as_reference().is_ok_and(|id| seen.insert(id));
        let Some(dictionary) = objects::as_dictionary(objects::resolve(document, item)).filter(|_| unseen)
        else {
            continue;
        };
        let title = objects::entry(document, dictionary, b"Title").and_then(|title| title.as_str().ok());
        let title = strings::one_line(&strings::text_string(title.unwrap_or_default()));
        let title: String = title.chars().take(MAX_TITLE_CHARACTERS).collect();
        if !title.is_empty() {
            found.push(Bookmark { level: open.len() as u8 + 1, title, target: target(document, dictionary) });
        }
        if found.len() >= MAX_BOOKMARKS {
            break;
        }
        // `open` holds the next sibling of every level that is not finished, so its length is the depth; levels
        // without one keep their place by the item itself, which is passed over as already seen.
        open.push(dictionary.get(b"Next").unwrap_or(item));
        if let (Ok(first), true) = (dictionary.get(b"First"), open.len() < MAX_DEPTH) {
            open.push(first);
        }
    }
    found
}

/// Returns where a bookmark leads: its destination, or that of its go-to action.
fn target<'a>(document: &'a Document, bookmark: &'a Dictionary) -> Option<&'a Object> {
    objects::entry(document, bookmark, b"Dest")
        .or_else(|| objects::entry(document, objects::dictionary(document, bookmark, b"A")?, b"D"))
}

/// A place in the document.
struct Place {
    /// Index of the page.
    page: usize,
    /// Top edge to show, in user space.
    top: Option<f64>,
}

/// Resolves destinations.
struct Places<'a> {
    document: &'a Document,
    pages: HashMap<ObjectId, usize>,
    names: HashMap<&'a [u8], &'a Object>,
}

impl<'a> Places<'a> {
    fn new(document: &'a Document, pages: &[PageObject<'_>]) -> Self {
        let pages = pages.iter().enumerate().filter_map(|(index, page)| Some((page.id?, index))).collect();
        let mut places = Self { document, pages, names: HashMap::new() };
        if let Ok(catalog) = document.catalog() {
            for (name, target) in objects::dictionary(document, catalog, b"Dests").into_iter().flatten() {
                places.names.insert(name, objects::resolve(document, target));
            }
            let tree = objects::dictionary(document, catalog, b"Names")
                .and_then(|names| objects::dictionary(document, names, b"Dests"));
            if let Some(tree) = tree {
                places.collect(tree);
            }
        }
        places
    }

    /// Reads the tree of named destinations.
    fn collect(&mut self, root: &'a Dictionary) {
        let document = self.document;
        let (mut open, mut visited) = (vec![root], 0);
        while let Some(node) = open.pop() {
            visited += 1;
            if visited > MAX_NAME_NODES {
                return;
            }
            for pair in objects::array(document, node, b"Names").unwrap_or_default().chunks_exact(2) {
                if let Ok(name) = objects::resolve(document, &pair[0]).as_str() {
                    self.names.insert(name, objects::resolve(document, &pair[1]));
                }
            }
            let kids = objects::array(document, node, b"Kids").unwrap_or_default();
            let still_allowed = MAX_NAME_NODES.saturating_sub(open.len());
            let kids = kids.iter().take(still_allowed);
            open.extend(kids.filter_map(|kid| objects::as_dictionary(objects::resolve(document, kid))));
        }
    }

    fn find(&self, target: &'a Object, depth: usize) -> Option<Place> {
        let target = objects::resolve(self.document, target);
        if let Ok(array) = target.as_array() {
            let page = match array.first()? {
                reference if reference.as_reference().is_ok() => {
                    *self.pages.get(&reference.as_reference().ok()?)?
                }
                number => usize::try_from(number.as_i64().ok()?).ok()?,
            };
            let number =
                |index: usize| objects::as_number(objects::resolve(self.document, array.get(index)?));
            let top = match array.get(1).and_then(|kind| kind.as_name().ok()) {
                Some(b"XYZ") => number(3),
                Some(b"FitH" | b"FitBH") => number(2),
                Some(b"FitR") => number(5),
                Some(_) | None => None,
            };
            return Some(Place { page, top });
        }
        if depth > 4 {
            return None;
        }
        if let Ok(dictionary) = target.as_dict() {
            return self.find(dictionary.get(b"D").ok()?, depth + 1);
        }
        let name = target.as_str().or_else(|_| target.as_name()).ok()?;
        self.find(self.names.get(name)?, depth + 1)
    }
}

/// Finds titles in the text of pages, whatever the white space.
struct Locator<'t> {
    content: &'t str,
    /// Byte offset in the content where each page begins.
    page_starts: Vec<usize>,
    /// The page looked at last: its characters without white space, each with its place in the content.
    cached: Option<(u32, Vec<(char, u32)>)>,
    comparisons_left: usize,
}

impl<'t> Locator<'t> {
    fn new(content: &'t str, pages: &[Page]) -> Self {
        let (mut byte, mut page_starts) = (0, Vec::with_capacity(pages.len()));
        for page in pages {
            page_starts.push(byte);
            byte += content[byte..].chars().take(page.span.len() as usize).map(char::len_utf8).sum::<usize>();
        }
        Self { content, page_starts, cached: None, comparisons_left: MAX_COMPARISONS }
    }

    /// Returns where a title stands on its page: the occurrence nearest to where the bookmark points. If it does not
    /// occur, the line there; without a pointer, nothing at the start of the page.
    fn find(&mut self, page: &Page, title: &str, top: Option<f32>) -> Span {
        let wanted: Vec<char> = title.chars().filter(|c| is_compared(*c)).map(fold).collect();
        let pointed = top.and_then(|top| line_at(page, top));
        let unseen = Span { start: page.span.start, end: page.span.start };
        let Some(comparisons_left) = self.comparisons_left.checked_sub(page.span.len() as usize) else {
            return pointed.unwrap_or(unseen);
        };
        self.comparisons_left = comparisons_left;
        let characters = self.characters(page);
        let matches = |window: &[(char, u32)]| window.iter().map(|(c, _)| *c).eq(wanted.iter().copied());
        let occurrences = characters
            .windows(wanted.len().max(1))
            .filter(|window| matches(window))
            .map(|window| Span { start: window[0].1, end: window[window.len() - 1].1 + 1 });
        let aim = pointed.map_or(page.span.start, |line| line.start);
        let nearest = occurrences.min_by_key(|span| span.start.abs_diff(aim));
        nearest.map(|span| self.with_number(page, span)).or(pointed).unwrap_or(unseen)
    }

    /// Takes in the number before a title on its line: bookmarks often leave out what is printed as `6.5 ` or `第一章　`.
    fn with_number(&self, page: &Page, title: Span) -> Span {
        let text = &self.content[self.page_starts[page.number as usize - 1]..];
        let (mut start, mut before) = (page.span.start, String::new());
        for (character, at) in text.chars().zip(page.span.start..title.start) {
            before.push(character);
            if character == '\n' {
                before.clear();
                start = at + 1;
            }
        }
        if is_number(&before) { Span { start, end: title.end } } else { title }
    }

    fn characters(&mut self, page: &Page) -> &[(char, u32)] {
        if self.cached.as_ref().is_none_or(|(number, _)| *number != page.number) {
            let text = &self.content[self.page_starts[page.number as usize - 1]..];
            let characters = text.chars().zip(page.span.start..page.span.end);
            let visible = characters.filter(|(c, _)| is_compared(*c)).map(|(c, at)| (fold(c), at)).collect();
            self.cached = Some((page.number, visible));
        }
        self.cached.as_ref().map_or(&[], |(_, characters)| characters)
    }
}

/// Recognises `6.5`, `Chapter 8:`, `Art. 1.2`, `A.2`, `第一章`, `（二）`: an ordinal, with at most one word before it.
fn is_number(text: &str) -> bool {
    let is_word =
        |word: &str| word.len() <= 9 && word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '§'));
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [ordinal] => is_ordinal(ordinal),
        [word, ordinal] => is_word(word) && is_ordinal(ordinal),
        _ => false,
    }
}

fn is_ordinal(text: &str) -> bool {
    const LONGEST: usize = 10;
    let numeral = |c: char| c.is_numeric() || "一二三四五六七八九十百".contains(c);
    let text = text.trim_matches(['.', '、', ':', '：', '(', ')', '（', '）', '．', '§']);
    let text = text.strip_prefix("附件").or_else(|| text.strip_prefix("附录")).unwrap_or(text);
    let chinese = text
        .strip_prefix('第')
        .and_then(|rest| rest.strip_suffix(['编', '部', '篇', '章', '节', '条', '款']));
    let letter = text.strip_prefix(|c: char| c.is_ascii_uppercase()).and_then(|rest| rest.strip_prefix('.'));
    let numbers = chinese.or(letter).unwrap_or(text);
    text.chars().count() <= LONGEST
        && numbers.starts_with(numeral)
        && numbers.chars().all(|c| numeral(c) || matches!(c, '.' | '-' | '．'))
}

/// White space does not count, nor do the bars that divide the rows of tables.
fn is_compared(character: char) -> bool {
    !character.is_whitespace() && !matches!(character, '|' | '¦')
}

/// Makes letters equal that titles and pages write differently.
fn fold(character: char) -> char {
    match character {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2010}'..='\u{2014}' => '-',
        other => other.to_lowercase().next().unwrap_or(other),
    }
}

/// Returns the first line at or below a height on the page, that is, the first whose middle is.
fn line_at(page: &Page, top: f32) -> Option<Span> {
    let below = |rect: crate::parsed::Rect| f32::midpoint(rect.y0, rect.y1) >= top - 0.3 * rect.height();
    let first = page.words.iter().position(|word| below(word.rect))?;
    let word = page.words[first];
    let same_line =
        |other: &&crate::parsed::Word| (other.rect.y1 - word.rect.y1).abs() < 0.3 * word.rect.height();
    let last = page.words[first..].iter().take_while(same_line).last()?;
    Some(Span { start: word.span.start, end: last.span.end })
}
