//! Pages that are pictures of text: which they are, and what recognition makes of them.

use crate::fixture::Pdf;
use crate::fixture::check_spans;
use crate::fixture::lines;
use crate::fixture::word;
use lopdf::dictionary;
use reader::OcrModels;
use reader::Parsed;
use reader::ReadError;
use reader::ReadOptions;
use reader::RecogniseRequest;
use reader::Rect;
use reader::RenderRequest;
use reader::WarningCode;
use std::path::Path;

/// Fills the page with the picture `Scan`.
const WHOLE_PAGE: &str = "q 600 0 0 800 0 0 cm /Scan Do Q";
const CONTRACT: [&str; 4] = [
    "1. Rent. The tenant pays a monthly rent of 2400 dollars.",
    "2. Deposit. The deposit is returned within thirty days.",
    "3. Notice. Either party may end this lease in writing.",
    "4. Repairs. The landlord keeps the roof in good repair.",
];

/// Reads as one does who has models.
#[track_caller]
fn read(bytes: &[u8]) -> Parsed {
    let parsed =
        reader::read(bytes, &ReadOptions { will_recognise: true, ..ReadOptions::default() }).unwrap();
    check_spans(&parsed);
    parsed
}

/// Adds the picture `Scan`: what a page with this content looks like.
fn add_scan(pdf: &mut Pdf, content: &str) {
    let mut original = Pdf::new();
    original.page(content);
    let request = RenderRequest { page: 1, scale: 2.0, highlights: Vec::new(), password: None };
    let image = reader::render(&original.bytes(), &request).unwrap();
    let mut decoder = png::Decoder::new(std::io::Cursor::new(image)).read_info().unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    let info = decoder.next_frame(&mut pixels).unwrap();
    let dictionary = dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "ColorSpace" => "DeviceRGB", "BitsPerComponent" => 8,
        "Width" => i64::from(info.width), "Height" => i64::from(info.height),
    };
    let id = pdf.stream(dictionary, &pixels);
    pdf.x_object("Scan", id);
}

fn scanned(content: &str) -> Pdf {
    let mut pdf = Pdf::new();
    add_scan(&mut pdf, content);
    pdf
}

#[test]
fn pages_under_pictures_are_to_be_recognised() {
    let text = lines(50, 700, &CONTRACT);
    let mut pdf = scanned(&text);
    pdf.page(WHOLE_PAGE);
    pdf.page(&text);
    pdf.page(&format!("{WHOLE_PAGE} BT /F1 9 Tf 300 20 Td (Page 3) Tj ET"));
    // A letterhead, and a scan with its text over it.
    pdf.page("q 200 0 0 80 50 700 cm /Scan Do Q BT /F1 9 Tf 300 20 Td (Page 4) Tj ET");
    pdf.page(&format!("{WHOLE_PAGE} 3 Tr {text}"));

    assert_eq!(read(&pdf.bytes()).unread, [1, 3]);
}

#[test]
fn a_picture_in_strips_covers_the_page_too() {
    let mut pdf = scanned("");
    let strips: String =
        (0..8).map(|strip| format!("q 600 0 0 100 0 {} cm /Scan Do Q ", strip * 100)).collect();
    pdf.page(&format!("{strips} BT /F1 9 Tf 300 20 Td (Page 1) Tj ET"));
    pdf.page(&lines(50, 700, &CONTRACT));

    assert_eq!(read(&pdf.bytes()).unread, [1]);
}

#[test]
fn pages_that_hide_their_characters_are_to_be_recognised() {
    let mut pdf = Pdf::new();
    pdf.font(
        "F2",
        dictionary! { "Type" => "Font", "Subtype" => "Type3", "FirstChar" => 0, "Widths" => vec![] },
    );
    pdf.page(&lines(50, 700, &CONTRACT));
    pdf.page(&lines(50, 700, &CONTRACT).replace("/F1", "/F2"));

    let parsed = read(&pdf.bytes());

    assert!(parsed.pages[1].undecodable > 100);
    assert_eq!(parsed.unread, [2]);
}

#[test]
fn outlines_of_letters_are_to_be_recognised_and_a_rule_is_not() {
    let mut pdf = Pdf::new();
    pdf.page(&lines(50, 700, &CONTRACT));
    pdf.page("50 50 m 550 50 l S");
    pdf.page(&"50 50 m 55 60 l 60 50 l f\n".repeat(200));

    assert_eq!(read(&pdf.bytes()).unread, [3]);
}

#[test]
fn only_who_will_recognise_gets_a_file_of_pictures() {
    let mut pdf = scanned(&lines(50, 700, &CONTRACT));
    pdf.page(WHOLE_PAGE);
    let bytes = pdf.bytes();

    assert_eq!(reader::read(&bytes, &ReadOptions::default()), Err(ReadError::NoText { pages: 1 }));
    let parsed = read(&bytes);
    assert_eq!((parsed.content.as_str(), parsed.unread.as_slice()), ("", [1].as_slice()));
    assert_eq!(parsed.warnings[0].code, WarningCode::PageWithoutText);
}

/// The models that `docent models pull starter` fetched.
fn models() -> OcrModels {
    let folder =
        std::env::var_os("DOCENT__MODELS__DIR").expect("set by `make test`: the folder of the models");
    OcrModels::open(&Path::new(&folder).join("pp-ocrv6-small"), 1).unwrap()
}

fn recognise(bytes: &[u8], models: &OcrModels) -> Parsed {
    let parsed = read(bytes);
    let request = RecogniseRequest { pages: parsed.unread.clone(), password: None };
    let pages = reader::recognise(bytes, &request, models).unwrap();
    let merged = parsed.with_recognised(pages).unwrap();
    check_spans(&merged);
    merged
}

#[test]
fn a_scan_reads_as_the_page_that_was_scanned_however_it_lies() {
    let models = models();
    let content = lines(50, 700, &CONTRACT);
    let mut original = Pdf::new();
    original.page(&content);
    let expected = read(&original.bytes());
    let place = word(&expected, &expected.pages[0], "landlord").rect;
    let leaning = "q 0.9976 -0.0698 0.0698 0.9976 -30 20 cm 600 0 0 800 0 0 cm /Scan Do Q";
    for (turn, page) in
        [(0, WHOLE_PAGE), (90, WHOLE_PAGE), (180, WHOLE_PAGE), (270, WHOLE_PAGE), (0, leaning)]
    {
        let mut pdf = scanned(&content);
        pdf.page.set("Rotate", turn);
        pdf.page(page);

        let parsed = recognise(&pdf.bytes(), &models);

        assert_eq!(parsed.content, expected.content, "{turn} {page}");
        let recognised = parsed.pages[0].recognised.unwrap();
        assert!(recognised.confidence > 0.95);
        assert_eq!(i32::from(recognised.quarter_turns) * 90, (360 - turn) % 360);
        if page == leaning {
            assert!((recognised.skew_degrees - 4.0).abs() < 0.3, "{recognised:?}");
            continue;
        }
        let shown = shown(place, turn);
        let found = word(&parsed, &parsed.pages[0], "landlord").rect;
        assert!(overlap(shown, found) > 0.6, "{shown:?} {found:?}");
    }
}

#[test]
fn a_page_without_text_stays_without() {
    let models = models();
    let mut pdf = scanned("0.5 g 100 100 400 300 re f");
    pdf.page(WHOLE_PAGE);
    pdf.page(&lines(50, 700, &CONTRACT));

    let parsed = recognise(&pdf.bytes(), &models);

    assert_eq!(parsed.unread, [1]);
    assert_eq!(parsed.warnings.len(), 1);
    assert_eq!(parsed.warnings[0].code, WarningCode::PageWithoutText);
}

/// Where a box of a page of 600 by 800 points is shown once the page is turned.
fn shown(rect: Rect, turn: i32) -> Rect {
    let Rect { x0, y0, x1, y1 } = rect;
    match turn {
        90 => Rect { x0: 800.0 - y1, y0: x0, x1: 800.0 - y0, y1: x1 },
        180 => Rect { x0: 600.0 - x1, y0: 800.0 - y1, x1: 600.0 - x0, y1: 800.0 - y0 },
        270 => Rect { x0: y0, y0: 600.0 - x1, x1: y1, y1: 600.0 - x0 },
        _ => rect,
    }
}

/// The part of both boxes together that they share.
fn overlap(a: Rect, b: Rect) -> f32 {
    let common = Rect { x0: a.x0.max(b.x0), y0: a.y0.max(b.y0), x1: a.x1.min(b.x1), y1: a.y1.min(b.y1) };
    let area = |rect: Rect| rect.width().max(0.0) * rect.height().max(0.0);
    area(common) / (area(a) + area(b) - area(common))
}
