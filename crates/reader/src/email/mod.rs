//! E-mail messages (RFC 5322): who wrote to whom, when, on what, and the text. Attachments are named and not read. Knows no
//! mailbox.

mod body;
mod part;
mod transfer;

use crate::email::body::Body;
use crate::error::ReadError;
use crate::html;
use crate::manuscript::Manuscript;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use mail_parser::Addr;
use mail_parser::Address;
use mail_parser::DateTime;
use mail_parser::Message;

/// Headers that every message has some of. People write the same words in front of a text of their own.
const KNOWN: &[&str] = &["from", "to", "cc", "date", "subject", "reply-to", "sender"];
/// Those that only programs write.
const OF_PROGRAMS: &[&str] = &[
    "message-id",
    "received",
    "mime-version",
    "content-type",
    "return-path",
    "delivered-to",
    "dkim-signature",
];
/// The header of a message is looked for so far.
const HEADER_WITHIN: usize = 256 << 10;

/// Characters of a date that is not understood.
const MAX_DATE: usize = 100;

/// Says whether bytes begin with the header of a message: at least two lines that every message has, one of them such as no
/// person writes, and nothing that is no header line, up to an empty line.
pub(crate) fn is_email(bytes: &[u8]) -> bool {
    let bytes = without_envelope(bytes);
    let start = &bytes[..bytes.len().min(HEADER_WITHIN)];
    let (mut known, mut is_sent, mut in_sender) = (Vec::<&str>::new(), false, false);
    for (at, line) in start.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if matches!(line, b"\n" | b"\r\n") {
            return known.len() >= 2 && is_sent;
        }
        if !(matches!(line, [b' ' | b'\t', ..]) && at > 0) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
            let name = &line[..colon];
            if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
                return false;
            }
            let is = |known: &&&str| known.as_bytes().eq_ignore_ascii_case(name);
            let found = KNOWN.iter().chain(OF_PROGRAMS).find(is);
            known.extend(found.filter(|found| !known.contains(found)));
            is_sent |= OF_PROGRAMS.iter().any(|known| is(&known));
            in_sender = name.eq_ignore_ascii_case(b"from");
        }
        is_sent |= in_sender && line.contains(&b'@');
    }
    false
}

/// A message without a byte order mark, and without the line that mailboxes put before each (RFC 4155).
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if !bytes.starts_with(b"From ") {
        return bytes;
    }
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or(bytes, |end| &bytes[end + 1..])
}

/// Reads a message as text on one page.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let bytes = without_envelope(bytes);
    let head = part::cut_message(bytes).head;
    let header = part::header(&head).ok_or(ReadError::Empty)?;
    let body = body::read(bytes, options)?;
    let subject = header.subject().map(one_line).filter(|subject| !subject.is_empty());
    let mut manuscript = Manuscript::new(options);
    manuscript.page(None);
    if let Some(subject) = &subject {
        manuscript.block(subject, Some(1))?;
    }
    let lines = lines(&header);
    if !lines.is_empty() {
        manuscript.block(&lines.join("\n"), None)?;
    }
    let warnings = write(&body, &mut manuscript)?;
    manuscript.finish(Format::Email, subject, warnings)
}

/// Writes the texts and the names of what is not read.
fn write(body: &Body<'_>, manuscript: &mut Manuscript<'_>) -> Result<Vec<Warning>, ReadError> {
    let mut warnings = damage(body);
    for text in &body.texts {
        if text.is_html {
            warnings.extend(html::write(&text.decoded.content, manuscript)?.warnings());
        } else {
            let text = text.decoded.content.trim_matches('\n').trim_end();
            if !text.trim().is_empty() {
                manuscript.block(text, None)?;
            }
        }
        warnings.extend(text.decoded.warnings());
        manuscript.undecodable(text.decoded.faults);
    }
    if body.pictures > 0 {
        let detail = format!("{} pictures are not read; text in them cannot be found", body.pictures);
        warnings.push(Warning { code: WarningCode::PicturesNotRead, page: None, detail });
    }
    if !body.attachments.is_empty() {
        manuscript.block(&format!("Attachments:\n- {}", body.attachments.join("\n- ")), None)?;
        let count = body.attachments.len();
        let detail = format!("{count} attachments are named and not read; upload them on their own");
        warnings.push(Warning { code: WarningCode::AttachmentsNotRead, page: None, detail });
    }
    Ok(warnings)
}

fn damage(body: &Body<'_>) -> Vec<Warning> {
    let warning = |code, detail| Warning { code, page: Some(1), detail };
    let mut warnings = Vec::new();
    if body.cut_headers > 0 {
        let detail = format!("{} headers are too long and were read in part", body.cut_headers);
        warnings.push(warning(WarningCode::PageIncomplete, detail));
    }
    if body.damaged > 0 {
        let detail = format!(
            "{} parts of the message are not encoded as they say; text in them may be wrong",
            body.damaged
        );
        warnings.push(warning(WarningCode::RepairedFile, detail));
    }
    warnings
}

/// The lines before the text.
fn lines(header: &Message<'_>) -> Vec<String> {
    let addresses = |address: Option<&Address<'_>>| address.map(addresses).unwrap_or_default();
    let fields = [
        ("From", addresses(header.from())),
        ("To", addresses(header.to())),
        ("Cc", addresses(header.cc())),
        ("Date", sent(header)),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    fields.map(|(name, value)| format!("{name}: {value}")).collect()
}

fn addresses(address: &Address<'_>) -> String {
    let list = |addresses: &[Addr<'_>]| addresses.iter().map(person).collect::<Vec<_>>().join(", ");
    one_line(&match address {
        Address::List(addresses) => list(addresses),
        Address::Group(groups) => {
            let group = |group: &mail_parser::Group<'_>| match &group.name {
                Some(name) => format!("{name}: {}", list(&group.addresses)),
                None => list(&group.addresses),
            };
            groups.iter().map(group).collect::<Vec<_>>().join(", ")
        }
    })
}

fn person(address: &Addr<'_>) -> String {
    match (&address.name, &address.address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.to_string(),
        (None, None) => String::new(),
    }
}

/// When the message was sent; as it was written where that is not understood.
fn sent(header: &Message<'_>) -> String {
    let understood = header.date().filter(|date| date.is_valid()).map(date);
    understood.unwrap_or_else(|| {
        let raw = one_line(header.header_raw("Date").unwrap_or_default());
        raw.chars().take(MAX_DATE).collect()
    })
}

/// The time where the message was written, with its distance from UTC.
fn date(date: &DateTime) -> String {
    let DateTime { year, month, day, hour, minute, tz_hour, tz_minute, .. } = date;
    let sign = if date.tz_before_gmt { '-' } else { '+' };
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} {sign}{tz_hour:02}{tz_minute:02}")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
