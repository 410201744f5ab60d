//! Which lines in columns are a table, and which a list, a form, a page of contents or text. Knows no lines.

use super::super::frame::Frame;
use super::cells::is_leader;
use super::cells::is_value;
use super::contents::is_contents;
use super::enumerators::enumerates;
use super::stretch::Chunk;
use super::stretch::Entry;
use super::stretch::Stretch;

/// Rows with several cells that a table without lines has at least.
const MIN_ROWS: usize = 3;
/// Part of the places between its gutters that hold something.
const MIN_FILLED: f32 = 0.55;
/// The same where nothing is a value.
const MIN_WORDS_FILLED: f32 = 0.75;
/// Part of a column's entries that begin, end or have their middle on one line.
const MIN_STRAIGHT: f32 = 0.65;
/// Text on a line of an entry, on average, and in an entry with all its lines; more is prose.
const MAX_LINE: f32 = 60.0;
const MAX_ENTRY: f32 = 90.0;
const MAX_WORDS_ENTRY: f32 = 26.0;
/// Part of the entries of a column of values that are values.
const MIN_VALUES: f32 = 0.7;
/// Part of the entries that may be labels before blanks, `Name:`, `By: ____`.
const MAX_LABELS: f32 = 0.2;
/// So many lines with the same label twice are two forms side by side.
const MIN_PAIRED: usize = 2;
/// Longer text before a colon is no label.
const MAX_LABEL: usize = 24;

/// What lines in columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Table,
    /// Some of the later lines may be a table.
    Text,
    /// No part is a table: clauses with their numbers, contents, forms, signatures.
    List,
}

/// Says what lines that stand in columns are. `ruled` says that a line closes them above and below.
pub(super) fn judge(stretch: &Stretch, ruled: bool, frame: &Frame) -> Verdict {
    let several = stretch.lines.iter().filter(|line| line.len() > 1).count();
    let entries = stretch.entries(frame);
    let has_leaders = entries.iter().flatten().any(|entry| is_leader(&entry.text));
    if has_leaders || is_form(stretch, &entries, frame) || several >= MIN_ROWS && lists_pages(&entries) {
        return Verdict::List;
    }
    let columns = Columns { stretch, entries: &entries, several };
    if several < MIN_ROWS {
        Verdict::Text
    } else if columns.stand_apart(frame) && columns.say_something(ruled) {
        Verdict::Table
    } else if (0..entries.len()).any(|column| columns.is_numbering(column)) {
        Verdict::List
    } else {
        Verdict::Text
    }
}

/// Says whether entries are labels with what belongs to them, `Name: Ada`, `Date:`.
fn is_form(stretch: &Stretch, entries: &[Vec<Entry>], frame: &Frame) -> bool {
    let texts = || entries.iter().flatten();
    let labels = texts().filter(|entry| is_label(&entry.text)).count();
    let pairs = |line: &&Vec<Chunk>| {
        let mut labels: Vec<String> =
            line.iter().filter_map(|chunk| label(&chunk.text(frame)).map(str::to_lowercase)).collect();
        labels.sort_unstable();
        labels.windows(2).any(|pair| pair[0] == pair[1])
    };
    labels as f32 > MAX_LABELS * texts().count() as f32
        || stretch.lines.iter().filter(pairs).count() >= MIN_PAIRED
}

fn is_label(text: &str) -> bool {
    const NAMES: [&str; 15] = [
        "name",
        "title",
        "by",
        "its",
        "date",
        "signature",
        "address",
        "signed",
        "姓名",
        "日期",
        "地址",
        "电话",
        "法定代表人",
        "签字",
        "盖章",
    ];
    text.ends_with([':', '：'])
        || text.contains("__")
        || label(text).is_some_and(|label| NAMES.contains(&label.to_lowercase().as_str()))
}

/// What stands before a colon; hours do not.
fn label(text: &str) -> Option<&str> {
    let (label, _) = text.split_once([':', '：'])?;
    let is_short = label.chars().count() <= MAX_LABEL;
    (is_short && label.contains(char::is_alphabetic) && !label.contains(|c: char| c.is_ascii_digit()))
        .then_some(label)
}

fn lists_pages(entries: &[Vec<Entry>]) -> bool {
    let texts = |column: Option<&Vec<Entry>>| -> Vec<String> {
        column.into_iter().flatten().map(|entry| entry.text.clone()).collect()
    };
    is_contents(&texts(entries.first()), &texts(entries.last()), false)
}

/// Lines in columns that are no list.
struct Columns<'s> {
    stretch: &'s Stretch,
    entries: &'s [Vec<Entry>],
    /// Lines with several entries.
    several: usize,
}

impl Columns<'_> {
    /// Says whether the entries stand on straight lines, in most places between the gutters, and are short.
    fn stand_apart(&self, frame: &Frame) -> bool {
        let mean = |weights: &mut dyn ExactSizeIterator<Item = usize>| {
            let count = weights.len().max(1);
            weights.sum::<usize>() as f32 / count as f32
        };
        let long_line = |column: &Vec<Entry>| mean(&mut column.iter().map(|entry| entry.weight)) > MAX_LINE;
        let long_entry = |column: &Vec<usize>| mean(&mut column.iter().copied()) > MAX_ENTRY;
        let straight = self.entries.iter().all(|column| self.stretch.is_straight(column, MIN_STRAIGHT));
        straight
            && self.filled() >= MIN_FILLED
            && !self.entries.iter().any(long_line)
            && !self.stretch.weights(frame).iter().any(long_entry)
    }

    /// Part of the places that hold something, where several do.
    fn filled(&self) -> f32 {
        let lines = self.stretch.lines.iter().filter(|line| line.len() > 1);
        lines.map(Vec::len).sum::<usize>() as f32 / (self.several * self.entries.len()) as f32
    }

    /// Says whether the columns beside those that only number the lines are a table's.
    fn say_something(&self, ruled: bool) -> bool {
        let told: Vec<usize> = (0..self.entries.len()).filter(|column| !self.is_numbering(*column)).collect();
        let values: Vec<bool> = told.iter().map(|column| holds_values(&self.entries[*column])).collect();
        let texts = told.iter().zip(&values).filter(|(column, values)| {
            !**values && self.stretch.reads_as_text(**column, &self.entries[**column])
        });
        if texts.count() > 1 {
            return false;
        }
        let of_values = values.iter().skip(1).filter(|values| **values).count();
        match told.len() {
            0 | 1 => ruled && self.are_named(),
            2 if of_values == 1 && !values[0] => true,
            2 => ruled && (told.len() == self.entries.len() || self.are_named()),
            _ if of_values > 0 => true,
            _ => ruled || self.several > MIN_ROWS && self.is_of_words(),
        }
    }

    /// Says whether a column numbers what stands on its right, below a name or not.
    fn is_numbering(&self, column: usize) -> bool {
        let texts: Vec<&str> = self.entries[column].iter().map(|entry| entry.text.as_str()).collect();
        let without_name = texts.get(1..).unwrap_or_default();
        column + 1 < self.entries.len()
            && (enumerates(texts.iter().copied()) || enumerates(without_name.iter().copied()))
    }

    /// Says whether the first line names all columns.
    fn are_named(&self) -> bool {
        let names = |column: &Vec<Entry>| {
            let first = column.first().map_or("", |entry| entry.text.as_str());
            first.contains(char::is_alphabetic) && !is_value(first)
        };
        let numbers = |column: usize| {
            let texts = self.entries[column].iter().map(|entry| entry.text.as_str());
            column + 1 < self.entries.len() && enumerates(texts.take(2))
        };
        self.stretch.lines[0].len() == self.entries.len()
            && self.entries.iter().all(names)
            && !(0..self.entries.len()).any(numbers)
    }

    /// Says whether the entries are short, and hardly one is missing.
    fn is_of_words(&self) -> bool {
        let entries = || self.entries.iter().flatten();
        let weight = entries().map(|entry| entry.weight).sum::<usize>() as f32 / entries().count() as f32;
        self.filled() >= MIN_WORDS_FILLED && weight <= MAX_WORDS_ENTRY
    }
}

/// Says whether a column holds values, below a name or not.
fn holds_values(column: &[Entry]) -> bool {
    let values = column.iter().filter(|entry| is_value(&entry.text)).count();
    // A dash between a name and what it is for is no value.
    let any = column.iter().any(|entry| entry.text.contains(|c: char| c.is_ascii_digit()));
    any && values >= 2 && values as f32 >= MIN_VALUES * (column.len().max(2) - 1) as f32
}
