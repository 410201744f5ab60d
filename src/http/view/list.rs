//! Lines of a list as its items. Knows no table.

use super::line;
use super::line::Item;
use super::tree::Node;
use super::tree::Tag;
use std::ops::Range;

/// How many of the first lines are a list: items, and lines set in that go on with one. A number alone makes no list of a
/// paragraph: its neighbour has to be an item too.
pub(super) fn length<'l>(
    text: &[char],
    lines: impl Iterator<Item = &'l Range<usize>>,
    set_in: impl Fn(&Range<usize>) -> bool,
) -> usize {
    let (mut length, mut items, mut bullets) = (0, 0, 0);
    for line in lines {
        match line::item(text, line) {
            Some(item) => {
                items += 1;
                bullets += usize::from(item.number.is_none());
            }
            None if items > 0 && set_in(line) => {}
            None => break,
        }
        length += 1;
    }
    if bullets > 0 || items > 1 { length } else { 0 }
}

/// The items of lines that are a list.
pub(super) fn list(
    text: &[char],
    lines: &[Range<usize>],
    inline: &dyn Fn(Range<usize>) -> Vec<Node>,
) -> Node {
    let mut items: Vec<(Item, usize)> = Vec::new();
    for line in lines {
        match (line::item(text, line), items.last_mut()) {
            (Some(item), _) => items.push((item, line.end)),
            (None, Some((_, end))) => *end = line.end,
            (None, None) => {}
        }
    }
    let numbered = items.iter().any(|(item, _)| item.number.is_some());
    let items = items.into_iter().map(|(item, end)| {
        let marker = item.number.map(|number| Node::Element(Tag::Marker, vec![Node::Text(number)]));
        let words = inline(item.words.min(end)..end);
        Node::Element(Tag::Item(item.depth), marker.into_iter().chain(words).collect())
    });
    Node::Element(Tag::List { numbered }, items.collect())
}
