//! Tracked changes as the text of a document marks them: `due in [deleted: five] [inserted: ten] days`. Knows no file
//! format.

use std::ops::Range;

/// What somebody did to a stretch of text that nobody has accepted or rejected yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionKind {
    /// Put in.
    Inserted,
    /// Struck out.
    Deleted,
    /// Put in here, struck out elsewhere.
    MovedHere,
    /// Struck out here, put in elsewhere.
    MovedAway,
}

impl RevisionKind {
    /// Says whether its words would not stand.
    pub const fn is_gone(self) -> bool {
        matches!(self, Self::Deleted | Self::MovedAway)
    }
}

/// One mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What happened.
    pub kind: RevisionKind,
    /// All of its characters.
    pub whole: Range<usize>,
    /// Those that the document itself has.
    pub words: Range<usize>,
}

/// What marks begin with.
const OPENINGS: [(&str, RevisionKind); 4] = [
    ("[inserted: ", RevisionKind::Inserted),
    ("[deleted: ", RevisionKind::Deleted),
    ("[moved here: ", RevisionKind::MovedHere),
    ("[moved away: ", RevisionKind::MovedAway),
];

/// Finds the marks of a text in order. A mark ends with the bracket that closes it, on its own line; one that does not end
/// there is none. Of a mark within a mark only the outer one counts.
pub fn revisions(text: &[char]) -> Vec<Revision> {
    // The brackets of the line that are open, and what a mark that begins there says.
    let mut open: Vec<(usize, Option<(RevisionKind, usize)>)> = Vec::new();
    let mut found: Vec<Revision> = Vec::new();
    for (at, character) in text.iter().enumerate() {
        match character {
            '\n' => open.clear(),
            '[' => open.push((at, opening(&text[at..]))),
            ']' => {
                if let Some((start, Some((kind, length)))) = open.pop() {
                    let inner = found.iter().rposition(|inner| inner.whole.start < start);
                    found.truncate(inner.map_or(0, |before| before + 1));
                    found.push(Revision { kind, whole: start..at + 1, words: start + length..at });
                }
            }
            _ => {}
        }
    }
    found
}

/// What the mark says that begins here, and how many characters its opening has; none if none begins.
fn opening(text: &[char]) -> Option<(RevisionKind, usize)> {
    OPENINGS.iter().find_map(|(opening, kind)| {
        let length = opening.len(); // ASCII
        let begins = text.len() >= length && opening.chars().eq(text[..length].iter().copied());
        begins.then_some((*kind, length))
    })
}

/// Which characters belong to the text as it would stand: none of the marks, and nothing that is deleted or moved away.
pub fn standing(text: &[char]) -> Vec<bool> {
    let mut stands = vec![true; text.len()];
    for revision in revisions(text) {
        stands[revision.whole].fill(false);
        if !revision.kind.is_gone() {
            stands[revision.words].fill(true);
        }
    }
    stands
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn as_it_would_stand(text: &str) -> String {
        let text: Vec<char> = text.chars().collect();
        text.iter()
            .zip(standing(&text))
            .filter(|(_, stands)| *stands)
            .map(|(character, _)| character)
            .collect()
    }

    #[test]
    fn the_text_as_it_would_stand_has_no_marks() {
        let check = |text: &str, expected: &str| assert_eq!(as_it_would_stand(text), expected);

        check("due in [deleted: five][inserted: ten] days", "due in ten days");
        check("[inserted: see [Annex 1] there].", "see [Annex 1] there.");
        check("[moved away: One.]Two.[moved here: One.]", "Two.One.");
        check(
            "[deleted: not closed\n] [x] [Ada: deleted: 5]",
            "[deleted: not closed\n] [x] [Ada: deleted: 5]",
        );
        check("[[deleted: 甲]乙", "[乙");
    }

    proptest! {
        #[test]
        fn marks_are_in_order_and_apart(text in "(\\[inserted: |\\[deleted: |\\]|\\[|a|\\n){0,40}") {
            let text: Vec<char> = text.chars().collect();
            let mut end = 0;
            for revision in revisions(&text) {
                prop_assert!(revision.whole.start >= end && revision.words.start > revision.whole.start);
                prop_assert!(revision.words.start <= revision.words.end);
                prop_assert_eq!(text[revision.words.end], ']');
                prop_assert_eq!(revision.words.end + 1, revision.whole.end);
                end = revision.whole.end;
            }
        }
    }
}
