//! Passages as citations need them: exact characters, the right page, its boxes, the headings above.

use super::*;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::JobId;
use crate::domain::Lane;
use crate::domain::Progress;
use crate::domain::Rect;
use crate::domain::Stage;
use proptest::prelude::*;

fn count(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count().div_ceil(2)
}

fn job(title: Option<&str>) -> ClaimedJob {
    ClaimedJob {
        id: JobId::new(),
        document: DocumentId::new(),
        collection: CollectionId::new(),
        version: 1,
        sha256: "00".repeat(32),
        file_name: "lease.2024.pdf".to_owned(),
        title: title.map(str::to_owned),
        password: None,
        attempt: 1,
        max_attempts: 5,
        lane: Lane::Words,
        progress: Progress { stage: Stage::Queued, done: 0, total: 0 },
        worker: "w".to_owned(),
        begins: crate::domain::Begin::Read,
        redo: false,
        visible_since: None,
    }
}

/// A PDF as the reader gives it: each word with a box, 10 points a character, lines 12 points high.
fn pdf(pages: &[&str]) -> reader::Parsed {
    let (mut content, mut laid) = (String::new(), Vec::new());
    let mut start = 0;
    for (number, text) in (1_u32..).zip(pages) {
        let text = format!("{text}\n");
        let mut words = Vec::new();
        let (mut line, mut column) = (0_u32, 0_u32);
        for (position, c) in (start..).zip(text.chars()) {
            if c == '\n' {
                (line, column) = (line + 1, 0);
                continue;
            }
            let (x0, y0) = (column as f32 * 10.0, line as f32 * 12.0);
            if !c.is_whitespace() {
                let span = reader::Span { start: position, end: position + 1 };
                words
                    .push(reader::Word { span, rect: reader::Rect { x0, y0, x1: x0 + 10.0, y1: y0 + 10.0 } });
            }
            column += 1;
        }
        let end = start + text.chars().count() as u32;
        let span = reader::Span { start, end };
        laid.push(reader::Page {
            number,
            label: None,
            width: 595.0,
            height: 842.0,
            span,
            words,
            undecodable: 0,
            running: Vec::new(),
            recognised: None,
            hidden: Vec::new(),
        });
        content.push_str(&text);
        start = end;
    }
    reader::Parsed {
        format: Format::Pdf,
        title: None,
        content,
        pages: laid,
        headings: vec![],
        tables: vec![],
        warnings: vec![],
        unread: vec![],
    }
}

fn cut(parsed: reader::Parsed, wanted: usize) -> Chunks {
    let sizes = Sizes { wanted, most: wanted * 2 };
    let parsed = Parsed::from_reader(parsed);
    Chunks::cut(parsed, &job(None), sizes, &count, &CancellationToken::new()).unwrap()
}

#[test]
fn a_passage_stands_on_the_page_of_its_first_visible_character() {
    let chunks = cut(pdf(&["First page ends here.", "\n\nSecond page."]), 16);

    let places: Vec<(u32, &str)> = chunks.passages().iter().map(|p| (p.page, p.text.as_str())).collect();

    assert_eq!(places, [(1, "First page ends here.\n"), (2, "\n\nSecond page.\n")]);
    assert_eq!(chunks.passages()[1].boxes, [Rect { x0: 0.0, y0: 24.0, x1: 120.0, y1: 34.0 }]);
}

#[test]
fn a_sentence_may_go_on_over_the_page() {
    let chunks = cut(pdf(&["The tenant pays", "the rent."]), 64);

    assert_eq!(chunks.passages().len(), 1);
    assert_eq!(chunks.passages()[0].page, 1);
}

#[test]
fn boxes_are_one_for_each_line() {
    let chunks = cut(pdf(&["ab cd\nef"]), 64);

    let boxes = &chunks.passages()[0].boxes;

    assert_eq!(boxes.len(), 2, "{boxes:?}");
    assert_eq!(boxes[0], Rect { x0: 0.0, y0: 0.0, x1: 50.0, y1: 10.0 });
}

#[test]
fn the_title_is_the_uploaders_then_the_files_then_the_name() {
    assert_eq!(title(Some("Own"), &job(Some("Given"))), "Given");
    assert_eq!(title(Some("Own"), &job(None)), "Own");
    assert_eq!(title(None, &job(None)), "lease.2024");
}

#[test]
fn too_little_coverage_is_a_warning_that_says_where() {
    let mut parsed = pdf(&["one", "tw\u{fffd}", "th\u{fffd}"]);
    parsed.pages[1].undecodable = 1;
    parsed.pages[2].undecodable = 1;

    let chunks = covered(cut(parsed, 64), 0.99);

    let warning = &chunks.extracted.warnings[0];
    assert_eq!(warning.code, "low_coverage");
    assert_eq!(
        warning.detail,
        "only 77.8 % of the text can be searched; characters are missing on pages 2-3"
    );
}

#[test]
fn a_whole_text_has_no_warning() {
    let chunks = covered(cut(pdf(&["one two"]), 64), 0.99);

    assert!(chunks.extracted.warnings.is_empty());
    assert_eq!(chunks.extracted.coverage.characters_chunked, 6);
}

#[test]
fn pages_are_listed_as_ranges() {
    let check = |pages: &[u32], expected: &str| assert_eq!(page_list(pages.iter().copied()), expected);

    check(&[3], "page 3");
    check(&[1, 3, 4, 5, 9], "pages 1, 3-5, 9");
    check(&[], "no page in particular");
}

proptest! {
    #[test]
    fn the_text_of_a_passage_is_exactly_its_span(
        pages in proptest::collection::vec("([一-龥]{0,30}。|[a-z ]{0,60}[.\n]|\\PC{0,12}|\n){0,8}", 1..6),
        wanted in 8_usize..64,
    ) {
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        let parsed = pdf(&pages);
        let characters: Vec<char> = parsed.content.chars().collect();
        let layouts = parsed.pages.clone();

        let chunks = cut(parsed, wanted);

        let mut end = 0;
        for (ordinal, passage) in (0..).zip(chunks.passages()) {
            let Span { start, end: last } = passage.span;
            prop_assert_eq!(start, end);
            prop_assert_eq!(passage.ordinal, ordinal);
            prop_assert_eq!(&characters[start as usize..last as usize].iter().collect::<String>(), &passage.text);
            let first = start + passage.text.chars().take_while(|c| c.is_whitespace()).count() as u32;
            let page = &layouts[passage.page as usize - 1];
            prop_assert!(page.span.start <= first && first < page.span.end);
            prop_assert!(!passage.boxes.is_empty());
            end = last;
        }
        prop_assert!(end as usize == characters.len() || chunks.passages().is_empty());
    }
}
