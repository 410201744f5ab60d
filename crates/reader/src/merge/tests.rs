use super::*;
use crate::parsed::Format;
use crate::parsed::Recognised;
use crate::parsed::Rect;
use proptest::prelude::*;

/// A page before it is joined to others: its text without the line break that ends it.
#[derive(Clone, Debug)]
struct Leaf {
    text: String,
    recognised: Option<String>,
}

/// Writes pages one after the other, a word for each run between spaces.
fn parsed(leaves: &[Leaf]) -> Parsed {
    let (mut content, mut pages, mut start) = (String::new(), Vec::new(), 0);
    for (index, leaf) in leaves.iter().enumerate() {
        let last = index + 1 == leaves.len();
        let text = if last { leaf.text.clone() } else { format!("{}\n", leaf.text) };
        let span = Span { start, end: start + text.chars().count() as u32 };
        let words = words(&text, start);
        content.push_str(&text);
        start = span.end;
        pages.push(Page {
            number: index as u32 + 1,
            label: None,
            width: 600.0,
            height: 800.0,
            span,
            words,
            undecodable: 0,
            running: Vec::new(),
            recognised: None,
            hidden: Vec::new(),
        });
    }
    Parsed {
        format: Format::Pdf,
        title: None,
        content,
        pages,
        headings: Vec::new(),
        tables: Vec::new(),
        warnings: Vec::new(),
        unread: Vec::new(),
    }
}

fn words(text: &str, base: u32) -> Vec<Word> {
    let characters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    for run in characters.split(|character| character.is_whitespace()) {
        let (start, end) = (base + at, base + at + run.len() as u32);
        if start < end {
            words.push(Word {
                span: Span { start, end },
                rect: Rect { x0: run.len() as f32, ..Rect::default() },
            });
        }
        at += run.len() as u32 + 1;
    }
    words
}

fn page(number: u32, text: &str, confidence: f32) -> RecognisedPage {
    let recognised = Recognised { confidence, quarter_turns: 0, skew_degrees: 0.0 };
    RecognisedPage { number, text: text.into(), words: words(text, 0), recognised }
}

fn leaf(text: &str) -> Leaf {
    Leaf { text: text.into(), recognised: None }
}

fn warning(code: WarningCode, page: Option<u32>) -> Warning {
    Warning { code, page, detail: String::new() }
}

/// The text of a span.
fn slice(parsed: &Parsed, span: Span) -> String {
    parsed.content.chars().skip(span.start as usize).take(span.len() as usize).collect()
}

#[test]
fn headings_and_tables_move_with_their_pages() {
    let mut read = parsed(&[leaf(""), leaf("第一条 租金"), leaf("| a |")]);
    let at = |start: u32, end: u32| Span { start, end };
    let heading = |title: &str, span: Span| Heading { level: 1, title: title.into(), span };
    read.headings = vec![heading("cover", at(0, 0)), heading("rent", at(1, 4))];
    read.tables = vec![Table { page: 3, rows: vec![at(8, 13)], header_rows: 1 }];

    let merged = read.with_recognised(vec![page(1, "合同 contract", 0.98)]).unwrap();

    assert_eq!(merged.content, "合同 contract\n第一条 租金\n| a |");
    assert_eq!(merged.headings[0].span, at(0, 0));
    assert_eq!(slice(&merged, merged.headings[1].span), "第一条");
    assert_eq!(slice(&merged, merged.tables[0].rows[0]), "| a |");
    assert_eq!(merged.tables[0].page, 3);
}

#[test]
fn rows_on_a_replaced_page_are_gone() {
    let mut read = parsed(&[leaf("| h |"), leaf("| b |")]);
    let rows = vec![Span { start: 0, end: 5 }, Span { start: 6, end: 11 }];
    read.tables = vec![Table { page: 1, rows, header_rows: 1 }];
    read.headings = vec![Heading { level: 1, title: "h".into(), span: Span { start: 2, end: 3 } }];

    let merged = read.with_recognised(vec![page(1, "much more than there was", 0.9)]).unwrap();

    assert_eq!(slice(&merged, merged.tables[0].rows[0]), "| b |");
    assert_eq!((merged.tables[0].page, merged.tables[0].header_rows), (2, 0));
    assert_eq!(merged.headings[0].span, Span { start: 0, end: 0 });
}

#[test]
fn warnings_say_what_is_recognised_and_what_is_left() {
    let mut read = parsed(&[leaf(""), leaf("text"), leaf(""), leaf(""), leaf("\u{fffd}x")]);
    read.unread = vec![1, 3, 4, 5];
    read.warnings = vec![
        warning(WarningCode::PageWithoutText, None),
        warning(WarningCode::GarbledText, Some(5)),
        warning(WarningCode::HiddenText, Some(2)),
    ];

    let found = vec![page(1, "one", 0.99), page(3, "", 0.0), page(4, "four", 0.6), page(5, "five", 0.97)];
    let merged = read.with_recognised(found).unwrap();

    let told: Vec<(WarningCode, Option<u32>)> =
        merged.warnings.iter().map(|warning| (warning.code, warning.page)).collect();
    assert_eq!(
        told,
        [
            (WarningCode::HiddenText, Some(2)),
            (WarningCode::PageWithoutText, Some(3)),
            (WarningCode::RecognisedText, None),
            (WarningCode::LowConfidence, Some(4)),
        ]
    );
    assert!(
        merged.warnings[2].detail.contains("pages 1, 4-5 ") && merged.warnings[2].detail.contains("85 %")
    );
    assert_eq!(merged.unread, [3]);
    assert!(merged.pages[0].recognised.is_some() && merged.pages[2].recognised.is_none());
}

#[test]
fn a_page_keeps_what_it_has_where_recognition_finds_less() {
    let read = parsed(&[leaf("Page 1 of 9"), leaf("x")]);

    let merged = read.with_recognised(vec![page(1, "Page", 0.9), page(2, "", 0.0)]).unwrap();

    assert_eq!(merged.content, "Page 1 of 9\nx");
}

#[test]
fn nothing_found_anywhere_is_a_file_without_text() {
    let read = parsed(&[leaf(""), leaf("")]);

    let error = read.with_recognised(vec![page(1, "", 0.0), page(7, "not of this file", 0.9)]).unwrap_err();

    assert_eq!(error, ReadError::NoText { pages: 2 });
}

#[test]
fn words_that_point_beyond_their_text_are_held_within_the_page() {
    let read = parsed(&[leaf(""), leaf("x")]);
    let wild = Word { span: Span { start: 2, end: u32::MAX }, rect: Rect::default() };

    let merged =
        read.with_recognised(vec![RecognisedPage { words: vec![wild], ..page(1, "abc", 0.9) }]).unwrap();

    assert_eq!(merged.pages[0].words[0].span, Span { start: 2, end: 4 });
}

#[test]
fn page_numbers_are_written_as_ranges() {
    assert_eq!(page_list(&[1, 3, 4, 5, 9]), "pages 1, 3-5, 9");
}

fn leaves() -> impl Strategy<Value = Vec<Leaf>> {
    let text = "[a租 ]{0,8}";
    let leaf = (text, prop::option::of(text)).prop_map(|(text, recognised)| Leaf { text, recognised });
    prop::collection::vec(leaf, 1..8)
}

proptest! {
    #[test]
    fn merging_is_writing_the_better_pages_from_the_start(leaves in leaves()) {
        let found = leaves.iter().zip(1..).filter_map(|(leaf, number)| Some(page(number, leaf.recognised.as_ref()?, 0.9)));
        let better = |leaf: &Leaf| match &leaf.recognised {
            Some(recognised) if says_more(recognised, &leaf.text) => recognised.clone(),
            _ => leaf.text.clone(),
        };
        let naive = parsed(&leaves.iter().map(|leaf| Leaf { text: better(leaf), recognised: None }).collect::<Vec<_>>());

        let merged = parsed(&leaves).with_recognised(found.collect());

        let Ok(merged) = merged else {
            prop_assert!(naive.content.chars().all(char::is_whitespace));
            return Ok(());
        };
        prop_assert_eq!(&merged.content, &naive.content);
        for (merged, naive) in merged.pages.iter().zip(&naive.pages) {
            prop_assert_eq!(merged.span, naive.span);
            prop_assert_eq!(&merged.words, &naive.words);
        }
    }
}
