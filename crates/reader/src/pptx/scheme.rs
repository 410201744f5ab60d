//! How paragraphs of a slide are numbered (ISO/IEC 29500-1, 20.1.10.61). Knows no paragraph.

use crate::numerals::chinese;
use crate::numerals::circled;
use crate::numerals::letters;
use crate::numerals::roman;

/// A numbering, such as `alphaLcParenR` from 3 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) kind: String,
    pub(super) start: u32,
}

impl Scheme {
    /// What stands before a paragraph, with the space after it: `c) `. Kinds that are not known are digits.
    pub(super) fn marker(&self, number: u32) -> String {
        let kind = self.kind.as_str();
        let begins = |start: &str| kind.starts_with(start);
        let written = if begins("alphaLc") {
            letters(number).to_lowercase()
        } else if begins("alphaUc") {
            letters(number)
        } else if begins("romanLc") {
            roman(number).to_lowercase()
        } else if begins("romanUc") {
            roman(number)
        } else if begins("ea1") {
            chinese(number)
        } else if begins("circleNum") {
            circled(number)
        } else {
            number.to_string()
        };
        if kind.ends_with("ParenBoth") {
            format!("({written}) ")
        } else if kind.ends_with("ParenR") {
            format!("{written}) ")
        } else if kind.ends_with("Plain") {
            format!("{written} ")
        } else {
            format!("{written}. ")
        }
    }
}
