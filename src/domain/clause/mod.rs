//! The clauses of a document as a tree, and how one is found by its address. Knows no file and no page.

mod address;
pub mod diff;
mod mark;
mod number;
mod reference;
mod word;

pub use address::Address;
pub use mark::{Dress, Mark, Segment, Style, Unit, bare_mark, plain_number};
pub use number::{Numerals, roman, values};
pub use reference::{Definition, Reference, definitions, references};
pub use word::word_mark;

use crate::domain::Span;
use serde::Deserialize;
use serde::Serialize;

/// A part of a text that begins with a mark or a heading and holds what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// The marks from the outermost down to its own; empty for a heading without one.
    pub path: Vec<Segment>,
    /// Its mark as it is written: `第五百零九条`, `(a)`; empty for a heading without one.
    pub label: String,
    /// Its heading, if it has one.
    pub title: String,
    /// Its first words, where it has none.
    #[serde(default)]
    pub opening: String,
    /// Depth in the tree, from 1.
    pub depth: u8,
    /// The page on which it begins, from 1.
    pub page: u32,
    /// All of it, with the clauses within.
    pub span: Span,
}

impl Clause {
    /// The shortest address that says where it is; none for a heading without a mark.
    pub fn address(&self) -> Option<String> {
        (!self.label.is_empty()).then(|| address::shown(&self.path))
    }

    /// Mark and heading on one line.
    pub fn heading(&self) -> String {
        let parts = [self.label.as_str(), self.title.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// A place that an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the clause among the clauses.
    pub clause: usize,
    /// What is meant of it: the clause, or one paragraph of it.
    pub span: Span,
}

/// The places that an address may mean, the likeliest first. Steps may be left out but the last: `(a)` of a text
/// with one `(a)`, `第三条` whatever the chapter.
pub fn find(clauses: &[Clause], content: &[char], address: &Address) -> Vec<Place> {
    let (to_clause, paragraph, within) = address.split_paragraph();
    let unit = to_clause.last().map(|step| step.unit);
    let mut found: Vec<usize> = (0..clauses.len()).filter(|&at| leads_to(to_clause, &clauses[at])).collect();
    // Of what could be meant comes first what has just the mark that is named, then what is least deep.
    found.sort_by_key(|&at| (clauses[at].path.last().map(|own| own.unit) != unit, clauses[at].depth));
    match paragraph {
        None => found.into_iter().map(|clause| Place { clause, span: clauses[clause].span }).collect(),
        Some(paragraph) => found
            .into_iter()
            .filter_map(|at| {
                let number = values(&paragraph.number).first().copied()?;
                let span = nth_paragraph(&clauses[at], content, number)?;
                in_paragraph(clauses, at, span, within)
            })
            .collect(),
    }
}

/// Says whether the steps lead to a clause: the last is its own mark, the others stand above it in this order.
fn leads_to(steps: &[Segment], clause: &Clause) -> bool {
    let (Some((last, before)), Some((own, above))) = (steps.split_last(), clause.path.split_last()) else {
        return false;
    };
    let mut above = above.iter();
    !clause.label.is_empty()
        && address::is_meant(last, own)
        && before.iter().all(|step| above.any(|segment| address::is_meant(step, segment)))
}

fn in_paragraph(clauses: &[Clause], article: usize, span: Span, steps: &[Segment]) -> Option<Place> {
    let Some(step) = steps.last() else { return Some(Place { clause: article, span }) };
    let inside = (article + 1..clauses.len()).take_while(|&at| clauses[at].span.start < span.end);
    let mut meant = inside.filter(|&at| {
        clauses[at].span.start >= span.start
            && clauses[at].path.last().is_some_and(|own| address::is_meant(step, own))
    });
    meant.next().map(|clause| Place { clause, span: clauses[clause].span })
}

/// A paragraph of an article: a line that begins one, with the items below it.
fn nth_paragraph(article: &Clause, content: &[char], number: u32) -> Option<Span> {
    let (start, end) = (article.span.start as usize, (article.span.end as usize).min(content.len()));
    let text = content.get(start..end)?;
    let mut begins: Vec<usize> = Vec::new();
    let (mut at, mut ended) = (0, true);
    for line in text.split_inclusive(|c| *c == '\n') {
        let indent = line.iter().take_while(|c| c.is_whitespace()).count();
        let body = &line[indent..];
        if !body.is_empty() {
            if ended && (begins.is_empty() || bare_mark(body).is_none()) {
                begins.push(at + indent);
            }
            ended = ends_paragraph(body);
        }
        at += line.len();
    }
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let begin = start + begins.get(index)?;
    let past = begins.get(index + 1).map_or(end, |next| start + next);
    Some(Span { start: begin as u32, end: past as u32 })
}

fn ends_paragraph(line: &[char]) -> bool {
    let last = line.iter().rev().find(|c| !c.is_whitespace());
    last.is_some_and(|last| "。！？.!?：:”’」』".contains(*last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(address: &str, text: &str, part: &str) -> Clause {
        let path = Address::parse(address).unwrap().segments().to_vec();
        let start = text[..text.find(part).unwrap()].chars().count() as u32;
        let span = Span { start, end: start + part.chars().count() as u32 };
        Clause {
            label: path.last().unwrap().shown.clone(),
            depth: path.len() as u8,
            page: 1,
            path,
            title: String::new(),
            opening: String::new(),
            span,
        }
    }

    #[test]
    fn an_address_leads_to_its_clause_whatever_stands_between() {
        let text = "1 Term 1.1 Start (a) now 2 Rent 2.1 Sum (a) EUR";
        let clauses = [
            clause("1", text, "1 Term 1.1 Start (a) now "),
            clause("1./1.1", text, "1.1 Start (a) now "),
            clause("1./1.1(a)", text, "(a) now "),
            clause("2", text, "2 Rent 2.1 Sum (a) EUR"),
            clause("2./2.1", text, "2.1 Sum (a) EUR"),
            clause("2./2.1(a)", text, "(a) EUR"),
        ];
        let check = |address: &str, expected: &[usize]| {
            let content: Vec<char> = text.chars().collect();
            let found = find(&clauses, &content, &Address::parse(address).unwrap());
            assert_eq!(found.iter().map(|place| place.clause).collect::<Vec<_>>(), expected, "{address}");
        };

        check("2.1", &[4]);
        check("Section 2.1(a)", &[5]);
        check("Article 2", &[3]);
        check("(a)", &[2, 5]);
        check("3.1", &[]);
        assert_eq!(clauses[5].address().as_deref(), Some("2.1(a)"));
    }

    #[test]
    fn a_paragraph_of_an_article_is_found_with_its_items() {
        let text = "第五条 甲方应当付款。\n乙方应当：\n（一）交货；\n（二）安装。\n其他事项另行约定。\n";
        let clauses = [
            clause("第五条", text, text),
            clause("第五条（一）", text, "（一）交货；\n"),
            clause("第五条（二）", text, "（二）安装。\n"),
        ];
        let check = |address: &str, expected: Option<&str>| {
            let content: Vec<char> = text.chars().collect();
            let found = find(&clauses, &content, &Address::parse(address).unwrap());
            let shown = found.first().map(|place| {
                content[place.span.start as usize..place.span.end as usize].iter().collect::<String>()
            });
            assert_eq!(shown.as_deref(), expected, "{address}");
        };

        check("第五条第一款", Some("第五条 甲方应当付款。\n"));
        check("第五条第二款", Some("乙方应当：\n（一）交货；\n（二）安装。\n"));
        check("第五条第二款第（二）项", Some("（二）安装。\n"));
        check("第五条第三款", Some("其他事项另行约定。\n"));
        check("第五条第四款", None);
        check("第五条第一款第（一）项", None);
    }
}
