//! Word documents made part by part.

use super::*;
use crate::office::package::archive;
use crate::parsed::Span;
use crate::parsed::WarningCode;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::proptest;

const NUMBERING: &str = r#"
    <w:abstractNum w:abstractNumId="7">
      <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="第%1条"/><w:pStyle w:val="Clause"/></w:lvl>
      <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/><w:isLgl/></w:lvl>
      <w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
    </w:abstractNum>
    <w:abstractNum w:abstractNumId="8">
      <w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl>
    </w:abstractNum>
    <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>
    <w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
    <w:num w:numId="3"><w:abstractNumId w:val="8"/></w:num>"#;

const STYLES: &str = r#"
    <w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>
    <w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
    <w:style w:type="paragraph" w:styleId="H1b"><w:name w:val="mine"/><w:basedOn w:val="H1"/></w:style>
    <w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="loop"/><w:basedOn w:val="Loop"/></w:style>
    <w:style w:type="paragraph" w:styleId="Clause"><w:name w:val="Clause"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>"#;

fn part(root: &str, inner: &str) -> String {
    format!(r#"<?xml version="1.0"?><w:{root} xmlns:w="w" xmlns:mc="mc" xmlns:a="a">{inner}</w:{root}>"#)
}

fn document(body: &str) -> Vec<u8> {
    archive(&[
        ("word/document.xml", &part("document", &format!("<w:body>{body}</w:body>"))),
        ("word/styles.xml", &part("styles", STYLES)),
        ("word/numbering.xml", &part("numbering", NUMBERING)),
        (
            "word/footnotes.xml",
            &part(
                "footnotes",
                r#"<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote><w:footnote w:id="1"><w:p><w:r><w:t>See annex.</w:t></w:r></w:p></w:footnote>"#,
            ),
        ),
        (
            "word/comments.xml",
            &part(
                "comments",
                r#"<w:comment w:id="0" w:author="Ada"><w:p><w:r><w:t>Check this.</w:t></w:r></w:p></w:comment>"#,
            ),
        ),
    ])
}

fn paragraph(properties: &str, text: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn numbered(numbering: &str, level: &str, text: &str) -> String {
    paragraph(&format!(r#"<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbering}"/></w:numPr>"#), text)
}

fn text_of(body: &str) -> String {
    read(&document(body), &ReadOptions::default()).unwrap().content
}

#[test]
fn paragraphs_have_the_numbers_that_word_prints() {
    let clause = |text: &str| paragraph(r#"<w:pStyle w:val="Clause"/>"#, text);
    let body = [
        clause("租赁物"),
        numbered("1", "1", "房屋。"),
        numbered("1", "1", "车位。"),
        numbered("1", "2", "one"),
        clause("租金"),
        numbered("1", "1", "每月支付。"),
        numbered("2", "0", "附件"),
        numbered("3", "0", "item"),
        numbered("0", "0", "plain"),
    ];

    assert_eq!(
        text_of(&body.concat()),
        "第一条 租赁物\n\n1.1 房屋。\n\n1.2 车位。\n\n(a) one\n\n第二条 租金\n\n2.1 每月支付。\n\n第一条 附件\n\n• item\n\nplain\n"
    );
}

#[test]
fn headings_stand_where_they_say_and_the_title_is_read() {
    let body = [
        paragraph(r#"<w:pStyle w:val="Title"/>"#, "房屋租赁合同"),
        paragraph(r#"<w:pStyle w:val="H1"/>"#, "Rent &amp; deposit"),
        paragraph(r#"<w:pStyle w:val="Loop"/>"#, "Due monthly."),
        paragraph(r#"<w:pStyle w:val="H1b"/><w:outlineLvl w:val="1"/>"#, "Late payment"),
    ];

    let parsed = read(&document(&body.concat()), &ReadOptions::default()).unwrap();

    let characters: Vec<char> = parsed.content.chars().collect();
    let found: Vec<(u8, String)> = parsed
        .headings
        .iter()
        .map(|heading| {
            let text = &characters[heading.span.start as usize..heading.span.end as usize];
            assert_eq!(text.iter().collect::<String>(), heading.title);
            (heading.level, heading.title.clone())
        })
        .collect();
    assert_eq!(found, [(1, "Rent & deposit".to_owned()), (2, "Late payment".to_owned())]);
    assert_eq!(parsed.title.as_deref(), Some("房屋租赁合同"));
    assert_eq!(parsed.pages[0].span, Span { start: 0, end: characters.len() as u32 });
}

#[test]
fn tables_are_rows_and_merged_cells_are_repeated() {
    let cell = |properties: &str, text: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", paragraph("", text))
    };
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let inner = format!("<w:tc><w:tbl>{}</w:tbl></w:tc>", row(&[cell("", "a"), cell("", "b|c")]));
    let table = [
        row(&[cell("", "Item"), cell(r#"<w:gridSpan w:val="2"/>"#, "Price")]),
        row(&[cell(r#"<w:vMerge w:val="restart"/>"#, "Rent"), cell("", "EUR"), cell("", "500")]),
        row(&[cell("<w:vMerge/>", ""), cell("", "CNY"), inner]),
        row(&[cell("", ""), cell("", "")]),
    ];

    assert_eq!(
        text_of(&format!("{}<w:tbl>{}</w:tbl>", paragraph("", "Prices:"), table.concat())),
        "Prices:\n\n| Item | Price |\n| Rent | EUR | 500 |\n| Rent | CNY | ¦ a ¦ b¦c ¦ |\n"
    );
}

#[test]
fn rows_that_name_the_columns_are_told() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph("", text));
    let row =
        |properties: &str, cells: [&str; 2]| format!("<w:tr>{properties}{}</w:tr>", cells.map(cell).concat());
    let check = |properties: &str, first: &str, expected: u32| {
        let rows = [row(first, ["项目", "租金"]), row("", ["办公室", "2400"])].concat();
        let body = format!("{}<w:tbl>{properties}{rows}</w:tbl>", paragraph("", "价格"));
        let parsed = read(&document(&body), &ReadOptions::default()).unwrap();
        let characters: Vec<char> = parsed.content.chars().collect();
        let rows: Vec<String> = parsed.tables[0]
            .rows
            .iter()
            .map(|row| characters[row.start as usize..row.end as usize].iter().collect())
            .collect();
        assert_eq!(rows, ["| 项目 | 租金 |", "| 办公室 | 2400 |"]);
        assert_eq!(parsed.tables[0].header_rows, expected, "{properties} {first}");
    };

    check("", "", 0);
    check("", "<w:trPr><w:tblHeader/></w:trPr>", 1);
    check(r#"<w:tblPr><w:tblLook w:val="04A0"/></w:tblPr>"#, "", 1);
    check(r#"<w:tblPr><w:tblLook w:val="04A0" w:firstRow="0"/></w:tblPr>"#, "", 0);
    check(
        r#"<w:tblPr><w:tblLook w:firstRow="1"/></w:tblPr>"#,
        r#"<w:trPr><w:tblHeader w:val="0"/></w:trPr>"#,
        0,
    );
}

#[test]
fn notes_and_comments_follow_their_paragraph_and_changes_are_told() {
    let body = r#"<w:p><w:r><w:t xml:space="preserve">The rent </w:t></w:r><w:ins><w:r><w:t>is due</w:t></w:r></w:ins>
        <w:del><w:r><w:delText>was due</w:delText></w:r></w:del><w:r><w:footnoteReference w:id="1"/></w:r>
        <w:r><w:commentReference w:id="0"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>
        <mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:Choice>
        <mc:Fallback><w:p><w:r><w:t>boxed</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>
        <w:r><w:t>.</w:t><w:br/><w:t>&#x4e00;</w:t></w:r><w:r><a:blip/></w:r></w:p>"#;

    let parsed = read(&document(body), &ReadOptions::default()).unwrap();

    assert_eq!(
        parsed.content,
        "boxed\n\nThe rent [inserted: is due][deleted: was due][^1].\n一\n\n[^1] See annex.\n\n[Ada: Check this.]\n"
    );
    let codes: Vec<WarningCode> = parsed.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [WarningCode::TrackedChanges, WarningCode::PicturesNotRead]);
    assert!(parsed.warnings[0].detail.contains("1 insertions, 1 deletions and 0 ends of moves are marked"));
}

#[test]
fn changes_are_marked_and_the_clauses_keep_the_numbers_they_would_have() {
    let by = r#"w:author="Ada" w:date="2026-05-01T10:00:00Z""#;
    let clause = |mark: &str, text: &str| {
        format!(
            r#"<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/><w:ins/></w:numPr><w:rPr>{mark}</w:rPr></w:pPr>{text}</w:p>"#
        )
    };
    let run = |text: &str| format!(r#"<w:r><w:t xml:space="preserve">{text}</w:t></w:r>"#);
    let gone = |text: &str| format!(r"<w:del {by}><w:r><w:delText>{text}</w:delText></w:r></w:del>");
    let new = |text: &str| format!("<w:ins {by}>{}</w:ins>", run(text));
    let heading = format!(r#"<w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr>{}{}</w:p>"#, gone("Old"), new("New"));
    let body = [
        heading,
        clause("", &run("房屋。")),
        clause("<w:del/>", &gone("车位。")),
        clause("<w:ins/>", &new("每月支付。")),
        clause("<w:del/>", &run("押金为")),
        clause("", &run("五千元。")),
        format!("<w:p><w:moveFrom>{}</w:moveFrom></w:p>", run("Moved.")),
        format!("<w:p>{}<w:moveTo>{}</w:moveTo></w:p>", run("Stays. "), run("Moved.")),
        format!(
            "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p>{}</w:p></w:tc><w:tc><w:p>{}</w:p></w:tc></w:tr></w:tbl>",
            run("a"),
            gone("b")
        ),
    ];

    let parsed = read(&document(&body.concat()), &ReadOptions::default()).unwrap();

    assert_eq!(
        parsed.content,
        "[deleted: Old][inserted: New]\n\n第一条 房屋。\n\n[deleted: 车位。]\n\n第二条 [inserted: 每月支付。]\n\n\
         第三条 押金为五千元。\n\n[moved away: Moved.]\n\nStays. [moved here: Moved.]\n\n| [deleted: a] | [deleted: b] |\n"
    );
    assert_eq!(parsed.headings[0].title, "New");
    assert_eq!(parsed.headings[0].span, Span { start: 0, end: 29 });
    let detail = &parsed.warnings[0].detail;
    assert!(
        detail.contains("(by Ada, 2026-05-01): 2 insertions, 4 deletions and 2 ends of moves"),
        "{detail}"
    );
}

#[test]
fn hidden_text_is_left_out_and_counted() {
    let run =
        |properties: &str, text: &str| format!("<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>");
    let white = r#"<w:color w:val="FFFFFF"/>"#;
    let body = [
        format!("<w:p>{}{}{}</w:p>", run("", "Seen"), run("<w:vanish/>", "secret"), run(white, "ignore all")),
        format!(
            r#"<w:tbl><w:tblPr><w:tblStyle w:val="Dark"/></w:tblPr><w:tr><w:tc><w:p>{}</w:p></w:tc></w:tr></w:tbl>"#,
            run(white, "Price")
        ),
    ];

    let parsed = read(&document(&body.concat()), &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "Seen\n\n| Price |\n");
    assert_eq!(parsed.warnings[0].code, WarningCode::HiddenText);
    assert!(
        parsed.warnings[0].detail.starts_with("15 characters are hidden"),
        "{}",
        parsed.warnings[0].detail
    );
}

#[test]
fn headers_stand_once_before_the_text_and_boxes_are_ticked_or_not() {
    let body = r#"<w:p><w:sdt><w:sdtPr><w14:checkbox xmlns:w14="w14"><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr>
        <w:sdtContent><w:r><w:t>☒</w:t></w:r></w:sdtContent></w:sdt><w:r><w:t xml:space="preserve"> Rent, </w:t></w:r>
        <w:sdt><w:sdtPr><w14:checkbox xmlns:w14="w14"/></w:sdtPr><w:sdtContent><w:r><w:sym w:char="F0A8"/></w:r></w:sdtContent></w:sdt>
        <w:r><w:t xml:space="preserve"> sale, </w:t></w:r><w:sdt><w:sdtContent><w:r><w:t>named</w:t></w:r></w:sdtContent></w:sdt>
        <w:r><w:fldChar><w:ffData><w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r>
        <w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r></w:p>"#;
    let paragraph = |text: &str| paragraph("", text);
    let relationships = r#"<Relationships><Relationship Id="a" Type="x/header" Target="header2.xml"/><Relationship Id="b" Type="x/header"
        Target="header1.xml"/><Relationship Id="c" Type="x/footer" Target="footer1.xml"/></Relationships>"#;
    let bytes = archive(&[
        ("word/document.xml", &part("document", &format!("<w:body>{body}</w:body>"))),
        ("word/_rels/document.xml.rels", relationships),
        ("word/header1.xml", &part("hdr", &paragraph("Contract No. 17"))),
        ("word/header2.xml", &part("hdr", &paragraph("Contract No. 17"))),
        ("word/footer1.xml", &part("ftr", &paragraph("Page 3 of 10"))),
    ]);

    let parsed = read(&bytes, &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "[Header: Contract No. 17]\n\n[x] Rent, [ ] sale, named[x]☒\n");
}

#[test]
fn tables_in_headers_are_read() {
    let relationships = r#"<Relationships><Relationship Id="a" Type="x/header" Target="header1.xml"/><Relationship Id="c"
        Type="x/footer" Target="footer1.xml"/></Relationships>"#;
    let table = |cells: &[&str]| {
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("<w:tc>{}</w:tc>", paragraph("", cell))).collect();
        format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", cells.concat())
    };
    let bytes = archive(&[
        ("word/document.xml", &part("document", &format!("<w:body>{}</w:body>", paragraph("", "Rent")))),
        ("word/_rels/document.xml.rels", relationships),
        ("word/header1.xml", &part("hdr", &table(&["Lease", "Contract No. 17"]))),
        ("word/footer1.xml", &part("ftr", &table(&["Page", "3 of 10"]))),
    ]);

    let parsed = read(&bytes, &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "[Header: | Lease | Contract No. 17 |]\n\nRent\n");
}

#[test]
fn how_cells_were_before_a_change_says_nothing_of_their_text() {
    let cell = |properties: &str, text: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", paragraph("", text))
    };
    let row = |cells: [String; 2]| format!("<w:tr>{}</w:tr>", cells.concat());
    let was_merged = "<w:tcPrChange><w:tcPr><w:vMerge/></w:tcPr></w:tcPrChange>";
    let rows = [
        row([cell(r#"<w:vMerge w:val="restart"/>"#, "Rent"), cell("", "500")]),
        row([cell(was_merged, "Water"), cell("", "30")]),
        row([cell("", "Gas"), cell("<w:vMerge/>", "20")]),
    ];

    assert_eq!(
        text_of(&format!("<w:tbl>{}</w:tbl>", rows.concat())),
        "| Rent | 500 |\n| Water | 30 |\n| Gas | 20 |\n"
    );
}

#[test]
fn paragraphs_without_ends_in_boxes_do_not_lose_those_around_them() {
    let without_end = |inner: &str| format!("<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{inner}</w:p>");
    let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let boxed = format!("<w:r><w:txbxContent>{}</w:txbxContent></w:r>", without_end(&run("boxed")));
    let body = [without_end(&run("before")), format!("<w:p>{boxed}{}</w:p>", run("after"))].concat();

    let text = text_of(&body);

    for word in ["before", "boxed", "after"] {
        assert_eq!(text.matches(word).count(), 1, "{text}");
    }
}

#[test]
fn notes_have_the_signs_of_the_text_and_boxes_in_them_come_once() {
    let notes = r#"<w:footnote w:id="1"><w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>See A</w:t><w:noBreakHyphen/>
        <w:t>1</w:t><w:cr/><w:t>and</w:t><w:ptab/><w:t>2</w:t><w:sym w:font="Wingdings" w:char="F0FE"/><w:instrText>PAGE</w:instrText>
        </w:r><mc:AlternateContent><mc:Choice><w:p><w:r><w:t>boxed</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>boxed</w:t>
        </w:r></w:p></mc:Fallback></mc:AlternateContent></w:p></w:footnote>"#;
    let body = r#"<w:p><w:r><w:t>Rent</w:t><w:footnoteReference w:id="1"/></w:r></w:p>"#;
    let bytes = archive(&[
        ("word/document.xml", &part("document", &format!("<w:body>{body}</w:body>"))),
        ("word/footnotes.xml", &part("footnotes", notes)),
    ]);

    let parsed = read(&bytes, &ReadOptions::default()).unwrap();

    assert_eq!(parsed.content, "Rent[^1]\n\n[^1] See A-1 and 2☒ boxed\n");
}

#[test]
fn hostile_files_are_refused_within_bounds() {
    let check = |bytes: &[u8], options: &ReadOptions, code: &str| {
        assert_eq!(read(bytes, options).unwrap_err().code(), code);
    };
    let plain = ReadOptions::default();
    let entities =
        r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><w:document xmlns:w="w"><w:t>&a;</w:t></w:document>"#;
    let deep = format!("{}{}", "<w:x>".repeat(300), "</w:x>".repeat(300));
    let bomb = document(&paragraph("", &"0".repeat(2 << 20)));

    check(&archive(&[("word/document.xml", entities)]), &plain, "damaged");
    check(&document(&deep), &plain, "out_of_budget");
    check(&document("<w:p><w:r></w:p>"), &plain, "damaged");
    check(&document(""), &plain, "empty_file");
    check(&archive(&[("other.xml", "")]), &plain, "damaged");
    check(b"PK\x03\x04 word/document", &plain, "damaged");
    assert!(bomb.len() < 64 << 10);
    check(&bomb, &ReadOptions { max_stream_bytes: 1 << 20, ..ReadOptions::default() }, "too_large");
    check(&bomb, &ReadOptions { max_characters: 1_000, ..ReadOptions::default() }, "too_large");
    let many: Vec<(String, &str)> = (0..5_001).map(|part| (part.to_string(), "")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    check(&archive(&many), &plain, "out_of_budget");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let body = [numbered("1", "0", "one"), "<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>".into()].concat();
        let mut bytes = document(&body);
        let position = at.index(bytes.len());
        bytes[position] = byte;
        let _damaged_or_not = read(&bytes, &ReadOptions::default());
        let _cut_or_not = read(&bytes[..cut.index(bytes.len())], &ReadOptions::default());
    }

    #[test]
    fn any_body_is_read_or_refused(pieces in proptest::collection::vec(0_usize..16, 0..60)) {
        const PIECES: [&str; 16] = [
            "<w:p>", "</w:p>", "<w:tbl>", "</w:tbl>", "<w:tr>", "</w:tr>", "<w:tc>", "</w:tc>", "<w:r><w:t>x</w:t></w:r>",
            "<w:del>", "</w:del>", "<w:sdt><w:sdtPr><w:checkbox/></w:sdtPr>", "</w:sdt>", "<w:trPr><w:del/></w:trPr>",
            "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>", r#"<w:pPr><w:numPr><w:ilvl w:val="200"/><w:numId w:val="2"/></w:numPr></w:pPr>"#,
        ];
        let body: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let _read_or_refused = read(&document(&body), &ReadOptions::default());
    }
}
