//! The text that one glyph stands for. Knows no fonts.

use super::radicals::unified;
use std::rc::Rc;

/// One character, or several for a ligature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Characters {
    One(char),
    Many(Rc<str>),
}

impl Characters {
    /// Takes decoded text: ligatures of the presentation forms become their letters, radicals the
    /// characters that they look like, and control characters spaces.
    /// `None` if nothing is left that is a character.
    pub(crate) fn new(decoded: &str) -> Option<Self> {
        let mut characters = decoded.chars().filter(|&c| c != '\0' && c != char::REPLACEMENT_CHARACTER);
        let first = characters.next()?;
        if characters.next().is_none() {
            return Some(Self::of(first));
        }
        let mut text = String::with_capacity(decoded.len());
        for character in decoded.chars().filter(|&c| c != '\0') {
            match Self::of(character) {
                Characters::One(one) => text.push(one),
                Characters::Many(many) => text.push_str(&many),
            }
        }
        Some(Characters::Many(text.into()))
    }

    /// Takes one decoded character.
    pub(crate) fn of(character: char) -> Self {
        match character {
            '\u{fb00}' => Characters::Many("ff".into()),
            '\u{fb01}' => Characters::Many("fi".into()),
            '\u{fb02}' => Characters::Many("fl".into()),
            '\u{fb03}' => Characters::Many("ffi".into()),
            '\u{fb04}' => Characters::Many("ffl".into()),
            '\u{fb05}' | '\u{fb06}' => Characters::Many("st".into()),
            // Bullets of Symbol and Wingdings at the places where Windows keeps symbol fonts.
            '\u{f0b7}' => Characters::One('\u{2022}'),
            '\u{f0a7}' => Characters::One('\u{25aa}'),
            '\u{f0d8}' => Characters::One('\u{27a2}'),
            '\u{f0fc}' => Characters::One('\u{2713}'),
            other if other.is_control() => Characters::One(' '),
            other => Characters::One(unified(other)),
        }
    }

    pub(crate) fn is_space(&self) -> bool {
        match self {
            Characters::One(one) => one.is_whitespace(),
            Characters::Many(many) => many.chars().all(char::is_whitespace),
        }
    }

    pub(crate) fn holds_space(&self) -> bool {
        match self {
            Characters::One(one) => one.is_whitespace(),
            Characters::Many(many) => many.contains(char::is_whitespace),
        }
    }

    /// Says whether the characters have no meaning outside of their font.
    pub(crate) fn is_private(&self) -> bool {
        match self {
            Characters::One(one) => is_private_use(*one),
            Characters::Many(many) => many.chars().any(is_private_use),
        }
    }

    pub(crate) fn push_to(&self, text: &mut String) {
        match self {
            Characters::One(one) => text.push(*one),
            Characters::Many(many) => text.push_str(many),
        }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Characters::One(_) => 1,
            Characters::Many(many) => many.chars().count(),
        }
    }

    pub(crate) fn first(&self) -> char {
        match self {
            Characters::One(one) => *one,
            Characters::Many(many) => many.chars().next().unwrap_or(' '),
        }
    }

    pub(crate) fn last(&self) -> char {
        match self {
            Characters::One(one) => *one,
            Characters::Many(many) => many.chars().next_back().unwrap_or(' '),
        }
    }
}

/// Recognises the private use areas of Unicode.
pub(crate) fn is_private_use(character: char) -> bool {
    matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}
