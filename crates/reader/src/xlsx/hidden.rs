//! Rows and columns that a spreadsheet does not show, marked where their lines name them: `3 (hidden) | Rent |` under
//! `# | A | B (hidden) |`. Knows no cell.

use super::sheet::position;
use std::collections::HashSet;

/// Marks the lines of a sheet; rows and columns count from 0.
pub(super) fn marked(lines: &str, rows: &HashSet<u32>, columns: &[(u32, u32)]) -> String {
    let is_hidden = |column: u32| columns.iter().any(|(first, last)| (*first..=*last).contains(&column));
    let line = |(at, line): (usize, &str)| {
        let Some((place, cells)) = line.split_once(" |") else { return line.to_owned() };
        if at == 0 {
            let names = cells.split('|').map(|name| match position(&format!("{}1", name.trim())) {
                Some((_, column)) if is_hidden(column) => format!("{name}(hidden) "),
                Some(_) | None => name.to_owned(),
            });
            return format!("{place} |{}", names.collect::<Vec<_>>().join("|"));
        }
        let row = place.parse::<u32>().ok().and_then(|number| number.checked_sub(1));
        let mark = if row.is_some_and(|row| rows.contains(&row)) { " (hidden)" } else { "" };
        format!("{place}{mark} |{cells}")
    };
    lines.split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_hidden_is_marked() {
        let lines = "# | A | B | AA |\n1 | Item | Price |\n3 | Rent | 24 (hidden) |  | x |";

        let marked = marked(lines, &HashSet::from([2]), &[(1, 1), (26, 99)]);

        assert_eq!(
            marked,
            "# | A | B (hidden) | AA (hidden) |\n1 | Item | Price |\n3 (hidden) | Rent | 24 (hidden) |  | x |"
        );
    }
}
