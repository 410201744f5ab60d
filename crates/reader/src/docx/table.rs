//! The elements of a table in `WordprocessingML`. Knows no paragraph.

use crate::office::xml::Element;
use crate::table::Table;

pub(super) fn open(table: &mut Table, element: &Element<'_>) {
    match element.name.as_str() {
        "tr" => table.begin_row(),
        "tc" => table.begin_cell(),
        "gridSpan" => table.span(element.number().unwrap_or(1)),
        "vMerge" => table.merge(element.value().as_deref() == Some("restart")),
        _ => {}
    }
}

pub(super) fn close(table: &mut Table, name: &str) {
    match name {
        "tc" => table.end_cell(),
        "tr" => table.end_row(),
        _ => {}
    }
}
