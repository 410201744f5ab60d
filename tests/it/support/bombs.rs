//! Small files that ask for very much, and files that were whole once. What a reader must do with a bomb is known, so the
//! code it ends with stands beside it.

use crate::support::files;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use lopdf::Document;
use lopdf::Object;
use lopdf::Stream;
use lopdf::dictionary;
use std::io::Write;

/// File name, bytes, and how it ends: `ready…`, or the code of the failure; several where a bound may be met in two ways.
pub(crate) fn bombs() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    vec![
        ("flate.pdf", one_page(packed(&zeros(), "FlateDecode")), &["damaged", "no_text"]),
        ("pages.pdf", pages(10_000), &["too_many_pages"]),
        ("loop.pdf", tree_loop(), &["damaged", "no_text"]),
        (
            "nested.pdf",
            one_page(Stream::new(dictionary! {}, nested(b'[', b']', 300_000))),
            &["damaged", "no_text"],
        ),
        ("image.pdf", image(), &["no_text"]),
        ("entities.docx", word(&entities()), &["damaged", "no_text"]),
        (
            "nested.docx",
            word(&format!("<w:document><w:body>{}", "<w:tbl><w:tr><w:tc>".repeat(100_000))),
            &["damaged", "out_of_budget"],
        ),
        ("spaces.xlsx", spaces(), &["too_large", "damaged"]),
        (
            "nested.html",
            [b"<!doctype html>".to_vec(), b"<div><b><table>".repeat(50_000)].concat(),
            &["out_of_budget", "no_text", "damaged", "empty_file"],
        ),
        (
            "nested.md",
            [b"# a\n\n# b\n\n".to_vec(), nested(b'>', b'[', 5_000)].concat(),
            &["ready", "ready_with_warnings"],
        ),
    ]
}

/// Whole files of every kind, to be damaged.
pub(crate) fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let page = "<!doctype html><h1>Rent</h1><table><tr><td>2024<td>4,200<tr><td>2025<td>4,300</table><p>Due on the fifth.";
    let mail = "From: Lin <lin@example.com>\r\nSubject: Rent\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe rent is due.\r\n--b--\r\n";
    vec![
        ("lease.pdf", files::pdf(files::LEASE)),
        ("lease.docx", files::word_document(&["甲方出租房屋一套。", "每月租金为五千元。"])),
        ("rent.xlsx", files::workbook("租金表", &[&["房屋", "月租金"], &["海港街4号", "八千元"]])),
        ("page.html", page.as_bytes().to_vec()),
        ("mail.eml", mail.as_bytes().to_vec()),
        ("contract.md", files::CONTRACT_ZH.as_bytes().to_vec()),
    ]
}

/// The same damage at every run: bytes changed, taken out, doubled, and cut off.
pub(crate) fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    // Xorshift, after Marsaglia (2003).
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance(6) {
        let at = chance(bytes.len().max(1));
        let end = (at + 1 + chance(64)).min(bytes.len());
        match chance(5) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.extend_from_within(at..end),
            2 => bytes[at..end].fill(0),
            3 if chance(3) == 0 => bytes.truncate(at),
            _ => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x55),
        }
    }
    bytes
}

fn zeros() -> Vec<u8> {
    vec![0; 200 << 20]
}

fn nested(open: u8, close: u8, depth: usize) -> Vec<u8> {
    [vec![open; depth], vec![close; depth]].concat()
}

fn packed(bytes: &[u8], filter: &str) -> Stream {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    Stream::new(dictionary! { "Filter" => filter }, packer.finish().unwrap())
}

fn one_page(content: Stream) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let content = document.add_object(content);
    finished(document, |tree| vec![dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content }])
}

fn pages(count: usize) -> Vec<u8> {
    let document = Document::with_version("1.5");
    finished(document, |tree| {
        (0..count).map(|_| dictionary! { "Type" => "Page", "Parent" => tree }).collect()
    })
}

fn finished(mut document: Document, pages: impl Fn(lopdf::ObjectId) -> Vec<lopdf::Dictionary>) -> Vec<u8> {
    let tree = document.new_object_id();
    let kids: Vec<Object> = pages(tree).into_iter().map(|page| document.add_object(page).into()).collect();
    let count = i64::try_from(kids.len()).unwrap();
    let tree_of_pages = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count,
    "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] };
    document.objects.insert(tree, tree_of_pages.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn tree_loop() -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    document.objects.insert(
        tree,
        dictionary! { "Type" => "Pages", "Kids" => vec![tree.into(), tree.into()], "Count" => 2 }.into(),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

/// A picture that would be 4.8 GB.
fn image() -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let mut image = packed(&vec![0; 60 << 20], "FlateDecode");
    image.dict.extend(
        &dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => 40_000, "Height" => 40_000,
        "ColorSpace" => "DeviceRGB", "BitsPerComponent" => 8 },
    );
    let image = document.add_object(image);
    let paint = document.add_object(Stream::new(dictionary! {}, b"q 595 0 0 842 0 0 cm /Scan Do Q".to_vec()));
    finished(document, |tree| {
        vec![dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => paint,
        "Resources" => dictionary! { "XObject" => dictionary! { "Scan" => image } } }]
    })
}

fn word(document: &str) -> Vec<u8> {
    files::archive(&[("word/document.xml", document.as_bytes())])
}

fn entities() -> String {
    let entity = |level: u8| {
        let of = if level == 0 { "lol".to_owned() } else { format!("&e{};", level - 1) };
        format!(r#"<!ENTITY e{level} "{}">"#, of.repeat(10))
    };
    let entities: String = (0..10).map(entity).collect();
    format!(
        "<!DOCTYPE d [{entities}]><w:document><w:body><w:p><w:r><w:t>&e9;</w:t></w:r></w:p></w:body></w:document>"
    )
}

fn spaces() -> Vec<u8> {
    let sheet = [b"<worksheet>".to_vec(), vec![b' '; 120 << 20]].concat();
    files::archive(&[
        (
            "xl/workbook.xml",
            br#"<workbook xmlns:r="r"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            br#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        ("xl/worksheets/sheet1.xml", &sheet),
    ])
}
