//! Simple fonts: one byte a glyph (ISO 32000-1, 9.6). Knows no composite fonts.

use super::super::objects;
use super::Characters;
use super::Encoding;
use super::Font;
use super::Fonts;
use super::Shown;
use super::names;
use super::names::CodeTable;
use super::program;
use super::standard::Standard;
use super::vertical_extent;
use hayro_cmap::BfString;
use hayro_cmap::CMap;
use lopdf::Dictionary;
use lopdf::Document;
use std::collections::HashMap;

/// Advance of a glyph of which nothing is known, in em.
const DEFAULT_WIDTH: f64 = 0.5;

/// The glyphs of the 256 codes.
pub(super) struct Simple {
    characters: Vec<Option<Characters>>,
    widths: Vec<f64>,
}

impl Simple {
    pub(super) fn decode(&self, bytes: &[u8], shown: &mut Vec<Shown>) {
        shown.extend(bytes.iter().map(|&code| Shown {
            text: self.characters[usize::from(code)].clone(),
            advance: self.widths[usize::from(code)],
            is_word_space: code == b' ',
        }));
    }
}

/// Loads a Type 1 or TrueType font.
pub(super) fn load<'a>(fonts: &mut Fonts<'a>, dictionary: &'a Dictionary) -> Font<'a> {
    let document = fonts.document;
    let descriptor = objects::dictionary(document, dictionary, b"FontDescriptor");
    let base_font = objects::name(document, dictionary, b"BaseFont").unwrap_or_default();
    let has_widths = objects::array(document, dictionary, b"Widths").is_some();
    let embedded = descriptor.is_some_and(|descriptor| {
        [&b"FontFile"[..], b"FontFile2", b"FontFile3"].iter().any(|key| descriptor.has(key))
    });
    let standard = if embedded && has_widths { None } else { Standard::load(base_font) };
    let built_in = descriptor
        .and_then(|descriptor| program::built_in_encoding(document, descriptor, fonts.stream_limit));
    let (base, named) = base_table(document, dictionary, descriptor, standard.as_ref());
    let differences = differences(document, dictionary);
    let to_unicode = fonts.unicode_map(dictionary);

    let encoded = |code: u8| {
        if let Some(name) = differences.get(&code) {
            return names::characters(name).or_else(|| name_as_code(name, code));
        }
        let own = built_in.as_ref().and_then(|built_in| built_in[usize::from(code)].clone());
        let table = base[usize::from(code)].map(Characters::of);
        if named { table.or(own) } else { own.or(table) }
    };
    let characters: Vec<_> = (0..=255)
        .map(|code| {
            let mapped = to_unicode.as_ref().and_then(|map| lookup(map, code));
            let space = || (code == b' ').then_some(Characters::One(' '));
            prefer(mapped, || encoded(code)).or_else(space)
        })
        .collect();

    let missing = descriptor.and_then(|descriptor| objects::number(document, descriptor, b"MissingWidth"));
    let mut widths: Vec<f64> = (0..=255_u8)
        .map(|code| {
            let character = characters[usize::from(code)].as_ref().map(Characters::first);
            let known = standard.as_ref().and_then(|standard| standard.width(code, character));
            known
                .unwrap_or(missing.filter(|&width| width > 0.0).map_or(DEFAULT_WIDTH, |width| width / 1000.0))
        })
        .collect();
    read_widths(document, dictionary, 0.001, &mut widths);
    let (ascent, descent) = vertical_extent(document, descriptor);
    Font {
        encoding: Encoding::Simple(Simple { characters, widths }),
        vertical: false,
        draws_itself: false,
        ascent,
        descent,
        em: 1.0,
        bold: false,
    }
}

/// Loads a Type 3 font, whose glyphs are little pages and whose units its matrix tells (ISO 32000-1, 9.6.5).
pub(super) fn load_type3<'a>(fonts: &mut Fonts<'a>, dictionary: &'a Dictionary) -> Font<'a> {
    let document = fonts.document;
    let differences = differences(document, dictionary);
    let to_unicode = fonts.unicode_map(dictionary);
    let characters = (0..=255)
        .map(|code| {
            let mapped = to_unicode.as_ref().and_then(|map| lookup(map, code));
            let named = || names::characters(differences.get(&code)?);
            let space = || (code == b' ').then_some(Characters::One(' '));
            prefer(mapped, named).or_else(space)
        })
        .collect();
    let matrix = objects::numbers::<6>(document, dictionary, b"FontMatrix")
        .unwrap_or([0.001, 0.0, 0.0, 0.001, 0.0, 0.0]);
    let mut widths = vec![0.0; 256];
    read_widths(document, dictionary, matrix[0].abs(), &mut widths);
    let bounds = objects::numbers::<4>(document, dictionary, b"FontBBox").unwrap_or_default();
    let height = (bounds[3] - bounds[1]).abs() * matrix[3].abs();
    let em =
        if (0.001..1e4).contains(&height) { height } else { (matrix[3] * 1000.0).abs().clamp(0.001, 1e4) };
    Font {
        encoding: Encoding::Simple(Simple { characters, widths }),
        vertical: false,
        draws_itself: true,
        ascent: super::DEFAULT_ASCENT,
        descent: super::DEFAULT_DESCENT,
        em,
        bold: false,
    }
}

/// Chooses the table that codes outside of `Differences` go through, and says whether the file names it, so that it
/// outranks the encoding built into the font.
fn base_table(
    document: &Document,
    dictionary: &Dictionary,
    descriptor: Option<&Dictionary>,
    standard: Option<&Standard>,
) -> (CodeTable, bool) {
    let symbolic = descriptor
        .and_then(|descriptor| objects::number(document, descriptor, b"Flags"))
        .is_some_and(|flags| (flags as i64) & 4 != 0);
    let true_type = objects::name(document, dictionary, b"Subtype") == Some(b"TrueType");
    let named = objects::name(document, dictionary, b"Encoding").or_else(|| {
        objects::name(document, objects::dictionary(document, dictionary, b"Encoding")?, b"BaseEncoding")
    });
    if let Some(own) = standard.and_then(|standard| standard.encoding) {
        return (own, false);
    }
    if let Some(table) = named.and_then(names::base_encoding) {
        // A symbolic TrueType font is shown by its own table whatever the file names (ISO 32000-1, 9.6.6.4).
        return (*table, !(symbolic && true_type));
    }
    let implied: &[u8] = if true_type { b"WinAnsiEncoding" } else { b"StandardEncoding" };
    (names::base_encoding(implied).copied().unwrap_or([None; 256]), false)
}

/// Reads the names that `Differences` gives to codes.
fn differences<'a>(document: &'a Document, dictionary: &'a Dictionary) -> HashMap<u8, &'a [u8]> {
    let mut found = HashMap::new();
    let entries = objects::dictionary(document, dictionary, b"Encoding")
        .and_then(|encoding| objects::array(document, encoding, b"Differences"));
    let mut code = 0_i64;
    for entry in entries.unwrap_or_default() {
        let entry = objects::resolve(document, entry);
        if let Some(number) = objects::as_number(entry) {
            code = number as i64;
        } else if let Ok(name) = entry.as_name() {
            if let Ok(code) = u8::try_from(code) {
                found.insert(code, name);
            }
            code = code.saturating_add(1);
        }
    }
    found
}

/// Some producers name glyphs by their code, `C65` or `c065`; trusted only where the name repeats the very code.
fn name_as_code(name: &[u8], code: u8) -> Option<Characters> {
    let digits = std::str::from_utf8(name).ok()?.strip_prefix(['C', 'c'])?;
    let same = digits.parse::<u8>().is_ok_and(|number| number == code);
    (same && code.is_ascii_graphic()).then(|| Characters::One(char::from(code)))
}

fn read_widths(document: &Document, dictionary: &Dictionary, unit: f64, widths: &mut [f64]) {
    let first = objects::number(document, dictionary, b"FirstChar").unwrap_or(0.0);
    let given = objects::array(document, dictionary, b"Widths").unwrap_or_default();
    if first < 0.0 {
        return;
    }
    for (width, given) in widths.iter_mut().skip(first as usize).zip(given) {
        if let Some(given) = objects::as_number(objects::resolve(document, given)) {
            *width = given * unit;
        }
    }
}

/// Takes the first source unless it gives private characters and the second knows better.
pub(super) fn prefer(
    first: Option<Characters>,
    second: impl FnOnce() -> Option<Characters>,
) -> Option<Characters> {
    match first {
        Some(first) if !first.is_private() => Some(first),
        first => second().filter(|second| !second.is_private()).or(first),
    }
}

/// Looks a code up in a map to Unicode; a map to U+FFFD or U+0000 is none.
pub(super) fn lookup(map: &CMap, code: impl Into<u32>) -> Option<Characters> {
    match map.lookup_bf_string(code.into())? {
        BfString::Char(character) => Characters::new(character.encode_utf8(&mut [0; 4])),
        BfString::String(text) => Characters::new(&text),
    }
}
