//! The lists that are open at a place of a text, and whether a mark goes on with one of them. Knows no text.

use crate::domain::Span;
use crate::domain::clause::Clause;
use crate::domain::clause::Dress;
use crate::domain::clause::Mark;
use crate::domain::clause::Numerals;
use crate::domain::clause::Segment;
use crate::domain::clause::Style;
use crate::domain::clause::Unit;
use crate::domain::clause::roman;
use crate::domain::clause::values;
use crate::ingest::clauses::Found;
use std::collections::HashMap;

/// Deepest nesting.
pub(super) const MAX_DEPTH: usize = 12;
/// So many numbers further a list may go on: clauses are deleted, lines are misread.
const MAX_GAP: u32 = 4;
/// In statutes too, but an amendment quotes articles from far behind; and nothing else looks like `第一百二十三条`.
const MAX_ARTICLE_GAP: u32 = 1_000;

/// One way to read a mark: `(i)` is the ninth letter and the first Roman numeral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    style: Style,
    is_roman: bool,
    pub(super) value: u32,
}

/// Where a mark goes.
pub(super) struct Fit {
    /// So many of the open ones stay open.
    pub(super) keep: usize,
    pub(super) reading: Reading,
    /// It is the very next of an open list.
    pub(super) is_next: bool,
}

/// A clause that begins.
pub(super) struct New {
    pub(super) mark: Option<(Segment, Reading)>,
    /// Level of the heading that it is, if it is one.
    pub(super) heading: Option<u8>,
    pub(super) label: String,
    pub(super) title: String,
    /// Where mark and title stand.
    pub(super) head: Span,
}

struct Entry {
    reading: Option<Reading>,
    /// The value before it in its list: it may have been a reference at the start of a line.
    before: Option<u32>,
    segment: Option<Segment>,
    heading: Option<u8>,
    found: usize,
}

/// The clauses that a text is within, the outermost first.
#[derive(Default)]
pub(super) struct Open {
    entries: Vec<Entry>,
    /// The last value of lists whose numbers run on when a chapter ends.
    last: HashMap<(Style, bool), u32>,
    /// The same of the body while a schedule is open: some contracts list their schedules in the middle.
    body: Option<HashMap<(Style, bool), u32>>,
}

impl Open {
    /// How the mark fits: the next of an open list, the next of one that runs through, or the first of a new one.
    pub(super) fn fit(&self, mark: &Mark) -> Option<Fit> {
        let readings = readings(mark);
        let beside = self.entries.iter().rposition(is_beside_body).map_or(0, |at| at + 1);
        let floor = if mark.segment.unit.is_beside_body() { 0 } else { beside };
        self.next_of_open(mark, &readings, floor, false)
            .or_else(|| self.next_of_running(mark, &readings, floor))
            .or_else(|| self.back_in_body(mark, &readings))
            .or_else(|| self.first(mark, &readings, floor))
            .or_else(|| self.next_of_open(mark, &readings, floor, true))
            .filter(|fit| fit.keep < MAX_DEPTH)
    }

    pub(super) fn in_schedule(&self) -> bool {
        self.entries.iter().any(is_beside_body)
    }

    /// Says whether a mark begins a list within what is open.
    pub(super) fn begins_list(&self, mark: &Mark) -> bool {
        readings(mark).iter().any(|reading| reading.value == 1)
            && mark.style.parts == 1
            && self
                .entries
                .last()
                .and_then(|entry| entry.reading)
                .is_some_and(|open| open.style != mark.style)
    }

    /// The reading that goes on with what was, for a heading, which is believed anyway.
    pub(super) fn reading(&self, mark: &Mark) -> Option<Reading> {
        let readings = readings(mark);
        let goes_on = |reading: &&Reading| {
            self.last.get(&key(reading)).is_some_and(|last| reading.value == last.saturating_add(1))
        };
        readings.iter().find(goes_on).or_else(|| readings.last()).copied()
    }

    /// How many stay open when a heading of a level begins.
    pub(super) fn above_heading(&self, level: u8) -> usize {
        let above = |entry: &Entry| entry.heading.is_some_and(|open| open < level);
        self.entries.iter().rposition(above).map_or(0, |at| at + 1)
    }

    /// Closes all but the first `keep`.
    pub(super) fn close_to(&mut self, keep: usize, found: &mut [Found], at: u32) {
        for entry in self.entries.drain(keep.min(self.entries.len())..) {
            found[entry.found].clause.span.end = at;
        }
    }

    pub(super) fn close_all(&mut self, found: &mut [Found], at: u32) {
        self.close_to(0, found, at);
    }

    /// Opens a clause within what is open.
    pub(super) fn enter(&mut self, found: &mut Vec<Found>, new: New) {
        let New { mark, heading, label, title, head } = new;
        let beside = mark.as_ref().is_some_and(|(segment, _)| segment.unit.is_beside_body());
        if self.entries.is_empty()
            && !beside
            && let Some(body) = self.body.take()
        {
            self.last.extend(body);
        }
        let segment = mark.as_ref().map(|(segment, _)| segment.clone());
        let above = self.entries.iter().filter_map(|entry| entry.segment.clone());
        let path = if label.is_empty() { Vec::new() } else { above.chain(segment.clone()).collect() };
        let depth = self.entries.len() as u8 + 1;
        let clause = Clause { path, label, title, opening: String::new(), depth, page: 1, span: head };
        let reading = mark.map(|(_, reading)| reading);
        let before = reading.as_ref().and_then(|reading| self.last.get(&key(reading)).copied());
        if let Some(reading) = &reading {
            self.last.insert(key(reading), reading.value);
        }
        if segment.as_ref().is_some_and(|segment| segment.unit.is_beside_body()) {
            let body = self.last.clone();
            self.body.get_or_insert(body);
            self.last.retain(|(style, _), _| style.unit.is_beside_body()); // a schedule counts from one
        }
        self.entries.push(Entry { reading, before, segment, heading, found: found.len() });
        found.push(Found { clause, head });
    }

    /// With a gap, where nothing else fits: a line before was misread.
    fn next_of_open(&self, mark: &Mark, readings: &[Reading], floor: usize, gap: bool) -> Option<Fit> {
        (floor..self.entries.len()).rev().find_map(|at| {
            let open = self.entries[at].reading?;
            let fits = |reading: &&Reading| {
                let further = open.value < reading.value && reading.value - open.value <= MAX_GAP;
                // What was taken for the open one stood at the start of a line and was only spoken of there.
                let after_before = self.entries[at].before.is_some_and(|before| {
                    reading.value < open.value && reading.value == before.saturating_add(1)
                });
                let follows = follows(mark, open.value, reading.value) || after_before || (gap && further);
                key(reading) == key(&open) && follows && self.has_prefix(mark, at)
            };
            let reading = readings.iter().find(fits)?;
            Some(Fit { keep: at, reading: *reading, is_next: reading.value == open.value.saturating_add(1) })
        })
    }

    /// `第二十条` in a new chapter, `5.3` after a heading without a number.
    fn next_of_running(&self, mark: &Mark, readings: &[Reading], floor: usize) -> Option<Fit> {
        let runs = mark.segment.unit.runs_through() && mark.style.parts == 1;
        let reading = readings.iter().find(|reading| {
            self.last.get(&key(reading)).is_some_and(|last| follows(mark, *last, reading.value))
        });
        let reading = reading.filter(|_| runs)?;
        Some(Fit { keep: self.room_for(mark, floor), reading: *reading, is_next: false })
    }

    fn first(&self, mark: &Mark, readings: &[Reading], floor: usize) -> Option<Fit> {
        let is_word = mark.style.dress == Dress::Word;
        // `(i)` begins a list as the first numeral, not as the ninth letter.
        let reading = readings.iter().rev().find(|reading| reading.value == 1);
        if mark.style.parts > 1 && !is_word {
            let (prefix, value) = mark.segment.number.rsplit_once('.')?;
            let value: u32 = value.parse().ok()?;
            let reading = *readings.first()?;
            let under = (floor..self.entries.len()).rev().find(|&at| self.is_number(at, prefix));
            let goes_on =
                self.last.get(&key(&reading)).is_some_and(|last| follows(mark, *last, reading.value));
            let keep = match under {
                Some(at) => (value <= 2 || goes_on).then(|| self.room_for(mark, at + 1)),
                None => (value <= 1 && self.may_begin(prefix)).then(|| self.room_for(mark, floor)),
            };
            return Some(Fit { keep: keep?, reading, is_next: false });
        }
        let reading = match reading {
            Some(reading) => *reading,
            // The file may begin in the middle, and a schedule may be the only one with a number.
            None if is_word && !self.last.keys().any(|(style, _)| style.unit == mark.segment.unit) => {
                *readings.first()?
            }
            None => return None,
        };
        let within = || self.again(&reading, floor).unwrap_or(self.entries.len());
        let keep = if is_word { self.room_for(mark, floor) } else { within() };
        Some(Fit { keep, reading, is_next: false })
    }

    /// `九、` after a list of schedules in the middle of the body.
    fn back_in_body(&self, mark: &Mark, readings: &[Reading]) -> Option<Fit> {
        let body = self.body.as_ref()?;
        let runs = mark.segment.unit.runs_through() && mark.style.parts == 1;
        let next = |reading: &&Reading| {
            body.get(&key(reading)).is_some_and(|last| reading.value == last.saturating_add(1))
        };
        let reading = readings.iter().find(next).filter(|_| runs)?;
        Some(Fit { keep: 0, reading: *reading, is_next: true })
    }

    /// A list begins again where one of its kind is open and nothing but lists within it: the mark between was misread.
    fn again(&self, reading: &Reading, floor: usize) -> Option<usize> {
        let same = |open: Reading| key(&open) == key(reading);
        let list = |open: Reading| open.style.unit == Unit::Bracketed || same(open);
        let inner = self.entries[floor..].iter().rev().take_while(|entry| entry.reading.is_some_and(list));
        let at = inner.clone().position(|entry| entry.reading.is_some_and(same))?;
        Some(self.entries.len() - 1 - at)
    }

    /// How many stay open when a mark begins a list of its rank: a chapter ends articles, an article ends lists.
    fn room_for(&self, mark: &Mark, floor: usize) -> usize {
        let inner = self.entries[floor..]
            .iter()
            .position(|entry| entry.reading.is_some_and(|open| rank(open.style) >= rank(mark.style)));
        inner.map_or(self.entries.len(), |inner| floor + inner)
    }

    /// Of `5.2` says whether the list it would go on with is that of `5.1`.
    fn has_prefix(&self, mark: &Mark, at: usize) -> bool {
        let own = mark.segment.number.rsplit_once('.').map(|(prefix, _)| prefix);
        let theirs = self.entries[at].segment.as_ref();
        let theirs = theirs.and_then(|segment| segment.number.rsplit_once('.').map(|(prefix, _)| prefix));
        own == theirs
    }

    fn is_number(&self, at: usize, number: &str) -> bool {
        self.entries[at].segment.as_ref().is_some_and(|segment| {
            let named = matches!(segment.unit, Unit::Article | Unit::Decimal | Unit::Chapter | Unit::Part);
            let same =
                segment.number == number || roman(&segment.number).is_some_and(|n| n.to_string() == number);
            named && same
        }) || self.entries[at]
            .reading
            .is_some_and(|open| open.style.unit == Unit::Listed && open.value.to_string() == number)
    }

    /// `5.1` without a `5.`: the first such list, or the one after `4.7`.
    fn may_begin(&self, prefix: &str) -> bool {
        let Ok(prefix) = prefix.parse::<u32>() else { return false };
        let last = self.entries.iter().rev().find_map(|entry| {
            let segment = entry.segment.as_ref().filter(|segment| segment.unit == Unit::Decimal)?;
            segment.number.split_once('.').and_then(|(first, _)| first.parse::<u32>().ok())
        });
        last.map_or(prefix == 1, |last| prefix > last && prefix - last <= MAX_GAP)
    }
}

fn is_beside_body(entry: &Entry) -> bool {
    entry.segment.as_ref().is_some_and(|segment| segment.unit.is_beside_body())
}

const fn key(reading: &Reading) -> (Style, bool) {
    (reading.style, reading.is_roman)
}

/// Says whether a value comes after another in a list; `第十七条之一` after `第十七条`, `5A` after `5`.
fn follows(mark: &Mark, last: u32, value: u32) -> bool {
    let number = &mark.segment.number;
    let inserted = (number.contains('之') || without_letter(number) != number) && value == last;
    let gap = match (mark.style.unit, mark.style.numerals, mark.style.dress) {
        (Unit::Article, Numerals::Chinese, Dress::Word) => MAX_ARTICLE_GAP,
        (_, _, Dress::Word) => MAX_GAP,
        _ => 1,
    };
    let gap = if mark.style.parts > 1 { gap.max(2) } else { gap };
    inserted || (value > last && value - last <= gap)
}

/// `5` of `5A`; `B` and `IV` stay.
fn without_letter(number: &str) -> &str {
    let digits = number.trim_end_matches(|c: char| c.is_ascii_uppercase());
    if digits.ends_with(|c: char| c.is_ascii_digit()) { digits } else { number }
}

fn readings(mark: &Mark) -> Vec<Reading> {
    let number = mark.segment.number.split('之').next().unwrap_or_default();
    let number = without_letter(number.rsplit_once('.').map_or(number, |(_, last)| last));
    let letters = matches!(mark.style.numerals, Numerals::Lower | Numerals::Upper);
    let reading = |(at, value): (usize, &u32)| {
        let is_roman = letters && (at > 0 || number.len() > 1) && roman(number) == Some(*value);
        Reading { style: mark.style, is_roman, value: *value }
    };
    values(number).iter().enumerate().map(reading).collect()
}

fn rank(style: Style) -> u8 {
    match style.unit {
        Unit::Schedule | Unit::Exhibit | Unit::Annex | Unit::Appendix => 0,
        Unit::Part => 1,
        Unit::Subpart => 2,
        Unit::Chapter => 3,
        Unit::Section => 4,
        Unit::Article => 5,
        Unit::Listed => 6,
        Unit::Decimal => 7 + style.parts,
        Unit::Paragraph | Unit::Item | Unit::Bracketed => 20,
    }
}
