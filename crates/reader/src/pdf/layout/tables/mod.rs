//! Tables on a page: those that rules divide into cells, and those whose rows stand in columns with clear gutters.
//!
//! Ruled tables are found among the fragments, before the reading order: each leaves a place-holder on every one of its
//! baselines, as wide as the table, so that the order is found as if it were text. Tables without rules are found in
//! the order, where running text in columns has been told apart. When in doubt it is no table.
//! Knows no PDF objects and writes no text.

mod accept;
mod aligned;
mod cells;
mod contents;
mod enumerators;
mod grid;
mod header;
mod labels;
mod lines;
mod listing;
mod ruled;
mod stretch;

use super::columns::Flow;
use super::columns::Row;
use super::columns::rows;
use super::fragments::Fragment;
use super::frame::Frame;
use crate::pdf::rules::Rules;
pub(super) use cells::text;
pub(super) use enumerators::enumerates;
use lines::Lines;

/// A table in its frame.
pub(super) struct Table {
    /// Each cell once.
    pub(super) cells: Vec<Cell>,
    /// Indexes of cells from left to right; a cell that covers several rows comes in each.
    pub(super) rows: Vec<Vec<usize>>,
    pub(super) header_rows: usize,
    /// Left, top, right and bottom.
    pub(super) place: Place,
}

/// A box in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) u0: f32,
    pub(super) top: f32,
    pub(super) u1: f32,
    pub(super) bottom: f32,
}

/// What stands in a cell, line by line.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) lines: Vec<Row>,
}

/// What is written in one go.
pub(super) enum Block {
    Lines(Vec<Row>),
    Table(Table),
}

/// The tables of a frame.
pub(super) struct Tables {
    lines: Lines,
    /// Those with rules, until they have been put in their place.
    ruled: Vec<Option<Table>>,
}

impl Tables {
    /// Takes tables with rules out of the fragments, and leaves place-holders for them.
    pub(super) fn take(fragments: Vec<Fragment>, frame: &Frame, rules: &Rules) -> (Vec<Fragment>, Self) {
        let lines = Lines::of(rules, frame);
        let (mut fragments, tables) = ruled::find(fragments, frame, &lines);
        for (index, table) in tables.iter().enumerate() {
            fragments.extend(table.place_holders(index));
        }
        (fragments, Self { lines, ruled: tables.into_iter().map(Some).collect() })
    }

    /// Puts the tables of a flow between its lines: each stands where its top does.
    pub(super) fn blocks(&mut self, mut flow: Flow, frame: &Frame) -> Vec<Block> {
        labels::take(&mut flow, &mut self.ruled, frame);
        let (mut blocks, mut lines) = (Vec::new(), Vec::new());
        for mut row in flow {
            let (held, beside): (Vec<Fragment>, Vec<Fragment>) =
                row.fragments.into_iter().partition(|fragment| fragment.table.is_some());
            for table in held.iter().filter_map(|fragment| self.ruled[fragment.table?].take()) {
                blocks.extend(aligned::blocks(std::mem::take(&mut lines), frame, &self.lines));
                blocks.push(Block::Table(table));
            }
            if !beside.is_empty() {
                row.fragments = beside;
                lines.push(row);
            }
        }
        blocks.extend(aligned::blocks(lines, frame, &self.lines));
        blocks
    }
}

impl Table {
    /// One fragment for each baseline, from the left edge to the right.
    fn place_holders(&self, index: usize) -> impl Iterator<Item = Fragment> {
        let fragments = self
            .cells
            .iter()
            .flat_map(|cell| &cell.lines)
            .flat_map(|line| &line.fragments)
            .cloned()
            .collect();
        let Place { u0, u1, .. } = self.place;
        rows(fragments).into_iter().map(move |row| Fragment {
            glyphs: row.fragments.into_iter().flat_map(|fragment| fragment.glyphs).collect(),
            u0,
            u1,
            v: row.v,
            size: row.size,
            table: Some(index),
        })
    }
}

impl Place {
    fn holds(&self, u: f32, v: f32) -> bool {
        (self.u0..=self.u1).contains(&u) && (self.top..=self.bottom).contains(&v)
    }
}

#[cfg(test)]
mod tests;
