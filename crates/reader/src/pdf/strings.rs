//! Text strings outside of pages: titles, bookmarks, replacement text (ISO 32000-1, 7.9.2.2). Knows no fonts.

use encoding_rs::GB18030;
use lopdf::Object;
use lopdf::decode_text_string;

/// Decodes a text string: UTF-16 or UTF-8 by its mark, otherwise UTF-8 or GB18030 where the bytes are plainly that,
/// which many producers write against the standard, and PDFDocEncoding for the rest. NUL is dropped.
pub(super) fn text_string(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => unmarked(bytes),
    };
    text.chars().filter(|&character| character != '\0').collect()
}

fn utf16(bytes: &[u8], word: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| word([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

fn unmarked(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let chinese = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    if let Some(text) =
        chinese.filter(|text| text.chars().all(|c| c.is_ascii() || ('\u{3000}'..'\u{a000}').contains(&c)))
    {
        return text.into_owned();
    }
    decode_text_string(&Object::string_literal(bytes)).unwrap_or_default()
}

/// Makes one line of a text: white space collapsed, control characters gone.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_are_decoded_however_they_come() {
        assert_eq!(text_string(b"\xfe\xff\x4e\x2d\x65\x87"), "中文");
        assert_eq!(text_string(b"\xff\xfe\x2d\x4e\x87\x65"), "中文");
        assert_eq!(text_string(b"\xd6\xd0\xce\xc4"), "中文");
        assert_eq!(text_string("中文".as_bytes()), "中文");
        assert_eq!(text_string(b"Caf\xe9"), "Café");
        assert_eq!(one_line(" a\r\n\tb "), "a b");
    }
}
