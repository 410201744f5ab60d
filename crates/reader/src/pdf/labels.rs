//! Page labels: the numbers printed on pages, such as `iv` or `A-3` (ISO 32000-1, 12.4.2). Knows no page contents.

use super::objects;
use super::strings;
use crate::numerals::letters;
use crate::numerals::roman;
use lopdf::Dictionary;
use lopdf::Document;
use std::collections::BTreeMap;

/// More nodes than any honest tree has; nodes that come again count again.
const MAX_NODES: usize = 10_000;
/// Honest trees are a few levels deep.
const MAX_DEPTH: usize = 16;

/// Returns the label of each page, `None` where it is the page's own number or the file gives none.
pub(super) fn labels(document: &Document, page_count: usize) -> Vec<Option<String>> {
    let (mut ranges, mut nodes_left) = (BTreeMap::new(), MAX_NODES);
    let tree =
        document.catalog().ok().and_then(|catalog| objects::dictionary(document, catalog, b"PageLabels"));
    if let Some(tree) = tree {
        collect(document, tree, MAX_DEPTH, &mut nodes_left, &mut ranges);
    }
    (0..page_count as u32)
        .map(|index| {
            let (&first, range) = ranges.range(..=index).next_back()?;
            let label = range.label(index - first);
            (label != (index + 1).to_string() && !label.is_empty()).then_some(label)
        })
        .collect()
}

/// How the pages from some page on are numbered.
struct Range {
    prefix: String,
    style: Option<u8>,
    start: u32,
}

impl Range {
    fn label(&self, offset: u32) -> String {
        let number = self.start.saturating_add(offset);
        let numeral = match self.style {
            Some(b'D') => number.to_string(),
            Some(b'R') => roman(number),
            Some(b'r') => roman(number).to_lowercase(),
            Some(b'A') => letters(number),
            Some(b'a') => letters(number).to_lowercase(),
            Some(_) | None => String::new(),
        };
        format!("{}{numeral}", self.prefix)
    }
}

fn collect(
    document: &Document,
    node: &Dictionary,
    depth_left: usize,
    nodes_left: &mut usize,
    ranges: &mut BTreeMap<u32, Range>,
) {
    if depth_left == 0 || *nodes_left == 0 {
        return;
    }
    *nodes_left -= 1;
    for pair in objects::array(document, node, b"Nums").unwrap_or_default().chunks_exact(2) {
        let first = objects::as_number(objects::resolve(document, &pair[0]));
        let range = objects::as_dictionary(objects::resolve(document, &pair[1]));
        if let (Some(first), Some(range)) = (first, range) {
            let prefix = objects::entry(document, range, b"P").and_then(|prefix| prefix.as_str().ok());
            let prefix = strings::one_line(&strings::text_string(prefix.unwrap_or_default()));
            let style = objects::name(document, range, b"S").and_then(|style| style.first().copied());
            let start = objects::number(document, range, b"St").unwrap_or(1.0) as u32;
            ranges.insert(first as u32, Range { prefix: prefix.chars().take(50).collect(), style, start });
        }
    }
    for kid in objects::array(document, node, b"Kids").unwrap_or_default() {
        if let Some(kid) = objects::as_dictionary(objects::resolve(document, kid)) {
            collect(document, kid, depth_left - 1, nodes_left, ranges);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_every_style() {
        assert_eq!([roman(4), roman(1994), roman(4000)], ["IV", "MCMXCIV", "4000"]);
        assert_eq!([letters(1), letters(26), letters(28)], ["A", "Z", "BB"]);
    }
}
