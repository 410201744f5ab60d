//! Where a long page is cut, always at the same places: before a heading, else between paragraphs, lines or words. Knows no
//! block.

use std::ops::Range;

/// Characters of a section at most, and, where a good place to cut can be chosen, at least.
pub(super) const MOST: usize = 20_000;
const LEAST: usize = 5_000;

/// Cuts a text; the headings with their levels are in its order. At least one section, which cover it.
pub(super) fn sections(text: &str, headings: &[(u8, Range<usize>)]) -> Vec<Range<usize>> {
    let (mut sections, mut start, mut rest) = (Vec::new(), 0, text);
    loop {
        let Some((past, _)) = rest.char_indices().nth(MOST) else {
            let end = start + rest.chars().count();
            if end > start || sections.is_empty() {
                sections.push(start..end);
            }
            return sections;
        };
        let length = length(&rest[..past], start, headings);
        sections.push(start..start + length);
        let byte = rest.char_indices().nth(length).map_or(rest.len(), |(byte, _)| byte);
        (start, rest) = (start + length, &rest[byte..]);
    }
}

/// How many characters of `most` the section takes that begins at `start`.
fn length(most: &str, start: usize, headings: &[(u8, Range<usize>)]) -> usize {
    let from = headings.partition_point(|(_, range)| range.start < start + LEAST);
    let past = headings.partition_point(|(_, range)| range.start <= start + MOST);
    let within = headings[from..past.max(from)].iter();
    // The last of the highest.
    if let Some((_, heading)) = within.rev().min_by_key(|(level, _)| *level) {
        return heading.start - start;
    }
    let least = most.char_indices().nth(LEAST).map_or(0, |(byte, _)| byte);
    let late = &most[least..];
    let cut = ["\n\n", "\n", " "].iter().find_map(|end| late.rfind(end).map(|at| least + at + end.len()));
    cut.map_or(MOST, |byte| most[..byte].chars().count())
}

/// The characters of a range of a text.
pub(super) fn cut<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    let byte = |text: &str, character: usize| {
        text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte)
    };
    let from = &text[byte(text, range.start)..];
    &from[..byte(from, range.len())]
}

/// The part of a range that lies in a section, counted from its start; none if none does.
pub(super) fn within(range: &Range<usize>, section: &Range<usize>) -> Option<Range<usize>> {
    let (start, end) = (range.start.max(section.start), range.end.min(section.end));
    (start < end).then(|| start - section.start..end - section.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_book_is_cut_before_its_chapters() {
        let chapter = format!("Chapter\n\n{}", "words of it.\n\n".repeat(600));
        let length = chapter.chars().count();
        let text = chapter.repeat(5);
        let headings: Vec<(u8, Range<usize>)> = (0..5).map(|at| (1, at * length..at * length + 7)).collect();

        let sections = sections(&text, &headings);

        assert!(sections.iter().all(|section| section.start.is_multiple_of(length)), "{sections:?}");
        assert_eq!(sections.len(), 3, "{length} {sections:?}");
    }

    #[test]
    fn a_text_without_headings_is_cut_between_paragraphs_and_one_without_anything_anywhere() {
        let paragraphs = "words of it.\n\n".repeat(3_000);
        let solid = "字".repeat(45_000);

        let between = sections(&paragraphs, &[]);
        let anywhere = sections(&solid, &[]);

        assert!(between.iter().all(|section| section.end.is_multiple_of(14)), "{between:?}");
        assert_eq!(anywhere, [0..20_000, 20_000..40_000, 40_000..45_000]);
        assert_eq!(sections("", &[]).first(), Some(&(0..0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn sections_cover_the_text_within_the_bound(
            pieces in prop::collection::vec((0_usize..4, 1_usize..4_000), 0..20),
            headings in prop::collection::vec((1_u8..4, 0_usize..60_000), 0..30),
        ) {
            const PIECES: [&str; 4] = ["a字", "words of it ", "a line\n", "a paragraph\n\n"];
            let text: String = pieces.into_iter().map(|(piece, times)| PIECES[piece].repeat(times)).collect();
            let mut headings: Vec<(u8, Range<usize>)> = headings.into_iter().map(|(level, at)| (level, at..at + 3)).collect();
            headings.sort_by_key(|(_, range)| range.start);

            let sections = sections(&text, &headings);

            prop_assert_eq!(sections.first().map(|section| section.start), Some(0));
            prop_assert_eq!(sections.last().map(|section| section.end), Some(text.chars().count()));
            prop_assert!(sections.windows(2).all(|pair| pair[0].end == pair[1].start && !pair[0].is_empty()));
            prop_assert!(sections.iter().all(|section| section.len() <= MOST));
            let joined: String = sections.iter().map(|section| cut(&text, section)).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
