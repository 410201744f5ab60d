//! Numbers in folded text, as they are written. Knows no passage.

use crate::answer::denial::words;
use crate::domain::number_words::ONES;
use crate::domain::number_words::TENS;
use std::collections::BTreeSet;

const NUMERALS: &str = "〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟";
/// Runs of numerals that are words.
const NOT_NUMBERS: &[&str] = &["千万", "万一", "一一", "万千"];
/// After a single numeral these make it a number: `三日`, but not `一般`.
const UNITS: &str = "日天周月年季时秒元角块人次条款项个名件份台套倍成折级期章节页号层楼岁米吨%点方";
/// Beside one to ninety.
const OTHER_WORDS: &[&str] =
    &["hundred", "thousand", "million", "billion", "half", "quarter", "third", "double", "twice"];

/// Numbers as they are written: digits with their decimal point (thousands separators left out), Chinese numerals and
/// English number words. `三十` and `30` are not taken for each other.
pub(super) fn numbers(folded: &[char]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = words(folded).filter(|word| is_number(word)).collect();
    let mut at = 0;
    while at < folded.len() {
        let (end, number) = if folded[at].is_ascii_digit() {
            digits(folded, at)
        } else if NUMERALS.contains(folded[at]) {
            numerals(folded, at)
        } else {
            (at + 1, None)
        };
        found.extend(number);
        at = end;
    }
    found
}

fn is_number(word: &str) -> bool {
    [&ONES as &[&str], &TENS, OTHER_WORDS].iter().any(|list| list.contains(&word))
}

fn digits(folded: &[char], start: usize) -> (usize, Option<String>) {
    let is_digit = |at: usize| folded.get(at).is_some_and(char::is_ascii_digit);
    let (mut at, mut number) = (start, String::new());
    loop {
        let thousands =
            folded.get(at) == Some(&',') && (1..=3).all(|ahead| is_digit(at + ahead)) && !is_digit(at + 4);
        if is_digit(at) || (folded.get(at) == Some(&'.') && is_digit(at + 1)) {
            number.push(folded[at]);
        } else if !thousands {
            return (at, Some(number));
        }
        at += 1;
    }
}

fn numerals(folded: &[char], start: usize) -> (usize, Option<String>) {
    let length = folded[start..].iter().take_while(|character| NUMERALS.contains(**character)).count();
    let (end, run) = (start + length, folded[start..start + length].iter().collect::<String>());
    let ordinal = start > 0 && folded[start - 1] == '第';
    let counted = folded.get(end).is_some_and(|next| UNITS.contains(*next));
    let is_number = if length == 1 { ordinal || counted } else { !NOT_NUMBERS.contains(&run.as_str()) };
    (end, is_number.then_some(run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::denial::fold;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(numbers(&fold(text)).into_iter().collect::<Vec<_>>(), expected, "{text}");
        };

        check("1,234,567.80 and 5.2. In ２０２５", &["1234567.80", "2025", "5.2"]);
        check("1,2,3 and 12,3456", &["1", "12", "2", "3", "3456"]);
        check("第五百零九条和三日内，一般统一", &["三", "五百零九"]);
        check("千万不要万一", &[]);
        check("Twenty-one days", &["one", "twenty"]);
    }
}
