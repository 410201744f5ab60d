//! The fourteen fonts that files may use without describing them (ISO 32000-1, 9.6.2.2), by the metrics of their free
//! substitutes, which the renderer brings along. Knows no font dictionaries.

use super::names;
use super::names::CodeTable;
use hayro::hayro_interpret::font::StandardFont;
use std::collections::HashMap;
use ttf_parser::GlyphId;
use ttf_parser::cff;

/// What is known of a standard font.
pub(super) struct Standard {
    widths: HashMap<char, f64>,
    /// Its own encoding, where it differs from the Standard encoding: Symbol and Zapf Dingbats.
    pub(super) encoding: Option<CodeTable>,
    widths_by_code: [Option<f64>; 256],
}

impl Standard {
    /// Loads the standard font that a name means, if it means one, also by the names of its Windows twin.
    pub(super) fn load(base_font: &[u8]) -> Option<Self> {
        let font = recognise(base_font)?;
        let (data, _) = font.get_font_data();
        let table = cff::Table::parse(data.as_ref().as_ref())?;
        let mut widths = HashMap::new();
        for glyph in (0..table.number_of_glyphs()).map(GlyphId) {
            let name = table.glyph_name(glyph).unwrap_or_default();
            if let (Some(characters), Some(width)) =
                (names::characters(name.as_bytes()), table.glyph_width(glyph))
            {
                widths.entry(characters.first()).or_insert(f64::from(width) / 1000.0);
            }
        }
        let glyph_of = |code: usize| table.glyph_index(code as u8).filter(|glyph| glyph.0 != 0);
        let symbolic: Option<CodeTable> = if matches!(font, StandardFont::ZapfDingBats) {
            Some(std::array::from_fn(|code| names::dingbat(code as u8)))
        } else {
            matches!(font, StandardFont::Symbol)
                .then(|| std::array::from_fn(|code| names::symbol(code as u8)))
        };
        let widths_by_code = std::array::from_fn(|code| {
            table.glyph_width(glyph_of(code)?).map(|width| f64::from(width) / 1000.0)
        });
        Some(Self { widths, encoding: symbolic, widths_by_code })
    }

    /// Returns the advance of a code in em, by its character where one is known.
    pub(super) fn width(&self, code: u8, character: Option<char>) -> Option<f64> {
        let by_character = character.and_then(|character| self.widths.get(&character).copied());
        // The glyphs of Zapf Dingbats have no names that lead to characters.
        by_character.or_else(|| self.encoding.and(self.widths_by_code[usize::from(code)]))
    }
}

/// Finds the standard font for a name such as `ABCDEF+Arial,Bold`.
fn recognise(base_font: &[u8]) -> Option<StandardFont> {
    let name = String::from_utf8_lossy(base_font).to_lowercase();
    let name = name.split_once('+').map_or(name.as_str(), |(_, rest)| rest);
    let (bold, slanted) = (name.contains("bold"), name.contains("italic") || name.contains("oblique"));
    let family = name.trim_start_matches(' ');
    let pick = |fonts: [StandardFont; 4]| fonts[usize::from(bold) + 2 * usize::from(slanted)];
    if family.starts_with("helvetica") || family.starts_with("arial") {
        Some(pick([
            StandardFont::Helvetica,
            StandardFont::HelveticaBold,
            StandardFont::HelveticaOblique,
            StandardFont::HelveticaBoldOblique,
        ]))
    } else if family.starts_with("times") {
        Some(pick([
            StandardFont::TimesRoman,
            StandardFont::TimesBold,
            StandardFont::TimesItalic,
            StandardFont::TimesBoldItalic,
        ]))
    } else if family.starts_with("courier") {
        Some(pick([
            StandardFont::Courier,
            StandardFont::CourierBold,
            StandardFont::CourierOblique,
            StandardFont::CourierBoldOblique,
        ]))
    } else if family.starts_with("zapfdingbats") {
        Some(StandardFont::ZapfDingBats)
    } else {
        (family == "symbol" || family.starts_with("symbol,")).then_some(StandardFont::Symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_fonts_have_their_published_widths() {
        let width = |font: &str, character: char| {
            Standard::load(font.as_bytes()).unwrap().width(character as u8, Some(character))
        };

        assert_eq!(width("Helvetica", 'A'), Some(0.667));
        assert_eq!(width("Times-Roman", 'W'), Some(0.944));
        assert_eq!(width("Courier-Bold", 'i'), Some(0.6));
        assert_eq!(width("ABCDEF+Arial,Bold", 'A'), Some(0.722));
        assert!(Standard::load(b"SimSun").is_none());
    }

    #[test]
    fn symbol_has_its_own_encoding() {
        let symbol = Standard::load(b"Symbol").unwrap();
        let encoding = symbol.encoding.unwrap();

        assert_eq!(encoding[usize::from(b'a')], Some('α'));
        assert_eq!(encoding[0xb7], Some('•'));
    }
}
