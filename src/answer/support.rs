//! Whether a passage has in one place what a sentence says: most of its terms, all of its numbers, and the same yes or
//! no. A sentence that says `60 days` of a passage that says `90 days` shares nearly every term with it, so numbers and
//! negations are never a matter of share. Knows no citation mark.

use crate::answer::language::is_chinese;
use crate::answer::sentences::sentence_ranges;
use crate::domain::content_terms;
use std::collections::BTreeSet;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// Share of a sentence's terms that must stand in one place: of up to six all, of seven one may be missing. A swapped
/// subject (`deposits` for `fees`) is one term of few.
const MIN_TERM_SHARE: f32 = 0.85;

/// Share of a sentence's terms that must stand in a place that is shown instead of it.
const MIN_NEAR_SHARE: f32 = 0.5;

/// Where one clause of a sentence ends and the next may say the opposite. A line's end is none: pages break lines anywhere.
const CLAUSE_ENDS: &str = ",;:，；：、。.!?！？()（）";

/// What can be compared of a stretch of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Substance {
    terms: BTreeSet<String>,
    numbers: BTreeSet<String>,
    negated: bool,
    /// Terms of the clauses that deny nothing: "by the laws of New York" of a sentence that goes on "without regard to
    /// conflicts of laws".
    affirmed: BTreeSet<String>,
}

impl Substance {
    /// Reads terms, numbers and negation out of text.
    pub(super) fn of(text: &str) -> Self {
        let folded: Vec<char> = text.nfkc().flat_map(char::to_lowercase).collect();
        let (terms, negated) = (content_terms(text), is_negated(&folded));
        let affirmed = if negated { affirmed_terms(&folded) } else { terms.clone() };
        Self { terms, numbers: numbers(&folded), negated, affirmed }
    }

    /// Says whether there is anything to compare.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Joins what two places say.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            terms: self.terms.union(&other.terms).cloned().collect(),
            numbers: self.numbers.union(&other.numbers).cloned().collect(),
            negated: self.negated || other.negated,
            affirmed: self.affirmed.union(&other.affirmed).cloned().collect(),
        }
    }

    /// Says whether this place bears out the claim. What a claim denies must be denied here; what it affirms must stand in
    /// clauses that deny nothing. Headings do not help: they name what is denied below them, and other subjects too.
    pub(super) fn bears_out(&self, claim: &Self) -> bool {
        let affirmed = share(&self.affirmed, &claim.terms) >= MIN_TERM_SHARE;
        let stands = share(&self.terms, &claim.terms) >= MIN_TERM_SHARE;
        let agrees = if claim.negated { self.negated && stands && !affirmed } else { affirmed };
        !claim.is_empty() && agrees && claim.numbers.is_subset(&self.numbers)
    }

    /// Says whether this place has half of the claim's terms, all of its numbers and nearly all that it says beyond what
    /// was asked, whatever this place says of them.
    pub(super) fn comes_near(&self, claim: &Self, asked: &BTreeSet<String>) -> bool {
        let answering: BTreeSet<String> = claim.terms.difference(asked).cloned().collect();
        let answers = answering.is_empty() || share(&self.terms, &answering) >= MIN_TERM_SHARE;
        let speaks = self.share_of(claim) >= MIN_NEAR_SHARE;
        !claim.is_empty() && answers && speaks && claim.numbers.is_subset(&self.numbers)
    }

    /// Says whether nearly all of the claim's terms are among `terms`.
    pub(super) fn is_named_by(&self, terms: &BTreeSet<String>) -> bool {
        share(terms, &self.terms) >= MIN_TERM_SHARE
    }

    /// Share of the claim's terms that stand here, 0 to 1.
    pub(super) fn share_of(&self, claim: &Self) -> f32 {
        share(&self.terms, &claim.terms)
    }
}

/// Terms of the clauses without a denial. The comma of `2,500` ends no clause.
fn affirmed_terms(folded: &[char]) -> BTreeSet<String> {
    let mut clauses: Vec<Vec<char>> = vec![Vec::new()];
    for (at, character) in folded.iter().enumerate() {
        let in_number = folded.get(at + 1).is_some_and(char::is_ascii_digit);
        if CLAUSE_ENDS.contains(*character) && !in_number {
            clauses.push(Vec::new());
        } else if let Some(clause) = clauses.last_mut() {
            clause.push(*character);
        }
    }
    let affirmed = clauses.iter().filter(|clause| !is_negated(clause));
    affirmed.flat_map(|clause| content_terms(&clause.iter().collect::<String>())).collect()
}

fn share(terms: &BTreeSet<String>, of: &BTreeSet<String>) -> f32 {
    terms.intersection(of).count() as f32 / of.len().max(1) as f32
}

/// One or two sentences of a passage.
pub(super) struct Window {
    /// Characters of the passage.
    pub(super) range: Range<usize>,
    pub(super) substance: Substance,
}

/// Every sentence, then every two neighbours: a single sentence that bears a claim out is the better place to show.
pub(super) fn windows(text: &[char]) -> Vec<Window> {
    let single: Vec<Window> = sentence_ranges(text)
        .into_iter()
        .map(|range| Window {
            substance: Substance::of(&text[range.clone()].iter().collect::<String>()),
            range,
        })
        .collect();
    let pairs: Vec<Window> = single
        .windows(2)
        .map(|pair| Window {
            range: pair[0].range.start..pair[1].range.end,
            substance: pair[0].substance.and(&pair[1].substance),
        })
        .collect();
    single.into_iter().chain(pairs).collect()
}

const NUMERALS: &str = "〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟";
/// Runs of numerals that are words.
const NOT_NUMBERS: &[&str] = &["千万", "万一", "一一", "万千"];
/// After a single numeral these make it a number: `三日`, but not `一般`.
const UNITS: &str = "日天周月年季时秒元角块人次条款项个名件份台套倍成折级期章节页号层楼岁米吨%点方";
const NUMBER_WORDS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
    "billion",
    "half",
    "quarter",
    "third",
    "double",
    "twice",
];

/// Numbers as they are written: digits with their decimal point (thousands separators left out), Chinese numerals and
/// English number words. `三十` and `30` are not taken for each other.
fn numbers(folded: &[char]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        words(folded).filter(|word| NUMBER_WORDS.contains(&word.as_str())).collect();
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

const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "never",
    "none",
    "neither",
    "nor",
    "nothing",
    "nobody",
    "without",
    "cannot",
    "prohibited",
    "forbidden",
];
const CHINESE_NEGATIONS: &str = "不未无非没勿莫禁";
/// Words with such a character that deny nothing.
const CHINESE_AFFIRMATIVES: &[&str] = &[
    "不仅",
    "不但",
    "不论",
    "不管",
    "不过",
    "不动产",
    "不可抗力",
    "不断",
    "不良",
    "不同",
    "无论",
    "无线",
    "无形",
    "无偿",
    "非常",
    "除非",
    "未来",
    "非洲",
    "没收",
    "无人机",
    "不锈钢",
    "莫非",
    "不久",
];

fn is_negated(folded: &[char]) -> bool {
    let mut at = 0;
    while at < folded.len() {
        let rest = &folded[at..];
        if rest.starts_with(&['不', '同', '意']) {
            return true;
        }
        let affirmative = CHINESE_AFFIRMATIVES.iter().find(|word| {
            word.chars().count() <= rest.len() && word.chars().zip(rest).all(|(left, right)| left == *right)
        });
        match affirmative {
            Some(word) => at += word.chars().count(),
            None if CHINESE_NEGATIONS.contains(folded[at]) => return true,
            None => at += 1,
        }
    }
    words(folded).any(|word| is_denial(&word))
}

/// Says whether an English word in lower case denies what follows.
pub(super) fn is_denial(word: &str) -> bool {
    NEGATIONS.contains(&word) || word.ends_with("n't")
}

/// Words of Latin letters, with their apostrophes.
fn words(folded: &[char]) -> impl Iterator<Item = String> + '_ {
    let in_word = |character: &char| {
        (character.is_alphabetic() && !is_chinese(*character)) || matches!(character, '\'' | '’')
    };
    folded
        .split(move |character| !in_word(character))
        .filter(|word| !word.is_empty())
        .map(|word| word.iter().map(|letter| if *letter == '’' { '\'' } else { *letter }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(passage: &str, claim: &str, expected: bool) {
        let text: Vec<char> = passage.chars().collect();
        let claimed = Substance::of(claim);
        let borne_out = windows(&text).iter().any(|window| window.substance.bears_out(&claimed));
        assert_eq!(borne_out, expected, "`{claim}` by `{passage}`");
    }

    #[test]
    fn a_claim_is_borne_out_by_its_terms_in_one_place() {
        let passage = "Backups of the production database are kept for ninety days. The office is in Bremen.";

        check(passage, "The production database backups are kept for ninety days.", true);
        check(passage, "Backups of the office printers are kept in the cellar.", false);
        check("", "Backups are kept.", false);
    }

    #[test]
    fn a_denial_in_another_clause_does_not_deny_the_first() {
        let passage = "This Agreement shall be governed by the laws of the State of New York, without giving effect to any \
                       conflicts of laws principles.";

        check(passage, "The law governing this agreement is the laws of the State of New York.", true);
        check(passage, "This agreement is not governed by the laws of New York.", false);
        check("The tenant may not sublet the premises.", "The tenant may sublet the premises.", false);
    }

    #[test]
    fn every_number_must_stand_there_as_it_is_written() {
        check("The fee is 2,500 euro within 30 days.", "The fee is 2500 euro within 30 days.", true);
        check("The fee is 2,500 euro within 30 days.", "The fee is 2500 euro within 60 days.", false);
        check("Backups are kept for ninety days.", "Backups are kept for sixty days.", false);
        check("The rate is 5.2 percent per year.", "The rate is 5 percent per year.", false);
        check(
            "差旅费用须在行程结束后三十日内提交报销单。",
            "差旅费用须在行程结束后三十日内提交报销单。",
            true,
        );
        check(
            "差旅费用须在行程结束后三十日内提交报销单。",
            "差旅费用须在行程结束后六十日内提交报销单。",
            false,
        );
        check(
            "差旅费用须在行程结束后三十日内提交报销单。",
            "差旅费用须在行程结束后十日内提交报销单。",
            false,
        );
    }

    #[test]
    fn yes_is_not_no() {
        check("The tenant may not sublet the flat.", "The tenant may sublet the flat.", false);
        check("The tenant may sublet the flat.", "The tenant may not sublet the flat.", false);
        check("The tenant can’t sublet the flat.", "The tenant can't sublet the flat.", true);
        check("乙方不得转让本合同。", "乙方可以转让本合同。", false);
        check("甲方不同意乙方转租。", "甲方同意乙方转租。", false);
        check("The tenant shall not\nsublet the flat to others.", "The flat is sublet to others.", false);
        check(
            "Fees are refunded within 30 days. Deposits are not refunded.",
            "Deposits are refunded within 30 days.",
            false,
        );
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let check = |text: &str, expected: &[&str]| {
            let folded: Vec<char> = text.nfkc().flat_map(char::to_lowercase).collect();
            assert_eq!(numbers(&folded).into_iter().collect::<Vec<_>>(), expected, "{text}");
        };

        check("1,234,567.80 and 5.2. In ２０２５", &["1234567.80", "2025", "5.2"]);
        check("1,2,3 and 12,3456", &["1", "12", "2", "3", "3456"]);
        check("第五百零九条和三日内，一般统一", &["三", "五百零九"]);
        check("千万不要万一", &[]);
        check("Twenty-one days", &["one", "twenty"]);
    }

    #[test]
    fn words_that_only_look_negative_deny_nothing() {
        let check = |text: &str, expected: bool| {
            assert_eq!(is_negated(&text.chars().collect::<Vec<_>>()), expected, "{text}");
        };

        check("不可抗力和不动产非常重要，无论未来", false);
        check("不可抗力不免除责任", true);
        check("nothing is known", true);
        check("notable knots", false);
    }
}
