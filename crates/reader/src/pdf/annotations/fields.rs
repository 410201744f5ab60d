//! Form fields: what is filled in, chosen, ticked or signed (ISO 32000-1, 12.7). Knows no page.

use super::super::objects;
use super::super::strings;
use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;

/// Fields nest no deeper in honest files.
const MAX_DEPTH: usize = 16;
/// Choices looked through and chosen.
const MAX_CHOICES: usize = 2_000;
/// Longer names are cut.
const MAX_LABEL: usize = 200;
/// Bits of the field flags.
const PASSWORD: i64 = 1 << 13;
const PUSH_BUTTON: i64 = 1 << 16;

/// A field, or the part of one that stands on a page.
pub(super) struct Field<'a> {
    document: &'a Document,
    /// The widget, then the fields above it.
    chain: Vec<&'a Dictionary>,
    kind: Kind,
    flags: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Button,
    Text,
    Choice,
    Signature,
    Other,
}

impl<'a> Field<'a> {
    pub(super) fn new(document: &'a Document, widget: &'a Dictionary) -> Self {
        let mut chain = vec![widget];
        while let (Some(parent), true) =
            (objects::dictionary(document, chain[chain.len() - 1], b"Parent"), chain.len() < MAX_DEPTH)
        {
            chain.push(parent);
        }
        let mut field = Self { document, chain, kind: Kind::Other, flags: 0 };
        field.kind = match field.inherited(b"FT").and_then(|kind| kind.as_name().ok()) {
            Some(b"Btn") => Kind::Button,
            Some(b"Tx") => Kind::Text,
            Some(b"Ch") => Kind::Choice,
            Some(b"Sig") => Kind::Signature,
            Some(_) | None => Kind::Other,
        };
        field.flags = field.inherited(b"Ff").and_then(objects::as_number).unwrap_or(0.0) as i64;
        field
    }

    fn inherited(&self, key: &[u8]) -> Option<&'a Object> {
        self.chain.iter().find_map(|dictionary| objects::entry(self.document, dictionary, key))
    }

    /// Returns the sign for a box or a button that is ticked or not; `None` for other fields.
    pub(super) fn mark(&self) -> Option<&'static str> {
        (self.kind == Kind::Button && self.flags & PUSH_BUTTON == 0)
            .then(|| if self.is_ticked() { "[x]" } else { "[ ]" })
    }

    fn is_ticked(&self) -> bool {
        let widget = self.chain[0];
        if let Some(state) = objects::name(self.document, widget, b"AS") {
            return state != b"Off";
        }
        let value = self.inherited(b"V").and_then(|value| value.as_name().ok()).unwrap_or(b"Off");
        let states = objects::dictionary(self.document, widget, b"AP")
            .and_then(|appearances| objects::dictionary(self.document, appearances, b"N"));
        value != b"Off" && states.is_none_or(|states| states.has(value))
    }

    /// Says whether the value tells what it is the value of.
    pub(super) fn names_itself(&self) -> bool {
        self.kind == Kind::Signature
    }

    /// Returns what is filled in; of a signature whose it is.
    pub(super) fn value(&self) -> Option<String> {
        let value = match self.kind {
            Kind::Button => return None,
            Kind::Signature => return Some(self.signature()),
            Kind::Text if self.flags & PASSWORD != 0 => return None,
            Kind::Text | Kind::Other => self.text(self.inherited(b"V")?),
            Kind::Choice => self.choice(self.inherited(b"V")?),
        };
        (!value.trim().is_empty()).then_some(value)
    }

    fn signature(&self) -> String {
        let signed = self.inherited(b"V").and_then(objects::as_dictionary);
        let entry = |key: &[u8]| {
            let text = objects::entry(self.document, signed?, key)?.as_str().ok()?;
            Some(strings::one_line(&strings::text_string(text))).filter(|text| !text.is_empty())
        };
        let who = entry(b"Name").or_else(|| self.label()).unwrap_or_else(|| "without a name".to_owned());
        let who: String = who.chars().take(MAX_LABEL).collect();
        let rest: Option<String> = if signed.is_some() {
            entry(b"M").and_then(|date| day(&date))
        } else {
            Some("not signed".into())
        };
        rest.map_or_else(|| format!("[Signature: {who}]"), |rest| format!("[Signature: {who}, {rest}]"))
    }

    fn text(&self, value: &Object) -> String {
        match value {
            Object::Stream(stream) => strings::text_string(
                &objects::unpack(stream, super::typeset::MAX_CHARACTERS * 4).unwrap_or_default(),
            ),
            Object::Name(name) => strings::text_string(name),
            other => other.as_str().map(strings::text_string).unwrap_or_default(),
        }
    }

    /// What is chosen, by the words that are shown for it.
    fn choice(&self, value: &Object) -> String {
        let chosen = match value.as_array() {
            Ok(several) => several.as_slice(),
            Err(_) => std::slice::from_ref(value),
        };
        let options = self.inherited(b"Opt").and_then(|options| options.as_array().ok());
        let options = options.map(Vec::as_slice).unwrap_or_default();
        let shown = |value: &Object| {
            let value = self.text(objects::resolve(self.document, value));
            let named = options.iter().take(MAX_CHOICES).find_map(|option| {
                let pair = objects::resolve(self.document, option).as_array().ok()?;
                let text = |index: usize| Some(self.text(objects::resolve(self.document, pair.get(index)?)));
                (text(0)? == value).then(|| text(1))?
            });
            named.unwrap_or(value)
        };
        // Every choice is looked up among all options.
        chosen.iter().take(50).map(shown).collect::<Vec<_>>().join(", ")
    }

    /// Returns what the field is called for people: its tooltip, else its name if that is made of words.
    pub(super) fn label(&self) -> Option<String> {
        let text = |key: &[u8]| {
            let text = self.inherited(key)?.as_str().ok()?;
            Some(strings::one_line(&strings::text_string(text))).filter(|text| !text.is_empty())
        };
        let is_made_of_words = |name: &String| {
            let letters = name.chars().filter(|c| c.is_alphabetic()).count();
            letters * 2 > name.chars().count() && !name.contains(['[', '#'])
        };
        let label = text(b"TU").or_else(|| text(b"T").filter(is_made_of_words))?;
        Some(label.chars().take(MAX_LABEL).collect())
    }
}

/// Reads the day of `D:20260131…`.
fn day(date: &str) -> Option<String> {
    let digits: Vec<char> = date.trim_start_matches("D:").chars().take(8).collect();
    let valid = digits.len() == 8 && digits.iter().all(char::is_ascii_digit);
    let part = |range: std::ops::Range<usize>| digits[range].iter().collect::<String>();
    valid.then(|| format!("{}-{}-{}", part(0..4), part(4..6), part(6..8)))
}
