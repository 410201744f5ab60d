//! Composite fonts: codes of one to four bytes, through a CMap to CIDs (ISO 32000-1, 9.7). Knows no simple fonts.

use super::super::objects;
use super::Characters;
use super::Encoding;
use super::Font;
use super::Fonts;
use super::Shown;
use super::program::ByGlyph;
use super::simple::lookup;
use super::simple::prefer;
use super::vertical_extent;
use hayro_cmap::CMap;
use hayro_cmap::CidFamily;
use hayro_cmap::WritingMode;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::Stream;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

/// CIDs are 16-bit numbers.
const MAX_CID: u32 = 0xffff;
/// Ranges of widths may overlap in a hostile file; no more than this many are written down.
const MAX_WIDTHS: usize = 1 << 20;

/// A composite font.
pub(super) struct Composite<'a> {
    codes: Codes,
    to_unicode: Option<Rc<CMap>>,
    /// From the CIDs of the font's character collection to Unicode.
    collection: Option<Rc<CMap>>,
    widths: HashMap<u32, f64>,
    default_width: f64,
    /// The advance of every glyph where the font is vertical.
    vertical_advance: Option<f64>,
    program: Option<&'a Stream>,
    cid_to_glyph: Option<Vec<u8>>,
    by_glyph: OnceCell<Option<ByGlyph>>,
    stream_limit: usize,
}

/// How codes are cut from a string and become CIDs.
enum Codes {
    /// Two bytes, code equal to CID.
    Identity,
    /// Through a map; `unicode` if the codes are themselves UCS-2 or UTF-16.
    Mapped { map: Rc<CMap>, unicode: bool },
}

/// A code cut from a string.
struct Code {
    value: u32,
    length: usize,
    cid: u32,
}

impl Composite<'_> {
    pub(super) fn decode(&self, bytes: &[u8], shown: &mut Vec<Shown>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let code = self.cut(rest);
            let width = || self.widths.get(&code.cid).copied().unwrap_or(self.default_width);
            shown.push(Shown {
                text: self.characters(&code),
                advance: self.vertical_advance.unwrap_or_else(width),
                is_word_space: code.length == 1 && code.value == 32,
            });
            rest = &rest[code.length..];
        }
    }

    /// Cuts the next code: the shortest that the map knows, otherwise two bytes.
    fn cut(&self, bytes: &[u8]) -> Code {
        if let Codes::Mapped { map, .. } = &self.codes {
            let mut value = 0;
            for (index, &byte) in bytes.iter().take(4).enumerate() {
                value = value << 8 | u32::from(byte);
                if let Some(cid) = map.lookup_cid_code(value, index as u8 + 1) {
                    return Code { value, length: index + 1, cid };
                }
            }
        }
        let length = bytes.len().min(2);
        let value = bytes[..length].iter().fold(0, |value, &byte| value << 8 | u32::from(byte));
        let cid = match self.codes {
            Codes::Identity => value,
            Codes::Mapped { .. } => 0,
        };
        Code { value, length, cid }
    }

    fn characters(&self, code: &Code) -> Option<Characters> {
        let mapped = self.to_unicode.as_ref().and_then(|map| lookup(map, code.value));
        prefer(mapped, || {
            self.code_as_unicode(code)
                .or_else(|| lookup(self.collection.as_ref()?, code.cid))
                .or_else(|| self.in_program(code.cid))
        })
    }

    fn code_as_unicode(&self, code: &Code) -> Option<Characters> {
        let Codes::Mapped { unicode: true, .. } = self.codes else { return None };
        let units = [(code.value >> 16) as u16, code.value as u16];
        let units = if code.length == 4 { &units[..] } else { &units[1..] };
        let character = char::decode_utf16(units.iter().copied()).next()?.ok()?;
        Characters::new(character.encode_utf8(&mut [0; 4]))
    }

    /// Asks the embedded font itself, which is read at the first glyph that needs it.
    fn in_program(&self, cid: u32) -> Option<Characters> {
        let by_glyph = self.by_glyph.get_or_init(|| {
            let bytes = objects::unpack(self.program?, self.stream_limit)?;
            ByGlyph::load(&bytes)
        });
        let glyph = match &self.cid_to_glyph {
            Some(table) => {
                let at = cid as usize * 2;
                u16::from_be_bytes([*table.get(at)?, *table.get(at + 1)?])
            }
            None => u16::try_from(cid).ok()?,
        };
        by_glyph.as_ref()?.get(glyph)
    }
}

/// Loads a Type 0 font with its one descendant.
pub(super) fn load<'a>(fonts: &mut Fonts<'a>, dictionary: &'a Dictionary) -> Font<'a> {
    let (document, stream_limit) = (fonts.document, fonts.stream_limit);
    let (codes, vertical) = codes(fonts, dictionary);
    let to_unicode = fonts.unicode_map(dictionary);
    let descendant = objects::array(document, dictionary, b"DescendantFonts")
        .and_then(|fonts| fonts.first())
        .and_then(|font| objects::as_dictionary(objects::resolve(document, font)));
    let descriptor =
        descendant.and_then(|descendant| objects::dictionary(document, descendant, b"FontDescriptor"));
    let collection = collection(fonts, descendant, &codes);
    let (ascent, descent) = vertical_extent(document, descriptor);
    let number = |key: &[u8]| descendant.and_then(|descendant| objects::number(document, descendant, key));
    let program = descriptor.and_then(|descriptor| {
        objects::stream(document, descriptor, b"FontFile2")
            .or_else(|| objects::stream(document, descriptor, b"FontFile3"))
    });
    let vertical_metrics = descendant
        .and_then(|descendant| objects::numbers::<2>(document, descendant, b"DW2"))
        .unwrap_or([880.0, -1000.0]);
    let composite = Composite {
        codes,
        to_unicode,
        collection,
        widths: descendant.map(|descendant| widths(document, descendant)).unwrap_or_default(),
        default_width: number(b"DW").unwrap_or(1000.0) / 1000.0,
        vertical_advance: vertical.then_some(-vertical_metrics[1] / 1000.0),
        program,
        cid_to_glyph: descendant
            .and_then(|descendant| objects::stream(document, descendant, b"CIDToGIDMap"))
            .and_then(|stream| objects::unpack(stream, 2 * (MAX_CID as usize + 1))),
        by_glyph: OnceCell::new(),
        stream_limit,
    };
    Font {
        encoding: Encoding::Composite(Box::new(composite)),
        vertical,
        draws_itself: false,
        ascent,
        descent,
        em: 1.0,
        bold: false,
    }
}

/// Reads `Encoding`, and whether it writes downwards.
fn codes(fonts: &mut Fonts<'_>, dictionary: &Dictionary) -> (Codes, bool) {
    if let Some(stream) = objects::stream(fonts.document, dictionary, b"Encoding") {
        let Some(map) = fonts.embedded_map(stream) else { return (Codes::Identity, false) };
        let vertical = map.metadata().writing_mode == Some(WritingMode::Vertical);
        return (Codes::Mapped { map, unicode: false }, vertical);
    }
    let name = objects::name(fonts.document, dictionary, b"Encoding").unwrap_or(b"Identity-H");
    let vertical = name == b"V" || name.ends_with(b"-V");
    if name.starts_with(b"Identity") {
        return (Codes::Identity, vertical);
    }
    let unicode =
        [&b"UCS2"[..], b"UTF16"].iter().any(|form| name.windows(form.len()).any(|window| window == *form));
    match fonts.predefined(name) {
        Some(map) => (Codes::Mapped { map, unicode }, vertical),
        None => (Codes::Identity, vertical),
    }
}

/// Finds the map from CIDs to Unicode, by the descendant's collection or else the encoding's.
fn collection(fonts: &mut Fonts<'_>, descendant: Option<&Dictionary>, codes: &Codes) -> Option<Rc<CMap>> {
    let document = fonts.document;
    let declared = descendant.and_then(|descendant| {
        let system = objects::dictionary(document, descendant, b"CIDSystemInfo")?;
        let text = |key: &[u8]| objects::entry(document, system, key).and_then(|value| value.as_str().ok());
        Some(CidFamily::from_registry_ordering(text(b"Registry")?, text(b"Ordering")?))
    });
    let of_encoding = match codes {
        Codes::Identity => None,
        Codes::Mapped { map, .. } => {
            map.metadata().character_collection.as_ref().map(|set| set.family.clone())
        }
    };
    [declared, of_encoding]
        .into_iter()
        .flatten()
        .find_map(|family| fonts.predefined(family.ucs2_cmap()?.to_bytes()))
}

/// Reads `W`: runs of `first [w w w]` and `first last w`.
fn widths(document: &Document, descendant: &Dictionary) -> HashMap<u32, f64> {
    let (mut widths, mut written) = (HashMap::new(), 0);
    let mut entries = objects::array(document, descendant, b"W").unwrap_or_default();
    let cid =
        |object: &Object| objects::as_number(objects::resolve(document, object)).map(|number| number as u32);
    let width =
        |object: &Object| objects::as_number(objects::resolve(document, object)).map(|width| width / 1000.0);
    while let [first, second, rest @ ..] = entries {
        if written > MAX_WIDTHS {
            break;
        }
        let first = cid(first).unwrap_or(0);
        if let Ok(list) = objects::resolve(document, second).as_array() {
            for (offset, object) in list.iter().take(MAX_CID as usize + 1).enumerate() {
                widths.extend(width(object).map(|width| (first.saturating_add(offset as u32), width)));
            }
            written += list.len();
            entries = rest;
        } else {
            let [value, rest @ ..] = rest else { break };
            if let (Some(last), Some(value)) = (cid(second), width(value)) {
                let range = first..=last.min(MAX_CID);
                written += range.clone().count();
                widths.extend(range.map(|cid| (cid, value)));
            }
            entries = rest;
        }
    }
    widths
}
