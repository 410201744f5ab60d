//! Pages of contents, which stand in columns as tables do. Knows no places.

use super::cells::page_number;

/// From entry to entry of a contents page it is usually not further than this, in pages.
const MAX_PAGE_STEP: u32 = 30;
/// A part of a work, or an annex, that counts its pages anew begins on one of the first,
const MAX_FIRST: u32 = 9;
/// comes once among so many entries,
const PER_RESTART: usize = 10;
/// and not in a shorter list: few numbers go up and down by chance.
const MIN_RESTARTED: usize = 5;
/// In a list as long as this, numbers do not stay in order by chance, however many titles stand on one page.
const MIN_LONG: usize = 8;

/// Says whether the last column counts pages upwards. Where many titles stand on one page, or lines make it look like
/// a table, the first column must number them.
pub(super) fn is_contents(first: &[String], last: &[String], ruled: bool) -> bool {
    let pages: Vec<u32> = last.iter().filter_map(|text| page_number(text)).collect();
    // Pages before the first and after the last have numbers of their own.
    let counted: Vec<u32> = pages.iter().copied().filter(|page| *page > 0).collect();
    let steps = counted.len().max(2) - 1;
    let rising = counted.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let numbered = 3 * first.iter().filter(|text| is_clause_number(text)).count() >= 2 * first.len();
    pages.len() + 1 >= last.len()
        && goes_up(&counted)
        && (numbered || !ruled && (2 * rising >= steps || counted.len() >= MIN_LONG && rising > 1))
        && usual_step(&counted) <= MAX_PAGE_STEP
}

/// Says whether numbers never go down, but where they begin anew.
fn goes_up(counted: &[u32]) -> bool {
    let descents = counted.windows(2).filter(|pair| pair[0] > pair[1]);
    let restarts = descents.clone().filter(|pair| pair[1] <= MAX_FIRST).count();
    let allowed = if counted.len() < MIN_RESTARTED { 0 } else { counted.len().div_ceil(PER_RESTART) };
    restarts == descents.count() && restarts <= allowed
}

/// The median step upwards: an annex in the middle may be long.
fn usual_step(counted: &[u32]) -> u32 {
    let mut steps: Vec<u32> = counted.windows(2).filter_map(|pair| pair[1].checked_sub(pair[0])).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(0)
}

/// `4.1`, `9.`, `Section5.1`, `ScheduleA`, `第三条`: begins the number of a clause or an annex.
fn is_clause_number(text: &str) -> bool {
    const WORDS: [&str; 10] =
        ["section", "article", "schedule", "exhibit", "appendix", "annex", "chapter", "part", "第", "附件"];
    let lower = text.to_lowercase();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    WORDS.iter().any(|word| lower.starts_with(word)) || digits > 0 && text[digits..].starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &[&str], last: &[&str], expected: bool) {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(is_contents(&owned(first), &owned(last), false), expected, "{first:?} {last:?}");
    }

    #[test]
    fn contents_may_begin_anew_and_have_long_parts() {
        check(&["a", "b", "c", "d"], &["3", "7", "12", "19"], true);
        check(&["Part 1", "1.", "2.", "Annex", "1."], &["3", "12", "45", "1", "5"], true);
        check(&["1.", "2.", "3.", "4."], &["1", "9", "18", "160"], true);
        check(&["1.", "2.", "3."], &["iv", "2", "5"], true);
        check(&["a"; 9], &["8", "8", "8", "8", "9", "9", "9", "9", "12"], true);
    }

    #[test]
    fn amounts_that_go_up_and_down_are_no_pages() {
        check(&["Flats", "Shops", "Lofts"], &["45", "1", "5"], false);
        check(&["a", "b", "c", "d", "e"], &["3", "45", "12", "19", "70"], false);
        check(&["a", "b", "c", "d"], &["100", "200", "300", "400"], false);
        check(&["a"; 9], &["1", "1", "1", "1", "1", "1", "1", "1", "1"], false);
        check(&["a"; 9], &["8", "9", "8", "8", "9", "9", "8", "8", "12"], false);
        check(&["Rent", "Water"], &["2,400", "3,000"], false);
    }
}
