//! Words in alphabets, and numbers in digits. Knows no dictionary.

use crate::domain::terms::cjk;
use crate::domain::terms::numbers;
use rust_stemmers::Algorithm;
use rust_stemmers::Stemmer;

/// Words that carry grammar or only ask. No negation and no `shall`, `may`, `must`: they are content in a contract.
const STOP_WORDS: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do",
    "does", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in", "into", "is",
    "it", "its", "me", "my", "of", "on", "or", "our", "please", "she", "should", "so", "such", "tell",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "was",
    "we", "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with", "would",
    "you", "your",
];

/// Takes the word or number at the start; gives how many characters it took.
pub(super) fn word(text: &[char], found: &mut Vec<String>) -> Option<usize> {
    if !belongs(*text.first()?) {
        return None;
    }
    let mut length = 0;
    let mut word = String::new();
    while let Some(&character) = text.get(length) {
        if belongs(character) || joins_digits(text, length) {
            word.push(character);
        } else if !groups_digits(text, length) && !is_apostrophe(text, length) {
            break;
        } else if is_apostrophe(text, length) {
            word.push('\'');
        }
        length += 1;
    }
    if word.contains(|character: char| character.is_ascii_digit()) {
        Some(length + number(&word.replace('\'', ""), &text[length..], found))
    } else {
        found.extend(stemmed(&word));
        Some(length)
    }
}

/// Says whether the character is a letter or digit of a script that is written with spaces.
fn belongs(character: char) -> bool {
    character.is_alphanumeric() && !cjk::holds(character)
}

/// The full stop of `5.2.1`.
fn joins_digits(text: &[char], at: usize) -> bool {
    text[at] == '.' && is_digit(text, at.wrapping_sub(1)) && is_digit(text, at + 1)
}

/// The comma of `1,250,000`: three digits follow, and no more.
fn groups_digits(text: &[char], at: usize) -> bool {
    text[at] == ','
        && is_digit(text, at.wrapping_sub(1))
        && (1..=3).all(|next| is_digit(text, at + next))
        && !is_digit(text, at + 4)
}

/// The apostrophe of `landlord's`.
fn is_apostrophe(text: &[char], at: usize) -> bool {
    matches!(text[at], '\'' | '’') && text.get(at + 1).is_some_and(|next| next.is_alphabetic())
}

fn is_digit(text: &[char], at: usize) -> bool {
    text.get(at).is_some_and(char::is_ascii_digit)
}

/// `5%` and `30日` are terms of their own, `8.2(a)` is one beside `8.2`; gives how many characters it took more.
fn number(number: &str, after: &[char], found: &mut Vec<String>) -> usize {
    match after {
        ['%', ..] => {
            found.push(format!("{number}%"));
            1
        }
        [' ', '%', ..] => {
            found.push(format!("{number}%"));
            2
        }
        [unit, ..] if numbers::QUANTITY_UNITS.contains(unit) => {
            found.push(number.to_owned());
            found.push(format!("{number}{}", numbers::simplified(*unit)));
            1
        }
        _ => {
            found.push(number.to_owned());
            sub_clauses(number, after, found)
        }
    }
}

/// `(a)(iv)` after a clause number: up to four characters in each pair of brackets.
fn sub_clauses(number: &str, after: &[char], found: &mut Vec<String>) -> usize {
    let mut clause = number.to_owned();
    let mut length = 0;
    while after.get(length) == Some(&'(') {
        let inside =
            after[length + 1..].iter().take(5).take_while(|next| next.is_ascii_alphanumeric()).count();
        let end = length + 1 + inside;
        if inside == 0 || inside > 4 || after.get(end) != Some(&')') {
            break;
        }
        clause.extend(&after[length..=end]);
        found.push(clause.clone());
        length = end + 1;
    }
    length
}

/// The stem; nothing for a word without content.
fn stemmed(word: &str) -> Option<String> {
    let plain = word.split('\'').next().unwrap_or_default();
    if STOP_WORDS.contains(&plain) {
        return None;
    }
    Some(Stemmer::create(Algorithm::English).stem(plain).into_owned())
}
