//! Excel workbooks (ISO/IEC 29500-1, `SpreadsheetML`): a page a sheet, a line a row, each cell as it shows its value and
//! where its place can be told. Formulas are not computed: the value is the one that was saved. Knows no printed page.

mod beside;
mod date;
mod decimal;
mod format;
mod grid;
mod hidden;
mod section;
mod sheet;
mod strings;
mod styles;
mod workbook;

use crate::error::ReadError;
use crate::manuscript::Manuscript;
use crate::office::package::Package;
use crate::office::properties;
use crate::office::relationships;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Parsed;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use crate::table::Rows;
use crate::xlsx::grid::Lines;
use crate::xlsx::sheet::Budget;
use crate::xlsx::sheet::Parts;
use crate::xlsx::styles::Styles;
use crate::xlsx::workbook::Workbook;

/// Where the main part is when no relationship says.
const MAIN: &str = "xl/workbook.xml";
/// Cells with a value that a workbook may have.
const MAX_CELLS: usize = 2_000_000;

/// Reads a workbook as text, a page for each sheet that shows something.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let mut package = Package::open(bytes, options)?;
    let main = relationships::main_part(&mut package, MAIN)?;
    let workbook = workbook::read(&mut package, &main, options)?;
    let parts = parts(&mut package, &workbook)?;
    let title = properties::title(&mut package);
    let mut budget = Budget { cells: MAX_CELLS, text: options.max_characters.saturating_mul(4) };
    let (mut manuscript, mut warnings) = (Manuscript::new(options), Vec::new());
    let mut number = 0;
    for tab in &workbook.sheets {
        let part = package.part(&tab.part)?;
        let part = part.ok_or_else(|| ReadError::Damaged { detail: format!("no `{}`", tab.part) })?;
        let sheet = sheet::read(&part, &parts, &mut budget)?;
        drop(part);
        let (hidden, without_value) = (sheet.hidden, sheet.without_value);
        let lines = grid::lines(sheet.cells)?;
        let rows = lines.map(|Lines { text, names_columns }| {
            let text = hidden::marked(&text, &sheet.hidden_rows, &sheet.hidden_columns);
            let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
            // The letters of the columns, and perhaps names for them.
            let header_rows = if lines.len() > 2 { 1 + usize::from(names_columns) } else { 1 };
            Rows { lines, header_rows }
        });
        let beside = beside::read(&mut package, &tab.part)?;
        if rows.is_none() && beside.is_empty() && without_value == 0 {
            continue;
        }
        number += 1;
        manuscript.page(Some(tab.name.clone()));
        let name = format!("{}{}", tab.name.trim(), if tab.hidden { " (hidden sheet)" } else { "" });
        manuscript.block(&name, Some(1))?;
        manuscript.table(&rows.unwrap_or_default())?;
        for text in &beside {
            manuscript.block(text, None)?;
        }
        warnings.extend(of_sheet(number, &tab.name, tab.hidden, hidden, without_value));
    }
    if number == 0 {
        return Err(ReadError::Empty);
    }
    warnings.extend(not_read(&package, &workbook));
    manuscript.finish(Format::Xlsx, title, warnings)
}

fn parts(package: &mut Package<'_>, workbook: &Workbook) -> Result<Parts, ReadError> {
    let mut part = |name: &Option<String>| match name {
        Some(name) => package.part(name),
        None => Ok(None),
    };
    Ok(Parts {
        strings: part(&workbook.strings)?.map(|part| strings::read(&part)).transpose()?.unwrap_or_default(),
        styles: part(&workbook.styles)?.map(|part| Styles::read(&part)).transpose()?.unwrap_or_default(),
        from_1904: workbook.from_1904,
    })
}

fn of_sheet(page: u32, name: &str, is_hidden: bool, hidden_cells: u32, without_value: u32) -> Vec<Warning> {
    let warning = |code, detail| Warning { code, page: Some(page), detail };
    let mut warnings = Vec::new();
    if is_hidden {
        let detail = format!("the sheet `{name}` is hidden in the workbook and is part of the text");
        warnings.push(warning(WarningCode::HiddenText, detail));
    } else if hidden_cells > 0 {
        let detail =
            format!("{hidden_cells} cells in hidden rows or columns of `{name}` are part of the text");
        warnings.push(warning(WarningCode::HiddenText, detail));
    }
    if without_value > 0 {
        let detail = format!(
            "the file keeps no value for {without_value} cells of `{name}`; open it in a spreadsheet and save it again"
        );
        warnings.push(warning(WarningCode::PageIncomplete, detail));
    }
    warnings
}

/// What has no cells.
fn not_read(package: &Package<'_>, workbook: &Workbook) -> Option<Warning> {
    let pictures = package.count("xl/media/", "");
    let charts = package.count("xl/charts/chart", ".xml") + workbook.other_sheets;
    let detail =
        format!("{pictures} pictures and {charts} charts are not read; text in them cannot be found");
    (pictures + charts > 0).then_some(Warning { code: WarningCode::PicturesNotRead, page: None, detail })
}

#[cfg(test)]
mod tests;
