//! Comments on a slide. Knows no place where they stand.

use crate::error::ReadError;
use crate::office::xml::Node;
use crate::office::xml::walk;

/// Reads comments as `[Comment: Check this.]`: both kinds of the part, with the text in `text` or in paragraphs.
pub(super) fn read(part: &[u8]) -> Result<Vec<String>, ReadError> {
    let (mut comments, mut text, mut in_text) = (Vec::new(), String::new(), false);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "text" | "t" => in_text = true,
                "p" | "br" => text.push(' '),
                _ => {}
            },
            Node::Close("text" | "t") => in_text = false,
            // An answer stands in its comment, so each closes with what it says itself.
            Node::Close("cm" | "reply" | "txBody") => {
                let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
                comments.extend((!said.is_empty()).then(|| format!("[Comment: {said}]")));
                text.clear();
            }
            Node::Text(piece) if in_text => text.push_str(piece),
            Node::Close(_) | Node::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(comments)
}
