//! Markdown as blocks, drawn from an allow-listed tree: what its syntax hides is either a sign, and left out, or says
//! something, as the address of a link does, and is shown quietly as text. No picture, no link, no HTML of the text's own.
//! Knows no highlight.

use super::tree::Node;
use super::tree::Tag;
use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag as Start;
use std::ops::Range;

/// Deeper elements are shown in the last one that is.
const DEEPEST: usize = 24;

/// The blocks of a text.
pub(super) fn nodes(text: &str) -> Vec<Node> {
    let syntax = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let mut builder = Builder::new(text);
    for (event, range) in Parser::new_ext(text, syntax).into_offset_iter() {
        builder.event(event, range);
    }
    builder.finish()
}

struct Builder<'t> {
    text: &'t str,
    /// For each byte how many characters begin before it.
    characters: Vec<usize>,
    /// Open elements; without a tag what is in one belongs to the one around it.
    open: Vec<(Option<Tag>, Vec<Node>)>,
    nodes: Vec<Node>,
    /// Up to here everything was shown, or is only signs. In bytes.
    shown: usize,
    in_head: bool,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let mut count = 0;
        let characters = (0..=text.len()).map(|byte| {
            let before = count;
            count += usize::from(text.is_char_boundary(byte));
            before
        });
        let characters = characters.collect();
        Self { text, characters, open: Vec::new(), nodes: Vec::new(), shown: 0, in_head: false }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(start) => {
                self.catch_up(range.start);
                let tag = self.tag(&start).filter(|_| self.open.len() < DEEPEST);
                self.open.push((tag, Vec::new()));
            }
            Event::End(_) => {
                self.catch_up(range.end);
                self.close();
            }
            Event::Code(_) => {
                let inner = self.text[range.clone()].trim_matches('`');
                let start = range.start + self.text[range.clone()].find(inner).unwrap_or(0);
                self.element(Some(Tag::Code), start..start + inner.len(), range.end);
            }
            Event::Text(_) | Event::Html(_) | Event::SoftBreak => {
                self.element(None, range.clone(), range.end);
            }
            Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {
                self.element(Some(Tag::Quiet), range.clone(), range.end);
            }
            Event::TaskListMarker(_) => self.element(Some(Tag::Marker), range.clone(), range.end),
            Event::HardBreak => self.sign(Tag::Break, &range),
            Event::Rule => self.sign(Tag::Rule, &range),
        }
    }

    fn tag(&mut self, start: &Start<'_>) -> Option<Tag> {
        Some(match start {
            Start::Paragraph => Tag::Paragraph,
            Start::Heading { level, .. } => Tag::Heading(*level as u8),
            Start::BlockQuote(_) => Tag::Quote,
            Start::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_))
            | Start::HtmlBlock
            | Start::MetadataBlock(_) => Tag::Preformatted,
            Start::List(first) => Tag::List { numbered: first.is_some() },
            Start::Item => Tag::Item(0),
            Start::Table(_) => Tag::Table,
            Start::TableHead => {
                self.in_head = true;
                Tag::Row
            }
            Start::TableRow => Tag::Row,
            Start::TableCell if self.in_head => Tag::HeadCell,
            Start::TableCell => Tag::Cell,
            Start::Emphasis => Tag::Emphasis,
            Start::Strong => Tag::Strong,
            Start::Strikethrough => Tag::Struck,
            Start::FootnoteDefinition(_) => Tag::Note,
            Start::Link { .. }
            | Start::Image { .. }
            | Start::DefinitionList
            | Start::DefinitionListTitle
            | Start::DefinitionListDefinition
            | Start::Superscript
            | Start::Subscript => return None,
        })
    }

    /// Ends the element that is open.
    fn close(&mut self) {
        let Some((tag, inner)) = self.open.pop() else { return };
        let is_head = self.in_head && tag == Some(Tag::Row);
        let Some(tag) = tag else { return self.siblings().extend(inner) };
        let element = Node::Element(tag, inner);
        if is_head {
            self.in_head = false;
            return self.siblings().push(Node::Element(Tag::Head, vec![element]));
        }
        self.siblings().push(element);
    }

    /// Writes what is shown of a range, and what stands before it without having been shown.
    fn element(&mut self, tag: Option<Tag>, inner: Range<usize>, end: usize) {
        self.catch_up(inner.start);
        let start = inner.start.max(self.shown);
        if start < inner.end {
            let text = Node::Text(self.characters[start]..self.characters[inner.end]);
            self.siblings().push(match tag {
                Some(tag) => Node::Element(tag, vec![text]),
                None => text,
            });
            self.shown = inner.end;
        }
        self.shown = self.shown.max(end);
    }

    fn sign(&mut self, tag: Tag, range: &Range<usize>) {
        self.catch_up(range.start);
        self.siblings().push(Node::Element(tag, Vec::new()));
        self.shown = self.shown.max(range.end);
    }

    /// Shows what says something and nothing has shown, up to a place.
    fn catch_up(&mut self, to: usize) {
        let from = self.shown;
        if from >= to {
            return;
        }
        self.shown = to;
        let hidden = &self.text[from..to];
        let says = |character: char| character.is_alphanumeric();
        let (Some(first), Some(last)) = (hidden.find(says), hidden.rfind(says)) else { return };
        let last = hidden[last..].chars().next().map_or(last, |character| last + character.len_utf8());
        // `3.` keeps its point.
        let past = last + hidden[last..].chars().take_while(|character| ".)".contains(*character)).count();
        let around = self.open.iter().rev().find_map(|(tag, inner)| Some(((*tag)?, inner.is_empty())));
        let past = if matches!(around, Some((Tag::Item(_), true))) { past } else { last };
        let text = Node::Text(self.characters[from + first]..self.characters[from + past]);
        let quiet = Node::Element(Tag::Quiet, vec![text]);
        let cell = |inner| Node::Element(Tag::Cell, vec![inner]);
        let node = match around {
            Some((Tag::Item(_), true)) => {
                let Node::Element(_, text) = quiet else { return };
                Node::Element(Tag::Marker, text)
            }
            Some((Tag::List { .. }, _)) => Node::Element(Tag::Item(0), vec![quiet]),
            Some((Tag::Table, _)) => Node::Element(Tag::Row, vec![cell(quiet)]),
            Some((Tag::Row, _)) => cell(quiet),
            None => Node::Element(Tag::Paragraph, vec![quiet]),
            Some(_) => quiet,
        };
        self.siblings().push(node);
    }

    fn siblings(&mut self) -> &mut Vec<Node> {
        self.open.last_mut().map_or(&mut self.nodes, |(_, inner)| inner)
    }

    fn finish(mut self) -> Vec<Node> {
        while !self.open.is_empty() {
            self.close();
        }
        self.catch_up(self.text.len());
        self.nodes
    }
}
