//! Verdicts over passages as documents have them.

use super::*;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::PassageId;
use crate::domain::PassageScores;
use crate::domain::ScoredPassage;
use crate::domain::content_terms;
use proptest::prelude::*;

const TRAVEL: &str = "第八条 差旅费用须在行程结束后三十日内，\n通过财务系统提交报销单。逾期不予受理。";
const BACKUP: &str = "The production database is backed up every night. Backups are kept for ninety days in two places. \
                      The fee is EUR 2,500 per month; it is due on the first working day.";

fn source(text: &str, start: u32) -> Source {
    let document = DocumentId::new();
    let passage = Passage {
        passage_id: PassageId::derive(document, 1, 0),
        document_id: document,
        collection_id: CollectionId::new(),
        version: 1,
        ordinal: 0,
        title: "Contract".into(),
        page: 1,
        span: Span { start, end: start + text.chars().count() as u32 },
        boxes: vec![],
        heading_path: vec![],
        table_header: None,
        text: text.into(),
    };
    Source::new(ScoredPassage { passage, scores: PassageScores::default() }, usize::MAX)
}

fn checked(draft: &str) -> (SentenceVerdict, Vec<(usize, String)>, bool) {
    let sources = [source(TRAVEL, 0), source(BACKUP, 1_000)];
    let check = check(draft, &content_terms("For how many days are backups kept?"), &sources);
    let quotes = check.places.iter().map(|(at, range)| (at + 1, sources[*at].quote(range).0)).collect();
    (check.verdict, quotes, check.reattached)
}

fn quoted(draft: &str, mark: usize, quote: &str) {
    assert_eq!(checked(draft), (SentenceVerdict::Quoted, vec![(mark, quote.to_owned())], false), "{draft}");
}

fn supported(draft: &str, mark: usize, quote: &str) {
    assert_eq!(
        checked(draft),
        (SentenceVerdict::Supported, vec![(mark, quote.to_owned())], false),
        "{draft}"
    );
}

fn unsupported(draft: &str) {
    assert_eq!(checked(draft), (SentenceVerdict::Unsupported, vec![], false), "{draft}");
}

#[test]
fn what_is_deleted_is_neither_quoted_nor_borne_out() {
    let passage =
        "The deposit is returned within [deleted: thirty][inserted: sixty] days. It bears interest.";
    let sources = [source(passage, 0)];
    let check = |draft: &str| check(draft, &content_terms("When is the deposit returned?"), &sources);
    let whole = "The deposit is returned within [deleted: thirty][inserted: sixty] days";

    for (draft, verdict) in [
        ("The deposit is returned within sixty days. [1]", SentenceVerdict::Quoted),
        ("Within sixty days the deposit is returned. [1]", SentenceVerdict::Supported),
    ] {
        let checked = check(draft);
        assert_eq!(checked.verdict, verdict, "{draft}");
        assert!(sources[0].quote(&checked.places[0].1).0.starts_with(whole), "{draft}");
    }
    let denied = check("The deposit is returned within thirty days. [1]");
    assert!(denied.own_words || denied.verdict == SentenceVerdict::Unsupported, "{denied:?}");
}

#[test]
fn a_copy_is_quoted_with_the_characters_of_the_passage() {
    quoted(
        "差旅费用须在行程结束后三十日内，通过财务系统提交报销单。[1]",
        1,
        "差旅费用须在行程结束后三十日内，\n通过财务系统提交报销单",
    );
    quoted(
        "BACKUPS ARE KEPT for ninety days in two places [2].",
        2,
        "Backups are kept for ninety days in two places",
    );
    quoted("- “Backups are kept for ninety days.” [2]", 2, "Backups are kept for ninety days");
}

#[test]
fn the_line_above_a_source_is_no_part_of_what_is_quoted() {
    let sources = [source(BACKUP, 0)];
    let check = check(
        "Contract, p. 1: Backups are kept for ninety days in two places. [1]",
        &BTreeSet::new(),
        &sources,
    );

    assert_eq!(check.verdict, SentenceVerdict::Quoted);
    assert_eq!(check.text, "Backups are kept for ninety days in two places.");
}

#[test]
fn a_sentence_with_the_terms_and_numbers_of_one_place_is_supported() {
    supported(
        "The backups are kept in two places for ninety days. [2]",
        2,
        "Backups are kept for ninety days in two places.",
    );
    supported(
        "The fee per month is EUR 2500 [2].",
        2,
        "The fee is EUR 2,500 per month; it is due on the first working day.",
    );
}

#[test]
fn another_number_is_unsupported_and_the_contrary_gives_way_to_what_the_passage_says() {
    unsupported("Backups are kept in two places for sixty days. [2]");
    unsupported("The fee per month is EUR 3,500. [2]");
    quoted(
        "The backups are not kept for ninety days in two places. [2]",
        2,
        "Backups are kept for ninety days in two places.",
    );
    unsupported("差旅费用须在行程结束后六十日内通过财务系统提交报销单。[1]");
}

#[test]
fn a_wrong_or_missing_mark_is_mended_only_for_the_words_of_a_passage() {
    let copy = "Backups are kept for ninety days in two places";
    let mended = |words: &str| (SentenceVerdict::Quoted, vec![(2, words.to_owned())], true);

    assert_eq!(checked(&format!("{copy}. [1]")), mended(copy));
    assert_eq!(checked(&format!("{copy}.")), mended(copy));
    assert_eq!(checked(&format!("{copy}. [7]")), mended(copy));
    assert_eq!(
        checked("The backups are kept in two places for ninety days. [1]"),
        mended(&format!("{copy}."))
    );
    unsupported("In two. [1]");
}

#[test]
fn a_sentence_without_any_mark_takes_the_same_tests_over_each_passage_alone() {
    let check = checked("The backups are kept in two places for ninety days.");
    assert_eq!((check.0, check.2), (SentenceVerdict::Supported, true));
    unsupported("The backups are kept in three places for ninety days.");
}

#[test]
fn words_in_quotation_marks_must_stand_in_the_cited_passage() {
    supported(
        "The “backups are kept for ninety days” in two places. [2]",
        2,
        "Backups are kept for ninety days in two places.",
    );
    unsupported("It says that backups are “always kept for ninety days” in two places. [2]");
}

#[test]
fn nothing_made_up_is_supported() {
    unsupported("The office is in Bremen. [2]");
    unsupported("Ninety. [1]");
    unsupported("[1][2]");
    unsupported("");
}

#[test]
fn nothing_is_supported_without_sources() {
    assert_eq!(check("Backups are kept. [1]", &BTreeSet::new(), &[]).verdict, SentenceVerdict::Unsupported);
}

proptest! {
    #[test]
    fn a_quote_is_exactly_the_characters_of_its_span(
        content in "[a-z甲乙丙 0-9.,。\\n“”]{20,200}",
        cut in (0..100_usize, 20..120_usize),
        words in (0..100_usize, 4..40_usize),
    ) {
        let characters: Vec<char> = content.chars().collect();
        let start = cut.0.min(characters.len() - 1);
        let text: String = characters[start..(start + cut.1).min(characters.len())].iter().collect();
        let length = text.chars().count();
        let from = words.0.min(length - 1);
        let draft: String = text.chars().skip(from).take(words.1).collect::<String>() + "[1]";
        let sources = [source(&text, start as u32)];

        for (at, range) in check(&draft, &BTreeSet::new(), &sources).places {
            let (quote, span) = sources[at].quote(&range);
            let expected: String = characters[span.start as usize..span.end as usize].iter().collect();
            prop_assert_eq!(quote, expected);
        }
    }

    #[test]
    fn checking_never_fails(draft in "\\PC{0,120}", text in "\\PC{0,200}") {
        let check = check(&draft, &BTreeSet::new(), &[source(&text, 5)]);
        prop_assert_eq!(check.verdict == SentenceVerdict::Unsupported, check.places.is_empty());
    }
}

/// What becomes of a draft over one passage under a heading.
fn over(heading: &str, passage: &str, draft: &str) -> (SentenceVerdict, String) {
    let asked = content_terms("When are the archive fees due? 乙方可以转租吗？ Is the deposit refunded?");
    let scored = source(passage, 0).scored().clone();
    let passage = Passage { heading_path: vec![heading.to_owned()], ..scored.passage };
    let sources = [Source::new(ScoredPassage { passage, ..scored }, usize::MAX)];
    let check = check(draft, &asked, &sources);
    assert!(check.text == check.drafted || check.own_words);
    if check.own_words {
        let words = Folded::new(&check.text.chars().collect::<Vec<_>>());
        assert!(sources[0].folded().find(&words).is_some(), "{}", check.text);
    }
    (check.verdict, check.text)
}

#[test]
fn a_sentence_that_no_place_bears_out_gives_way_to_the_words_of_the_nearest() {
    let fees = "The fees of the archive are set by the board. The board meets twice. Payment is due in May, never in ad-\nvance.";
    let given_way = |words: &str| (SentenceVerdict::Quoted, words.to_owned());
    let withheld =
        |draft: &str| assert_eq!(over("", fees, draft), (SentenceVerdict::Unsupported, draft.to_owned()));

    assert_eq!(
        over("", fees, "The archive fees are due in May. [1]"),
        given_way("Payment is due in May, never in ad-vance.")
    );
    withheld("The archive fees are due in June.");
    withheld("The archive fees are due on 5 May.");
    withheld("The rent is due in May.");
    assert_eq!(
        over("", "未经甲方同意，\n乙方不得转租该房屋，但可以分租一间。", "乙方可以转租该房屋。"),
        given_way("未经甲方同意，乙方不得转租该房屋，但可以分租一间。")
    );
}

#[test]
fn own_words_stand_for_themselves() {
    let withheld = |passage: &str, draft: &str| {
        assert_eq!(over("", passage, draft), (SentenceVerdict::Unsupported, draft.to_owned()), "{passage}");
    };
    let middle = "if the premises are handed over clean and in repair,\n".repeat(8);

    withheld(
        &format!(
            "No deposit shall,\n{middle}be refunded to the tenant within 30 days of the end of the lease."
        ),
        "The deposit is refunded to the tenant within 30 days.",
    );
    assert_eq!(
        over(
            "",
            "The archive fees are set by the board. The rent is EUR 500. It is due in May.",
            "The archive fees are due in May."
        ),
        (SentenceVerdict::Quoted, "The rent is EUR 500. It is due in May.".to_owned())
    );
}

#[test]
fn a_heading_bears_nothing_out() {
    let check = |heading: &str, passage: &str, draft: &str| {
        assert_ne!(
            over(heading, passage, draft),
            (SentenceVerdict::Supported, draft.to_owned()),
            "{heading}"
        );
    };

    check(
        "Subletting",
        "The tenant may not sublet the flat, but the tenant may share the flat.",
        "The tenant may sublet the flat.",
    );
    check("转租", "乙方不得转租，乙方可以分租一间。", "乙方可以转租一间。");
    check(
        "Items not covered",
        "Damage by water, mould and frost.",
        "Damage by water, mould and frost is covered.",
    );
    check("Deposits and fees", "Fees are refunded within 30 days.", "Deposits are refunded within 30 days.");
}

#[test]
fn what_follows_a_denial_is_no_copy_and_yes_is_none_either() {
    let unsupported = |passage: &str, draft: &str| {
        assert_ne!(over("", passage, draft), (SentenceVerdict::Quoted, without_marks(draft).0), "{passage}");
    };

    unsupported("人为损坏不属于保修范围。", "属于保修范围。[1]");
    unsupported("The deposit is not refundable after delivery.", "Refundable after delivery. [1]");
    unsupported("The tenant can’t sublet the flat.", "Sublet the flat. [1]");
    unsupported("The deposit shall not be refunded after delivery.", "Refunded after delivery. [1]");
    unsupported(
        "The tenant may sublet the flat under no circumstances.",
        "The tenant may sublet the flat. [1]",
    );
    unsupported("乙方不得转租该房屋。", "转租该房屋。[1]");
    for (passage, bare) in [
        ("经甲方同意，乙方可以分租。", "可以。[1]"),
        ("The tenant may sublet.", "May. [1]"),
        ("Pets are allowed.", "Allowed. [1]"),
    ] {
        assert_eq!(over("", passage, bare).0, SentenceVerdict::Unsupported, "{bare}");
    }
}

/// What is shown of a draft over passages of one document.
fn shown(question: &str, passages: &[&str], draft: &str) -> Option<(String, usize, bool)> {
    let first = source(passages[0], 0).scored().clone();
    let sources: Vec<Source> = passages
        .iter()
        .map(|text| {
            let passage = Passage { text: (*text).to_owned(), ..first.passage.clone() };
            Source::new(ScoredPassage { passage, ..first.clone() }, usize::MAX)
        })
        .collect();
    let check = check(draft, &content_terms(question), &sources);
    let (place, _) = check.places.first()?;
    Some((check.text, place + 1, check.reattached))
}

#[test]
fn a_clause_need_not_call_itself_the_kind_of_thing_asked_for() {
    let lease =
        ["Either party may terminate this lease by giving ninety days written notice. The rent is EUR 500."];
    let clause = "Either party may terminate this lease by giving ninety days written notice.";
    let asked = "What is the notice period?";

    assert_eq!(
        shown(asked, &lease, "The notice period is ninety days. [1]"),
        Some((clause.into(), 1, false))
    );
    assert_eq!(shown(asked, &lease, "The notice period is thirty days. [1]"), None);
    assert_eq!(shown("What is the deposit period?", &lease, "The deposit period is ninety days. [1]"), None);
    assert_eq!(shown("How long is the period?", &lease, "The period is ninety days. [1]"), None);
    assert_eq!(
        shown(
            "解除租约的通知期限是多久？",
            &["任何一方可提前九十日书面通知解除租约。"],
            "通知期限是九十日。"
        ),
        Some(("任何一方可提前九十日书面通知解除租约。".into(), 1, true))
    );
}

#[test]
fn few_words_are_an_answer_only_where_the_place_speaks_of_the_question() {
    let fort = ["因此炮台的名称取其英语音译为鸭巴甸炮台。", "安装Debian最少需要780MB的内存。保密"];

    assert_eq!(shown("温泉关的音译是什么？", &fort, "鸭巴甸炮台 [1]"), None);
    assert_eq!(shown("炮台的音译是什么？", &fort, "鸭巴甸 [1]"), Some(("鸭巴甸".into(), 1, false)));
    assert_eq!(shown("安装 Debian 最少需要多少内存？", &fort, "780MB [2]"), Some(("780MB".into(), 2, false)));
    assert_eq!(shown("How much memory does Debian need?", &fort, "保密 [2]"), None);
}

#[test]
fn a_clause_is_found_under_the_name_that_another_passage_gives() {
    let passages = [
        "Bremen Tools GmbH is the Supplier and Lindau Works AG the Customer.",
        "The Supplier shall deliver spare parts within twelve hours of the order.",
    ];
    let asked = "When does Bremen Tools deliver spare parts?";
    let draft = "Bremen Tools shall deliver spare parts within twelve hours.";
    let clause = Some((passages[1].to_owned(), 2, true));

    assert_eq!(shown(asked, &passages, draft), clause);
    assert_eq!(shown(asked, &passages, &format!("{draft} [1]")), clause);
    assert_eq!(shown(asked, &passages[1..], draft), None);
}
