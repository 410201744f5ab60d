//! One section of a number format: what stands before the digits, how many there are, and what stands behind. Knows no
//! dates and not when it applies.

use super::decimal::Decimal;

/// A section that is understood.
#[derive(Debug, Default)]
pub(super) struct Section {
    before: String,
    after: String,
    /// Digits before the point at least.
    whole: usize,
    /// Digits behind the point, at least and at most.
    fraction: (usize, usize),
    /// Some place for a digit.
    has_digits: bool,
    has_point: bool,
    grouped: bool,
    /// The power of ten that the number is multiplied by.
    scale: i32,
    /// Digits of the exponent at least, where there is one.
    exponent: Option<usize>,
}

/// How far the reading of a section has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Before,
    Whole,
    Fraction,
    Exponent,
    After,
}

impl Section {
    /// Reads a section; none if it asks for something that is not understood here.
    pub(super) fn new(code: &str) -> Option<Self> {
        let (mut section, mut at, mut commas) = (Self::default(), At::Before, 0);
        let mut rest = code.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '0' | '#' | '?' => {
                    at = section.digit(character, at)?;
                    section.grouped |= at == At::Whole && commas > 0;
                    commas = if at == At::Whole { 0 } else { commas };
                }
                ',' if at == At::Whole || at == At::Fraction => commas += 1,
                '.' if at == At::Before || at == At::Whole => {
                    (at, section.has_point) = (At::Fraction, true);
                }
                'E' | 'e' if at == At::Whole || at == At::Fraction => {
                    rest.next().filter(|sign| matches!(sign, '+' | '-'))?;
                    (at, section.exponent) = (At::Exponent, Some(0));
                }
                _ => {
                    let literal = literal(character, &mut rest)?;
                    section.scale += 2 * i32::from(character == '%');
                    if !literal.is_empty() {
                        at = section.literal(&literal, at);
                    }
                }
            }
        }
        section.scale -= 3 * commas;
        // Groups of three of a mantissa are steps of the exponent.
        (section.exponent.is_none() || section.whole == 1).then_some(section)
    }

    fn digit(&mut self, place: char, at: At) -> Option<At> {
        self.has_digits = true;
        let needed = usize::from(place == '0');
        match at {
            At::Before | At::Whole => {
                self.whole += needed;
                Some(At::Whole)
            }
            At::Fraction => {
                self.fraction.1 += 1;
                if needed == 1 {
                    self.fraction.0 = self.fraction.1;
                }
                Some(At::Fraction)
            }
            At::Exponent => {
                self.exponent = self.exponent.map(|digits| digits + needed);
                Some(At::Exponent)
            }
            // Text between digits, as of a telephone number.
            At::After => None,
        }
    }

    fn literal(&mut self, literal: &str, at: At) -> At {
        if at == At::Before {
            self.before.push_str(literal);
            return At::Before;
        }
        self.after.push_str(literal);
        At::After
    }

    /// Shows a number; its sign, if it is negative, in front.
    pub(super) fn show(&self, number: f64) -> String {
        if !self.has_digits {
            return format!("{}{}", self.before, self.after).trim().to_owned();
        }
        let mut decimal = Decimal::new(number);
        decimal.shift(self.scale);
        let power = self.exponent.map(|_| decimal.exponent());
        decimal.shift(-power.unwrap_or(0));
        decimal.round(self.fraction.1);
        let digits = self.digits(&decimal);
        let exponent = match (power, self.exponent) {
            (Some(power), Some(width)) => {
                let sign = if power < 0 { '-' } else { '+' };
                format!("E{sign}{:0width$}", power.abs())
            }
            _ => String::new(),
        };
        let sign = if number < 0.0 && !decimal.is_zero() { "-" } else { "" };
        let shown = format!("{sign}{}{digits}{exponent}{}", self.before, self.after);
        shown.trim().to_owned()
    }

    fn digits(&self, decimal: &Decimal) -> String {
        let mut whole = decimal.whole();
        if whole.len() < self.whole {
            whole.insert_str(0, &"0".repeat(self.whole - whole.len()));
        }
        if self.grouped {
            whole = grouped(&whole);
        }
        let fraction = decimal.fraction();
        let zeros = "0".repeat(self.fraction.0.saturating_sub(fraction.len()));
        let point = if self.has_point { "." } else { "" };
        format!("{whole}{point}{fraction}{zeros}")
    }
}

/// What one character of a code, with those that belong to it, puts into the text; none if it is not understood.
fn literal(character: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    Some(match character {
        '"' => rest.by_ref().take_while(|other| *other != '"').collect(),
        '\\' | '!' => rest.next().map(String::from).unwrap_or_default(),
        // Space as wide as a character, and a character to fill the cell with.
        '_' | '*' => {
            rest.next();
            String::new()
        }
        '[' => {
            let inner: String = rest.by_ref().take_while(|other| *other != ']').collect();
            bracketed(&inner)?
        }
        // A fraction, text, or the word `General`.
        '/' | '@' => return None,
        other if other.is_alphabetic() && other.is_ascii() => return None,
        other => String::from(other),
    })
}

/// A sign of a currency, or a colour; conditions and other numerals are not understood.
fn bracketed(inner: &str) -> Option<String> {
    const COLOURS: [&str; 8] = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"];
    if let Some(currency) = inner.strip_prefix('$') {
        return Some(currency.split('-').next().unwrap_or_default().to_owned());
    }
    let lower = inner.to_lowercase();
    let is_colour = COLOURS.contains(&lower.as_str())
        || lower.starts_with("color")
        || lower.starts_with("颜色")
        || ["黑", "蓝", "青", "绿", "洋红", "红", "白", "黄"].iter().any(|colour| lower.starts_with(colour));
    is_colour.then(String::new)
}

/// Sets a comma before every third digit from the right.
fn grouped(digits: &str) -> String {
    let count = digits.len();
    let comma = |at: usize| at > 0 && (count - at).is_multiple_of(3);
    digits
        .chars()
        .enumerate()
        .flat_map(|(at, digit)| comma(at).then_some(',').into_iter().chain([digit]))
        .collect()
}
