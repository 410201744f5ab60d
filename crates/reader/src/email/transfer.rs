//! Encodings for transfer undone (RFC 2045, 6.7 and 6.8), as far as what was sent keeps to them. Knows no header.

/// What comes of a body, and whether all of it was as the encoding wants it.
pub(super) struct Sent {
    pub(super) content: Vec<u8>,
    pub(super) is_whole: bool,
}

/// So many letters in a row are no word that somebody put behind the encoded text.
const NO_WORD: usize = 64;

/// Undoes `quoted-printable`; an equals sign that encodes nothing stands for itself.
pub(super) fn quoted_printable(bytes: &[u8]) -> Sent {
    let mut sent = Sent { content: Vec::with_capacity(bytes.len()), is_whole: true };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        // White space at the end of a line was added on the way.
        let mut rest = line.trim_ascii_end();
        let line_break =
            &line[line.len() - line.iter().rev().take_while(|byte| b"\r\n".contains(byte)).count()..];
        let goes_on = rest.last() == Some(&b'=');
        rest = if goes_on { &rest[..rest.len() - 1] } else { rest };
        while let Some((first, after)) = rest.split_first() {
            let encoded = (*first == b'=')
                .then(|| Some(hexadecimal(*after.first()?)? << 4 | hexadecimal(*after.get(1)?)?));
            sent.is_whole &= encoded != Some(None);
            let encoded = encoded.flatten();
            sent.content.push(encoded.unwrap_or(*first));
            rest = if encoded.is_some() { &after[2..] } else { after };
        }
        if !goes_on {
            sent.content.extend(line_break);
        }
    }
    sent
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Undoes `base64` up to what is none, such as the line that a mailing list adds; that stands as it is.
pub(super) fn base64(bytes: &[u8]) -> Sent {
    let (mut content, mut bits, mut count, mut at) = (Vec::with_capacity(bytes.len() / 4 * 3), 0_u32, 0, 0);
    let mut is_whole = true;
    let mut is_ended = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let code = line.trim_ascii();
        let letters = code.iter().take_while(|byte| value(**byte).is_some()).count();
        let padding = code[letters..].iter().all(|byte| *byte == b'=' || byte.is_ascii_whitespace());
        // Behind the end may stand another piece that was encoded on its own, or words.
        let is_piece = code.len() % 4 == 0 && (letters >= NO_WORD || letters < code.len());
        is_whole = padding && (!is_ended || letters == 0 || is_piece);
        let taken = if is_whole || !is_ended && letters >= NO_WORD { letters } else { 0 };
        for letter in code[..taken].iter().filter_map(|byte| value(*byte)) {
            (bits, count) = (bits << 6 | letter, count + 6);
            if count >= 8 {
                count -= 8;
                content.push((bits >> count) as u8);
            }
        }
        if !is_whole {
            at += if taken > 0 { line.len() - line.trim_ascii_start().len() + taken } else { 0 };
            break;
        }
        if letters < code.len() {
            (is_ended, count) = (true, 0);
        }
        at += line.len();
    }
    let rest = &bytes[at..];
    if !rest.is_empty() && !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    content.extend(rest);
    Sent { content, is_whole }
}

fn value(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decode: fn(&[u8]) -> Sent, sent: &str, expected: &str, is_whole: bool) {
        let found = decode(sent.as_bytes());

        assert_eq!(
            (String::from_utf8_lossy(&found.content).as_ref(), found.is_whole),
            (expected, is_whole),
            "{sent}"
        );
    }

    #[test]
    fn quoted_printable_is_undone_as_far_as_it_goes() {
        check(quoted_printable, "a=3Db=\r\nc \r\nd=e7=A7=9F", "a=bc\r\nd租", true);
        check(quoted_printable, "a= \n\nb=", "a\nb", true);
        check(quoted_printable, "5 = 3 =X =4", "5 = 3 =X =4", false);
        check(quoted_printable, "", "", true);
    }

    #[test]
    fn base64_is_undone_up_to_what_is_none() {
        check(base64, "UmVu\r\n dC4=\r\n\r\n", "Rent.", true);
        check(base64, "UmVudA", "Rent", true);
        check(base64, "UmVudC4=\nUmVudC4=\n", "Rent.Rent.", true);
        check(base64, "UmVudC4=\n-- \nList", "Rent.\n-- \nList", false);
        check(base64, "UmVudC4=\nUnsubscribe", "Rent.\nUnsubscribe", false);
        check(base64, &format!("{}!UmVu", "UmVu".repeat(20)), &format!("{}\n!UmVu", "Ren".repeat(20)), false);
        check(base64, "no code", "no code", false);
        check(base64, "", "", true);
    }
}
