//! What embedded font files tell about characters: built-in encodings, names of glyphs, reversed character maps, and
//! whether a glyph leaves any ink. Knows no dictionaries beyond the font descriptor that holds the file.

use super::super::objects;
use super::Characters;
use super::names;
use lopdf::Dictionary;
use lopdf::Document;
use std::collections::HashMap;
use ttf_parser::Face;
use ttf_parser::GlyphId;
use ttf_parser::OutlineBuilder;
use ttf_parser::cff;
use ttf_parser::cmap::Subtable;

/// The characters of the 256 codes of a font's own encoding.
pub(super) type BuiltIn = Vec<Option<Characters>>;

/// Reads the encoding built into the embedded file of a simple font.
pub(super) fn built_in_encoding(
    document: &Document,
    descriptor: &Dictionary,
    limit: usize,
) -> Option<BuiltIn> {
    let file = |key: &[u8]| objects::unpack(objects::stream(document, descriptor, key)?, limit);
    if let Some(bytes) = file(b"FontFile3") {
        return cff_encoding(&bytes);
    }
    if let Some(bytes) = file(b"FontFile2") {
        return true_type_encoding(&bytes);
    }
    type1_encoding(&file(b"FontFile")?)
}

fn cff_encoding(bytes: &[u8]) -> Option<BuiltIn> {
    let table = match cff::Table::parse(bytes) {
        Some(table) => table,
        None => Face::parse(bytes, 0).ok()?.tables().cff?,
    };
    let character = |code: u8| {
        let glyph = table.glyph_index(code)?;
        names::characters(table.glyph_name(glyph)?.as_bytes())
    };
    Some((0..=255).map(character).collect())
}

/// Reads `dup 65 /A put` from the part of a Type 1 file that is not encrypted (Adobe Type 1 Font Format, section 2.2).
fn type1_encoding(bytes: &[u8]) -> Option<BuiltIn> {
    let clear = bytes.windows(5).position(|window| window == b"eexec").map_or(bytes, |end| &bytes[..end]);
    let text = String::from_utf8_lossy(clear);
    let array = text.split_once("/Encoding")?.1;
    let mut encoding: BuiltIn = vec![None; 256];
    let mut found = false;
    for entry in array.split("dup").skip(1) {
        let Some((code, rest)) = entry.split_once('/') else { continue };
        let Ok(code) = code.trim().parse::<u8>() else { continue };
        let name = rest.split_whitespace().next().unwrap_or_default();
        encoding[usize::from(code)] = names::characters(name.as_bytes());
        found = true;
    }
    found.then_some(encoding)
}

/// Reads the encoding of a symbolic TrueType font: codes through the (3, 0) or (1, 0) table to glyphs (ISO 32000-1,
/// 9.6.6.4), glyphs to characters by name or through the Unicode table turned around.
fn true_type_encoding(bytes: &[u8]) -> Option<BuiltIn> {
    let face = Face::parse(bytes, 0).ok()?;
    let by_glyph = reversed(&face);
    let tables: Vec<_> =
        face.tables().cmap?.subtables.into_iter().filter(|table| !table.is_unicode()).collect();
    let character = |code: u8| {
        let code = u32::from(code);
        let glyph = tables
            .iter()
            .find_map(|table| table.glyph_index(code).or_else(|| table.glyph_index(0xf000 + code)))
            .filter(|glyph| glyph.0 != 0)?;
        let named = face.glyph_name(glyph).and_then(|name| names::characters(name.as_bytes()));
        named.or_else(|| by_glyph.get(&glyph.0).copied().map(Characters::of))
    };
    Some((0..=255).map(character).collect())
}

/// Turns the Unicode tables of a font around, from glyph to character.
fn reversed(face: &Face<'_>) -> HashMap<u16, char> {
    let mut characters = HashMap::new();
    for table in face.tables().cmap.into_iter().flat_map(|cmap| cmap.subtables).filter(Subtable::is_unicode) {
        table.codepoints(|code| {
            if let (Some(glyph), Some(character)) = (table.glyph_index(code), char::from_u32(code)) {
                characters.entry(glyph.0).or_insert(character);
            }
        });
    }
    characters
}

/// The characters of an embedded font by glyph number, for composite fonts that say nothing else.
pub(super) struct ByGlyph {
    characters: HashMap<u16, Option<Characters>>,
}

impl ByGlyph {
    /// Reads a font file, TrueType, OpenType or bare CFF.
    pub(super) fn load(bytes: &[u8]) -> Option<Self> {
        let mut characters: HashMap<u16, Option<Characters>> = HashMap::new();
        if let Ok(face) = Face::parse(bytes, 0) {
            for (glyph, character) in reversed(&face) {
                characters.insert(glyph, Some(Characters::of(character)));
            }
            for glyph in (0..face.number_of_glyphs()).map(GlyphId) {
                let known = characters.entry(glyph.0).or_default();
                if known.is_none() {
                    *known = face.glyph_name(glyph).and_then(|name| names::characters(name.as_bytes()));
                }
                if known.is_none() && glyph.0 != 0 && face.outline_glyph(glyph, &mut Ink::default()).is_none()
                {
                    *known = Some(Characters::One(' '));
                }
            }
        } else {
            let table = cff::Table::parse(bytes)?;
            for glyph in (0..table.number_of_glyphs()).map(GlyphId) {
                let named = table.glyph_name(glyph).and_then(|name| names::characters(name.as_bytes()));
                // A glyph that draws nothing separates words, whatever it is called.
                let mut ink = Ink::default();
                let blank = glyph.0 != 0 && table.outline(glyph, &mut ink).is_ok() && !ink.any;
                let key = table.glyph_cid(glyph).unwrap_or(glyph.0);
                characters.insert(key, named.or_else(|| blank.then_some(Characters::One(' '))));
            }
        }
        Some(Self { characters })
    }

    pub(super) fn get(&self, glyph: u16) -> Option<Characters> {
        self.characters.get(&glyph).cloned().flatten()
    }
}

/// Notices whether an outline draws anything.
#[derive(Default)]
struct Ink {
    any: bool,
}

impl OutlineBuilder for Ink {
    fn move_to(&mut self, _x: f32, _y: f32) {}

    fn line_to(&mut self, _x: f32, _y: f32) {
        self.any = true;
    }

    fn quad_to(&mut self, _x1: f32, _y1: f32, _x: f32, _y: f32) {
        self.any = true;
    }

    fn curve_to(&mut self, _x1: f32, _y1: f32, _x2: f32, _y2: f32, _x: f32, _y: f32) {
        self.any = true;
    }

    fn close(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_1_file_tells_its_encoding() {
        let file = b"%!PS\n/Encoding 256 array\n0 1 255 {1 index exch /.notdef put} for\n\
            dup 65 /Omega put\ndup 66/beta put\nreadonly def\ncurrentfile eexec \xff\x00dup 67 /C put";

        let encoding = type1_encoding(file).unwrap();

        assert_eq!(encoding[65], Some(Characters::One('\u{2126}')));
        assert_eq!(encoding[66], Some(Characters::One('β')));
        assert_eq!(encoding[67], None);
    }
}
