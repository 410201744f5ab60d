//! Footnotes, endnotes and comments: short texts with an id. Knows no place where they are called.

use super::body::LEFT_OUT;
use super::control;
use super::revision::Change;
use super::revision::Revised;
use super::seen::Seen;
use crate::error::ReadError;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::collections::HashMap;

/// One note.
#[derive(Default)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) author: Option<String>,
}

/// A note that is being read.
struct Open {
    id: String,
    author: Option<String>,
    text: Revised,
}

/// Reads `footnotes.xml`, `endnotes.xml` or `comments.xml`. The lines that only separate notes from the text have a type
/// and are left out.
pub(super) fn read(part: &[u8], seen: &mut Seen) -> Result<HashMap<String, Note>, ReadError> {
    let (mut notes, mut open, mut in_text) = (HashMap::new(), None::<Open>, false);
    let (mut changes, mut properties, mut left_out) = (Vec::new(), 0_usize, 0_usize);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) if left_out > 0 || LEFT_OUT.contains(&element.name.as_str()) => left_out += 1,
            Node::Close(_) if left_out > 0 => left_out -= 1,
            Node::Open(element) => match element.name.as_str() {
                "footnote" | "endnote" | "comment" if element.attribute("type").is_none() => {
                    let author = element.attribute("author");
                    open = element.attribute("id").map(|id| Open { id, author, text: Revised::default() });
                }
                "t" | "delText" => in_text = true,
                "rPr" | "pPr" => properties += 1,
                "ins" | "moveTo" if properties == 0 => changes.push(Change::Inserted),
                "del" | "moveFrom" if properties == 0 => changes.push(Change::Deleted),
                // Stops of tabs among the properties are no text.
                "p" | "tab" | "ptab" | "br" | "cr" if properties == 0 => {
                    if let Some(note) = open.as_mut().filter(|note| !note.text.is_blank()) {
                        note.text.push(changes.last().copied(), " ");
                    }
                }
                "noBreakHyphen" | "sym" => {
                    let sign = if element.name == "sym" { control::symbol(element) } else { Some("-") };
                    if let (Some(note), Some(sign)) = (&mut open, sign) {
                        note.text.push(changes.last().copied(), sign);
                    }
                }
                _ => {}
            },
            Node::Close("t" | "delText") => in_text = false,
            Node::Close("rPr" | "pPr") => properties = properties.saturating_sub(1),
            Node::Close("ins" | "del" | "moveTo" | "moveFrom") if properties == 0 => {
                changes.pop();
            }
            Node::Close("footnote" | "endnote" | "comment") => {
                notes.extend(open.take().map(|Open { id, author, text }| {
                    (id, Note { text: text.written(&mut seen.marks), author })
                }));
            }
            Node::Close(_) => {}
            Node::Text(text) => {
                if let Some(note) = open.as_mut().filter(|_| in_text && left_out == 0) {
                    note.text.push(changes.last().copied(), text);
                }
            }
        }
        Ok(())
    })?;
    Ok(notes)
}
