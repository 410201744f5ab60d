//! Which tables hold data and which only place their content on the page, as those of most e-mails do. Knows no text.

use super::tree::Kind;
use super::tree::Node;
use std::collections::HashSet;

/// Finds the tables whose rows are to be written as rows: some row has several cells, and no cell holds a table or a
/// heading.
pub(super) fn data_tables(nodes: &[Node]) -> HashSet<usize> {
    let (mut several, mut placing) = (HashSet::new(), HashSet::new());
    for (at, node) in nodes.iter().enumerate() {
        let Kind::Element(element) = &node.kind else { continue };
        match &*element.name.local {
            "table" => {
                placing.extend(table_around(nodes, at));
                placing.extend(element.attribute("role").filter(|role| *role == "presentation").map(|_| at));
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => placing.extend(table_around(nodes, at)),
            "tr" if cells(nodes, node) > 1 => several.extend(table_around(nodes, at)),
            _ => {}
        }
    }
    several.difference(&placing).copied().collect()
}

/// Says whether a row names the columns below it: it is part of a `thead`, or all its cells are `th`.
pub(super) fn names_columns(nodes: &[Node], row: usize) -> bool {
    let in_head = nodes[row].parent.is_some_and(|above| is(&nodes[above], &["thead"]));
    let mut cells = nodes[row].children.iter().filter(|child| is(&nodes[**child], &["td", "th"])).peekable();
    in_head || (cells.peek().is_some() && cells.all(|cell| is(&nodes[*cell], &["th"])))
}

/// The innermost table that a node is in.
fn table_around(nodes: &[Node], at: usize) -> Option<usize> {
    let above = std::iter::successors(nodes[at].parent, |at| nodes[*at].parent);
    above.take(nodes.len()).find(|at| is(&nodes[*at], &["table"]))
}

fn cells(nodes: &[Node], row: &Node) -> usize {
    row.children.iter().filter(|child| is(&nodes[**child], &["td", "th"])).count()
}

fn is(node: &Node, names: &[&str]) -> bool {
    match &node.kind {
        Kind::Element(element) => names.contains(&&*element.name.local),
        Kind::Text(_) | Kind::Other => false,
    }
}
