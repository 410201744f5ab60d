//! The numbers of marks: digits, Chinese and Roman numerals, letters. Knows no mark.

use crate::domain::number_words::ONES;
use crate::domain::number_words::TENS;
use crate::domain::terms::number as read_number;

/// What numbers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numerals {
    /// `12`.
    Digits,
    /// `一十二`.
    Chinese,
    /// `b` or, in a list of its own, `ii`.
    Lower,
    /// `B` or `II`.
    Upper,
}

/// What this number is written in; none for what is no number.
pub(super) fn numerals(number: &str) -> Option<Numerals> {
    let all = |test: fn(&char) -> bool| !number.is_empty() && number.chars().all(|c| test(&c));
    if all(char::is_ascii_digit) {
        Some(Numerals::Digits)
    } else if all(char::is_ascii_lowercase) {
        Some(Numerals::Lower)
    } else if all(char::is_ascii_uppercase) {
        Some(Numerals::Upper)
    } else {
        let written: Vec<char> = number.chars().collect();
        let whole = read_number(&written).is_some_and(|(length, _)| length == written.len());
        whole.then_some(Numerals::Chinese)
    }
}

/// `aa`, as lists go on after `z`.
pub(super) fn is_doubled(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.len() == 2 && bytes[0] == bytes[1]
}

/// What a number may count: `i` is 1 as a Roman numeral and 9 as a letter.
pub fn values(number: &str) -> Vec<u32> {
    let written: Vec<char> = number.chars().collect();
    if let Some((length, value)) = read_number(&written) {
        return if length == written.len() { u32::try_from(value).into_iter().collect() } else { Vec::new() };
    }
    let letter = match written.as_slice() {
        [letter] if letter.is_ascii_alphabetic() => letter_value(*letter),
        [letter, other] if letter == other && letter.is_ascii_alphabetic() => {
            letter_value(*letter).map(|n| n + 26)
        }
        _ => None,
    };
    letter.into_iter().chain(roman(number)).collect()
}

fn letter_value(letter: char) -> Option<u32> {
    u32::from(letter.to_ascii_lowercase()).checked_sub(u32::from('a')).map(|index| index + 1)
}

/// Reads a Roman numeral below 100 that is written as it should be.
pub fn roman(number: &str) -> Option<u32> {
    const VALUES: [(&str, u32); 8] =
        [("xc", 90), ("l", 50), ("xl", 40), ("x", 10), ("ix", 9), ("v", 5), ("iv", 4), ("i", 1)];
    let lower = number.to_ascii_lowercase();
    let (mut rest, mut value) = (lower.as_str(), 0);
    for (numeral, worth) in VALUES {
        let most = if matches!(numeral, "x" | "i") { 3 } else { 1 };
        for _ in 0..most {
            let Some(left) = rest.strip_prefix(numeral) else { break };
            (rest, value) = (left, value + worth);
        }
    }
    (rest.is_empty() && value > 0).then_some(value)
}

/// Reads `ONE` or `Twenty-One`, which stand for numbers in headings; in lower case they are words of a sentence.
pub(super) fn spelled(word: &str) -> Option<u32> {
    if !word.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let below = |word: &str, past: usize| {
        ONES[..past - 1].iter().position(|one| *one == word).map(|at| at as u32 + 1)
    };
    let tens = |word: &str| TENS.iter().position(|ten| *ten == word).map(|at| (at as u32 + 2) * 10);
    match lower.split_once('-') {
        Some((ten, one)) => Some(tens(ten)? + below(one, 10)?),
        None => below(&lower, 20).or_else(|| tens(&lower)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_numbers_count_where_they_are_written_large() {
        for (word, value) in [("ONE", 1), ("Nineteen", 19), ("TWENTY", 20), ("Thirty-Four", 34)] {
            assert_eq!(spelled(word), Some(value), "{word}");
        }
        for word in ["one", "Oneness", "Ten-One", "Twenty-Ten", "-One", ""] {
            assert_eq!(spelled(word), None, "{word}");
        }
    }

    #[test]
    fn numbers_have_the_values_they_may_count() {
        assert_eq!(values("i"), [9, 1]);
        assert_eq!(values("iv"), [4]);
        assert_eq!(values("aa"), [27]);
        assert_eq!(values("一"), [1]);
        assert_eq!(values("12"), [12]);
        assert!(values("iiii").is_empty());
        assert_eq!(roman("XCIX"), Some(99));
    }
}
