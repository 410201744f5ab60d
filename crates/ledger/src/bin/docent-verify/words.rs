//! What is said of an export, for a reader who knows contracts and not hashes. Knows no file.

use crate::Verdict;
use ledger::export::Flaw;
use ledger::export::Outcome;
use ledger::export::Report;
use ledger::export::Scope;
use ledger::export::pairs::RECENT;
use ledger::export::report::Gap;
use ledger::record::written_id;
use ledger::record::written_time;

/// What the program knows beside the export.
pub(crate) struct Circumstances<'a> {
    pub(crate) name: &'a str,
    pub(crate) own_key: bool,
    pub(crate) witnesses_asked: bool,
    pub(crate) holds_some: bool,
}

/// Clocks of several machines differ by less.
const CLOCK_US: i64 = 60 * 1_000_000;
/// Open intents that are named.
const MAX_NAMED: usize = 5;

/// Words and verdict.
pub(crate) fn of(outcome: &Outcome, circumstances: &Circumstances<'_>) -> (String, Verdict) {
    let Outcome { report, flaw } = outcome;
    let gaps = report.gaps();
    let verdict = match (flaw, gaps.is_empty() && !circumstances.own_key) {
        (Some(_), _) => Verdict::Broken,
        (None, false) => Verdict::Incomplete,
        (None, true) => Verdict::Holds,
    };
    let name = circumstances.name;
    let mut lines = vec![match verdict {
        Verdict::Holds => format!("EVERYTHING THAT WAS CHECKED IN `{name}` HOLDS."),
        Verdict::Incomplete => format!("WHAT IS IN `{name}` HOLDS, BUT IT IS NOT ALL THAT YOU HAVE TO KNOW."),
        Verdict::Broken => format!("`{name}` DOES NOT HOLD."),
    }];
    if circumstances.own_key {
        lines.push(own_key().to_owned());
    }
    lines.extend(flaw.iter().map(|flaw| broken(flaw, report)));
    lines.push(about(report));
    if flaw.is_none() && !gaps.is_empty() {
        lines.push(section("What is not complete", gaps.iter().map(|&gap| incomplete(gap))));
    }
    let until = if flaw.is_some() { "What was checked before that, and holds" } else { "What was checked" };
    lines.push(section(until, checked(report)));
    lines.push(section("What was not checked", not_checked(report, circumstances)));
    (lines.join("\n\n"), verdict)
}

const fn own_key() -> &'static str {
    "  !!  THE KEY CAME FROM THE EXPORT ITSELF. Whoever made the export could have made a key for it, and every record\n  \
     !!  too. This run shows damage and mistakes; it does NOT show that nobody deceives you. Get the log's key from\n  \
     !!  somebody else and run again with --key."
}

fn broken(flaw: &Flaw, report: &Report) -> String {
    let record = match (flaw.position, flaw.event) {
        (Some(position), Some(id)) => {
            format!("First bad record: {} (id {})", number(position), written_id(id))
        }
        (Some(position), None) => format!("First bad record: {}", number(position)),
        (None, _) if report.records > 0 => format!("After record {}", number(report.next - 1)),
        (None, _) => "Before the first record".to_owned(),
    };
    let line = number(report.lines + 1);
    format!("  {record}\n  {}.\n  Line {line} of the export. Nothing after it was checked.", flaw.problem)
}

fn about(report: &Report) -> String {
    let mut lines = vec![format!("  Log       {}", report.origin)];
    let next = report.next.saturating_sub(1);
    lines.push(match (report.scope, report.records) {
        (_, 0) => "  Records   none".to_owned(),
        (Some(Scope::Selection), count) => format!("  Records   {} that somebody chose", number(count)),
        (Some(Scope::Range) | None, count) => {
            format!("  Records   {} to {} ({} in all)", number(report.first), number(next), number(count))
        }
    });
    if let Some((earliest, latest)) = report.times_us {
        lines.push(format!(
            "  Recorded  {} to {} (as the log says)",
            written_time(earliest),
            written_time(latest)
        ));
    }
    if let Some(about) = &report.about {
        // whoever made the export wrote this: it must not draw on a terminal
        let plain: String = about.chars().filter(|character| !character.is_control()).take(300).collect();
        lines.push(format!("  Said of it, unproved: {plain}"));
    }
    lines.join("\n")
}

fn incomplete(gap: Gap) -> String {
    match gap {
        Gap::Selection => "It is a selection: it shows nothing about records that were left out.".to_owned(),
        Gap::BrokenOff => "It has no end line: it was cut off, or is still being written.".to_owned(),
        Gap::Unsigned(0) => "There is no checkpoint in it: nothing shows that it is the log's.".to_owned(),
        Gap::Unsigned(count) => {
            format!(
                "No checkpoint covers the last {} records: nothing proves that they are the log's.",
                number(count)
            )
        }
        Gap::Unwitnessed(count) => format!(
            "The last {} records are signed by the log, but not yet by as many witnesses as your policy asks for.",
            number(count)
        ),
        Gap::Overdue(count) => format!(
            "{} questions or searches had no outcome an hour after they were announced.",
            number(count)
        ),
        Gap::HeldUnused(count) => format!(
            "{} of your checkpoints could not be compared: they are older than this export, or it is a selection.",
            number(count)
        ),
    }
}

fn checked(report: &Report) -> Vec<String> {
    if report.records == 0 && report.checkpoints == 0 {
        return vec!["Nothing.".to_owned()];
    }
    let range = report.scope != Some(Scope::Selection);
    let mut lines = vec![format!(
        "Each record's text has the fingerprint that belongs to it, and is a whole record ({}).",
        number(report.records)
    )];
    if range {
        lines.push(
            "Every position has its record: none is missing, added or moved between the first and the last."
                .into(),
        );
        lines.push(format!(
            "Each of {} checkpoints is signed by the log and speaks of exactly the records before it; so any two of them \
             agree, and each later state of the log goes on from each earlier one.",
            number(report.checkpoints)
        ));
        lines.push(format!(
            "Each outcome ({}) belongs to one question or search that was announced before ({}) and had none yet.",
            number(report.outcomes),
            number(report.intents)
        ));
    } else {
        lines.push("Each record stands in the log where the export says, under the signed checkpoint at its beginning.".into());
    }
    if report.disclosed > 0 {
        lines.push(format!(
            "Content that is shown is what was recorded ({} records).",
            number(report.disclosed)
        ));
    }
    if report.held > 0 {
        lines.push(format!("The records agree with {} checkpoints that you hold.", number(report.held)));
    }
    for cosigned in &report.cosigned {
        let at = written_time(i64::try_from(cosigned.time).unwrap_or(0).saturating_mul(1_000_000));
        lines.push(format!("The witness `{}` saw the log's state at {at}.", cosigned.witness));
    }
    lines
}

fn not_checked(report: &Report, circumstances: &Circumstances<'_>) -> Vec<String> {
    let range = report.scope != Some(Scope::Selection);
    let mut lines = Vec::new();
    if report.undisclosed > 0 {
        lines.push(format!(
            "Content of {} records: it is not in the export (withheld, or erased since). The fingerprints of it are.",
            number(report.undisclosed)
        ));
    }
    if range && report.first > 0 {
        lines.push(format!(
            "The {} records before the first one here{}.",
            number(report.first),
            if report.earlier > 0 {
                format!("; {} outcomes belong to questions or searches among them", number(report.earlier))
            } else {
                String::new()
            }
        ));
    }
    if range && !circumstances.holds_some {
        lines.push(
            "Whether the log goes on after this, or was cut off: give a checkpoint that you hold (--checkpoint).".into(),
        );
    }
    if !circumstances.witnesses_asked {
        lines.push(
            "Whether the log showed others another history: you ask for no witness. Only whoever holds the log's key could \
             have made two."
                .into(),
        );
    }
    lines.extend(still_open(report));
    lines.extend(clock(report));
    if range {
        lines.push(format!(
            "Whether an id comes again more than {} records later; repetitions within that are seen.",
            number(RECENT as u64)
        ));
    }
    lines.push(
        "Whether what the records say is true: the log proves what was written and that it was not changed since.".into(),
    );
    lines
}

fn still_open(report: &Report) -> Option<String> {
    let named: Vec<String> = report.open.iter().take(MAX_NAMED).map(|open| number(open.position)).collect();
    (report.scope == Some(Scope::Range) && !named.is_empty()).then(|| {
        format!(
            "How {} questions or searches ended that were open at the end: records {}{}.",
            number(report.open_count),
            named.join(", "),
            if report.open_count > MAX_NAMED as u64 { " and others" } else { "" }
        )
    })
}

fn clock(report: &Report) -> Option<String> {
    let (position, back_us) = report.back.filter(|&(_, back_us)| back_us > CLOCK_US)?;
    Some(format!(
        "The log's clock: before record {} it goes back by {} seconds.",
        number(position),
        number(back_us.unsigned_abs() / 1_000_000)
    ))
}

/// A heading with points below, broken at the words.
fn section(heading: &str, points: impl IntoIterator<Item = String>) -> String {
    const WIDTH: usize = 100;
    let mut text = heading.to_owned();
    for point in points {
        let mut column = WIDTH;
        for (at, word) in point.split(' ').enumerate() {
            let bullet = if at == 0 { "\n  - " } else { "\n    " };
            if column + 1 + word.chars().count() > WIDTH || at == 0 {
                text.push_str(bullet);
                column = 4;
            } else {
                text.push(' ');
                column += 1;
            }
            text.push_str(word);
            column += word.chars().count();
        }
    }
    text
}

/// With a comma between thousands.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).expect("digits and commas")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
