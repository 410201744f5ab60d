//! Fonts, as far as text needs them: from the bytes of a string to characters and advances (ISO 32000-1, 9.5 to 9.10).
//! Knows no positions on the page and draws nothing.

mod characters;
mod composite;
mod names;
mod program;
mod radicals;
mod simple;
mod standard;

pub(super) use characters::Characters;
pub(super) use characters::is_private_use;
use composite::Composite;
use simple::Simple;

use super::objects;
use hayro_cmap::CMap;
use hayro_cmap::CMapName;
use hayro_cmap::load_embedded;
use lopdf::Dictionary;
use lopdf::Document;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

/// No honest ToUnicode map comes near this many bytes.
const MAX_CMAP_BYTES: usize = 8 << 20;
/// Box above and below the baseline in em where the font does not say.
const DEFAULT_ASCENT: f64 = 0.78;
const DEFAULT_DESCENT: f64 = -0.22;

/// A glyph of a shown string.
pub(super) struct Shown {
    /// `None` if no source tells the character.
    pub(super) text: Option<Characters>,
    /// Advance along the writing direction, in text space units of a font of size 1.
    pub(super) advance: f64,
    /// Word spacing applies: the code is one byte, 32.
    pub(super) is_word_space: bool,
}

/// A font of the document, ready to decode strings.
pub(super) struct Font<'a> {
    encoding: Encoding<'a>,
    /// Glyphs run downwards.
    pub(super) vertical: bool,
    /// Its glyphs are pictures of their own (Type 3): no rendering mode hides them, and their colours may be theirs.
    pub(super) draws_itself: bool,
    /// Top of the box over the baseline, in em.
    pub(super) ascent: f64,
    /// Bottom of the box under the baseline, in em; negative.
    pub(super) descent: f64,
    /// Height of an em in text space units of a font of size 1; differs from 1 in Type 3 fonts only.
    pub(super) em: f64,
    /// Its name says that it is bold.
    pub(super) bold: bool,
}

enum Encoding<'a> {
    Simple(Simple),
    Composite(Box<Composite<'a>>),
}

impl Font<'_> {
    /// Appends the glyphs of a string.
    pub(super) fn decode(&self, bytes: &[u8], shown: &mut Vec<Shown>) {
        match &self.encoding {
            Encoding::Simple(simple) => simple.decode(bytes, shown),
            Encoding::Composite(composite) => composite.decode(bytes, shown),
        }
    }
}

/// The fonts of a document that pages have used so far.
pub(super) struct Fonts<'a> {
    document: &'a Document,
    stream_limit: usize,
    /// By the address of the font's dictionary, which lives as long as the document.
    loaded: HashMap<usize, Rc<Font<'a>>>,
    predefined: HashMap<Vec<u8>, Option<Rc<CMap>>>,
}

impl<'a> Fonts<'a> {
    pub(super) fn new(document: &'a Document, stream_limit: usize) -> Self {
        Self { document, stream_limit, loaded: HashMap::new(), predefined: HashMap::new() }
    }

    /// Returns the font that a dictionary describes; whatever it lacks is replaced by the usual defaults.
    pub(super) fn get(&mut self, dictionary: &'a Dictionary) -> Rc<Font<'a>> {
        let address = std::ptr::from_ref(dictionary) as usize;
        if let Some(font) = self.loaded.get(&address) {
            return Rc::clone(font);
        }
        let mut font = self.load(dictionary);
        font.bold = objects::name(self.document, dictionary, b"BaseFont").is_some_and(is_bold);
        let font = Rc::new(font);
        self.loaded.insert(address, Rc::clone(&font));
        font
    }

    /// Returns the font for text whose font is missing: Latin letters of usual widths.
    pub(super) fn fallback(&mut self) -> Rc<Font<'a>> {
        static NOTHING: LazyLock<Dictionary> = LazyLock::new(Dictionary::new);
        self.get(&NOTHING)
    }

    fn load(&mut self, dictionary: &'a Dictionary) -> Font<'a> {
        match objects::name(self.document, dictionary, b"Subtype") {
            Some(b"Type0") => composite::load(self, dictionary),
            Some(b"Type3") => simple::load_type3(self, dictionary),
            _ => simple::load(self, dictionary),
        }
    }

    /// Parses the font's own map from codes to characters.
    fn unicode_map(&mut self, dictionary: &Dictionary) -> Option<Rc<CMap>> {
        match objects::stream(self.document, dictionary, b"ToUnicode") {
            Some(stream) => self.embedded_map(stream),
            None => self.predefined(objects::name(self.document, dictionary, b"ToUnicode")?),
        }
    }

    fn embedded_map(&self, stream: &lopdf::Stream) -> Option<Rc<CMap>> {
        let bytes = objects::unpack(stream, MAX_CMAP_BYTES.min(self.stream_limit))?;
        CMap::parse(&bytes, load_embedded).map(Rc::new)
    }

    /// Parses one of the maps that every reader must know by name.
    fn predefined(&mut self, name: &[u8]) -> Option<Rc<CMap>> {
        if let Some(known) = self.predefined.get(name) {
            return known.clone();
        }
        let map = load_embedded(CMapName::from_bytes(name))
            .and_then(|bytes| CMap::parse(bytes, load_embedded))
            .map(Rc::new);
        self.predefined.insert(name.to_vec(), map.clone());
        map
    }
}

/// Says whether a font's name is that of a bold one; Chinese has heavier typefaces instead.
fn is_bold(name: &[u8]) -> bool {
    const WORDS: [&str; 6] = ["bold", "black", "heavy", "demi", "simhei", "heiti"];
    let name = String::from_utf8_lossy(name).to_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Reads the height of the box around the glyphs from a font descriptor, in em, within what makes a useful highlight.
fn vertical_extent(document: &Document, descriptor: Option<&Dictionary>) -> (f64, f64) {
    let metric = |key: &[u8]| {
        descriptor
            .and_then(|descriptor| objects::number(document, descriptor, key))
            .map(|units| units / 1000.0)
    };
    let ascent = metric(b"Ascent").filter(|&ascent| ascent > 0.0).unwrap_or(DEFAULT_ASCENT);
    // Some producers write the descent without its sign.
    let descent = metric(b"Descent").map(|descent| -descent.abs()).filter(|&descent| descent < 0.0);
    (ascent.clamp(0.6, 1.0), descent.unwrap_or(DEFAULT_DESCENT).clamp(-0.35, -0.05))
}
