//! What of a message can be read, and the names of what cannot. Knows no header of the message itself.

use super::part;
use super::part::Lines;
use super::part::Part;
use crate::error::ReadError;
use crate::html;
use crate::options::ReadOptions;
use crate::text;
use crate::text::Decoded;
use encoding_rs::Encoding;

/// Multiparts within each other; more is an attack.
const MAX_DEPTH: usize = 16;
/// Parts of a message, and bytes of all their headers; more is an attack.
const MAX_PARTS: usize = 1_000;
const MAX_HEADERS: usize = 1 << 20;
/// A shorter plain text may only say that there is a better one, which is then so many times as long.
const STUB_CHARACTERS: usize = 200;
const STUB_WITHIN: usize = 4;

/// A text of a message.
pub(super) struct Text {
    pub(super) is_html: bool,
    pub(super) decoded: Decoded,
    /// Characters that a reader sees, once they were counted.
    shown: Option<usize>,
}

/// What a message holds.
pub(super) struct Body<'o> {
    options: &'o ReadOptions,
    pub(super) texts: Vec<Text>,
    /// The names of what is not read.
    pub(super) attachments: Vec<String>,
    /// Pictures that a text shows.
    pub(super) pictures: u32,
    /// Parts whose header was cut off.
    pub(super) cut_headers: u32,
    /// Parts that are not as they say they are, and were read as far as they go.
    pub(super) damaged: u32,
    parts: usize,
    header_bytes: usize,
}

/// Reads the body of a message.
pub(super) fn read<'o>(message: &[u8], options: &'o ReadOptions) -> Result<Body<'o>, ReadError> {
    let mut body = Body {
        options,
        texts: Vec::new(),
        attachments: Vec::new(),
        pictures: 0,
        cut_headers: 0,
        damaged: 0,
        parts: 0,
        header_bytes: 0,
    };
    body.add(&Part::new(part::cut_message(message), false), 0, "")?;
    Ok(body)
}

impl Body<'_> {
    /// Adds a part, which stands in a multipart of some kind or in none.
    fn add(&mut self, part: &Part<'_>, depth: usize, within: &str) -> Result<(), ReadError> {
        self.parts += 1;
        self.header_bytes += part.header_bytes;
        self.cut_headers += u32::from(part.is_header_cut);
        if self.parts > MAX_PARTS || self.header_bytes > MAX_HEADERS || depth > MAX_DEPTH {
            return Err(ReadError::OutOfBudget { detail: "the message has too many parts".into() });
        }
        match (part.kind.0.as_str(), part.kind.1.as_str()) {
            ("multipart", kind) => match part.parts() {
                parts if parts.is_empty() => self.add_undivided(part),
                parts if kind == "alternative" => self.add_alternatives(&parts, depth)?,
                parts => {
                    let part = |bytes| Part::new(part::cut_part(bytes), kind == "digest");
                    parts.into_iter().try_for_each(|bytes| self.add(&part(bytes), depth + 1, kind))?;
                }
            },
            ("text", kind @ ("plain" | "html")) if !part.is_attachment => self.add_text(part, kind == "html"),
            ("image", _) if !part.is_attachment && (part.is_shown_elsewhere || within == "related") => {
                self.pictures += 1;
            }
            _ => self.attach(part),
        }
        Ok(())
    }

    fn add_text(&mut self, part: &Part<'_>, is_html: bool) {
        let (bytes, is_whole) = part.content();
        match text(part, &bytes, is_html) {
            Some(decoded) => {
                self.damaged += u32::from(!is_whole);
                self.texts.push(Text { is_html, decoded, shown: None });
            }
            None => self.attach(part),
        }
    }

    /// Adds a multipart of which nothing says where its parts begin.
    fn add_undivided(&mut self, part: &Part<'_>) {
        if part.has_body() {
            self.damaged += 1;
            self.add_text(part, false);
        }
    }

    /// Takes the plain text among several tellings of the same, or else the last that can be read: the sender's best one
    /// comes last (RFC 2046, 5.1.4).
    fn add_alternatives(&mut self, parts: &[&[u8]], depth: usize) -> Result<(), ReadError> {
        let mut tellings: Vec<Vec<Text>> = Vec::new();
        for bytes in parts {
            // What a telling holds beside its texts counts whichever is chosen.
            let before = std::mem::take(&mut self.texts);
            self.add(&Part::new(part::cut_part(bytes), false), depth + 1, "alternative")?;
            tellings.push(std::mem::replace(&mut self.texts, before));
        }
        let is_plain = |texts: &Vec<Text>| {
            texts.iter().any(|text| !text.is_html && !text.decoded.content.trim().is_empty())
        };
        let plain = tellings.iter().position(is_plain);
        let best = tellings.iter().rposition(|texts| !texts.is_empty());
        let chosen = match (plain, best) {
            (Some(plain), Some(best)) if self.is_stub(plain, best, &mut tellings) => Some(best),
            (plain, best) => plain.or(best),
        };
        self.texts.extend(chosen.map(|chosen| tellings.swap_remove(chosen)).unwrap_or_default());
        Ok(())
    }

    /// Says whether a telling is so much shorter than the best one that it cannot be the same.
    fn is_stub(&self, plain: usize, best: usize, tellings: &mut [Vec<Text>]) -> bool {
        let mut shown = |at: usize| -> usize {
            tellings[at].iter_mut().map(|text| text.count_shown(self.options)).fold(0, usize::saturating_add)
        };
        let written = shown(plain);
        plain != best && written < STUB_CHARACTERS && shown(best) >= written.saturating_mul(STUB_WITHIN)
    }

    /// Names a part that is not read; a message by its subject.
    fn attach(&mut self, part: &Part<'_>) {
        let own = part.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let name = own.or_else(|| self.subject(part).map(|subject| format!("{subject} (message)")));
        let name = name.unwrap_or_else(|| format!("without a name ({}/{})", part.kind.0, part.kind.1));
        self.attachments.push(name);
    }

    fn subject(&mut self, part: &Part<'_>) -> Option<String> {
        let (content, _) = (part.kind.0 == "message").then(|| part.content())?;
        let head = part::cut_part(&content).head;
        self.header_bytes += head.len();
        let subject = part::header(&head)?.subject().map(one_line)?;
        (!subject.is_empty()).then_some(subject)
    }
}

impl Text {
    /// Counts the characters that a reader sees; none where the text cannot be read.
    fn count_shown(&mut self, options: &ReadOptions) -> usize {
        let Self { is_html, decoded, shown } = self;
        *shown.get_or_insert_with(|| {
            if *is_html {
                html::count_shown(&decoded.content, options)
            } else {
                decoded.content.trim().chars().count()
            }
        })
    }
}

/// Decodes a text by what it says of itself; none where it is no text.
fn text(part: &Part<'_>, bytes: &[u8], is_html: bool) -> Option<Decoded> {
    if is_html {
        return named(part, bytes).or_else(|| html::decode(bytes).ok());
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(Decoded { content: String::new(), guessed: None, faults: 0 });
    }
    let decoded = named(part, bytes).or_else(|| text::decode(bytes).ok())?;
    let text = decoded.content.replace("\r\n", "\n");
    let content = match part.lines {
        Lines::AsTheyStand => text,
        Lines::Flowed => flowed(&text, false),
        Lines::FlowedWithoutSpace => flowed(&text, true),
    };
    Some(Decoded { content, ..decoded })
}

/// Decodes a text by the encoding that the part names, if its bytes agree. Any bytes are right for an encoding of one byte a
/// character, and programs name one without looking: what is also right as UTF-8 is that.
fn named(part: &Part<'_>, bytes: &[u8]) -> Option<Decoded> {
    let named = Encoding::for_label(part.charset.as_ref()?.trim().as_bytes())?;
    if named.is_single_byte() && std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let content = named.decode_without_bom_handling_and_without_replacement(bytes)?;
    (!content.contains('\0')).then(|| Decoded { content: content.into_owned(), guessed: None, faults: 0 })
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
