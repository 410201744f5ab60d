//! Marks that a word makes: `Article 5`, `Section 8.2`, `第五百零九条`, `附件一`. Knows no list.

use crate::domain::clause::mark::Dress;
use crate::domain::clause::mark::MAX_NUMBER;
use crate::domain::clause::mark::Mark;
use crate::domain::clause::mark::Segment;
use crate::domain::clause::mark::Style;
use crate::domain::clause::mark::Unit;
use crate::domain::clause::mark::decimal;
use crate::domain::clause::number::Numerals;
use crate::domain::clause::number::numerals;
use crate::domain::clause::number::roman;
use crate::domain::clause::number::spelled;
use crate::domain::terms::number;

/// Longest number in words is `Seventy-Seven`; a longer word is none.
const MAX_SPELLED: usize = 14;

const WORDS: &[(&str, Unit, &str)] = &[
    ("schedule", Unit::Schedule, "Schedule"),
    ("exhibit", Unit::Exhibit, "Exhibit"),
    ("annexure", Unit::Annex, "Annex"),
    ("annex", Unit::Annex, "Annex"),
    ("attachment", Unit::Annex, "Attachment"),
    ("appendix", Unit::Appendix, "Appendix"),
    ("part", Unit::Part, "Part"),
    ("chapter", Unit::Chapter, "Chapter"),
    ("article", Unit::Article, "Article"),
    ("section", Unit::Decimal, ""),
    ("sections", Unit::Decimal, ""),
    ("clause", Unit::Decimal, ""),
    ("clauses", Unit::Decimal, ""),
    ("paragraph", Unit::Decimal, ""),
    ("sec.", Unit::Decimal, ""),
    ("art.", Unit::Article, "Article"),
    ("§", Unit::Decimal, ""),
];

const CHINESE_UNITS: &[(&[char], Unit)] = &[
    (&['分', '编'], Unit::Subpart),
    (&['编'], Unit::Part),
    (&['編'], Unit::Part),
    (&['部', '分'], Unit::Part),
    (&['章'], Unit::Chapter),
    (&['节'], Unit::Section),
    (&['節'], Unit::Section),
    (&['条'], Unit::Article),
    (&['條'], Unit::Article),
    (&['款'], Unit::Paragraph),
    (&['项'], Unit::Item),
    (&['項'], Unit::Item),
    (&['目'], Unit::Item),
];

/// `Schedule 3`, `Section 8.2`, `第五百零九条`, `附件一`: marks that a word makes, which stand in sentences too.
pub fn word_mark(text: &[char]) -> Option<Mark> {
    match text.first()? {
        '第' => chinese_ordinal(text),
        '附' => chinese_annex(text),
        first if first.is_ascii_alphabetic() || *first == '§' => english_word(text),
        _ => None,
    }
}

fn english_word(text: &[char]) -> Option<Mark> {
    let starts = |word: &str| {
        word.chars().enumerate().all(|(at, c)| text.get(at).is_some_and(|t| t.to_ascii_lowercase() == c))
    };
    let (word, unit, name) = WORDS.iter().find(|(word, ..)| {
        starts(word) && text.get(word.chars().count()).is_some_and(|next| next.is_whitespace())
            || (starts(word) && *word == "§")
    })?;
    let after = word.chars().count();
    let blank = text[after..].iter().take(4).take_while(|c| c.is_whitespace() && **c != '\n').count();
    let number_at = after + blank;
    let rest = text.get(number_at..)?;
    let style = |numerals, parts| Style { unit: *unit, parts, numerals, dress: Dress::Word };
    if let Some(mark) = decimal(rest, Dress::Word) {
        let number = mark.segment.number;
        let shown = if name.is_empty() { number.clone() } else { format!("{name} {number}") };
        let segment = Segment { unit: *unit, number, shown };
        let style = style(Numerals::Digits, mark.style.parts);
        return Some(Mark { segment, style, length: number_at + mark.length });
    }
    if let Some((length, value)) = spelled_at(rest) {
        let number = value.to_string();
        let shown = if name.is_empty() { number.clone() } else { format!("{name} {number}") };
        let segment = Segment { unit: *unit, number, shown };
        return Some(Mark { segment, style: style(Numerals::Digits, 1), length: number_at + length });
    }
    let letters = rest.iter().take(MAX_NUMBER).take_while(|c| c.is_ascii_alphabetic()).count();
    let number: String = rest[..letters].iter().collect();
    let is_word =
        rest.get(letters).is_some_and(|next| next.is_alphanumeric() || *next == '\'' || *next == '’');
    let is_number = !name.is_empty() && (letters == 1 || roman(&number).is_some());
    if is_word || !is_number || numerals(&number)? != Numerals::Upper {
        return None;
    }
    // `Exhibit A-1`
    let dash = rest[letters..].iter().take(3).enumerate();
    let dashed = dash.take_while(|(at, c)| if *at == 0 { **c == '-' } else { c.is_ascii_digit() }).count();
    let length = if dashed > 1 { letters + dashed } else { letters };
    let number: String = rest[..length].iter().collect();
    let segment = Segment { unit: *unit, shown: format!("{name} {number}"), number };
    Some(Mark { segment, style: style(Numerals::Upper, 1), length: number_at + length })
}

/// `ONE`, `Twenty-One`, with their length.
fn spelled_at(text: &[char]) -> Option<(usize, u32)> {
    let length = text.iter().take(MAX_SPELLED).take_while(|c| c.is_ascii_alphabetic() || **c == '-').count();
    let word: String = text[..length].iter().collect();
    spelled(&word).map(|value| (length, value))
}

/// `第五百零九条`, `第17条之一`, `第（二）项`, `第8.2条`.
fn chinese_ordinal(text: &[char]) -> Option<Mark> {
    let blanks = |at: usize| text[at.min(text.len())..].iter().take(2).take_while(|c| **c == ' ').count();
    let mut at = 1 + blanks(1);
    let bracket = matches!(text.get(at), Some('(' | '（'));
    at += usize::from(bracket);
    let rest = text.get(at..)?;
    let dotted = decimal(rest, Dress::Word).filter(|mark| mark.style.parts > 1);
    let (digits, mut written, numerals) = if let Some(mark) = &dotted {
        (mark.length, mark.segment.number.clone(), Numerals::Digits)
    } else {
        let (length, value) = number(rest)?;
        let in_digits = rest[0].is_ascii_digit();
        (length, value.to_string(), if in_digits { Numerals::Digits } else { Numerals::Chinese })
    };
    at += digits;
    at += usize::from(bracket && matches!(text.get(at), Some(')' | '）')));
    at += blanks(at);
    let (name, unit) = CHINESE_UNITS.iter().find(|(name, _)| text[at..].starts_with(name))?;
    at += name.len();
    if *unit == Unit::Article
        && text.get(at) == Some(&'之')
        && let Some((length, inserted)) = number(&text[at + 1..])
    {
        written = format!("{written}之{inserted}");
        at += 1 + length;
    }
    let unit = if dotted.is_some() { Unit::Decimal } else { *unit };
    let shown = match (unit, written.split_once('之')) {
        (Unit::Decimal, _) => written.clone(),
        (_, Some((number, inserted))) => format!("第{number}条之{inserted}"),
        (_, None) => format!("第{written}{}", name.iter().collect::<String>()),
    };
    let segment = Segment { unit, number: written, shown };
    Some(Mark { segment, style: Style { unit, parts: 1, numerals, dress: Dress::Word }, length: at })
}

/// `附件一`, `附件 2`, `附录A`, `附表3`.
fn chinese_annex(text: &[char]) -> Option<Mark> {
    let (unit, name) = match text.get(1)? {
        '件' => (Unit::Annex, "附件"),
        '录' | '錄' => (Unit::Appendix, "附录"),
        '表' => (Unit::Schedule, "附表"),
        _ => return None,
    };
    let at = 2 + text[2..].iter().take(2).take_while(|c| **c == ' ').count();
    let rest = &text[at..];
    let style = |numerals| Style { unit, parts: 1, numerals, dress: Dress::Word };
    let (length, written, numerals) = match number(rest) {
        Some((length, value)) => (length, value.to_string(), Numerals::Digits),
        None if rest.first().is_some_and(char::is_ascii_uppercase)
            && !rest.get(1).is_some_and(char::is_ascii_alphanumeric) =>
        {
            (1, rest[0].to_string(), Numerals::Upper)
        }
        None => return None,
    };
    let segment = Segment { unit, shown: format!("{name}{written}"), number: written };
    Some(Mark { segment, style: style(numerals), length: at + length })
}
