//! Writes tables: each row is one line, `| Item | Price |`. Knows nothing of how they were found.

use super::PageTable;
use super::fragments::Spacing;
use super::fragments::is_cjk;
use super::frame::Frame;
use super::tables::Cell;
use super::tables::Table;
use super::write::Writer;
use crate::parsed::Span;
use std::collections::HashSet;

/// Repeated text may be so many times what the cells themselves hold, and a little for small tables.
const MAX_REPEATED: usize = 8;
const FREE_REPEATED: usize = 64 << 10;

impl Writer {
    /// Writes a table, set off from what stands around it.
    pub(super) fn table(&mut self, table: &Table, frame: &Frame, spacing: Spacing, marks: &HashSet<String>) {
        self.begin_table();
        let place = table.place;
        let rect = frame.to_page(place.u0, place.top, place.u1, place.bottom);
        let mut written = PageTable { rows: Vec::new(), header_rows: table.header_rows as u32, rect };
        let own: usize = table.cells.iter().map(Cell::glyph_count).sum();
        let mut left = MAX_REPEATED * own + FREE_REPEATED;
        let mut above: &[usize] = &[];
        for row in &table.rows {
            if !written.rows.is_empty() {
                self.push_str("\n");
            }
            let start = self.characters();
            for cell in row {
                self.push_str(if self.characters() == start { "| " } else { " | " });
                let glyphs = if above.contains(cell) { table.cells[*cell].glyph_count() } else { 0 };
                // What repeats far more than there is does not come from a person.
                if let Some(rest) = left.checked_sub(glyphs) {
                    left = rest;
                    self.cell(&table.cells[*cell], frame, spacing, marks);
                }
            }
            self.push_str(" |");
            written.rows.push(Span { start, end: self.characters() });
            above = row;
        }
        self.end_table(written);
    }

    /// Writes the lines of a cell one after the other, with a space between them unless both are Chinese.
    fn cell(&mut self, cell: &Cell, frame: &Frame, spacing: Spacing, marks: &HashSet<String>) {
        let mut previous: Option<char> = None;
        for line in &cell.lines {
            let pieces = || line.fragments.iter().flat_map(|fragment| &fragment.glyphs);
            let text = |piece: &super::fragments::Piece| &frame.glyphs[piece.glyph].text;
            if let (Some(last), Some(first)) = (previous, pieces().next().map(text)) {
                self.end_word(frame);
                if !(is_cjk(last) && is_cjk(first.first())) {
                    self.push_str(" ");
                }
            }
            self.row(line, frame, spacing, marks);
            previous = pieces().next_back().map(|piece| text(piece).last()).or(previous);
        }
        self.end_word(frame);
    }
}

impl Cell {
    fn glyph_count(&self) -> usize {
        self.lines.iter().flat_map(|line| &line.fragments).map(|fragment| fragment.glyphs.len()).sum()
    }
}
