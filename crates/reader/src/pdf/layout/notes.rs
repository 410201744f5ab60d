//! Footnotes: rows of small print at the foot of a column that begin with a mark which stands, raised, in the text above.
//! Knows no characters' meaning.

use super::columns::Flow;
use super::columns::Row;
use super::frame::Frame;
use super::raised;
use std::collections::HashSet;

/// Small print is at most this much as large as the text.
const SMALL: f32 = 0.93;
/// Under footnotes may stand so many rows of at most so many glyphs: the number of the page.
const MAX_ROWS_UNDER: usize = 2;
const MAX_GLYPHS_UNDER: usize = 12;

/// The flows of a page with its footnotes apart.
pub(super) struct Parts {
    pub(super) flows: Vec<Flow>,
    pub(super) notes: Vec<Flow>,
    /// Marks of the notes.
    pub(super) marks: HashSet<String>,
}

/// Takes the footnotes out of the flows of a page.
pub(super) fn set_apart(mut flows: Vec<Flow>, frame: &Frame) -> Parts {
    let (mut notes, mut marks) = (Vec::new(), HashSet::new());
    let usual = usual_size(&flows, frame);
    let called: HashSet<String> = flows
        .iter()
        .flatten()
        .filter(|row| row.size > SMALL * usual)
        .flat_map(|row| raised::signs(row, frame, &marks))
        .filter(|sign| sign.first > 0)
        .map(|sign| sign.text)
        .collect();
    if !called.is_empty() {
        for flow in &mut flows {
            if let Some(rows) = foot(flow, frame, usual, &called) {
                marks.extend(flow[rows.clone()].iter().filter_map(|row| mark(row, frame)));
                notes.push(flow.drain(rows).collect());
            }
        }
        marks.retain(|mark| called.contains(mark));
        flows.retain(|flow| !flow.is_empty());
    }
    Parts { flows, notes, marks }
}

/// Returns the size that most glyphs' rows have.
fn usual_size(flows: &[Flow], frame: &Frame) -> f32 {
    let mut sizes: Vec<(f32, usize)> =
        flows.iter().flatten().map(|row| (row.size, raised::glyphs(row, frame).count())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: usize = sizes.iter().map(|(_, count)| count).sum();
    let mut passed = 0;
    let median = sizes.iter().find(|(_, count)| {
        passed += count;
        passed * 2 >= total
    });
    median.map_or(10.0, |(size, _)| *size)
}

/// Finds the rows of footnotes at the end of a flow, from the first that begins with a mark that is called.
fn foot(flow: &[Row], frame: &Frame, usual: f32, called: &HashSet<String>) -> Option<std::ops::Range<usize>> {
    let in_table = |row: &Row| row.fragments.iter().any(|fragment| fragment.table.is_some());
    let is_small = |row: &Row| row.size <= SMALL * usual && !in_table(row);
    let is_number = |row: &&Row| raised::glyphs(row, frame).count() <= MAX_GLYPHS_UNDER;
    let under = flow.iter().rev().take(MAX_ROWS_UNDER).take_while(is_number);
    let under = under.take_while(|row| mark(row, frame).is_none_or(|mark| !called.contains(&mark))).count();
    let ends = (0..=under).map(|under| flow.len() - under);
    // With the number of the page in small print it is among the rows; with it in large print they end above it.
    let end = ends.into_iter().find(|end| flow[..*end].last().is_some_and(is_small))?;
    let start = flow[..end].iter().rposition(|row| !is_small(row)).map_or(0, |large| large + 1);
    let begins = |row: &Row| mark(row, frame).is_some_and(|mark| called.contains(&mark));
    let first = start + flow[start..end].iter().position(begins)?;
    (first > 0).then_some(first..end)
}

/// Returns the mark that a row begins with: raised, or followed by a gap or a letter.
fn mark(row: &Row, frame: &Frame) -> Option<String> {
    let raised = raised::signs(row, frame, &HashSet::new()).into_iter().find(|sign| sign.first == 0);
    if let Some(sign) = raised {
        return Some(sign.text);
    }
    let mut text = String::new();
    for glyph in raised::glyphs(row, frame) {
        let with_next = text.clone() + &raised::text_of(glyph);
        // `2026 was` begins with no mark.
        if !raised::is_mark(&with_next) {
            break;
        }
        text = with_next;
    }
    (raised::is_mark(&text) && text.chars().count() <= 3).then_some(text)
}
