//! The marks of clauses as they are written: `Article 5`, `5.2.1`, `(a)`, `第五百零九条`, `一、`. Knows no text around
//! them.

use crate::domain::clause::number::Numerals;
use crate::domain::clause::number::is_doubled;
use crate::domain::clause::number::numerals;
use crate::domain::clause::number::roman;
use serde::Deserialize;
use serde::Serialize;

/// Longest number in characters: `mcmlxxxviii`, `一千二百三十四`.
pub(super) const MAX_NUMBER: usize = 12;
/// Parts of `1.2.3.4.5.6`.
const MAX_PARTS: usize = 6;

/// What kind of part a mark begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `Schedule 1`, `附表一`.
    Schedule,
    /// `Exhibit A`.
    Exhibit,
    /// `Annex I`, `附件一`.
    Annex,
    /// `Appendix B`, `附录二`.
    Appendix,
    /// `Part II`, `第一编`.
    Part,
    /// `第一分编`.
    Subpart,
    /// `Chapter 3`, `第三章`.
    Chapter,
    /// `第二节`; the English `Section 5.2` is a [`Unit::Decimal`].
    Section,
    /// `Article 5`, `第五百零九条`.
    Article,
    /// `5`, `5.2.1`, `Section 5.2`, `Clause 5.2`, `§ 5`.
    Decimal,
    /// `一、`.
    Listed,
    /// `第二款`: a paragraph of an article, which carries no mark of its own.
    Paragraph,
    /// `第（一）项`, as others refer to what is marked `（一）`.
    Item,
    /// `(a)`, `（一）`, `1)`, `①`.
    Bracketed,
}

impl Unit {
    /// Says whether it begins a part beside the body, with numbers of its own.
    pub fn is_beside_body(self) -> bool {
        matches!(self, Unit::Schedule | Unit::Exhibit | Unit::Annex | Unit::Appendix)
    }

    /// Says whether its numbers run through the chapters above it.
    pub fn runs_through(self) -> bool {
        matches!(self, Unit::Article | Unit::Decimal | Unit::Listed)
    }
}

/// One step of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Segment {
    /// What kind of part.
    pub unit: Unit,
    /// Digits where it is written in digits or, after `第`, in Chinese numerals; else as it is written: `iv`, `B`, `一`.
    pub number: String,
    /// How it is shown in an address: `Article 5`, `第509条`, `(a)`.
    pub shown: String,
}

/// A mark that stands somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it says.
    pub segment: Segment,
    /// How it is written; only marks written alike number one list.
    pub style: Style,
    /// Length in characters, with a full stop or `、` that belongs to it.
    pub length: usize,
}

/// How a mark is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Style {
    /// Of the part it begins.
    pub unit: Unit,
    /// Of a decimal the number of its parts; 1 for others.
    pub parts: u8,
    /// Its numerals.
    pub numerals: Numerals,
    /// `1.`, `1、`, `(1)`, `1)` and `①` number different lists.
    pub dress: Dress,
}

/// What stands around a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dress {
    /// A word: `Article 5`, `第五条`.
    Word,
    /// `5.2` or `5.`.
    Stop,
    /// `5、`.
    Comma,
    /// `(5)`.
    Brackets,
    /// `5)`.
    Bracket,
    /// `⑤`.
    Circle,
}

/// A mark without a word: `5.2.1`, `5.`, `一、`, `(a)`, `a)`, `a.`, `①`.
pub fn bare_mark(text: &[char]) -> Option<Mark> {
    circled(text)
        .or_else(|| bracketed(text))
        .or_else(|| lettered(text))
        .or_else(|| listed(text))
        .or_else(|| decimal(text, Dress::Stop))
}

/// `(a)` right after another mark: `8.2(a)`.
pub(super) fn bracketed(text: &[char]) -> Option<Mark> {
    let opens = matches!(text.first(), Some('(' | '（'));
    let start = usize::from(opens);
    let inner = text.get(start..)?.iter().take(MAX_NUMBER).position(|c| matches!(c, ')' | '）'))?;
    let written: String = text[start..start + inner].iter().collect();
    let number = written.trim();
    let numerals = numerals(number)?;
    let short = match numerals {
        Numerals::Lower | Numerals::Upper => {
            number.len() == 1 || is_doubled(number) || roman(number).is_some()
        }
        Numerals::Digits => number.len() <= 3,
        Numerals::Chinese => number.chars().count() <= 3,
    };
    if !short {
        return None;
    }
    let dress = if opens { Dress::Brackets } else { Dress::Bracket };
    let segment = Segment { unit: Unit::Bracketed, number: number.to_owned(), shown: format!("({number})") };
    let style = Style { unit: Unit::Bracketed, parts: 1, numerals, dress };
    Some(Mark { segment, style, length: start + inner + 1 })
}

/// `a. `, `iv. `; `i.e.` is none.
fn lettered(text: &[char]) -> Option<Mark> {
    let length = text.iter().take(6).take_while(|c| c.is_ascii_alphabetic()).count();
    let number: String = text[..length].iter().collect();
    let stops = text.get(length) == Some(&'.') && text.get(length + 1).is_some_and(|c| c.is_whitespace());
    if !stops || (length != 1 && roman(&number).is_none()) {
        return None;
    }
    let segment = Segment { unit: Unit::Bracketed, shown: format!("({number})"), number };
    let numerals = numerals(&segment.number)?;
    let style = Style { unit: Unit::Bracketed, parts: 1, numerals, dress: Dress::Stop };
    Some(Mark { segment, style, length: length + 1 })
}

fn circled(text: &[char]) -> Option<Mark> {
    let number = u32::from(*text.first()?).checked_sub(0x245f).filter(|number| (1..=20).contains(number))?;
    let number = number.to_string();
    let segment = Segment { unit: Unit::Bracketed, shown: format!("({number})"), number };
    let style = Style { unit: Unit::Bracketed, parts: 1, numerals: Numerals::Digits, dress: Dress::Circle };
    Some(Mark { segment, style, length: 1 })
}

fn listed(text: &[char]) -> Option<Mark> {
    let length = text.iter().take(4).position(|c| matches!(c, '、' | '．' | '.'))?;
    let written: String = text[..length].iter().collect();
    if length == 0 || numerals(&written)? != Numerals::Chinese {
        return None;
    }
    let style = Style { unit: Unit::Listed, parts: 1, numerals: Numerals::Chinese, dress: Dress::Comma };
    let segment = Segment { unit: Unit::Listed, shown: format!("{written}、"), number: written };
    Some(Mark { segment, style, length: length + 1 })
}

/// `5` or `5.2` where nothing but a number can stand.
pub fn plain_number(text: &[char]) -> Option<Mark> {
    decimal(text, Dress::Word)
}

/// `5.2`, `5.2.`, `5.`, `5、`, `5A.`; a lone `5` is a mark only after a word.
pub(super) fn decimal(text: &[char], dress: Dress) -> Option<Mark> {
    let (mut length, mut parts) = (0, 0);
    let digits = |from: usize| text[from..].iter().take(4).take_while(|c| c.is_ascii_digit()).count();
    while parts < MAX_PARTS {
        let run = digits(length);
        if run == 0 || run > 3 {
            break;
        }
        (length, parts) = (length + run, parts + 1);
        let goes_on = matches!(text.get(length), Some('.' | '．')) && digits(length + 1) > 0;
        length += usize::from(goes_on);
        if !goes_on {
            break;
        }
    }
    if parts == 0 || !text[length - 1].is_ascii_digit() || text.get(length).is_some_and(char::is_ascii_digit)
    {
        return None;
    }
    length += usize::from(is_inserted(&text[length..], dress));
    let number: String = text[..length].iter().map(|c| if *c == '．' { '.' } else { *c }).collect();
    let (dress, tail) = match text.get(length) {
        Some('.' | '．') if dress == Dress::Stop => (dress, 1),
        Some('、') if dress == Dress::Stop => (Dress::Comma, 1),
        _ if dress == Dress::Word || parts > 1 => (dress, 0),
        _ => return None,
    };
    let segment = Segment { unit: Unit::Decimal, shown: number.clone(), number };
    let style = Style { unit: Unit::Decimal, parts: parts as u8, numerals: Numerals::Digits, dress };
    Some(Mark { segment, style, length: length + tail })
}

/// The letter of `5A`, which was put in after `5`: `5A.`, `Section 5A`; `5A` alone is the number of a thing.
fn is_inserted(text: &[char], dress: Dress) -> bool {
    let ends = match text.get(1) {
        Some('.' | '．') => text.get(2).is_none_or(|c| !c.is_alphanumeric()),
        after => dress == Dress::Word && after.is_none_or(|c| !c.is_alphanumeric()),
    };
    text.first().is_some_and(char::is_ascii_uppercase) && ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clause::word::word_mark;

    fn check(text: &str, expected: Option<(Unit, &str, &str)>) {
        let characters: Vec<char> = text.chars().collect();
        let mark = word_mark(&characters).or_else(|| bare_mark(&characters));
        let found = mark.map(|mark| {
            let written: String = characters[..mark.length].iter().collect();
            (mark.segment.unit, mark.segment.shown, written)
        });
        let expected = expected.map(|(unit, shown, written)| (unit, shown.to_owned(), written.to_owned()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn marks_of_statutes_and_contracts_are_read() {
        check("第五百零九条 当事人", Some((Unit::Article, "第509条", "第五百零九条")));
        check("第十七条之一 在中国", Some((Unit::Article, "第17条之1", "第十七条之一")));
        check("第 8 条", Some((Unit::Article, "第8条", "第 8 条")));
        check("第8.2条", Some((Unit::Decimal, "8.2", "第8.2条")));
        check("第（二）项", Some((Unit::Item, "第2项", "第（二）项")));
        check("第一分编 通则", Some((Unit::Subpart, "第1分编", "第一分编")));
        check("附件一：清单", Some((Unit::Annex, "附件1", "附件一")));
        check("ARTICLE IV", Some((Unit::Article, "Article IV", "ARTICLE IV")));
        check("ARTICLE ONE", Some((Unit::Article, "Article 1", "ARTICLE ONE")));
        check("Section Twenty-Two.", Some((Unit::Decimal, "22", "Section Twenty-Two")));
        check("5A. Payment", Some((Unit::Decimal, "5A", "5A.")));
        check("Section 5A of", Some((Unit::Decimal, "5A", "Section 5A")));
        check("Section 8.2(a)", Some((Unit::Decimal, "8.2", "Section 8.2")));
        check("Exhibit A to", Some((Unit::Exhibit, "Exhibit A", "Exhibit A")));
        check("§ 5 Abs.", Some((Unit::Decimal, "5", "§ 5")));
        check("5.2.1 Payment", Some((Unit::Decimal, "5.2.1", "5.2.1")));
        check("5. Payment", Some((Unit::Decimal, "5", "5.")));
        check("3、租金", Some((Unit::Decimal, "3", "3、")));
        check("十二、附则", Some((Unit::Listed, "十二、", "十二、")));
        check("（一）付款", Some((Unit::Bracketed, "(一)", "（一）")));
        check("(iv) any", Some((Unit::Bracketed, "(iv)", "(iv)")));
        check("b) the", Some((Unit::Bracketed, "(b)", "b)")));
        check("ii. license", Some((Unit::Bracketed, "(ii)", "ii.")));
        check("③ 其他", Some((Unit::Bracketed, "(3)", "③")));
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for text in [
            "5 days",
            "5A adapters",
            "Article one of",
            "2024.1.5",
            "1234. x",
            "(the) x",
            "(see) x",
            "Article of",
            "Section headings",
            "Part of the",
            "Exhibit Ab",
            "Schedule I'll",
            "第三方",
            "第一",
            "附件如下",
            "一般、",
            "i.e. the",
            "Art. the",
            "",
            "(",
            "§",
        ] {
            check(text, None);
        }
    }
}
