//! Where a clause is, as people and other clauses say it: `8.2(a)`, `Article 5`, `第五百零九条第二款`, `附件一第三条`.
//! Knows no document.

use crate::domain::clause::mark::Mark;
use crate::domain::clause::mark::Segment;
use crate::domain::clause::mark::Unit;
use crate::domain::clause::mark::bare_mark;
use crate::domain::clause::mark::bracketed;
use crate::domain::clause::mark::plain_number;
use crate::domain::clause::number::roman;
use crate::domain::clause::number::values;
use crate::domain::clause::word::word_mark;

/// Steps of the longest address.
const MAX_SEGMENTS: usize = 10;

/// One or more steps, the outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    segments: Vec<Segment>,
}

impl Address {
    /// Reads what somebody typed; nothing but an address may stand in it. A bare `5` is a clause 5.
    pub fn parse(text: &str) -> Option<Self> {
        let text: Vec<char> = text.trim().chars().collect();
        let (address, length) = read(&text, true)?;
        (length == text.len()).then_some(address)
    }

    /// The address that begins a text, and how many characters it takes; one that a word makes, as in a sentence.
    pub fn at(text: &[char]) -> Option<(Self, usize)> {
        word_mark(text)?;
        read(text, false)
    }

    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The steps without `第二款` and what stands in it, that paragraph, and the step in it.
    pub fn split_paragraph(&self) -> (&[Segment], Option<&Segment>, &[Segment]) {
        match self.segments.iter().position(|segment| segment.unit == Unit::Paragraph) {
            Some(at) => (&self.segments[..at], Some(&self.segments[at]), &self.segments[at + 1..]),
            None => (&self.segments, None, &[]),
        }
    }
}

fn read(text: &[char], bare: bool) -> Option<(Address, usize)> {
    let (mut segments, mut at) = (Vec::new(), 0);
    while segments.len() < MAX_SEGMENTS {
        let Some((mark, skipped)) = next(&text[at..], segments.is_empty(), bare) else { break };
        at += skipped + mark.length;
        segments.push(mark.segment);
    }
    (!segments.is_empty()).then_some((Address { segments }, at))
}

/// The next step, and the characters before it that only join: `Schedule 3, 2.1`, `附件一第三条`, `第五条 第二款`.
fn next(text: &[char], first: bool, bare: bool) -> Option<(Mark, usize)> {
    if first {
        return word_mark(text).or_else(|| bare.then(|| unmarked(text)).flatten()).map(|mark| (mark, 0));
    }
    let skipped = text.iter().take(3).take_while(|c| matches!(c, ' ' | ',' | '，' | '/')).count();
    let rest = &text[skipped..];
    if let Some(mark) = bracketed(rest).filter(|_| skipped == 0 || bare) {
        return Some((mark, skipped));
    }
    // In a sentence a comma may end the address: `Section 5, Section 6` are two.
    let word = word_mark(rest).filter(|_| bare || skipped == 0);
    word.or_else(|| bare.then(|| unmarked(rest)).flatten()).map(|mark| (mark, skipped))
}

fn unmarked(text: &[char]) -> Option<Mark> {
    bare_mark(text).or_else(|| plain_number(text))
}

/// Says whether a step that somebody names is the one that a text has. `Article 5` is also what is marked `5.`, and
/// `Section 8` what is marked `第八条`: who refers to a clause need not know what its mark is.
pub(super) fn is_meant(named: &Segment, had: &Segment) -> bool {
    let same = named.number.eq_ignore_ascii_case(&had.number);
    let same_value = || values(&named.number).iter().any(|value| values(&had.number).contains(value));
    match (named.unit, had.unit) {
        (Unit::Item, Unit::Bracketed) | (Unit::Article | Unit::Decimal, Unit::Listed) => same_value(),
        (Unit::Article | Unit::Decimal, Unit::Article | Unit::Decimal) => {
            same || roman_and_digits(named, had)
        }
        (Unit::Bracketed, Unit::Bracketed) => {
            same || (!named.number.is_ascii() || !had.number.is_ascii()) && same_value()
        }
        (one, other) => one == other && (same || roman_and_digits(named, had)),
    }
}

fn roman_and_digits(one: &Segment, other: &Segment) -> bool {
    let value = |number: &str| number.parse().ok().or_else(|| roman(number));
    value(&one.number).is_some_and(|number: u32| value(&other.number) == Some(number))
}

/// How the place at the end of a path is shown: the shortest address that says it within its body or schedule.
pub(super) fn shown(path: &[Segment]) -> String {
    let beside = path.iter().rposition(|segment| segment.unit.is_beside_body());
    let inner = &path[beside.map_or(0, |at| at + 1)..];
    let runs = |segment: &Segment| segment.unit.runs_through();
    let mut from = inner.iter().rposition(runs).unwrap_or(0);
    while let Some(above) = inner[..from].iter().rposition(runs).filter(|_| !stands_alone(&inner[from])) {
        from = above;
    }
    let mut shown = beside.map(|at| path[at].shown.clone()).unwrap_or_default();
    for segment in &inner[from..] {
        let joins = segment.unit == Unit::Bracketed
            || segment.shown.starts_with('第')
            || shown.is_empty()
            || shown.ends_with('、');
        if !joins {
            shown.push_str(", ");
        }
        shown.push_str(&segment.shown);
    }
    shown
}

/// `5.2` and `第五条` say enough; a `1.` within `5.2` does not.
fn stands_alone(segment: &Segment) -> bool {
    segment.unit == Unit::Article || segment.number.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Vec<String>> {
        let address = Address::parse(text)?;
        Some(address.segments().iter().map(|segment| segment.shown.clone()).collect())
    }

    #[test]
    fn addresses_are_read_step_by_step() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(parse(text), Some(expected.iter().map(|step| (*step).to_owned()).collect()), "{text}");
        };

        check("8.2(a)(ii)", &["8.2", "(a)", "(ii)"]);
        check("Section 8.2(a)", &["8.2", "(a)"]);
        check("Article 5", &["Article 5"]);
        check("Schedule 3, 2.1", &["Schedule 3", "2.1"]);
        check("第五百零九条第二款第（一）项", &["第509条", "第2款", "第1项"]);
        check("附件一第三条", &["附件1", "第3条"]);
        check("第一编 第二章", &["第1编", "第2章"]);
        check("5", &["5"]);
        check("二、1", &["二、", "1"]);
        check("6.5, 1", &["6.5", "1"]);
        check("三、（二）", &["三、", "(二)"]);
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in ["", "hello", "Article", "5 days", "第五百零九条规定", "8.2(a) of this", "12345"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn in_a_sentence_an_address_ends_where_it_ends() {
        let text: Vec<char> = "Section 8.2(a), Section 9".chars().collect();
        assert_eq!(Address::at(&text).map(|(_, length)| length), Some(14));

        let text: Vec<char> = "第八条第二款的规定".chars().collect();
        assert_eq!(Address::at(&text).map(|(_, length)| length), Some(6));
        assert_eq!(Address::at(&"5.2 is".chars().collect::<Vec<_>>()), None);
    }

    #[test]
    fn others_name_a_clause_without_knowing_its_mark() {
        let check = |named: &str, had: &str, expected: bool| {
            let step = |text: &str| Address::parse(text).unwrap().segments()[0].clone();
            assert_eq!(is_meant(&step(named), &step(had)), expected, "{named} {had}");
        };

        check("Article 4", "ARTICLE IV", true);
        check("Section 5", "5.", true);
        check("Clause 8", "第八条", true);
        check("第（二）项", "（二）", true);
        check("第3条", "三、", true);
        check("(a)", "(1)", false);
        check("Schedule A", "Exhibit A", false);
        check("第三章", "第三条", false);
    }
}
