//! Contents pages: their entries look like clauses and are none. Knows no list.

use crate::ingest::clauses::Found;
use std::collections::HashMap;

/// A contents page names every clause before the clauses come: of two with one address and one heading, the earlier goes
/// if nothing but headings stands in it, and one that follows such a one even if it is the last before some text.
pub(super) fn without_contents(found: Vec<Found>, text: &[char]) -> Vec<Found> {
    let mut last: HashMap<String, usize> = HashMap::new();
    for (at, one) in found.iter().enumerate() {
        one.clause.address().map(|address| last.insert(address, at));
    }
    let mut listed = vec![false; found.len()];
    for at in 0..found.len() {
        let one = &found[at];
        let later = one.clause.address().and_then(|address| last.get(&address)).filter(|last| **last > at);
        listed[at] = later.is_some_and(|&later| {
            let (title, whole) = (without_page(&one.clause.title), without_page(&found[later].clause.title));
            let after_listed = at > 0 && listed[at - 1] && !title.is_empty();
            let begins = !title.is_empty() && whole.starts_with(title);
            (title == whole && after_listed) || ((title == whole || begins) && is_bare(&found, at, text))
        });
    }
    found.into_iter().zip(listed).filter(|(_, listed)| !listed).map(|(one, _)| one).collect()
}

/// Says whether nothing but marks and headings stands in a clause.
fn is_bare(found: &[Found], at: usize, text: &[char]) -> bool {
    let (mut from, span) = (found[at].head.end, found[at].clause.span);
    for inner in found[at + 1..].iter().take_while(|inner| inner.clause.span.start < span.end) {
        if !is_blank(text, from, inner.clause.span.start) {
            return false;
        }
        from = from.max(inner.head.end);
    }
    is_blank(text, from, span.end)
}

pub(super) fn is_blank(text: &[char], from: u32, past: u32) -> bool {
    text.get(from as usize..past as usize).is_none_or(|rest| rest.iter().all(|c| c.is_whitespace()))
}

/// A title without the page number that a contents page puts behind it.
pub(super) fn without_page(title: &str) -> &str {
    let short = title.trim_end_matches(|c: char| c.is_ascii_digit());
    if short.ends_with(char::is_whitespace) { short.trim_end() } else { title }
}
