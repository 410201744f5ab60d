//! The places of a passage that a sentence is compared with: each of its sentences, and each two neighbours, with what is
//! denied in them. Knows no claim.

use crate::answer::denial::fold;
use crate::answer::denial::is_negated;
use crate::answer::sentences::sentence_ranges;
use crate::answer::support::Substance;
use crate::domain::revision;
use std::ops::Range;

/// One or two sentences of a passage.
pub(super) struct Window {
    /// Characters of the passage.
    pub(super) range: Range<usize>,
    pub(super) substance: Substance,
    /// It may bear a claim out: of two sentences only where the second speaks of the first.
    pub(super) coherent: bool,
}

/// Every sentence, then every two neighbours: a single sentence that bears a claim out is the better place to show.
pub(super) fn windows(text: &[char]) -> Vec<Window> {
    let (mut single, mut denying_lead, mut goes_on) = (Vec::<Window>::new(), false, false);
    let stands = revision::standing(text);
    for range in sentence_ranges(text) {
        let sentence = &text[range.clone()];
        // What is deleted bears nothing out.
        let standing = sentence.iter().zip(&stands[range.clone()]).filter(|(_, stands)| **stands);
        let words: String = standing.map(|(character, _)| *character).collect();
        let mut substance = Substance::of(&words);
        let item = goes_on || opens_with_list_mark(sentence);
        if item && denying_lead {
            substance = substance.below_a_denial();
        }
        let lead = words.rfind([':', '：']).is_some_and(|colon| is_negated(&fold(&words[..colon])));
        denying_lead = lead || (item && denying_lead);
        goes_on = words.trim_end().ends_with(['；', ';', ':', '：']);
        single.push(Window { range, substance, coherent: true });
    }
    let pairs: Vec<Window> = single
        .windows(2)
        .map(|pair| Window {
            range: pair[0].range.start..pair[1].range.end,
            substance: pair[0].substance.and(&pair[1].substance),
            coherent: opens_with_pronoun(&text[pair[1].range.clone()]),
        })
        .collect();
    single.into_iter().chain(pairs).collect()
}

/// What these mean stands in a sentence before.
const PRONOUNS: &[&str] =
    &["it", "its", "they", "their", "this", "that", "these", "those", "such", "he", "she", "his", "her"];
/// After `this` and its like these name the document itself.
const SELF: &[&str] =
    &["agreement", "contract", "lease", "licence", "license", "policy", "document", "manual", "guide"];
const CHINESE_PRONOUNS: &[&str] =
    &["其", "它", "他", "她", "该", "此", "这", "那", "上述", "前述", "前款", "二者"];
const NO_PRONOUNS: &[&str] = &["其他", "其它", "此外", "他人", "他方"];

/// Says whether a sentence, its list mark aside, opens with a word that speaks of a sentence before.
pub(super) fn opens_with_pronoun(sentence: &[char]) -> bool {
    let text: String = fold(&sentence.iter().collect::<String>()).into_iter().collect();
    let text = text.trim_start_matches(|c: char| !c.is_alphabetic());
    let mut words = text.split(|c: char| !c.is_alphabetic());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let chinese = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    (PRONOUNS.contains(&first) && !SELF.contains(&second))
        || (chinese(CHINESE_PRONOUNS) && !chinese(NO_PRONOUNS))
}

/// Recognises `- `, `•`, `(a)`, `（二）`.
pub(super) fn opens_with_list_mark(sentence: &[char]) -> bool {
    sentence.iter().find(|c| !c.is_whitespace()).is_some_and(|c| "-*•●·(（".contains(*c))
}
