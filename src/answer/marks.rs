//! Citation marks in what the model writes: `[1]`, `【1】`, `[1, 2]`, `[1-3]`. Knows no passage.

/// What stands at an opening bracket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A mark, which ends before this position.
    Whole { end: usize, numbers: Vec<usize> },
    /// What might become one with more text.
    Begun,
    /// Something else.
    Other,
}

/// Longest mark, in characters; a model that never closes its bracket must not hold a sentence back.
const MAX_CHARACTERS: usize = 24;
const MAX_RANGE: usize = 10;

/// Reads the mark that begins at `at`.
pub(super) fn mark_at(text: &[char], at: usize) -> Mark {
    let close = match text.get(at) {
        Some('[') => ']',
        Some('【') => '】',
        Some(_) | None => return Mark::Other,
    };
    let inner = &text[at + 1..];
    let Some(length) = inner.iter().take(MAX_CHARACTERS).position(|character| !is_inner(*character)) else {
        return if inner.len() < MAX_CHARACTERS { Mark::Begun } else { Mark::Other };
    };
    if inner[length] != close {
        return Mark::Other;
    }
    match numbers(&inner[..length]) {
        Some(numbers) => Mark::Whole { end: at + length + 2, numbers },
        None => Mark::Other,
    }
}

/// Takes the marks out of a sentence; gives the numbers in the order in which they were first named.
pub(super) fn without_marks(sentence: &str) -> (String, Vec<usize>) {
    let text: Vec<char> = sentence.chars().collect();
    let (mut rest, mut named) = (String::with_capacity(sentence.len()), Vec::new());
    let mut at = 0;
    while at < text.len() {
        if let Mark::Whole { end, numbers } = mark_at(&text, at) {
            for number in numbers {
                if !named.contains(&number) {
                    named.push(number);
                }
            }
            // `words [1].` becomes `words.`, and `words [1] more` keeps one space
            let closes = text.get(end).is_none_or(|next| next.is_whitespace() || next.is_ascii_punctuation());
            if closes {
                rest.truncate(rest.trim_end().len());
            }
            at = end;
        } else {
            rest.push(text[at]);
            at += 1;
        }
    }
    (rest.trim().to_owned(), named)
}

const fn is_inner(character: char) -> bool {
    matches!(character, '0'..='9' | ',' | '，' | '、' | ' ' | '-' | '–')
}

fn numbers(inner: &[char]) -> Option<Vec<usize>> {
    let text: String = inner.iter().collect();
    let mut numbers = Vec::new();
    for part in text.split([',', '，', '、']) {
        match part.split_once(['-', '–']) {
            Some((first, last)) => {
                let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
                if last < first || last - first > MAX_RANGE {
                    return None;
                }
                numbers.extend(first..=last);
            }
            None => numbers.push(part.trim().parse().ok()?),
        }
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sentence: &str, text: &str, numbers: &[usize]) {
        assert_eq!(without_marks(sentence), (text.to_owned(), numbers.to_vec()), "{sentence}");
    }

    #[test]
    fn marks_are_taken_out_and_counted() {
        check("差旅费用须在三十日内报销。[2]", "差旅费用须在三十日内报销。", &[2]);
        check("差旅费用须在三十日内报销【2】。", "差旅费用须在三十日内报销。", &[2]);
        check("Backups are kept for ninety days [1][3].", "Backups are kept for ninety days.", &[1, 3]);
        check("Kept [1, 2] for long [2]", "Kept for long", &[1, 2]);
        check("a [1-3] b", "a b", &[1, 2, 3]);
        check("甲方[1、2]应付款", "甲方应付款", &[1, 2]);
    }

    #[test]
    fn other_brackets_stay() {
        check("an array[i] of [note] and [] and [9", "an array[i] of [note] and [] and [9", &[]);
        check("[1-999] and [3-1]", "[1-999] and [3-1]", &[]);
        check("[99999999999999999999999]", "[99999999999999999999999]", &[]);
    }

    #[test]
    fn an_open_bracket_is_awaited_only_for_a_while() {
        let check =
            |text: &str, expected: Mark| assert_eq!(mark_at(&text.chars().collect::<Vec<_>>(), 0), expected);

        check("[", Mark::Begun);
        check("[12", Mark::Begun);
        check("[12a", Mark::Other);
        check("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12", Mark::Other);
        check("[1]", Mark::Whole { end: 3, numbers: vec![1] });
    }
}
