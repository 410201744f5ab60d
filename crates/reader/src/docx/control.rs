//! Boxes to tick, of content controls and of old forms: `[x]` and `[ ]` whatever sign a file draws them with. Knows no
//! paragraph.

use super::styles::is_on;
use crate::office::xml::Element;

/// The content controls that are open, and the form field.
#[derive(Debug, Default)]
pub(super) struct Controls {
    open: Vec<Control>,
    field: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Control {
    /// Its content is text.
    Other,
    Box {
        ticked: bool,
        written: bool,
    },
}

impl Controls {
    /// Takes an element; gives what an old form's box shows, which has no text.
    pub(super) fn open(&mut self, element: &Element<'_>) {
        match (element.name.as_str(), self.open.last_mut(), &mut self.field) {
            ("sdt", _, _) => self.open.push(Control::Other),
            ("checkbox", Some(control), _) => *control = Control::Box { ticked: false, written: false },
            ("checkBox", _, field) => *field = Some(false),
            ("default" | "checked", _, Some(ticked))
            | ("checked", Some(Control::Box { ticked, .. }), None) => {
                *ticked = is_on(element);
            }
            _ => {}
        }
    }

    /// Gives the text of a form's box where it ends.
    pub(super) fn close(&mut self, name: &str) -> Option<&'static str> {
        match name {
            "sdt" => {
                self.open.pop();
                None
            }
            "checkBox" => self.field.take().map(sign),
            _ => None,
        }
    }

    /// What stands for a piece of text: itself, the box, or nothing where the box is written already.
    pub(super) fn shown<'t>(&mut self, text: &'t str) -> &'t str {
        match self.open.last_mut() {
            Some(Control::Box { ticked, written }) => {
                if std::mem::replace(written, true) {
                    ""
                } else {
                    sign(*ticked)
                }
            }
            Some(Control::Other) | None => text,
        }
    }
}

const fn sign(ticked: bool) -> &'static str {
    if ticked { "[x]" } else { "[ ]" }
}

/// A sign of the fonts of pictures that contracts draw boxes with.
pub(super) fn symbol(element: &Element<'_>) -> Option<&'static str> {
    let code = u32::from_str_radix(&element.attribute("char")?, 16).ok()?;
    match code & 0xff {
        0x6f | 0x71 | 0xa8 => Some("☐"),
        0xfd | 0xfe | 0x78 => Some("☒"),
        0xfc => Some("✓"),
        0xfb => Some("✗"),
        _ => None,
    }
    .filter(|_| element.attribute("font").is_some_and(|font| font.starts_with("Wingdings")))
}
