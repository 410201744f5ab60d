use crate::parsed::Rect;
use crate::pdf::font::Characters;
use crate::pdf::geometry::Point;
use crate::pdf::glyph::Glyph;
use crate::pdf::glyph::Look;
use crate::pdf::layout::PageText;
use crate::pdf::layout::lay_out;
use crate::pdf::rules::Area;
use crate::pdf::rules::Rule;
use crate::pdf::rules::Rules;
use proptest::collection::vec;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prelude::prop_assert;
use proptest::prelude::prop_assert_eq;
use proptest::proptest;
use std::collections::BTreeMap;

/// Words of letters that come only once on the page, at places of a coarse net so that they often stand in columns.
fn glyphs(words: &[(u8, u8, u8, bool)]) -> Vec<Glyph> {
    let mut next = 0;
    let mut glyphs = Vec::new();
    for (x, y, length, chinese) in words {
        for index in 0..=(length % 9) {
            let width = if *chinese { 10.0 } else { 5.0 };
            let start = 20.0 + 25.0 * f64::from(x % 22) + width * f64::from(index);
            let y = 20.0 + 13.0 * f64::from(y % 20);
            let first = if *chinese { 0x4e00 } else { 0x0400 };
            glyphs.push(Glyph {
                text: Characters::of(char::from_u32(first + next).unwrap()),
                start: Point { x: start, y },
                end: Point { x: start + width, y },
                size: 10.0,
                ascent: 8.0,
                descent: -2.0,
                direction: 0,
                bold: x % 3 == 0,
                look: Look::default(),
            });
            next += 1;
        }
    }
    glyphs
}

fn rules(across: &[(u8, u8, u8)], down: &[(u8, u8, u8)], areas: &[(u8, u8)]) -> Rules {
    let mut rules = Rules::default();
    for (at, from, length) in across {
        let (y, x0) = (10.0 + 13.0 * f64::from(at % 22), 15.0 + 25.0 * f64::from(from % 8));
        let x1 = x0 + 100.0 + 25.0 * f64::from(length % 20);
        rules.lines.push(Rule { x0, y0: y, x1, y1: y, edge: false });
    }
    for (at, from, length) in down {
        let (x, y0) = (15.0 + 25.0 * f64::from(at % 24), 10.0 + 13.0 * f64::from(from % 5));
        let y1 = y0 + 40.0 + 13.0 * f64::from(length % 22);
        rules.lines.push(Rule { x0: x, y0, x1: x, y1, edge: false });
    }
    for (x, y) in areas {
        let (x0, y0) = (15.0 + 25.0 * f64::from(x % 22), 10.0 + 13.0 * f64::from(y % 20));
        rules.areas.push(Area { x0, y0, x1: x0 + 100.0, y1: y0 + 13.0 });
    }
    rules
}

/// The box of the word that holds each visible character; a character that comes again has the same box again.
fn boxes(text: &PageText) -> BTreeMap<char, Rect> {
    let characters: Vec<char> = text.text.chars().collect();
    assert_eq!(characters.len(), text.characters as usize);
    let mut boxes = BTreeMap::new();
    for word in &text.words {
        for character in &characters[word.span.start as usize..word.span.end as usize] {
            let before = boxes.insert(*character, word.rect);
            assert!(
                before.is_none_or(|before| before == word.rect),
                "{character} is repeated where it stands"
            );
        }
    }
    let in_words: u32 = text.words.iter().map(|word| word.span.len()).sum();
    let visible = characters.iter().filter(|c| !c.is_whitespace() && **c != '|').count();
    assert_eq!(in_words as usize, visible, "every character but bars is in a word");
    boxes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_lost_or_moved_by_finding_tables(
        words in vec(any::<(u8, u8, u8, bool)>(), 1..90),
        across in vec(any::<(u8, u8, u8)>(), 0..14),
        down in vec(any::<(u8, u8, u8)>(), 0..10),
        areas in vec(any::<(u8, u8)>(), 0..4),
    ) {
        let plain = lay_out(glyphs(&words), None);
        let found = lay_out(glyphs(&words), Some(&rules(&across, &down, &areas)));

        let (before, after) = (boxes(&plain), boxes(&found));
        prop_assert!(before.keys().eq(after.keys()));
        let lines: Vec<&str> = found.text.split('\n').collect();
        let rows: usize = found.tables.iter().map(|table| table.rows.len()).sum();
        prop_assert_eq!(rows, lines.iter().filter(|line| line.starts_with('|')).count());
        for glyph in glyphs(&words) {
            let rect = after[&glyph.text.first()];
            let (x, y) = (glyph.start.x.midpoint(glyph.end.x) as f32, glyph.start.y as f32);
            prop_assert!(rect.x0 <= x && x <= rect.x1 && rect.y0 <= y && y <= rect.y1, "{:?} in {:?}", glyph, rect);
        }
    }
}
