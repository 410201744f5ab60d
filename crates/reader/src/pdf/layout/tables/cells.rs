//! What the text of a cell tells about it. Knows no places.

use super::super::fragments::Fragment;
use super::super::fragments::is_cjk;
use super::super::frame::Frame;
use super::Cell;

impl Cell {
    /// The characters without white space.
    pub(super) fn text(&self, frame: &Frame) -> String {
        text(self.lines.iter().flat_map(|line| &line.fragments), frame)
    }

    /// How much text there is, a Chinese character counting as two letters.
    pub(super) fn weight(&self, frame: &Frame) -> usize {
        self.lines.iter().flat_map(|line| &line.fragments).map(|fragment| fragment.weight(frame)).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Says whether all letters and digits are bold.
    pub(super) fn is_bold(&self, frame: &Frame) -> bool {
        let glyphs = self.lines.iter().flat_map(|line| &line.fragments).flat_map(|fragment| &fragment.glyphs);
        let mut glyphs = glyphs.map(|piece| &frame.glyphs[piece.glyph]);
        glyphs.all(|glyph| glyph.bold || !glyph.text.first().is_alphanumeric())
    }
}

/// The characters of fragments without white space.
pub(in super::super) fn text<'a>(fragments: impl Iterator<Item = &'a Fragment>, frame: &Frame) -> String {
    let mut text = String::new();
    for piece in fragments.flat_map(|fragment| &fragment.glyphs) {
        frame.glyphs[piece.glyph].text.push_to(&mut text);
    }
    text.retain(|character| !character.is_whitespace());
    text
}

/// `2,400.00`, `(12)`, `EUR 500`, `3.5 %`, `￥1200元`, `2024-01-31`, `–`: a value, not a name.
pub(super) fn is_value(text: &str) -> bool {
    const MISSING: [&str; 10] = ["-", "–", "—", "--", "---", "n/a", "N/A", "NA", "nil", "/"];
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic() && !is_cjk(*c)).count();
    let chinese = text.chars().filter(|c| is_cjk(*c) && c.is_alphabetic()).count();
    MISSING.contains(&text) || digits > 0 && letters <= 3.min(digits + 1) && chinese <= 3.min(digits + 1)
}

/// Dots, or a line to write on, with a title before them and a page's number behind them or not. Those that lead to an
/// amount belong to it: `......... 10 %`.
pub(super) fn is_leader(text: &str) -> bool {
    let filling = |c: char| matches!(c, '.' | '…' | '·' | '_' | '․' | '‥');
    let (mut run, mut longest) = (0, 0);
    for character in text.chars() {
        run = if filling(character) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let behind = text.trim_end_matches(|c| !filling(c)).len();
    let is_amount =
        text[behind..].contains(['%', '％', ',', '$', '€', '£', '¥', '￥']) && is_value(&text[behind..]);
    let is_long = longest >= 4 || longest >= 2 && longest == text.chars().count() || text.contains("……");
    is_long && (text.contains("__") || !is_amount)
}

/// `12`, `xiv`, `SA-1`: as contents pages give pages.
pub(super) fn page_number(text: &str) -> Option<u32> {
    if !text.is_empty() && text.len() <= 4 && text.chars().all(|c| c.is_ascii_digit()) {
        return text.parse().ok();
    }
    let roman = !text.is_empty() && text.len() <= 6 && text.chars().all(|c| "ivxlc".contains(c));
    let annex = text.split_once('-').is_some_and(|(annex, page)| {
        let letters = (1..=3).contains(&annex.len()) && annex.chars().all(|c| c.is_ascii_uppercase());
        letters && (1..=3).contains(&page.len()) && page.chars().all(|c| c.is_ascii_digit())
    });
    (roman || annex).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_names() {
        for text in ["2,400.00", "(12)", "EUR500", "3.5%", "￥1200元", "2024-01-31", "–", "12kg", "2024年1月"]
        {
            assert!(is_value(text), "{text}");
        }
        for text in ["Rent", "租金", "Section5.1", "", "Q", "Item2ofthelist", "第三十二条之1"] {
            assert!(!is_value(text), "{text}");
        }
    }

    #[test]
    fn leaders_and_page_numbers_are_known() {
        assert!(
            ["Term......", "总则……", "....", "By:______", "总则......3", "Rent....12", "总则……5"]
                .into_iter()
                .all(is_leader)
        );
        assert!(!["Ltd.", "etc...", "2.5", ".......10%", "Rent......2,400"].into_iter().any(is_leader));
        assert_eq!([page_number("12"), page_number("xiv"), page_number("1,200")], [Some(12), Some(0), None]);
        assert_eq!([page_number("SA-1"), page_number("A-1.2")], [Some(0), None]);
    }
}
