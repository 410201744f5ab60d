//! Marked content: replacement text, layers, the furniture of pages (ISO 32000-1, 14.6 to 14.9 and 8.11.3).

use super::content::Operand;
use super::font::Characters;
use super::glyph::Glyph;
use super::interpret::PageRun;
use super::interpret::Scope;
use super::objects;
use super::strings;
use lopdf::Dictionary;
use lopdf::Object;

/// Sequences nest no deeper in honest files; deeper ones are counted and otherwise ignored.
const MAX_DEPTH: usize = 256;

/// The sequences that are open.
#[derive(Default)]
pub(super) struct MarkedContent {
    open: Vec<Sequence>,
    ignored: usize,
}

struct Sequence {
    mark: Mark,
    first_glyph: usize,
}

/// What the file says of a sequence.
#[derive(Default)]
pub(super) struct Mark {
    replacement: Option<Vec<u8>>,
    /// It belongs to a layer that is off.
    hides: bool,
    /// It is furniture of the page.
    is_artifact: bool,
    /// Its number, by which the structure of the document refers to it.
    number: Option<u32>,
}

impl<'a> PageRun<'a, '_> {
    /// Reads the operands of `BDC`.
    pub(super) fn mark(&self, scope: &Scope<'a>, operands: &[Operand<'_>]) -> Mark {
        let tag = operands.len().checked_sub(2).and_then(|index| operands[index].as_name());
        match operands.last() {
            Some(Operand::Dictionary(entries)) => {
                let entry = |wanted: &[u8]| {
                    let mut pairs = entries.chunks_exact(2);
                    pairs.find_map(|pair| (pair[0].as_name() == Some(wanted)).then_some(&pair[1]))
                };
                let kind = entry(b"Type").and_then(Operand::as_name);
                Mark {
                    replacement: entry(b"ActualText").and_then(Operand::as_text).map(<[u8]>::to_vec),
                    hides: false,
                    is_artifact: tag == Some(b"Artifact") && kind == Some(b"Pagination"),
                    number: entry(b"MCID").and_then(Operand::as_number).and_then(mark_number),
                }
            }
            Some(Operand::Name(name)) => {
                let Some(object) = self.unresolved(scope, b"Properties", name) else {
                    return Mark::default();
                };
                self.mark_by_resource(tag, object)
            }
            Some(Operand::Number(_) | Operand::Text(_) | Operand::Array(_) | Operand::Constant) | None => {
                Mark::default()
            }
        }
    }

    fn mark_by_resource(&self, tag: Option<&[u8]>, object: &'a Object) -> Mark {
        let document = self.document();
        let properties: Option<&Dictionary> = objects::as_dictionary(objects::resolve(document, object));
        let Some(properties) = properties else { return Mark::default() };
        let text = objects::entry(document, properties, b"ActualText");
        Mark {
            replacement: text.and_then(|text| text.as_str().ok()).map(<[u8]>::to_vec),
            hides: tag == Some(b"OC") && self.is_hidden_layer(object),
            is_artifact: tag == Some(b"Artifact")
                && objects::name(document, properties, b"Type") == Some(b"Pagination"),
            number: objects::number(document, properties, b"MCID").and_then(mark_number),
        }
    }
}

fn mark_number(number: f64) -> Option<u32> {
    (0.0..1e9).contains(&number).then_some(number as u32)
}

impl MarkedContent {
    pub(super) fn begin(&mut self, mark: Mark, first_glyph: usize) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(Sequence { mark, first_glyph });
        } else {
            self.ignored += 1;
        }
    }

    /// Says whether a sequence around belongs to a layer that is off.
    pub(super) fn is_hidden(&self) -> bool {
        self.open.iter().any(|sequence| sequence.mark.hides)
    }

    /// Says whether a sequence around is furniture of the page.
    pub(super) fn is_artifact(&self) -> bool {
        self.open.iter().any(|sequence| sequence.mark.is_artifact)
    }

    /// Ends the innermost sequence. Its replacement text is used only where the font left a glyph of it without a
    /// meaning: otherwise what the page shows is what counts, whatever the file claims it says.
    pub(super) fn end(&mut self, glyphs: &mut Vec<Glyph>) -> Option<Ended> {
        if let Some(ignored) = self.ignored.checked_sub(1) {
            self.ignored = ignored;
            return None;
        }
        let Sequence { mark, first_glyph } = self.open.pop()?;
        if let (Some(bytes), Some(covered)) = (mark.replacement, glyphs.get_mut(first_glyph..)) {
            let text = strings::text_string(&bytes);
            let unclear =
                |glyph: &Glyph| glyph.text.is_private() || glyph.text.first() == char::REPLACEMENT_CHARACTER;
            if covered.iter().any(unclear) && !text.trim().is_empty() {
                let kept = replace(covered, &text);
                glyphs.truncate(first_glyph + kept);
            }
        }
        mark.number.map(|number| Ended { number, first_glyph })
    }
}

/// A numbered sequence that has ended.
pub(super) struct Ended {
    pub(super) number: u32,
    pub(super) first_glyph: usize,
}

/// Gives glyphs a new text and returns how many of them hold it: one character each if the numbers agree, otherwise
/// the first stretched over all.
fn replace(glyphs: &mut [Glyph], text: &str) -> usize {
    if text.chars().count() == glyphs.len() {
        for (glyph, character) in glyphs.iter_mut().zip(text.chars()) {
            glyph.text = Characters::of(character);
        }
        return glyphs.len();
    }
    let end = glyphs.last().map(|last| last.end);
    if let (Some(first), Some(end), Some(characters)) =
        (glyphs.first_mut(), end, Characters::new(text.trim()))
    {
        first.text = characters;
        first.end = end;
    }
    1
}
