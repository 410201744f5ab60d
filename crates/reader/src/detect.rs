//! What kind of file some bytes are, from the bytes alone. Knows no file names and no media types of requests.

use crate::email;
use crate::error::ReadError;
use crate::office::package;
use crate::parsed::Format;
use crate::text;

/// A PDF's header may stand behind other bytes, as every reader accepts (ISO 32000-1, annex H.3.4.1).
const PDF_HEADER_WITHIN: usize = 1024;
const WORD: &str = "a Word document (DOCX)";
const EXCEL: &str = "an Excel workbook (XLSX)";
const ARCHIVE: &str = "a zip archive";
const POWERPOINT: &str = "a PowerPoint presentation (PPTX)";
/// Comments before a web page's first element may be so long.
const HTML_WITHIN: usize = 64 * 1024;
/// What pages, and pieces of them that programs save, begin with where they leave `<html>` out.
const FIRST_ELEMENTS: &[&str] = &["head", "meta", "body", "table", "style"];
/// How much of a text is looked at to tell Markdown from plain text.
const SAMPLE_CHARACTERS: usize = 64 * 1024;

/// Finds the format of a file from its content.
///
/// # Errors
/// [`ReadError::Empty`], or [`ReadError::UnknownFormat`] naming what the bytes look like.
pub fn detect(bytes: &[u8]) -> Result<Format, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::Empty);
    }
    let head = &bytes[..bytes.len().min(PDF_HEADER_WITHIN)];
    if contains(head, b"%PDF-") {
        return Ok(Format::Pdf);
    }
    if is_zip(bytes) {
        match zip_kind(bytes) {
            WORD => return Ok(Format::Docx),
            EXCEL => return Ok(Format::Xlsx),
            POWERPOINT => return Ok(Format::Pptx),
            other => return Err(ReadError::UnknownFormat { found: other.into() }),
        }
    }
    if let Some(found) = foreign_format(bytes) {
        return Err(ReadError::UnknownFormat { found: found.into() });
    }
    if email::is_email(bytes) {
        return Ok(Format::Email);
    }
    if is_html(bytes) {
        return Ok(Format::Html);
    }
    let decoded = text::decode(bytes)?;
    if is_html(decoded.content.as_bytes()) {
        return Ok(Format::Html);
    }
    if decoded.content.chars().all(char::is_whitespace) {
        return Err(ReadError::Empty);
    }
    let sample =
        decoded.content.char_indices().nth(SAMPLE_CHARACTERS).map_or(decoded.content.len(), |(at, _)| at);
    Ok(if looks_like_markdown(&decoded.content[..sample]) { Format::Markdown } else { Format::Text })
}

/// Says whether the bytes are a zip archive of files, and not a document that is kept in one.
pub fn is_archive(bytes: &[u8]) -> bool {
    is_zip(bytes) && zip_kind(bytes) == ARCHIVE
}

/// Names the format of bytes that begin like one of the usual binary files, with an article.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF87a", "a GIF image"),
        (b"GIF89a", "a GIF image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Office file"),
        (b"{\\rtf", "a rich text (RTF) file"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"Rar!", "a RAR archive"),
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"\x7fELF", "a program"),
        (b"MZ\x90\0", "a program"),
        (b"%!PS", "a PostScript file"),
        (b"SQLite format 3\0", "a database"),
        (b"ID3", "a sound file"),
        (b"OggS", "a sound file"),
        (b"\x1a\x45\xdf\xa3", "a video"),
    ];
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(name);
    }
    match (bytes.get(..4), bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"RIFF"), _, Some(b"WEBP")) => Some("a WebP image"),
        (Some(b"RIFF"), _, Some(b"WAVE" | b"AVI ")) => Some("a sound file or video"),
        (_, Some(b"ftyp"), Some(b"heic" | b"mif1" | b"avif")) => Some("a HEIC or AVIF image"),
        (_, Some(b"ftyp"), Some(_)) => Some("a video"),
        (Some([b'B', b'M', ..]), _, Some([_, _, 0, 0])) => Some("a BMP image"),
        _ => None,
    }
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Names a zip file by the entries that only one kind of document has, and that may stand nowhere else in it.
fn zip_kind(bytes: &[u8]) -> &'static str {
    const ENTRIES: &[(&str, &str)] = &[
        ("word/document", WORD),
        ("xl/workbook.bin", "a binary Excel workbook (XLSB)"),
        ("xl/workbook", EXCEL),
        ("ppt/presentation", POWERPOINT),
        ("OFD.xml", "an OFD document"),
    ];
    // By their own rules the first entry, whole and unpacked, right behind the file's header of 30 bytes.
    const FIRST: &[(&str, &str)] = &[
        ("mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument file"),
        ("mimetypeapplication/epub", "an EPUB book"),
    ];
    let first = bytes.get(30..).unwrap_or_default();
    if let Some((_, name)) = FIRST.iter().find(|(start, _)| first.starts_with(start.as_bytes())) {
        return name;
    }
    let names = package::names(bytes);
    let found = if names.is_empty() {
        // The directory is lost: names stand in the local headers at the front and in what is left of it at the back.
        let (front, back) =
            (&bytes[..bytes.len().min(1 << 16)], &bytes[bytes.len().saturating_sub(1 << 16)..]);
        let seen = |entry: &str| contains(front, entry.as_bytes()) || contains(back, entry.as_bytes());
        ENTRIES.iter().find(|(entry, _)| seen(entry))
    } else {
        // An archive of documents holds their entries too, in its bytes, but not in its own directory.
        let own = |entry: &str| {
            let mut rest = names.iter().filter_map(|name| name.strip_prefix(entry.as_bytes()));
            rest.any(|rest| !rest.contains(&b'/'))
        };
        ENTRIES.iter().find(|(entry, _)| own(entry))
    };
    found.map_or(ARCHIVE, |(_, name)| name)
}

/// Recognises a web page by how it begins, comments aside.
fn is_html(bytes: &[u8]) -> bool {
    let mut start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    start = &start[..start.len().min(HTML_WITHIN)];
    while let Some(comment) = start.strip_prefix(b"<!--") {
        let Some(end) = comment.windows(3).position(|window| window == b"-->") else { return false };
        start = comment[end + 3..].trim_ascii_start();
    }
    let start = start[..start.len().min(512)].to_ascii_lowercase();
    let begins = |name: &&str| {
        let rest = start.strip_prefix(b"<").and_then(|rest| rest.strip_prefix(name.as_bytes()));
        rest.and_then(<[u8]>::first).is_some_and(|next| *next == b'>' || next.is_ascii_whitespace())
    };
    start.starts_with(b"<!doctype html")
        || FIRST_ELEMENTS.iter().any(begins)
        || start.starts_with(b"<html")
        || (start.starts_with(b"<?xml")
            && (contains(&start, b"<html") || contains(&start, b"<!doctype html")))
}

/// Says whether a text has at least two different marks of Markdown, or several headings set off by blank lines.
/// One mark alone is no proof: `#` also begins comments in many file formats.
fn looks_like_markdown(sample: &str) -> bool {
    let (mut headings, mut fences, mut links, mut tables, mut lists, mut emphasis) = (0, 0, 0, 0, 0, 0);
    let mut previous = "";
    for line in sample.lines() {
        let trimmed = line.trim_start();
        let hashes = trimmed.bytes().take_while(|&byte| byte == b'#').count();
        if (1..=6).contains(&hashes) && trimmed[hashes..].starts_with(' ') && previous.trim().is_empty() {
            headings += 1;
        } else if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fences += 1;
        } else if is_table_rule(trimmed) {
            tables += 1;
        } else if is_setext_rule(line) && !previous.trim().is_empty() && previous.chars().count() < 80 {
            headings += 1;
        } else if trimmed.starts_with("- ") || trimmed.starts_with("* ") {
            lists += 1;
        }
        links += usize::from(
            trimmed.split_once("](").is_some_and(|(text, target)| text.contains('[') && target.contains(')')),
        );
        emphasis += usize::from(trimmed.matches("**").count() >= 2);
        previous = line;
    }
    let marks = [headings, fences / 2, links, tables, lists, emphasis];
    headings >= 2 || tables >= 1 || marks.iter().filter(|&&count| count > 0).count() >= 2
}

/// Recognises the row under a table's header, `|---|:--:|`.
fn is_table_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.contains('|') && line.contains("---") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// Recognises the line under a setext heading.
fn is_setext_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 3 && line.bytes().all(|byte| byte == b'=')
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<Format, &str>) {
        let found = detect(bytes);

        match expected {
            Ok(format) => assert_eq!(found, Ok(format)),
            Err(name) => {
                let message = found.expect_err("the file is refused").to_string();
                assert!(message.contains(name), "{message}");
            }
        }
    }

    #[test]
    fn the_content_decides() {
        check(b"junk before\n%PDF-1.4\n", Ok(Format::Pdf));
        check(b"# Title\n\nSome *text*.\n\n## Part\n\nMore.\n", Ok(Format::Markdown));
        check(b"Title\n=====\n\n- one\n- two\n", Ok(Format::Markdown));
        check("# 合同\n\n详见[附件](a.md)。\n".as_bytes(), Ok(Format::Markdown));
        check(b"#!/bin/sh\n# a comment\n# another\necho hi\n", Ok(Format::Text));
        check(b"Dear Sir,\n\nplease find enclosed - as agreed - the contract.\n", Ok(Format::Text));
        check(b"<?xml version=\"1.0\"?><data/>", Ok(Format::Text));
        check(b"PK\x03\x04\x14\0\0\0\0\0word/document.xml", Ok(Format::Docx));
        check(b"\n<!DOCTYPE HTML PUBLIC ''><body>", Ok(Format::Html));
        check(b"\xef\xbb\xbf<!-- saved --> <!-- from -->\n<html lang=zh>", Ok(Format::Html));
        check(b"<?xml version='1.0'?><!DOCTYPE html><x/>", Ok(Format::Html));
        check(b"\xff\xfe<\0h\0t\0m\0l\0>\0", Ok(Format::Html));
        check(b"In <html> pages", Ok(Format::Text));
        check(b"From: a@b\nSubject: Lease\n\nDear Ada,", Ok(Format::Email));
        check(b"From: a@b\nis what it says.\nSubject: Lease\n\n", Ok(Format::Text));
        check(b"PK\x03\x04\x14\0\0\0\0\0xl/workbook.xml", Ok(Format::Xlsx));
        check(b"PK\x03\x04\x14\0\0\0\0\0ppt/presentation.xml", Ok(Format::Pptx));
        // A deck that holds a workbook shows both names.
        check(
            &package::archive(&[("ppt/embeddings/xl/workbook.xml", ""), ("ppt/presentation.xml", "")]),
            Ok(Format::Pptx),
        );
        check(b"PK\x03\x04\x14\0\0\0\0\0xl/workbook.bin", Err("XLSB"));
    }

    #[test]
    fn labels_at_the_start_of_a_text_are_no_header_of_a_message() {
        check(b"Subject: Lease\nDate: 5 January\nLandlord: Ada\n\nThe rent is due.", Ok(Format::Text));
        check(b"From: the landlord\nTo: the tenant\n\nThe rent is due.", Ok(Format::Text));
        check(b"\xef\xbb\xbfFrom: Ada\n <a@b>\nSubject: Lease\n\nDear Bob,", Ok(Format::Email));
        check(b"From a@b Fri Jan  5 14:30:00 2024\nTo: c@d\nReceived: x\n\nDear Bob,", Ok(Format::Email));
    }

    #[test]
    fn pages_without_a_first_line_are_known_by_their_elements() {
        for start in ["head", "meta charset=utf-8", "body", "table\nborder=0", "STYLE"] {
            check(format!("<{start}>\nx").as_bytes(), Ok(Format::Html));
        }
        check(b"<header> is an element", Ok(Format::Text));
        check(b"<tables>", Ok(Format::Text));
    }

    #[test]
    fn a_long_directory_is_no_work() {
        let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0xl/workbook.xml".to_vec();
        let (start, count) = (bytes.len() as u64, 1_000_000_u64);
        let mut header = [0; 47];
        header[..4].copy_from_slice(b"PK\x01\x02");
        header[28] = 1;
        header[46] = b'x';
        bytes.extend(std::iter::repeat_n(header, count as usize).flatten());
        let end = bytes.len() as u64;
        bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
        bytes.extend([count, count, end - start, start].iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend(end.to_le_bytes());
        bytes.extend(b"\x01\0\0\0PK\x05\x06\0\0\0\0");
        bytes.extend([0xff; 12]);
        bytes.extend([0, 0]);

        check(&bytes, Ok(Format::Xlsx));

        assert!(package::names(&bytes).len() <= package::MAX_PARTS);
    }

    #[test]
    fn a_refusal_names_what_was_found() {
        check(b"", Err("empty"));
        check(b" \r\n\t", Err("empty"));
        check(b"\xef\xbb\xbf  \n", Err("empty"));
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Err("this is a PNG image"));
        check(b"PK\x03\x04\x14\0\0\0\0\0readme", Err("zip archive"));
        check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", Err("Office"));
        check(&[0, 159, 146, 150, 0, 1, 2, 3, 7, 8, 9, 200, 0], Err("binary"));
    }
}
