//! The workbook: its sheets in the order of their tabs. Knows no cell.

use crate::error::ReadError;
use crate::manuscript::check_pages;
use crate::office::package::Package;
use crate::office::relationships::Relationships;
use crate::office::xml::Node;
use crate::office::xml::walk;
use crate::options::ReadOptions;

/// What of a workbook its sheets need.
#[derive(Default)]
pub(super) struct Workbook {
    pub(super) sheets: Vec<Tab>,
    /// Days are counted from 1904.
    pub(super) from_1904: bool,
    pub(super) strings: Option<String>,
    pub(super) styles: Option<String>,
    /// Sheets that are a chart or a dialogue.
    pub(super) other_sheets: u32,
}

/// A sheet with cells.
pub(super) struct Tab {
    pub(super) name: String,
    /// The part that holds the cells.
    pub(super) part: String,
    pub(super) hidden: bool,
}

/// Reads the main part.
pub(super) fn read(
    package: &mut Package<'_>,
    main: &str,
    options: &ReadOptions,
) -> Result<Workbook, ReadError> {
    let part = package.part(main)?.ok_or_else(|| ReadError::Damaged { detail: format!("no `{main}`") })?;
    let relationships = Relationships::of(package, main)?;
    let of_kind = |kind: &str| relationships.of_kind(kind).map(str::to_owned);
    let mut workbook =
        Workbook { strings: of_kind("sharedStrings"), styles: of_kind("styles"), ..Workbook::default() };
    walk(&part, &mut |node| {
        let Node::Open(element) = node else { return Ok(()) };
        match element.name.as_str() {
            "workbookPr" => {
                let from_1904 = element.attribute("date1904");
                workbook.from_1904 |= from_1904.is_some_and(|value| value == "1" || value == "true");
            }
            "sheet" => {
                // The sheet's own number is `sheetId`; `id` is that of the relationship.
                let id = element.attribute("id").unwrap_or_default();
                match (relationships.kind(&id), relationships.target(&id)) {
                    (Some("worksheet"), Some(part)) => workbook.sheets.push(Tab {
                        name: element.attribute("name").unwrap_or_default(),
                        part: part.to_owned(),
                        hidden: element.attribute("state").is_some_and(|state| state != "visible"),
                    }),
                    _ => workbook.other_sheets += 1,
                }
            }
            _ => {}
        }
        check_pages(workbook.sheets.len(), options)
    })?;
    Ok(workbook)
}
