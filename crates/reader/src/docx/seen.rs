//! What a reader of a document should know of its text: changes that nobody has accepted, what is not seen on its pages,
//! pictures. Knows no element but who changed something.

use super::revision::Marks;
use crate::office::xml::Element;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use std::collections::BTreeSet;

/// Authors that are named, and characters of each name.
const AUTHORS: usize = 5;
const OF_NAME: usize = 60;

/// Counted while the parts are read.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) marks: Marks,
    pub(super) pictures: u32,
    /// Characters that are not seen.
    hidden: u64,
    authors: BTreeSet<String>,
    more_authors: bool,
    days: Option<(String, String)>,
}

impl Seen {
    /// Notes who changed something, and when.
    pub(super) fn author(&mut self, element: &Element<'_>) {
        let name: String = element.attribute("author").unwrap_or_default().chars().take(OF_NAME).collect();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if !name.is_empty() && !self.authors.contains(&name) {
            self.more_authors |= self.authors.len() >= AUTHORS;
            self.authors.extend((self.authors.len() < AUTHORS).then_some(name));
        }
        let Some(day) = element.attribute("date").as_deref().and_then(day) else { return };
        let (first, last) = self.days.take().unwrap_or_else(|| (day.clone(), day.clone()));
        self.days = Some((first.min(day.clone()), last.max(day)));
    }

    /// Counts text that is left out because nobody sees it.
    pub(super) fn hide(&mut self, text: &str) {
        self.hidden += text.chars().filter(|character| !character.is_whitespace()).count() as u64;
    }

    pub(super) fn warnings(&self) -> Vec<Warning> {
        let warning = |code, detail| Warning { code, page: None, detail };
        let mut warnings = Vec::new();
        let Marks { inserted, deleted, moved } = self.marks;
        if !self.marks.is_empty() {
            let detail = format!(
                "the file has tracked changes that nobody has accepted or rejected{}: {inserted} insertions, {deleted} \
                 deletions and {moved} ends of moves are marked in the text",
                self.who()
            );
            warnings.push(warning(WarningCode::TrackedChanges, detail));
        }
        if self.hidden > 0 {
            let detail = format!(
                "{} characters are hidden, or white on white, and are not part of the text",
                self.hidden
            );
            warnings.push(warning(WarningCode::HiddenText, detail));
        }
        if self.pictures > 0 {
            let detail = format!("{} pictures are not read; text in them cannot be found", self.pictures);
            warnings.push(warning(WarningCode::PicturesNotRead, detail));
        }
        warnings
    }

    /// ` (by Ada and others, 2026-05-01 to 2026-05-04)`.
    fn who(&self) -> String {
        let names = self.authors.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let by = match (names.as_str(), self.more_authors) {
            ("", _) => None,
            (names, true) => Some(format!("by {names} and others")),
            (names, false) => Some(format!("by {names}")),
        };
        let when = self
            .days
            .as_ref()
            .map(|(first, last)| if first == last { first.clone() } else { format!("{first} to {last}") });
        let told: Vec<String> = by.into_iter().chain(when).collect();
        if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
    }
}

/// The day of a time such as `2026-05-01T10:00:00Z`.
fn day(time: &str) -> Option<String> {
    let day = time.get(..10)?;
    let is_day = day
        .bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    is_day.then(|| day.to_owned())
}
