//! Number formats (ISO/IEC 29500-1, 18.8.30 and 18.8.31): from a number to what the cell shows. A format that is not
//! understood shows the number itself; a date is written as ISO 8601 does. Knows no cell.

use super::date;
use super::date::Parts;
use super::date::Until;
use super::decimal::Decimal;
use super::section::Section;

/// A longer code is not honest.
const MAX_CODE: usize = 255;
/// Numbers from 10 to this power on are written with an exponent.
const PLAIN_UP_TO: i32 = 20;

/// How the numbers of a cell are shown.
#[derive(Debug, Default)]
pub(super) enum Format {
    /// As they are.
    #[default]
    General,
    Date(Parts),
    /// One section for all numbers, or one each for positive, negative and zero.
    Number(Vec<Section>),
}

impl Format {
    /// Reads a code such as `#,##0.00;[Red]-0`.
    pub(super) fn new(code: &str) -> Self {
        if code.len() > MAX_CODE {
            return Format::General;
        }
        let sections = sections(code);
        let first = sections.first().copied().unwrap_or_default();
        if let Some(parts) = parts_of_date(first) {
            return Format::Date(parts);
        }
        // One section that is not understood makes the whole doubtful: which one applies may be a condition.
        let numbers: Option<Vec<Section>> = sections.iter().take(3).map(|code| Section::new(code)).collect();
        numbers.map_or(Format::General, Format::Number)
    }

    /// Shows a number.
    pub(super) fn show(&self, number: f64, from_1904: bool) -> String {
        let shown = match self {
            Format::General => None,
            Format::Date(parts) => date::write(number, from_1904, *parts),
            Format::Number(sections) => match &sections[..] {
                [first, negative, ..] if number < 0.0 => Some(negative_of(first, negative, number.abs())),
                [_, _, zero] if number == 0.0 => Some(zero.show(0.0)),
                [first, ..] => Some(first.show(number)),
                [] => None,
            },
        };
        // An empty format hides the number on the screen; here nothing is hidden.
        shown.filter(|shown| !shown.is_empty()).unwrap_or_else(|| plain(number))
    }
}

/// A number below zero by a section of its own. Where nothing but a colour tells it from a positive one it gets a sign, for
/// text has no colour.
fn negative_of(first: &Section, negative: &Section, number: f64) -> String {
    let shown = negative.show(number);
    let is_zero = !shown.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if !is_zero && shown == first.show(number) { format!("-{shown}") } else { shown }
}

/// A number without a format.
pub(super) fn plain(number: f64) -> String {
    let decimal = Decimal::new(number);
    let exponent = decimal.exponent();
    if !(-PLAIN_UP_TO..=PLAIN_UP_TO).contains(&exponent) {
        return format!("{number:e}");
    }
    let (sign, whole, fraction) = (if number < 0.0 { "-" } else { "" }, decimal.whole(), decimal.fraction());
    let whole = if whole.is_empty() { "0" } else { &whole };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The code of a format that files name by its number only.
pub(super) fn built_in(id: u32) -> Option<&'static str> {
    Some(match id {
        1 => "0",
        2 => "0.00",
        // The sign of a currency depends on the country there, and files that mean one write it.
        3 | 5 | 6 | 37 | 38 | 41 | 42 => "#,##0",
        4 | 7 | 8 | 39 | 40 | 43 | 44 => "#,##0.00",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => "hh:mm:ss",
        22 => "yyyy-mm-dd hh:mm",
        46 => "[h]:mm:ss",
        _ => return None,
    })
}

/// Cuts a code at its semicolons, those of quoted text aside.
fn sections(code: &str) -> Vec<&str> {
    let (mut sections, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in code.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' | '!' if !quoted => escaped = true,
            ';' if !quoted => {
                sections.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&code[start..]);
    sections
}

/// What a section shows of a moment; none where it is no date.
fn parts_of_date(section: &str) -> Option<Parts> {
    let lower = section.to_lowercase();
    if lower.contains("general") || lower.contains("通用格式") {
        return None;
    }
    let (mut year, mut month, mut day, mut parts) = (false, false, false, Parts::default());
    let mut rest = lower.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => drop(rest.by_ref().find(|character| *character == '"')),
            '\\' | '!' | '_' | '*' => drop(rest.next()),
            '[' => {
                let inner: String = rest.by_ref().take_while(|character| *character != ']').collect();
                let unit = inner.chars().next().filter(|unit| "hms".contains(*unit));
                parts.elapsed |= unit.is_some_and(|unit| inner.chars().all(|other| other == unit));
            }
            '#' | '?' | '%' => return None,
            // Zeros are fractions of a second there.
            '0' if !parts.clock && !parts.elapsed => return None,
            'y' => year = true,
            'd' => day = true,
            'h' | 's' => parts.clock = true,
            // Minutes beside hours and seconds, unless there are months already.
            'm' => month = true,
            _ => {}
        }
    }
    month &= year || day || !(parts.clock || parts.elapsed);
    parts.date = match (year, month, day) {
        (false, false, false) => None,
        (true, false, false) => Some(Until::Year),
        (true, true, false) => Some(Until::Month),
        (false, true, false) | (_, _, true) => Some(Until::Day),
    };
    (parts.date.is_some() || parts.clock || parts.elapsed).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, number: f64, expected: &str) {
        assert_eq!(Format::new(code).show(number, false), expected, "{code}");
    }

    #[test]
    fn numbers_are_shown_as_the_cell_shows_them() {
        check("General", 2400.0, "2400");
        check("General", 0.1 + 0.2, "0.3");
        check("General", -1.5, "-1.5");
        check("General", 1e30, "1e30");
        check("General", 0.0, "0");
        check("G/通用格式", 7.25, "7.25");
        check("0", 2.5, "3");
        check("0.00", 2.675, "2.68");
        check("0.00", 9.999, "10.00");
        check("0000", 42.0, "0042");
        check("#,##0.00", 1_234_567.891, "1,234,567.89");
        check("#,##0", -1234.0, "-1,234");
        check("0%", 0.25, "25%");
        check("0.00%", 0.0005, "0.05%");
        check("0.0#", 1.0, "1.0");
        check("#.##", 0.5, ".5");
        check("0.00E+00", 12_345.0, "1.23E+04");
        check("#,##0,", 1_234_567.0, "1,235");
        check("[$¥-804]#,##0.00", 8000.0, "¥8,000.00");
        check("\"$\"#,##0.00_);[Red](\"$\"#,##0.00)", -12.5, "($12.50)");
        check("0.00\"元\"", 3.0, "3.00元");
        check("#,##0\\ \"m²\"", 1200.0, "1,200 m²");
        check("_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * \"-\"??_ ;_ @_ ", 0.0, "-");
        check("_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * \"-\"??_ ;_ @_ ", -1234.5, "-1,234.50");
        check(built_in(44).unwrap_or_default(), 1234.567, "1,234.57");
        check("+0;-0;\"none\"", 0.0, "none");
        check("@", 12.0, "12");
        // On the screen only the colour says that it is negative.
        check("#,##0.00;[Red]#,##0.00", -1234.5, "-1,234.50");
        check("0;0", -0.2, "0");
        check("0;[Red]0\\ \"owed\"", -5.0, "5 owed");
    }

    #[test]
    fn dates_are_iso() {
        check("yyyy\\-mm\\-dd", 45_292.0, "2024-01-01");
        check("yyyy\"年\"m\"月\"d\"日\";@", 45_292.0, "2024-01-01");
        check("[$-409]d\\-mmm\\-yy;@", 45_292.0, "2024-01-01");
        check("yyyy\"年\"m\"月\"", 45_292.0, "2024-01");
        check("m/d/yy h:mm", 45_292.5, "2024-01-01 12:00");
        check("h:mm AM/PM", 0.75, "18:00");
        check("mm:ss.0", 0.5, "12:00");
        check("[h]:mm", 1.25, "30:00");
        check("yyyy-mm-dd", -5.0, "-5");
    }

    #[test]
    fn what_is_not_understood_or_hides_shows_the_number() {
        check("[DBNum2]General", 3.0, "3");
        check("[>=1000]0.0,\"k\";0", 1500.0, "1500");
        check("# ?/?", 0.5, "0.5");
        check("000-0000", 1_234_567.0, "1234567");
        check("0!.0,\"万\"", 12_345.0, "12345");
        check(";;;", 5.0, "5");
        check(&"0".repeat(300), 5.0, "5");
        check("\"", 5.0, "5");
        check("[", 5.0, "5");
    }
}
