//! Recognises text that was decoded wrongly: a font that hides its characters gives letters, but senseless ones.
//! Knows no fonts.

use super::font::is_private_use;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use std::collections::BTreeMap;

/// Judged only on pages with this many characters.
const MIN_CHARACTERS: u32 = 40;

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Garble {
    suspicious: Vec<u32>,
}

impl Garble {
    /// Looks at the text of a page and says whether it looks wrong.
    pub(super) fn look_at(&mut self, page: u32, text: &str) -> bool {
        let garbled = is_garbled(text);
        if garbled {
            self.suspicious.push(page);
        }
        garbled
    }

    /// Returns one warning for each page that looked wrong.
    pub(super) fn warnings(self) -> impl Iterator<Item = Warning> {
        self.suspicious.into_iter().map(|page| {
            let detail = format!(
                "the text of page {page} looks wrong: a font of the file does not tell its characters"
            );
            Warning { code: WarningCode::GarbledText, page: Some(page), detail }
        })
    }
}

/// Says whether more than 15 % of the characters have no meaning, or come from a mixture of scripts that no text has.
fn is_garbled(text: &str) -> bool {
    let (mut characters, mut senseless) = (0_u32, 0_u32);
    let mut scripts: BTreeMap<u32, u32> = BTreeMap::new();
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        characters += 1;
        if character == char::REPLACEMENT_CHARACTER || character.is_control() || is_private_use(character) {
            senseless += 1;
        } else if let Some(script) = rare_script(character) {
            *scripts.entry(script).or_default() += 1;
        }
    }
    if characters < MIN_CHARACTERS {
        return false;
    }
    let mixed: u32 = scripts.values().sum();
    let several = scripts.values().filter(|&&count| count >= 2).count() >= 3;
    (senseless * 100 > characters * 15) || (several && mixed * 100 > characters * 15)
}

/// Returns a number for the script of a character that is neither Latin, Greek, Cyrillic nor common in East Asia.
/// One such script is a language; three on one page are an accident.
fn rare_script(character: char) -> Option<u32> {
    let code = character as u32;
    match code {
        // Hebrew to Myanmar, and further scripts up to the symbols: blocks of 128 places.
        0x0530..=0x1dff => Some(code >> 7),
        // Extension A, Yi and its neighbours, presentation forms, and everything beyond the basic plane but emoji.
        0x3400..=0x4dbf => Some(1),
        0xa000..=0xabff => Some(2),
        0xfb50..=0xfdff | 0xfe70..=0xfeff => Some(3),
        0x10000..=0x1efff => Some(4),
        0x20000..=0x3ffff => Some(5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_text_is_told_from_foreign_text() {
        let repeat = |text: &str| text.repeat(20);

        assert!(!is_garbled(&repeat("The lessee pays. ")));
        assert!(!is_garbled(&repeat("承租人应当支付租金。")));
        assert!(!is_garbled(&repeat("يدفع المستأجر الإيجار ")));
        assert!(!is_garbled("\u{fffd}\u{fffd}"));
        assert!(is_garbled(&repeat("ab\u{fffd}\u{e012}")));
        assert!(is_garbled(&repeat("ابকখกข㐀㐁 ab")));
    }
}
