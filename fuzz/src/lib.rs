//! What the targets share: small limits, so that a slow input is a finding, and files around the bytes that are fuzzed,
//! so that these reach the parser and are not stopped by a checksum or a missing entry.

use reader::ReadOptions;
use std::io::Cursor;
use std::io::Write;
use zip::CompressionMethod;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Between the parts of an input.
const SEPARATOR: &[u8] = b"\n@@\n";

/// Reads a file and checks what holds of every outcome: pages in order cover the text, words stand within it.
pub fn read(bytes: &[u8]) {
    let options = ReadOptions {
        password: None,
        max_pages: 50,
        max_characters: 200_000,
        max_stream_bytes: 1 << 20,
        will_recognise: false,
    };
    let Ok(parsed) = reader::read(bytes, &options) else { return };
    let characters = parsed.content.chars().count();
    let mut end = 0;
    for page in &parsed.pages {
        assert_eq!(page.span.start, end, "pages follow each other");
        let mut at = end;
        end = page.span.end;
        for word in &page.words {
            assert!(at <= word.span.start && word.span.end <= end, "words follow each other in their page");
            at = word.span.end;
        }
    }
    assert_eq!(end as usize, characters, "pages cover the text");
}

/// Reads an Office file whose parts are the parts of the input; one that is missing is empty.
pub fn read_office(names: &[&str], input: &[u8]) {
    let mut parts = split(input);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for name in names {
        archive.start_file(*name, stored).expect("memory can be written to");
        archive.write_all(parts.next().unwrap_or_default()).expect("memory can be written to");
    }
    read(&archive.finish().expect("memory can be written to").into_inner());
}

/// A PDF of one page whose content, character map and font program are the parts of the input.
pub fn pdf(input: &[u8]) -> Vec<u8> {
    let mut parts = split(input);
    let mut stream = |number: u32, entries: &str| {
        let part = parts.next().unwrap_or_default();
        let head = format!("{number} 0 obj <</Length {}{entries}>> stream\n", part.len());
        [head.as_bytes(), part, b"\nendstream endobj\n"].concat()
    };
    let (content, map, program) = (stream(4, ""), stream(5, ""), stream(6, "/Subtype/OpenType"));
    let start = b"%PDF-1.7
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 7 0 R/F2 8 0 R/F3 9 0 R>>
/XObject<</X 4 0 R>>>>>> endobj
7 0 obj <</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 5 0 R/DescendantFonts[
<</Type/Font/Subtype/CIDFontType2/BaseFont/A/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 0>>/FontDescriptor 10 0 R>>]>> endobj
8 0 obj <</Type/Font/Subtype/TrueType/BaseFont/B/ToUnicode 5 0 R/FontDescriptor 10 0 R>> endobj
9 0 obj <</Type/Font/Subtype/Type0/BaseFont/C/Encoding 5 0 R/DescendantFonts[
<</Type/Font/Subtype/CIDFontType0/BaseFont/C/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 0>>/FontDescriptor 11 0 R>>]>> endobj
10 0 obj <</Type/FontDescriptor/FontName/A/Flags 4/FontFile2 6 0 R>> endobj
11 0 obj <</Type/FontDescriptor/FontName/C/Flags 4/FontFile3 6 0 R>> endobj
";
    [start, content.as_slice(), &map, &program, b"trailer <</Root 1 0 R>>\n%%EOF"].concat()
}

fn split(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let whole = rest.take()?;
        let end = whole.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
        rest = end.map(|end| &whole[end + SEPARATOR.len()..]);
        Some(&whole[..end.unwrap_or(whole.len())])
    })
}
