//! What the text of a page is, and where its words stand.

use crate::fixture::Pdf;
use crate::fixture::chinese_font;
use crate::fixture::gbk;
use crate::fixture::lines;
use crate::fixture::read;
use crate::fixture::word;
use lopdf::Object;
use lopdf::dictionary;
use reader::Rect;
use reader::WarningCode;

const CLAUSE: &str = "The lessee shall pay the rent in advance.";

#[track_caller]
fn near(rect: Rect, expected: [f32; 4]) {
    let found = [rect.x0, rect.y0, rect.x1, rect.y1];
    let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.6);
    assert!(close, "{found:?} is not {expected:?}");
}

#[test]
fn words_stand_where_they_are_drawn() {
    let mut pdf = Pdf::new();
    pdf.page(&format!("BT /F1 10 Tf 100 700 Td ({CLAUSE}) Tj ET"));

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, CLAUSE);
    assert_eq!((parsed.pages[0].width, parsed.pages[0].height), (600.0, 800.0));
    // Helvetica: T 611, h 556, e 556 thousandths.
    near(word(&parsed, &parsed.pages[0], "The").rect, [100.0, 92.2, 117.2, 102.2]);
}

#[test]
fn pages_follow_each_other_with_a_line_break() {
    let mut pdf = Pdf::new();
    pdf.page(&lines(72, 700, &[CLAUSE]));
    pdf.page(&lines(72, 700, &["Second page."]));

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, format!("{CLAUSE}\nSecond page."));
    assert_eq!(parsed.pages[1].span.start, CLAUSE.len() as u32 + 1);
}

#[test]
fn lines_keep_their_breaks_and_paragraphs_their_distance() {
    let mut pdf = Pdf::new();
    let mut content = lines(72, 700, &["First line of the", "first paragraph and", "its end."]);
    content.push_str(&lines(72, 630, &["Second paragraph with", "two lines."]));
    pdf.page(&content);

    let parsed = read(&pdf.bytes());

    assert_eq!(
        parsed.content,
        "First line of the\nfirst paragraph and\nits end.\n\nSecond paragraph with\ntwo lines."
    );
}

#[test]
fn gaps_make_words_and_kerning_does_not() {
    let mut pdf = Pdf::new();
    pdf.page("BT /F1 12 Tf 72 700 Td [(Pay)30(ment)-300(of)-300(r)-20(ent in advance by the lessee)] TJ ET");

    assert_eq!(read(&pdf.bytes()).content, "Payment of rent in advance by the lessee");
}

#[test]
fn text_of_forms_within_forms_is_found() {
    let mut pdf = Pdf::new();
    let fonts = pdf.resources.clone();
    let inner = pdf.stream(
        dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(), (-10).into(), 500.into(), 20.into()], "Resources" => fonts },
        format!("BT /F1 10 Tf 0 0 Td ({CLAUSE}) Tj ET").as_bytes(),
    );
    let outer = pdf.stream(
        dictionary! {
            "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(), 0.into(), 600.into(), 800.into()],
            "Matrix" => vec![1.into(), 0.into(), 0.into(), 1.into(), 50.into(), 0.into()],
            "Resources" => dictionary! { "XObject" => dictionary! { "Inner" => inner } },
        },
        b"q 1 0 0 1 0 100 cm /Inner Do Q",
    );
    pdf.x_object("Outer", outer);
    pdf.page("q 2 0 0 2 0 0 cm /Outer Do Q");

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, CLAUSE);
    near(word(&parsed, &parsed.pages[0], "The").rect, [100.0, 584.4, 134.5, 604.4]);
}

/// A page with a text whose characters only the font's own map tells.
fn through_to_unicode(text: &str) -> Vec<u8> {
    let mut pdf = Pdf::new();
    // The glyph numbers are invented: only the map tells what they mean.
    let map: String =
        text.encode_utf16().enumerate().map(|(i, unit)| format!("<{:04X}> <{unit:04X}>\n", i + 7)).collect();
    let count = text.chars().count();
    let map =
        format!("1 begincodespacerange <0000> <FFFF> endcodespacerange\n{count} beginbfchar\n{map}endbfchar");
    let to_unicode = pdf.stream(dictionary! {}, map.as_bytes());
    let descendant = dictionary! {
        "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => "SimSun", "DW" => 1000,
        "CIDSystemInfo" => dictionary! {
            "Registry" => Object::string_literal("Adobe"), "Ordering" => Object::string_literal("Identity"),
            "Supplement" => 0,
        },
    };
    let descendant = pdf.document.add_object(descendant);
    pdf.font(
        "F2",
        dictionary! {
            "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "SimSun", "Encoding" => "Identity-H",
            "DescendantFonts" => vec![descendant.into()], "ToUnicode" => to_unicode,
        },
    );
    let codes: String = (0..count).map(|i| format!("{:04X}", i + 7)).collect();
    pdf.page(&format!("BT /F2 10 Tf 100 700 Td <{codes}> Tj ET"));
    pdf.bytes()
}

#[test]
fn chinese_through_to_unicode_has_boxes_by_character() {
    let text = "承租人应当按照合同约定的期限支付租金逾期未付的出租人可以解除本合同";

    let parsed = read(&through_to_unicode(text));

    assert_eq!(parsed.content, text);
    assert_eq!(parsed.pages[0].words.len(), 1);
    let third = reader::rects_for(&parsed.pages[0], reader::Span { start: 2, end: 4 });
    near(third[0], [120.0, 92.2, 140.0, 102.2]);
}

#[test]
fn radicals_come_out_as_the_characters_that_they_look_like() {
    let parsed =
        read(&through_to_unicode("⼀⽅应当按⽉⽀付租⾦，⻓期有效，⺠法典适⽤，未尽事宜由双⽅另⾏商定。"));

    assert_eq!(parsed.content, "一方应当按月支付租金，长期有效，民法典适用，未尽事宜由双方另行商定。");
}

#[test]
fn chinese_by_a_predefined_map_needs_no_to_unicode() {
    let mut pdf = Pdf::new();
    chinese_font(&mut pdf, "F2");
    let text = "甲方应于每月五日前支付租金，逾期一日按应付金额的千分之一支付违约金。";
    pdf.page(&format!("BT /F2 10 Tf 100 700 Td {} Tj ET", gbk(text)));

    assert_eq!(read(&pdf.bytes()).content, text);
}

#[test]
fn a_turned_page_is_read_and_measured_as_shown() {
    for (turn, size, expected) in [
        (90, (800.0, 600.0), [697.8, 100.0, 707.8, 117.2]),
        (180, (600.0, 800.0), [482.8, 697.8, 500.0, 707.8]),
        (270, (800.0, 600.0), [92.2, 482.8, 102.2, 500.0]),
    ] {
        let mut pdf = Pdf::new();
        pdf.page.set("Rotate", turn);
        pdf.page(&format!("BT /F1 10 Tf 100 700 Td ({CLAUSE}) Tj ET"));

        let parsed = read(&pdf.bytes());

        let page = &parsed.pages[0];
        assert_eq!(parsed.content, CLAUSE);
        assert_eq!((page.width, page.height), size);
        near(word(&parsed, page, "The").rect, expected);
    }
}

#[test]
fn boxes_count_from_the_corner_of_the_crop_box() {
    let mut pdf = Pdf::new();
    pdf.page.set("CropBox", vec![50.into(), 50.into(), 550.into(), 750.into()]);
    pdf.page(&format!("BT /F1 10 Tf 100 700 Td ({CLAUSE}) Tj ET"));

    let parsed = read(&pdf.bytes());

    assert_eq!((parsed.pages[0].width, parsed.pages[0].height), (500.0, 700.0));
    near(word(&parsed, &parsed.pages[0], "The").rect, [50.0, 42.2, 67.2, 52.2]);
}

#[test]
fn columns_of_running_text_are_read_one_after_the_other() {
    let left: Vec<String> = (0..8).map(|i| format!("left column line {i} of running text")).collect();
    let right: Vec<String> = (0..8).map(|i| format!("right column line {i} of running text")).collect();
    let refs = |lines: &[String]| lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let mut pdf = Pdf::new();
    let mut content = String::new();
    // Row by row, as some programs write them.
    for (i, (l, r)) in left.iter().zip(&right).enumerate() {
        content.push_str(&lines(50, 700 - 14 * i as i32, &[l]));
        content.push_str(&lines(310, 700 - 14 * i as i32, &[r]));
    }
    pdf.page(&content);

    assert_eq!(read(&pdf.bytes()).content, format!("{}\n{}", refs(&left), refs(&right)));
}

#[test]
fn text_drawn_twice_to_look_bold_is_read_once() {
    let mut pdf = Pdf::new();
    pdf.page(&format!(
        "BT /F1 12 Tf 72 700 Td ({CLAUSE}) Tj 0.3 0 Td ({CLAUSE}) Tj ET BT /F1 12 Tf 72 600 Td (S) Tj -7.7 0 Td (S) Tj ET"
    ));

    assert_eq!(read(&pdf.bytes()).content.matches("lessee").count(), 1);
}

#[test]
fn unknown_glyphs_are_counted_and_marked() {
    let mut pdf = Pdf::new();
    pdf.font(
        "F2",
        dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Odd",
            "Encoding" => dictionary! { "Differences" => vec![65.into(), Object::Name(b"g17".to_vec())] },
        },
    );
    pdf.page(&format!("BT /F1 12 Tf 72 700 Td ({CLAUSE} ) Tj /F2 12 Tf (A) Tj ET"));

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, format!("{CLAUSE} \u{fffd}"));
    assert_eq!(parsed.pages[0].undecodable, 1);
    assert_eq!(parsed.warnings[0].code, WarningCode::UndecodableGlyphs);
}

#[test]
fn replacement_text_helps_only_where_the_font_does_not() {
    let mut pdf = Pdf::new();
    pdf.font(
        "F2",
        dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Odd",
            "Encoding" => dictionary! { "Differences" => vec![65.into(), Object::Name(b"g17".to_vec())] },
        },
    );
    pdf.page(&format!(
        "/Span <</ActualText (nothing is due)>> BDC BT /F1 12 Tf 72 700 Td ({CLAUSE}) Tj ET EMC \
         /Span <</ActualText <FEFF2713>>> BDC BT /F2 12 Tf 72 650 Td (A) Tj ET EMC"
    ));

    assert_eq!(read(&pdf.bytes()).content, format!("{CLAUSE}\n\n✓"));
}

#[test]
fn filled_form_fields_are_part_of_the_page() {
    let mut pdf = Pdf::new();
    let fonts = pdf.resources.clone();
    let appearance = pdf.stream(
        dictionary! {
            "Type" => "XObject", "Subtype" => "Form", "Resources" => fonts,
            "BBox" => vec![0.into(), 0.into(), 100.into(), 20.into()],
        },
        b"BT /F1 12 Tf 2 5 Td (Acme Ltd) Tj ET",
    );
    let field = |hidden: i64| {
        dictionary! {
            "Type" => "Annot", "Subtype" => "Widget", "F" => hidden, "AP" => dictionary! { "N" => appearance },
            "Rect" => vec![200.into(), 695.into(), 300.into(), 715.into()],
        }
    };
    let fields = vec![pdf.document.add_object(field(4)).into(), pdf.document.add_object(field(2)).into()];
    pdf.page.set("Annots", Object::Array(fields));
    pdf.page("BT /F1 12 Tf 72 700 Td (Name of this lessee:) Tj ET BT /F1 12 Tf 72 600 Td (The end.) Tj ET");

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, "Name of this lessee: Acme Ltd\n\nThe end.");
    near(word(&parsed, &parsed.pages[0], "Acme").rect, [202.0, 90.6, 232.7, 102.6]);
}
