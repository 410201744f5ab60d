//! The elements of a table in `WordprocessingML`. Knows no paragraph.

use super::revision::Change;
use super::styles::is_on;
use super::styles::is_shading;
use crate::office::xml::Element;
use crate::table::Names;
use crate::table::Table;

/// A table that is being read, and what its properties say of the text in it.
#[derive(Default)]
pub(super) struct Grid {
    pub(super) table: Table,
    /// Some ground in it may not be white: its style's, or a cell's.
    shaded: bool,
    /// Open `trPr` and `tcPr`.
    properties: usize,
    /// The first row looks another way than those below it.
    first_row: bool,
    rows: usize,
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
            if grid.first_row && grid.rows == 0 {
                grid.table.names_columns(Names::Perhaps);
            }
            grid.rows += 1;
            grid.row = None;
        }
        "tc" => {
            grid.table.begin_cell();
            grid.cell = None;
        }
        "gridSpan" => grid.table.span(element.number().unwrap_or(1)),
        "vMerge" => grid.table.merge(element.value().as_deref() == Some("restart")),
        "tblStyle" => grid.shaded = true,
        "tblLook" => grid.first_row = marks_first_row(element),
        "tblHeader" if grid.properties > 0 => {
            grid.table.names_columns(if is_on(element) { Names::Yes } else { Names::No });
        }
        "shd" => grid.shaded |= is_shading(element),
        "trPr" | "tcPr" => grid.properties += 1,
        "ins" if grid.properties > 0 => grid.row = Some(Change::Inserted),
        "del" if grid.properties > 0 => grid.row = Some(Change::Deleted),
        "cellIns" => grid.cell = Some(Change::Inserted),
        "cellDel" => grid.cell = Some(Change::Deleted),
        _ => {}
    }
}

/// Says whether a table's look sets its first row off (ISO/IEC 29500-1, 17.4.55; older files as a sum of bits).
fn marks_first_row(element: &Element<'_>) -> bool {
    if let Some(first_row) = element.attribute("firstRow") {
        return matches!(first_row.as_str(), "1" | "true" | "on");
    }
    let bits = element.value().and_then(|bits| u32::from_str_radix(&bits, 16).ok());
    bits.is_some_and(|bits| bits & 0x20 != 0)
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
