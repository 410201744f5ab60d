//! When there is nothing to answer with, and how to say so. A refusal is an answer: it says what was searched. Knows no
//! model.

use crate::answer::language::Language;
use crate::config::Answer as AnswerConfig;
use crate::domain::ScoredPassage;
use crate::domain::content_terms;
use std::collections::BTreeSet;

/// Documents named in a refusal.
const MAX_TITLES: usize = 3;
/// A refusal of the model is short; a long sentence that holds such words says more.
const MAX_REFUSAL_CHARACTERS: usize = 80;

/// What speaks for an answer being in the passages, and what followed from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Evidence {
    /// Of the best passage, -1 to 1.
    pub(super) best_dense: Option<f32>,
    /// Share of the question's terms that stand in the passages, 0 to 1.
    pub(super) term_coverage: f32,
    /// Whether the model is asked.
    pub(super) enough: bool,
}

/// Why the documents do not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No collection may be read.
    NothingToSearch,
    /// Too little evidence for asking the model.
    NoEvidence,
    /// The model found nothing in the passages.
    ModelFoundNothing,
    /// Of what the model wrote, nothing could be traced to the passages.
    NothingVerified,
}

impl Refusal {
    /// The stable code that clients see.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NothingToSearch => "nothing_to_search",
            Self::NoEvidence | Self::ModelFoundNothing => "not_in_documents",
            Self::NothingVerified => "not_verified",
        }
    }

    /// Who decided, in the audit record.
    pub(super) const fn decided_by(self) -> &'static str {
        match self {
            Self::NothingToSearch => "access",
            Self::NoEvidence => "evidence",
            Self::ModelFoundNothing => "model",
            Self::NothingVerified => "verification",
        }
    }
}

/// Weighs the passages: the cosine of the best one and the share of the question's terms in all of them. One of the two
/// is enough: a paraphrase shares few terms, and a name may lie far from everything in the embedding.
pub(super) fn weigh(question: &str, passages: &[ScoredPassage], config: &AnswerConfig) -> Evidence {
    let best_dense = passages.iter().filter_map(|passage| passage.scores.dense).reduce(f32::max);
    let asked = content_terms(question);
    let offered: BTreeSet<String> = passages
        .iter()
        .flat_map(|found| {
            let mut terms = content_terms(&found.passage.text);
            terms.extend(found.passage.heading_path.iter().flat_map(|heading| content_terms(heading)));
            terms.extend(content_terms(&found.passage.title));
            terms
        })
        .collect();
    let covered = asked.intersection(&offered).count();
    let term_coverage = if asked.is_empty() { 0.0 } else { covered as f32 / asked.len() as f32 };
    let enough = !passages.is_empty()
        && (best_dense.is_some_and(|best| best >= config.min_dense)
            || (covered > 0 && term_coverage >= config.min_term_coverage));
    Evidence { best_dense, term_coverage, enough }
}

/// Says whether a sentence of the model is the refusal it was told to write, or a close relative of it.
pub(super) fn is_refusal(sentence: &str) -> bool {
    const PHRASES: &[&str] = &[
        "资料中未找到",
        "资料中没有",
        "资料未提及",
        "资料中未提及",
        "资料里没有",
        "未在资料中找到",
        "提供的资料中没有",
        "not in the sources",
        "not found in the sources",
        "sources do not",
        "sources don't",
        "no information",
        "not mentioned in the sources",
        "not provided in the sources",
    ];
    let lower = sentence.to_lowercase().replace('’', "'");
    lower.chars().count() <= MAX_REFUSAL_CHARACTERS && PHRASES.iter().any(|phrase| lower.contains(phrase))
}

/// The refusal for a person, in the language of the question.
pub(super) fn text(refusal: Refusal, language: Language, searched: &[ScoredPassage]) -> String {
    match language {
        Language::Chinese => chinese(refusal, searched),
        Language::English => english(refusal, searched),
    }
}

fn chinese(refusal: Refusal, searched: &[ScoredPassage]) -> String {
    let what = match refusal {
        Refusal::NothingToSearch => return "您目前没有可查阅的文档集，请联系管理员授权。".to_owned(),
        Refusal::NoEvidence | Refusal::ModelFoundNothing => "在您可查阅的文件中没有找到这个问题的答案。",
        Refusal::NothingVerified => "模型起草的回答无法在文件中得到印证，因此不予显示。",
    };
    let titles: Vec<String> = titles(searched).map(|title| format!("《{title}》")).collect();
    if titles.is_empty() {
        return format!("{what}检索没有找到任何段落。");
    }
    format!("{what}最接近的 {} 个段落来自：{}。", searched.len(), titles.join("、"))
}

fn english(refusal: Refusal, searched: &[ScoredPassage]) -> String {
    let what = match refusal {
        Refusal::NothingToSearch => {
            return "There is no collection that you may read. Ask an administrator for access.".to_owned();
        }
        Refusal::NoEvidence | Refusal::ModelFoundNothing => {
            "The documents that you may read do not answer this question."
        }
        Refusal::NothingVerified => {
            "What the model drafted could not be confirmed in the documents, so it is not shown."
        }
    };
    let titles: Vec<String> = titles(searched).map(|title| format!("“{title}”")).collect();
    if titles.is_empty() {
        return format!("{what} The search found no passage.");
    }
    format!("{what} The closest passages ({}) are from {}.", searched.len(), titles.join(", "))
}

fn titles(searched: &[ScoredPassage]) -> impl Iterator<Item = &str> {
    let mut seen = BTreeSet::new();
    searched
        .iter()
        .map(|found| found.passage.title.as_str())
        .filter(move |title| seen.insert(*title))
        .take(MAX_TITLES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_refuses_in_few_words() {
        let check = |sentence: &str, expected: bool| assert_eq!(is_refusal(sentence), expected, "{sentence}");

        check("资料中未找到。", true);
        check("根据提供的资料中没有相关信息。", true);
        check("Not in the sources.", true);
        check("The sources don’t say how long backups are kept.", true);
        check("差旅费用须在行程结束后三十日内提交。", false);
        check(&format!("{}资料中未找到", "很长的一句话，".repeat(12)), false);
    }

    #[test]
    fn a_refusal_says_what_was_searched_in_the_language_of_the_question() {
        assert_eq!(
            text(Refusal::NoEvidence, Language::Chinese, &[]),
            "在您可查阅的文件中没有找到这个问题的答案。检索没有找到任何段落。"
        );
        assert!(text(Refusal::NothingVerified, Language::English, &[]).starts_with("What the model drafted"));
        assert!(text(Refusal::NothingToSearch, Language::English, &[]).contains("administrator"));
    }
}
