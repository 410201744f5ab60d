//! What a paragraph is by its style: a heading, a numbered one, a title, one that is not seen. Knows no text.

use crate::error::ReadError;
use crate::office::xml::Element;
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
    look: Look,
}

/// Whether text can be seen, as far as something says so.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    pub(super) hidden: Option<bool>,
    pub(super) white: Option<bool>,
    /// Its ground is not white.
    pub(super) shaded: Option<bool>,
}

impl Look {
    /// Takes a property, if it is one of these.
    pub(super) fn property(&mut self, element: &Element<'_>) {
        match element.name.as_str() {
            "vanish" => self.hidden = Some(is_on(element)),
            "color" => {
                self.white = Some(element.value().is_some_and(|value| value.eq_ignore_ascii_case("ffffff")));
            }
            "shd" => self.shaded = Some(is_shading(element)),
            "highlight" => self.shaded = Some(element.value().is_some_and(|value| value != "none")),
            _ => {}
        }
    }

    /// What `below` says where this says nothing.
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            hidden: self.hidden.or(below.hidden),
            white: self.white.or(below.white),
            shaded: self.shaded.or(below.shaded),
        }
    }
}

/// A property that is on by being there says when it is not.
pub(super) fn is_on(element: &Element<'_>) -> bool {
    element.value().is_none_or(|value| !matches!(value.as_str(), "0" | "false" | "off"))
}

/// Says whether a `shd` makes the ground another colour than white.
pub(super) fn is_shading(element: &Element<'_>) -> bool {
    let is_pattern = element.value().is_some_and(|value| !matches!(value.as_str(), "clear" | "nil"));
    let fill = element.attribute("fill").unwrap_or_default().to_ascii_lowercase();
    is_pattern || !matches!(fill.as_str(), "" | "auto" | "ffffff")
}

impl Styles {
    /// Reads `styles.xml`.
    pub(super) fn read(part: &[u8]) -> Result<Self, ReadError> {
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        let mut in_part_of_table = false;
        walk(part, &mut |node| {
            match (node, &mut open) {
                (Node::Open(element), _) if element.name == "style" => {
                    open = element.attribute("styleId").map(|id| (id, Style::default()));
                }
                (Node::Open(element), Some(_)) if element.name == "tblStylePr" => in_part_of_table = true,
                (Node::Close("tblStylePr"), _) => in_part_of_table = false,
                (Node::Open(element), Some((_, style))) => match element.name.as_str() {
                    "name" => style.name = element.value().unwrap_or_default().to_lowercase(),
                    "basedOn" => style.based_on = element.value(),
                    "outlineLvl" => style.outline = element.number(),
                    "numId" => style.numbering = element.value(),
                    "ilvl" => style.level = element.number(),
                    _ if !in_part_of_table => style.look.property(element),
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

    /// Whether text of a style can be seen.
    pub(super) fn look(&self, id: &str) -> Look {
        self.chain(id).fold(Look::default(), |look, style| look.over(style.look))
    }

    /// The style and those it is based on.
    fn chain(&self, id: &str) -> impl Iterator<Item = &Style> {
        let first = self.styles.get(id);
        let next = |style: &&Style| self.styles.get(style.based_on.as_deref()?);
        std::iter::successors(first, next).take(MAX_CHAIN)
    }
}
