//! The splitter's promises: nothing is lost, sizes hold, headings are respected.

use super::*;
use proptest::prelude::*;

/// Counts like a tokenizer: Latin words in pieces of six letters, every other visible character by itself.
fn count(text: &str) -> usize {
    let (mut tokens, mut run) = (0, 0);
    for c in text.chars() {
        run = if c.is_ascii_alphanumeric() { run + 1 } else { 0 };
        tokens += usize::from(if run == 0 { !c.is_whitespace() } else { run % 6 == 1 });
    }
    tokens
}

fn check(text: &str, shape: Shape, marks: &[Mark], wanted: usize) -> Vec<String> {
    let sizes = Sizes { wanted, most: wanted * 3 / 2 };
    let ranges = split(text, shape, marks, sizes, &count, &CancellationToken::new()).unwrap();
    let mut end = 0;
    for range in &ranges {
        let (gap, stretch) = (&text[end..range.start], &text[range.clone()]);
        assert!(gap.trim().is_empty() && (gap.is_empty() || gap.len() > MAX_BLANK), "lost {gap:?}");
        assert!(!stretch.trim().is_empty(), "a blank passage {range:?}");
        assert!(count(stretch) <= sizes.most || stretch.chars().count() == 1, "too long: {stretch:?}");
        end = range.end;
    }
    assert!(text[end..].trim().is_empty(), "lost {:?}", &text[end..]);
    ranges.into_iter().map(|range| text[range].to_owned()).collect()
}

fn mark(text: &str, heading: &str, level: u8) -> Mark {
    Mark { at: text.find(heading).unwrap(), level }
}

#[test]
fn a_short_text_is_one_passage() {
    assert_eq!(check("One line.\n", Shape::Lines, &[], 64), ["One line.\n"]);
}

#[test]
fn white_space_alone_is_no_passage() {
    assert!(check("", Shape::Lines, &[], 64).is_empty());
    assert!(check("\n \t\n", Shape::Lines, &[], 64).is_empty());
    assert_eq!(check("\n\n\na\n\n", Shape::Lines, &[], 64), ["\n\n\na\n\n"]);
}

#[test]
fn long_white_space_is_left_out() {
    let text = format!("start{}end", " ".repeat(100_000));

    let passages = check(&text, Shape::Lines, &[], 64);

    assert!(passages.iter().all(|passage| passage.len() < 8_000));
    assert!(passages.first().unwrap().starts_with("start") && passages.last().unwrap().ends_with("end"));
}

#[test]
fn sections_are_not_mixed_unless_they_are_short() {
    let body = "The tenant pays the rent every month. ".repeat(8);
    let text = format!("# Lease\n\n## Rent\n{body}\n## Term\nTwo years.\n## Notice\n{body}");
    let marks = [
        mark(&text, "# Lease", 1),
        mark(&text, "## Rent", 2),
        mark(&text, "## Term", 2),
        mark(&text, "## Not", 2),
    ];

    let passages = check(&text, Shape::Markdown, &marks, 128);

    assert_eq!(passages.len(), 2, "{passages:#?}");
    assert!(passages[0].starts_with("# Lease\n\n## Rent"));
    assert!(passages[1].starts_with("## Term\nTwo years.\n## Notice"));
}

#[test]
fn a_short_section_does_not_go_with_a_higher_one() {
    let text =
        format!("# A\n## A.1\n{}# B\n{}", "Eight words stand here. ".repeat(4), "More words. ".repeat(60));
    let marks = [mark(&text, "# A", 1), mark(&text, "## A.1", 2), mark(&text, "# B", 1)];

    let passages = check(&text, Shape::Lines, &marks, 128);

    assert!(passages[1].starts_with("# B"), "{passages:#?}");
}

#[test]
fn passages_of_one_section_have_about_the_same_size() {
    let text = "出租人应当按照约定将租赁物交付承租人使用。".repeat(40);

    let sizes: Vec<usize> =
        check(&text, Shape::Lines, &[], 320).iter().map(|passage| count(passage)).collect();

    assert_eq!(sizes.len(), 3, "{sizes:?}");
    assert!(sizes.iter().all(|size| (240..=320).contains(size)), "{sizes:?}");
}

#[test]
fn sentences_are_cut_at_their_ends_even_where_lines_are_broken() {
    let sentence = "The landlord shall deliver the premises to the tenant\nin good condition on the first day of the \
                    agreed term.\n";
    let text = sentence.repeat(30);

    let passages = check(&text, Shape::Lines, &[], 100);

    assert!(passages.iter().all(|passage| passage.trim_end().ends_with("term.")), "{passages:#?}");
}

#[test]
fn lists_and_clauses_keep_their_lines() {
    let text = "The following parts belong to the delivery and are paid for\n1. the engine of the machine\n\
                第二条 承租人应当按照约定的方法使用租赁物并且按照约定支付租金以及其他费用\n第三条 期限\n";

    assert_eq!(flow(text), text);
}

#[test]
fn flowing_text_is_as_long_as_the_text() {
    let text = "承租人应当按照约定的方法使用租赁物并且按照约定支付租\r\n金以及其他费用，逾期不支付的应当承担违约责任。\n";

    let flowing = flow(text);

    assert_eq!(flowing.len(), text.len());
    assert!(flowing.contains("支付租  金以及"));
}

#[test]
fn hostile_texts_end_in_time() {
    let began = std::time::Instant::now();
    for text in [
        "a".repeat(1 << 20),
        "𓀀".repeat(1 << 18),
        "> ".repeat(1 << 18),
        "[".repeat(1 << 18),
        "\n".repeat(1 << 20),
    ] {
        for shape in [Shape::Lines, Shape::Markdown] {
            check(&text, shape, &[], 320);
        }
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn a_cancelled_split_gives_nothing() {
    let over = CancellationToken::new();
    over.cancel();

    assert!(split("text", Shape::Lines, &[], Sizes { wanted: 64, most: 96 }, &count, &over).is_none());
}

fn texts() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        "[一-龥，。；]{0,80}",
        "([a-zA-Z]{1,9}[ ,.]){0,40}",
        "\\PC{0,30}",
        "[ \t\u{3000}\u{a0}]{0,40}",
        "(\r?\n){1,4}",
        "#{1,6} [a-z一-龥]{1,20}\n",
        "```\n[a-z #\n]{0,60}\n```\n",
        "\\| a \\| b \\|\n\\|---\\|---\\|\n(\\| 1 \\| 2 \\|\n){0,8}",
        "([-*] [a-z ]{1,30}\n){0,6}",
        "(👨‍👩‍👧|e\u{301}|🇨🇳|\u{fffd}|\u{feff}){0,10}",
    ];
    proptest::collection::vec(parts, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_character_is_lost_and_no_passage_is_too_long(
        text in texts(),
        markdown in any::<bool>(),
        wanted in 8_usize..200,
        places in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![1_u8..4, Just(Mark::PAUSE)]), 0..8),
    ) {
        let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut marks: Vec<Mark> =
            places.iter().map(|(place, level)| Mark { at: *place.get(&boundaries), level: *level }).collect();
        marks.sort_by_key(|mark| mark.at);
        let shape = if markdown { Shape::Markdown } else { Shape::Lines };

        let passages = check(&text, shape, &marks, wanted);

        if !passages.is_empty() && !text.contains(&" ".repeat(MAX_BLANK)) {
            prop_assert_eq!(passages.concat(), text);
        }
    }
}
