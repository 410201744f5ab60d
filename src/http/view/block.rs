//! From lines to headings, tables, lists, notes and paragraphs. Knows no Markdown.

use super::Kind;
use super::line;
use super::list;
use super::table;
use super::table::Known;
use super::tree::Node;
use super::tree::Tag;
use crate::domain::revision;
use crate::domain::revision::Revision;
use std::collections::HashMap;
use std::ops::Range;

/// The name before a note is looked for so far, in characters.
const NAME: usize = 80;

/// What is known of a section; all ranges count from its start.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// With their levels, in order.
    pub(super) headings: Vec<(u8, Range<usize>)>,
    pub(super) tables: Vec<Known>,
}

/// The blocks of a section. `above` names the columns of a workbook's rows that go on from the section before.
pub(super) fn nodes(text: &[char], kind: Kind, outline: &Outline, above: Option<String>) -> Vec<Node> {
    let rows = outline.tables.iter().enumerate();
    let rows = rows.flat_map(|(table, known)| known.rows.iter().map(move |row| (row.start, table))).collect();
    let (lines, revisions) = (line::lines(text), revision::revisions(text));
    let mut reading =
        Reading { text, kind, outline, above, lines, revisions, rows, nodes: Vec::new(), at: 0 };
    while reading.at < reading.lines.len() {
        reading.block();
    }
    reading.nodes
}

struct Reading<'a> {
    text: &'a [char],
    kind: Kind,
    outline: &'a Outline,
    above: Option<String>,
    lines: Vec<Range<usize>>,
    revisions: Vec<Revision>,
    /// The known table of each row, by where the row begins.
    rows: HashMap<usize, usize>,
    nodes: Vec<Node>,
    /// The next line.
    at: usize,
}

/// Which table a line is a row of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Known(usize),
    /// It only looks like one.
    Another,
}

impl Reading<'_> {
    /// Takes the lines of one block.
    fn block(&mut self) {
        let line = self.lines[self.at].clone();
        if line::is_blank(&self.text[line.clone()]) {
            self.at += 1;
        } else if let Some(of) = self.table_of(&line) {
            self.table(of);
        } else if let Some((level, range)) = self.heading_at(&line) {
            self.take(|_, line| line.start < range.end, |inner, _| Node::Element(Tag::Heading(level), inner));
        } else if let length @ 1.. = self.list_length() {
            let node =
                list::list(self.text, &self.lines[self.at..self.at + length], &|range| self.inline(range));
            self.nodes.push(node);
            self.at += length;
        } else if self.kind == Kind::Message && line::field(self.text, &line).is_some() {
            self.fields();
        } else {
            let goes_on = |reading: &Self, line: &Range<usize>| reading.is_plain(line);
            self.take(goes_on, |inner, is_note| {
                Node::Element(if is_note { Tag::Note } else { Tag::Paragraph }, inner)
            });
        }
    }

    /// Takes the next line, and those after it of which `goes_on` says so.
    fn take(
        &mut self,
        goes_on: impl Fn(&Self, &Range<usize>) -> bool,
        node: impl Fn(Vec<Node>, bool) -> Node,
    ) {
        let first = self.lines[self.at].start;
        self.at += 1;
        while self.lines.get(self.at).is_some_and(|line| goes_on(self, line)) {
            self.at += 1;
        }
        let range = first..self.lines[self.at - 1].end;
        let is_note = self.kind != Kind::Plain && is_note(&self.text[range.clone()]);
        let made = node(self.inline(range), is_note);
        self.nodes.push(made);
    }

    fn table_of(&self, line: &Range<usize>) -> Option<Of> {
        let looks = || line::is_row(&self.text[line.clone()], self.kind).then_some(Of::Another);
        self.rows.get(&line.start).map(|table| Of::Known(*table)).or_else(looks)
    }

    fn heading_at(&self, line: &Range<usize>) -> Option<(u8, Range<usize>)> {
        let headings = &self.outline.headings;
        let at = headings.partition_point(|(_, range)| range.start < line.start);
        headings.get(at).filter(|(_, range)| range.start < line.end).cloned()
    }

    fn list_length(&self) -> usize {
        let set_in = |line: &Range<usize>| {
            let inner = &self.text[line.clone()];
            !line::is_blank(inner) && inner[0].is_whitespace()
        };
        let of_block = self.lines[self.at..]
            .iter()
            .take_while(|line| self.table_of(line).is_none() && self.heading_at(line).is_none());
        list::length(self.text, of_block, set_in)
    }

    /// Says whether a line goes on with a paragraph.
    fn is_plain(&self, line: &Range<usize>) -> bool {
        let is_bullet = line::item(self.text, line).is_some_and(|item| item.number.is_none());
        !line::is_blank(&self.text[line.clone()])
            && !is_bullet
            && self.table_of(line).is_none()
            && self.heading_at(line).is_none()
    }

    fn table(&mut self, of: Of) {
        let lines = self.lines[self.at..].iter().take_while(|line| self.table_of(line) == Some(of));
        let rows: Vec<Range<usize>> = lines.cloned().collect();
        self.at += rows.len();
        let known = match of {
            Of::Known(table) => Some(&self.outline.tables[table]),
            Of::Another => None,
        };
        let known = known.filter(|known| known.rows.first().is_some_and(|row| row.start == rows[0].start));
        let header_rows = known.map_or(0, |known| known.header_rows);
        let columns = self.above.take().filter(|_| self.nodes.is_empty() && self.text[rows[0].start] != '#');
        let above = known.map(|known| known.above.clone()).filter(|above| !above.is_empty());
        let above = above.unwrap_or_else(|| columns.into_iter().collect());
        let node = table::table(self.text, &rows, header_rows, &above, &|range| self.inline(range));
        self.nodes.push(node);
    }

    /// The lines of a message's header as a table.
    fn fields(&mut self) {
        let mut rows = Vec::new();
        while let Some(line) = self.lines.get(self.at)
            && let Some((name, words)) = line::field(self.text, line)
        {
            let name = Node::Element(Tag::Place, vec![Node::Text(name)]);
            let value = Node::Element(Tag::Cell, self.inline(words..line.end));
            rows.push(Node::Element(Tag::Row, vec![name, value]));
            self.at += 1;
        }
        self.nodes.push(Node::Element(Tag::Table, rows));
    }

    /// Text with its tracked changes; one that goes over the range's ends is text.
    fn inline(&self, range: Range<usize>) -> Vec<Node> {
        let from = self.revisions.partition_point(|revision| revision.whole.start < range.start);
        let within = self.revisions[from..].iter().take_while(|revision| revision.whole.end <= range.end);
        let (mut nodes, mut at) = (Vec::new(), range.start);
        for revision in within {
            nodes.push(Node::Text(at..revision.whole.start));
            let words = vec![Node::Text(revision.words.clone())];
            nodes.push(Node::Element(Tag::Revision(revision.kind), words));
            at = revision.whole.end;
        }
        nodes.push(Node::Text(at..range.end));
        nodes.retain(|node| !matches!(node, Node::Text(range) if range.is_empty()));
        nodes
    }
}

/// `[Ada: Check this.]`, `[^1] See annex.`
fn is_note(block: &[char]) -> bool {
    let digits = block.iter().skip(2).take_while(|character| character.is_ascii_digit()).count();
    let is_called =
        block.starts_with(&['[', '^']) && digits > 0 && block[2 + digits..].starts_with(&[']', ' ']);
    let named = || {
        let name = block.iter().take(NAME).position(|character| *character == ':');
        block.first() == Some(&'[')
            && block.last() == Some(&']')
            && name.is_some()
            && revision::revisions(block).is_empty()
    };
    is_called || named()
}
