//! Small raised signs: marks of footnotes, and powers. Written as they stand they would stick to the word or the number
//! before them, and `30` with the mark `1` would be 301 days. Knows no pages.

use super::columns::Row;
use super::fragments::Piece;
use super::fragments::is_cjk;
use super::frame::Frame;
use super::frame::Placed;
use std::collections::HashSet;

/// A raised sign is at most this much as large as its row,
const MAX_SIZE: f32 = 0.8;
/// and its baseline at least this much, in em of the row, over the row's.
const MIN_RISE: f32 = 0.15;
/// Longest mark, as `12,13`.
const MAX_CHARACTERS: usize = 8;
/// A word of so many letters is no symbol of a unit or a formula.
const WORD: usize = 4;

/// A sign in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    /// Its first glyph, counted in the row.
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) text: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The mark of a note.
    Mark,
    /// `10` raised to `6`.
    Power,
    /// Written as it stands.
    Plain,
}

/// The glyphs of a row from left to right.
pub(super) fn glyphs<'r>(row: &'r Row, frame: &'r Frame) -> impl Iterator<Item = &'r Placed> {
    let pieces = row.fragments.iter().flat_map(|fragment| &fragment.glyphs);
    pieces.map(|Piece { glyph, .. }| &frame.glyphs[*glyph])
}

/// Finds the raised signs of a row; `notes` are the marks of footnotes that the page has.
pub(super) fn signs(row: &Row, frame: &Frame, notes: &HashSet<String>) -> Vec<Sign> {
    if !glyphs(row, frame).any(|glyph| is_raised(glyph, row)) {
        return Vec::new();
    }
    let all: Vec<&Placed> = glyphs(row, frame).collect();
    let (mut signs, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let count = all[at..].iter().take_while(|glyph| is_raised(glyph, row)).count();
        if count == 0 {
            at += 1;
            continue;
        }
        let text: String = all[at..at + count].iter().map(|glyph| text_of(glyph)).collect();
        if is_mark(&text) {
            let kind = kind(&all, at, count, &text, notes);
            signs.push(Sign { first: at, count, text, kind });
        }
        at += count;
    }
    signs
}

fn is_raised(glyph: &Placed, row: &Row) -> bool {
    glyph.size <= MAX_SIZE * row.size && row.v - glyph.v >= MIN_RISE * row.size
}

pub(super) fn text_of(glyph: &Placed) -> String {
    let mut text = String::new();
    glyph.text.push_to(&mut text);
    text
}

/// Recognises `1`, `12,13`, `①`, `*`, `†`.
pub(super) fn is_mark(text: &str) -> bool {
    let counted = text.chars().count();
    let numbers = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '-' | '–'))
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit());
    let symbols = counted <= 3 && text.chars().all(|c| matches!(c, '*' | '∗' | '†' | '‡' | '§' | '¶'));
    let circled = counted <= 3 && text.chars().all(is_circled);
    (1..=MAX_CHARACTERS).contains(&counted) && (numbers || symbols || circled)
}

fn is_circled(character: char) -> bool {
    matches!(character, '①'..='⑳' | '\u{24eb}'..='\u{24ff}' | '❶'..='❿' | '㉑'..='㉟')
}

fn kind(all: &[&Placed], at: usize, count: usize, text: &str, notes: &HashSet<String>) -> Kind {
    let next = all.get(at + count).map(|glyph| glyph.text.first());
    // Half of a fraction; and a symbol is no danger to what stands before it.
    if matches!(next, Some('/' | '\u{2044}' | '∕')) || text.chars().all(|c| !c.is_numeric()) {
        return Kind::Plain;
    }
    let before = at.checked_sub(1).map(|before| all[before].text.last());
    let Some(before) = before else {
        return if next.is_some() { Kind::Mark } else { Kind::Plain };
    };
    let is_exponent = matches!(text, "2" | "3");
    let letters =
        all[..at].iter().rev().take(WORD).take_while(|glyph| glyph.text.last().is_alphabetic()).count();
    // A single letter is a symbol, `x` squared, whatever notes there are.
    if notes.contains(text) && letters != 1 {
        return Kind::Mark;
    }
    match before {
        digit if digit.is_ascii_digit() => Kind::Power,
        ')' | ']' | '}' if is_exponent => Kind::Power,
        '米' | '厘' | '里' if is_exponent => Kind::Plain,
        han if is_cjk(han) => Kind::Mark,
        letter if letter.is_alphabetic() => {
            if letters >= WORD {
                Kind::Mark
            } else {
                Kind::Plain
            }
        }
        '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '"' | '\'' | '”' | '’' | '»' => Kind::Mark,
        _ => Kind::Plain,
    }
}
