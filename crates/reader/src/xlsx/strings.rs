//! Texts that cells share. Knows no cell.

use crate::error::ReadError;
use crate::office::xml::Node;
use crate::office::xml::walk;
use std::borrow::Cow;

/// Reads `sharedStrings.xml`. How characters are pronounced (`rPh`) is not part of the text.
pub(super) fn read(part: &[u8]) -> Result<Vec<String>, ReadError> {
    let (mut strings, mut open, mut in_text, mut spoken) = (Vec::new(), String::new(), false, 0_usize);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "si" => open.clear(),
                "rPh" => spoken += 1,
                "t" => in_text = spoken == 0,
                _ => {}
            },
            Node::Close("si") => strings.push(unescape(&open).into_owned()),
            Node::Close("rPh") => spoken = spoken.saturating_sub(1),
            Node::Close("t") => in_text = false,
            Node::Text(text) if in_text => open.push_str(text),
            Node::Close(_) | Node::Text(_) => {}
        }
        Ok(())
    })?;
    Ok(strings)
}

/// Resolves `_x000D_`, which stands for a character that XML cannot hold (ISO/IEC 29500-1, 22.9.2.19).
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..6).filter(|_| rest.get(6..7) == Some("_"));
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let character = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let (character, length) = character.map_or(('_', 1), |character| (character, 7));
        plain.push(character);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_and_other_underscores_kept() {
        for (text, expected) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("max_xy", "max_xy"),
            ("_x租金", "_x租金"),
            ("_xD800_", "_xD800_"),
            ("_x", "_x"),
        ] {
            assert_eq!(unescape(text), expected);
        }
    }
}
