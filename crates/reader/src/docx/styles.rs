//! What a paragraph is by its style: a heading, a numbered one, a title. Knows no text.

use crate::error::ReadError;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::collections::HashMap;

/// Chains of styles that are followed; a longer one is a cycle.
const MAX_CHAIN: usize = 32;

/// The paragraph styles of a file by their ids.
#[derive(Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
}

#[derive(Clone, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    numbering: Option<String>,
    level: Option<u8>,
}

impl Styles {
    /// Reads `styles.xml`.
    pub(super) fn read(part: &[u8]) -> Result<Self, ReadError> {
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        walk(part, &mut |node| {
            match (node, &mut open) {
                (Node::Open(element), _) if element.name == "style" => {
                    open = element.attribute("styleId").map(|id| (id, Style::default()));
                }
                (Node::Open(element), Some((_, style))) => match element.name.as_str() {
                    "name" => style.name = element.value().unwrap_or_default().to_lowercase(),
                    "basedOn" => style.based_on = element.value(),
                    "outlineLvl" => style.outline = element.number(),
                    "numId" => style.numbering = element.value(),
                    "ilvl" => style.level = element.number(),
                    _ => {}
                },
                (Node::Close("style"), Some(_)) => styles.extend(open.take()),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self { styles })
    }

    /// The level of the heading that paragraphs of a style are, from 1.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        self.chain(id)
            .find_map(|style| {
                let named = style.name.strip_prefix("heading ").and_then(|level| level.parse().ok());
                style.outline.map(|level| level.saturating_add(1)).or(named)
            })
            .filter(|level| *level <= 9)
    }

    /// The numbering of a style and its level in it, each if the style names one.
    pub(super) fn numbering(&self, id: &str) -> (Option<String>, Option<u8>) {
        let numbering = self.chain(id).find_map(|style| style.numbering.clone());
        (numbering, self.chain(id).find_map(|style| style.level))
    }

    /// Says whether a style is that of the document's title.
    pub(super) fn is_title(&self, id: &str) -> bool {
        self.styles.get(id).is_some_and(|style| style.name == "title")
    }

    /// The style and those it is based on.
    fn chain(&self, id: &str) -> impl Iterator<Item = &Style> {
        let first = self.styles.get(id);
        let next = |style: &&Style| self.styles.get(style.based_on.as_deref()?);
        std::iter::successors(first, next).take(MAX_CHAIN)
    }
}
