//! The tables of pages as the tables of the document: one that goes on overleaf is one table, unless it has its header
//! again. Knows no lines and no glyphs.

use super::layout::PageTable;
use super::layout::PageText;
use crate::parsed::Rect;
use crate::parsed::Span;
use crate::parsed::Table;
use crate::parsed::Word;

/// The part of a page's height, at its top and at its bottom, whose lines do not come between.
const EDGE: f32 = 0.1;
/// How far the sides of a table, in points, may move from page to page.
const DRIFT: f32 = 4.0;
/// Rows of a header that are compared.
const MAX_HEADER: usize = 4;

/// The tables so far.
#[derive(Default)]
pub(super) struct Tables {
    tables: Vec<Table>,
    last: Option<Last>,
}

/// What is known of the last table.
struct Last {
    page: u32,
    rect: Rect,
    cells: usize,
    /// Its first rows.
    first: Vec<String>,
    /// Nothing but a foot follows it on its page.
    ends_page: bool,
}

impl Tables {
    /// Adds the tables of a page whose text begins at `start` and whose height is given in points.
    pub(super) fn add(&mut self, page: u32, text: &PageText, start: u32, height: f32) {
        if text.tables.is_empty() {
            return;
        }
        let characters: Vec<char> = text.text.chars().collect();
        for table in &text.tables {
            let row =
                |row: &Span| -> String { characters[row.start as usize..row.end as usize].iter().collect() };
            let first: Vec<String> = table.rows.iter().take(MAX_HEADER).map(row).collect();
            let cells = first.iter().map(|row| row.matches('|').count()).max().unwrap_or(0);
            let header = self.last.as_ref().map_or(0, |last| self.repeated(last, page, &first));
            if let Some(open) = self.tables.last_mut().filter(|open| open.header_rows == 0 && header > 0) {
                // What comes again overleaf names the columns on the page before too.
                open.header_rows = header as u32;
            }
            let header_rows =
                if header < table.rows.len() { header.max(table.header_rows as usize) } else { 0 };
            let goes_on = self.last.as_ref().is_some_and(|last| {
                let beside = (last.rect.x0 - table.rect.x0).abs() <= DRIFT
                    && (last.rect.x1 - table.rect.x1).abs() <= DRIFT;
                header_rows == 0
                    && last.ends_page
                    && last.page + 1 == page
                    && beside
                    && last.cells == cells
                    && begins_page(table, &text.words, height)
            });
            let rows = table.rows.iter().map(|row| Span { start: row.start + start, end: row.end + start });
            let ends_page = ends_page(table, &text.words, height);
            if let Some(open) = self.tables.last_mut().filter(|_| goes_on) {
                open.rows.extend(rows);
                if let Some(last) = &mut self.last {
                    (last.page, last.ends_page) = (page, ends_page);
                }
            } else {
                self.tables.push(Table { page, rows: rows.collect(), header_rows: header_rows as u32 });
                self.last = Some(Last { page, rect: table.rect, cells, first, ends_page });
            }
        }
    }

    /// How many of the first rows are those that the table on the page before begins with.
    fn repeated(&self, last: &Last, page: u32, first: &[String]) -> usize {
        let named = |row: &str| row.chars().any(char::is_alphabetic) && row.matches('|').count() > 2;
        let equal = last.first.iter().zip(first).take_while(|(one, two)| one == two && named(one)).count();
        let header = self.tables.last().map_or(0, |table| table.header_rows as usize);
        let whole = header == 0 || header <= equal;
        if last.page + 1 == page && whole && equal < first.len() {
            if header > 0 { header } else { equal }
        } else {
            0
        }
    }

    pub(super) fn finish(&mut self) -> Vec<Table> {
        std::mem::take(&mut self.tables)
    }
}

fn begins_page(table: &PageTable, words: &[Word], height: f32) -> bool {
    let start = table.rows.first().map_or(0, |row| row.start);
    words.iter().take_while(|word| word.span.start < start).all(|word| word.rect.y1 <= EDGE * height)
}

fn ends_page(table: &PageTable, words: &[Word], height: f32) -> bool {
    let end = table.rows.last().map_or(0, |row| row.end);
    let mut after = words.iter().rev().take_while(|word| word.span.start >= end);
    after.all(|word| word.rect.y0 >= (1.0 - EDGE) * height)
}
