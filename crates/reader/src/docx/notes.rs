//! Footnotes, endnotes and comments: short texts with an id. Knows no place where they are called.

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

/// Reads `footnotes.xml`, `endnotes.xml` or `comments.xml`. The lines that only separate notes from the text have a type
/// and are left out.
pub(super) fn read(part: &[u8]) -> Result<HashMap<String, Note>, ReadError> {
    let (mut notes, mut open, mut in_text) = (HashMap::new(), None::<(String, Note)>, false);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "footnote" | "endnote" | "comment" if element.attribute("type").is_none() => {
                    let note = Note { text: String::new(), author: element.attribute("author") };
                    open = element.attribute("id").map(|id| (id, note));
                }
                "t" => in_text = true,
                "p" | "tab" | "br" => {
                    if let Some((_, note)) = &mut open
                        && !note.text.is_empty()
                    {
                        note.text.push(' ');
                    }
                }
                _ => {}
            },
            Node::Close("t") => in_text = false,
            Node::Close("footnote" | "endnote" | "comment") => notes.extend(open.take()),
            Node::Close(_) => {}
            Node::Text(text) => {
                if let Some((_, note)) = open.as_mut().filter(|_| in_text) {
                    note.text.push_str(text);
                }
            }
        }
        Ok(())
    })?;
    for note in notes.values_mut() {
        note.text = note.text.trim().to_owned();
    }
    Ok(notes)
}
