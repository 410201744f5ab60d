//! Footnotes and their marks, words broken at the ends of lines, writing that runs otherwise.

use crate::fixture::Pdf;
use crate::fixture::lines;
use crate::fixture::read;
use crate::fixture::word;
use lopdf::Object;
use lopdf::dictionary;
use reader::Span;

#[test]
fn a_footnote_stands_after_the_text_and_its_mark_apart_from_the_number_before_it() {
    let mut pdf = Pdf::new();
    let mut content = lines(72, 686, &["The deposit is returned at", "the end of the"]);
    content.push_str("BT /F1 12 Tf 72 700 Td (Payment is due within 30) Tj /F1 7 Tf 5 Ts (1) Tj /F1 12 Tf 0 Ts ( days.) Tj ET\n");
    content
        .push_str("BT /F1 5 Tf 72 63 Td (1) Tj /F1 8 Tf 0 -3 Td 4 0 Td (Counted from the invoice.) Tj ET\n");
    pdf.page(&content);
    pdf.page(&lines(72, 700, &["term of the lease."]));

    let parsed = read(&pdf.bytes());

    assert_eq!(
        parsed.content,
        "Payment is due within 30[^1] days.\nThe deposit is returned at\nthe end of the\n\n\
         [^1] Counted from the invoice.\n\nterm of the lease."
    );
    let mark = word(&parsed, &parsed.pages[0], "[^1]").rect;
    assert!(mark.width() < 5.0 && mark.y0 > 88.0 && mark.y1 < 98.0, "{mark:?}");
}

#[test]
fn footnotes_of_columns_do_not_stand_between_them() {
    let mut pdf = Pdf::new();
    let mut content = String::new();
    for line in 0..8 {
        content.push_str(&lines(50, 700 - 14 * line, &[&format!("left column line {line} of running text")]));
        content.push_str(&lines(
            310,
            700 - 14 * line,
            &[&format!("right column line {line} of running text")],
        ));
    }
    // The mark stands at the end of the first line of the left column.
    content = content.replacen(") Tj ET", ") Tj /F1 7 Tf 5 Ts (2) Tj ET", 1);
    content.push_str("BT /F1 8 Tf 50 560 Td (2 A note of the left column.) Tj ET\n");
    pdf.page(&content);

    let content = read(&pdf.bytes()).content;

    assert!(content.starts_with("left column line 0 of running text[^2]\nleft"), "{content}");
    assert!(
        content.ends_with("right column line 7 of running text\n\n2 A note of the left column."),
        "{content}"
    );
}

#[test]
fn powers_and_units_are_told_from_notes() {
    let raised = |before: &str, sign: &str| {
        let mut pdf = Pdf::new();
        pdf.page(&format!(
            "{}BT /F1 12 Tf 72 600 Td ({before}) Tj /F1 7 Tf 5 Ts ({sign}) Tj ET",
            lines(72, 700, &["The lessee shall pay the rent in advance."])
        ));
        read(&pdf.bytes()).content.lines().last().unwrap().to_owned()
    };

    assert_eq!(raised("area 500 m", "2"), "area 500 m2");
    assert_eq!(raised("10", "6"), "10^6");
    assert_eq!(raised("the agreement", "12"), "the agreement[^12]");
}

#[test]
fn a_word_broken_at_the_end_of_a_line_is_one_word_with_two_boxes() {
    let mut pdf = Pdf::new();
    pdf.page(&lines(
        72,
        700,
        &["The lessor may end this agree-", "ment at any time. A long-", "term lease ends later."],
    ));
    pdf.page(&lines(72, 700, &["This agreement is a long-term lease."]));

    let parsed = read(&pdf.bytes());

    assert_eq!(
        parsed.content,
        "The lessor may end this agreement\nat any time. A long-term\nlease ends later.\nThis agreement is a long-term lease."
    );
    let at = parsed.content.find("agreement").unwrap() as u32;
    let boxes = reader::rects_for(&parsed.pages[0], Span { start: at, end: at + 9 });
    assert_eq!(boxes.len(), 2);
    assert!(boxes[0].y1 < boxes[1].y0 + 3.0 && boxes[1].x0 < 73.0 && boxes[1].x1 < 110.0, "{boxes:?}");
}

#[test]
fn writing_set_glyph_by_glyph_is_read_downwards() {
    let mut pdf = Pdf::new();
    let map = pdf.stream(
        dictionary! {},
        "1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <4E00> <9FFF> <4E00> endbfrange".as_bytes(),
    );
    let system = dictionary! {
        "Registry" => Object::string_literal("Adobe"), "Ordering" => Object::string_literal("Identity"),
        "Supplement" => 0,
    };
    let descendant = dictionary! {
        "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => "SimSun", "DW" => 1000, "CIDSystemInfo" => system,
    };
    let descendant = pdf.document.add_object(descendant);
    pdf.font(
        "F2",
        dictionary! {
            "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "SimSun", "Encoding" => "Identity-H",
            "DescendantFonts" => vec![descendant.into()], "ToUnicode" => map,
        },
    );
    let mut content = String::new();
    for (column, text) in
        ["承租人应当按照合同约定的期限支付", "租金逾期未付的出租人可以解除本合同"].iter().enumerate()
    {
        for (row, character) in text.chars().enumerate() {
            let (x, y) = (400 - 20 * column, 700 - 12 * row);
            content.push_str(&format!("BT /F2 12 Tf {x} {y} Td <{:04X}> Tj ET\n", character as u32));
        }
    }
    pdf.page(&content);

    let parsed = read(&pdf.bytes());

    assert_eq!(parsed.content, "承租人应当按照合同约定的期限支付\n租金逾期未付的出租人可以解除本合同");
    let boxes = reader::rects_for(&parsed.pages[0], Span { start: 3, end: 5 });
    assert_eq!(boxes.len(), 1, "{boxes:?}");
    assert!((boxes[0].height() - 24.0).abs() < 2.0 && boxes[0].width() < 13.0, "{boxes:?}");
}

#[test]
fn a_label_turned_beside_the_text_does_not_cut_it() {
    let mut pdf = Pdf::new();
    let label = "BT /F1 10 Tf 0 1 -1 0 40 650 Tm (Specimen copy) Tj ET\n";
    pdf.page(&format!("{label}{}", lines(72, 700, &["The lessee shall pay", "the rent in advance."])));

    assert_eq!(read(&pdf.bytes()).content, "The lessee shall pay\nthe rent in advance.\n\nSpecimen copy");
}
