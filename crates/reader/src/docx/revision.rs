//! Text with its tracked changes marked where they stand: `due in [deleted: five] [inserted: ten] days`. Without what is
//! deleted or moved away, and without the words of the marks, it is the text as it would stand. A mark never goes over a
//! line, nor over white space at its ends. Knows no element.

/// What somebody did to a stretch of text that nobody has accepted or rejected yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Inserted,
    Deleted,
    /// The new place of moved text.
    MovedHere,
    /// Its old place.
    MovedAway,
}

impl Change {
    /// Says whether the text would not stand.
    pub(super) const fn is_gone(self) -> bool {
        matches!(self, Self::Deleted | Self::MovedAway)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Deleted => "deleted",
            Self::MovedHere => "moved here",
            Self::MovedAway => "moved away",
        }
    }
}

/// How many marks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) inserted: u32,
    pub(super) deleted: u32,
    /// Both places of what moved.
    pub(super) moved: u32,
}

impl Marks {
    pub(super) const fn is_empty(self) -> bool {
        self.inserted + self.deleted + self.moved == 0
    }

    const fn count(&mut self, change: Change) {
        match change {
            Change::Inserted => self.inserted += 1,
            Change::Deleted => self.deleted += 1,
            Change::MovedHere | Change::MovedAway => self.moved += 1,
        }
    }
}

/// A text piece by piece, each with what happened to it.
#[derive(Debug, Default)]
pub(super) struct Revised {
    pieces: Vec<(Option<Change>, String)>,
}

impl Revised {
    pub(super) fn push(&mut self, change: Option<Change>, text: &str) {
        match self.pieces.last_mut() {
            Some((last, before)) if *last == change => before.push_str(text),
            _ => self.pieces.push((change, text.to_owned())),
        }
    }

    /// Puts another text behind this one.
    pub(super) fn append(&mut self, other: Self) {
        for (change, text) in other.pieces {
            self.push(change, &text);
        }
    }

    /// Says whether nothing can be seen of it, changes included.
    pub(super) fn is_blank(&self) -> bool {
        self.pieces.iter().all(|(_, text)| text.trim().is_empty())
    }

    /// Says whether something would stand.
    pub(super) fn stands(&self) -> bool {
        let gone = |change: &Option<Change>| change.is_some_and(Change::is_gone);
        self.pieces.iter().any(|(change, text)| !gone(change) && !text.trim().is_empty())
    }

    /// The text as it would stand.
    pub(super) fn standing(&self) -> String {
        let gone = |change: &Option<Change>| change.is_some_and(Change::is_gone);
        self.pieces.iter().filter(|(change, _)| !gone(change)).map(|(_, text)| text.as_str()).collect()
    }

    /// The text with its marks.
    pub(super) fn written(&self, marks: &mut Marks) -> String {
        let mut written = String::new();
        for (change, text) in &self.pieces {
            match change {
                None => written.push_str(text),
                // A line within it would look like one of the text.
                Some(change) if change.is_gone() => {
                    mark(*change, &text.replace('\n', " "), marks, &mut written);
                }
                Some(change) => {
                    for line in text.split_inclusive('\n') {
                        mark(*change, line, marks, &mut written);
                    }
                }
            }
        }
        written.trim().to_owned()
    }
}

fn mark(change: Change, text: &str, marks: &mut Marks, written: &mut String) {
    let words = text.trim();
    if words.is_empty() {
        return written.push_str(if change.is_gone() { "" } else { text });
    }
    marks.count(change);
    let begin = text.len() - text.trim_start().len();
    let end = begin + words.len();
    written.extend([&text[..begin], "[", change.word(), ": ", &paired(words), "]", &text[end..]]);
}

/// Brackets that do not pair would end a mark at the wrong place: then they are written `⟦` and `⟧`.
fn paired(words: &str) -> String {
    let mut depth = 0_i32;
    let pairs = words.chars().all(|character| {
        depth += i32::from(character == '[') - i32::from(character == ']');
        depth >= 0
    });
    if pairs && depth == 0 { words.to_owned() } else { words.replace('[', "⟦").replace(']', "⟧") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[(Option<Change>, &str)], written: &str, standing: &str) {
        let mut revised = Revised::default();
        for (change, text) in pieces {
            revised.push(*change, text);
        }

        assert_eq!(revised.written(&mut Marks::default()), written);
        assert_eq!(revised.standing(), standing);
    }

    #[test]
    fn changes_are_marked_where_they_stand() {
        use Change::Deleted;
        use Change::Inserted;
        use Change::MovedAway;
        use Change::MovedHere;

        check(
            &[(None, "due in "), (Some(Deleted), "five"), (Some(Inserted), "ten"), (None, " days")],
            "due in [deleted: five][inserted: ten] days",
            "due in ten days",
        );
        check(
            &[(None, "租金"), (Some(Inserted), "为"), (Some(Inserted), "五千"), (None, "元")],
            "租金[inserted: 为五千]元",
            "租金为五千元",
        );
        check(
            &[(Some(MovedAway), "One. "), (None, "Two. "), (Some(MovedHere), "One.")],
            "[moved away: One.] Two. [moved here: One.]",
            "Two. One.",
        );
        check(&[(None, "a"), (Some(Inserted), " "), (None, "b"), (Some(Deleted), " ")], "a b", "a b");
    }

    #[test]
    fn a_mark_ends_where_its_words_do() {
        use Change::Deleted;
        use Change::Inserted;

        check(
            &[(Some(Inserted), "1. one\n2. two")],
            "[inserted: 1. one]\n[inserted: 2. two]",
            "1. one\n2. two",
        );
        check(&[(Some(Deleted), "1. one\n2. two")], "[deleted: 1. one 2. two]", "");
        check(
            &[(Some(Deleted), "["), (None, "5%"), (Some(Deleted), "]"), (Some(Inserted), "[a]")],
            "[deleted: ⟦]5%[deleted: ⟧][inserted: [a]]",
            "5%[a]",
        );
    }
}
