//! Words broken at the end of a line are put together again; the line ends after them instead.
//!
//! Whether a hyphen was set by the typesetter or belongs to the word is told by the document itself: by how it writes the
//! word where no line ends in it. Both pieces keep their boxes. Knows no glyphs.

use super::layout::PageText;
use crate::parsed::Span;
use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;

/// What stands before a hyphen as a word of its own more often than as the first syllable of another.
const FIRST_WORDS: &[&str] = &[
    "non", "self", "well", "long", "short", "high", "low", "third", "first", "second", "full", "half",
    "year", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twenty", "thirty",
    "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "quasi", "cross", "arm", "state", "follow",
    "read", "write", "user",
];
/// What ends a word and is none.
const ENDINGS: &[&str] =
    &["ing", "ings", "ed", "er", "ers", "est", "ish", "ness", "ly", "ity", "ities", "ment", "tion"];
/// So many words that the document has whole elsewhere are broken where the typesetter breaks words.
const MIN_BROKEN: usize = 3;
/// `short- and long-term`: the hyphen stands for what follows later.
const SUSPENDED: &[&str] = &["and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e"];

/// Mends the words of all pages.
pub(super) fn mend(pages: &mut [PageText]) {
    let is_broken = |page: &PageText| {
        page.text.contains("-\n")
            || page.text.contains(['\u{ad}', '\u{2010}'])
            || !page.tables.is_empty() && page.text.contains("- ")
    };
    if !pages.iter().any(is_broken) {
        return;
    }
    let mut vocabulary = Vocabulary::of(pages);
    let texts: Vec<Vec<char>> = pages.iter().map(|page| page.text.chars().collect()).collect();
    vocabulary.judge_setting(&texts);
    for (page, characters) in pages.iter_mut().zip(&texts).filter(|(page, _)| is_broken(page)) {
        let rows: Vec<Span> = page.tables.iter().flat_map(|table| table.rows.iter().copied()).collect();
        let edits = edits(characters, &rows, &vocabulary);
        apply(page, characters, &edits);
    }
}

/// What becomes of one character.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Edit {
    Drop(usize),
    Replace(usize, char),
}

impl Edit {
    fn at(self) -> usize {
        match self {
            Edit::Drop(at) | Edit::Replace(at, _) => at,
        }
    }
}

/// How the document writes words where no line ends in them; hashes, since only equality matters.
struct Vocabulary {
    words: HashSet<u64>,
    /// Two words with a hyphen between.
    compounds: HashSet<u64>,
    /// The first words of compounds.
    firsts: HashSet<u64>,
    /// A soft hyphen stands within lines: the font calls every hyphen soft.
    softens_all: bool,
    /// Words are broken by the typesetter, as far as can be seen; in most contracts they are not.
    is_hyphenated: bool,
}

impl Vocabulary {
    fn of(pages: &[PageText]) -> Self {
        let mut vocabulary = Self {
            words: HashSet::new(),
            compounds: HashSet::new(),
            firsts: HashSet::new(),
            softens_all: false,
            is_hyphenated: false,
        };
        for page in pages {
            let rows: HashSet<u32> =
                page.tables.iter().flat_map(|table| &table.rows).map(|row| row.start).collect();
            let mut start = 0;
            for line in page.text.split('\n') {
                let lines_of = if rows.contains(&start) { lines_of_row(line) } else { vec![line] };
                for line in lines_of {
                    vocabulary.read(line);
                }
                start += line.chars().count() as u32 + 1;
            }
        }
        vocabulary
    }

    /// Takes in a line; of a word that may be broken at its end or its start nothing is known.
    fn read(&mut self, line: &str) {
        let line = line.trim_end();
        let broken_at_end = line.ends_with(is_hyphen);
        let words: Vec<&str> = line.split(|c: char| !c.is_alphabetic() && !is_hyphen(c)).collect();
        let last = words.len().saturating_sub(1);
        for (index, word) in words.iter().enumerate() {
            if index == last && broken_at_end
                || index == 0 && last > 0 && line.starts_with(char::is_lowercase)
            {
                continue;
            }
            self.softens_all |= word.trim_matches('\u{ad}').contains('\u{ad}');
            let mut parts = word.split(is_hyphen).filter(|part| !part.is_empty()).peekable();
            while let Some(part) = parts.next() {
                if let Some(next) = parts.peek() {
                    self.firsts.insert(hash(&[part]));
                    self.compounds.insert(hash(&[part, "-", next]));
                }
                self.words.insert(hash(&[part]));
            }
        }
    }

    /// Sees whether lines end within words that the document also has whole, or within its compounds.
    fn judge_setting(&mut self, texts: &[Vec<char>]) {
        let (mut words, mut compounds) = (0, 0);
        for text in texts {
            let ends = (0..text.len()).filter(|at| is_hyphen(text[*at]) && text.get(at + 1) == Some(&'\n'));
            for broken in ends.filter_map(|at| Broken::at(text, at)) {
                let Broken { first, second, .. } = &broken;
                let is_compound = self.compounds.contains(&hash(&[first, "-", second]));
                compounds += usize::from(is_compound);
                words += usize::from(!is_compound && self.words.contains(&hash(&[first, second])));
            }
        }
        self.is_hyphenated = words >= MIN_BROKEN || words > compounds;
    }

    fn verdict(&self, broken: &Broken) -> Verdict {
        let Broken { first, second, soft, in_chain, .. } = broken;
        let (first, second) = (first.as_str(), second.as_str());
        let lower = |word: &str| word.chars().all(char::is_lowercase);
        let long = |word: &str, least: usize| word.chars().count() >= least;
        let (joined, compound) = (hash(&[first, second]), hash(&[first, "-", second]));
        if *soft && !self.softens_all {
            return Verdict::Join;
        }
        if SUSPENDED.contains(&second) {
            return Verdict::Leave;
        }
        if self.compounds.contains(&compound) || *in_chain && lower(second) {
            return Verdict::Keep;
        }
        if self.words.contains(&joined) && (lower(second) || !first.chars().any(char::is_lowercase)) {
            return Verdict::Join;
        }
        let starts_small = first.chars().skip(1).all(char::is_lowercase);
        if !starts_small || !lower(second) {
            return Verdict::Leave;
        }
        let small = first.to_lowercase();
        let known = |word: &str| self.words.contains(&hash(&[word]));
        let is_first_word = FIRST_WORDS.contains(&small.as_str()) && !ENDINGS.contains(&second);
        let is_first_of_others = self.firsts.contains(&hash(&[first]));
        let both_known = known(first) && known(second) && (long(first, 3) || long(second, 6));
        let two_words = long(second, 3) && (both_known || known(second) && is_first_of_others);
        let is_unlikely = !self.is_hyphenated && (known(first) || known(second));
        if is_first_word || two_words || is_unlikely {
            return Verdict::Keep;
        }
        if lower(first) && long(first, 2) && long(second, 2) { Verdict::Join } else { Verdict::Leave }
    }
}

/// What a line ends in the middle of.
struct Broken {
    first: String,
    second: String,
    soft: bool,
    /// More hyphens stand before or after: `state-of-the-art`.
    in_chain: bool,
    /// Where the second piece ends.
    end: usize,
}

impl Broken {
    /// Looks at a hyphen that a line break follows.
    fn at(text: &[char], at: usize) -> Option<Self> {
        let (first, second) = (letters_before(text, at), letters_after(text, at + 2));
        let start = at - first.chars().count();
        let end = at + 2 + second.chars().count();
        let before = start.checked_sub(1).map(|before| text[before]);
        let after = text.get(end).copied();
        // Addresses and part numbers break anywhere, and mean what they say.
        let is_other =
            |c: Option<char>| c.is_some_and(|c| c.is_numeric() || matches!(c, '/' | '@' | '_' | '\\' | '='));
        if first.is_empty() || second.is_empty() || is_other(before) || is_other(after) || before == Some('.')
        {
            return None;
        }
        let goes_on = after.is_some_and(is_hyphen) && text.get(end + 1) != Some(&'\n');
        let in_chain = before.is_some_and(is_hyphen) || goes_on;
        Some(Self { first, second, soft: text[at] == '\u{ad}', in_chain, end })
    }
}

/// What becomes of a hyphen at the end of a line.
enum Verdict {
    /// The typesetter set it: it goes.
    Join,
    /// It belongs to the word: it stays, and the line ends after the word.
    Keep,
    Leave,
}

/// Parts a row of a table at hyphens that lines of its cells end with: a space joins those lines.
fn lines_of_row(row: &str) -> Vec<&str> {
    let (mut lines, mut from) = (Vec::new(), 0);
    for (at, hyphen) in row.char_indices().filter(|(_, character)| is_hyphen(*character)) {
        let after = at + hyphen.len_utf8();
        if ends_line_of_cell(row[..at].chars().next_back(), row[after..].chars()) {
            lines.push(&row[from..after]);
            from = after + 1;
        }
    }
    lines.push(&row[from..]);
    lines
}

/// Says whether a hyphen within a row of a table, after a character and before others, ends a line of a cell.
fn ends_line_of_cell(before: Option<char>, mut after: impl Iterator<Item = char>) -> bool {
    before.is_some_and(char::is_alphabetic)
        && after.next() == Some(' ')
        && after.next().is_some_and(char::is_lowercase)
}

/// `rows` are those of tables.
fn edits(text: &[char], rows: &[Span], vocabulary: &Vocabulary) -> Vec<Edit> {
    let mut edits = Vec::new();
    let in_row = |at: usize| {
        let row = rows.partition_point(|row| row.end as usize <= at);
        rows.get(row).is_some_and(|row| row.start as usize <= at)
    };
    for (at, &character) in text.iter().enumerate().filter(|(_, character)| is_hyphen(**character)) {
        match text.get(at + 1) {
            Some('\n') => edits.extend(at_line_end(text, at, vocabulary)),
            Some(' ')
                if ends_line_of_cell(
                    at.checked_sub(1).map(|before| text[before]),
                    text[at + 1..].iter().copied(),
                ) && in_row(at) =>
            {
                edits.extend(at_line_end_of_cell(text, at, vocabulary));
            }
            // It was drawn, so it is seen.
            Some(_) if character == '\u{ad}' => edits.push(Edit::Replace(at, '-')),
            Some(_) | None => {}
        }
    }
    edits
}

fn at_line_end(text: &[char], at: usize, vocabulary: &Vocabulary) -> Vec<Edit> {
    let Some(broken) = Broken::at(text, at) else { return Vec::new() };
    let end = broken.end;
    let mut edits = match vocabulary.verdict(&broken) {
        Verdict::Leave => return Vec::new(),
        Verdict::Join => vec![Edit::Drop(at), Edit::Drop(at + 1)],
        Verdict::Keep if text[at] == '\u{ad}' => vec![Edit::Replace(at, '-'), Edit::Drop(at + 1)],
        Verdict::Keep => vec![Edit::Drop(at + 1)],
    };
    // The line ends after the word; what stands behind a tab is another cell of its row.
    match text[end..].iter().position(|character| character.is_whitespace()) {
        Some(length) if text[end + length] == ' ' => edits.push(Edit::Replace(end + length, '\n')),
        Some(length) if text[end + length] != '\n' => return Vec::new(),
        Some(_) | None => {}
    }
    edits
}

/// Within a row the line goes on after the word as it did before.
fn at_line_end_of_cell(text: &[char], at: usize, vocabulary: &Vocabulary) -> Vec<Edit> {
    let Some(broken) = Broken::at(text, at) else { return Vec::new() };
    let as_hyphen = (text[at] == '\u{ad}').then_some(Edit::Replace(at, '-'));
    match vocabulary.verdict(&broken) {
        Verdict::Leave => as_hyphen.into_iter().collect(),
        Verdict::Join => vec![Edit::Drop(at), Edit::Drop(at + 1)],
        Verdict::Keep => as_hyphen.into_iter().chain([Edit::Drop(at + 1)]).collect(),
    }
}

fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '\u{ad}' | '\u{2010}')
}

fn letters_before(text: &[char], at: usize) -> String {
    let start =
        text[..at].iter().rposition(|character| !character.is_alphabetic()).map_or(0, |other| other + 1);
    text[start..at].iter().collect()
}

fn letters_after(text: &[char], at: usize) -> String {
    text[at.min(text.len())..].iter().take_while(|character| character.is_alphabetic()).collect()
}

fn hash(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for character in parts.iter().flat_map(|part| part.chars()).flat_map(char::to_lowercase) {
        character.hash(&mut hasher);
    }
    hasher.finish()
}

/// Carries out edits, each of a character of its own, and moves the words with them.
fn apply(page: &mut PageText, characters: &[char], edits: &[Edit]) {
    if edits.is_empty() {
        return;
    }
    let mut becomes: Vec<Option<char>> = characters.iter().copied().map(Some).collect();
    for edit in edits {
        becomes[edit.at()] = match edit {
            Edit::Drop(_) => None,
            Edit::Replace(_, character) => Some(*character),
        };
    }
    let mut moved: Vec<u32> = Vec::with_capacity(characters.len() + 1);
    let mut count = 0;
    for character in &becomes {
        moved.push(count);
        count += u32::from(character.is_some());
    }
    moved.push(count);
    page.text = becomes.into_iter().flatten().collect();
    page.characters = count;
    page.moved(&moved);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::Rect;
    use crate::parsed::Word;
    use crate::pdf::layout::PageTable;
    use proptest::proptest;

    fn page(text: &str) -> PageText {
        let mut page = PageText {
            text: text.to_owned(),
            characters: text.chars().count() as u32,
            ..PageText::default()
        };
        let mut start = 0;
        for word in text.split(char::is_whitespace) {
            let end = start + word.chars().count() as u32;
            if end > start {
                page.words.push(Word { span: Span { start, end }, rect: Rect::default() });
            }
            start = end + 1;
        }
        page
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut pages = [page(text), page("Elsewhere: agreement, long-term, twenty-four, third party.")];

        mend(&mut pages);

        assert_eq!(pages[0].text, expected);
        assert_eq!(pages[0].characters as usize, expected.chars().count());
    }

    #[test]
    fn broken_words_are_joined_and_compounds_keep_their_hyphen() {
        check("this agree-\nment ends", "this agreement\nends");
        check("indemni-\nfication. It", "indemnification.\nIt");
        check("a long-\nterm lease", "a long-term\nlease");
        check("a non-\nexclusive right", "a non-exclusive\nright");
        check("any third-\nparty claim", "any third-party\nclaim");
        check("state-of-the-\nart and more", "state-of-the-art\nand more");
        check("Kauf\u{ad}\nvertrag von", "Kaufvertrag\nvon");
        check("the end of agree-\nment", "the end of agreement");
        check("a royalty-\nbearing license, a royalty", "a royalty-bearing\nlicense, a royalty");
        check("one agree-\nment or-\nganised so", "one agreement\norganised\nso");
    }

    #[test]
    fn words_broken_within_cells_are_joined_and_teach_no_halves() {
        let mut table =
            page("| this agree- ment ends | short- and long |\n| a long- term | non- exclusive |");
        let row = |start: u32, end: u32| Span { start, end };
        let rect = Rect::default();
        table.tables.push(PageTable { rows: vec![row(0, 43), row(44, 77)], header_rows: 0, rect });
        let mut pages = [table, page("an agree-\nment of long-term leases")];

        mend(&mut pages);

        assert_eq!(
            pages[0].text,
            "| this agreement ends | short- and long |\n| a long-term | non-exclusive |"
        );
        let rows: Vec<(u32, u32)> = pages[0].tables[0].rows.iter().map(|row| (row.start, row.end)).collect();
        assert_eq!(rows, [(0, 41), (42, 73)]);
        assert_eq!(pages[1].text, "an agreement\nof long-term leases");
    }

    #[test]
    fn what_may_mean_something_stays() {
        for text in [
            "short-\nand long",
            "part AB-\n12 of",
            "pages 10-\n12 of",
            "see http://a.example/foo-\nbar now",
            "Lessee-\nThe lessee",
            "a dash -\nor two",
            "cell agree-\tother\nment\tcell",
            "租金-\n押金",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_font_that_calls_every_hyphen_soft_is_seen_through() {
        check(
            "a short\u{ad}lived agree\u{ad}ment and long\u{ad}\nterm lease",
            "a short-lived agree-ment and long-term\nlease",
        );
    }

    proptest! {
        #[test]
        fn words_hold_the_same_letters_as_before(text in "[a-d\u{ad}\u{2010} \n\t.-]{0,60}") {
            let mut pages = [page(&text)];
            let letters = |page: &PageText| -> String {
                let characters: Vec<char> = page.text.chars().collect();
                let words = page.words.iter().flat_map(|word| &characters[word.span.start as usize..word.span.end as usize]);
                words.filter(|c| c.is_alphabetic()).collect()
            };
            let before = letters(&pages[0]);

            mend(&mut pages);

            assert_eq!(letters(&pages[0]), before);
            assert_eq!(pages[0].characters as usize, pages[0].text.chars().count());
            let ordered = pages[0].words.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
            assert!(ordered && pages[0].words.iter().all(|word| word.span.end <= pages[0].characters));
        }
    }
}
