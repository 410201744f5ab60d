//! Glyph names and the encodings of simple fonts. The tables are those of `lopdf`: the Adobe Glyph List and the base
//! encodings of ISO 32000-1, annex D. Knows no font files.

use super::Characters;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Encoding;
use lopdf::Object;
use std::sync::LazyLock;

/// The characters of the 256 codes of a simple encoding.
pub(super) type CodeTable = [Option<char>; 256];

static STANDARD: LazyLock<CodeTable> = LazyLock::new(|| load_base(b"StandardEncoding"));
static WIN_ANSI: LazyLock<CodeTable> = LazyLock::new(|| load_base(b"WinAnsiEncoding"));
static MAC_ROMAN: LazyLock<CodeTable> = LazyLock::new(|| load_base(b"MacRomanEncoding"));
static MAC_EXPERT: LazyLock<CodeTable> = LazyLock::new(|| load_base(b"MacExpertEncoding"));

/// Returns a base encoding by its name in the file.
pub(super) fn base_encoding(name: &[u8]) -> Option<&'static CodeTable> {
    match name {
        b"StandardEncoding" => Some(&STANDARD),
        b"WinAnsiEncoding" => Some(&WIN_ANSI),
        b"MacRomanEncoding" => Some(&MAC_ROMAN),
        b"MacExpertEncoding" => Some(&MAC_EXPERT),
        _ => None,
    }
}

fn load_base(name: &[u8]) -> CodeTable {
    let font = font_with(Object::Name(name.to_vec()));
    let empty = Document::new();
    let encoding = font.get_font_encoding(&empty);
    let character = |code: usize| {
        let text = Document::decode_text(encoding.as_ref().ok()?, &[code as u8]).ok()?;
        text.chars().next().filter(|character| !character.is_control())
    };
    std::array::from_fn(character)
}

/// Returns the characters of a glyph name: from the Adobe Glyph List, by the `uniXXXX` and `uXXXXX` rules, and for
/// names put together with `_` (Adobe Glyph List Specification, section 2).
pub(super) fn characters(name: &[u8]) -> Option<Characters> {
    let name = std::str::from_utf8(name).ok()?;
    let base = name.split('.').next().filter(|base| !base.is_empty())?;
    let mut text = String::new();
    for part in base.split('_') {
        text.push_str(&component(part)?);
    }
    Characters::new(&text)
}

fn component(name: &str) -> Option<String> {
    if let (Some(only), 1) = (name.chars().next(), name.len()) {
        return only.is_ascii_graphic().then(|| only.to_string());
    }
    listed(name.as_bytes()).map(String::from).or_else(|| by_code(name))
}

/// Looks a name up in the Adobe Glyph List, through a font that has this one name in its encoding.
fn listed(name: &[u8]) -> Option<char> {
    let differences = vec![Object::Integer(0), Object::Name(name.to_vec())];
    let mut encoding = Dictionary::new();
    encoding.set("Differences", differences);
    let font = font_with(Object::Dictionary(encoding));
    let empty = Document::new();
    match font.get_font_encoding(&empty).ok()? {
        encoding @ Encoding::Differences(_) => Document::decode_text(&encoding, &[0]).ok()?.chars().next(),
        Encoding::OneByteEncoding(_) | Encoding::SimpleEncoding(_) | Encoding::UnicodeMapEncoding(_) => None,
    }
}

fn font_with(encoding: Object) -> Dictionary {
    let mut font = Dictionary::new();
    font.set("Type", Object::Name(b"Font".to_vec()));
    font.set("Encoding", encoding);
    font
}

fn by_code(name: &str) -> Option<String> {
    let hexadecimal = |digits: &str| {
        let upper = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        upper.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    if let Some(digits) = name.strip_prefix("uni").filter(|digits| digits.len() >= 4 && digits.is_ascii()) {
        let units: Option<Vec<u16>> = digits
            .as_bytes()
            .chunks_exact(4)
            .map(|unit| std::str::from_utf8(unit).ok().and_then(hexadecimal).map(|code| code as u16))
            .collect();
        return String::from_utf16(&units?).ok();
    }
    let digits = name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len()))?;
    char::from_u32(hexadecimal(digits)?).map(String::from)
}

/// The built-in encoding of Symbol from 0x21 and from 0xa0; a space stands for no character (ISO 32000-1, annex D.5).
const SYMBOL_LOW: &str =
    "!∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼";
const SYMBOL_HIGH: &str =
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭";

/// Returns the character of a code in the built-in encoding of Symbol.
pub(super) fn symbol(code: u8) -> Option<char> {
    let character = match code {
        0x20 => return Some(' '),
        0x21..=0x7e => SYMBOL_LOW.chars().nth(usize::from(code - 0x21)),
        0xa0..=0xfe => SYMBOL_HIGH.chars().nth(usize::from(code - 0xa0)),
        _ => None,
    };
    character.filter(|&character| character != ' ')
}

/// Returns the character of a code in the built-in encoding of Zapf Dingbats, whose glyph names say nothing
/// (ISO 32000-1, annex D.6; Unicode's Dingbats block keeps the same order).
pub(super) fn dingbat(code: u8) -> Option<char> {
    let elsewhere = match code {
        0x20 => ' ',
        0x25 => '\u{260e}',
        0x2a => '\u{261b}',
        0x2b => '\u{261e}',
        0x48 => '\u{2605}',
        0x6c => '\u{25cf}',
        0x6e => '\u{25a0}',
        0x73 => '\u{25b2}',
        0x74 => '\u{25bc}',
        0x75 => '\u{25c6}',
        0x77 => '\u{25d7}',
        0xa8 => '\u{2663}',
        0xa9 => '\u{2666}',
        0xaa => '\u{2665}',
        0xab => '\u{2660}',
        0xac..=0xb5 => return char::from_u32(0x2460 + u32::from(code - 0xac)),
        0xd5 => '\u{2192}',
        0xd6 => '\u{2194}',
        0xd7 => '\u{2195}',
        0x21..=0x7e => return char::from_u32(0x26e0 + u32::from(code)),
        0xa1..=0xef | 0xf1..=0xfe => return char::from_u32(0x26c0 + u32::from(code)),
        _ => return None,
    };
    Some(elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let found = characters(name.as_bytes()).map(|characters| {
            let mut text = String::new();
            characters.push_to(&mut text);
            text
        });

        assert_eq!(found.as_deref(), expected, "{name}");
    }

    #[test]
    fn glyph_names_give_their_characters() {
        check("A", Some("A"));
        check("Eacute", Some("É"));
        check("quotedblleft", Some("“"));
        check("fi", Some("fi"));
        check("f_f_i", Some("ffi"));
        check("a.sc", Some("a"));
        check("uni4E2D", Some("中"));
        check("uni00660069", Some("fi"));
        check("u1F600", Some("😀"));
        check("g123", None);
        check(".notdef", None);
        check("", None);
    }

    #[test]
    fn base_encodings_differ_where_they_should() {
        let at = |name: &[u8], code: usize| base_encoding(name).unwrap()[code];

        assert_eq!(at(b"WinAnsiEncoding", 0x93), Some('“'));
        assert_eq!(at(b"MacRomanEncoding", 0xd2), Some('“'));
        assert_eq!(at(b"StandardEncoding", 0xaa), Some('“'));
        assert_eq!(at(b"StandardEncoding", b'A'.into()), Some('A'));
    }

    #[test]
    fn dingbats_follow_the_block() {
        for (code, expected) in [(0x21, '✁'), (0x33, '✓'), (0x6c, '●'), (0xa1, '❡'), (0xc0, '➀'), (0xfe, '➾')]
        {
            assert_eq!(dingbat(code), Some(expected), "{code:x}");
        }
    }
}
