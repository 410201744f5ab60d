//! Comments: what somebody noted on a page, beside or over its text (ISO 32000-1, 12.5.6). They follow the text of the
//! page, each marked as what it is. Knows no appearance.

use super::super::interpret::PageRun;
use super::super::layout::PageText;
use super::super::objects;
use super::super::state::State;
use super::super::strings;
use crate::parsed::Rect;
use crate::parsed::Span;
use crate::parsed::Word;
use lopdf::Dictionary;

/// Longer comments and names are cut,
const MAX_CHARACTERS: usize = 4_000;
const MAX_NAME: usize = 100;
/// and those of a page end here together.
const MAX_PAGE_CHARACTERS: usize = 200_000;

/// A comment and where it lies on the page as shown.
pub(in super::super) struct Comment {
    text: String,
    place: Rect,
}

impl<'a> PageRun<'a, '_> {
    /// Notes what an annotation of some kind says, if it says something of the page.
    pub(super) fn comment(&mut self, kind: &[u8], annotation: &'a Dictionary, state: &State<'a>) {
        let document = self.document();
        let parent = objects::dictionary(document, annotation, b"Parent");
        let says_it_itself = |annotation: &Dictionary| annotation.has(b"Contents");
        let speaks = match kind {
            b"Text" | b"Highlight" | b"Underline" | b"Squiggly" | b"StrikeOut" | b"Caret" | b"Square"
            | b"Circle" | b"Line" | b"Polygon" | b"PolyLine" | b"Ink" => true,
            // Usually the window of another that has the same text.
            b"Popup" => !parent.is_some_and(says_it_itself),
            _ => false,
        };
        // A state is set by a reply that says so, `Ada marked it as accepted`.
        if !speaks || annotation.has(b"State") {
            return;
        }
        let line = |dictionary: &Dictionary, key: &[u8], longest: usize| {
            let text = strings::one_line(&super::text(document, dictionary, key));
            text.chars().take(longest).collect::<String>()
        };
        let says = line(annotation, b"Contents", MAX_CHARACTERS);
        let Some(place) = super::place(document, annotation, state).filter(|_| !says.is_empty()) else {
            return;
        };
        let author = line(annotation, b"T", MAX_NAME);
        let text = if author.is_empty() {
            format!("[Comment: {says}]")
        } else {
            format!("[Comment by {author}: {says}]")
        };
        if self.spend(text.len() as u64) {
            self.result.comments.push(Comment { text, place });
        }
    }
}

/// Writes comments after the text of their page, from its top to its bottom.
pub(in super::super) fn append(page: &mut PageText, mut comments: Vec<Comment>, (width, height): (f64, f64)) {
    comments.sort_by(|a, b| a.place.y0.total_cmp(&b.place.y0).then(a.place.x0.total_cmp(&b.place.x0)));
    let mut left = MAX_PAGE_CHARACTERS;
    for Comment { text, place } in comments {
        let characters = text.chars().count();
        let Some(still_left) = left.checked_sub(characters) else { return };
        left = still_left;
        let clamped = |at: f32, end: f64| at.clamp(0.0, end as f32);
        let rect = Rect {
            x0: clamped(place.x0, width),
            y0: clamped(place.y0, height),
            x1: clamped(place.x1, width),
            y1: clamped(place.y1, height),
        };
        if !page.text.is_empty() {
            page.text.push_str("\n\n");
            page.characters += 2;
        }
        let mut start = page.characters;
        for word in text.split(' ') {
            let end = start + word.chars().count() as u32;
            if end > start {
                page.words.push(Word { span: Span { start, end }, rect });
            }
            start = end + 1;
        }
        page.text.push_str(&text);
        page.characters += characters as u32;
    }
}
