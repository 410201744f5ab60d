//! Walks an XML part within bounds: no document type definition, so no entities but the five of XML 1.0, and no endless
//! nesting. Elements are told by their local names. Knows no meaning of them.

use crate::error::ReadError;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::Event;
use std::borrow::Cow;

/// Deeper nesting is an attack.
const MAX_DEPTH: usize = 256;

/// What a walk meets.
pub(crate) enum Node<'e> {
    Open(&'e Element<'e>),
    /// With its local name.
    Close(&'e str),
    Text(&'e str),
}

/// An element that opens.
pub(crate) struct Element<'e> {
    pub(crate) name: String,
    tag: &'e BytesStart<'e>,
}

impl Element<'_> {
    /// An attribute by its local name.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.tag.attributes();
        let found = attributes
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.local_name().as_ref() == name.as_bytes())?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    }

    /// An attribute with a prefix by its local name, where the same name without one means something else.
    pub(crate) fn prefixed(&self, name: &str) -> Option<String> {
        let mut attributes = self.tag.attributes();
        let found = attributes.with_checks(false).flatten().find(|attribute| {
            attribute.key.prefix().is_some() && attribute.key.local_name().as_ref() == name.as_bytes()
        })?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    }

    /// `val`, in which `WordprocessingML` keeps nearly everything.
    pub(crate) fn value(&self) -> Option<String> {
        self.attribute("val")
    }

    /// A number in `val`.
    pub(crate) fn number<T: std::str::FromStr>(&self) -> Option<T> {
        self.value()?.parse().ok()
    }
}

/// Walks a part; an empty element opens and closes.
pub(crate) fn walk(
    part: &[u8],
    visit: &mut dyn FnMut(Node<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut reader = Reader::from_reader(part);
    let mut depth = 0_usize;
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(tag) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ReadError::OutOfBudget { detail: "elements are nested too deep".into() });
                }
                visit(Node::Open(&element(&tag)))?;
            }
            Event::Empty(tag) => {
                let element = element(&tag);
                visit(Node::Open(&element))?;
                visit(Node::Close(&element.name))?;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                visit(Node::Close(&String::from_utf8_lossy(tag.local_name().as_ref())))?;
            }
            Event::Text(text) => visit(Node::Text(&text.xml10_content().map_err(|error| broken(&error))?))?,
            Event::CData(text) => visit(Node::Text(&text.decode().map_err(|error| broken(&error))?))?,
            Event::GeneralRef(name) => {
                let named = name.decode().map_err(|error| broken(&error))?;
                let numbered = name.resolve_char_ref().map_err(|error| broken(&error))?;
                let character =
                    numbered.or_else(|| predefined(&named)).ok_or_else(|| broken(&"an unknown entity"))?;
                visit(Node::Text(character.encode_utf8(&mut [0; 4])))?;
            }
            Event::DocType(_) => return Err(broken(&"a document type definition is not allowed")),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn element<'e>(tag: &'e BytesStart<'e>) -> Element<'e> {
    Element { name: String::from_utf8_lossy(tag.local_name().as_ref()).into_owned(), tag }
}

fn predefined(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn broken(error: &dyn std::fmt::Display) -> ReadError {
    ReadError::Damaged { detail: format!("its XML: {error}") }
}
