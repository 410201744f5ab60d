//! What a view may be made of: these elements and characters of the text, nothing else. Knows no format.

use crate::domain::revision::RevisionKind;
use maud::Markup;
use maud::html;
use std::ops::Range;

/// A piece of a view.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    Element(Tag, Vec<Node>),
    /// Characters of the section.
    Text(Range<usize>),
    /// What is repeated from another section; never marked.
    Repeated(String),
}

/// The elements there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// With its level, from 1.
    Heading(u8),
    Paragraph,
    /// A comment, a footnote, a header: what stands beside the text.
    Note,
    List {
        numbered: bool,
    },
    /// With how far it is set in, from 0.
    Item(u8),
    /// The number of an item.
    Marker,
    Quote,
    Preformatted,
    Code,
    Emphasis,
    Strong,
    Struck,
    /// What Markdown does not show, such as the address of a link.
    Quiet,
    Table,
    Head,
    Row,
    HeadCell,
    /// The number of a row.
    Place,
    Cell,
    Revision(RevisionKind),
    Break,
    Rule,
}

/// The characters of a section, and which of them are highlighted.
pub(super) struct Ink<'a> {
    pub(super) characters: &'a [char],
    pub(super) marked: Range<usize>,
}

impl Ink<'_> {
    fn text(&self, range: &Range<usize>) -> Markup {
        let piece = |from: usize, to: usize| -> String {
            self.characters.get(from..to).map(|piece| piece.iter().collect()).unwrap_or_default()
        };
        let (start, end) =
            (self.marked.start.clamp(range.start, range.end), self.marked.end.clamp(range.start, range.end));
        html! {
            @if start < end {
                (piece(range.start, start)) mark { (piece(start, end)) } (piece(end, range.end))
            } @else {
                (piece(range.start, range.end))
            }
        }
    }
}

/// Writes nodes as HTML. Their depth is bounded by who makes them.
pub(super) fn markup(nodes: &[Node], ink: &Ink<'_>) -> Markup {
    html! {
        @for node in nodes { @match node {
            Node::Text(range) => { (ink.text(range)) }
            Node::Repeated(text) => { (text) }
            Node::Element(tag, inner) => { (element(*tag, &markup(inner, ink))) }
        } }
    }
}

fn element(tag: Tag, inner: &Markup) -> Markup {
    html! {
        @match tag {
            Tag::Heading(1) => { h3.level-1 { (inner) } }
            Tag::Heading(2) => { h4.level-2 { (inner) } }
            Tag::Heading(_) => { h5.level-3 { (inner) } }
            Tag::Paragraph => { p { (inner) } }
            Tag::Note => { p.note { (inner) } }
            Tag::List { numbered: false } => { ul { (inner) } }
            Tag::List { numbered: true } => { ul.numbered { (inner) } }
            Tag::Item(depth) => { li.{ "in-" (depth) } { (inner) } }
            Tag::Marker => { span.marker { (inner) } " " }
            Tag::Quote => { blockquote { (inner) } }
            Tag::Preformatted => { pre { (inner) } }
            Tag::Code => { code { (inner) } }
            Tag::Emphasis => { em { (inner) } }
            Tag::Strong => { strong { (inner) } }
            Tag::Struck => { s { (inner) } }
            Tag::Quiet => { " " span.quiet { (inner) } " " }
            Tag::Table => { div.wide { table { (inner) } } }
            Tag::Head => { thead { (inner) } }
            Tag::Row => { tr { (inner) } }
            Tag::HeadCell => { th scope="col" { (inner) } }
            Tag::Place => { th.place scope="row" { (inner) } }
            Tag::Cell => { td { (inner) } }
            Tag::Revision(RevisionKind::Inserted) => { ins title="inserted" { (inner) } }
            Tag::Revision(RevisionKind::Deleted) => { del title="deleted" { (inner) } }
            Tag::Revision(RevisionKind::MovedHere) => { ins.moved title="moved here" { (inner) } }
            Tag::Revision(RevisionKind::MovedAway) => { del.moved title="moved away" { (inner) } }
            Tag::Break => { br; }
            Tag::Rule => { hr; }
        }
    }
}
