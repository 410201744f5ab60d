//! What of a message can be read, and the names of what cannot. Knows no header of the message itself.

use super::part::Lines;
use super::part::Part;
use super::part::cut;
use super::part::header;
use crate::error::ReadError;
use crate::html;
use crate::text;
use encoding_rs::Encoding;

/// Multiparts within each other; more is an attack.
const MAX_DEPTH: usize = 16;
/// Parts of a message; more is an attack.
const MAX_PARTS: usize = 1_000;

/// A text of a message.
pub(super) enum Text {
    Plain(String),
    Html(String),
}

/// What a message holds.
#[derive(Default)]
pub(super) struct Body {
    pub(super) texts: Vec<Text>,
    /// The names of what is not read.
    pub(super) attachments: Vec<String>,
    /// Pictures that a text shows.
    pub(super) pictures: u32,
    parts: usize,
}

/// Reads the body of a message.
pub(super) fn read(message: &[u8]) -> Result<Body, ReadError> {
    let mut body = Body::default();
    body.add(&Part::new(message, false), 0, "")?;
    Ok(body)
}

impl Body {
    /// Adds a part, which stands in a multipart of some kind or in none.
    fn add(&mut self, part: &Part<'_>, depth: usize, within: &str) -> Result<(), ReadError> {
        self.parts += 1;
        if self.parts > MAX_PARTS || depth > MAX_DEPTH {
            return Err(ReadError::OutOfBudget { detail: "the message has too many parts".into() });
        }
        match (part.kind.0.as_str(), part.kind.1.as_str()) {
            ("multipart", "alternative") => self.add_alternatives(part, depth),
            ("multipart", kind) => {
                let in_digest = kind == "digest";
                part.parts()
                    .into_iter()
                    .try_for_each(|bytes| self.add(&Part::new(bytes, in_digest), depth + 1, kind))
            }
            ("text", kind @ ("plain" | "html")) if !part.is_attachment => {
                match text(part, kind == "html") {
                    Some(text) => self.texts.push(text),
                    None => self.attachments.push(name(part)),
                }
                Ok(())
            }
            ("image", _) if !part.is_attachment && (part.is_shown_elsewhere || within == "related") => {
                self.pictures += 1;
                Ok(())
            }
            _ => {
                self.attachments.push(name(part));
                Ok(())
            }
        }
    }

    /// Takes the plain text among several tellings of the same, or else the last that can be read: the sender's best one
    /// comes last (RFC 2046, 5.1.4).
    fn add_alternatives(&mut self, part: &Part<'_>, depth: usize) -> Result<(), ReadError> {
        let mut tellings: Vec<Vec<Text>> = Vec::new();
        for bytes in part.parts() {
            let mut telling = Body { parts: self.parts, ..Body::default() };
            telling.add(&Part::new(bytes, false), depth + 1, "alternative")?;
            self.parts = telling.parts;
            self.pictures += telling.pictures;
            self.attachments.extend(telling.attachments);
            tellings.push(telling.texts);
        }
        let is_plain = |texts: &Vec<Text>| {
            let is_written = |text: &Text| matches!(text, Text::Plain(text) if !text.trim().is_empty());
            texts.iter().any(is_written)
        };
        let chosen = tellings.iter().position(is_plain);
        let chosen = chosen.or_else(|| tellings.iter().rposition(|texts| !texts.is_empty()));
        self.texts.extend(chosen.map(|chosen| tellings.swap_remove(chosen)).unwrap_or_default());
        Ok(())
    }
}

/// Decodes a text by what it says of itself; none where it is no text.
fn text(part: &Part<'_>, is_html: bool) -> Option<Text> {
    let bytes = part.content();
    let named = part.charset.as_ref().and_then(|name| Encoding::for_label(name.trim().as_bytes()));
    let named = named.and_then(|named| named.decode_without_bom_handling_and_without_replacement(&bytes));
    let named = named.filter(|text| !text.contains('\0'));
    if is_html {
        let page = named.map_or_else(
            || html::decode(&bytes).ok().map(|decoded| decoded.content),
            |text| Some(text.into_owned()),
        );
        return page.map(Text::Html);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(Text::Plain(String::new()));
    }
    let text = named.map_or_else(
        || text::decode(&bytes).ok().map(|decoded| decoded.content),
        |text| Some(text.into_owned()),
    )?;
    let text = text.replace("\r\n", "\n");
    Some(Text::Plain(match part.lines {
        Lines::AsTheyStand => text,
        Lines::Flowed => flowed(&text, false),
        Lines::FlowedWithoutSpace => flowed(&text, true),
    }))
}

/// Joins the lines that were only broken for transfer (RFC 3676, 4.2 and 4.3): those that end in a space, but for the mark
/// before a signature, with the next one of the same depth of quotation.
fn flowed(text: &str, deletes_space: bool) -> String {
    let (mut joined, mut open) = (String::with_capacity(text.len()), None::<usize>);
    for line in text.lines() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let own = &line[depth..];
        let own = own.strip_prefix(' ').unwrap_or(own);
        let goes_on = own.ends_with(' ') && own != "-- ";
        let own_or_joined = if goes_on && deletes_space { &own[..own.len() - 1] } else { own };
        if open == Some(depth) {
            joined.push_str(own_or_joined);
        } else {
            if !joined.is_empty() {
                joined.push('\n');
            }
            joined.push_str(&line[..depth]);
            joined.push_str(if depth > 0 { " " } else { "" });
            joined.push_str(own_or_joined);
        }
        open = goes_on.then_some(depth);
    }
    joined
}

/// What an attachment is called; a message by its subject.
fn name(part: &Part<'_>) -> String {
    let own = part.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    own.or_else(|| {
        let content = (part.kind.0 == "message").then(|| part.content())?;
        let (head, _) = cut(&content);
        let subject = header(&head)?.subject().map(one_line)?;
        (!subject.is_empty()).then(|| format!("{subject} (message)"))
    })
    .unwrap_or_else(|| format!("without a name ({}/{})", part.kind.0, part.kind.1))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_are_joined() {
        for (text, deletes_space, expected) in [
            ("The rent \nis due.\nEnd", false, "The rent is due.\nEnd"),
            ("租金 \n每月支付。\n", true, "租金每月支付。"),
            ("> quoted \n> text \nown", false, "> quoted text \nown"),
            ("x\n-- \nAda", false, "x\n-- \nAda"),
            (" From here\n\nthere", false, "From here\n\nthere"),
        ] {
            assert_eq!(flowed(text, deletes_space), expected);
        }
    }
}
