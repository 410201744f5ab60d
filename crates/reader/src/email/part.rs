//! A part of a message: what its header says, and its body as it was sent (RFC 2045, RFC 2046). Knows no other part but
//! those it is cut into.

use super::transfer;
use super::transfer::Sent;
use crate::text;
use mail_parser::ContentType;
use mail_parser::Message;
use mail_parser::MessageParser;
use mail_parser::MimeHeaders;
use std::borrow::Cow;

/// Headers that are longer are cut off: the work of reading one grows with the square of its length.
pub(super) const MAX_HEADER: usize = 64 << 10;
const MAX_PART_HEADER: usize = 16 << 10;

/// A part with its header read.
pub(super) struct Part<'b> {
    /// Type and subtype, in small letters.
    pub(super) kind: (String, String),
    /// What parts the parts of this one.
    boundary: Option<String>,
    pub(super) charset: Option<String>,
    pub(super) lines: Lines,
    encoding: String,
    /// The sender says it is not for reading in place.
    pub(super) is_attachment: bool,
    /// Another part shows it.
    pub(super) is_shown_elsewhere: bool,
    pub(super) name: Option<String>,
    /// Bytes of the header, and whether it was longer.
    pub(super) header_bytes: usize,
    pub(super) is_header_cut: bool,
    body: &'b [u8],
}

/// A message, or a part, in two.
pub(super) struct Cut<'b> {
    pub(super) head: Cow<'b, [u8]>,
    pub(super) is_shortened: bool,
    body: &'b [u8],
}

/// How the lines of a text are meant (RFC 3676).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    AsTheyStand,
    /// Those that end in a space go on.
    Flowed,
    /// The same, and that space is no part of the text.
    FlowedWithoutSpace,
}

/// Cuts the header, up to a length, from the body.
fn cut(bytes: &[u8], limit: usize) -> Cut<'_> {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            break;
        }
        at += line.len();
    }
    let (head, rest) = bytes.split_at(at);
    let body =
        rest.iter().position(|byte| *byte == b'\n').map_or(&rest[rest.len()..], |end| &rest[end + 1..]);
    let is_shortened = head.len() > limit;
    let mut head = &head[..head.len().min(limit)];
    if is_shortened && let Some(end) = head.iter().rposition(|byte| *byte == b'\n') {
        head = &head[..=end];
    }
    if std::str::from_utf8(head).is_ok() {
        return Cut { head: Cow::Borrowed(head), is_shortened, body };
    }
    // Old programs put their own encoding into headers, which no rule allows.
    let decoded = text::decode(head).map(|decoded| decoded.content.into_bytes());
    Cut { head: decoded.map_or(Cow::Borrowed(head), Cow::Owned), is_shortened, body }
}

/// Cuts a whole message.
pub(super) fn cut_message(bytes: &[u8]) -> Cut<'_> {
    cut(bytes, MAX_HEADER)
}

/// Cuts a part, or a message in a part.
pub(super) fn cut_part(bytes: &[u8]) -> Cut<'_> {
    cut(bytes, MAX_PART_HEADER)
}

/// Reads a header; none where there is nothing of one.
pub(super) fn header(head: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse_headers(head)
}

impl<'b> Part<'b> {
    /// Reads the header. `in_digest`: parts of a digest are messages unless they say otherwise.
    pub(super) fn new(cut: Cut<'b>, in_digest: bool) -> Self {
        let Cut { head, is_shortened, body } = cut;
        let header = header(&head);
        let content_type = header.as_ref().and_then(|header| header.content_type());
        let usual = if in_digest { ("message", "rfc822") } else { ("text", "plain") };
        let kind = content_type.map_or(usual, |kind| (kind.ctype(), kind.subtype().unwrap_or_default()));
        let attribute = |name: &str| content_type.and_then(|kind| kind.attribute(name)).map(str::to_owned);
        let is = |name: &str, value: &str| attribute(name).is_some_and(|own| own.eq_ignore_ascii_case(value));
        let header = header.as_ref();
        let disposition = header.and_then(|header| header.content_disposition());
        Self {
            kind: (kind.0.to_ascii_lowercase(), kind.1.to_ascii_lowercase()),
            boundary: attribute("boundary").filter(|boundary| !boundary.is_empty()),
            charset: attribute("charset"),
            lines: match (is("format", "flowed"), is("delsp", "yes")) {
                (false, _) => Lines::AsTheyStand,
                (true, false) => Lines::Flowed,
                (true, true) => Lines::FlowedWithoutSpace,
            },
            encoding: header
                .and_then(|header| header.content_transfer_encoding())
                .unwrap_or_default()
                .to_ascii_lowercase(),
            is_attachment: disposition.is_some_and(ContentType::is_attachment),
            is_shown_elsewhere: header.is_some_and(|header| header.content_id().is_some())
                || disposition.is_some_and(ContentType::is_inline),
            name: header.and_then(|header| header.attachment_name()).map(str::to_owned),
            header_bytes: head.len(),
            is_header_cut: is_shortened,
            body,
        }
    }

    /// The parts of a multipart body, each with its header (RFC 2046, 5.1.1).
    pub(super) fn parts(&self) -> Vec<&'b [u8]> {
        let Some(boundary) = self.boundary.as_ref().filter(|_| self.kind.0 == "multipart") else {
            return Vec::new();
        };
        let delimiter = format!("--{boundary}");
        let (mut parts, mut open, mut at) = (Vec::new(), None::<usize>, 0);
        for line in self.body.split_inclusive(|byte| *byte == b'\n') {
            let (start, end) = (at, at + line.len());
            at = end;
            let Some(rest) = line.strip_prefix(delimiter.as_bytes()) else { continue };
            let rest = rest.trim_ascii_end();
            let closes = rest == b"--";
            if !rest.is_empty() && !closes {
                continue;
            }
            parts.extend(open.map(|open| without_line_break(&self.body[open..start])));
            open = (!closes).then_some(end);
            if closes {
                break;
            }
        }
        // A message that was cut off has no last delimiter.
        parts.extend(open.map(|open| &self.body[open..]));
        parts
    }

    /// Says whether anything stands in the body.
    pub(super) fn has_body(&self) -> bool {
        !self.body.trim_ascii().is_empty()
    }

    /// The body without its encoding for transfer, and whether all of it kept to that.
    pub(super) fn content(&self) -> (Cow<'b, [u8]>, bool) {
        let Sent { content, is_whole } = match self.encoding.trim() {
            "base64" => transfer::base64(self.body),
            "quoted-printable" => transfer::quoted_printable(self.body),
            _ => return (Cow::Borrowed(self.body), true),
        };
        (Cow::Owned(content), is_whole)
    }
}

/// The line break before a delimiter belongs to it.
fn without_line_break(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}
