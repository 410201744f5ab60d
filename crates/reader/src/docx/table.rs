//! The elements of a table in `WordprocessingML`. Knows no paragraph.

use super::revision::Change;
use super::styles::is_shading;
use crate::office::xml::Element;
use crate::table::Table;

/// A table that is being read, and what its properties say of the text in it.
#[derive(Default)]
pub(super) struct Grid {
    pub(super) table: Table,
    /// Some ground in it may not be white: its style's, or a cell's.
    shaded: bool,
    /// Open `trPr` and `tcPr`.
    properties: usize,
    row: Option<Change>,
    cell: Option<Change>,
}

impl Grid {
    pub(super) const fn in_properties(&self) -> bool {
        self.properties > 0
    }

    pub(super) const fn is_shaded(&self) -> bool {
        self.shaded
    }

    /// What happened to the row or the cell as a whole.
    pub(super) fn change(&self) -> Option<Change> {
        let gone = self.row.filter(|change| change.is_gone());
        gone.or(self.cell).or(self.row)
    }
}

pub(super) fn open(grid: &mut Grid, element: &Element<'_>) {
    match element.name.as_str() {
        "tr" => {
            grid.table.begin_row();
            grid.row = None;
        }
        "tc" => {
            grid.table.begin_cell();
            grid.cell = None;
        }
        "gridSpan" => grid.table.span(element.number().unwrap_or(1)),
        "vMerge" => grid.table.merge(element.value().as_deref() == Some("restart")),
        "tblStyle" => grid.shaded = true,
        "shd" => grid.shaded |= is_shading(element),
        "trPr" | "tcPr" => grid.properties += 1,
        "ins" if grid.properties > 0 => grid.row = Some(Change::Inserted),
        "del" if grid.properties > 0 => grid.row = Some(Change::Deleted),
        "cellIns" => grid.cell = Some(Change::Inserted),
        "cellDel" => grid.cell = Some(Change::Deleted),
        _ => {}
    }
}

pub(super) fn close(grid: &mut Grid, name: &str) {
    match name {
        "tc" => {
            grid.table.end_cell();
            grid.cell = None;
        }
        "tr" => {
            grid.table.end_row();
            grid.row = None;
        }
        "trPr" | "tcPr" => grid.properties = grid.properties.saturating_sub(1),
        _ => {}
    }
}
