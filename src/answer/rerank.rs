//! The candidates that Postgres confirms for this asker now, in the order of the search, without repetitions; tables of
//! contents and scraps, which name everything and say nothing, come last. The index is a cache and no boundary: what it
//! names is read again under the same filter. Knows no prompt.

use crate::answer::AnswerError;
use crate::answer::admit::Admitted;
use crate::answer::retrieve::Candidates;
use crate::domain::AclFilter;
use crate::domain::DocumentId;
use crate::domain::Passage;
use crate::domain::PassageId;
use crate::domain::ScoredPassage;
use crate::domain::content_terms;
use crate::ports::Documents;
use crate::ports::Hit;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Among the passages.
    Kept,
    /// Not readable for this asker now, or of a version that is not visible, or was not then.
    NotConfirmed,
    /// Its text stands in a better one.
    Duplicate,
    /// Enough were better.
    BeyondLimit,
}

impl Decision {
    /// The name in the audit record.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::NotConfirmed => "not_confirmed",
            Self::Duplicate => "duplicate",
            Self::BeyondLimit => "beyond_limit",
        }
    }
}

/// A candidate with what became of it, for the record.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) hit: Hit,
    pub(super) decision: Decision,
    /// A table of contents or a scrap: it came after the others.
    pub(super) only_names: bool,
    /// Of the confirmed text, hex.
    pub(super) text_sha256: Option<String>,
    /// Where a confirmed passage stands; nothing is known here of what is not readable for the asker.
    pub(super) place: Option<Place>,
}

/// Document, version and page (from 1) of a passage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) document: DocumentId,
    pub(super) version: i32,
    pub(super) page: u32,
}

impl Place {
    const fn of(passage: &Passage) -> Self {
        Self { document: passage.document_id, version: passage.version, page: passage.page }
    }
}

/// Passages whose text the asker may read, best first; only [`rerank`] makes them.
pub(super) struct Passages {
    kept: Vec<ScoredPassage>,
    decided: Vec<Decided>,
}

impl Passages {
    pub(super) fn kept(&self) -> &[ScoredPassage] {
        &self.kept
    }

    pub(super) fn decided(&self) -> &[Decided] {
        &self.decided
    }

    pub(super) fn into_kept(self) -> Vec<ScoredPassage> {
        self.kept
    }
}

/// Confirms the candidates and keeps at most `limit`.
///
/// # Errors
/// When the documents cannot be read.
#[tracing::instrument(name = "rerank", skip_all, fields(answer.id = %admitted.id()))]
pub(super) async fn rerank(
    admitted: &Admitted,
    candidates: &Candidates,
    filter: &AclFilter,
    documents: &dyn Documents,
    limit: usize,
) -> Result<Passages, AnswerError> {
    let ids: Vec<PassageId> = candidates.hits().iter().map(|hit| hit.passage).collect();
    let found =
        if ids.is_empty() { Vec::new() } else { documents.passages(&ids, filter, admitted.moment()).await? };
    let scope = admitted.documents();
    let confirmed: BTreeMap<PassageId, Passage> = found
        .into_iter()
        .filter(|passage| filter.allows(passage.collection_id))
        .filter(|passage| scope.is_empty() || scope.contains(&passage.document_id))
        .map(|passage| (passage.passage_id, passage))
        .collect();
    Ok(select(&telling_first(candidates.hits(), &confirmed), confirmed, limit))
}

/// Puts passages that say something before those that only name it, each in the order of the search.
fn telling_first(hits: &[Hit], confirmed: &BTreeMap<PassageId, Passage>) -> Vec<Hit> {
    let bare = |hit: &&Hit| confirmed.get(&hit.passage).is_some_and(|passage| only_names(&passage.text));
    let (last, first): (Vec<&Hit>, Vec<&Hit>) = hits.iter().partition(bare);
    first.into_iter().chain(last).copied().collect()
}

/// Recognises a table of contents, by lines that lead to a page number, and a scrap of fewer than two terms.
fn only_names(text: &str) -> bool {
    const FEW: usize = 2;
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let leading = lines().filter(|line| leads_to_page(line)).count();
    leading * 2 > lines().count() || content_terms(text).len() < FEW
}

/// Recognises `Rent . . . . . 12` and `租金……12`.
fn leads_to_page(line: &str) -> bool {
    const LONGEST_NUMBER: usize = 6;
    let solid: String = line.chars().filter(|character| !character.is_whitespace()).collect();
    let name = solid.trim_end_matches(|c: char| c.is_ascii_digit() || "ivxlcIVXLC".contains(c));
    let leader = name.chars().rev().take_while(|character| matches!(character, '.' | '…' | '·' | '．'));
    (1..=LONGEST_NUMBER).contains(&(solid.len() - name.len()))
        && (leader.count() >= 3 || name.ends_with("……"))
}

fn select(hits: &[Hit], mut confirmed: BTreeMap<PassageId, Passage>, limit: usize) -> Passages {
    let (mut kept, mut decided) = (Vec::new(), Vec::with_capacity(hits.len()));
    let mut texts: BTreeSet<String> = BTreeSet::new();
    for hit in hits {
        let passage = confirmed.remove(&hit.passage);
        let only_names = passage.as_ref().is_some_and(|passage| only_names(&passage.text));
        let text_sha256 = passage.as_ref().map(|passage| hex::encode(Sha256::digest(&passage.text)));
        let place = passage.as_ref().map(Place::of);
        let decision = match passage {
            None => Decision::NotConfirmed,
            Some(passage) if !texts.insert(solid(&passage.text)) => Decision::Duplicate,
            Some(_) if kept.len() >= limit => Decision::BeyondLimit,
            Some(passage) => {
                kept.push(ScoredPassage { passage, scores: hit.scores });
                Decision::Kept
            }
        };
        decided.push(Decided { hit: *hit, decision, only_names, text_sha256, place });
    }
    Passages { kept, decided }
}

/// Text without white space and case: the same boilerplate in two contracts differs in little else.
fn solid(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CollectionId;
    use crate::domain::PassageScores;
    use crate::domain::Span;

    fn passage(text: &str) -> Passage {
        let document = DocumentId::new();
        Passage {
            passage_id: PassageId::derive(document, 1, 0),
            document_id: document,
            collection_id: CollectionId::new(),
            version: 1,
            ordinal: 0,
            title: "Contract".into(),
            page: 1,
            span: Span { start: 0, end: text.chars().count() as u32 },
            boxes: vec![],
            heading_path: vec![],
            table_header: None,
            text: text.into(),
        }
    }

    #[test]
    fn tables_of_contents_and_scraps_come_last() {
        let check = |text: &str, expected: bool| assert_eq!(only_names(text), expected, "{text}");

        check(
            "CONTENTS\n\n1 Scope of this lease 3\n2.1 Rent . . . . . . . . 5\n2.2 Deposit . . . . . 6\n2.3 Keys . . .  7",
            true,
        );
        check("第一章 总则……1\n第二章 租金…………12", true);
        check("6.5 ", true);
        check("The tenant pays rent monthly ...\nThe landlord keeps the roof in repair.", false);
        check("承租人应当按月支付租金。", false);
        check("租期五年。", false);
        check("Press and hold ... until the lamp lights", false);

        let passages = [passage("Rent . . . . . 12"), passage("The rent is due on the fifth day.")];
        let hits = passages
            .each_ref()
            .map(|found| Hit { passage: found.passage_id, scores: PassageScores::default() });
        let confirmed = passages.iter().map(|found| (found.passage_id, found.clone())).collect();
        let order: Vec<PassageId> = telling_first(&hits, &confirmed).iter().map(|hit| hit.passage).collect();
        assert_eq!(order, [passages[1].passage_id, passages[0].passage_id]);
    }

    #[test]
    fn the_order_of_the_search_is_kept_and_every_candidate_is_accounted_for() {
        let passages = [passage("a"), passage("b"), passage("B "), passage("c"), passage("d")];
        let unknown = PassageId::derive(DocumentId::new(), 1, 0);
        let ids = [
            passages[1].passage_id,
            unknown,
            passages[2].passage_id,
            passages[0].passage_id,
            passages[3].passage_id,
            passages[1].passage_id,
        ];
        let hits: Vec<Hit> =
            ids.iter().map(|id| Hit { passage: *id, scores: PassageScores::default() }).collect();
        let confirmed = passages.iter().map(|passage| (passage.passage_id, passage.clone())).collect();

        let selected = select(&hits, confirmed, 2);

        let texts: Vec<&str> = selected.kept().iter().map(|kept| kept.passage.text.as_str()).collect();
        assert_eq!(texts, ["b", "a"]);
        let decisions: Vec<&str> =
            selected.decided().iter().map(|decided| decided.decision.as_str()).collect();
        assert_eq!(
            decisions,
            ["kept", "not_confirmed", "duplicate", "kept", "beyond_limit", "not_confirmed"]
        );
    }
}
