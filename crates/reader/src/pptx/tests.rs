//! Presentations made part by part.
#![expect(clippy::format_push_string, reason = "plainer, and nobody waits for a fixture")]

use super::*;
use crate::office::package::archive;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::proptest;

fn presentation(slides: &[&str], more: &[(&str, &str)]) -> Vec<u8> {
    let (mut list, mut relationships) = (String::new(), String::new());
    let mut parts: Vec<(String, String)> = Vec::new();
    for (at, inner) in slides.iter().enumerate() {
        // The order of the show is not that of the parts.
        let part = format!("slides/slide{}.xml", slides.len() - at);
        list.push_str(&format!(r#"<p:sldId id="{}" r:id="r{at}"/>"#, at + 256));
        relationships.push_str(&format!(r#"<Relationship Id="r{at}" Type="x/slide" Target="{part}"/>"#));
        let inner =
            if inner.starts_with("<p:sld") { (*inner).to_owned() } else { format!("<p:sld>{inner}</p:sld>") };
        parts.push((format!("ppt/{part}"), inner));
    }
    let main = format!("<p:presentation><p:sldIdLst>{list}</p:sldIdLst></p:presentation>");
    let relationships = format!("<Relationships>{relationships}</Relationships>");
    let mut all = vec![
        ("ppt/presentation.xml", main.as_str()),
        ("ppt/_rels/presentation.xml.rels", relationships.as_str()),
    ];
    all.extend(parts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    all.extend(more);
    archive(&all)
}

fn shape(placeholder: &str, paragraphs: &str) -> String {
    format!("<p:sp><p:nvSpPr>{placeholder}</p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>")
}

fn paragraph(properties: &str, text: &str) -> String {
    format!("<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>")
}

fn title(text: &str) -> String {
    shape(r#"<p:ph type="title"/>"#, &paragraph("", text))
}

fn text_of(slide: &str) -> String {
    read(&presentation(&[slide], &[]), &ReadOptions::default()).unwrap().content
}

#[test]
fn paragraphs_are_numbered_as_the_slide_shows() {
    let numbered = |kind: &str, start: u32, text: &str| {
        paragraph(&format!(r#"<a:pPr><a:buAutoNum type="{kind}" startAt="{start}"/></a:pPr>"#), text)
    };
    let lines: String = [
        ("alphaLcParenR", 2, "two"),
        ("alphaLcParenR", 2, "three"),
        ("romanUcPeriod", 4, "four"),
        ("ea1ChsPeriod", 3, "三"),
        ("ea1JpnKorPlain", 11, "十一"),
        ("arabicParenBoth", 1, "one"),
        ("arabicPlain", 1, "one"),
        ("circleNumDbPlain", 2, "two"),
        ("unknown", 5, "five"),
    ]
    .iter()
    .map(|(kind, start, text)| numbered(kind, *start, text))
    .collect();

    assert_eq!(
        text_of(&shape("", &lines)),
        "b) two\nc) three\nIV. four\n三. 三\n十一 十一\n(1) one\n1 one\n② two\n5. five\n"
    );
}

#[test]
fn slides_are_pages_in_the_order_of_the_show() {
    let slides = [&title("租赁 &amp; 物业") as &str, &shape("", &paragraph("", "Only text.")), &title("End")];

    let parsed = read(&presentation(&slides, &[]), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "租赁 & 物业\n\nOnly text.\n\nEnd\n");
    let spans: Vec<_> =
        parsed.pages.iter().map(|page| (page.number, page.span.start, page.span.end)).collect();
    assert_eq!(spans, [(1, 0, 9), (2, 9, 21), (3, 21, 25)]);
    let headings: Vec<_> = parsed
        .headings
        .iter()
        .map(|heading| (heading.level, heading.title.as_str(), heading.span.start))
        .collect();
    assert_eq!(headings, [(1, "租赁 & 物业", 0), (1, "End", 21)]);
    assert!(parsed.warnings.is_empty());
}

#[test]
fn the_title_goes_first_and_bullets_keep_their_level() {
    let body = [
        paragraph("", "Rent"),
        paragraph(r#"<a:pPr lvl="1"/>"#, "due monthly"),
        paragraph("", ""),
        paragraph("<a:pPr><a:buNone/></a:pPr>", "Plain"),
        paragraph(r#"<a:pPr><a:buAutoNum type="arabicPeriod" startAt="3"/></a:pPr>"#, "三"),
        paragraph(r#"<a:pPr><a:buAutoNum type="arabicPeriod" startAt="3"/></a:pPr>"#, "四"),
    ];
    let slide = [
        shape(r#"<p:ph type="sldNum"/>"#, &paragraph("", "7")),
        format!("<p:grpSp>{}</p:grpSp>", shape("", &paragraph("", "In a group"))),
        shape(r#"<p:ph idx="1"/>"#, &body.concat()),
        shape(r#"<p:ph type="ctrTitle"/>"#, "<a:p><a:r><a:t>Late</a:t></a:r><a:br/><a:r><a:t>fees</a:t></a:r></a:p>"),
        "<mc:AlternateContent><mc:Choice><p:sp><p:txBody><a:p><a:r><a:t>once</a:t></a:r></a:p></p:txBody></p:sp></mc:Choice>\
         <mc:Fallback><p:sp><p:txBody><a:p><a:r><a:t>once</a:t></a:r></a:p></p:txBody></p:sp></mc:Fallback></mc:AlternateContent>".to_owned(),
    ];

    assert_eq!(
        text_of(&slide.concat()),
        "Late fees\n\nIn a group\n\n- Rent\n  - due monthly\nPlain\n3. 三\n4. 四\n\nonce\n"
    );
}

#[test]
fn tables_are_rows_and_merged_cells_are_repeated() {
    let cell = |attributes: &str, text: &str| {
        format!("<a:tc {attributes}><a:txBody>{}</a:txBody></a:tc>", paragraph("", text))
    };
    let rows = [
        [cell(r#"gridSpan="2""#, "Item"), cell(r#"hMerge="1""#, ""), cell("", "Price")].concat(),
        [cell(r#"rowSpan="2""#, "租金"), cell("", "EUR"), cell("", "5|0")].concat(),
        [cell(r#"vMerge="1""#, ""), cell("", "CNY"), cell("", "400")].concat(),
    ];
    let rows: String = rows.iter().flat_map(|row| ["<a:tr>", row, "</a:tr>"]).collect();
    let slide = format!("<p:graphicFrame><a:graphic><a:tbl>{rows}</a:tbl></a:graphic></p:graphicFrame>");

    assert_eq!(text_of(&slide), "| Item | Price |\n| 租金 | EUR | 5¦0 |\n| 租金 | CNY | 400 |\n");
}

#[test]
fn notes_and_comments_follow_and_the_rest_is_told() {
    let slides = [
        &[
            title("One"),
            "<p:pic><p:blipFill><a:blip/></p:blipFill></p:pic><p:graphicFrame><c:chart/></p:graphicFrame>"
                .into(),
        ]
        .concat() as &str,
        r#"<p:sld show="0"><p:sp><p:txBody><a:p><a:r><a:t>Secret</a:t></a:r></a:p></p:txBody></p:sp></p:sld>"#,
        "",
    ];
    let notes = [
        shape(r#"<p:ph type="sldImg"/>"#, ""),
        shape(r#"<p:ph type="body"/>"#, &[paragraph("", "Say this."), paragraph("", "然后提问。")].concat()),
        shape(r#"<p:ph type="sldNum"/>"#, &paragraph("", "1")),
    ];
    let notes = format!("<p:notes>{}</p:notes>", notes.concat());
    let more = [
        (
            "ppt/slides/_rels/slide3.xml.rels",
            r#"<Relationships><Relationship Id="a" Type="x/notesSlide" Target="../notesSlides/notesSlide1.xml"/><Relationship Id="b" Type="x/comments" Target="../comments/comment1.xml"/></Relationships>"#,
        ),
        ("ppt/notesSlides/notesSlide1.xml", notes.as_str()),
        (
            "ppt/comments/comment1.xml",
            "<p:cmLst><p:cm><p:pos/><p:text>Check this.</p:text></p:cm><p:cm><p:txBody><a:p><a:r><a:t>And this.</a:t></a:r></a:p></p:txBody></p:cm></p:cmLst>",
        ),
        ("docProps/core.xml", "<p><title>Deck</title></p>"),
    ];

    let parsed = read(&presentation(&slides, &more), &ReadOptions::default()).unwrap();

    assert_eq!(
        parsed.content,
        "One\n\nNotes:\nSay this.\n然后提问。\n\n[Comment: Check this.]\n\n[Comment: And this.]\n\n(hidden slide)\n\nSecret\n\n"
    );
    assert_eq!(parsed.title.as_deref(), Some("Deck"));
    let warnings: Vec<_> = parsed.warnings.iter().map(|warning| (warning.code, warning.page)).collect();
    assert_eq!(
        warnings,
        [
            (WarningCode::HiddenText, Some(2)),
            (WarningCode::PageWithoutText, Some(3)),
            (WarningCode::PicturesNotRead, None)
        ]
    );
    assert!(parsed.warnings[2].detail.starts_with("1 pictures and 1 charts"));
}

#[test]
fn hostile_files_are_refused_within_bounds() {
    let check = |bytes: &[u8], options: &ReadOptions, code: &str| {
        assert_eq!(read(bytes, options).map_err(|error| error.code()).err(), Some(code));
    };
    let plain = ReadOptions::default();
    let two = ReadOptions { max_pages: 2, ..plain.clone() };
    let one = title("x");

    check(&presentation(&[&"<p:grpSp>".repeat(300)], &[]), &plain, "out_of_budget");
    check(&presentation(&[&one, &one, &one], &[]), &two, "too_many_pages");
    check(
        &presentation(&[&title(&"0".repeat(2_000))], &[]),
        &ReadOptions { max_characters: 1_000, ..plain.clone() },
        "too_large",
    );
    check(
        &presentation(&[&" ".repeat(2 << 20)], &[]),
        &ReadOptions { max_stream_bytes: 1 << 20, ..plain.clone() },
        "too_large",
    );
    check(&presentation(&["", "<p:pic><a:blip/></p:pic>"], &[]), &plain, "no_text");
    check(&presentation(&[], &[]), &plain, "empty_file");
    check(&presentation(&["<p:sp></p:txBody>"], &[]), &plain, "damaged");
    check(&archive(&[("ppt/presentation.xml", r#"<p><sldId r:id="none"/></p>"#)]), &plain, "damaged");
    check(&archive(&[("ppt/other.xml", "")]), &plain, "damaged");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = presentation(&[&title("One"), &title("Two")], &[]);
        let position = at.index(bytes.len());
        bytes[position] = byte;
        let _damaged_or_not = read(&bytes, &ReadOptions::default());
        let _cut_or_not = read(&bytes[..cut.index(bytes.len())], &ReadOptions::default());
    }

    #[test]
    fn any_slide_is_read_or_refused(pieces in proptest::collection::vec(0_usize..14, 0..60)) {
        const PIECES: [&str; 14] = [
            "<p:sp>", "</p:sp>", r#"<p:ph type="title"/>"#, "<p:ph/>", "<a:p>", "</a:p>", "<a:r><a:t>x</a:t></a:r>", "<a:tbl>", "</a:tbl>",
            "<a:tr>", r#"<a:tc vMerge="1" hMerge="1">"#, "</a:tc>", r#"<a:pPr lvl="99"><a:buAutoNum startAt="4294967295"/></a:pPr>"#, "<a:br/>",
        ];
        let slide: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let _read_or_refused = read(&presentation(&[&slide], &[]), &ReadOptions::default());
    }
}
