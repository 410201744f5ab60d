//! Files made here: small, and with text that is known.

use lopdf::Document;
use lopdf::EncryptionState;
use lopdf::EncryptionVersion;
use lopdf::Object;
use lopdf::Permissions;
use lopdf::Stream;
use lopdf::content::Content;
use lopdf::content::Operation;
use lopdf::dictionary;
use std::io::Cursor;
use std::io::Write;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Lines of a lease, one list a page.
pub(crate) const LEASE: &[&[&str]] = &[
    &[
        "LEASE AGREEMENT",
        "Article 1 Parties",
        "This lease is made between Aurora Properties Limited and Borealis Trading Company.",
        "Article 2 Rent",
        "The monthly rent is 4,200 euros and is due on the fifth day of each month.",
        "Late payments bear interest at eight per cent a year.",
    ],
    &[
        "Article 3 Term and termination",
        "Either party may terminate this lease by giving ninety days written notice.",
        "The deposit of 12,600 euros is returned within thirty days after the premises are vacated.",
        "Article 4 Governing law",
        "This lease is governed by the laws of the Netherlands.",
    ],
];

/// A Chinese service contract as Markdown.
pub(crate) const CONTRACT_ZH: &str = "# 技术服务合同\n\n## 第一条 服务内容\n\n乙方为甲方提供服务器维护服务，每月巡检两次。\n\n\
    ## 第二条 费用\n\n服务费为每年人民币十二万元，甲方应当在合同签订后十五日内支付。\n\n\
    ## 第三条 违约责任\n\n任何一方逾期履行义务的，每逾期一日应当支付合同总额千分之三的违约金。\n\n\
    ## 第四条 争议解决\n\n双方发生争议的，提交北京仲裁委员会仲裁。\n";

/// A Word document whose clause numbers stand in no text: Word counts them, `第%1条`.
pub(crate) fn word_document(clauses: &[&str]) -> Vec<u8> {
    const NUMBERING: &str = r#"<w:numbering xmlns:w="w">
        <w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/>
        <w:lvlText w:val="第%1条"/></w:lvl></w:abstractNum>
        <w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>"#;
    let numbered = r#"<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>"#;
    let paragraph = |clause: &&str| format!("<w:p>{numbered}<w:r><w:t>{clause}</w:t></w:r></w:p>");
    let paragraphs = clauses.iter().map(paragraph).collect::<Vec<_>>().concat();
    let document = format!(r#"<w:document xmlns:w="w"><w:body>{paragraphs}</w:body></w:document>"#);
    zipped(&[("word/document.xml", document.as_str()), ("word/numbering.xml", NUMBERING)])
}

/// A Word document from what stands in its body.
pub(crate) fn word_body(body: &str) -> Vec<u8> {
    let document = format!(r#"<w:document xmlns:w="w"><w:body>{body}</w:body></w:document>"#);
    zipped(&[("word/document.xml", document.as_str())])
}

/// An Excel workbook of one sheet, its cells as text.
pub(crate) fn workbook(sheet: &str, rows: &[&[&str]]) -> Vec<u8> {
    let cell = |text: &&str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let row = |cells: &&[&str]| format!("<row>{}</row>", cells.iter().map(cell).collect::<Vec<_>>().concat());
    let rows = rows.iter().map(row).collect::<Vec<_>>().concat();
    zipped(&[
        (
            "xl/workbook.xml",
            &format!(
                r#"<workbook xmlns:r="r"><sheets><sheet name="{sheet}" r:id="r1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")),
    ])
}

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts: Vec<_> = parts.iter().map(|(name, part)| (*name, part.as_bytes())).collect();
    archive(&parts)
}

/// A zip archive of files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Writes other bytes, as many, over a name in an archive: those of a code page, which the writer does not know.
pub(crate) fn rename(archive: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> =
        (0..archive.len() - from.len()).filter(|&at| archive[at..].starts_with(from)).collect();
    assert_eq!(places.len(), 2, "the file's header and the directory");
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to);
    }
}

/// Marks a file of an archive as encrypted, in its header and in the directory.
pub(crate) fn lock(archive: &mut [u8], name: &[u8]) {
    for at in 46..archive.len() - name.len() {
        if archive[at..].starts_with(name) {
            let (local, directory) = (&archive[at - 30..at - 26], &archive[at - 46..at - 42]);
            match (local, directory) {
                (b"PK\x03\x04", _) => archive[at - 24] |= 1,
                (_, b"PK\x01\x02") => archive[at - 38] |= 1,
                _ => {}
            }
        }
    }
}

/// A PDF with a page for each list of lines, in Helvetica, 12 points, lines 24 points apart.
pub(crate) fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    saved(document(pages))
}

/// The same with an attachment of so many bytes that no packing makes smaller.
pub(crate) fn large_pdf(pages: &[&[&str]], bytes: usize) -> Vec<u8> {
    let mut document = document(pages);
    // A linear congruential generator (Knuth's MMIX): what counts is that it is no pattern.
    let mut state: u64 = 1;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    let attachment = Stream::new(dictionary! { "Type" => "EmbeddedFile" }, noise.take(bytes).collect());
    document.add_object(attachment);
    saved(document)
}

/// A PDF of one page that holds more than it shows: a line in white and one half a point high.
pub(crate) fn pdf_that_hides(lines: &[&str], white: &str, tiny: &str) -> Vec<u8> {
    let line = |size: f32, y: i64, line: &str| {
        vec![
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec!["F1".into(), size.into()]),
            Operation::new("Td", vec![72.into(), y.into()]),
            Operation::new("Tj", vec![Object::string_literal(line)]),
            Operation::new("ET", vec![]),
        ]
    };
    let mut operations = text(lines);
    operations.extend(line(0.5, 400, tiny));
    operations.push(Operation::new("rg", vec![1.into(), 1.into(), 1.into()]));
    operations.extend(line(12.0, 300, white));
    saved(with_pages(vec![operations]))
}

/// The same as `pdf`, opened only by a password.
pub(crate) fn encrypted_pdf(pages: &[&[&str]]) -> Vec<u8> {
    let mut document = document(pages);
    document.trailer.set("ID", Object::Array(vec![Object::string_literal("a"), Object::string_literal("b")]));
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: "secret",
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    saved(document)
}

/// The pages of a PDF as pictures of 144 dots an inch, each lying a quarter turn anticlockwise if `turned`.
pub(crate) fn scan_of(pdf: &[u8], pages: u32, turned: bool) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let mut kids = Vec::new();
    for page in 1..=pages {
        let request = reader::RenderRequest { page, scale: 2.0, highlights: Vec::new(), password: None };
        let image = reader::render(pdf, &request).unwrap();
        let mut picture = png::Decoder::new(Cursor::new(image)).read_info().unwrap();
        let mut pixels = vec![0; picture.output_buffer_size().unwrap()];
        let info = picture.next_frame(&mut pixels).unwrap();
        let (width, height) = (i64::from(info.width), i64::from(info.height));
        let image = dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => width, "Height" => height,
        "ColorSpace" => "DeviceRGB", "BitsPerComponent" => 8 };
        let image = document.add_object(Stream::new(image, pixels));
        let resources = dictionary! { "XObject" => dictionary! { "Scan" => image } };
        let paint = Stream::new(dictionary! {}, b"q 595 0 0 842 0 0 cm /Scan Do Q".to_vec());
        let paint = document.add_object(paint);
        kids.push(Object::from(document.add_object(dictionary! { "Type" => "Page", "Parent" => tree,
        "Contents" => paint, "Resources" => resources, "Rotate" => if turned { 270 } else { 0 },
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] })));
    }
    let count = i64::from(pages);
    document
        .objects
        .insert(tree, Object::from(dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    saved(document)
}

/// A PDF whose pages hold nothing but a filled rectangle: as a scan, it has no text.
pub(crate) fn scanned_pdf() -> Vec<u8> {
    let paint = vec![
        Operation::new("re", vec![50.into(), 50.into(), 400.into(), 600.into()]),
        Operation::new("f", vec![]),
    ];
    saved(with_pages(vec![paint]))
}

fn document(pages: &[&[&str]]) -> Document {
    with_pages(pages.iter().map(|lines| text(lines)).collect())
}

fn text(lines: &[&str]) -> Vec<Operation> {
    let mut operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 12.into()]),
        Operation::new("TL", vec![24.into()]),
        Operation::new("Td", vec![72.into(), 760.into()]),
    ];
    for line in lines {
        operations.push(Operation::new("Tj", vec![Object::string_literal(*line)]));
        operations.push(Operation::new("T*", vec![]));
    }
    operations.push(Operation::new("ET", vec![]));
    operations
}

fn with_pages(pages: Vec<Vec<Operation>>) -> Document {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let font = document.add_object(
        dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding" },
    );
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let mut kids = Vec::new();
    for operations in pages {
        let content = Content { operations }.encode().unwrap();
        let content = document.add_object(Stream::new(dictionary! {}, content));
        let page = dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] };
        kids.push(Object::from(document.add_object(page)));
    }
    let count = i64::try_from(kids.len()).unwrap();
    document
        .objects
        .insert(tree, Object::from(dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    document
}

fn saved(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}
