//! Chinese, Japanese and Korean runs into words. Knows no weights.

use crate::domain::terms::numbers;
use jieba_rs::Jieba;
use std::sync::LazyLock;

/// Loaded once, at the first Chinese text: that takes a tenth of a second.
static DICTIONARY: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Characters that carry grammar, not content. No negation (不, 未, 无): it is content in a contract.
const STOP_CHARACTERS: &str =
    "的了和是在与及或等之其为以于由对而则且所该吗呢吧啊谁哪么這个個與為於對則該嗎誰麼";

/// Words that carry grammar or only ask.
const STOP_WORDS: &[&str] = &[
    "什么",
    "甚么",
    "多少",
    "哪些",
    "哪个",
    "哪里",
    "如何",
    "怎么",
    "怎样",
    "怎么样",
    "为什么",
    "是否",
    "请问",
    "以及",
    "或者",
    "并且",
    "而且",
    "因为",
    "所以",
    "如果",
    "那么",
    "这个",
    "那个",
    "这些",
    "那些",
    "可以",
    "一个",
    "我们",
    "他们",
    "它们",
    "你们",
    "关于",
    "对于",
    "根据",
];

/// Takes the run of one script at the start, up to a clause mark; gives how many characters it took.
pub(super) fn run(text: &[char], found: &mut Vec<String>) -> Option<usize> {
    let script = Script::of(*text.first()?)?;
    let mut length = 0;
    let mut after_numeral = false;
    while length < text.len() && Script::of(text[length]) == Some(script) {
        let rest = &text[length..];
        if length > 0 && numbers::clause_mark(rest, &mut Vec::new()).is_some() {
            break;
        }
        if !after_numeral {
            found.extend(numbers::quantity(rest));
        }
        after_numeral = numbers::is_numeral(text[length]);
        length += 1;
    }
    match script {
        Script::Han => han(&text[..length], found),
        Script::Syllables => pairs(&text[..length], found),
    }
    Some(length)
}

/// Says whether the character belongs to a script that is written without spaces, or is Korean.
pub(super) const fn holds(character: char) -> bool {
    Script::of(character).is_some()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    /// What the dictionary is for.
    Han,
    /// Kana and Hangul.
    Syllables,
}

impl Script {
    const fn of(character: char) -> Option<Self> {
        match character {
            '\u{3005}'..='\u{3007}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}' => Some(Self::Han),
            '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ac00}'..='\u{d7af}' => {
                Some(Self::Syllables)
            }
            _ => None,
        }
    }
}

/// Words of the dictionary with the shorter words inside them. What it does not know (traditional script, names) becomes
/// characters and pairs of neighbours. Its guess at new words (HMM) stays off: it cuts the same name differently in
/// different sentences, so a question would not find it; pairs are the same everywhere.
fn han(run: &[char], found: &mut Vec<String>) {
    let text: String = run.iter().collect();
    let mut unknown: Vec<char> = Vec::new();
    for token in DICTIONARY.cut_for_search(&text, false) {
        let mut characters = token.word.chars();
        let single = characters.next().filter(|_| characters.next().is_none());
        match single {
            Some(character) if !STOP_CHARACTERS.contains(character) => unknown.push(character),
            Some(_) => flush(&mut unknown, found),
            None => {
                flush(&mut unknown, found);
                if !STOP_WORDS.contains(&token.word) {
                    found.push(token.word.to_owned());
                }
            }
        }
    }
    flush(&mut unknown, found);
}

fn flush(unknown: &mut Vec<char>, found: &mut Vec<String>) {
    pairs(unknown, found);
    unknown.clear();
}

fn pairs(characters: &[char], found: &mut Vec<String>) {
    for (at, character) in characters.iter().enumerate() {
        found.push(character.to_string());
        if let Some(next) = characters.get(at + 1) {
            found.push([*character, *next].iter().collect());
        }
    }
}
