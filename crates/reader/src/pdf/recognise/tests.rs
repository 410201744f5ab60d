use super::*;
use crate::ocr::Character;
use crate::ocr::Slanted;

/// Pixels a point.
const SCALE: f32 = 2.0;

/// A line whose characters are 20 pixels wide.
fn line(text: &str, x0: f32, y: f32) -> Line {
    let characters: Vec<Character> = text
        .chars()
        .zip(0_u8..)
        .map(|(character, index)| {
            let from = 20.0 * f32::from(index);
            Character { read: character, from, to: from + 20.0, probability: 0.9 }
        })
        .collect();
    let width = 20.0 * characters.len() as f32;
    let place = Slanted { x: x0 + width / 2.0, y, width, height: 30.0, angle: 0.0 };
    Line { place, direction: Direction::Level, characters }
}

fn reading(lines: Vec<Line>, quarter_turns: u8, skew: f32) -> Reading {
    let posture = Posture { quarter_turns, skew, width: 1_200.0, height: 1_600.0 };
    Reading { lines, posture }
}

fn word(page: &RecognisedPage, text: &str) -> Rect {
    let characters: Vec<char> = page.text.chars().collect();
    let is = |word: &&Word| {
        characters[word.span.start as usize..word.span.end as usize].iter().collect::<String>() == text
    };
    page.words.iter().find(is).unwrap_or_else(|| panic!("`{text}` in {:?}", page.text)).rect
}

#[test]
fn lines_become_text_from_top_to_bottom_with_a_box_for_each_word() {
    let page = assemble(
        1,
        &reading(vec![line("租金每月", 100.0, 240.0), line("The rent", 100.0, 200.0)], 0, 0.0),
        SCALE,
    );

    assert_eq!(page.text, "The rent\n租金每月");
    assert_eq!(word(&page, "rent"), Rect { x0: 90.0, y0: 92.5, x1: 130.0, y1: 107.5 });
    assert_eq!(word(&page, "租金每月"), Rect { x0: 50.0, y0: 112.5, x1: 90.0, y1: 127.5 });
    assert!((page.recognised.confidence - 0.9).abs() < 1e-3);
}

#[test]
fn columns_are_read_one_after_the_other() {
    let rows = (0_u8..8).map(|row| 200.0 + 40.0 * f32::from(row));
    let lines =
        rows.flat_map(|y| [line("left column of text", 100.0, y), line("right column of text", 640.0, y)]);

    let page = assemble(1, &reading(lines.collect(), 0, 0.0), SCALE);

    assert_eq!(page.text.matches("left").count(), 8);
    assert!(page.text.rfind("left") < page.text.find("right"), "{}", page.text);
}

#[test]
fn boxes_of_a_turned_page_lie_where_it_shows_them() {
    let page = assemble(1, &reading(vec![line("rent", 100.0, 200.0)], 1, 0.0), SCALE);

    // Turned clockwise by a quarter the page is 600 points wide; as shown it is 800 wide and 600 high.
    let all = page.words.iter().map(|word| word.rect).reduce(Rect::union).unwrap();
    assert_eq!(all, Rect { x0: 92.5, y0: 510.0, x1: 107.5, y1: 550.0 });
}

#[test]
fn text_that_runs_against_counting_has_a_box_for_each_character() {
    let page = assemble(1, &reading(vec![line("租金每月", 100.0, 200.0)], 2, 0.0), SCALE);

    assert_eq!(page.words.len(), 4);
    assert!(word(&page, "租").x0 > word(&page, "金").x0);
}

#[test]
fn long_words_of_a_leaning_page_are_cut_into_low_boxes() {
    let skew = 5.0_f32.to_radians();
    let mut leaning = line(&"租".repeat(40), 100.0, 200.0);
    leaning.place.angle = skew;

    let page = assemble(1, &reading(vec![leaning], 0, skew), SCALE);

    assert!(page.words.len() > 4);
    assert!(page.words.iter().all(|word| word.rect.height() < 25.0), "{:?}", page.words);
    let covered: u32 = page.words.iter().map(|word| word.span.len()).sum();
    assert_eq!(covered, 40);
}

#[test]
fn text_along_the_margin_follows_the_page() {
    let margin = Line { direction: Direction::Up, ..line("margin note", 20.0, 900.0) };
    let page = assemble(
        1,
        &reading(vec![margin, line("body text", 100.0, 200.0), line("of it", 100.0, 240.0)], 0, 0.0),
        SCALE,
    );

    assert!(page.text.starts_with("body text\nof it"), "{}", page.text);
    assert!(page.text.contains("margin note"));
    let note = word(&page, "margin");
    assert!(note.height() > 3.0 * note.width(), "{note:?}");
}

#[test]
fn a_page_without_lines_has_no_text_and_no_confidence() {
    let page = assemble(4, &reading(Vec::new(), 0, 0.0), SCALE);

    assert_eq!((page.number, page.text.as_str(), page.words.len()), (4, "", 0));
    assert!(page.recognised.confidence.abs() < f32::EPSILON);
}

#[test]
fn pages_are_painted_within_bounds() {
    assert!((scale(595.0, 842.0) - 200.0 / 72.0).abs() < 1e-3);
    let large = scale(10_000.0, 10_000.0);
    assert!(10_000.0 * large * 10_000.0 * large <= MAX_PIXELS * 1.01);
    assert!(scale(1.0, 1e6) * 1e6 <= MAX_SIDE * 1.01);
}

#[test]
fn words_with_spaces_between_them_stay_whole_on_a_turned_page() {
    let page = assemble(1, &reading(vec![line("the rent", 100.0, 200.0)], 2, 0.0), SCALE);

    assert_eq!(page.words.len(), 2);
}
