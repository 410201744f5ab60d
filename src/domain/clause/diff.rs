//! What changed between two versions of a text, clause by clause: Myers' algorithm (1986) first over whole clauses, then
//! over the words of those that changed. Knows no version's number and no page.

use super::Clause;
use crate::domain::Span;
use similar::Algorithm;
use similar::ChangeTag;
use similar::DiffOp;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;
use std::time::Instant;

/// Two stretches with at least this share of words in common are one that changed.
const SAME_CLAUSE: f64 = 0.5;
/// Stretches of one gap that are compared with each other; beyond, only addresses pair them.
const COMPARED: usize = 10_000;
/// Finding the smallest difference ends after this time for all clauses, and for the words of one; then a larger one is given.
const CLAUSES_WITHIN: Duration = Duration::from_secs(5);
const WORDS_WITHIN: Duration = Duration::from_millis(300);

/// A stretch of a version that is compared as one: what a clause says before the clauses within it, or a paragraph
/// outside of all clauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Of its clause.
    pub address: Option<String>,
    /// Mark and heading of its clause.
    pub heading: String,
    /// Its characters.
    pub span: Span,
    /// They are, without the mark of the clause.
    text: String,
}

/// What became of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only the new version has it.
    Added,
    /// Only the old version has it.
    Removed,
    /// Its words changed.
    Changed,
    /// The same words stand elsewhere.
    Moved,
    /// The same words have another address.
    Renumbered,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What became of it.
    pub kind: Kind,
    /// As the old version has it; none where it is new.
    pub old: Option<Part>,
    /// As the new version has it; none where it is gone.
    pub new: Option<Part>,
    /// The words of both in order.
    pub words: Vec<(Tag, String)>,
}

/// Which version has some words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Both.
    Same,
    /// Only the old one.
    Old,
    /// Only the new one.
    New,
}

/// The stretches of a version in order; together they cover its text.
pub fn parts(clauses: &[Clause], content: &[char]) -> Vec<Part> {
    let mut parts = Vec::new();
    let first = clauses.first().map_or(content.len(), |clause| clause.span.start as usize);
    parts.extend(paragraphs(content, 0..first.min(content.len())));
    for (at, clause) in clauses.iter().enumerate() {
        let past = clauses.get(at + 1).map_or(content.len(), |next| next.span.start as usize);
        let range = clause.span.start as usize..past.min(content.len());
        if range.is_empty() {
            continue;
        }
        let text: String = content[range.clone()].iter().collect();
        let text = text.trim().trim_start_matches('#').trim_start();
        let text = text.strip_prefix(clause.label.as_str()).unwrap_or(text).trim();
        parts.push(Part {
            address: clause.address(),
            heading: clause.heading(),
            span: span(&range),
            text: text.to_owned(),
        });
    }
    parts
}

/// Stretches that an empty line ends, outside of all clauses.
fn paragraphs(content: &[char], range: Range<usize>) -> Vec<Part> {
    let (mut parts, mut start, mut blank) = (Vec::new(), range.start, false);
    for at in range.clone() {
        let ends_line = content[at] == '\n';
        if !ends_line && !content[at].is_whitespace() {
            if blank && at > start {
                parts.extend(paragraph(content, start..at));
                start = at;
            }
            blank = false;
        } else if ends_line {
            blank = content[at + 1..range.end].iter().take_while(|c| c.is_whitespace()).any(|c| *c == '\n')
                || blank;
        }
    }
    parts.extend(paragraph(content, start..range.end));
    parts
}

fn paragraph(content: &[char], range: Range<usize>) -> Option<Part> {
    let text: String = content[range.clone()].iter().collect();
    let text = text.trim();
    (!text.is_empty()).then(|| Part {
        address: None,
        heading: String::new(),
        span: span(&range),
        text: text.to_owned(),
    })
}

const fn span(range: &Range<usize>) -> Span {
    Span { start: range.start as u32, end: range.end as u32 }
}

/// The differences in the order of the new text, what is gone where it was; and how many stretches are the same.
pub fn diff(old: &[Part], new: &[Part]) -> (Vec<Difference>, usize) {
    let (old_keys, new_keys) = (keys(old), keys(new));
    let until = Instant::now() + CLAUSES_WITHIN;
    let ops = similar::capture_diff_slices_deadline(Algorithm::Myers, &old_keys, &new_keys, Some(until));
    let (mut differences, mut same) = (Vec::new(), 0);
    for op in ops {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for at in 0..len {
                let (before, after) = (&old[old_index + at], &new[new_index + at]);
                if before.address == after.address {
                    same += 1;
                } else {
                    differences.push(difference(Kind::Renumbered, Some(before), Some(after)));
                }
            }
        } else {
            differences.extend(gap(&old[op.old_range()], &new[op.new_range()]));
        }
    }
    (join_moved(differences), same)
}

/// What is compared of stretches: their words, whatever stands between them.
fn keys(parts: &[Part]) -> Vec<String> {
    parts.iter().map(|part| part.text.chars().filter(|c| !c.is_whitespace()).collect()).collect()
}

/// Stretches between two that are the same: those of one address belong together, then those most alike.
fn gap(old: &[Part], new: &[Part]) -> Vec<Difference> {
    let mut partner: Vec<Option<usize>> = vec![None; new.len()];
    let mut taken = vec![false; old.len()];
    let mut by_address: HashMap<&str, usize> = HashMap::new();
    for (at, part) in old.iter().enumerate() {
        if let Some(address) = &part.address {
            by_address.entry(address).or_insert(at);
        }
    }
    for (at, part) in new.iter().enumerate() {
        let found = part.address.as_deref().and_then(|address| by_address.remove(address));
        let found = found.filter(|found| likeness(&words(&old[*found]), &words(part)) > 0.2);
        partner[at] = found;
        if let Some(found) = found {
            taken[found] = true;
        }
    }
    if old.len() * new.len() <= COMPARED {
        pair_by_likeness(old, new, &mut partner, &mut taken);
    }
    in_order(old, new, &partner, &taken)
}

fn pair_by_likeness(old: &[Part], new: &[Part], partner: &mut [Option<usize>], taken: &mut [bool]) {
    let (old_words, new_words): (Vec<_>, Vec<_>) =
        (old.iter().map(words).collect(), new.iter().map(words).collect());
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (after, theirs) in new_words.iter().enumerate().filter(|(at, _)| partner[*at].is_none()) {
        for (before, ours) in old_words.iter().enumerate().filter(|(at, _)| !taken[*at]) {
            let likeness = likeness(ours, theirs);
            if likeness >= SAME_CLAUSE {
                pairs.push((likeness, before, after));
            }
        }
    }
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)).then(one.2.cmp(&other.2)));
    for (_, before, after) in pairs {
        if partner[after].is_none() && !taken[before] {
            (partner[after], taken[before]) = (Some(before), true);
        }
    }
}

/// New stretches in their order; an old one that is gone comes before the partner of the next old one that is not.
fn in_order(old: &[Part], new: &[Part], partner: &[Option<usize>], taken: &[bool]) -> Vec<Difference> {
    let (mut differences, mut next_old) = (Vec::new(), 0);
    let mut gone_before = |until: usize, differences: &mut Vec<Difference>| {
        while next_old < until {
            if !taken[next_old] {
                differences.push(difference(Kind::Removed, Some(&old[next_old]), None));
            }
            next_old += 1;
        }
    };
    for (at, part) in new.iter().enumerate() {
        match partner[at] {
            Some(before) => {
                gone_before(before, &mut differences);
                differences.push(difference(Kind::Changed, Some(&old[before]), Some(part)));
            }
            None => differences.push(difference(Kind::Added, None, Some(part))),
        }
    }
    gone_before(old.len(), &mut differences);
    differences
}

fn words(part: &Part) -> BTreeSet<&str> {
    tokens(&part.text).into_iter().filter(|token| token.chars().any(char::is_alphanumeric)).collect()
}

/// Jaccard's index of two sets of words.
fn likeness(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> f64 {
    let common = one.intersection(other).count();
    let all = one.len() + other.len() - common;
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}

fn difference(kind: Kind, old: Option<&Part>, new: Option<&Part>) -> Difference {
    let text = |part: Option<&Part>| part.map(|part| part.text.clone()).unwrap_or_default();
    let words = match kind {
        Kind::Moved | Kind::Renumbered => Vec::new(),
        Kind::Added | Kind::Removed | Kind::Changed => diff_words(&text(old), &text(new)),
    };
    Difference { kind, old: old.cloned(), new: new.cloned(), words }
}

/// The words of two texts in order, neighbours of one kind as one.
fn diff_words(old: &str, new: &str) -> Vec<(Tag, String)> {
    let (old, new) = (tokens(old), tokens(new));
    let until = Instant::now() + WORDS_WITHIN;
    let ops = similar::capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(until));
    let mut words: Vec<(Tag, String)> = Vec::new();
    for change in ops.iter().flat_map(|op| op.iter_changes(&old, &new)) {
        let tag = match change.tag() {
            ChangeTag::Equal => Tag::Same,
            ChangeTag::Delete => Tag::Old,
            ChangeTag::Insert => Tag::New,
        };
        match words.last_mut() {
            Some((last, text)) if *last == tag => text.push_str(change.value()),
            _ => words.push((tag, change.value().to_owned())),
        }
    }
    words
}

/// Words, white space, and every other character for itself; Chinese is compared character by character.
fn tokens(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        _ if c.is_whitespace() => 1,
        _ if c.is_alphanumeric() && c < '\u{2e80}' => 2,
        _ => 0,
    };
    let (mut tokens, mut start, mut last) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        let class = class(character);
        if at > start && (class == 0 || class != last) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = class;
    }
    if start < text.len() {
        tokens.push(&text[start..]);
    }
    tokens
}

/// Takes a stretch that is gone in one place and new in another for one that was moved, where it is long enough to be it.
fn join_moved(differences: Vec<Difference>) -> Vec<Difference> {
    const SHORTEST: usize = 20;
    let key = |part: &Part| part.text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let mut gone: HashMap<String, Part> = HashMap::new();
    for removed in differences.iter().filter(|one| one.kind == Kind::Removed) {
        let old = removed.old.iter().filter(|old| old.text.chars().count() >= SHORTEST);
        gone.extend(old.map(|old| (key(old), old.clone())));
    }
    let mut moved: BTreeSet<(u32, u32)> = BTreeSet::new();
    let joined: Vec<Difference> = differences
        .into_iter()
        .map(|one| match (one.kind, &one.new) {
            (Kind::Added, Some(new)) => match gone.remove(&key(new)) {
                Some(old) => {
                    moved.insert((old.span.start, old.span.end));
                    difference(Kind::Moved, Some(&old), Some(new))
                }
                None => one,
            },
            (Kind::Added | Kind::Removed | Kind::Changed | Kind::Moved | Kind::Renumbered, _) => one,
        })
        .collect();
    let was_moved = |one: &Difference| {
        one.kind == Kind::Removed
            && one.old.as_ref().is_some_and(|old| moved.contains(&(old.span.start, old.span.end)))
    };
    joined.into_iter().filter(|one| !was_moved(one)).collect()
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
