//! What clauses say of each other: `see Section 8.2(a)`, `依照本合同第五条`; and the terms that they define. Knows no tree.

use crate::domain::Span;
use crate::domain::clause::address::Address;
use serde::Deserialize;
use serde::Serialize;

/// After `of the` these are the document itself.
const OWN_AFTER: &[&str] =
    &["agreement", "contract", "lease", "deed", "schedule", "annex", "appendix", "terms", "body"];
/// What ends the name of another document that stands before an address.
const ELSEWHERE_BEFORE: &[&str] = &["法", "法典", "条例", "规定", "办法", "解释", "决定", "》"];
/// Names of the document itself that end alike.
const ITSELF: &[&str] = &["本法", "本法典", "本条例", "本规定", "本办法", "本解释", "本决定"];
/// Longest term that is defined, in characters.
const MAX_TERM: usize = 60;
/// Longest definition, in characters.
const MAX_SENTENCE: usize = 2_000;
/// More references or definitions of one text are not looked for.
const MAX_FOUND: usize = 1_000;
/// What defines the term before it.
const DEFINES: &[&str] = &[
    "means",
    "shall mean",
    "mean",
    "has the meaning",
    "have the meaning",
    "shall have the meaning",
    "refers to",
    "是指",
    "系指",
    "指",
];

/// A place that refers to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where it says so.
    pub span: Span,
    /// What it names.
    pub address: Address,
}

/// A term that a document defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Without quotation marks.
    pub term: String,
    /// The sentence or line that defines it.
    pub span: Span,
}

/// The addresses of this document that a text names; `start` is the place of its first character. A mark at the start
/// of a line is no reference.
pub fn references(text: &[char], start: u32) -> Vec<Reference> {
    let (mut found, mut at, mut begins_line) = (Vec::new(), 0, true);
    let mut elsewhere_until: Option<usize> = None;
    while at < text.len() && found.len() < MAX_FOUND {
        let in_word = at > 0 && text[at].is_ascii_alphanumeric() && text[at - 1].is_ascii_alphanumeric();
        let address = if in_word || begins_line { None } else { Address::at(&text[at..]) };
        let Some((address, length)) = address else {
            begins_line = text[at] == '\n' || (begins_line && text[at].is_whitespace());
            at += 1;
            continue;
        };
        let joined = elsewhere_until.is_some_and(|end| joins(&text[end..at]));
        if joined || leads_elsewhere(&text[..at], &text[at + length..]) {
            elsewhere_until = Some(at + length);
        } else {
            let (from, past) = (start + at as u32, start + (at + length) as u32);
            found.push(Reference { span: Span { start: from, end: past }, address });
            elsewhere_until = None;
        }
        at += length;
    }
    found
}

/// What stands between two addresses of one list: `第三条、第四条`, `Sections 3 and 4`.
fn joins(between: &[char]) -> bool {
    between.len() <= 5 && between.iter().all(|c| "、，,和及与或至and or".contains(*c))
}

fn leads_elsewhere(before: &[char], after: &[char]) -> bool {
    let before: String = before[before.len().saturating_sub(12)..].iter().collect();
    let before = before.trim_end();
    let after: String = after.iter().take(48).collect::<String>().to_lowercase();
    let named = ELSEWHERE_BEFORE.iter().any(|name| before.ends_with(name));
    let itself = ITSELF.iter().any(|name| before.ends_with(name));
    let of = ["of the ", "of that ", "of regulation", "of directive"];
    let of = of.iter().find_map(|of| after.trim_start().strip_prefix(of));
    let other = of.is_some_and(|rest| !OWN_AFTER.iter().any(|own| rest.starts_with(own)));
    (named && !itself) || other
}

/// The terms that a text defines: `“Affiliate” means …`, `“服务”是指……`, `(the "Tenant")`, `（以下简称“甲方”）`.
pub fn definitions(text: &[char]) -> Vec<Definition> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() && found.len() < MAX_FOUND {
        let Some(close) = closing(text[at]) else {
            at += 1;
            continue;
        };
        let inner = text[at + 1..].iter().take(MAX_TERM + 1).position(|c| *c == close || *c == '\n');
        let Some(length) = inner.filter(|length| *length > 0 && text[at + 1 + length] == close) else {
            at += 1;
            continue;
        };
        let past = at + length + 2;
        let term: String = text[at + 1..past - 1].iter().collect();
        if defines_after(&text[past..]) {
            let end = past + sentence(&text[past..text.len().min(past + MAX_SENTENCE)]);
            found.push(Definition {
                term: term.trim().to_owned(),
                span: Span { start: at as u32, end: end as u32 },
            });
        } else if names_before(&text[..at]) {
            let begin =
                at - text[..at].iter().rev().take(200).take_while(|c| !matches!(c, '\n' | '。')).count();
            found.push(Definition {
                term: term.trim().to_owned(),
                span: Span { start: begin as u32, end: (past + 1).min(text.len()) as u32 },
            });
        }
        at = past;
    }
    found
}

const fn closing(open: char) -> Option<char> {
    match open {
        '“' => Some('”'),
        '"' => Some('"'),
        '「' => Some('」'),
        _ => None,
    }
}

fn defines_after(text: &[char]) -> bool {
    let after: String = text.iter().take(32).collect::<String>().to_lowercase();
    let after = after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '*'));
    DEFINES.iter().any(|word| {
        after.strip_prefix(word).is_some_and(|rest| {
            !word.is_ascii() || rest.chars().next().is_some_and(|next| !next.is_alphanumeric())
        })
    })
}

/// `(the "Tenant")`, `(hereinafter "Tenant")`, `（以下简称“甲方”）`.
fn names_before(text: &[char]) -> bool {
    let before: String = text[text.len().saturating_sub(24)..].iter().collect::<String>().to_lowercase();
    let before = before.trim_end();
    [
        "(the",
        "(",
        "hereinafter",
        "hereinafter referred to as",
        "（以下简称",
        "以下简称",
        "以下称",
        "（下称",
        "简称",
    ]
    .iter()
    .any(|word| before.ends_with(word))
}

fn sentence(text: &[char]) -> usize {
    let ends = |(at, c): (usize, &char)| match c {
        '。' | '\n' => true,
        '.' | ';' => text.get(at + 1).is_none_or(|next| next.is_whitespace()),
        _ => false,
    };
    text.iter().enumerate().position(ends).map_or(text.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_in_sentences_only() {
        let check = |text: &str, expected: &[&str]| {
            let text: Vec<char> = text.chars().collect();
            let found = references(&text, 0).into_iter().map(|reference| {
                text[reference.span.start as usize..reference.span.end as usize].iter().collect::<String>()
            });
            assert_eq!(found.collect::<Vec<_>>(), expected);
        };

        check("as set out in Section 8.2(a) and Schedule 3.", &["Section 8.2(a)", "Schedule 3"]);
        check("Section 5 Term\nsubject to Article IV", &["Article IV"]);
        check("依照本合同第八条第二款、第九条的规定", &["第八条第二款", "第九条"]);
        check("依照《民法典》第五百零九条", &[]);
        check("依照本法第三条", &["第三条"]);
        check("under Section 10(a) of the Companies Act 2006", &[]);
        check("in Section 5 of the Agreement", &["Section 5"]);
        check("依照《公司法》第三条、第四条", &[]);
    }

    #[test]
    fn definitions_are_found_with_their_sentence() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let text: Vec<char> = text.chars().collect();
            let found: Vec<(String, String)> = definitions(&text)
                .into_iter()
                .map(|found| {
                    let span = found.span.start as usize..found.span.end as usize;
                    (found.term, text[span].iter().collect())
                })
                .collect();
            let expected: Vec<(String, String)> =
                expected.iter().map(|(term, text)| ((*term).to_owned(), (*text).to_owned())).collect();
            assert_eq!(found, expected);
        };

        check(
            "1.1 “Affiliate” means any entity. It is so.",
            &[("Affiliate", "“Affiliate” means any entity.")],
        );
        check("本合同所称“服务”是指附件一的服务。其他。", &[("服务", "“服务”是指附件一的服务。")]);
        check("ABC GmbH (the \"Tenant\") rents", &[("Tenant", "ABC GmbH (the \"Tenant\")")]);
        check("甲公司（以下简称“甲方”）与", &[("甲方", "甲公司（以下简称“甲方”）")]);
        check("He said “yes” and left.", &[]);
    }
}
