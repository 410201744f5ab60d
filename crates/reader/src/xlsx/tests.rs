//! Workbooks made part by part.
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "plainer, and nobody waits for a fixture"
)]

use super::*;
use crate::office::package::archive;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::proptest;

const STYLES: &str = r#"<styleSheet><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>
    <numFmt numFmtId="165" formatCode="&quot;¥&quot;#,##0.00"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>
    <cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="10"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;
const STRINGS: &str = r#"<sst uniqueCount="99999999999999999999"><si><t>Item</t></si><si><r><t>Monthly </t></r><r><rPr><b/></rPr><t>price</t></r></si>
    <si><t>租金</t><rPh sb="0" eb="2"><t>zujin</t></rPh></si><si><t xml:space="preserve">  押金_x000D_
(two | lines) </t></si></sst>"#;

fn workbook(sheets: &[(&str, &str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let mut tabs = String::new();
    let mut relationships = String::from(
        r#"<Relationship Id="s" Type="x/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="f" Type="x/styles" Target="/xl/styles.xml"/>"#,
    );
    let mut parts: Vec<(String, String)> = Vec::new();
    for (at, (name, attributes, inner)) in sheets.iter().enumerate() {
        // The order of the tabs is not that of the parts.
        let part = format!("worksheets/sheet{}.xml", sheets.len() - at);
        tabs.push_str(&format!(r#"<sheet name="{name}" sheetId="{at}" r:id="r{at}" {attributes}/>"#));
        relationships.push_str(&format!(r#"<Relationship Id="r{at}" Type="x/worksheet" Target="{part}"/>"#));
        parts.push((format!("xl/{part}"), format!(r#"<worksheet xmlns:mc="mc">{inner}</worksheet>"#)));
    }
    let main = format!(r#"<workbook xmlns:r="r"><sheets>{tabs}</sheets></workbook>"#);
    let relationships = format!("<Relationships>{relationships}</Relationships>");
    let mut all = vec![
        ("xl/workbook.xml", main.as_str()),
        ("xl/_rels/workbook.xml.rels", relationships.as_str()),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", STRINGS),
    ];
    all.extend(parts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    all.extend(more);
    archive(&all)
}

fn data(rows: &str) -> String {
    format!("<sheetData>{rows}</sheetData>")
}

fn text_of(rows: &str) -> String {
    read(&workbook(&[("租金表", "", &data(rows))], &[]), &ReadOptions::default()).unwrap().content
}

#[test]
fn rows_name_their_cells_and_show_what_excel_shows() {
    let rows = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
        <row r="3"><c r="A3" t="s"><v>2</v></c><c r="B3" s="2"><v>8000</v></c><c r="D3" s="1"><v>45292</v></c></row>
        <row r="4"><c r="A4" t="s"><v>3</v></c><c r="B4" s="2"><f>B3*2</f><v>16000</v></c><c r="C4" s="9"/></row>
        <row r="5"><c r="A5" t="inlineStr"><is><t>Late fee</t></is></c><c r="B5" s="3"><v>5.0000000000000001E-4</v></c></row>
        <row><c t="b"><v>1</v></c><c t="e"><v>#DIV/0!</v></c><c t="str"><f>A1</f><v>a&amp;b</v></c><c><v>0.30000000000000004</v></c></row>"#;

    assert_eq!(
        text_of(rows),
        "租金表\n\n# | A | B | C | D |\n1 | Item | Monthly price |\n3 | 租金 | ¥8,000.00 |  | 2024-01-01 |\n\
         4 | 押金 (two ¦ lines) | ¥16,000.00 |\n5 | Late fee | 0.05% |\n6 | TRUE | #DIV/0! | a&b | 0.3 |\n"
    );
}

#[test]
fn damaged_properties_cost_the_title_only() {
    let rows = data(r#"<row r="1"><c r="A1"><v>1</v></c></row>"#);
    for properties in ["<title>x</", "<!DOCTYPE x>", "<title>&none;</title>"] {
        let book = workbook(&[("S", "", &rows)], &[("docProps/core.xml", properties)]);

        let parsed = read(&book, &ReadOptions::default()).unwrap();

        assert_eq!((parsed.title, parsed.content.as_str()), (None, "S\n\n# | A |\n1 | 1 |\n"));
    }
}

#[test]
fn sheets_are_pages_in_the_order_of_their_tabs() {
    let rows = data(r#"<row r="1"><c r="A1"><v>1</v></c></row>"#);
    let sheets = [
        ("Prices", "", rows.as_str()),
        ("Empty", "", "<sheetData/>"),
        ("附件二", r#"state="hidden""#, &rows),
    ];

    let parsed = read(&workbook(&sheets, &[]), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "Prices\n\n# | A |\n1 | 1 |\n\n附件二 (hidden sheet)\n\n# | A |\n1 | 1 |\n");
    let pages: Vec<_> = parsed
        .pages
        .iter()
        .map(|page| (page.number, page.label.as_deref(), page.span.start, page.span.end))
        .collect();
    assert_eq!(pages, [(1, Some("Prices"), 0, 25), (2, Some("附件二"), 25, 61)]);
    let headings: Vec<_> = parsed
        .headings
        .iter()
        .map(|heading| (heading.level, heading.title.as_str(), heading.span.start))
        .collect();
    assert_eq!(headings, [(1, "Prices", 0), (1, "附件二 (hidden sheet)", 25)]);
    assert_eq!((parsed.warnings[0].code, parsed.warnings[0].page), (WarningCode::HiddenText, Some(2)));
}

#[test]
fn comments_and_text_boxes_follow_and_the_rest_is_told() {
    let sheet = format!(
        r#"<cols><col min="2" max="3" hidden="1"/></cols>{}"#,
        data(
            r#"<row r="1"><c r="A1"><f>NOW()</f></c><c r="B1"><v>7</v></c><c r="C1" t="s"><v>77</v></c></row>"#
        )
    );
    let more = [
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            r#"<Relationships><Relationship Id="a" Type="x/comments" Target="../comments1.xml"/><Relationship Id="b" Type="x/drawing" Target="../drawings/drawing1.xml"/></Relationships>"#,
        ),
        (
            "xl/comments1.xml",
            r#"<comments><authors><author>Ada</author></authors><commentList><comment ref="B1" authorId="0"><text><r><t>Check this.</t></r></text></comment></commentList></comments>"#,
        ),
        (
            "xl/drawings/drawing1.xml",
            "<wsDr><sp><txBody><a:p xmlns:a='a'><a:r><a:t>注：含税</a:t></a:r></a:p></txBody></sp></wsDr>",
        ),
        ("xl/media/image1.png", ""),
        ("xl/charts/chart1.xml", ""),
        ("docProps/core.xml", "<p><title>Price list</title></p>"),
    ];

    let parsed = read(&workbook(&[("S", "", &sheet)], &more), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "S\n\n# | B (hidden) |\n1 | 7 |\n\n[B1, Ada: Check this.]\n\n注：含税\n");
    assert_eq!(parsed.title.as_deref(), Some("Price list"));
    let warnings: Vec<_> = parsed.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(
        warnings,
        [WarningCode::HiddenText, WarningCode::PageIncomplete, WarningCode::PicturesNotRead]
    );
    assert!(parsed.warnings[1].detail.contains("no value for 2 cells"), "{}", parsed.warnings[1].detail);
    assert!(parsed.warnings[2].detail.starts_with("1 pictures and 1 charts"));
}

#[test]
fn hostile_files_are_refused_within_bounds() {
    let check = |sheet: &str, options: &ReadOptions, code: &str| {
        let bytes = workbook(&[("S", "", sheet)], &[]);
        assert_eq!(read(&bytes, options).unwrap_err().code(), code);
    };
    let plain = ReadOptions::default();
    let cells = |count: u32| -> String {
        (1..=count).map(|at| format!(r#"<c r="{}{at}" t="s"><v>0</v></c>"#, grid::letters(at))).collect()
    };

    check(&data(&cells(4_000)), &plain, "out_of_budget");
    check(&data(&cells(300)), &ReadOptions { max_characters: 250, ..plain.clone() }, "out_of_budget");
    check(&data(&cells(3)), &ReadOptions { max_characters: 20, ..plain.clone() }, "too_large");
    check(&data(&"<row>".repeat(300)), &plain, "out_of_budget");
    check(&data(r#"<c r="A4000000000"><v>1</v></c>"#), &plain, "out_of_budget");
    check("<sheetData/>", &plain, "empty_file");
    check("<sheetData>", &plain, "damaged");
    check(
        &data(&" ".repeat(2 << 20)),
        &ReadOptions { max_stream_bytes: 1 << 20, ..plain.clone() },
        "too_large",
    );
    let many: Vec<(&str, &str, &str)> = vec![("S", "", "<sheetData/>"); 3];
    let two = ReadOptions { max_pages: 2, ..plain.clone() };
    assert_eq!(read(&workbook(&many, &[]), &two).unwrap_err().code(), "too_many_pages");
    assert_eq!(read(&archive(&[("xl/other.xml", "")]), &plain).unwrap_err().code(), "damaged");
    // One place, far out, costs what one place costs.
    assert_eq!(text_of(r#"<c r="XFD1048576"><v>1</v></c>"#), "租金表\n\n# | XFD |\n1048576 | 1 |\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let sheet = data(r#"<row r="1"><c r="A1" s="1"><v>45292</v></c></row>"#);
        let mut bytes = workbook(&[("S", "", &sheet)], &[]);
        let position = at.index(bytes.len());
        bytes[position] = byte;
        let _damaged_or_not = read(&bytes, &ReadOptions::default());
        let _cut_or_not = read(&bytes[..cut.index(bytes.len())], &ReadOptions::default());
    }

    #[test]
    fn any_format_shows_any_number(code in "[0#?.,%E+;\"\\\\\\[\\]$_*!ymdhs年 -]{0,20}", number in any::<f64>()) {
        let _shown = format::Format::new(&code).show(number, false);
    }

    #[test]
    fn any_sheet_is_read_or_refused(pieces in proptest::collection::vec(0_usize..10, 0..60)) {
        const PIECES: [&str; 10] = [
            "<row>", "</row>", r#"<c r="B9" s="4">"#, "<c>", "</c>", "<v>1</v>", "<f>x</f>", "<is><t>x</t></is>",
            r#"<c t="s" r="ZZZZZZZZZZZZZ1">"#, r#"<row r="0" hidden="1"/>"#,
        ];
        let sheet: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let _read_or_refused = read(&workbook(&[("S", "", &data(&sheet))], &[]), &ReadOptions::default());
    }
}
