//! A date as a spreadsheet counts it, in days. Knows no cell.

/// The day after 9999-12-31, from which on nothing is a date.
const END: f64 = 2_958_466.0;
const SECONDS_A_DAY: i64 = 86_400;

/// What of a moment is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) date: Option<Until>,
    /// The time of the day.
    pub(super) clock: bool,
    /// Hours go on beyond a day: `[h]:mm`.
    pub(super) elapsed: bool,
}

/// The smallest unit of a date that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Year,
    Month,
    Day,
}

/// Writes a count of days as ISO 8601 does; none where it is no date.
pub(super) fn write(days: f64, from_1904: bool, parts: Parts) -> Option<String> {
    let days = if from_1904 && !parts.elapsed { days + 1462.0 } else { days };
    if !(0.0..END).contains(&days) {
        return None;
    }
    let seconds = (days * SECONDS_A_DAY as f64).round() as i64;
    if parts.elapsed {
        return Some(clock(seconds));
    }
    let (day, time) = (seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
    let (year, month, of_month) = civil(day);
    let date = parts.date.map(|until| match until {
        Until::Year => format!("{year:04}"),
        Until::Month => format!("{year:04}-{month:02}"),
        Until::Day => format!("{year:04}-{month:02}-{of_month:02}"),
    });
    Some(match date {
        Some(date) if parts.clock => format!("{date} {}", clock(time)),
        Some(date) => date,
        None => clock(time),
    })
}

/// Hours and minutes, and seconds where there are any.
fn clock(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let rest = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    format!("{hours:02}:{minutes:02}{rest}")
}

/// Year, month and day of a count of days. Day 60 is 29 February 1900, which never was: Lotus 1-2-3 had it, and every
/// spreadsheet since. After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    if day == 60 {
        return (1900, 2, 29);
    }
    // Day 0 is the last of 1899 before the false day, and one earlier after it; counted here from 0000-03-01.
    let days = day + 693_899 + i64::from(day < 60);
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Parts = Parts { date: Some(Until::Day), clock: false, elapsed: false };
    const CLOCK: Parts = Parts { date: None, clock: true, elapsed: false };

    fn check(days: f64, parts: Parts, expected: &str) {
        assert_eq!(write(days, false, parts).as_deref(), Some(expected));
    }

    #[test]
    fn days_are_dates() {
        check(1.0, DAY, "1900-01-01");
        check(59.0, DAY, "1900-02-28");
        check(60.0, DAY, "1900-02-29");
        check(61.0, DAY, "1900-03-01");
        check(45_292.0, DAY, "2024-01-01");
        check(45_351.0, DAY, "2024-02-29");
        check(2_958_465.0, DAY, "9999-12-31");
        check(45_292.5, Parts { clock: true, ..DAY }, "2024-01-01 12:00");
        check(45_292.999_999_9, Parts { clock: true, ..DAY }, "2024-01-02 00:00");
        check(45_292.0, Parts { date: Some(Until::Month), ..DAY }, "2024-01");
        check(0.062_511_574, CLOCK, "01:30:01");
        check(1.5, Parts { elapsed: true, ..CLOCK }, "36:00");
        assert_eq!(write(43_830.0, true, DAY).as_deref(), Some("2024-01-01"));
        assert_eq!(write(-1.0, false, DAY), None);
        assert_eq!(write(f64::NAN, false, DAY), None);
        assert_eq!(write(3e6, false, DAY), None);
    }
}
