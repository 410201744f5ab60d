//! Whether a stretch of text says no. Knows no passage.

use crate::answer::language::is_chinese;
use unicode_normalization::UnicodeNormalization;

/// Text in compatibility forms and lower case, ready for comparison.
pub(super) fn fold(text: &str) -> Vec<char> {
    text.nfkc().flat_map(char::to_lowercase).collect()
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

/// Says whether a stretch of text denies something.
pub(super) fn denies(text: &[char]) -> bool {
    is_negated(&fold(&text.iter().collect::<String>()))
}

/// Says whether folded text denies something.
pub(super) fn is_negated(folded: &[char]) -> bool {
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
    words(folded).any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"))
}

/// Words of Latin letters, with their apostrophes.
pub(super) fn words(folded: &[char]) -> impl Iterator<Item = String> + '_ {
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
