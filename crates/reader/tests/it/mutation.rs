//! Every format but PDF, whole and then damaged: no byte that is changed, lost or doubled may panic.

use crate::fixture::check_spans;
use proptest::prelude::ProptestConfig;
use proptest::proptest;
use reader::Format;
use reader::ReadOptions;
use std::io::Cursor;
use std::io::Write;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A file as its parts; one without a name is the whole file.
type Parts = Vec<(&'static str, Vec<u8>)>;

/// What is done to bytes, where, and with which value.
type Damage = (u8, usize, u8);

fn documents() -> Vec<(Format, Parts)> {
    let parts = |parts: &[(&'static str, &str)]| -> Parts {
        parts.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect()
    };
    vec![
        (Format::Docx, parts(WORD)),
        (Format::Xlsx, parts(EXCEL)),
        (Format::Pptx, parts(POWERPOINT)),
        (Format::Html, parts(&[("", PAGE)])),
        (Format::Email, parts(&[("", MAIL)])),
    ]
}

const WORD: &[(&str, &str)] = &[
    (
        "word/document.xml",
        r#"<w:document xmlns:w="w"><w:body><w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr><w:r><w:t>房屋租赁合同</w:t></w:r></w:p>
        <w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>Rent &amp; deposit</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:tcPr><w:vMerge w:val="restart"/></w:tcPr><w:p><w:r><w:t>Item</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>"#,
    ),
    (
        "word/styles.xml",
        r#"<w:styles xmlns:w="w"><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style></w:styles>"#,
    ),
    (
        "word/numbering.xml",
        r#"<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="chineseCounting"/>
        <w:lvlText w:val="第%1条"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num></w:numbering>"#,
    ),
];

const EXCEL: &[(&str, &str)] = &[
    (
        "xl/workbook.xml",
        r#"<workbook><workbookPr date1904="0"/><sheets><sheet name="租金" sheetId="1" r:id="r1"/><sheet name="B" r:id="r2" state="hidden"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="x/worksheet" Target="/xl/worksheets/sheet1.xml"/>
        <Relationship Id="r3" Type="x/styles" Target="styles.xml"/><Relationship Id="r4" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#,
    ),
    (
        "xl/styles.xml",
        r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$¥-804]#,##0.00;[Red]-0.0E+00;&quot;-&quot;"/></numFmts><cellXfs><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>"#,
    ),
    ("xl/sharedStrings.xml", r"<sst><si><t>押金_x000D_</t></si><si><r><t>Rent</t></r></si></sst>"),
    (
        "xl/worksheets/sheet1.xml",
        r#"<worksheet><cols><col min="1" max="2" hidden="1"/></cols><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" s="0"><f>B1</f><v>-8000.5</v></c></row>
        <row r="12"><c t="inlineStr"><is><t>含税</t></is></c><c t="b"><v>1</v></c><c r="XFD12" s="1"><v>45292.75</v></c></row></sheetData></worksheet>"#,
    ),
    (
        "xl/worksheets/_rels/sheet1.xml.rels",
        r#"<Relationships><Relationship Id="a" Type="x/comments" Target="../comments1.xml"/></Relationships>"#,
    ),
    (
        "xl/comments1.xml",
        r#"<comments><authors><author>Ada</author></authors><commentList><comment ref="C1" authorId="0"><text><t>Check.</t></text></comment></commentList></comments>"#,
    ),
];

const POWERPOINT: &[(&str, &str)] = &[
    (
        "ppt/presentation.xml",
        r#"<p:presentation><p:sldIdLst><p:sldId id="256" r:id="r1"/><p:sldId id="257" r:id="r2"/></p:sldIdLst></p:presentation>"#,
    ),
    (
        "ppt/_rels/presentation.xml.rels",
        r#"<Relationships><Relationship Id="r1" Type="x/slide" Target="slides/slide2.xml"/><Relationship Id="r2" Type="x/slide" Target="slides/slide1.xml"/></Relationships>"#,
    ),
    (
        "ppt/slides/slide2.xml",
        r#"<p:sld><p:sp><p:ph type="title"/><p:txBody><a:p><a:r><a:t>租赁</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:ph idx="1"/><p:txBody><a:p><a:pPr lvl="2"><a:buAutoNum/></a:pPr>
        <a:r><a:t>Rent</a:t></a:r><a:br/></a:p></p:txBody></p:sp><a:tbl><a:tr><a:tc rowSpan="2"><a:p><a:r><a:t>a</a:t></a:r></a:p></a:tc></a:tr><a:tr><a:tc vMerge="1"/></a:tr></a:tbl></p:sld>"#,
    ),
    ("ppt/slides/slide1.xml", r#"<p:sld show="0"><p:pic><a:blip/></p:pic></p:sld>"#),
    (
        "ppt/slides/_rels/slide2.xml.rels",
        r#"<Relationships><Relationship Id="n" Type="x/notesSlide" Target="../notesSlides/n1.xml"/><Relationship Id="c" Type="x/comments" Target="../c.xml"/></Relationships>"#,
    ),
    (
        "ppt/notesSlides/n1.xml",
        r#"<p:notes><p:sp><p:ph type="body"/><p:txBody><a:p><a:r><a:t>Say.</a:t></a:r></a:p></p:txBody></p:sp></p:notes>"#,
    ),
    ("ppt/c.xml", "<p:cmLst><p:cm><p:text>Check.</p:text></p:cm></p:cmLst>"),
];

const PAGE: &str = r#"<!DOCTYPE html><html><head><meta charset="utf-8"><title>Lease</title></head><body><h1>租金</h1><p>Rent is&nbsp;due.
<ol start="3"><li>one<li>two<ul><li>三</ul></ol><table><tr><td rowspan="2">a<td>b<tr><td colspan="3">c</table><pre>
x</pre><div hidden>no</div><img alt="logo"><b><i>x</b></i><table>y<tr></table></body></html>"#;

const MAIL: &str = "From: =?utf-8?B?5byg5LiJ?= <a@example.com>\r\nTo: b@example.com\r\nDate: Fri, 5 Jan 2024 14:30:00 +0800\r\nSubject: Rent\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=\"n\"\r\n\r\n\
    --n\r\nContent-Type: text/plain; charset=gbk; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=D7=E2=BD=F0 =\r\ndue\r\n\
    --n\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+56ef6YeR\r\n--n--\r\n--m\r\n\
    Content-Type: message/rfc822\r\n\r\nSubject: =?gbk?Q?=D7=E2?=\r\n\r\nold\r\n--m\r\nContent-Type: image/png; name*0*=utf-8''%E7; name*1*=%A7%9F\r\n\
    Content-ID: <1>\r\n\r\nx\r\n--m--\r\n";

fn put_together(parts: &Parts) -> Vec<u8> {
    if let [("", whole)] = &parts[..] {
        return whole.clone();
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn damage(bytes: &mut Vec<u8>, (kind, at, value): Damage) {
    if bytes.is_empty() {
        return;
    }
    let at = at % bytes.len();
    let end = (at + usize::from(value)).min(bytes.len());
    match kind % 4 {
        0 => bytes[at] = value,
        1 => drop(bytes.drain(at..end)),
        2 => bytes.extend_from_within(at..end),
        _ => bytes.truncate(at),
    }
}

fn read_or_refuse(bytes: &[u8]) {
    if let Ok(parsed) = reader::read(bytes, &ReadOptions::default()) {
        check_spans(&parsed);
    }
}

#[test]
fn whole_documents_are_read_as_what_they_are() {
    for (format, parts) in documents() {
        let bytes = put_together(&parts);

        let parsed = reader::read(&bytes, &ReadOptions::default()).unwrap();

        check_spans(&parsed);
        assert_eq!(parsed.format, format);
        assert!(parsed.content.contains('租') && parsed.content.contains("Rent"), "{}", parsed.content);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn damage_never_panics(damages in proptest::collection::vec((0_u8.., 0_usize..10_000, 0_u8..), 1..8)) {
        for (_, parts) in documents() {
            let mut bytes = put_together(&parts);
            for at in &damages {
                damage(&mut bytes, *at);
            }
            read_or_refuse(&bytes);
        }
    }

    // An archive's checksums would tell of the damage before anything is read.
    #[test]
    fn damage_inside_of_parts_never_panics(damages in proptest::collection::vec((0_u8.., 0_usize..10_000, 0_u8..), 1..8)) {
        for (_, mut parts) in documents() {
            for at in &damages {
                let part = at.1 % parts.len();
                damage(&mut parts[part].1, *at);
            }
            read_or_refuse(&put_together(&parts));
        }
    }
}
